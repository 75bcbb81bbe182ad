"""The errors that many operations share, provoked with each of them: one row for each operation that takes a key."""

import uuid

import pytest

import front as fronts
from expect import refused
from model import ERRORS

ANN = f"arn:aws:iam::{fronts.ACCOUNT}:user/ann"
IMPORT = {"WrappingAlgorithm": "RSAES_OAEP_SHA_256", "WrappingKeySpec": "RSA_2048"}
MATERIAL = {"ImportToken": b"x", "EncryptedKeyMaterial": b"x", "ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE"}

SYMMETRIC = {}
CURVE = {"KeySpec": "ECC_NIST_P256", "KeyUsage": "SIGN_VERIFY"}
AGREEING = {"KeySpec": "ECC_NIST_P256", "KeyUsage": "KEY_AGREEMENT"}
HMAC = {"KeySpec": "HMAC_256", "KeyUsage": "GENERATE_VERIFY_MAC"}
KEM = {"KeySpec": "ML_KEM_768", "KeyUsage": "ENCAPSULATE_DECAPSULATE"}
EXTERNAL = {"Origin": "EXTERNAL"}
SEVERAL = {"MultiRegion": True}

SIGNING = {"Message": b"m", "SigningAlgorithm": "ECDSA_SHA_256"}
MAC = {"Message": b"m", "MacAlgorithm": "HMAC_SHA_256"}

# Operation: what kind of key it is for, and what it takes beside the key. Ciphertexts, signatures and the like are filled in by `complete`.
OPERATIONS = {
    "CancelKeyDeletion": (SYMMETRIC, {}),
    "CreateGrant": (SYMMETRIC, {"GranteePrincipal": ANN, "Operations": ["Encrypt"]}),
    "Decapsulate": (KEM, {"EncapsulationAlgorithm": "ML_KEM"}),
    "Decrypt": (SYMMETRIC, {}),
    "DeleteImportedKeyMaterial": (EXTERNAL, {}),
    "DeriveSharedSecret": (AGREEING, {"KeyAgreementAlgorithm": "ECDH"}),
    "DescribeKey": (SYMMETRIC, {}),
    "DisableKey": (SYMMETRIC, {}),
    "DisableKeyRotation": (SYMMETRIC, {}),
    "EnableKey": (SYMMETRIC, {}),
    "EnableKeyRotation": (SYMMETRIC, {}),
    "Encapsulate": (KEM, {"EncapsulationAlgorithm": "ML_KEM"}),
    "Encrypt": (SYMMETRIC, {"Plaintext": b"x"}),
    "GenerateDataKey": (SYMMETRIC, {"KeySpec": "AES_256"}),
    "GenerateDataKeyPair": (SYMMETRIC, {"KeyPairSpec": "ECC_NIST_P256"}),
    "GenerateDataKeyPairWithoutPlaintext": (SYMMETRIC, {"KeyPairSpec": "ECC_NIST_P256"}),
    "GenerateDataKeyWithoutPlaintext": (SYMMETRIC, {"KeySpec": "AES_256"}),
    "GenerateMac": (HMAC, MAC),
    "GetKeyLastUsage": (SYMMETRIC, {}),
    "GetKeyPolicy": (SYMMETRIC, {}),
    "GetKeyRotationStatus": (SYMMETRIC, {}),
    "GetParametersForImport": (EXTERNAL, IMPORT),
    "GetPublicKey": (CURVE, {}),
    "ImportKeyMaterial": (EXTERNAL, MATERIAL),
    "ListAliases": (SYMMETRIC, {}),
    "ListGrants": (SYMMETRIC, {}),
    "ListKeyPolicies": (SYMMETRIC, {}),
    "ListKeyRotations": (SYMMETRIC, {}),
    "ListResourceTags": (SYMMETRIC, {}),
    "PutKeyPolicy": (SYMMETRIC, {}),
    "ReplicateKey": (SEVERAL, {"ReplicaRegion": fronts.REGIONS[1]}),
    "RetireGrant": (SYMMETRIC, {"GrantId": "0" * 64}),
    "RevokeGrant": (SYMMETRIC, {"GrantId": "0" * 64}),
    "RotateKeyOnDemand": (SYMMETRIC, {}),
    "ScheduleKeyDeletion": (SYMMETRIC, {}),
    "Sign": (CURVE, SIGNING),
    "TagResource": (SYMMETRIC, {"Tags": [{"TagKey": "a", "TagValue": "b"}]}),
    "UntagResource": (SYMMETRIC, {"TagKeys": ["a"]}),
    "UpdateKeyDescription": (SYMMETRIC, {"Description": "x"}),
    "UpdatePrimaryRegion": (SEVERAL, {"PrimaryRegion": fronts.REGIONS[1]}),
    "Verify": (CURVE, {**SIGNING}),
    "VerifyMac": (HMAC, {**MAC}),
}

# Operations that a key's state doesn't hold back, though the model lists the error: what keys that are disabled or pending deletion still allow.
ALLOWED_WHEN_PENDING = {
    "CancelKeyDeletion",
    "GetKeyPolicy",
    "GetKeyRotationStatus",
    "ListGrants",
    "ListKeyPolicies",
    "ListKeyRotations",
    "PutKeyPolicy",
    "RetireGrant",
    "RevokeGrant",
    # It takes away what is there, whatever the key's state.
    "DeleteImportedKeyMaterial",
}


def with_error(error):
    """The operations of the table that the model lists the error for."""
    return sorted(operation for operation in OPERATIONS if error in ERRORS[operation])


