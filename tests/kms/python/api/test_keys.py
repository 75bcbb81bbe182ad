"""Keys as such: what is said of them, how they are named, lists, use."""

import datetime
import re
import uuid

import pytest

import front as fronts
from expect import everything, invalid, refused
from keys import USAGES

ALGORITHMS = {
    ("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT"): {"EncryptionAlgorithms": ["SYMMETRIC_DEFAULT"]},
    ("RSA_2048", "ENCRYPT_DECRYPT"): {"EncryptionAlgorithms": ["RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256"]},
    ("RSA_2048", "SIGN_VERIFY"): {
        "SigningAlgorithms": [f"RSASSA_{padding}_SHA_{bits}" for padding in ("PKCS1_V1_5", "PSS") for bits in (256, 384, 512)]
    },
    ("ECC_NIST_P256", "SIGN_VERIFY"): {"SigningAlgorithms": ["ECDSA_SHA_256"]},
    ("ECC_NIST_P384", "SIGN_VERIFY"): {"SigningAlgorithms": ["ECDSA_SHA_384"]},
    ("ECC_NIST_P521", "SIGN_VERIFY"): {"SigningAlgorithms": ["ECDSA_SHA_512"]},
    ("ECC_SECG_P256K1", "SIGN_VERIFY"): {"SigningAlgorithms": ["ECDSA_SHA_256"]},
    ("ECC_NIST_P256", "KEY_AGREEMENT"): {"KeyAgreementAlgorithms": ["ECDH"]},
    ("HMAC_224", "GENERATE_VERIFY_MAC"): {"MacAlgorithms": ["HMAC_SHA_224"]},
    ("HMAC_256", "GENERATE_VERIFY_MAC"): {"MacAlgorithms": ["HMAC_SHA_256"]},
    ("HMAC_384", "GENERATE_VERIFY_MAC"): {"MacAlgorithms": ["HMAC_SHA_384"]},
    ("HMAC_512", "GENERATE_VERIFY_MAC"): {"MacAlgorithms": ["HMAC_SHA_512"]},
}

LISTS_OF_ALGORITHMS = {
    "EncryptionAlgorithms",
    "SigningAlgorithms",
    "MacAlgorithms",
    "KeyAgreementAlgorithms",
    "EncapsulationAlgorithms",
}


def test_k1_a_fresh_key_is_described_in_full(kms):
    before = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=2)
    made = kms.create_key(Description="for the tests", Tags=[{"TagKey": "colour", "TagValue": "red"}])["KeyMetadata"]
    uuid.UUID(made["KeyId"])
    assert made["AWSAccountId"] == fronts.ACCOUNT
    assert made["Arn"] == f"arn:aws:kms:{fronts.REGION}:{fronts.ACCOUNT}:key/{made['KeyId']}"
    assert before <= made["CreationDate"] <= datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=2)
    assert re.fullmatch("[0-9a-f]{64}", made["CurrentKeyMaterialId"])
    said = {
        "Enabled": True,
        "Description": "for the tests",
        "KeyUsage": "ENCRYPT_DECRYPT",
        "KeyState": "Enabled",
        "Origin": "AWS_KMS",
        "KeyManager": "CUSTOMER",
        "CustomerMasterKeySpec": "SYMMETRIC_DEFAULT",
        "KeySpec": "SYMMETRIC_DEFAULT",
        "EncryptionAlgorithms": ["SYMMETRIC_DEFAULT"],
        "MultiRegion": False,
    }
    assert {name: made[name] for name in said} == said
    assert not {"DeletionDate", "ValidTo", "CustomKeyStoreId", "CloudHsmClusterId", "ExpirationModel", "MultiRegionConfiguration"} & made.keys()
    assert kms.describe_key(KeyId=made["KeyId"])["KeyMetadata"] == made


def test_k1_a_key_that_is_not_there_is_not_found(kms):
    missing = str(uuid.uuid4())
    with refused("NotFoundException", says=f"Key 'arn:aws:kms:{fronts.REGION}:{fronts.ACCOUNT}:key/{missing}' does not exist"):
        kms.describe_key(KeyId=missing)
    with refused("NotFoundException", says="Alias arn:aws:kms:.*alias/nobody is not found"):
        kms.describe_key(KeyId="alias/nobody")
    with refused("NotFoundException", says="Invalid keyId"):
        kms.describe_key(KeyId="no key")


@pytest.mark.parametrize(
    "arn", ["arn:aws:kms:us-east-1", "arn:aws:s3:::bucket", "arn:aws:kms:us-east-1:12:key/x", "arn:aws:kms:us-east-1:111122223333:thing/x"]
)
def test_k1_a_broken_arn_is_refused(kms, arn):
    with refused("InvalidArnException"):
        kms.describe_key(KeyId=arn)


def test_k1_a_description_can_be_changed(kms, key):
    kms.update_key_description(KeyId=key, Description="another")
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["Description"] == "another"
    with refused("NotFoundException"):
        kms.update_key_description(KeyId=str(uuid.uuid4()), Description="x")


