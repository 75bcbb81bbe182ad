"""RSA and elliptic curves: encryption, signatures, key agreement, all proved outside with another library."""

import hashlib

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils

from expect import dry_run, invalid, refused

RSA = ["RSA_2048", "RSA_3072", "RSA_4096"]
ROOM = {"RSA_2048": (214, 190), "RSA_3072": (342, 318), "RSA_4096": (470, 446)}
HASHES = {"224": hashes.SHA224(), "256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}
CURVES = {
    "ECC_NIST_P256": ("ECDSA_SHA_256", ec.SECP256R1),
    "ECC_NIST_P384": ("ECDSA_SHA_384", ec.SECP384R1),
    "ECC_NIST_P521": ("ECDSA_SHA_512", ec.SECP521R1),
    "ECC_SECG_P256K1": ("ECDSA_SHA_256", ec.SECP256K1),
}
RSA_SIGNING = [f"RSASSA_{padding}_SHA_{bits}" for padding in ("PKCS1_V1_5", "PSS") for bits in (256, 384, 512)]
MESSAGE = b"what is signed"


def public_key(kms, key):
    return serialization.load_der_public_key(kms.get_public_key(KeyId=key)["PublicKey"])


def oaep(hash_):
    return padding.OAEP(padding.MGF1(hash_), hash_, None)


@pytest.mark.parametrize("spec", RSA)
def test_k4_the_public_half_of_rsa_keys(kms, keys, spec):
    key = keys.any(spec, "ENCRYPT_DECRYPT")
    said = kms.get_public_key(KeyId=key)
    assert said["KeyId"] == keys.arn(key)
    assert said["KeySpec"] == said["CustomerMasterKeySpec"] == spec
    assert said["KeyUsage"] == "ENCRYPT_DECRYPT"
    assert said["EncryptionAlgorithms"] == ["RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256"]
    public = serialization.load_der_public_key(said["PublicKey"])
    assert isinstance(public, rsa.RSAPublicKey)
    assert f"RSA_{public.key_size}" == spec
    assert public.public_numbers().e == 65537


@pytest.mark.parametrize("algorithm, hash_", [("RSAES_OAEP_SHA_1", hashes.SHA1()), ("RSAES_OAEP_SHA_256", hashes.SHA256())])
@pytest.mark.parametrize("spec", RSA)
def test_k5_what_others_encrypt_for_an_rsa_key_decrypts(kms, keys, spec, algorithm, hash_):
    key = keys.any(spec, "ENCRYPT_DECRYPT")
    outside = public_key(kms, key).encrypt(b"from outside", oaep(hash_))
    opened = kms.decrypt(KeyId=key, CiphertextBlob=outside, EncryptionAlgorithm=algorithm)
    assert (opened["Plaintext"], opened["EncryptionAlgorithm"], opened["KeyId"]) == (b"from outside", algorithm, keys.arn(key))
    inside = kms.encrypt(KeyId=key, Plaintext=b"from inside", EncryptionAlgorithm=algorithm)
    assert inside["EncryptionAlgorithm"] == algorithm
    assert len(inside["CiphertextBlob"]) == int(spec[4:]) // 8
    assert kms.decrypt(KeyId=key, CiphertextBlob=inside["CiphertextBlob"], EncryptionAlgorithm=algorithm)["Plaintext"] == b"from inside"


@pytest.mark.parametrize("which, algorithm", list(enumerate(["RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256"])))
@pytest.mark.parametrize("spec", RSA)
def test_k5_rsa_keys_take_no_more_than_fits(kms, keys, spec, which, algorithm):
    key, most = keys.any(spec, "ENCRYPT_DECRYPT"), ROOM[spec][which]
    blob = kms.encrypt(KeyId=key, Plaintext=b"x" * most, EncryptionAlgorithm=algorithm)["CiphertextBlob"]
    assert kms.decrypt(KeyId=key, CiphertextBlob=blob, EncryptionAlgorithm=algorithm)["Plaintext"] == b"x" * most
    for size in (most + 1, 4096):
        with invalid():
            kms.encrypt(KeyId=key, Plaintext=b"x" * size, EncryptionAlgorithm=algorithm)


def test_k5_rsa_ciphertexts_that_do_not_open_are_refused(kms, keys):
    key = keys.any("RSA_2048", "ENCRYPT_DECRYPT")
    blob = kms.encrypt(KeyId=key, Plaintext=b"x", EncryptionAlgorithm="RSAES_OAEP_SHA_256")["CiphertextBlob"]
    with refused("InvalidCiphertextException"):
        kms.decrypt(KeyId=key, CiphertextBlob=blob, EncryptionAlgorithm="RSAES_OAEP_SHA_1")
    for wrong in (blob[:-1], blob + b"\0", blob[:-1] + bytes([blob[-1] ^ 1]), b"\xff" * 256, b"short"):
        with refused("InvalidCiphertextException"):
            kms.decrypt(KeyId=key, CiphertextBlob=wrong, EncryptionAlgorithm="RSAES_OAEP_SHA_256")
    with refused("InvalidCiphertextException", "ValidationException"):
        kms.decrypt(CiphertextBlob=blob, EncryptionAlgorithm="RSAES_OAEP_SHA_256")
    with refused("InvalidKeyUsageException", "ValidationException"):
        kms.encrypt(KeyId=key, Plaintext=b"x")


@pytest.mark.parametrize("spec", CURVES)
def test_k6_curves_sign_in_der(kms, keys, spec):
    algorithm, curve = CURVES[spec]
    key = keys.any(spec)
    public = public_key(kms, key)
    assert isinstance(public.curve, curve)
    signed = kms.sign(KeyId=key, Message=MESSAGE, SigningAlgorithm=algorithm)
    assert (signed["KeyId"], signed["SigningAlgorithm"]) == (keys.arn(key), algorithm)
    utils.decode_dss_signature(signed["Signature"])
    public.verify(signed["Signature"], MESSAGE, ec.ECDSA(HASHES[algorithm[-3:]]))


@pytest.mark.parametrize("spec", CURVES)
def test_k8_ecdsa_is_verified(kms, keys, spec):
    algorithm, _ = CURVES[spec]
    key = keys.any(spec)
    signature = kms.sign(KeyId=key, Message=MESSAGE, SigningAlgorithm=algorithm)["Signature"]
    verified = kms.verify(KeyId=key, Message=MESSAGE, Signature=signature, SigningAlgorithm=algorithm)
    assert (verified["SignatureValid"], verified["KeyId"], verified["SigningAlgorithm"]) == (True, keys.arn(key), algorithm)


@pytest.mark.parametrize("algorithm", RSA_SIGNING)
@pytest.mark.parametrize("spec", ["RSA_2048", "RSA_3072"])
def test_k7_rsa_signatures_verify_outside(kms, keys, spec, algorithm):
    key, hash_ = keys.any(spec, "SIGN_VERIFY"), HASHES[algorithm[-3:]]
    pad = padding.PSS(padding.MGF1(hash_), hash_.digest_size) if "PSS" in algorithm else padding.PKCS1v15()
    signature = kms.sign(KeyId=key, Message=MESSAGE, SigningAlgorithm=algorithm)["Signature"]
    public_key(kms, key).verify(signature, MESSAGE, pad, hash_)
    assert kms.verify(KeyId=key, Message=MESSAGE, Signature=signature, SigningAlgorithm=algorithm)["SignatureValid"] is True


def test_k7_the_largest_rsa_key_signs(kms, keys):
    key = keys.any("RSA_4096", "SIGN_VERIFY")
    signature = kms.sign(KeyId=key, Message=MESSAGE, SigningAlgorithm="RSASSA_PSS_SHA_512")["Signature"]
    assert len(signature) == 512
    public_key(kms, key).verify(signature, MESSAGE, padding.PSS(padding.MGF1(hashes.SHA512()), 64), hashes.SHA512())


@pytest.mark.parametrize("spec, algorithm", [("RSA_2048", name) for name in RSA_SIGNING] + [(spec, CURVES[spec][0]) for spec in CURVES])
def test_k9_a_digest_is_signed_as_its_message(kms, keys, spec, algorithm):
    key, message = keys.any(spec, "SIGN_VERIFY"), b"long " * 10_000
    digest = hashlib.new(f"sha{algorithm[-3:]}", message).digest()
    signature = kms.sign(KeyId=key, Message=digest, MessageType="DIGEST", SigningAlgorithm=algorithm)["Signature"]
    assert kms.verify(KeyId=key, Message=digest, MessageType="DIGEST", Signature=signature, SigningAlgorithm=algorithm)["SignatureValid"]
    hash_ = HASHES[algorithm[-3:]]
    if algorithm.startswith("ECDSA"):
        public_key(kms, key).verify(signature, message, ec.ECDSA(hash_))
    else:
        pad = padding.PSS(padding.MGF1(hash_), hash_.digest_size) if "PSS" in algorithm else padding.PKCS1v15()
        public_key(kms, key).verify(signature, message, pad, hash_)


def test_k9_messages_and_digests_have_their_lengths(kms, unchecked, keys):
    key = keys.any("ECC_NIST_P256")
    signature = kms.sign(KeyId=key, Message=bytes(4096), SigningAlgorithm="ECDSA_SHA_256")["Signature"]
    with invalid("message"):
        unchecked.sign(KeyId=key, Message=bytes(4097), SigningAlgorithm="ECDSA_SHA_256")
    with invalid("message"):
        unchecked.verify(KeyId=key, Message=bytes(4097), Signature=signature, SigningAlgorithm="ECDSA_SHA_256")
    for size in (20, 31, 33, 48, 64):
        with invalid():
            kms.sign(KeyId=key, Message=bytes(size), MessageType="DIGEST", SigningAlgorithm="ECDSA_SHA_256")
        with invalid():
            kms.verify(KeyId=key, Message=bytes(size), MessageType="DIGEST", Signature=signature, SigningAlgorithm="ECDSA_SHA_256")
    with invalid("messageType"):
        unchecked.sign(KeyId=key, Message=b"x", MessageType="HASH", SigningAlgorithm="ECDSA_SHA_256")
    with invalid():
        kms.sign(KeyId=key, Message=bytes(64), MessageType="EXTERNAL_MU", SigningAlgorithm="ECDSA_SHA_256")


@pytest.mark.parametrize("spec, algorithm", [("RSA_2048", "RSASSA_PSS_SHA_256"), ("RSA_2048", "RSASSA_PKCS1_V1_5_SHA_256"), ("ECC_NIST_P256", "ECDSA_SHA_256")])
def test_k10_a_bad_signature_is_an_error(kms, keys, spec, algorithm):
    key = keys.any(spec, "SIGN_VERIFY")
    signature = kms.sign(KeyId=key, Message=MESSAGE, SigningAlgorithm=algorithm)["Signature"]
    bad = [signature[:-1] + bytes([signature[-1] ^ 1]), signature[:-1], signature + b"\0", b"\0", bytes(len(signature))]
    for wrong in bad:
        with refused("KMSInvalidSignatureException"):
            kms.verify(KeyId=key, Message=MESSAGE, Signature=wrong, SigningAlgorithm=algorithm)
    with refused("KMSInvalidSignatureException"):
        kms.verify(KeyId=key, Message=MESSAGE + b"!", Signature=signature, SigningAlgorithm=algorithm)
    other = keys.fresh("ECC_NIST_P256") if spec.startswith("ECC") else keys.any("RSA_3072", "SIGN_VERIFY")
    with refused("KMSInvalidSignatureException"):
        kms.verify(KeyId=other, Message=MESSAGE, Signature=signature, SigningAlgorithm=algorithm)
    with pytest.raises(InvalidSignature):
        public = public_key(kms, key)
        if spec.startswith("ECC"):
            public.verify(signature, b"another", ec.ECDSA(hashes.SHA256()))
        else:
            public.verify(signature, b"another", padding.PKCS1v15(), hashes.SHA256())


@pytest.mark.parametrize(
    "spec, usage",
    [("RSA_2048", "ENCRYPT_DECRYPT"), ("ECC_NIST_P256", "KEY_AGREEMENT"), ("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT"), ("HMAC_256", "GENERATE_VERIFY_MAC")],
)
def test_k11_keys_of_another_use_do_not_sign(kms, keys, spec, usage):
    algorithm = "RSASSA_PSS_SHA_256" if spec == "RSA_2048" else "ECDSA_SHA_256"
    with refused("InvalidKeyUsageException"):
        kms.sign(KeyId=keys.any(spec, usage), Message=MESSAGE, SigningAlgorithm=algorithm)
    with refused("InvalidKeyUsageException"):
        kms.verify(KeyId=keys.any(spec, usage), Message=MESSAGE, Signature=b"\0", SigningAlgorithm=algorithm)


def test_k11_signing_keys_do_not_decrypt(kms, keys):
    with refused("InvalidKeyUsageException"):
        kms.decrypt(KeyId=keys.any("RSA_2048", "SIGN_VERIFY"), CiphertextBlob=bytes(256), EncryptionAlgorithm="RSAES_OAEP_SHA_256")


@pytest.mark.parametrize(
    "spec, algorithm",
    [
        ("ECC_NIST_P256", "ECDSA_SHA_384"),
        ("ECC_NIST_P384", "ECDSA_SHA_256"),
        ("ECC_NIST_P256", "RSASSA_PSS_SHA_256"),
        ("RSA_2048", "ECDSA_SHA_256"),
    ],
)
def test_k17_algorithms_of_other_keys_are_refused(kms, keys, spec, algorithm):
    key = keys.any(spec, "SIGN_VERIFY")
    with refused("InvalidKeyUsageException"):
        kms.sign(KeyId=key, Message=MESSAGE, SigningAlgorithm=algorithm)
    with refused("InvalidKeyUsageException"):
        kms.verify(KeyId=key, Message=MESSAGE, Signature=b"\0", SigningAlgorithm=algorithm)


@pytest.mark.parametrize("spec", ["SYMMETRIC_DEFAULT", "HMAC_256"])
def test_k16_only_keys_with_two_halves_have_a_public_one(kms, keys, spec):
    with refused("UnsupportedOperationException"):
        kms.get_public_key(KeyId=keys.any(spec))


def test_k16_no_answer_has_a_private_half(kms, keys):
    said = kms.get_public_key(KeyId=keys.any("ECC_NIST_P256"))
    with pytest.raises(ValueError):
        serialization.load_der_private_key(said["PublicKey"], None)
    assert set(said) == {"KeyId", "PublicKey", "CustomerMasterKeySpec", "KeySpec", "KeyUsage", "SigningAlgorithms", "ResponseMetadata"}


@pytest.mark.parametrize("spec", ["ECC_NIST_P256", "ECC_NIST_P384", "ECC_NIST_P521"])
def test_k14_both_sides_agree_on_a_secret(kms, keys, spec):
    key = keys.any(spec, "KEY_AGREEMENT")
    other = ec.generate_private_key(CURVES[spec][1]())
    theirs = other.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    derived = kms.derive_shared_secret(KeyId=key, KeyAgreementAlgorithm="ECDH", PublicKey=theirs)
    assert (derived["KeyId"], derived["KeyAgreementAlgorithm"], derived["KeyOrigin"]) == (keys.arn(key), "ECDH", "AWS_KMS")
    assert derived["SharedSecret"] == other.exchange(ec.ECDH(), public_key(kms, key))


def test_k14_two_keys_of_the_service_agree(kms, keys):
    first, second = (keys.fresh("ECC_NIST_P256", "KEY_AGREEMENT") for _ in range(2))
    secrets = {
        kms.derive_shared_secret(KeyId=one, KeyAgreementAlgorithm="ECDH", PublicKey=kms.get_public_key(KeyId=two)["PublicKey"])["SharedSecret"]
        for one, two in ((first, second), (second, first))
    }
    assert len(secrets) == 1


def test_k14_agreement_is_refused_to_other_keys_and_curves(kms, keys):
    mine = keys.any("ECC_NIST_P256", "KEY_AGREEMENT")
    public = kms.get_public_key(KeyId=mine)["PublicKey"]
    with refused("InvalidKeyUsageException"):
        kms.derive_shared_secret(KeyId=keys.any("ECC_NIST_P256", "SIGN_VERIFY"), KeyAgreementAlgorithm="ECDH", PublicKey=public)
    with refused("InvalidKeyUsageException"):
        kms.sign(KeyId=mine, Message=MESSAGE, SigningAlgorithm="ECDSA_SHA_256")
    other_curve = kms.get_public_key(KeyId=keys.any("ECC_NIST_P384", "KEY_AGREEMENT"))["PublicKey"]
    for wrong in (other_curve, public[:-1], b"no key", public[:-64] + bytes(64), kms.get_public_key(KeyId=keys.any("RSA_2048", "SIGN_VERIFY"))["PublicKey"]):
        with refused("ValidationException", "InvalidKeyUsageException"):
            kms.derive_shared_secret(KeyId=mine, KeyAgreementAlgorithm="ECDH", PublicKey=wrong)


def test_k18_edwards_signatures_verify_outside(kms, keys):
    key = keys.any("ECC_NIST_EDWARDS25519")
    public = public_key(kms, key)
    assert isinstance(public, ed25519.Ed25519PublicKey)
    signature = kms.sign(KeyId=key, Message=MESSAGE, SigningAlgorithm="ED25519_SHA_512")["Signature"]
    public.verify(signature, MESSAGE)
    assert kms.verify(KeyId=key, Message=MESSAGE, Signature=signature, SigningAlgorithm="ED25519_SHA_512")["SignatureValid"]
    with refused("KMSInvalidSignatureException"):
        kms.verify(KeyId=key, Message=b"another", Signature=signature, SigningAlgorithm="ED25519_SHA_512")
    with invalid():
        kms.sign(KeyId=key, Message=bytes(64), MessageType="DIGEST", SigningAlgorithm="ED25519_SHA_512")


def test_k18_edwards_signatures_over_a_digest(kms, keys):
    key = keys.any("ECC_NIST_EDWARDS25519")
    digest = hashlib.sha512(MESSAGE).digest()
    named = {"KeyId": key, "Message": digest, "MessageType": "DIGEST", "SigningAlgorithm": "ED25519_PH_SHA_512"}
    signature = kms.sign(**named)["Signature"]
    assert len(signature) == 64
    assert kms.verify(Signature=signature, **named)["SignatureValid"]
    with refused("KMSInvalidSignatureException"):
        kms.verify(KeyId=key, Message=digest, Signature=signature, SigningAlgorithm="ED25519_SHA_512")


def test_k18_dry_runs_sign_nothing(kms, keys):
    key = keys.any("ECC_NIST_P256")
    signature = kms.sign(KeyId=key, Message=MESSAGE, SigningAlgorithm="ECDSA_SHA_256")["Signature"]
    dry_run(kms.sign, KeyId=key, Message=MESSAGE, SigningAlgorithm="ECDSA_SHA_256")
    dry_run(kms.verify, KeyId=key, Message=MESSAGE, Signature=signature, SigningAlgorithm="ECDSA_SHA_256")
    mine = keys.any("ECC_NIST_P256", "KEY_AGREEMENT")
    dry_run(kms.derive_shared_secret, KeyId=mine, KeyAgreementAlgorithm="ECDH", PublicKey=kms.get_public_key(KeyId=mine)["PublicKey"])
