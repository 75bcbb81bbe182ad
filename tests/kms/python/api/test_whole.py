"""The last file of a run: has every operation been answered with success, and with each error of the model that can be provoked?"""

import pathlib

import pytest

import front as fronts
from model import ERRORS

# What no client can bring about at will.
UNPROVOKED = {"DependencyTimeoutException", "KMSInternalException", "KeyUnavailableException"}

# Errors that the model lists and the front has no occasion for.
NEVER = {
    # How a connection went is told by DescribeCustomKeyStores (ConnectionErrorCode), since it is made in the background.
    "ConnectCustomKeyStore": {"CloudHsmClusterNotActiveException", "CloudHsmClusterInvalidConfigurationException"},
    # What a VPC endpoint service is like inside is not for the front to see.
    "CreateCustomKeyStore": {"XksProxyVpcEndpointServiceInvalidConfigurationException"},
    "UpdateCustomKeyStore": {"XksProxyVpcEndpointServiceInvalidConfigurationException"},
    # It would take 50,000 grants.
    "CreateGrant": {"LimitExceededException"},
    # It takes no ARN.
    "CreateKey": {"InvalidArnException"},
    # Allowed in every state that lasts.
    "DeleteAlias": {"KMSInvalidStateException"},
    "DeleteImportedKeyMaterial": {"KMSInvalidStateException"},
    "GetKeyPolicy": {"KMSInvalidStateException"},
    "GetKeyRotationStatus": {"KMSInvalidStateException"},
    "ListGrants": {"KMSInvalidStateException"},
    "ListKeyPolicies": {"KMSInvalidStateException"},
    "ListKeyRotations": {"KMSInvalidStateException"},
    "PutKeyPolicy": {"KMSInvalidStateException", "UnsupportedOperationException"},
    "RetireGrant": {"KMSInvalidStateException"},
    "RevokeGrant": {"KMSInvalidStateException"},
    # Disabled keys count as well as enabled ones.
    "EnableKey": {"LimitExceededException"},
    # Every use has its public half.
    "GetPublicKey": {"InvalidKeyUsageException"},
    # Whoever retires nothing of his hears of no key.
    "ListRetirableGrants": {"NotFoundException"},
    # A rotation is over when it is answered.
    "RotateKeyOnDemand": {"ConflictException"},
    # Too many tags are a TagException.
    "TagResource": {"LimitExceededException"},
}


@pytest.fixture
def whole(request):
    """Skips what only a whole run can tell."""
    run = {item.path.name for item in request.session.items}
    if run != {path.name for path in pathlib.Path(__file__).parent.glob("test_*.py")}:
        pytest.skip("only some of the files were run")


@pytest.mark.parametrize("operation", sorted(ERRORS))
def test_k98_every_operation_has_succeeded(whole, operation):
    assert (operation, None) in fronts.ANSWERED


@pytest.mark.parametrize("operation", sorted(ERRORS))
def test_k98_every_operation_has_been_refused_in_each_way(whole, operation):
    refusals = {error for answered, error in fronts.ANSWERED if answered == operation}
    assert ERRORS[operation] - UNPROVOKED - NEVER.get(operation, set()) <= refusals


def test_k98_nothing_is_said_to_be_impossible_that_has_happened(whole):
    assert not {(operation, error) for operation, errors in NEVER.items() for error in errors} & fronts.ANSWERED
