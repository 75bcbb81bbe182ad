"""Import of key material."""

import datetime
import os

import pytest
from cryptography.hazmat.primitives import hashes, hmac, keywrap, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from expect import invalid, refused

FRONT = {"test_clock": True}

HASHES = {"SHA_1": hashes.SHA1(), "SHA_256": hashes.SHA256()}


def wrap(parameters, algorithm, material):
    """Material as its owner wraps it for the import."""
    public = serialization.load_der_public_key(parameters["PublicKey"])
    hash_ = HASHES[algorithm[algorithm.index("SHA_") :]]
    oaep = padding.OAEP(padding.MGF1(hash_), hash_, None)
    if algorithm.startswith("RSAES"):
        return public.encrypt(material, oaep)
    between = os.urandom(32)
    return public.encrypt(between, oaep) + keywrap.aes_key_wrap_with_padding(between, material)


def bring(kms, key, material, algorithm="RSAES_OAEP_SHA_256", spec="RSA_2048", **more):
    """The whole of an import."""
    parameters = kms.get_parameters_for_import(KeyId=key, WrappingAlgorithm=algorithm, WrappingKeySpec=spec)
    more.setdefault("ExpirationModel", "KEY_MATERIAL_DOES_NOT_EXPIRE")
    return kms.import_key_material(
        KeyId=key, ImportToken=parameters["ImportToken"], EncryptedKeyMaterial=wrap(parameters, algorithm, material), **more
    )


