"""Enabling, disabling, deleting, and what the states of a key allow."""

import datetime
import uuid

import pytest

import front as fronts
from expect import everything, invalid, refused

DAY = datetime.timedelta(days=1)

FRONT = {"test_clock": True}


def test_k19_a_disabled_key_is_not_used_until_it_is_enabled(kms, keys):
    key = keys.fresh()
    blob = kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    kms.disable_key(KeyId=key)
    said = kms.describe_key(KeyId=key)["KeyMetadata"]
    assert (said["KeyState"], said["Enabled"]) == ("Disabled", False)
    for request, parameters in [
        (kms.encrypt, {"KeyId": key, "Plaintext": b"x"}),
        (kms.decrypt, {"CiphertextBlob": blob}),
        (kms.re_encrypt, {"CiphertextBlob": blob, "DestinationKeyId": key}),
        (kms.generate_data_key, {"KeyId": key, "KeySpec": "AES_256"}),
        (kms.generate_data_key_without_plaintext, {"KeyId": key, "KeySpec": "AES_256"}),
        (kms.generate_data_key_pair, {"KeyId": key, "KeyPairSpec": "ECC_NIST_P256"}),
        (kms.generate_data_key_pair_without_plaintext, {"KeyId": key, "KeyPairSpec": "ECC_NIST_P256"}),
        (kms.enable_key_rotation, {"KeyId": key}),
        (kms.disable_key_rotation, {"KeyId": key}),
        (kms.rotate_key_on_demand, {"KeyId": key}),
        (kms.create_grant, {"KeyId": key, "GranteePrincipal": f"arn:aws:iam::{fronts.ACCOUNT}:user/ann", "Operations": ["Encrypt"]}),
    ]:
        with refused("DisabledException"):
            request(**parameters)
    kms.enable_key(KeyId=key)
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"


def test_k19_a_disabled_asymmetric_key_is_not_used(kms, keys):
    key = keys.fresh("ECC_NIST_P256")
    signature = kms.sign(KeyId=key, Message=b"m", SigningAlgorithm="ECDSA_SHA_256")["Signature"]
    mac, agreement = keys.fresh("HMAC_256"), keys.fresh("ECC_NIST_P256", "KEY_AGREEMENT")
    public = kms.get_public_key(KeyId=agreement)["PublicKey"]
    for each in (key, mac, agreement):
        kms.disable_key(KeyId=each)
    for request, parameters in [
        (kms.sign, {"KeyId": key, "Message": b"m", "SigningAlgorithm": "ECDSA_SHA_256"}),
        (kms.verify, {"KeyId": key, "Message": b"m", "SigningAlgorithm": "ECDSA_SHA_256", "Signature": signature}),
        (kms.get_public_key, {"KeyId": key}),
        (kms.generate_mac, {"KeyId": mac, "Message": b"m", "MacAlgorithm": "HMAC_SHA_256"}),
        (kms.verify_mac, {"KeyId": mac, "Message": b"m", "MacAlgorithm": "HMAC_SHA_256", "Mac": bytes(32)}),
        (kms.derive_shared_secret, {"KeyId": agreement, "KeyAgreementAlgorithm": "ECDH", "PublicKey": public}),
    ]:
        with refused("DisabledException"):
            request(**parameters)


def test_k19_what_is_said_of_a_disabled_key_may_change(kms, keys):
    key = keys.fresh()
    kms.disable_key(KeyId=key)
    kms.disable_key(KeyId=key)
    kms.update_key_description(KeyId=key, Description="asleep")
    kms.tag_resource(KeyId=key, Tags=[{"TagKey": "a", "TagValue": "b"}])
    kms.create_alias(AliasName=f"alias/asleep-{key}", TargetKeyId=key)
    kms.schedule_key_deletion(KeyId=key)


def test_k19_a_key_that_is_not_there_is_not_switched(kms):
    for request in (kms.enable_key, kms.disable_key, kms.schedule_key_deletion, kms.cancel_key_deletion):
        with refused("NotFoundException"):
            request(KeyId=str(uuid.uuid4()))
        with refused("InvalidArnException"):
            request(KeyId="arn:aws:kms:broken")


def test_k48_deletion_waits_thirty_days_unless_told(kms, keys):
    key = keys.metadata()
    before = datetime.datetime.now(datetime.timezone.utc)
    said = kms.schedule_key_deletion(KeyId=key["KeyId"])
    assert (said["KeyId"], said["KeyState"], said["PendingWindowInDays"]) == (key["Arn"], "PendingDeletion", 30)
    described = kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"]
    assert (described["KeyState"], described["Enabled"]) == ("PendingDeletion", False)
    assert described["DeletionDate"] == said["DeletionDate"]
    assert said["DeletionDate"] - before > 29 * DAY


@pytest.mark.parametrize("days", [7, 30])
def test_k48_the_window_is_seven_to_thirty_days(kms, keys, days):
    assert kms.schedule_key_deletion(KeyId=keys.fresh(), PendingWindowInDays=days)["PendingWindowInDays"] == days


