"""Several fronts on one token are one service."""

import threading
import uuid

import pytest

import front as fronts
from expect import everything, refused

FRONT = {"test_clock": True}


@pytest.fixture(scope="module")
def second(hsm, front):
    with fronts.Front(hsm, **FRONT) as second:
        yield second


@pytest.fixture(scope="module")
def there(second):
    return second.client()


def test_k101_what_one_makes_the_other_uses_at_once(kms, there):
    for one, other in ((kms, there), (there, kms)):
        for _ in range(5):
            key = one.create_key()["KeyMetadata"]["KeyId"]
            blob = other.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
            assert one.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"
            assert key in [entry["KeyId"] for entry in everything(other, "list_keys", "Keys")]


def test_k101_what_one_changes_the_other_sees_at_once(kms, there, key):
    kms.encrypt(KeyId=key, Plaintext=b"x")
    there.encrypt(KeyId=key, Plaintext=b"x")
    alias = f"alias/{uuid.uuid4()}"
    kms.create_alias(AliasName=alias, TargetKeyId=key)
    assert there.describe_key(KeyId=alias)["KeyMetadata"]["KeyId"] == key
    other = there.create_key()["KeyMetadata"]["KeyId"]
    there.update_alias(AliasName=alias, TargetKeyId=other)
    assert kms.describe_key(KeyId=alias)["KeyMetadata"]["KeyId"] == other
    kms.disable_key(KeyId=key)
    with refused("DisabledException"):
        there.encrypt(KeyId=key, Plaintext=b"x")
    there.enable_key(KeyId=key)
    kms.encrypt(KeyId=key, Plaintext=b"x")
    kms.delete_alias(AliasName=alias)
    with refused("NotFoundException"):
        there.describe_key(KeyId=alias)
    kms.tag_resource(KeyId=key, Tags=[{"TagKey": "a", "TagValue": "b"}])
    assert there.list_resource_tags(KeyId=key)["Tags"] == [{"TagKey": "a", "TagValue": "b"}]


def test_k101_what_one_rotates_the_other_uses_at_once(kms, there, key):
    there.encrypt(KeyId=key, Plaintext=b"x")
    kms.rotate_key_on_demand(KeyId=key)
    current = kms.describe_key(KeyId=key)["KeyMetadata"]["CurrentKeyMaterialId"]
    blob = there.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    assert kms.decrypt(CiphertextBlob=blob)["KeyMaterialId"] == current


def test_k101_what_one_schedules_the_other_honours(kms, there, second, key):
    blob = kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    with refused("KMSInvalidStateException"):
        there.decrypt(CiphertextBlob=blob)
    second.advance(days=8)
    with refused("NotFoundException", "InvalidCiphertextException", "AccessDeniedException"):
        there.decrypt(CiphertextBlob=blob)
    with refused("NotFoundException", "KMSInvalidStateException"):
        kms.encrypt(KeyId=key, Plaintext=b"x")
    with refused("NotFoundException"):
        kms.cancel_key_deletion(KeyId=key)


def at_once(*works):
    """Runs all at the same time; what they returned or raised, in their order."""
    outcomes = [None] * len(works)
    ready = threading.Barrier(len(works))

    def run(number, work):
        ready.wait()
        try:
            outcomes[number] = work()
        except Exception as error:
            outcomes[number] = error

    threads = [threading.Thread(target=run, args=numbered) for numbered in enumerate(works)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


def test_k101_an_alias_is_made_once_whoever_asks(kms, there, keys):
    key = keys.fresh()
    for _ in range(10):
        alias = f"alias/{uuid.uuid4()}"
        outcomes = at_once(*[lambda client=client: client.create_alias(AliasName=alias, TargetKeyId=key) for client in (kms, there, kms, there)])
        failed = [outcome for outcome in outcomes if isinstance(outcome, Exception)]
        assert len(failed) == 3, outcomes
        assert {type(error).__name__ for error in failed} == {"AlreadyExistsException"}
        assert len([entry for entry in kms.list_aliases(KeyId=key)["Aliases"] if entry["AliasName"] == alias]) == 1
        kms.delete_alias(AliasName=alias)


def test_k101_no_change_of_a_record_is_lost(kms, there, key):
    def tag(client, name):
        return lambda: client.tag_resource(KeyId=key, Tags=[{"TagKey": name, "TagValue": "x"}])

    names = [f"t{number}" for number in range(20)]
    outcomes = at_once(*[tag((kms, there)[number % 2], name) for number, name in enumerate(names)])
    assert not [outcome for outcome in outcomes if isinstance(outcome, Exception)], outcomes
    for client in (kms, there):
        assert {entry["TagKey"] for entry in everything(client, "list_resource_tags", "Tags", KeyId=key)} == set(names)


def test_k101_a_front_that_comes_later_knows_everything(hsm, kms, key):
    alias = f"alias/{uuid.uuid4()}"
    kms.create_alias(AliasName=alias, TargetKeyId=key)
    blob = kms.encrypt(KeyId=alias, Plaintext=b"x")["CiphertextBlob"]
    with fronts.Front(hsm) as third:
        assert third.client().decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"
        assert third.client().describe_key(KeyId=alias)["KeyMetadata"]["KeyId"] == key
