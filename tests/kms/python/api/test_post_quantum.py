"""ML-DSA and ML-KEM, proved outside where the other library knows them."""

import pytest
from cryptography.hazmat.primitives import serialization

from expect import dry_run, refused

MESSAGE = b"what outlives us"
SIGNATURES = {"ML_DSA_44": 2420, "ML_DSA_65": 3309, "ML_DSA_87": 4627}
CIPHERTEXTS = {"ML_KEM_512": 768, "ML_KEM_768": 1088, "ML_KEM_1024": 1568}


@pytest.mark.parametrize("spec", SIGNATURES)
def test_k18_ml_dsa_signs_and_verifies(kms, keys, spec):
    key = keys.any(spec)
    named = {"KeyId": key, "SigningAlgorithm": "ML_DSA_SHAKE_256"}
    signed = kms.sign(Message=MESSAGE, **named)
    assert len(signed["Signature"]) == SIGNATURES[spec]
    assert kms.verify(Message=MESSAGE, Signature=signed["Signature"], **named)["SignatureValid"]
    with refused("KMSInvalidSignatureException"):
        kms.verify(Message=b"another", Signature=signed["Signature"], **named)
    said = kms.get_public_key(KeyId=key)
    assert (said["KeySpec"], said["SigningAlgorithms"]) == (spec, ["ML_DSA_SHAKE_256"])
    serialization.load_der_public_key(said["PublicKey"]).verify(signed["Signature"], MESSAGE)


def test_k18_ml_dsa_says_that_it_takes_no_digest_of_others(kms, keys):
    """PKCS #11 has no mechanism that signs a mu made outside."""
    named = {"KeyId": keys.any("ML_DSA_65"), "SigningAlgorithm": "ML_DSA_SHAKE_256", "Message": bytes(64), "MessageType": "EXTERNAL_MU"}
    with refused("UnsupportedOperationException"):
        kms.sign(**named)
    with refused("UnsupportedOperationException"):
        kms.verify(Signature=bytes(3309), **named)


@pytest.mark.parametrize("spec", CIPHERTEXTS)
def test_k18_ml_kem_encapsulates_and_decapsulates(kms, keys, spec):
    key = keys.any(spec)
    made = kms.encapsulate(KeyId=key, EncapsulationAlgorithm="ML_KEM")
    assert (made["KeyId"], made["EncapsulationAlgorithm"]) == (keys.arn(key), "ML_KEM")
    assert (len(made["SharedSecret"]), len(made["SharedSecretCiphertextBlob"])) == (32, CIPHERTEXTS[spec])
    named = {"KeyId": key, "EncapsulationAlgorithm": "ML_KEM"}
    opened = kms.decapsulate(SharedSecretCiphertextBlob=made["SharedSecretCiphertextBlob"], **named)
    assert (opened["SharedSecret"], opened["KeyId"]) == (made["SharedSecret"], keys.arn(key))
    with refused("InvalidCiphertextException", "ValidationException"):
        kms.decapsulate(SharedSecretCiphertextBlob=made["SharedSecretCiphertextBlob"][:-1], **named)
    said = kms.get_public_key(KeyId=key)
    assert (said["KeyUsage"], said["EncapsulationAlgorithms"]) == ("ENCAPSULATE_DECAPSULATE", ["ML_KEM"])


@pytest.mark.parametrize("spec", ["ML_KEM_768", "ML_KEM_1024"])
def test_k18_what_others_encapsulate_is_opened(kms, keys, spec):
    key = keys.any(spec)
    public = serialization.load_der_public_key(kms.get_public_key(KeyId=key)["PublicKey"])
    secret, ciphertext = public.encapsulate()
    assert kms.decapsulate(KeyId=key, SharedSecretCiphertextBlob=ciphertext, EncapsulationAlgorithm="ML_KEM")["SharedSecret"] == secret


def test_k18_encapsulation_is_for_its_keys_only(kms, keys):
    for spec in ("SYMMETRIC_DEFAULT", "ECC_NIST_P256", "ML_DSA_44"):
        with refused("InvalidKeyUsageException"):
            kms.encapsulate(KeyId=keys.any(spec), EncapsulationAlgorithm="ML_KEM")
        with refused("InvalidKeyUsageException"):
            kms.decapsulate(KeyId=keys.any(spec), EncapsulationAlgorithm="ML_KEM", SharedSecretCiphertextBlob=bytes(1088))
    key = keys.any("ML_KEM_768")
    dry_run(kms.encapsulate, KeyId=key, EncapsulationAlgorithm="ML_KEM")
    with refused("InvalidKeyUsageException"):
        kms.encrypt(KeyId=key, Plaintext=b"x")
