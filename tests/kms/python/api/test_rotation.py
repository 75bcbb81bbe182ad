"""Rotation: automatic, on demand, and of which keys."""

import datetime
import uuid

import pytest

from expect import everything, invalid, refused

DAY = datetime.timedelta(days=1)

FRONT = {"test_clock": True}


def test_k43_rotation_is_off_until_it_is_switched_on(kms, keys):
    key = keys.metadata()
    said = kms.get_key_rotation_status(KeyId=key["KeyId"])
    assert said["KeyRotationEnabled"] is False and "NextRotationDate" not in said
    kms.enable_key_rotation(KeyId=key["KeyId"])
    said = kms.get_key_rotation_status(KeyId=key["KeyId"])
    assert (said["KeyRotationEnabled"], said["RotationPeriodInDays"], said["KeyId"]) == (True, 365, key["Arn"])
    assert abs(said["NextRotationDate"] - key["CreationDate"] - 365 * DAY) < DAY
    kms.disable_key_rotation(KeyId=key["KeyId"])
    assert kms.get_key_rotation_status(KeyId=key["KeyId"])["KeyRotationEnabled"] is False


@pytest.mark.parametrize("days", [90, 180, 2560])
def test_k43_the_period_is_90_to_2560_days(kms, keys, days):
    key = keys.fresh()
    kms.enable_key_rotation(KeyId=key, RotationPeriodInDays=days)
    assert kms.get_key_rotation_status(KeyId=key)["RotationPeriodInDays"] == days


@pytest.mark.parametrize("days", [0, 1, 89, 2561])
def test_k43_other_periods_are_refused(unchecked, keys, days):
    with invalid("rotationPeriodInDays"):
        unchecked.enable_key_rotation(KeyId=keys.fresh(), RotationPeriodInDays=days)


def test_k43_a_key_rotates_when_its_period_is_over(front, kms, keys):
    key = keys.metadata()
    kms.enable_key_rotation(KeyId=key["KeyId"], RotationPeriodInDays=90)
    before = kms.encrypt(KeyId=key["KeyId"], Plaintext=b"old")["CiphertextBlob"]
    front.advance(days=89)
    assert kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"]["CurrentKeyMaterialId"] == key["CurrentKeyMaterialId"]
    front.advance(days=2)
    current = kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"]["CurrentKeyMaterialId"]
    assert current != key["CurrentKeyMaterialId"]
    opened = kms.decrypt(CiphertextBlob=before)
    assert (opened["Plaintext"], opened["KeyMaterialId"]) == (b"old", key["CurrentKeyMaterialId"])
    after = kms.encrypt(KeyId=key["KeyId"], Plaintext=b"new")["CiphertextBlob"]
    assert kms.decrypt(CiphertextBlob=after)["KeyMaterialId"] == current
    rotations = kms.list_key_rotations(KeyId=key["KeyId"])["Rotations"]
    assert [entry["RotationType"] for entry in rotations] == ["AUTOMATIC"]
    assert kms.get_key_rotation_status(KeyId=key["KeyId"])["NextRotationDate"] - rotations[0]["RotationDate"] > 85 * DAY


