"""PyKCS11, the thin binding: numbers and templates as the standard has them."""

import os

import PyKCS11
import pytest
from PyKCS11 import (
    CKA_CLASS,
    CKA_DECRYPT,
    CKA_ENCRYPT,
    CKA_EXTRACTABLE,
    CKA_ID,
    CKA_KEY_TYPE,
    CKA_LABEL,
    CKA_MODULUS_BITS,
    CKA_PRIVATE,
    CKA_PUBLIC_EXPONENT,
    CKA_TOKEN,
    CKA_VALUE_LEN,
    CKF_RW_SESSION,
    CKF_SERIAL_SESSION,
    CKK_AES,
    CKK_RSA,
    CKM_AES_CBC_PAD,
    CKM_AES_KEY_WRAP_KWP,
    CKM_SHA256_RSA_PKCS,
    CKO_PRIVATE_KEY,
    CKO_SECRET_KEY,
)


@pytest.fixture(scope="module")
def library(module):
    library = PyKCS11.PyKCS11Lib()
    library.load(module)
    return library


@pytest.fixture
def open_session(library, pin):
    slots = library.getSlotList(tokenPresent=True)
    (slot,) = [slot for slot in slots if library.getTokenInfo(slot).label.strip() == os.environ["TOKEN"]]
    session = library.openSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION)
    session.login(pin)
    yield session
    session.logout()
    session.closeSession()


def test_information(library):
    info = library.getInfo()
    assert info.cryptokiVersion >= (2, 40)
    assert info.manufacturerID.strip()


def test_mechanisms(library):
    slot = library.getSlotList(tokenPresent=True)[0]
    names = library.getMechanismList(slot)
    assert {"CKM_RSA_PKCS", "CKM_AES_GCM", "CKM_ECDSA"} <= set(names)
    for name in names[:-1]:  # this version of PyKCS11 adds one more, whatever the module says
        library.getMechanismInfo(slot, name)


def test_rsa(open_session):
    public, private = open_session.generateKeyPair(
        [(CKA_TOKEN, True), (CKA_MODULUS_BITS, 2048), (CKA_PUBLIC_EXPONENT, (1, 0, 1)), (CKA_LABEL, "pair"), (CKA_ID, (7,))],
        [(CKA_TOKEN, True), (CKA_PRIVATE, True), (CKA_LABEL, "pair"), (CKA_ID, (7,))],
    )
    (found,) = open_session.findObjects([(CKA_CLASS, CKO_PRIVATE_KEY), (CKA_LABEL, "pair")])
    mechanism = PyKCS11.Mechanism(CKM_SHA256_RSA_PKCS)
    signature = open_session.sign(found, b"message", mechanism)
    assert open_session.verify(public, b"message", signature, mechanism)
    assert not open_session.verify(public, b"another", signature, mechanism)
    open_session.destroyObject(private)
    open_session.destroyObject(public)


def test_aes(open_session):
    key = open_session.generateKey(
        [
            (CKA_CLASS, CKO_SECRET_KEY),
            (CKA_KEY_TYPE, CKK_AES),
            (CKA_VALUE_LEN, 32),
            (CKA_ENCRYPT, True),
            (CKA_DECRYPT, True),
        ]
    )
    mechanism = PyKCS11.Mechanism(CKM_AES_CBC_PAD, bytes(range(16)))
    secret = open_session.encrypt(key, b"message", mechanism)
    assert bytes(open_session.decrypt(key, secret, mechanism)) == b"message"


def test_private_key_is_unwrapped(open_session):
    key = open_session.generateKey([(CKA_CLASS, CKO_SECRET_KEY), (CKA_KEY_TYPE, CKK_AES), (CKA_VALUE_LEN, 32)])
    public, private = open_session.generateKeyPair(
        [(CKA_MODULUS_BITS, 2048), (CKA_PUBLIC_EXPONENT, (1, 0, 1))], [(CKA_EXTRACTABLE, True)]
    )
    wrap = PyKCS11.Mechanism(CKM_AES_KEY_WRAP_KWP)
    wrapped = open_session.wrapKey(key, private, wrap)
    back = open_session.unwrapKey(key, wrapped, [(CKA_CLASS, CKO_PRIVATE_KEY), (CKA_KEY_TYPE, CKK_RSA)], wrap)
    mechanism = PyKCS11.Mechanism(CKM_SHA256_RSA_PKCS)
    assert open_session.verify(public, b"message", open_session.sign(back, b"message", mechanism), mechanism)


def test_every_attribute_of_every_object_is_readable_or_refused(open_session):
    open_session.generateKey([(CKA_CLASS, CKO_SECRET_KEY), (CKA_KEY_TYPE, CKK_AES), (CKA_VALUE_LEN, 16)])
    for found in open_session.findObjects():
        assert found.to_dict()
