"""The AWS Encryption SDK: messages of any size, under keyrings on keys of the front."""

import os

import aws_encryption_sdk
import pytest
from aws_cryptographic_material_providers.mpl import AwsCryptographicMaterialProviders
from aws_cryptographic_material_providers.mpl.config import MaterialProvidersConfig
from aws_cryptographic_material_providers.mpl.models import (
    CreateAwsKmsDiscoveryKeyringInput,
    CreateAwsKmsKeyringInput,
    CreateAwsKmsMrkKeyringInput,
    CreateAwsKmsRsaKeyringInput,
    CreateMultiKeyringInput,
    DiscoveryFilter,
)
from aws_encryption_sdk.identifiers import AlgorithmSuite
from cryptography.hazmat.primitives import serialization

import front as fronts
from stores import anchor, connect

CONTEXT = {"purpose": "test", "file": "42"}
SMALL = b"a small message"
LARGE = bytes(range(256)) * (20 * 1024)  # 5 MB: many frames.

CLUSTER = "cluster-encryption23"
PASSWORD = "kmsuser-password"


@pytest.fixture(scope="module")
def hsm(folder):
    hsm = fronts.Hsm(folder / "encryption").token().token("store")
    hsm.user("create", "kmsuser", "store", PASSWORD)
    return hsm


@pytest.fixture(scope="module")
def front(hsm):
    with fronts.Front(hsm, cluster=[{"id": CLUSTER, "token": "store"}]) as front:
        yield front


@pytest.fixture(scope="module")
def shared():
    return {}


@pytest.fixture(scope="module")
def sdk():
    return aws_encryption_sdk.EncryptionSDKClient()


@pytest.fixture(scope="module")
def providers():
    return AwsCryptographicMaterialProviders(config=MaterialProvidersConfig())


def alias_of(kms, key):
    alias = f"alias/{key['KeyId']}"
    kms.create_alias(AliasName=alias, TargetKeyId=key["KeyId"])
    return key["Arn"].split(":key/")[0] + ":" + alias


@pytest.fixture
def keyring(providers, kms):
    def keyring(key):
        return providers.create_aws_kms_keyring(input=CreateAwsKmsKeyringInput(kms_key_id=key, kms_client=kms))

    return keyring


def round_trip(sdk, plaintext, keyring, opener=None):
    sealed, _ = sdk.encrypt(source=plaintext, keyring=keyring, encryption_context=CONTEXT)
    assert plaintext[:16] not in sealed
    opened, header = sdk.decrypt(source=sealed, keyring=opener or keyring, encryption_context=CONTEXT)
    assert opened == plaintext
    assert CONTEXT.items() <= header.encryption_context.items()
    return sealed


@pytest.mark.parametrize("plaintext", [SMALL, LARGE], ids=["small", "large"])
@pytest.mark.parametrize("named", ["id", "arn", "alias", "alias arn"])
def test_k97_messages_under_a_key_by_any_of_its_names(sdk, keyring, kms, keys, named, plaintext):
    key = keys.metadata()
    arn = alias_of(kms, key)
    name = {"id": key["KeyId"], "arn": key["Arn"], "alias": arn.split(":", 5)[5], "alias arn": arn}[named]
    # A message names its key by the ARN; so that is what opens it.
    round_trip(sdk, plaintext, keyring(name), keyring(key["Arn"]))


def test_k97_a_message_opens_after_its_key_was_rotated(sdk, keyring, kms, keys):
    key = keys.metadata()
    sealed = round_trip(sdk, SMALL, keyring(key["Arn"]))
    kms.rotate_key_on_demand(KeyId=key["KeyId"])
    assert sdk.decrypt(source=sealed, keyring=keyring(key["Arn"]), encryption_context=CONTEXT)[0] == SMALL
    round_trip(sdk, SMALL, keyring(key["Arn"]))


@pytest.mark.parametrize("plaintext", [SMALL, LARGE], ids=["small", "large"])
def test_k97_messages_under_a_key_of_a_custom_key_store(sdk, keyring, kms, plaintext, store):
    key = kms.create_key(CustomKeyStoreId=store, Origin="AWS_CLOUDHSM")["KeyMetadata"]
    sealed = round_trip(sdk, plaintext, keyring(key["Arn"]))
    alias = alias_of(kms, key)
    round_trip(sdk, plaintext, keyring(alias), keyring(key["Arn"]))
    kms.disconnect_custom_key_store(CustomKeyStoreId=store)
    try:
        with pytest.raises(Exception, match="No Configured KMS Key was able to decrypt") as caught:
            sdk.decrypt(source=sealed, keyring=keyring(key["Arn"]), encryption_context=CONTEXT)
        assert "is unavailable because its custom key store is not connected" in str(caught.value.args[0].list)
    finally:
        connect(kms, store)
    assert sdk.decrypt(source=sealed, keyring=keyring(key["Arn"]), encryption_context=CONTEXT)[0] == plaintext


@pytest.fixture(scope="module")
def store(kms):
    members = {"CloudHsmClusterId": CLUSTER, "KeyStorePassword": PASSWORD, "TrustAnchorCertificate": anchor(CLUSTER)}
    store = kms.create_custom_key_store(CustomKeyStoreName="store", **members)["CustomKeyStoreId"]
    assert connect(kms, store)["ConnectionState"] == "CONNECTED"
    return store


