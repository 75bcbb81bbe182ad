"""One front for all tests of a run, and keys for them."""

import pathlib

import pytest

import front as fronts
from keys import Keys


@pytest.fixture(scope="session")
def folder():
    with fronts.fresh_folder() as path:
        yield pathlib.Path(path)


@pytest.fixture(scope="session")
def hsm(folder):
    return fronts.Hsm(folder / "hsm").token()


@pytest.fixture(scope="session")
def front(hsm):
    with fronts.Front(hsm) as front:
        yield front


@pytest.fixture(scope="session")
def kms(front):
    """A client of the first Region."""
    return front.client()


@pytest.fixture(scope="session")
def unchecked(front):
    """The same, without the client's own checks."""
    return front.unchecked()


@pytest.fixture(scope="session")
def elsewhere(front):
    """A client of the second Region."""
    return front.client(region=fronts.REGIONS[1])


@pytest.fixture(scope="session")
def keys(kms):
    return Keys(kms)


@pytest.fixture
def key(keys):
    """A fresh symmetric key."""
    return keys.fresh()
