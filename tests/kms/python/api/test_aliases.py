"""Aliases."""

import uuid

import pytest

import front as fronts
from expect import everything, invalid, refused


def fresh_alias():
    return f"alias/{uuid.uuid4()}"


def test_k41_an_alias_is_made_listed_moved_and_deleted(kms, keys):
    first, second, alias = keys.fresh(), keys.fresh(), fresh_alias()
    kms.create_alias(AliasName=alias, TargetKeyId=first)
    [entry] = kms.list_aliases(KeyId=first)["Aliases"]
    assert (entry["AliasName"], entry["TargetKeyId"]) == (alias, first)
    assert entry["AliasArn"] == f"arn:aws:kms:{fronts.REGION}:{fronts.ACCOUNT}:{alias}"
    assert entry["CreationDate"] <= entry["LastUpdatedDate"]
    blob = kms.encrypt(KeyId=alias, Plaintext=b"x")["CiphertextBlob"]
    kms.update_alias(AliasName=alias, TargetKeyId=second)
    assert kms.describe_key(KeyId=alias)["KeyMetadata"]["KeyId"] == second
    assert kms.list_aliases(KeyId=first)["Aliases"] == []
    assert kms.decrypt(CiphertextBlob=blob)["KeyId"].endswith(first)
    with refused("IncorrectKeyException"):
        kms.decrypt(CiphertextBlob=blob, KeyId=alias)
    kms.delete_alias(AliasName=alias)
    with refused("NotFoundException", says="is not found"):
        kms.describe_key(KeyId=alias)


def test_k41_manual_rotation_by_an_alias(kms, keys):
    alias = fresh_alias()
    old, new = keys.fresh(), keys.fresh()
    kms.create_alias(AliasName=alias, TargetKeyId=old)
    before = kms.encrypt(KeyId=alias, Plaintext=b"before")["CiphertextBlob"]
    kms.update_alias(AliasName=alias, TargetKeyId=new)
    after = kms.encrypt(KeyId=alias, Plaintext=b"after")["CiphertextBlob"]
    assert kms.decrypt(CiphertextBlob=before)["Plaintext"] == b"before"
    assert kms.decrypt(CiphertextBlob=after)["KeyId"].endswith(new)


def test_k41_an_alias_is_there_once(kms, keys):
    alias = fresh_alias()
    kms.create_alias(AliasName=alias, TargetKeyId=keys.fresh())
    with refused("AlreadyExistsException", says=alias):
        kms.create_alias(AliasName=alias, TargetKeyId=keys.fresh())


def test_k41_an_alias_is_free_again_after_its_deletion(kms, key):
    alias = fresh_alias()
    for _ in range(3):
        kms.create_alias(AliasName=alias, TargetKeyId=key)
        kms.delete_alias(AliasName=alias)


@pytest.mark.parametrize("name", ["alias/aws/mine", "alias/aws/s3"])
def test_k41_the_names_of_aws_are_not_for_others(kms, key, name):
    with refused("InvalidAliasNameException", "NotAuthorizedException", "ValidationException"):
        kms.create_alias(AliasName=name, TargetKeyId=key)


@pytest.mark.parametrize("name", ["no-prefix", "alias/", "alias", "Alias/x"])
def test_k41_names_that_are_no_aliases_are_refused(kms, key, name):
    with refused("InvalidAliasNameException", "ValidationException"):
        kms.create_alias(AliasName=name, TargetKeyId=key)


@pytest.mark.parametrize("name", ["", "alias/with space", "alias/ü", "alias/" + "x" * 251])
def test_k41_names_have_their_form(unchecked, key, name):
    with invalid("aliasName"):
        unchecked.create_alias(AliasName=name, TargetKeyId=key)