def test_k1_a_description_has_a_limit(kms, unchecked):
    text = "x" * 8192
    assert kms.create_key(Description=text)["KeyMetadata"]["Description"] == text
    with invalid("1 validation error detected: .* at 'description' failed to satisfy constraint: Member must have length less than or equal to 8192"):
        unchecked.create_key(Description=text + "x")


@pytest.mark.parametrize(
    "wrong, says",
    [
        ({"KeySpec": "AES_512"}, "at 'keySpec' failed to satisfy constraint: Member must satisfy enum value set"),
        ({"KeyUsage": "BAKE"}, "at 'keyUsage' failed to satisfy constraint: Member must satisfy enum value set"),
        ({"Origin": "MARS"}, "at 'origin' failed to satisfy constraint"),
        ({"KeySpec": "RSA_2048"}, "KeyUsage"),
        ({"KeySpec": "HMAC_256"}, "KeyUsage"),
        ({"KeySpec": "SYMMETRIC_DEFAULT", "KeyUsage": "SIGN_VERIFY"}, "KeyUsage"),
        ({"KeySpec": "HMAC_256", "KeyUsage": "ENCRYPT_DECRYPT"}, "KeyUsage"),
        ({"KeySpec": "RSA_2048", "KeyUsage": "KEY_AGREEMENT"}, "KeyUsage"),
        ({"KeySpec": "ECC_SECG_P256K1", "KeyUsage": "KEY_AGREEMENT"}, "KeyUsage"),
        ({"KeySpec": "ML_KEM_768", "KeyUsage": "SIGN_VERIFY"}, "KeyUsage"),
        ({"KeySpec": "RSA_2048", "CustomerMasterKeySpec": "RSA_2048", "KeyUsage": "SIGN_VERIFY"}, "CustomerMasterKeySpec"),
        ({"Origin": "AWS_CLOUDHSM"}, None),
        ({"Origin": "EXTERNAL_KEY_STORE"}, None),
        ({"XksKeyId": "mine"}, None),
    ],
)
def test_k11_a_key_that_makes_no_sense_is_refused(unchecked, wrong, says):
    with invalid(says):
        unchecked.create_key(**wrong)