def test_k44_on_demand_rotation_keeps_the_old_and_uses_the_new(kms, keys):
    key = keys.metadata()
    blobs = [kms.encrypt(KeyId=key["KeyId"], Plaintext=b"0")["CiphertextBlob"]]
    materials = [key["CurrentKeyMaterialId"]]
    for number in (1, 2):
        assert kms.rotate_key_on_demand(KeyId=key["KeyId"])["KeyId"] == key["Arn"]
        materials.append(kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"]["CurrentKeyMaterialId"])
        blobs.append(kms.encrypt(KeyId=key["KeyId"], Plaintext=b"%d" % number)["CiphertextBlob"])
    assert len(set(materials)) == 3
    for number, (blob, material) in enumerate(zip(blobs, materials)):
        opened = kms.decrypt(CiphertextBlob=blob)
        assert (opened["Plaintext"], opened["KeyMaterialId"]) == (b"%d" % number, material)
    rotations = kms.list_key_rotations(KeyId=key["KeyId"])["Rotations"]
    assert [entry["RotationType"] for entry in rotations] == ["ON_DEMAND", "ON_DEMAND"]
    assert all(entry["KeyId"] in (key["Arn"], key["KeyId"]) for entry in rotations)
    everyone = kms.list_key_rotations(KeyId=key["KeyId"], IncludeKeyMaterial="ALL_KEY_MATERIAL")["Rotations"]
    assert {entry["KeyMaterialId"] for entry in everyone} == set(materials)
    assert [entry["KeyMaterialState"] for entry in everyone if entry["KeyMaterialId"] == materials[-1]] == ["CURRENT"]
    assert {entry["KeyMaterialState"] for entry in everyone if entry["KeyMaterialId"] != materials[-1]} == {"NON_CURRENT"}


def test_k44_data_keys_and_re_encryption_follow_the_rotation(kms, keys):
    key = keys.metadata()
    old = kms.generate_data_key(KeyId=key["KeyId"], KeySpec="AES_256")
    kms.rotate_key_on_demand(KeyId=key["KeyId"])
    new = kms.generate_data_key(KeyId=key["KeyId"], KeySpec="AES_256")
    assert old["KeyMaterialId"] != new["KeyMaterialId"]
    assert kms.decrypt(CiphertextBlob=old["CiphertextBlob"])["Plaintext"] == old["Plaintext"]
    moved = kms.re_encrypt(CiphertextBlob=old["CiphertextBlob"], DestinationKeyId=key["KeyId"])
    assert (moved["SourceKeyMaterialId"], moved["DestinationKeyMaterialId"]) == (old["KeyMaterialId"], new["KeyMaterialId"])


def test_k45_ten_rotations_on_demand_and_no_more(kms, keys):
    key = keys.fresh()
    for _ in range(10):
        kms.rotate_key_on_demand(KeyId=key)
    with refused("LimitExceededException"):
        kms.rotate_key_on_demand(KeyId=key)
    rotations = everything(kms, "list_key_rotations", "Rotations", KeyId=key, PaginationConfig={"PageSize": 3})
    assert len(rotations) == 10
    dates = [entry["RotationDate"] for entry in rotations]
    assert dates == sorted(dates) or dates == sorted(dates, reverse=True)


@pytest.mark.parametrize("spec, usage", [("ECC_NIST_P256", "SIGN_VERIFY"), ("HMAC_256", None)])
@pytest.mark.parametrize("operation", ["enable_key_rotation", "disable_key_rotation", "rotate_key_on_demand", "get_key_rotation_status", "list_key_rotations"])
def test_k46_only_symmetric_keys_rotate(kms, keys, spec, usage, operation):
    with refused("UnsupportedOperationException"):
        getattr(kms, operation)(KeyId=keys.any(spec, usage))


def test_k46_imported_keys_do_not_rotate_by_themselves(kms, keys):
    key = keys.fresh(Origin="EXTERNAL")
    for request in (kms.enable_key_rotation, kms.disable_key_rotation):
        with refused("UnsupportedOperationException", "KMSInvalidStateException"):
            request(KeyId=key)


def test_k47_the_state_of_a_key_decides_about_rotation(kms, keys):
    key = keys.fresh()
    kms.disable_key(KeyId=key)
    for request in (kms.enable_key_rotation, kms.disable_key_rotation, kms.rotate_key_on_demand):
        with refused("DisabledException"):
            request(KeyId=key)
    kms.get_key_rotation_status(KeyId=key)
    kms.schedule_key_deletion(KeyId=key)
    for request in (kms.enable_key_rotation, kms.disable_key_rotation, kms.rotate_key_on_demand):
        with refused("KMSInvalidStateException"):
            request(KeyId=key)
    assert kms.get_key_rotation_status(KeyId=key)["KeyRotationEnabled"] is False


def test_k47_rotation_of_a_key_that_is_not_there(kms):
    for request in (kms.enable_key_rotation, kms.disable_key_rotation, kms.rotate_key_on_demand, kms.get_key_rotation_status, kms.list_key_rotations):
        with refused("NotFoundException"):
            request(KeyId=str(uuid.uuid4()))
        with refused("InvalidArnException"):
            request(KeyId="arn:aws:kms:broken")


def test_k18_the_last_use_of_a_key_is_told(kms, keys):
    key = keys.metadata()
    said = kms.get_key_last_usage(KeyId=key["KeyId"])
    assert said["KeyId"] in (key["Arn"], key["KeyId"])
    assert said["KeyCreationDate"] == key["CreationDate"]
    assert not said.get("KeyLastUsage", {}).get("Operation")
    answer = kms.encrypt(KeyId=key["KeyId"], Plaintext=b"x")
    last = kms.get_key_last_usage(KeyId=key["KeyId"])["KeyLastUsage"]
    assert last["Operation"] == "Encrypt"
    assert last["KmsRequestId"] == answer["ResponseMetadata"]["RequestId"]
    with refused("NotFoundException"):
        kms.get_key_last_usage(KeyId=str(uuid.uuid4()))
