"""python-pkcs11, used as its documentation does; results are checked with the `cryptography` package."""

import datetime
import hashlib
import hmac

import pkcs11
import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, keywrap, padding as block_padding, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pkcs11 import Attribute, CTRParams, GCMParams, KDF, KeyType, Mechanism, MGF, ObjectClass
from pkcs11.util.ec import (
    decode_ec_private_key,
    decode_ec_public_key,
    encode_ec_public_key,
    encode_ecdsa_signature,
    encode_named_curve_parameters,
)
from pkcs11.util.rsa import decode_rsa_private_key, decode_rsa_public_key, encode_rsa_public_key
from pkcs11.util.x509 import decode_x509_certificate

MESSAGE = b"A message for the token, longer than one block."


def curve_keys(session, name, **options):
    """A pair of keys on a named curve."""
    parameters = session.create_domain_parameters(
        KeyType.EC, {Attribute.EC_PARAMS: encode_named_curve_parameters(name)}, local=True
    )
    return parameters.generate_keypair(**options)


def outside(public):
    """The public key for the `cryptography` package."""
    encode = encode_rsa_public_key if public.key_type == KeyType.RSA else encode_ec_public_key
    der = encode(public)
    if public.key_type == KeyType.RSA:
        numbers = rsa.RSAPublicNumbers(
            int.from_bytes(public[Attribute.PUBLIC_EXPONENT], "big"), int.from_bytes(public[Attribute.MODULUS], "big")
        )
        return numbers.public_key()
    return serialization.load_der_public_key(der)


class TestTokens:
    def test_token_says_who_it_is(self, token):
        assert token.manufacturer_id
        assert token.serial
        assert pkcs11.TokenFlag.TOKEN_INITIALIZED in token.flags
        assert pkcs11.TokenFlag.USER_PIN_INITIALIZED in token.flags

    def test_slot_lists_mechanisms(self, token):
        mechanisms = token.slot.get_mechanisms()
        assert {Mechanism.AES_CBC_PAD, Mechanism.RSA_PKCS_OAEP, Mechanism.ECDSA_SHA256} <= mechanisms
        info = token.slot.get_mechanism_info(Mechanism.RSA_PKCS_OAEP)
        assert info.min_key_length <= 2048 <= info.max_key_length

    def test_wrong_pin(self, token):
        with pytest.raises(pkcs11.PinIncorrect):
            token.open(user_pin="000000")

    def test_pair_is_found_by_its_label(self, session):
        session.generate_keypair(KeyType.RSA, 2048, store=True, label="shared")
        found = {type(key) for key in session.get_objects({Attribute.LABEL: "shared"})}
        assert len(found) == 2

    def test_random(self, session):
        one, two = session.generate_random(256), session.generate_random(256)
        assert len(one) == 32 and one != two

    def test_seed_random(self, session):
        session.seed_random(b"12345678")

    @pytest.mark.parametrize("name", ["SHA_1", "SHA224", "SHA256", "SHA384", "SHA512"])
    def test_digest(self, session, name):
        expected = hashlib.new(name.replace("_", "").lower(), MESSAGE).digest()
        assert session.digest(MESSAGE, mechanism=Mechanism[name]) == expected
        assert session.digest(iter([MESSAGE[:5], MESSAGE[5:]]), mechanism=Mechanism[name]) == expected


