"""The front on Debian's SoftHSM: what that can do works, what it can't is refused clearly."""

import uuid

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding

import front as fronts
from expect import everything, refused
from inventory import half_swap, inventory

MESSAGE = b"what is signed"


@pytest.fixture(scope="module")
def hsm(folder):
    return fronts.SoftHsm(folder / "softhsm").token()


@pytest.fixture(scope="module")
def shared():
    return {}


FRONT = {"test_clock": True}


def public_key(kms, key):
    return serialization.load_der_public_key(kms.get_public_key(KeyId=key)["PublicKey"])


def test_k2_symmetric_keys(kms, key):
    context = {"a": "b"}
    blob = kms.encrypt(KeyId=key, Plaintext=b"x" * 4096, EncryptionContext=context)["CiphertextBlob"]
    assert kms.decrypt(CiphertextBlob=blob, EncryptionContext=context)["Plaintext"] == b"x" * 4096
    with refused("InvalidCiphertextException"):
        kms.decrypt(CiphertextBlob=blob)
    with refused("InvalidCiphertextException"):
        kms.decrypt(CiphertextBlob=blob[:-1] + bytes([blob[-1] ^ 1]), EncryptionContext=context)


def test_k23_data_keys(kms, key):
    made = kms.generate_data_key(KeyId=key, KeySpec="AES_256")
    assert kms.decrypt(CiphertextBlob=made["CiphertextBlob"])["Plaintext"] == made["Plaintext"]
    assert len(kms.generate_random(NumberOfBytes=100)["Plaintext"]) == 100


def test_k64_the_material_stays_in_the_hsm(hsm, keys):
    key = keys.metadata()
    [material] = [entry for entry in inventory(hsm).keys.values() if entry["label"] == key["Arn"]]
    assert (material["type"], material["extractable"], material["sensitive"]) == ("AES", False, True)


@pytest.mark.parametrize("algorithm", ["RSASSA_PKCS1_V1_5_SHA_256", "RSASSA_PKCS1_V1_5_SHA_512", "RSASSA_PSS_SHA_256", "RSASSA_PSS_SHA_384"])
def test_k7_rsa_signatures(kms, keys, algorithm):
    key, hash_ = keys.any("RSA_2048", "SIGN_VERIFY"), {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}[algorithm[-3:]]
    pad = padding.PSS(padding.MGF1(hash_), hash_.digest_size) if "PSS" in algorithm else padding.PKCS1v15()
    signature = kms.sign(KeyId=key, Message=MESSAGE, SigningAlgorithm=algorithm)["Signature"]
    public_key(kms, key).verify(signature, MESSAGE, pad, hash_)
    assert kms.verify(KeyId=key, Message=MESSAGE, Signature=signature, SigningAlgorithm=algorithm)["SignatureValid"]


@pytest.mark.parametrize(
    "spec, algorithm, hash_",
    [
        ("ECC_NIST_P256", "ECDSA_SHA_256", hashes.SHA256()),
        ("ECC_NIST_P384", "ECDSA_SHA_384", hashes.SHA384()),
        ("ECC_NIST_P521", "ECDSA_SHA_512", hashes.SHA512()),
    ],
)
def test_k8_signatures_on_curves(kms, keys, spec, algorithm, hash_):
    key = keys.any(spec)
    signature = kms.sign(KeyId=key, Message=MESSAGE, SigningAlgorithm=algorithm)["Signature"]
    public_key(kms, key).verify(signature, MESSAGE, ec.ECDSA(hash_))


def test_k5_rsa_encryption_as_far_as_softhsm_knows_oaep(kms, keys):
    """SoftHSM has OAEP with SHA-1 alone."""
    key = keys.any("RSA_2048", "ENCRYPT_DECRYPT")
    sha1 = padding.OAEP(padding.MGF1(hashes.SHA1()), hashes.SHA1(), None)
    outside = public_key(kms, key).encrypt(b"from outside", sha1)
    opened = kms.decrypt(KeyId=key, CiphertextBlob=outside, EncryptionAlgorithm="RSAES_OAEP_SHA_1")
    assert opened["Plaintext"] == b"from outside"
    sha256 = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)
    outside = public_key(kms, key).encrypt(b"from outside", sha256)
    with refused("UnsupportedOperationException"):
        kms.decrypt(KeyId=key, CiphertextBlob=outside, EncryptionAlgorithm="RSAES_OAEP_SHA_256")


