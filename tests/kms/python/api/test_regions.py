"""Multi-Region keys."""

import datetime
import json
import time
import uuid

import pytest

import front as fronts
from expect import everything, refused

FRONT = {"test_clock": True, "regions": ["us-east-1", "eu-west-1", "ap-south-1"]}
HERE, THERE, THIRD = FRONT["regions"]


def settled(client, key):
    """The metadata of a key once it is neither being made nor promoted; that is over within a second."""
    for _ in range(200):
        said = client.describe_key(KeyId=key)["KeyMetadata"]
        if said["KeyState"] not in ("Creating", "Updating"):
            return said
        time.sleep(0.01)
    raise AssertionError(said["KeyState"])


@pytest.fixture
def primary(keys):
    return keys.metadata(MultiRegion=True)


@pytest.fixture
def replica(kms, elsewhere, primary):
    made = kms.replicate_key(KeyId=primary["KeyId"], ReplicaRegion=THERE, Description="the other half")
    settled(elsewhere, primary["KeyId"])
    settled(kms, primary["KeyId"])
    return made["ReplicaKeyMetadata"]


def test_k60_a_multi_region_key_says_so(primary):
    assert primary["KeyId"].startswith("mrk-") and primary["MultiRegion"] is True
    configuration = primary["MultiRegionConfiguration"]
    assert configuration["MultiRegionKeyType"] == "PRIMARY"
    assert configuration["PrimaryKey"] == {"Arn": primary["Arn"], "Region": HERE}
    assert configuration["ReplicaKeys"] == []


def test_k60_a_replica_is_the_same_key_in_another_region(kms, elsewhere, primary, replica):
    assert replica["KeyId"] == primary["KeyId"]
    assert replica["Arn"] == primary["Arn"].replace(HERE, THERE)
    assert replica["Description"] == "the other half"
    for client, kind in ((kms, "PRIMARY"), (elsewhere, "REPLICA")):
        said = client.describe_key(KeyId=primary["KeyId"])["KeyMetadata"]
        assert said["MultiRegionConfiguration"]["MultiRegionKeyType"] == kind
        assert said["MultiRegionConfiguration"]["PrimaryKey"]["Arn"] == primary["Arn"]
        assert said["MultiRegionConfiguration"]["ReplicaKeys"] == [{"Arn": replica["Arn"], "Region": THERE}]
        assert said["CurrentKeyMaterialId"] == primary["CurrentKeyMaterialId"]


def test_k60_what_one_region_encrypts_the_other_decrypts(kms, elsewhere, primary, replica):
    for one, other in ((kms, elsewhere), (elsewhere, kms)):
        blob = one.encrypt(KeyId=primary["KeyId"], Plaintext=b"across", EncryptionContext={"a": "b"})["CiphertextBlob"]
        opened = other.decrypt(CiphertextBlob=blob, EncryptionContext={"a": "b"})
        assert opened["Plaintext"] == b"across"
        assert opened["KeyId"] == (replica["Arn"] if other is elsewhere else primary["Arn"])
        assert other.decrypt(KeyId=primary["KeyId"], CiphertextBlob=blob, EncryptionContext={"a": "b"})["Plaintext"] == b"across"


def test_k60_signatures_and_macs_agree_across_regions(kms, elsewhere, keys):
    signing, mac = keys.fresh("ECC_NIST_P256", MultiRegion=True), keys.fresh("HMAC_256", MultiRegion=True)
    for key in (signing, mac):
        kms.replicate_key(KeyId=key, ReplicaRegion=THERE)
        settled(elsewhere, key)
        settled(kms, key)
    signature = elsewhere.sign(KeyId=signing, Message=b"m", SigningAlgorithm="ECDSA_SHA_256")["Signature"]
    assert kms.verify(KeyId=signing, Message=b"m", Signature=signature, SigningAlgorithm="ECDSA_SHA_256")["SignatureValid"]
    named = {"KeyId": mac, "Message": b"m", "MacAlgorithm": "HMAC_SHA_256"}
    assert kms.generate_mac(**named)["Mac"] == elsewhere.generate_mac(**named)["Mac"]