class TestObjects:
    def test_data_object(self, session):
        session.create_object(
            {Attribute.CLASS: ObjectClass.DATA, Attribute.LABEL: "note", Attribute.VALUE: MESSAGE, Attribute.TOKEN: True}
        )
        (note,) = session.get_objects({Attribute.LABEL: "note"})
        assert note[Attribute.VALUE] == MESSAGE

    def test_search_by_every_attribute(self, session):
        for number in range(20):
            session.generate_key(KeyType.AES, 128, store=True, label=f"key {number}", id=bytes([number]))
        assert len(list(session.get_objects({Attribute.CLASS: ObjectClass.SECRET_KEY}))) == 20
        assert session.get_key(label="key 7").id == b"\x07"
        assert session.get_key(id=b"\x0b").label == "key 11"
        assert len(list(session.get_objects({Attribute.KEY_TYPE: KeyType.AES, Attribute.LABEL: "key 3"}))) == 1
        with pytest.raises(pkcs11.NoSuchKey):
            session.get_key(label="key 20")
        with pytest.raises(pkcs11.MultipleObjectsReturned):
            session.get_key(key_type=KeyType.AES)

    def test_search_on_an_empty_token_finds_nothing(self, session):
        assert list(session.get_objects()) == []

    def test_label_changes(self, session):
        key = session.generate_key(KeyType.AES, 128, store=True, label="before")
        key[Attribute.LABEL] = "after"
        assert session.get_key(label="after")[Attribute.LABEL] == "after"

    def test_copy(self, session):
        key = session.generate_key(KeyType.AES, 256, label="original", template={Attribute.EXTRACTABLE: True})
        copy = key.copy({Attribute.LABEL: "copy", Attribute.EXTRACTABLE: False})
        assert copy[Attribute.LABEL] == "copy"
        assert copy[Attribute.EXTRACTABLE] is False
        with pytest.raises(pkcs11.PKCS11Error):
            copy.copy({Attribute.EXTRACTABLE: True})

    def test_destroyed_object_is_gone(self, session):
        key = session.generate_key(KeyType.AES, 128, store=True, label="short-lived")
        key.destroy()
        with pytest.raises(pkcs11.NoSuchKey):
            session.get_key(label="short-lived")

    def test_session_object_dies_with_its_session(self, token, pin):
        with token.open(rw=True, user_pin=pin) as session:
            session.generate_key(KeyType.AES, 128, label="session")
            assert session.get_key(label="session")
        with token.open(user_pin=pin) as session:
            assert list(session.get_objects({Attribute.LABEL: "session"})) == []

    def test_read_only_session_stores_nothing(self, token, pin):
        with token.open(user_pin=pin) as session:
            with pytest.raises(pkcs11.SessionReadOnly):
                session.generate_key(KeyType.AES, 128, store=True, label="nothing")
            assert session.generate_key(KeyType.AES, 128)

    def test_sensitive_value_is_not_readable(self, session):
        key = session.generate_key(KeyType.AES, 128, template={Attribute.SENSITIVE: True, Attribute.EXTRACTABLE: False})
        assert key[Attribute.ALWAYS_SENSITIVE] and key[Attribute.NEVER_EXTRACTABLE] and key[Attribute.LOCAL]
        with pytest.raises(pkcs11.AttributeSensitive):
            key[Attribute.VALUE]

    def test_sensitive_cannot_be_taken_back(self, session):
        key = session.generate_key(KeyType.AES, 128, template={Attribute.SENSITIVE: True, Attribute.EXTRACTABLE: False})
        with pytest.raises(pkcs11.AttributeReadOnly):
            key[Attribute.SENSITIVE] = False
        with pytest.raises(pkcs11.AttributeReadOnly):
            key[Attribute.EXTRACTABLE] = True

    def test_certificate(self, session):
        own = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "python")])
        start = datetime.datetime(2024, 1, 1)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(own.public_key())
            .serial_number(4711)
            .not_valid_before(start)
            .not_valid_after(start + datetime.timedelta(days=3650))
            .sign(own, hashes.SHA256())
        )
        der = certificate.public_bytes(serialization.Encoding.DER)
        session.create_object(decode_x509_certificate(der) | {Attribute.LABEL: "own", Attribute.TOKEN: True})
        (found,) = session.get_objects({Attribute.CLASS: ObjectClass.CERTIFICATE})
        assert found[Attribute.VALUE] == der
        assert x509.load_der_x509_certificate(found[Attribute.VALUE]).serial_number == 4711


