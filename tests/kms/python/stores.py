"""What tests of custom key stores share."""

import datetime
import time

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec


def describe(kms, store):
    """What is said of a store."""
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
    """Connects a store and waits; what is said of it then."""
    kms.connect_custom_key_store(CustomKeyStoreId=store)
    return settle(kms, store)


def anchor(name):
    """A certificate that a cluster might have, PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    day = datetime.datetime(2026, 1, 1)
    made = x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number(), day, day + datetime.timedelta(days=3650))
    return made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()