def test_k97_messages_are_streamed(sdk, keyring, keys, tmp_path):
    ring = keyring(keys.metadata()["Arn"])
    plain, sealed = tmp_path / "plain", tmp_path / "sealed"
    plain.write_bytes(LARGE)
    with open(plain, "rb") as source, open(sealed, "wb") as target:
        with sdk.stream(mode="e", source=source, keyring=ring, encryption_context=CONTEXT, frame_length=65536) as encryptor:
            for chunk in encryptor:
                target.write(chunk)
    with open(sealed, "rb") as source, sdk.stream(mode="d", source=source, keyring=ring) as decryptor:
        assert b"".join(decryptor) == LARGE


def test_k97_a_discovery_keyring_opens_what_its_account_may(sdk, providers, kms, keyring, keys):
    sealed = round_trip(sdk, SMALL, keyring(keys.metadata()["Arn"]))

    def discovering(account):
        rule = DiscoveryFilter(account_ids=[account], partition="aws")
        return providers.create_aws_kms_discovery_keyring(input=CreateAwsKmsDiscoveryKeyringInput(kms_client=kms, discovery_filter=rule))

    assert sdk.decrypt(source=sealed, keyring=discovering(fronts.ACCOUNT))[0] == SMALL
    with pytest.raises(Exception):
        sdk.decrypt(source=sealed, keyring=discovering("999999999999"))


def test_k97_any_key_of_several_opens_a_message(sdk, providers, kms, keyring, keys):
    one, other = keys.metadata(), keys.metadata()
    several = providers.create_multi_keyring(input=CreateMultiKeyringInput(generator=keyring(one["Arn"]), child_keyrings=[keyring(other["Arn"])]))
    sealed = round_trip(sdk, SMALL, several)
    kms.disable_key(KeyId=one["KeyId"])
    assert sdk.decrypt(source=sealed, keyring=keyring(other["Arn"]), encryption_context=CONTEXT)[0] == SMALL
    with pytest.raises(Exception):
        sdk.decrypt(source=sealed, keyring=keyring(one["Arn"]), encryption_context=CONTEXT)


def test_k97_a_multi_region_key_opens_in_both_regions(sdk, providers, kms, elsewhere, keys):
    key = keys.metadata(MultiRegion=True)
    replica = kms.replicate_key(KeyId=key["KeyId"], ReplicaRegion=fronts.REGIONS[1])["ReplicaKeyMetadata"]
    while elsewhere.describe_key(KeyId=replica["KeyId"])["KeyMetadata"]["KeyState"] != "Enabled":
        pass

    def ring(client, arn):
        return providers.create_aws_kms_mrk_keyring(input=CreateAwsKmsMrkKeyringInput(kms_key_id=arn, kms_client=client))

    round_trip(sdk, SMALL, ring(kms, key["Arn"]), ring(elsewhere, replica["Arn"]))
    round_trip(sdk, SMALL, ring(elsewhere, replica["Arn"]), ring(kms, key["Arn"]))


def test_k97_a_message_under_an_rsa_key(sdk, providers, kms, keys):
    key = keys.metadata("RSA_2048", "ENCRYPT_DECRYPT")
    public = serialization.load_der_public_key(kms.get_public_key(KeyId=key["KeyId"])["PublicKey"])
    pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    ring = providers.create_aws_kms_rsa_keyring(
        input=CreateAwsKmsRsaKeyringInput(public_key=pem, kms_key_id=key["Arn"], encryption_algorithm="RSAES_OAEP_SHA_256", kms_client=kms)
    )
    # Such a keyring goes with suites without a signature.
    suite = {"algorithm": AlgorithmSuite.AES_256_GCM_HKDF_SHA512_COMMIT_KEY}
    sealed, _ = sdk.encrypt(source=SMALL, keyring=ring, encryption_context=CONTEXT, **suite)
    assert sdk.decrypt(source=sealed, keyring=ring, encryption_context=CONTEXT)[0] == SMALL


@pytest.mark.parametrize("plaintext", [SMALL, LARGE], ids=["small", "large"])
def test_k97_master_key_providers_of_before(sdk, front, keys, monkeypatch, plaintext):
    monkeypatch.setenv("AWS_ENDPOINT_URL_KMS", front.url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "only-for-tests")
    key, others = keys.metadata(), keys.metadata()
    provider = aws_encryption_sdk.StrictAwsKmsMasterKeyProvider(key_ids=[key["Arn"], others["Arn"]])
    sealed, _ = sdk.encrypt(source=plaintext, key_provider=provider, encryption_context=CONTEXT)
    alone = aws_encryption_sdk.StrictAwsKmsMasterKeyProvider(key_ids=[others["Arn"]])
    assert sdk.decrypt(source=sealed, key_provider=alone)[0] == plaintext
    found = aws_encryption_sdk.DiscoveryAwsKmsMasterKeyProvider()
    assert sdk.decrypt(source=sealed, key_provider=found)[0] == plaintext


def test_k97_a_message_that_was_changed_does_not_open(sdk, keyring, keys):
    ring = keyring(keys.metadata()["Arn"])
    sealed = bytearray(round_trip(sdk, SMALL, ring))
    sealed[len(sealed) // 2] ^= 1
    with pytest.raises(Exception):
        sdk.decrypt(source=bytes(sealed), keyring=ring)
    with pytest.raises(Exception):
        sdk.decrypt(source=os.urandom(200), keyring=ring)