class TestRsa:
    @pytest.fixture
    def pair(self, session):
        return session.generate_keypair(KeyType.RSA, 2048)

    def test_default_signature(self, pair):
        public, private = pair
        signature = private.sign(MESSAGE)
        assert public.verify(MESSAGE, signature)
        assert not public.verify(MESSAGE + b"!", signature)
        outside(public).verify(signature, MESSAGE, padding.PKCS1v15(), hashes.SHA512())

    def test_signature_in_parts(self, pair):
        public, private = pair
        parts = (MESSAGE, b"and", MESSAGE)
        signature = private.sign(iter(parts), mechanism=Mechanism.SHA256_RSA_PKCS)
        assert public.verify(iter(parts), signature, mechanism=Mechanism.SHA256_RSA_PKCS)
        outside(public).verify(signature, b"".join(parts), padding.PKCS1v15(), hashes.SHA256())

    @pytest.mark.parametrize("bits", [1, 224, 256, 384, 512])
    def test_pss(self, pair, bits):
        public, private = pair
        own = {1: hashes.SHA1, 224: hashes.SHA224, 256: hashes.SHA256, 384: hashes.SHA384, 512: hashes.SHA512}[bits]()
        named = Mechanism.SHA_1 if bits == 1 else Mechanism[f"SHA{bits}"]
        options = {
            "mechanism": Mechanism[f"SHA{bits}_RSA_PKCS_PSS"],
            "mechanism_param": (named, MGF[f"SHA{bits}"], own.digest_size),
        }
        signature = private.sign(MESSAGE, **options)
        assert public.verify(MESSAGE, signature, **options)
        outside(public).verify(signature, MESSAGE, padding.PSS(padding.MGF1(own), own.digest_size), own)

    def test_default_encryption(self, pair):
        public, private = pair
        assert private.decrypt(public.encrypt(MESSAGE)) == MESSAGE
        secret = outside(public).encrypt(MESSAGE, padding.OAEP(padding.MGF1(hashes.SHA1()), hashes.SHA1(), None))
        assert private.decrypt(secret) == MESSAGE

    def test_oaep_with_sha256(self, pair):
        public, private = pair
        secret = outside(public).encrypt(MESSAGE, padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None))
        parameters = (Mechanism.SHA256, MGF.SHA256, None)
        assert private.decrypt(secret, mechanism_param=parameters) == MESSAGE

    def test_oaep_with_label(self, pair):
        public, private = pair
        parameters = (Mechanism.SHA256, MGF.SHA256, b"label")
        secret = public.encrypt(MESSAGE, mechanism_param=parameters)
        assert private.decrypt(secret, mechanism_param=parameters) == MESSAGE
        with pytest.raises(pkcs11.PKCS11Error):
            private.decrypt(secret, mechanism_param=(Mechanism.SHA256, MGF.SHA256, b"other"))

    def test_import(self, session):
        own = rsa.generate_private_key(65537, 2048)
        der = own.private_bytes(
            serialization.Encoding.DER, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
        )
        private = session.create_object(decode_rsa_private_key(der))
        public = session.create_object(
            decode_rsa_public_key(
                own.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.PKCS1)
            )
        )
        assert public[Attribute.MODULUS_BITS] == 2048
        assert public.key_length == private.key_length == 2048
        signature = private.sign(MESSAGE, mechanism=Mechanism.SHA256_RSA_PKCS)
        own.public_key().verify(signature, MESSAGE, padding.PKCS1v15(), hashes.SHA256())
        assert public.verify(MESSAGE, signature, mechanism=Mechanism.SHA256_RSA_PKCS)

    def test_wrap(self, session, pair):
        public, private = pair
        key = session.generate_key(KeyType.AES, 256, template={Attribute.EXTRACTABLE: True, Attribute.SENSITIVE: False})
        back = private.unwrap_key(ObjectClass.SECRET_KEY, KeyType.AES, public.wrap_key(key))
        vector = session.generate_random(128)
        secret = key.encrypt(MESSAGE, mechanism_param=vector)
        assert back.decrypt(secret, mechanism_param=vector) == MESSAGE


