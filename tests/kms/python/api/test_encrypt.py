"""Encrypt, Decrypt, ReEncrypt with symmetric keys."""

import uuid

import pytest

from expect import dry_run, invalid, refused

CONTEXT = {"purpose": "test", "tenant": "blue"}


def seal(kms, key, plaintext=b"a secret", **more):
    return kms.encrypt(KeyId=key, Plaintext=plaintext, **more)["CiphertextBlob"]


def test_k2_what_is_encrypted_decrypts(kms, keys):
    key = keys.metadata()
    made = kms.encrypt(KeyId=key["KeyId"], Plaintext=b"a secret")
    assert made["KeyId"] == key["Arn"]
    assert made["EncryptionAlgorithm"] == "SYMMETRIC_DEFAULT"
    opened = kms.decrypt(CiphertextBlob=made["CiphertextBlob"])
    assert opened["Plaintext"] == b"a secret"
    assert opened["KeyId"] == key["Arn"]
    assert opened["EncryptionAlgorithm"] == "SYMMETRIC_DEFAULT"
    assert opened["KeyMaterialId"] == key["CurrentKeyMaterialId"]


def test_k2_no_two_ciphertexts_are_alike_and_none_shows_its_plaintext(kms, key):
    blobs = [seal(kms, key, b"the very same plaintext") for _ in range(5)]
    assert len(set(blobs)) == 5
    assert all(b"plaintext" not in blob for blob in blobs)