@pytest.mark.parametrize("bits", [224, 256, 384, 512])
def test_k13_macs(kms, keys, bits):
    key, algorithm = keys.any(f"HMAC_{bits}"), f"HMAC_SHA_{bits}"
    mac = kms.generate_mac(KeyId=key, Message=MESSAGE, MacAlgorithm=algorithm)["Mac"]
    assert kms.verify_mac(KeyId=key, Message=MESSAGE, MacAlgorithm=algorithm, Mac=mac)["MacValid"]
    with refused("KMSInvalidMacException"):
        kms.verify_mac(KeyId=key, Message=MESSAGE, MacAlgorithm=algorithm, Mac=bytes(len(mac)))


def test_k14_key_agreement(kms, keys):
    key = keys.any("ECC_NIST_P256", "KEY_AGREEMENT")
    other = ec.generate_private_key(ec.SECP256R1())
    theirs = other.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    derived = kms.derive_shared_secret(KeyId=key, KeyAgreementAlgorithm="ECDH", PublicKey=theirs)["SharedSecret"]
    assert derived == other.exchange(ec.ECDH(), public_key(kms, key))


@pytest.mark.parametrize("spec", ["ML_DSA_44", "ML_DSA_65", "ML_DSA_87", "ML_KEM_512", "ML_KEM_768", "ML_KEM_1024"])
def test_k18_what_softhsm_can_not_do_is_refused_and_leaves_nothing(kms, keys, hsm, spec):
    before, there = kms.list_keys(Limit=1000)["Keys"], set(inventory(hsm).keys)
    with refused("UnsupportedOperationException"):
        keys.fresh(spec)
    assert kms.list_keys(Limit=1000)["Keys"] == before
    assert set(inventory(hsm).keys) == there


def test_k41_aliases_tags_and_states(kms, key):
    alias = f"alias/{uuid.uuid4()}"
    kms.create_alias(AliasName=alias, TargetKeyId=key)
    kms.tag_resource(KeyId=key, Tags=[{"TagKey": "a", "TagValue": "b"}])
    assert kms.encrypt(KeyId=alias, Plaintext=b"x")
    kms.disable_key(KeyId=key)
    with refused("DisabledException"):
        kms.encrypt(KeyId=alias, Plaintext=b"x")
    kms.delete_alias(AliasName=alias)
    with refused("NotFoundException"):
        kms.describe_key(KeyId=alias)


def test_k44_rotation(kms, key):
    old = kms.encrypt(KeyId=key, Plaintext=b"old")["CiphertextBlob"]
    kms.rotate_key_on_demand(KeyId=key)
    new = kms.encrypt(KeyId=key, Plaintext=b"new")["CiphertextBlob"]
    assert [kms.decrypt(CiphertextBlob=blob)["Plaintext"] for blob in (old, new)] == [b"old", b"new"]


def test_k50_deletion_destroys_the_material(front, kms, keys, hsm):
    key = keys.metadata()
    kms.schedule_key_deletion(KeyId=key["KeyId"], PendingWindowInDays=7)
    front.advance(days=8)
    with refused("NotFoundException"):
        kms.describe_key(KeyId=key["KeyId"])
    assert key["Arn"] not in inventory(hsm).labels


def test_k101_two_fronts_on_one_softhsm(hsm, kms):
    """SoftHSM shows a program at once what another has changed."""
    with fronts.Front(hsm) as second:
        there = second.client()
        for one, other in ((kms, there), (there, kms)):
            key = one.create_key()["KeyMetadata"]["KeyId"]
            blob = other.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
            assert one.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"
            one.disable_key(KeyId=key)
            with refused("DisabledException"):
                other.encrypt(KeyId=key, Plaintext=b"x")
            assert key in [entry["KeyId"] for entry in everything(other, "list_keys", "Keys")]


def test_k101_a_front_that_starts_again_has_everything(hsm, keys, kms):
    key = keys.fresh()
    blob = kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    with fronts.Front(hsm) as again:
        assert again.client().decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"


def test_k101_of_a_record_that_is_half_swapped_the_newer_object_counts(hsm, kms, key):
    """SoftHSM changes no value: a record is swapped for another object. A front that dies in between leaves both."""
    with fronts.Front(hsm) as second:
        there = second.client()
        assert there.describe_key(KeyId=key)["KeyMetadata"]["Description"] == ""
        half_swap(hsm, f"kms/key/{fronts.ACCOUNT}/{fronts.REGION}/{key}", "description", "the newer one")
        for client in (there, kms):
            assert client.describe_key(KeyId=key)["KeyMetadata"]["Description"] == "the newer one"
        there.update_key_description(KeyId=key, Description="the newest")
        assert kms.describe_key(KeyId=key)["KeyMetadata"]["Description"] == "the newest"
    assert len(inventory(hsm).records[f"kms/key/{fronts.ACCOUNT}/{fronts.REGION}/{key}"]) == 1