def test_k60_a_replica_has_its_own_policy_tags_and_state(kms, elsewhere, primary, replica):
    key = primary["KeyId"]
    elsewhere.tag_resource(KeyId=key, Tags=[{"TagKey": "where", "TagValue": "there"}])
    assert kms.list_resource_tags(KeyId=key)["Tags"] == []
    elsewhere.disable_key(KeyId=key)
    assert kms.encrypt(KeyId=key, Plaintext=b"x")
    with refused("DisabledException"):
        elsewhere.encrypt(KeyId=key, Plaintext=b"x")
    policy = json.loads(kms.get_key_policy(KeyId=key)["Policy"])
    policy["Id"] = "mine alone"
    kms.put_key_policy(KeyId=key, Policy=json.dumps(policy))
    assert json.loads(elsewhere.get_key_policy(KeyId=key)["Policy"]).get("Id") != "mine alone"


def test_k60_replication_carries_tags_and_policy_along(kms, elsewhere, primary):
    made = kms.replicate_key(KeyId=primary["KeyId"], ReplicaRegion=THERE, Tags=[{"TagKey": "a", "TagValue": "b"}])
    assert made["ReplicaTags"] == [{"TagKey": "a", "TagValue": "b"}]
    json.loads(made["ReplicaPolicy"])
    assert elsewhere.list_resource_tags(KeyId=primary["KeyId"])["Tags"] == [{"TagKey": "a", "TagValue": "b"}]


def test_k60_rotation_of_the_primary_is_shared(kms, elsewhere, primary, replica):
    key = primary["KeyId"]
    kms.rotate_key_on_demand(KeyId=key)
    new = settled(kms, key)["CurrentKeyMaterialId"]
    assert new != primary["CurrentKeyMaterialId"]
    assert settled(elsewhere, key)["CurrentKeyMaterialId"] == new
    blob = elsewhere.encrypt(KeyId=key, Plaintext=b"new")["CiphertextBlob"]
    assert kms.decrypt(CiphertextBlob=blob)["KeyMaterialId"] == new
    for request in (elsewhere.rotate_key_on_demand, elsewhere.enable_key_rotation, elsewhere.disable_key_rotation):
        with refused("UnsupportedOperationException"):
            request(KeyId=key)


def test_k60_what_can_not_be_replicated(kms, elsewhere, keys, primary, replica):
    key = primary["KeyId"]
    with refused("UnsupportedOperationException"):
        kms.replicate_key(KeyId=keys.fresh(), ReplicaRegion=THERE)
    with refused("AlreadyExistsException"):
        kms.replicate_key(KeyId=key, ReplicaRegion=THERE)
    with refused("UnsupportedOperationException", "AlreadyExistsException", "ValidationException"):
        kms.replicate_key(KeyId=key, ReplicaRegion=HERE)
    with refused("UnsupportedOperationException"):
        elsewhere.replicate_key(KeyId=key, ReplicaRegion=THIRD)
    with refused("ValidationException", "UnsupportedOperationException"):
        kms.replicate_key(KeyId=key, ReplicaRegion="mars-north-1")
    with refused("NotFoundException"):
        kms.replicate_key(KeyId=str(uuid.uuid4()), ReplicaRegion=THERE)
    kms.disable_key(KeyId=key)
    with refused("DisabledException", "KMSInvalidStateException"):
        kms.replicate_key(KeyId=key, ReplicaRegion=THIRD)


def test_k60_a_replica_is_made_as_any_key(kms, primary):
    with refused("MalformedPolicyDocumentException"):
        kms.replicate_key(KeyId=primary["KeyId"], ReplicaRegion=THERE, Policy="no json")
    with refused("TagException"):
        kms.replicate_key(KeyId=primary["KeyId"], ReplicaRegion=THERE, Tags=[{"TagKey": "aws:mine", "TagValue": "x"}])