def test_k2_a_blob_that_was_tampered_with_is_refused(kms, key):
    blob = seal(kms, key)
    for place in range(len(blob)):
        with refused("InvalidCiphertextException", "NotFoundException", "IncorrectKeyException", "AccessDeniedException"):
            kms.decrypt(CiphertextBlob=blob[:place] + bytes([blob[place] ^ 1]) + blob[place + 1 :])
    for wrong in (blob[:-1], blob + b"\0", b"\0", bytes(100), blob[: len(blob) // 2]):
        with refused("InvalidCiphertextException"):
            kms.decrypt(CiphertextBlob=wrong)
        with refused("InvalidCiphertextException"):
            kms.decrypt(CiphertextBlob=wrong, KeyId=key)


def test_k3_four_kilobytes_at_most(kms, unchecked, key):
    for size in (1, 16, 4095, 4096):
        plaintext = bytes(range(256)) * 16
        blob = seal(kms, key, plaintext[:size])
        assert len(blob) <= 6144
        assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == plaintext[:size]
    with invalid("at 'plaintext' failed to satisfy constraint: Member must have length less than or equal to 4096"):
        unchecked.encrypt(KeyId=key, Plaintext=bytes(4097))
    with invalid("at 'plaintext' failed to satisfy constraint: Member must have length greater than or equal to 1"):
        unchecked.encrypt(KeyId=key, Plaintext=b"")
    with invalid("ciphertextBlob"):
        unchecked.decrypt(CiphertextBlob=bytes(6145))


def test_k17_an_algorithm_of_another_kind_of_key_is_refused(kms, key):
    with refused("InvalidKeyUsageException"):
        kms.encrypt(KeyId=key, Plaintext=b"x", EncryptionAlgorithm="RSAES_OAEP_SHA_256")
    with refused("InvalidKeyUsageException", "InvalidCiphertextException"):
        kms.decrypt(KeyId=key, CiphertextBlob=seal(kms, key), EncryptionAlgorithm="RSAES_OAEP_SHA_256")


@pytest.mark.parametrize("spec, usage", [("HMAC_256", None), ("ECC_NIST_P256", "SIGN_VERIFY"), ("ECC_NIST_P256", "KEY_AGREEMENT"), ("RSA_2048", "SIGN_VERIFY")])
def test_k11_keys_of_another_use_do_not_encrypt(kms, keys, spec, usage):
    with refused("InvalidKeyUsageException"):
        kms.encrypt(KeyId=keys.any(spec, usage), Plaintext=b"x")


def test_k30_the_blob_names_its_key(kms, keys):
    first, second = keys.fresh(), keys.fresh()
    blob = seal(kms, first)
    assert kms.decrypt(CiphertextBlob=blob)["KeyId"].endswith(first)
    assert kms.decrypt(CiphertextBlob=blob, KeyId=first)["Plaintext"] == b"a secret"
    with refused("IncorrectKeyException"):
        kms.decrypt(CiphertextBlob=blob, KeyId=second)
    with refused("NotFoundException"):
        kms.decrypt(CiphertextBlob=blob, KeyId=str(uuid.uuid4()))


def test_k30_data_keys_decrypt_with_and_without_their_key_named(kms, key):
    made = kms.generate_data_key(KeyId=key, KeySpec="AES_256", EncryptionContext=CONTEXT)
    for named in ({}, {"KeyId": key}):
        assert kms.decrypt(CiphertextBlob=made["CiphertextBlob"], EncryptionContext=CONTEXT, **named)["Plaintext"] == made["Plaintext"]


def test_k30_a_dry_run_can_do_without_the_ciphertext(kms, key):
    with refused("DryRunOperationException"):
        kms.decrypt(KeyId=key, DryRun=True, DryRunModifiers=["IGNORE_CIPHERTEXT"])
    with refused("ValidationException"):
        kms.decrypt(KeyId=key)


def test_k31_re_encryption_changes_the_key(kms, keys):
    source, destination = keys.metadata(), keys.metadata()
    moved = kms.re_encrypt(CiphertextBlob=seal(kms, source["KeyId"]), DestinationKeyId=destination["KeyId"])
    assert (moved["SourceKeyId"], moved["KeyId"]) == (source["Arn"], destination["Arn"])
    assert moved["SourceEncryptionAlgorithm"] == moved["DestinationEncryptionAlgorithm"] == "SYMMETRIC_DEFAULT"
    assert moved["SourceKeyMaterialId"] == source["CurrentKeyMaterialId"]
    assert moved["DestinationKeyMaterialId"] == destination["CurrentKeyMaterialId"]
    opened = kms.decrypt(CiphertextBlob=moved["CiphertextBlob"])
    assert (opened["KeyId"], opened["Plaintext"]) == (destination["Arn"], b"a secret")


def test_k31_re_encryption_changes_the_context(kms, key):
    blob = seal(kms, key, EncryptionContext={"from": "here"})
    parameters = {"SourceEncryptionContext": {"from": "here"}, "DestinationEncryptionContext": {"to": "there"}}
    moved = kms.re_encrypt(CiphertextBlob=blob, DestinationKeyId=key, SourceKeyId=key, **parameters)["CiphertextBlob"]
    assert kms.decrypt(CiphertextBlob=moved, EncryptionContext={"to": "there"})["Plaintext"] == b"a secret"
    with refused("InvalidCiphertextException"):
        kms.decrypt(CiphertextBlob=moved, EncryptionContext={"from": "here"})
    with refused("InvalidCiphertextException"):
        kms.re_encrypt(CiphertextBlob=blob, DestinationKeyId=key, SourceEncryptionContext={"from": "nowhere"})


def test_k31_re_encryption_from_and_to_rsa(kms, keys):
    rsa, symmetric = keys.any("RSA_2048", "ENCRYPT_DECRYPT"), keys.fresh()
    moved = kms.re_encrypt(CiphertextBlob=seal(kms, symmetric), DestinationKeyId=rsa, DestinationEncryptionAlgorithm="RSAES_OAEP_SHA_256")
    assert moved["DestinationEncryptionAlgorithm"] == "RSAES_OAEP_SHA_256"
    back = kms.re_encrypt(
        CiphertextBlob=moved["CiphertextBlob"], SourceKeyId=rsa, SourceEncryptionAlgorithm="RSAES_OAEP_SHA_256", DestinationKeyId=symmetric
    )
    assert kms.decrypt(CiphertextBlob=back["CiphertextBlob"])["Plaintext"] == b"a secret"


def test_k31_re_encryption_with_the_wrong_source_is_refused(kms, keys):
    first, second = keys.fresh(), keys.fresh()
    with refused("IncorrectKeyException"):
        kms.re_encrypt(CiphertextBlob=seal(kms, first), SourceKeyId=second, DestinationKeyId=second)
    with refused("InvalidCiphertextException"):
        kms.re_encrypt(CiphertextBlob=b"not one of ours", DestinationKeyId=second)
    with refused("NotFoundException"):
        kms.re_encrypt(CiphertextBlob=seal(kms, first), DestinationKeyId=str(uuid.uuid4()))
    with refused("InvalidKeyUsageException"):
        kms.re_encrypt(CiphertextBlob=seal(kms, first), DestinationKeyId=keys.any("HMAC_256"))


def test_k31_re_encryption_needs_both_keys_usable(kms, keys):
    first, second = keys.fresh(), keys.fresh()
    blob = seal(kms, first)
    kms.disable_key(KeyId=second)
    with refused("DisabledException"):
        kms.re_encrypt(CiphertextBlob=blob, DestinationKeyId=second)
    kms.enable_key(KeyId=second)
    kms.disable_key(KeyId=first)
    with refused("DisabledException"):
        kms.re_encrypt(CiphertextBlob=blob, DestinationKeyId=second)


def test_k31_re_encryption_knows_states_and_grant_tokens(kms, keys):
    first, second = keys.fresh(), keys.fresh()
    blob = seal(kms, first)
    with refused("InvalidGrantTokenException"):
        kms.re_encrypt(CiphertextBlob=blob, DestinationKeyId=second, GrantTokens=["bm8gdG9rZW4"])
    kms.schedule_key_deletion(KeyId=second)
    with refused("KMSInvalidStateException"):
        kms.re_encrypt(CiphertextBlob=blob, DestinationKeyId=second)
    kms.schedule_key_deletion(KeyId=first)
    with refused("KMSInvalidStateException"):
        kms.re_encrypt(CiphertextBlob=blob, DestinationKeyId=keys.fresh())


def test_k32_the_context_must_match_whatever_its_order(kms, key):
    blob = seal(kms, key, EncryptionContext=CONTEXT)
    backwards = dict(reversed(CONTEXT.items()))
    assert kms.decrypt(CiphertextBlob=blob, EncryptionContext=backwards)["Plaintext"] == b"a secret"
    for wrong in ({}, {"purpose": "test"}, {**CONTEXT, "more": "x"}, {**CONTEXT, "tenant": "Blue"}, {"Purpose": "test", "tenant": "blue"}):
        with refused("InvalidCiphertextException"):
            kms.decrypt(CiphertextBlob=blob, EncryptionContext=wrong)
    plain = seal(kms, key)
    with refused("InvalidCiphertextException"):
        kms.decrypt(CiphertextBlob=plain, EncryptionContext=CONTEXT)
    assert kms.decrypt(CiphertextBlob=plain, EncryptionContext={})["Plaintext"] == b"a secret"


@pytest.mark.parametrize(
    "made, tried",
    [
        ({"ab": "c"}, {"a": "bc"}),
        ({"a": "b", "c": "d"}, {"a": "b,c=d"}),
        ({"a": "b", "c": "d"}, {"a": "bcd"}),
        ({"a": ""}, {}),
        ({"a": "", "b": ""}, {"ab": ""}),
        ({"a": "b"}, {"b": "a"}),
        ({"é": "x"}, {"e\u0301": "x"}),
    ],
)
def test_k102_contexts_can_not_be_confused(kms, key, made, tried):
    blob = seal(kms, key, EncryptionContext=made)
    assert kms.decrypt(CiphertextBlob=blob, EncryptionContext=made)["Plaintext"] == b"a secret"
    with refused("InvalidCiphertextException"):
        kms.decrypt(CiphertextBlob=blob, EncryptionContext=tried)


def test_k32_a_context_is_for_symmetric_keys_only(kms, keys):
    with invalid():
        kms.encrypt(
            KeyId=keys.any("RSA_2048", "ENCRYPT_DECRYPT"), Plaintext=b"x", EncryptionAlgorithm="RSAES_OAEP_SHA_256", EncryptionContext=CONTEXT
        )


def test_k18_dry_runs_do_nothing(kms, keys):
    key = keys.fresh()
    blob = seal(kms, key)
    dry_run(kms.encrypt, KeyId=key, Plaintext=b"x")
    dry_run(kms.decrypt, CiphertextBlob=blob)
    dry_run(kms.re_encrypt, CiphertextBlob=blob, DestinationKeyId=key)
    kms.disable_key(KeyId=key)
    with refused("DisabledException"):
        kms.encrypt(KeyId=key, Plaintext=b"x", DryRun=True)
    with refused("NotFoundException"):
        kms.encrypt(KeyId=str(uuid.uuid4()), Plaintext=b"x", DryRun=True)


def test_k98_refusals_have_the_protocol_s_shape(unchecked):
    with refused("NotFoundException") as caught:
        unchecked.describe_key(KeyId=str(uuid.uuid4()))
    said = caught.value.response
    assert said["ResponseMetadata"]["HTTPStatusCode"] == 400
    uuid.UUID(said["ResponseMetadata"]["HTTPHeaders"]["x-amzn-requestid"])
    assert said["ResponseMetadata"]["HTTPHeaders"]["content-type"] == "application/x-amz-json-1.1"
    assert isinstance(caught.value, unchecked.exceptions.NotFoundException)


def test_k98_every_answer_has_a_request_id_of_its_own(kms):
    ids = {kms.list_keys(Limit=1)["ResponseMetadata"]["RequestId"] for _ in range(3)}
    assert len(ids) == 3