class TestCurves:
    CURVES = ["secp224r1", "secp256r1", "secp384r1", "secp521r1", "secp256k1"]

    @pytest.mark.parametrize("name", CURVES)
    def test_default_signature(self, session, name):
        public, private = curve_keys(session, name)
        signature = private.sign(MESSAGE)
        assert public.verify(MESSAGE, signature)
        outside(public).verify(encode_ecdsa_signature(signature), MESSAGE, ec.ECDSA(hashes.SHA512()))
        with pytest.raises(InvalidSignature):
            outside(public).verify(encode_ecdsa_signature(signature), MESSAGE + b"!", ec.ECDSA(hashes.SHA512()))

    def test_raw_signature(self, session):
        public, private = curve_keys(session, "secp256r1")
        digest = hashlib.sha256(MESSAGE).digest()
        signature = private.sign(digest, mechanism=Mechanism.ECDSA)
        assert len(signature) == 64
        outside(public).verify(encode_ecdsa_signature(signature), MESSAGE, ec.ECDSA(hashes.SHA256()))

    @pytest.mark.parametrize("encoded", [True, False])
    def test_import(self, session, encoded):
        own = ec.generate_private_key(ec.SECP256R1())
        private = session.create_object(
            decode_ec_private_key(
                own.private_bytes(
                    serialization.Encoding.DER, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
                )
            )
        )
        public = session.create_object(
            decode_ec_public_key(
                own.public_key().public_bytes(
                    serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
                ),
                encode_ec_point=encoded,
            )
        )
        signature = private.sign(MESSAGE, mechanism=Mechanism.ECDSA_SHA256)
        own.public_key().verify(encode_ecdsa_signature(signature), MESSAGE, ec.ECDSA(hashes.SHA256()))
        assert public.verify(MESSAGE, signature, mechanism=Mechanism.ECDSA_SHA256)

    @pytest.mark.parametrize("name", CURVES)
    def test_two_parties_derive_the_same_key(self, session, name):
        alices_public, alice = curve_keys(session, name)
        bobs_public, bob = curve_keys(session, name)
        options = {"template": {Attribute.SENSITIVE: False, Attribute.EXTRACTABLE: True}}
        one = alice.derive_key(KeyType.AES, 128, mechanism_param=(KDF.NULL, None, bobs_public[Attribute.EC_POINT]), **options)
        two = bob.derive_key(KeyType.AES, 128, mechanism_param=(KDF.NULL, None, alices_public[Attribute.EC_POINT]), **options)
        assert one[Attribute.VALUE] == two[Attribute.VALUE]

    def test_derive_with_a_stranger_and_a_hash(self, session):
        public, private = curve_keys(session, "secp256r1")
        stranger = ec.generate_private_key(ec.SECP256R1())
        point = stranger.public_key().public_bytes(
            serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
        )
        key = private.derive_key(
            KeyType.GENERIC_SECRET,
            256,
            mechanism_param=(KDF.SHA256, b"info", point),
            capabilities=pkcs11.MechanismFlag.SIGN,
            template={Attribute.SENSITIVE: False, Attribute.EXTRACTABLE: True},
        )
        shared = stranger.exchange(ec.ECDH(), outside(public))
        assert key[Attribute.VALUE] == hashlib.sha256(shared + b"\x00\x00\x00\x01" + b"info").digest()

    def test_ed25519(self, session):
        parameters = session.create_domain_parameters(
            KeyType.EC_EDWARDS, {Attribute.EC_PARAMS: bytes.fromhex("06032b6570")}, local=True
        )
        public, private = parameters.generate_keypair(mechanism=Mechanism.EC_EDWARDS_KEY_PAIR_GEN)
        signature = private.sign(MESSAGE, mechanism=Mechanism.EDDSA)
        assert public.verify(MESSAGE, signature, mechanism=Mechanism.EDDSA)
        ed25519.Ed25519PublicKey.from_public_bytes(public[Attribute.EC_POINT][-32:]).verify(signature, MESSAGE)


