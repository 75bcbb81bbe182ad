"""What tests of custom key stores share."""

import time


def describe(kms, store):
    [said] = kms.describe_custom_key_stores(CustomKeyStoreId=store)["CustomKeyStores"]
    return said


def settle(kms, store):
    """What is said of a store once its connection is neither beginning nor ending."""
    deadline = time.monotonic() + 60
    while (said := describe(kms, store))["ConnectionState"] in ("CONNECTING", "DISCONNECTING"):
        assert time.monotonic() < deadline, said
        time.sleep(0.02)
    return said


def connect(kms, store):
    kms.connect_custom_key_store(CustomKeyStoreId=store)
    return settle(kms, store)
