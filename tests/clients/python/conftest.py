"""The token that the tests use, made by the script that starts them."""

import os

import pkcs11
import pytest


@pytest.fixture(scope="session")
def module():
    return os.environ["MODULE"]


@pytest.fixture(scope="session")
def pin():
    return os.environ["PIN"]


@pytest.fixture(scope="session")
def token(module):
    return pkcs11.lib(module).get_token(token_label=os.environ["TOKEN"])


@pytest.fixture
def session(token, pin):
    """A session of the user that may write; what a test stored is removed after it."""
    with token.open(rw=True, user_pin=pin) as session:
        yield session
        for left in list(session.get_objects()):
            left.destroy()
