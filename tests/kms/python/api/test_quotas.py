"""How many keys, and how many requests a second."""

import pytest

import front as fronts
from expect import refused


def test_k94_so_many_keys_an_account_and_no_more(hsm):
    account = "777788889999"
    with fronts.Front(hsm, keys_per_region=3) as front:
        kms = front.client(access_key=account)
        made = [kms.create_key()["KeyMetadata"]["KeyId"] for _ in range(3)]
        with refused("LimitExceededException"):
            kms.create_key()
        kms.disable_key(KeyId=made[0])
        with refused("LimitExceededException"):
            kms.create_key()
        kms.describe_key(KeyId="alias/aws/s3")
        elsewhere = front.client(access_key=account, region=fronts.REGIONS[1])
        several = elsewhere.create_key(MultiRegion=True)["KeyMetadata"]["KeyId"]
        with refused("LimitExceededException"):
            elsewhere.replicate_key(KeyId=several, ReplicaRegion=fronts.REGION)
        front.client(access_key="888899990000").create_key()


def burst(request, times, **parameters):
    for _ in range(times):
        request(**parameters)


def test_k95_kinds_of_keys_have_quotas_of_their_own(hsm, keys):
    symmetric, signing = keys.fresh(), keys.any("ECC_NIST_P256")
    with fronts.Front(hsm, throttle={"symmetric": 1000, "ecc": 3}) as front:
        kms = front.client()
        with refused("ThrottlingException", says="(?i)rate") as caught:
            burst(kms.sign, 30, KeyId=signing, Message=b"m", SigningAlgorithm="ECDSA_SHA_256")
        assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
        burst(kms.encrypt, 30, KeyId=symmetric, Plaintext=b"x")


def test_k95_operations_have_quotas_of_their_own(hsm, keys):
    keys.fresh()
    with fronts.Front(hsm, throttle={"CreateAlias": 2}) as front:
        kms = front.client()
        with refused("ThrottlingException"):
            for number in range(20):
                kms.create_alias(AliasName=f"alias/fast-{number}", TargetKeyId=keys.any("SYMMETRIC_DEFAULT"))
        kms.list_keys()


def test_k95_a_client_that_tries_again_gets_through(hsm, keys):
    key = keys.fresh()
    with fronts.Front(hsm, throttle={"symmetric": 20}) as front:
        kms = front.client(retries={"mode": "standard", "total_max_attempts": 10})
        burst(kms.encrypt, 40, KeyId=key, Plaintext=b"x")


def test_k95_nothing_is_throttled_unless_it_is_switched_on(kms, key):
    burst(kms.encrypt, 200, KeyId=key, Plaintext=b"x")


@pytest.mark.parametrize("wrong", [{"throttle": {"nonsense": 1}}, {"throttle": {"symmetric": 0}}, {"keys_per_region": -1}])
def test_k95_wrong_quotas_are_refused_at_the_start(hsm, wrong):
    with pytest.raises(AssertionError, match="ended with"):
        fronts.Front(hsm, **wrong).start()