def test_k11_the_old_name_of_the_spec_is_still_taken(kms):
    made = kms.create_key(CustomerMasterKeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC")["KeyMetadata"]
    assert (made["KeySpec"], made["CustomerMasterKeySpec"]) == ("HMAC_256", "HMAC_256")


def test_k11_sm2_is_for_other_regions(kms):
    with refused("UnsupportedOperationException", "ValidationException"):
        kms.create_key(KeySpec="SM2", KeyUsage="SIGN_VERIFY")


@pytest.mark.parametrize("spec", ["ECC_NIST_P256", "ECC_NIST_P384", "ECC_NIST_P521", "ECC_SECG_P256K1"])
def test_k12_curves_do_not_encrypt(kms, spec):
    with invalid("KeyUsage ENCRYPT_DECRYPT is not compatible with KeySpec"):
        kms.create_key(KeySpec=spec, KeyUsage="ENCRYPT_DECRYPT")


@pytest.mark.parametrize("spec, usage", ALGORITHMS)
def test_k15_describe_key_tells_use_and_algorithms(keys, kms, spec, usage):
    said = kms.describe_key(KeyId=keys.any(spec, usage))["KeyMetadata"]
    assert (said["KeySpec"], said["KeyUsage"]) == (spec, usage)
    assert {name: value for name, value in said.items() if name in LISTS_OF_ALGORITHMS} == ALGORITHMS[spec, usage]
    assert ("CurrentKeyMaterialId" in said) == (spec == "SYMMETRIC_DEFAULT")


@pytest.mark.parametrize("spec", ["RSA_3072", "RSA_4096"])
def test_k4_larger_rsa_keys(keys, kms, spec):
    assert kms.describe_key(KeyId=keys.any(spec, "ENCRYPT_DECRYPT"))["KeyMetadata"]["KeySpec"] == spec


def test_k22_keys_are_listed_in_pages(kms, keys):
    made = {keys.fresh() for _ in range(5)}
    listed = everything(kms, "list_keys", "Keys", PaginationConfig={"PageSize": 2})
    ids = [entry["KeyId"] for entry in listed]
    assert made <= set(ids)
    assert len(ids) == len(set(ids))
    assert all(entry["KeyArn"].endswith(":key/" + entry["KeyId"]) for entry in listed)
    page = kms.list_keys(Limit=2)
    assert len(page["Keys"]) == 2 and page["Truncated"] and page["NextMarker"]
    whole = kms.list_keys(Limit=1000)
    assert not whole["Truncated"] and "NextMarker" not in whole


@pytest.mark.parametrize("operation", ["list_keys", "list_aliases", "list_grants", "list_resource_tags", "list_key_rotations"])
def test_k22_a_marker_that_nobody_gave_is_refused(kms, key, operation):
    named = {} if operation in ("list_keys", "list_aliases") else {"KeyId": key}
    with refused("InvalidMarkerException"):
        getattr(kms, operation)(Marker="bm90IG91cnM", **named)


@pytest.mark.parametrize(
    "operation, most", [("list_keys", 1000), ("list_aliases", 100), ("list_grants", 100), ("list_resource_tags", 50), ("list_retirable_grants", 100)]
)
def test_k22_limits_of_pages(kms, unchecked, key, operation, most):
    named = {"list_grants": {"KeyId": key}, "list_resource_tags": {"KeyId": key}}.get(operation, {})
    if operation == "list_retirable_grants":
        named = {"RetiringPrincipal": f"arn:aws:iam::{fronts.ACCOUNT}:root"}
    getattr(kms, operation)(Limit=most, **named)
    for limit in (0, 1001):
        with invalid("limit"):
            getattr(unchecked, operation)(Limit=limit, **named)


def test_k59_keys_belong_to_their_region(kms, elsewhere, keys):
    key = keys.metadata()
    with refused("NotFoundException"):
        elsewhere.describe_key(KeyId=key["KeyId"])
    with refused("NotFoundException"):
        elsewhere.describe_key(KeyId=key["Arn"])
    blob = kms.encrypt(KeyId=key["KeyId"], Plaintext=b"stays here")["CiphertextBlob"]
    with refused("NotFoundException", "InvalidCiphertextException", "IncorrectKeyException", "AccessDeniedException"):
        elsewhere.decrypt(CiphertextBlob=blob)
    there = elsewhere.create_key()["KeyMetadata"]
    assert there["Arn"].startswith(f"arn:aws:kms:{fronts.REGIONS[1]}:")
    assert there["KeyId"] not in [entry["KeyId"] for entry in everything(kms, "list_keys", "Keys")]


def test_k59_a_region_that_is_not_served_has_no_keys(front):
    with refused("UnrecognizedClientException", "InvalidSignatureException", "AccessDeniedException", "ValidationException", "NotFoundException"):
        front.client(region="ap-south-1").list_keys()


def test_k103_id_arn_alias_and_alias_arn_name_the_same_key(kms, keys):
    key = keys.metadata()
    alias = f"alias/names-{key['KeyId']}"
    kms.create_alias(AliasName=alias, TargetKeyId=key["KeyId"])
    names = [key["KeyId"], key["Arn"], alias, key["Arn"].split(":key/")[0] + ":" + alias]
    for name in names:
        assert kms.describe_key(KeyId=name)["KeyMetadata"]["Arn"] == key["Arn"]
        made = kms.encrypt(KeyId=name, Plaintext=b"by any name")
        assert made["KeyId"] == key["Arn"]
        for other in names:
            assert kms.decrypt(KeyId=other, CiphertextBlob=made["CiphertextBlob"])["Plaintext"] == b"by any name"
        assert kms.generate_data_key(KeyId=name, KeySpec="AES_256")["KeyId"] == key["Arn"]


@pytest.mark.parametrize("operation", ["enable_key", "disable_key", "schedule_key_deletion", "get_key_policy", "list_grants", "get_key_rotation_status"])
def test_k103_aliases_are_refused_where_aws_takes_ids_only(kms, keys, operation):
    key = keys.fresh()
    alias = f"alias/only-{key}"
    kms.create_alias(AliasName=alias, TargetKeyId=key)
    with refused("NotFoundException", "InvalidArnException", "ValidationException"):
        getattr(kms, operation)(KeyId=alias)
    assert keys.state(key) == "Enabled"


def test_k105_texts_name_the_key_and_what_is_wrong(kms, keys):
    key = keys.metadata()
    kms.disable_key(KeyId=key["KeyId"])
    with refused("DisabledException", says=f"^{re.escape(key['Arn'])} is disabled.$"):
        kms.encrypt(KeyId=key["KeyId"], Plaintext=b"x")
    kms.schedule_key_deletion(KeyId=key["KeyId"])
    with refused("KMSInvalidStateException", says=f"^{re.escape(key['Arn'])} is pending deletion.$"):
        kms.encrypt(KeyId=key["KeyId"], Plaintext=b"x")


def test_k105_validation_names_value_member_and_bound(unchecked):
    with invalid("^2 validation errors detected: Value '' at 'keyId' failed to satisfy constraint: Member must have length greater than or equal to 1; "):
        unchecked.describe_key(KeyId="")
    with invalid("at 'keyId' failed to satisfy constraint: Member must have length less than or equal to 2048"):
        unchecked.describe_key(KeyId="x" * 2049)
    with invalid("^1 validation error detected: Value null at 'keyId' failed to satisfy constraint: Member must not be null$"):
        unchecked.describe_key()


def test_k18_every_spec_has_a_use_in_these_tests(kms):
    known = set(kms.meta.service_model.shape_for("KeySpec").enum) - {"SM2"}
    assert known == set(USAGES) | {"RSA_2048", "RSA_3072", "RSA_4096"}
