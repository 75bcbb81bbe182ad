"""One token for all tests of a run, one front for each module of tests, and keys for them.

A module that wants a front of another kind says so in FRONT: the settings beside those that every front has.
"""

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


@pytest.fixture(scope="module")
def front(hsm, request):
    with fronts.Front(hsm, **getattr(request.module, "FRONT", {})) as front:
        yield front


@pytest.fixture(scope="module")
def kms(front):
    """A client of the first Region."""
    return front.client()


@pytest.fixture(scope="module")
def unchecked(front):
    """The same, without the client's own checks."""
    return front.unchecked()


@pytest.fixture(scope="module")
def elsewhere(front):
    """A client of the second Region."""
    return front.client(region=fronts.REGIONS[1])


@pytest.fixture(scope="session")
def shared():
    """Keys that several tests use, by what they are; they outlive their front, as all keys do."""
    return {}


@pytest.fixture(scope="module")
def keys(kms, shared):
    return Keys(kms, shared)


@pytest.fixture
def key(keys):
    """A fresh symmetric key."""
    return keys.fresh()