def pkcs8(private):
    return private.private_bytes(serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


def now(front_ahead=datetime.timedelta()):
    return datetime.datetime.now(datetime.timezone.utc) + front_ahead


@pytest.fixture
def external(keys):
    """A fresh key that waits for its material."""
    return keys.fresh(Origin="EXTERNAL")


def test_k51_a_key_without_material_waits_for_its_import(kms, keys):
    key = keys.metadata(Origin="EXTERNAL")
    said = {name: key[name] for name in ("KeyState", "Enabled", "Origin")}
    assert said == {"KeyState": "PendingImport", "Enabled": False, "Origin": "EXTERNAL"}
    assert not {"ExpirationModel", "ValidTo", "CurrentKeyMaterialId"} & key.keys()
    for request, parameters in [
        (kms.encrypt, {"Plaintext": b"x"}),
        (kms.generate_data_key, {"KeySpec": "AES_256"}),
        (kms.enable_key, {}),
        (kms.disable_key, {}),
        (kms.rotate_key_on_demand, {}),
    ]:
        with refused("KMSInvalidStateException", says=None if request == kms.rotate_key_on_demand else "is pending import"):
            request(KeyId=key["KeyId"], **parameters)
    kms.schedule_key_deletion(KeyId=key["KeyId"])
    kms.cancel_key_deletion(KeyId=key["KeyId"])
    assert keys.state(key["KeyId"]) in ("PendingImport", "Disabled")


@pytest.mark.parametrize("spec", ["RSA_2048", "RSA_3072", "RSA_4096"])
def test_k52_parameters_for_an_import(kms, keys, external, spec):
    said = kms.get_parameters_for_import(KeyId=external, WrappingAlgorithm="RSAES_OAEP_SHA_256", WrappingKeySpec=spec)
    assert said["KeyId"] == keys.arn(external)
    public = serialization.load_der_public_key(said["PublicKey"])
    assert isinstance(public, rsa.RSAPublicKey) and f"RSA_{public.key_size}" == spec
    ahead = said["ParametersValidTo"] - now()
    assert ahead > datetime.timedelta(hours=23)


@pytest.mark.parametrize("algorithm", ["RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256", "RSA_AES_KEY_WRAP_SHA_1", "RSA_AES_KEY_WRAP_SHA_256"])
def test_k52_symmetric_material_is_imported(kms, external, algorithm):
    done = bring(kms, external, os.urandom(32), algorithm)
    said = kms.describe_key(KeyId=external)["KeyMetadata"]
    assert (said["KeyState"], said["Enabled"], said["ExpirationModel"]) == ("Enabled", True, "KEY_MATERIAL_DOES_NOT_EXPIRE")
    assert (done["KeyId"], done["KeyMaterialId"]) == (said["Arn"], said["CurrentKeyMaterialId"])
    blob = kms.encrypt(KeyId=external, Plaintext=b"with my own key")["CiphertextBlob"]
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"with my own key"


def test_k52_pkcs1_v1_5_is_no_longer_taken(kms, external):
    with refused("UnsupportedOperationException", "ValidationException"):
        kms.get_parameters_for_import(KeyId=external, WrappingAlgorithm="RSAES_PKCS1_V1_5", WrappingKeySpec="RSA_2048")


@pytest.mark.parametrize("size", [16, 31, 33, 64])
def test_k52_symmetric_material_has_256_bits(kms, keys, external, size):
    with refused("InvalidCiphertextException", "ValidationException", "IncorrectKeyMaterialException"):
        bring(kms, external, bytes(size))
    assert keys.state(external) == "PendingImport"


@pytest.mark.parametrize("algorithm", ["RSA_AES_KEY_WRAP_SHA_256", "RSA_AES_KEY_WRAP_SHA_1"])
def test_k53_an_rsa_key_is_imported(kms, keys, algorithm):
    key = keys.fresh("RSA_2048", "SIGN_VERIFY", Origin="EXTERNAL")
    private = rsa.generate_private_key(65537, 2048)
    bring(kms, key, pkcs8(private), algorithm)
    signature = kms.sign(KeyId=key, Message=b"m", SigningAlgorithm="RSASSA_PKCS1_V1_5_SHA_256")["Signature"]
    assert signature == private.sign(b"m", padding.PKCS1v15(), hashes.SHA256())
    assert serialization.load_der_public_key(kms.get_public_key(KeyId=key)["PublicKey"]) == private.public_key()


@pytest.mark.parametrize("algorithm", ["RSAES_OAEP_SHA_256", "RSA_AES_KEY_WRAP_SHA_256"])
@pytest.mark.parametrize("spec, curve", [("ECC_NIST_P256", ec.SECP256R1()), ("ECC_SECG_P256K1", ec.SECP256K1())])
def test_k53_a_curve_s_key_is_imported(kms, keys, spec, curve, algorithm):
    key = keys.fresh(spec, "SIGN_VERIFY", Origin="EXTERNAL")
    private = ec.generate_private_key(curve)
    bring(kms, key, pkcs8(private), algorithm)
    signature = kms.sign(KeyId=key, Message=b"m", SigningAlgorithm="ECDSA_SHA_256")["Signature"]
    private.public_key().verify(signature, b"m", ec.ECDSA(hashes.SHA256()))


@pytest.mark.parametrize("bits, hash_", [(256, hashes.SHA256()), (512, hashes.SHA512())])
def test_k53_an_hmac_key_is_imported(kms, keys, bits, hash_):
    key = keys.fresh(f"HMAC_{bits}", Origin="EXTERNAL")
    secret = os.urandom(bits // 8)
    bring(kms, key, secret)
    outside = hmac.HMAC(secret, hash_)
    outside.update(b"m")
    assert kms.generate_mac(KeyId=key, Message=b"m", MacAlgorithm=f"HMAC_SHA_{bits}")["Mac"] == outside.finalize()


def test_k53_another_kind_of_key_is_refused(kms, keys):
    key = keys.fresh("ECC_NIST_P256", "SIGN_VERIFY", Origin="EXTERNAL")
    for material in (pkcs8(ec.generate_private_key(ec.SECP384R1())), pkcs8(rsa.generate_private_key(65537, 2048)), os.urandom(32), b"no key"):
        with refused("InvalidCiphertextException", "ValidationException", "IncorrectKeyMaterialException"):
            bring(kms, key, material, "RSA_AES_KEY_WRAP_SHA_256")
    assert keys.state(key) == "PendingImport"


def test_k54_material_that_expires_is_gone_at_its_time(front, kms, keys, external):
    material, other = os.urandom(32), os.urandom(32)
    start = kms.get_parameters_for_import(KeyId=external, WrappingAlgorithm="RSAES_OAEP_SHA_256", WrappingKeySpec="RSA_2048")["ParametersValidTo"]
    valid_to = start + datetime.timedelta(days=2)
    bring(kms, external, material, ExpirationModel="KEY_MATERIAL_EXPIRES", ValidTo=valid_to)
    said = kms.describe_key(KeyId=external)["KeyMetadata"]
    assert said["ExpirationModel"] == "KEY_MATERIAL_EXPIRES"
    assert abs(said["ValidTo"] - valid_to) < datetime.timedelta(seconds=1)
    blob = kms.encrypt(KeyId=external, Plaintext=b"until then")["CiphertextBlob"]
    front.advance(days=4)
    assert keys.state(external) == "PendingImport"
    with refused("KMSInvalidStateException"):
        kms.decrypt(CiphertextBlob=blob)
    with refused("IncorrectKeyMaterialException"):
        bring(kms, external, other)
    bring(kms, external, material)
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"until then"


def test_k54_material_is_deleted_at_once_and_only_the_same_comes_back(kms, keys, external):
    material = os.urandom(32)
    first = bring(kms, external, material)["KeyMaterialId"]
    blob = kms.encrypt(KeyId=external, Plaintext=b"x")["CiphertextBlob"]
    gone = kms.delete_imported_key_material(KeyId=external)
    assert (gone["KeyId"], gone["KeyMaterialId"]) == (keys.arn(external), first)
    assert keys.state(external) == "PendingImport"
    with refused("KMSInvalidStateException"):
        kms.decrypt(CiphertextBlob=blob)
    with refused("IncorrectKeyMaterialException"):
        bring(kms, external, os.urandom(32))
    assert bring(kms, external, material)["KeyMaterialId"] == first
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"


def test_k54_the_expiry_is_said_and_lies_ahead(kms, external):
    for wrong in (
        {"ExpirationModel": "KEY_MATERIAL_EXPIRES"},
        {"ExpirationModel": "KEY_MATERIAL_EXPIRES", "ValidTo": datetime.datetime(2020, 1, 1, tzinfo=datetime.timezone.utc)},
        {"ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE", "ValidTo": now(datetime.timedelta(days=300))},
    ):
        with invalid():
            bring(kms, external, bytes(32), **wrong)


def test_k55_a_token_goes_with_its_key_and_its_wrapping_key(kms, keys, external):
    other = keys.fresh(Origin="EXTERNAL")
    mine, theirs = (
        kms.get_parameters_for_import(KeyId=key, WrappingAlgorithm="RSAES_OAEP_SHA_256", WrappingKeySpec="RSA_2048") for key in (external, other)
    )
    sealed = wrap(mine, "RSAES_OAEP_SHA_256", os.urandom(32))
    forever = {"ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE"}
    token = mine["ImportToken"]
    for wrong in (b"no token", token[:-1], token[:-1] + bytes([token[-1] ^ 1]), theirs["ImportToken"]):
        with refused("InvalidImportTokenException"):
            kms.import_key_material(KeyId=external, ImportToken=wrong, EncryptedKeyMaterial=sealed, **forever)
    for wrong in (wrap(theirs, "RSAES_OAEP_SHA_256", os.urandom(32)), wrap(mine, "RSAES_OAEP_SHA_1", os.urandom(32)), b"nothing"):
        with refused("InvalidCiphertextException"):
            kms.import_key_material(KeyId=external, ImportToken=token, EncryptedKeyMaterial=wrong, **forever)
    kms.import_key_material(KeyId=external, ImportToken=token, EncryptedKeyMaterial=sealed, **forever)


def test_k55_a_token_lasts_a_day(front, kms, external):
    parameters = kms.get_parameters_for_import(KeyId=external, WrappingAlgorithm="RSAES_OAEP_SHA_256", WrappingKeySpec="RSA_2048")
    front.advance(hours=25)
    with refused("ExpiredImportTokenException"):
        kms.import_key_material(
            KeyId=external,
            ImportToken=parameters["ImportToken"],
            EncryptedKeyMaterial=wrap(parameters, "RSAES_OAEP_SHA_256", bytes(32)),
            ExpirationModel="KEY_MATERIAL_DOES_NOT_EXPIRE",
        )


def test_k55_keys_of_the_service_take_no_material(kms, key):
    with refused("UnsupportedOperationException"):
        kms.get_parameters_for_import(KeyId=key, WrappingAlgorithm="RSAES_OAEP_SHA_256", WrappingKeySpec="RSA_2048")
    with refused("UnsupportedOperationException"):
        kms.import_key_material(KeyId=key, ImportToken=b"x", EncryptedKeyMaterial=b"x", ExpirationModel="KEY_MATERIAL_DOES_NOT_EXPIRE")
    with refused("UnsupportedOperationException"):
        kms.delete_imported_key_material(KeyId=key)


def test_k55_a_key_that_is_pending_deletion_takes_no_material(kms, external):
    kms.schedule_key_deletion(KeyId=external)
    with refused("KMSInvalidStateException"):
        kms.get_parameters_for_import(KeyId=external, WrappingAlgorithm="RSAES_OAEP_SHA_256", WrappingKeySpec="RSA_2048")


def test_k56_imported_material_is_rotated_on_demand(kms, keys, external):
    first, second = os.urandom(32), os.urandom(32)
    old = bring(kms, external, first)["KeyMaterialId"]
    blob = kms.encrypt(KeyId=external, Plaintext=b"old")["CiphertextBlob"]
    new = bring(kms, external, second, ImportType="NEW_KEY_MATERIAL", KeyMaterialDescription="the second")["KeyMaterialId"]
    assert new != old
    assert kms.describe_key(KeyId=external)["KeyMetadata"]["CurrentKeyMaterialId"] == old
    listed = kms.list_key_rotations(KeyId=external, IncludeKeyMaterial="ALL_KEY_MATERIAL")["Rotations"]
    assert {entry["KeyMaterialId"]: entry["KeyMaterialState"] for entry in listed} == {old: "CURRENT", new: "PENDING_ROTATION"}
    assert {entry["ImportState"] for entry in listed} == {"IMPORTED"}
    assert [entry.get("KeyMaterialDescription") for entry in listed if entry["KeyMaterialId"] == new] == ["the second"]
    kms.rotate_key_on_demand(KeyId=external)
    assert kms.describe_key(KeyId=external)["KeyMetadata"]["CurrentKeyMaterialId"] == new
    assert kms.decrypt(CiphertextBlob=blob)["KeyMaterialId"] == old
    kms.delete_imported_key_material(KeyId=external, KeyMaterialId=old)
    assert keys.state(external) == "PendingImport"
    bring(kms, external, first, ImportType="EXISTING_KEY_MATERIAL", KeyMaterialId=old)
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"old"


def test_k56_without_new_material_there_is_nothing_to_rotate_to(kms, external):
    bring(kms, external, os.urandom(32))
    with refused("KMSInvalidStateException", "UnsupportedOperationException", "ValidationException"):
        kms.rotate_key_on_demand(KeyId=external)


def test_k57_imported_material_is_its_owner_s_to_keep(kms, external):
    bring(kms, external, os.urandom(32))
    with refused("UnsupportedOperationException"):
        kms.enable_key_rotation(KeyId=external)
    said = kms.describe_key(KeyId=external)["KeyMetadata"]
    assert said["Origin"] == "EXTERNAL"


def test_k58_the_seconds_until_expiry_are_a_metric(front, kms, keys, external):
    start = kms.get_parameters_for_import(KeyId=external, WrappingAlgorithm="RSAES_OAEP_SHA_256", WrappingKeySpec="RSA_2048")["ParametersValidTo"]
    bring(kms, external, os.urandom(32), ExpirationModel="KEY_MATERIAL_EXPIRES", ValidTo=start + datetime.timedelta(days=9))

    def left():
        lines = [line for line in front.get("/metrics").splitlines() if external in line and "expir" in line.lower()]
        return [float(line.rsplit(" ", 1)[1]) for line in lines]

    before = left()
    assert len(before) == 1 and abs(before[0] - 10 * 86400) < 300
    front.advance(days=1)
    assert abs(left()[0] - 9 * 86400) < 300
    front.advance(days=10)
    assert keys.state(external) == "PendingImport"