def test_k60_another_region_becomes_the_primary(kms, elsewhere, primary, replica):
    key = primary["KeyId"]
    kms.update_primary_region(KeyId=key, PrimaryRegion=THERE)
    assert settled(elsewhere, key)["MultiRegionConfiguration"]["MultiRegionKeyType"] == "PRIMARY"
    said = settled(kms, key)["MultiRegionConfiguration"]
    assert said["MultiRegionKeyType"] == "REPLICA"
    assert said["PrimaryKey"]["Region"] == THERE
    assert said["ReplicaKeys"] == [{"Arn": primary["Arn"], "Region": HERE}]
    with refused("UnsupportedOperationException"):
        kms.update_primary_region(KeyId=key, PrimaryRegion=HERE)
    elsewhere.update_primary_region(KeyId=key, PrimaryRegion=HERE)


def test_k60_a_region_without_the_key_does_not_become_primary(kms, keys, primary, replica):
    with refused("NotFoundException", "UnsupportedOperationException"):
        kms.update_primary_region(KeyId=primary["KeyId"], PrimaryRegion=THIRD)
    with refused("UnsupportedOperationException", "ValidationException"):
        kms.update_primary_region(KeyId=primary["KeyId"], PrimaryRegion=HERE)
    with refused("UnsupportedOperationException"):
        kms.update_primary_region(KeyId=keys.fresh(), PrimaryRegion=THERE)


def test_k60_a_primary_waits_for_its_replicas_to_go(front, kms, elsewhere, primary, replica):
    key = primary["KeyId"]
    blob = kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    said = kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    assert said["KeyState"] == "PendingReplicaDeletion" and "DeletionDate" not in said
    described = kms.describe_key(KeyId=key)["KeyMetadata"]
    assert (described["KeyState"], described["PendingDeletionWindowInDays"]) == ("PendingReplicaDeletion", 7)
    assert elsewhere.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"
    elsewhere.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    front.advance(days=7, minutes=1)
    with refused("NotFoundException"):
        elsewhere.describe_key(KeyId=key)
    described = kms.describe_key(KeyId=key)["KeyMetadata"]
    assert described["KeyState"] == "PendingDeletion" and "DeletionDate" in described
    front.advance(days=7, minutes=1)
    with refused("NotFoundException"):
        kms.describe_key(KeyId=key)


def test_k60_deleting_a_replica_leaves_the_primary_its_material(front, kms, elsewhere, primary, replica):
    key = primary["KeyId"]
    blob = elsewhere.encrypt(KeyId=key, Plaintext=b"kept")["CiphertextBlob"]
    elsewhere.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    front.advance(days=8)
    with refused("NotFoundException"):
        elsewhere.describe_key(KeyId=key)
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"kept"
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["MultiRegionConfiguration"]["ReplicaKeys"] == []
    assert key not in [entry["KeyId"] for entry in everything(elsewhere, "list_keys", "Keys")]


def test_k104_replicas_are_creating_for_a_moment(kms, elsewhere, primary):
    began = datetime.datetime.now()
    state = kms.replicate_key(KeyId=primary["KeyId"], ReplicaRegion=THERE)["ReplicaKeyMetadata"]["KeyState"]
    assert state == "Creating"
    if elsewhere.describe_key(KeyId=primary["KeyId"])["KeyMetadata"]["KeyState"] == "Creating":
        try:
            elsewhere.encrypt(KeyId=primary["KeyId"], Plaintext=b"x")
        except elsewhere.exceptions.KMSInvalidStateException as early:
            assert "is creating" in str(early)
    assert settled(elsewhere, primary["KeyId"])["KeyState"] == "Enabled"
    assert datetime.datetime.now() - began < datetime.timedelta(seconds=5)
    assert elsewhere.encrypt(KeyId=primary["KeyId"], Plaintext=b"x")


def test_k59_the_default_region_is_the_first(front):
    assert front.client(region=HERE).create_key()["KeyMetadata"]["Arn"].startswith(f"arn:aws:kms:{HERE}:{fronts.ACCOUNT}:")