class TestAes:
    @pytest.fixture(params=[128, 192, 256])
    def key(self, session, request):
        return session.generate_key(
            KeyType.AES, request.param, template={Attribute.SENSITIVE: False, Attribute.EXTRACTABLE: True}
        )

    def test_default_encryption(self, session, key):
        vector = session.generate_random(128)
        secret = key.encrypt(MESSAGE, mechanism_param=vector)
        assert key.decrypt(secret, mechanism_param=vector) == MESSAGE
        decryptor = Cipher(algorithms.AES(key[Attribute.VALUE]), modes.CBC(vector)).decryptor()
        unpadder = block_padding.PKCS7(128).unpadder()
        padded = decryptor.update(secret) + decryptor.finalize()
        assert unpadder.update(padded) + unpadder.finalize() == MESSAGE

    def test_encryption_in_parts(self, session, key):
        vector = session.generate_random(128)
        parts = [MESSAGE, b"", b"x" * 1000, b"end"]
        secret = b"".join(key.encrypt(iter(parts), mechanism_param=vector))
        assert b"".join(key.decrypt(iter([secret[:7], secret[7:]]), mechanism_param=vector)) == b"".join(parts)

    def test_gcm(self, session, key):
        nonce = session.generate_random(96)
        parameters = GCMParams(nonce, b"header", 128)
        secret = key.encrypt(MESSAGE, mechanism=Mechanism.AES_GCM, mechanism_param=parameters)
        assert AESGCM(key[Attribute.VALUE]).decrypt(nonce, secret, b"header") == MESSAGE
        assert key.decrypt(secret, mechanism=Mechanism.AES_GCM, mechanism_param=parameters) == MESSAGE
        with pytest.raises(pkcs11.PKCS11Error):
            key.decrypt(
                secret, mechanism=Mechanism.AES_GCM, mechanism_param=GCMParams(nonce, b"another header", 128)
            )

    def test_ctr(self, session, key):
        nonce = session.generate_random(96)
        secret = key.encrypt(MESSAGE, mechanism=Mechanism.AES_CTR, mechanism_param=CTRParams(nonce))
        counter = modes.CTR(nonce + b"\x00\x00\x00\x01")
        assert secret == Cipher(algorithms.AES(key[Attribute.VALUE]), counter).encryptor().update(MESSAGE)

    def test_cmac(self, key):
        mac = key.sign(MESSAGE, mechanism=Mechanism.AES_CMAC)
        assert len(mac) == 16
        assert key.verify(MESSAGE, mac, mechanism=Mechanism.AES_CMAC)
        assert not key.verify(MESSAGE + b"!", mac, mechanism=Mechanism.AES_CMAC)

    def test_default_wrap(self, session, key):
        other = session.generate_key(
            KeyType.AES, 256, template={Attribute.SENSITIVE: False, Attribute.EXTRACTABLE: True}
        )
        wrapped = key.wrap_key(other)
        assert keywrap.aes_key_unwrap(key[Attribute.VALUE], wrapped) == other[Attribute.VALUE]
        back = key.unwrap_key(
            ObjectClass.SECRET_KEY,
            KeyType.AES,
            wrapped,
            template={Attribute.SENSITIVE: False, Attribute.EXTRACTABLE: True},
        )
        assert back[Attribute.VALUE] == other[Attribute.VALUE]

    def test_key_that_stays_is_not_wrapped(self, session, key):
        other = session.generate_key(KeyType.AES, 256, template={Attribute.EXTRACTABLE: False})
        with pytest.raises(pkcs11.KeyUnextractable):
            key.wrap_key(other)

    def test_private_key_is_wrapped(self, session, key):
        public, private = session.generate_keypair(
            KeyType.RSA, 2048, private_template={Attribute.EXTRACTABLE: True}
        )
        wrapped = key.wrap_key(private, mechanism=Mechanism.AES_KEY_WRAP_KWP)
        der = keywrap.aes_key_unwrap_with_padding(key[Attribute.VALUE], wrapped)
        assert serialization.load_der_private_key(der, None).public_key() == outside(public)

    def test_failed_operation_is_over(self, session, key):
        vector = session.generate_random(128)
        with pytest.raises(pkcs11.PKCS11Error):
            key.decrypt(b"not whole blocks", mechanism=Mechanism.AES_GCM, mechanism_param=GCMParams(vector[:12]))
        secret = key.encrypt(MESSAGE, mechanism_param=vector)
        assert key.decrypt(secret, mechanism_param=vector) == MESSAGE


class TestHmac:
    @pytest.mark.parametrize("bits", [224, 256, 384, 512])
    @pytest.mark.parametrize("length", [1, 20, 64, 200])
    def test_imported_key(self, session, bits, length):
        secret = session.generate_random(8 * length)
        key = session.create_object(
            {
                Attribute.CLASS: ObjectClass.SECRET_KEY,
                Attribute.KEY_TYPE: KeyType.GENERIC_SECRET,
                Attribute.VALUE: secret,
                Attribute.SIGN: True,
                Attribute.VERIFY: True,
            }
        )
        mechanism = Mechanism[f"SHA{bits}_HMAC"]
        mac = key.sign(MESSAGE, mechanism=mechanism)
        assert mac == hmac.digest(secret, MESSAGE, f"sha{bits}")
        assert key.verify(MESSAGE, mac, mechanism=mechanism)
        assert not key.verify(MESSAGE + b"!", mac, mechanism=mechanism)

    def test_generated_key(self, session):
        key = session.generate_key(
            KeyType.GENERIC_SECRET,
            256,
            mechanism=Mechanism.GENERIC_SECRET_KEY_GEN,
            capabilities=pkcs11.MechanismFlag.SIGN | pkcs11.MechanismFlag.VERIFY,
        )
        assert key.verify(MESSAGE, key.sign(MESSAGE, mechanism=Mechanism.SHA256_HMAC), mechanism=Mechanism.SHA256_HMAC)