@pytest.fixture
def prepare(kms, keys):
    """An operation, a fresh key for it, and all that it takes."""

    def prepare(operation):
        kind, parameters = OPERATIONS[operation]
        key = kms.create_key(**kind)["KeyMetadata"]["KeyId"]
        return getattr(kms, snake(operation)), {"KeyId": key, **parameters, **complete(kms, operation, key)}

    return prepare


def snake(operation):
    return "".join("_" + letter.lower() if letter.isupper() else letter for letter in operation).strip("_")


def complete(kms, operation, key):
    if operation == "Decrypt":
        return {"CiphertextBlob": kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]}
    if operation == "Decapsulate":
        return {"SharedSecretCiphertextBlob": kms.encapsulate(KeyId=key, EncapsulationAlgorithm="ML_KEM")["SharedSecretCiphertextBlob"]}
    if operation == "DeriveSharedSecret":
        return {"PublicKey": kms.get_public_key(KeyId=key)["PublicKey"]}
    if operation == "Verify":
        return {"Signature": kms.sign(KeyId=key, **SIGNING)["Signature"]}
    if operation == "VerifyMac":
        return {"Mac": kms.generate_mac(KeyId=key, **MAC)["Mac"]}
    if operation == "PutKeyPolicy":
        return {"Policy": kms.get_key_policy(KeyId=key)["Policy"]}
    if operation == "RetireGrant":
        return {"KeyId": kms.describe_key(KeyId=key)["KeyMetadata"]["Arn"]}
    return {}


@pytest.mark.parametrize("operation", with_error("NotFoundException"))
def test_k1_every_operation_misses_a_key_that_is_not_there(prepare, operation):
    request, parameters = prepare(operation)
    parameters["KeyId"] = f"arn:aws:kms:{fronts.REGION}:{fronts.ACCOUNT}:key/{uuid.uuid4()}"
    with refused("NotFoundException", says="does not exist"):
        request(**parameters)


@pytest.mark.parametrize("operation", with_error("InvalidArnException"))
def test_k1_every_operation_refuses_a_broken_arn(prepare, operation):
    request, parameters = prepare(operation)
    with refused("InvalidArnException"):
        request(**{**parameters, "KeyId": "arn:aws:kms:us-east-1:111122223333:thing"})


@pytest.mark.parametrize("operation", with_error("DisabledException"))
def test_k19_every_operation_that_uses_a_key_refuses_a_disabled_one(kms, prepare, operation):
    request, parameters = prepare(operation)
    kms.disable_key(KeyId=parameters["KeyId"])
    with refused("DisabledException", says="is disabled"):
        request(**parameters)


@pytest.mark.parametrize("operation", with_error("KMSInvalidStateException"))
def test_k49_every_operation_knows_keys_that_are_pending_deletion(kms, prepare, operation):
    request, parameters = prepare(operation)
    kms.schedule_key_deletion(KeyId=parameters["KeyId"].split("/")[-1])
    if operation in ALLOWED_WHEN_PENDING:
        try:
            request(**parameters)
        except (kms.exceptions.NotFoundException, kms.exceptions.InvalidGrantIdException):
            assert "GrantId" in parameters
    else:
        with refused("KMSInvalidStateException", says="pending deletion"):
            request(**parameters)


@pytest.mark.parametrize("operation", with_error("InvalidGrantTokenException"))
def test_k39_every_operation_refuses_a_grant_token_that_is_none(prepare, operation):
    request, parameters = prepare(operation)
    if operation == "RetireGrant":
        parameters = {"GrantToken": "bm8gdG9rZW4"}
    else:
        parameters["GrantTokens"] = ["bm8gdG9rZW4"]
    with refused("InvalidGrantTokenException"):
        request(**parameters)


@pytest.mark.parametrize("operation", with_error("DryRunOperationException"))
def test_k18_every_operation_that_can_be_tried_is_tried(kms, prepare, operation):
    request, parameters = prepare(operation)
    if "GrantId" in parameters:
        grant = kms.create_grant(KeyId=parameters["KeyId"].split("/")[-1], GranteePrincipal=ANN, Operations=["Encrypt"])
        parameters["GrantId"] = grant["GrantId"]
    with refused("DryRunOperationException"):
        request(DryRun=True, **parameters)


# Every use has its public half; keys without one are refused otherwise.
@pytest.mark.parametrize("operation", sorted(set(with_error("InvalidKeyUsageException")) - {"GetPublicKey"}))
def test_k11_every_operation_refuses_keys_of_another_use(keys, prepare, operation):
    request, parameters = prepare(operation)
    other = "HMAC_256" if OPERATIONS[operation][0] is not HMAC else "SYMMETRIC_DEFAULT"
    with refused("InvalidKeyUsageException"):
        request(**{**parameters, "KeyId": keys.any(other)})


@pytest.mark.parametrize("operation", sorted(OPERATIONS))
def test_k38_every_operation_keeps_strangers_out(front, kms, prepare, operation):
    """Another account's root, on a key whose policy names its own account alone."""
    _, parameters = prepare(operation)
    parameters["KeyId"] = kms.describe_key(KeyId=parameters["KeyId"])["KeyMetadata"]["Arn"]
    stranger = front.client(access_key="444455556666")
    # The last use of a key is its own account's matter: for others there is no such key.
    with refused("NotFoundException" if operation == "GetKeyLastUsage" else "AccessDeniedException"):
        getattr(stranger, snake(operation))(**parameters)
