"""HMAC keys."""

import pytest

from expect import dry_run, invalid, refused

SIZES = [224, 256, 384, 512]
MESSAGE = b"what is authenticated"


@pytest.mark.parametrize("bits", SIZES)
def test_k13_a_mac_is_made_and_verified(kms, keys, bits):
    key, algorithm = keys.any(f"HMAC_{bits}"), f"HMAC_SHA_{bits}"
    made = kms.generate_mac(KeyId=key, Message=MESSAGE, MacAlgorithm=algorithm)
    assert (made["KeyId"], made["MacAlgorithm"], len(made["Mac"])) == (keys.arn(key), algorithm, bits // 8)
    assert kms.generate_mac(KeyId=key, Message=MESSAGE, MacAlgorithm=algorithm)["Mac"] == made["Mac"]
    verified = kms.verify_mac(KeyId=key, Message=MESSAGE, MacAlgorithm=algorithm, Mac=made["Mac"])
    assert (verified["MacValid"], verified["KeyId"], verified["MacAlgorithm"]) == (True, keys.arn(key), algorithm)


@pytest.mark.parametrize("bits", SIZES)
def test_k13_a_bad_mac_is_an_error(kms, keys, bits):
    key, algorithm = keys.any(f"HMAC_{bits}"), f"HMAC_SHA_{bits}"
    mac = kms.generate_mac(KeyId=key, Message=MESSAGE, MacAlgorithm=algorithm)["Mac"]
    for wrong in (mac[:-1] + bytes([mac[-1] ^ 1]), mac[:-1], mac[:4], mac + b"\0", b"\0"):
        with refused("KMSInvalidMacException"):
            kms.verify_mac(KeyId=key, Message=MESSAGE, MacAlgorithm=algorithm, Mac=wrong)
    with refused("KMSInvalidMacException"):
        kms.verify_mac(KeyId=key, Message=MESSAGE + b"!", MacAlgorithm=algorithm, Mac=mac)
    with refused("KMSInvalidMacException"):
        kms.verify_mac(KeyId=keys.fresh(f"HMAC_{bits}"), Message=MESSAGE, MacAlgorithm=algorithm, Mac=mac)


def test_k13_messages_have_their_lengths(kms, unchecked, keys):
    key = keys.any("HMAC_256")
    kms.generate_mac(KeyId=key, Message=bytes(4096), MacAlgorithm="HMAC_SHA_256")
    for size in (0, 4097):
        with invalid("message"):
            unchecked.generate_mac(KeyId=key, Message=bytes(size), MacAlgorithm="HMAC_SHA_256")
        with invalid("message"):
            unchecked.verify_mac(KeyId=key, Message=bytes(size), MacAlgorithm="HMAC_SHA_256", Mac=bytes(32))


def test_k17_a_mac_of_another_algorithm_is_refused(kms, keys):
    with refused("InvalidKeyUsageException"):
        kms.generate_mac(KeyId=keys.any("HMAC_256"), Message=MESSAGE, MacAlgorithm="HMAC_SHA_512")
    with refused("InvalidKeyUsageException"):
        kms.verify_mac(KeyId=keys.any("HMAC_256"), Message=MESSAGE, MacAlgorithm="HMAC_SHA_512", Mac=bytes(64))


@pytest.mark.parametrize("spec, usage", [("SYMMETRIC_DEFAULT", None), ("ECC_NIST_P256", "SIGN_VERIFY")])
def test_k11_keys_of_another_use_make_no_macs(kms, keys, spec, usage):
    with refused("InvalidKeyUsageException"):
        kms.generate_mac(KeyId=keys.any(spec, usage), Message=MESSAGE, MacAlgorithm="HMAC_SHA_256")
    with refused("InvalidKeyUsageException"):
        kms.verify_mac(KeyId=keys.any(spec, usage), Message=MESSAGE, MacAlgorithm="HMAC_SHA_256", Mac=bytes(32))


def test_k18_dry_runs_make_no_mac(kms, keys):
    key = keys.any("HMAC_256")
    mac = kms.generate_mac(KeyId=key, Message=MESSAGE, MacAlgorithm="HMAC_SHA_256")["Mac"]
    dry_run(kms.generate_mac, KeyId=key, Message=MESSAGE, MacAlgorithm="HMAC_SHA_256")
    dry_run(kms.verify_mac, KeyId=key, Message=MESSAGE, MacAlgorithm="HMAC_SHA_256", Mac=mac)