@pytest.mark.parametrize("days", [0, 1, 6, 31, 365])
def test_k48_other_windows_are_refused(unchecked, keys, days):
    key = keys.fresh()
    with invalid():
        unchecked.schedule_key_deletion(KeyId=key, PendingWindowInDays=days)
    assert keys.state(key) == "Enabled"


def test_k48_a_deletion_that_is_cancelled_leaves_a_disabled_key(kms, keys):
    key = keys.metadata()
    blob = kms.encrypt(KeyId=key["KeyId"], Plaintext=b"kept")["CiphertextBlob"]
    kms.schedule_key_deletion(KeyId=key["KeyId"], PendingWindowInDays=7)
    assert kms.cancel_key_deletion(KeyId=key["KeyId"])["KeyId"] == key["Arn"]
    said = kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"]
    assert said["KeyState"] == "Disabled" and "DeletionDate" not in said
    kms.enable_key(KeyId=key["KeyId"])
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"kept"
    with refused("KMSInvalidStateException"):
        kms.cancel_key_deletion(KeyId=key["KeyId"])


def test_k49_a_key_that_is_pending_deletion_can_do_nothing(kms, keys):
    key, alive = keys.fresh(), keys.fresh()
    blob = kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    alias = f"alias/dying-{key}"
    kms.create_alias(AliasName=alias, TargetKeyId=key)
    grant = kms.create_grant(KeyId=key, GranteePrincipal=f"arn:aws:iam::{fronts.ACCOUNT}:user/ann", Operations=["Encrypt"])["GrantId"]
    kms.schedule_key_deletion(KeyId=key)
    for request, parameters in [
        (kms.encrypt, {"KeyId": key, "Plaintext": b"x"}),
        (kms.decrypt, {"CiphertextBlob": blob}),
        (kms.generate_data_key, {"KeyId": key, "KeySpec": "AES_256"}),
        (kms.schedule_key_deletion, {"KeyId": key}),
        (kms.enable_key, {"KeyId": key}),
        (kms.disable_key, {"KeyId": key}),
        (kms.update_key_description, {"KeyId": key, "Description": "x"}),
        (kms.tag_resource, {"KeyId": key, "Tags": [{"TagKey": "a", "TagValue": "b"}]}),
        (kms.untag_resource, {"KeyId": key, "TagKeys": ["a"]}),
        (kms.create_alias, {"AliasName": f"alias/late-{key}", "TargetKeyId": key}),
        (kms.create_grant, {"KeyId": key, "GranteePrincipal": f"arn:aws:iam::{fronts.ACCOUNT}:user/ann", "Operations": ["Encrypt"]}),
        (kms.enable_key_rotation, {"KeyId": key}),
        (kms.rotate_key_on_demand, {"KeyId": key}),
    ]:
        with refused("KMSInvalidStateException"):
            request(**parameters)
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "PendingDeletion"
    assert [entry["GrantId"] for entry in kms.list_grants(KeyId=key)["Grants"]] == [grant]
    with refused("KMSInvalidStateException"):
        kms.update_alias(AliasName=f"alias/dying-{key}", TargetKeyId=key)
    kms.update_alias(AliasName=alias, TargetKeyId=alive)
    with refused("KMSInvalidStateException"):
        kms.update_alias(AliasName=alias, TargetKeyId=key)


def test_k50_after_its_window_a_key_is_gone(front, kms, keys):
    key, other = keys.fresh(), keys.fresh()
    alias = f"alias/gone-{key}"
    kms.create_alias(AliasName=alias, TargetKeyId=key)
    blob = kms.encrypt(KeyId=key, Plaintext=b"lost")["CiphertextBlob"]
    kept = kms.encrypt(KeyId=other, Plaintext=b"kept")["CiphertextBlob"]
    kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    front.advance(days=6, hours=23)
    assert keys.state(key) == "PendingDeletion"
    front.advance(days=1, hours=1)
    for request in (kms.describe_key, kms.cancel_key_deletion, kms.enable_key, kms.get_key_policy):
        with refused("NotFoundException", says="does not exist"):
            request(KeyId=key)
    with refused("NotFoundException"):
        kms.describe_key(KeyId=alias)
    with refused("NotFoundException", "InvalidCiphertextException", "AccessDeniedException"):
        kms.decrypt(CiphertextBlob=blob)
    assert kms.decrypt(CiphertextBlob=kept)["Plaintext"] == b"kept"
    assert key not in [entry["KeyId"] for entry in everything(kms, "list_keys", "Keys")]
    assert alias not in [entry["AliasName"] for entry in everything(kms, "list_aliases", "Aliases")]


def test_k50_the_material_of_a_deleted_key_is_destroyed(front, kms, keys, hsm):
    from inventory import inventory

    key = keys.metadata()
    assert key["Arn"] in inventory(hsm).labels
    kms.schedule_key_deletion(KeyId=key["KeyId"], PendingWindowInDays=7)
    front.advance(days=8)
    assert key["Arn"] not in inventory(hsm).labels
