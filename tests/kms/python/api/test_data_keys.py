"""Data keys, data key pairs, random bytes."""

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from expect import dry_run, invalid, refused

CONTEXT = {"object": "42"}

PAIRS = ["RSA_2048", "ECC_NIST_P256", "ECC_NIST_P384", "ECC_NIST_P521", "ECC_SECG_P256K1"]
CURVES = {"ECC_NIST_P256": "secp256r1", "ECC_NIST_P384": "secp384r1", "ECC_NIST_P521": "secp521r1", "ECC_SECG_P256K1": "secp256k1"}


@pytest.mark.parametrize("spec, size", [("AES_256", 32), ("AES_128", 16)])
def test_k23_a_data_key_comes_plain_and_sealed(kms, keys, spec, size):
    key = keys.metadata()
    made = kms.generate_data_key(KeyId=key["KeyId"], KeySpec=spec)
    assert len(made["Plaintext"]) == size
    assert (made["KeyId"], made["KeyMaterialId"]) == (key["Arn"], key["CurrentKeyMaterialId"])
    assert kms.decrypt(CiphertextBlob=made["CiphertextBlob"])["Plaintext"] == made["Plaintext"]
    AESGCM(made["Plaintext"]).encrypt(bytes(12), b"a file", None)


def test_k23_a_data_key_is_bound_to_its_context(kms, key):
    made = kms.generate_data_key(KeyId=key, KeySpec="AES_256", EncryptionContext=CONTEXT)
    assert kms.decrypt(CiphertextBlob=made["CiphertextBlob"], EncryptionContext=CONTEXT)["Plaintext"] == made["Plaintext"]
    with refused("InvalidCiphertextException"):
        kms.decrypt(CiphertextBlob=made["CiphertextBlob"])


@pytest.mark.parametrize("size", [1, 31, 64, 1024])
def test_k24_a_data_key_of_any_length(kms, key, size):
    made = kms.generate_data_key(KeyId=key, NumberOfBytes=size)
    assert len(made["Plaintext"]) == size
    assert kms.decrypt(CiphertextBlob=made["CiphertextBlob"])["Plaintext"] == made["Plaintext"]


@pytest.mark.parametrize("operation", ["generate_data_key", "generate_data_key_without_plaintext"])
@pytest.mark.parametrize("wrong", [{}, {"KeySpec": "AES_256", "NumberOfBytes": 32}, {"NumberOfBytes": 0}, {"NumberOfBytes": 1025}, {"KeySpec": "AES_192"}])
def test_k24_a_data_key_s_length_is_said_once_and_in_bounds(unchecked, key, operation, wrong):
    with invalid():
        getattr(unchecked, operation)(KeyId=key, **wrong)


def test_k25_a_data_key_without_its_plaintext(kms, key):
    made = kms.generate_data_key_without_plaintext(KeyId=key, NumberOfBytes=48, EncryptionContext=CONTEXT)
    assert "Plaintext" not in made
    assert len(kms.decrypt(CiphertextBlob=made["CiphertextBlob"], EncryptionContext=CONTEXT)["Plaintext"]) == 48


@pytest.mark.parametrize("spec", PAIRS)
def test_k26_a_data_key_pair(kms, keys, spec):
    key = keys.metadata()
    made = kms.generate_data_key_pair(KeyId=key["KeyId"], KeyPairSpec=spec, EncryptionContext=CONTEXT)
    assert (made["KeyId"], made["KeyPairSpec"], made["KeyMaterialId"]) == (key["Arn"], spec, key["CurrentKeyMaterialId"])
    private = serialization.load_der_private_key(made["PrivateKeyPlaintext"], None)
    public = serialization.load_der_public_key(made["PublicKey"])
    assert private.public_key().public_numbers() == public.public_numbers()
    if spec in CURVES:
        assert public.curve.name == CURVES[spec]
        public.verify(private.sign(b"m", ec.ECDSA(hashes.SHA256())), b"m", ec.ECDSA(hashes.SHA256()))
    else:
        assert isinstance(public, rsa.RSAPublicKey) and public.key_size == 2048
        public.verify(private.sign(b"m", padding.PKCS1v15(), hashes.SHA256()), b"m", padding.PKCS1v15(), hashes.SHA256())
    assert kms.decrypt(CiphertextBlob=made["PrivateKeyCiphertextBlob"], EncryptionContext=CONTEXT)["Plaintext"] == made["PrivateKeyPlaintext"]
    with refused("InvalidCiphertextException"):
        kms.decrypt(CiphertextBlob=made["PrivateKeyCiphertextBlob"])