def test_k41_an_alias_points_to_a_key(kms, keys):
    missing, alias = str(uuid.uuid4()), fresh_alias()
    with refused("NotFoundException"):
        kms.create_alias(AliasName=alias, TargetKeyId=missing)
    with refused("NotFoundException"):
        kms.update_alias(AliasName=alias, TargetKeyId=keys.fresh())
    with refused("NotFoundException"):
        kms.delete_alias(AliasName=alias)
    kms.create_alias(AliasName=alias, TargetKeyId=keys.fresh())
    with refused("NotFoundException"):
        kms.update_alias(AliasName=alias, TargetKeyId=missing)
    with refused("ValidationException", "NotFoundException", "InvalidArnException"):
        kms.create_alias(AliasName=fresh_alias(), TargetKeyId=alias)


def test_k41_an_alias_stays_with_keys_of_one_kind(kms, keys):
    alias = fresh_alias()
    kms.create_alias(AliasName=alias, TargetKeyId=keys.fresh())
    for other in (keys.any("HMAC_256"), keys.any("ECC_NIST_P256"), keys.any("RSA_2048", "ENCRYPT_DECRYPT")):
        with refused("ValidationException", "InvalidKeyUsageException", "KMSInvalidStateException", "UnsupportedOperationException"):
            kms.update_alias(AliasName=alias, TargetKeyId=other)
    signing = fresh_alias()
    kms.create_alias(AliasName=signing, TargetKeyId=keys.any("ECC_NIST_P256", "SIGN_VERIFY"))
    with refused("ValidationException", "InvalidKeyUsageException", "KMSInvalidStateException", "UnsupportedOperationException"):
        kms.update_alias(AliasName=signing, TargetKeyId=keys.any("ECC_NIST_P256", "KEY_AGREEMENT"))


def test_k41_aliases_belong_to_a_region_and_an_account(front, kms, elsewhere, keys):
    alias = fresh_alias()
    kms.create_alias(AliasName=alias, TargetKeyId=keys.fresh())
    others = elsewhere.create_key()["KeyMetadata"]["KeyId"]
    elsewhere.create_alias(AliasName=alias, TargetKeyId=others)
    assert elsewhere.describe_key(KeyId=alias)["KeyMetadata"]["KeyId"] == others
    stranger = front.client(access_key="444455556666")
    with refused("NotFoundException"):
        stranger.describe_key(KeyId=alias)


def test_k22_aliases_are_listed_in_pages(kms, keys):
    key = keys.fresh()
    names = {fresh_alias() for _ in range(7)}
    for name in names:
        kms.create_alias(AliasName=name, TargetKeyId=key)
    listed = everything(kms, "list_aliases", "Aliases", KeyId=key, PaginationConfig={"PageSize": 3})
    assert {entry["AliasName"] for entry in listed} == names and len(listed) == 7
    assert names <= {entry["AliasName"] for entry in everything(kms, "list_aliases", "Aliases", PaginationConfig={"PageSize": 2})}
    with refused("NotFoundException"):
        kms.list_aliases(KeyId=str(uuid.uuid4()))
    with refused("InvalidArnException"):
        kms.list_aliases(KeyId="arn:aws:kms:broken")


def test_k96_fifty_aliases_a_key(kms, keys):
    key, other = keys.fresh(), fresh_alias()
    for _ in range(50):
        kms.create_alias(AliasName=fresh_alias(), TargetKeyId=key)
    with refused("LimitExceededException"):
        kms.create_alias(AliasName=fresh_alias(), TargetKeyId=key)
    kms.create_alias(AliasName=other, TargetKeyId=keys.fresh())
    with refused("LimitExceededException"):
        kms.update_alias(AliasName=other, TargetKeyId=key)


def test_k20_an_alias_of_aws_without_a_service_behind_it_is_not_found(kms):
    with refused("NotFoundException"):
        kms.describe_key(KeyId="alias/aws/no-such-service")


def test_k21_nothing_shows_keys_of_aws_itself(kms):
    listed = everything(kms, "list_keys", "Keys", PaginationConfig={"PageSize": 1000})
    assert all(f":{fronts.ACCOUNT}:" in entry["KeyArn"] for entry in listed)