def test_k26_a_data_key_pair_of_the_largest_rsa_keys_fits_its_blob(kms, key):
    made = kms.generate_data_key_pair(KeyId=key, KeyPairSpec="RSA_4096", EncryptionContext=CONTEXT)
    assert len(made["PrivateKeyCiphertextBlob"]) <= 6144
    assert serialization.load_der_private_key(made["PrivateKeyPlaintext"], None).key_size == 4096
    assert kms.decrypt(CiphertextBlob=made["PrivateKeyCiphertextBlob"], EncryptionContext=CONTEXT)["Plaintext"] == made["PrivateKeyPlaintext"]


def test_k26_an_edwards_data_key_pair(kms, key):
    made = kms.generate_data_key_pair(KeyId=key, KeyPairSpec="ECC_NIST_EDWARDS25519")
    private = serialization.load_der_private_key(made["PrivateKeyPlaintext"], None)
    assert isinstance(private, ed25519.Ed25519PrivateKey)
    serialization.load_der_public_key(made["PublicKey"]).verify(private.sign(b"m"), b"m")


def test_k26_a_data_key_pair_without_its_plaintext(kms, key):
    made = kms.generate_data_key_pair_without_plaintext(KeyId=key, KeyPairSpec="ECC_NIST_P256")
    assert "PrivateKeyPlaintext" not in made
    private = serialization.load_der_private_key(kms.decrypt(CiphertextBlob=made["PrivateKeyCiphertextBlob"])["Plaintext"], None)
    assert private.public_key() == serialization.load_der_public_key(made["PublicKey"])


@pytest.mark.parametrize("operation", ["generate_data_key_pair", "generate_data_key_pair_without_plaintext"])
def test_k26_what_can_not_be_a_data_key_pair(kms, unchecked, keys, key, operation):
    with refused("InvalidKeyUsageException"):
        getattr(kms, operation)(KeyId=keys.any("RSA_2048", "ENCRYPT_DECRYPT"), KeyPairSpec="ECC_NIST_P256")
    with refused("InvalidKeyUsageException"):
        getattr(kms, operation)(KeyId=keys.any("HMAC_256"), KeyPairSpec="ECC_NIST_P256")
    with refused("UnsupportedOperationException", "ValidationException"):
        getattr(kms, operation)(KeyId=key, KeyPairSpec="SM2")
    with invalid("keyPairSpec"):
        getattr(unchecked, operation)(KeyId=key, KeyPairSpec="DSA_1024")


def test_k27_data_keys_leave_nothing_behind(kms, key):
    before = kms.list_keys(Limit=1000)["Keys"]
    plaintexts = {kms.generate_data_key(KeyId=key, KeySpec="AES_256")["Plaintext"] for _ in range(50)}
    assert len(plaintexts) == 50
    assert kms.list_keys(Limit=1000)["Keys"] == before


def test_k28_random_bytes(kms, unchecked):
    for size in (1, 32, 1024):
        assert len(kms.generate_random(NumberOfBytes=size)["Plaintext"]) == size
    assert kms.generate_random(NumberOfBytes=32)["Plaintext"] != kms.generate_random(NumberOfBytes=32)["Plaintext"]
    for wrong in ({}, {"NumberOfBytes": 0}, {"NumberOfBytes": 1025}):
        with invalid():
            unchecked.generate_random(**wrong)


@pytest.mark.parametrize("spec, usage", [("RSA_2048", "ENCRYPT_DECRYPT"), ("HMAC_256", None), ("ECC_NIST_P256", "SIGN_VERIFY")])
@pytest.mark.parametrize("operation", ["generate_data_key", "generate_data_key_without_plaintext"])
def test_k29_data_keys_need_a_symmetric_key(kms, keys, operation, spec, usage):
    with refused("InvalidKeyUsageException"):
        getattr(kms, operation)(KeyId=keys.any(spec, usage), KeySpec="AES_256")


def test_k18_dry_runs_make_no_data_key(kms, key):
    dry_run(kms.generate_data_key, KeyId=key, KeySpec="AES_256")
    dry_run(kms.generate_data_key_without_plaintext, KeyId=key, KeySpec="AES_256")
    dry_run(kms.generate_data_key_pair, KeyId=key, KeyPairSpec="RSA_2048")
    dry_run(kms.generate_data_key_pair_without_plaintext, KeyId=key, KeyPairSpec="RSA_2048")


def test_k18_answers_for_an_enclave_are_refused_without_a_valid_attestation(kms, key):
    recipient = {"KeyEncryptionAlgorithm": "RSAES_OAEP_SHA_256", "AttestationDocument": b"no attestation"}
    blob = kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    for request, parameters in [
        (kms.generate_data_key, {"KeyId": key, "KeySpec": "AES_256"}),
        (kms.generate_data_key_pair, {"KeyId": key, "KeyPairSpec": "ECC_NIST_P256"}),
        (kms.generate_random, {"NumberOfBytes": 32}),
        (kms.decrypt, {"CiphertextBlob": blob}),
    ]:
        with refused("UnsupportedOperationException", "ValidationException"):
            request(Recipient=recipient, **parameters)
