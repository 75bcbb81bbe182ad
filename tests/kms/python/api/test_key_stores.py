"""Custom key stores on clusters of HSMs."""

import datetime
import json
import uuid

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

import front as fronts
from expect import dry_run, everything, invalid, refused
from inventory import inventory
from stores import connect, describe, settle

PASSWORD = "kmsuser-password"
CLUSTERS = {"cluster-first234567": "first", "cluster-second34567": "second", "cluster-third234567": "third"}
FIRST, SECOND, THIRD = CLUSTERS
SINGLE = "cluster-single34567"
ABSENT = "cluster-nowhere4567"


def anchor(name):
    """A certificate that a cluster might have, PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    day = datetime.datetime(2026, 1, 1)
    made = x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number(), day, day + datetime.timedelta(days=3650))
    return made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


@pytest.fixture(scope="module")
def hsm(folder):
    """An HSM of its own: the default key store, and a token for each cluster."""
    hsm = fronts.Hsm(folder / "stores").token()
    for token in [*CLUSTERS.values(), "single"]:
        hsm.token(token)
        hsm.user("create", "kmsuser", token, PASSWORD)
    return hsm


@pytest.fixture(scope="module")
def anchors(hsm):
    made = {}
    for cluster in [*CLUSTERS, SINGLE]:
        made[cluster] = anchor(cluster)
        (hsm.folder / f"{cluster}.pem").write_text(made[cluster])
    return made


@pytest.fixture(scope="module")
def front(hsm, anchors):
    clusters = [{"id": cluster, "token": token, "trust-anchor": str(hsm.folder / f"{cluster}.pem")} for cluster, token in CLUSTERS.items()]
    clusters.append({"id": SINGLE, "token": "single", "trust-anchor": str(hsm.folder / f"{SINGLE}.pem"), "hsms": 1})
    clusters.append({"id": ABSENT, "token": "nowhere"})
    with fronts.Front(hsm, cluster=clusters) as front:
        yield front


@pytest.fixture(scope="module")
def shared():
    return {}


@pytest.fixture
def make(kms, hsm, anchors):
    """Makes stores; takes them down at the end, with their keys, and gives kmsuser its first password back."""
    made = []

    def make(cluster=FIRST, name=None, password=PASSWORD):
        store = kms.create_custom_key_store(
            CustomKeyStoreName=name or f"store-{uuid.uuid4()}",
            CloudHsmClusterId=cluster,
            KeyStorePassword=password,
            TrustAnchorCertificate=anchors[cluster],
        )["CustomKeyStoreId"]
        made.append((store, cluster))
        return store

    yield make
    for store, cluster in made:
        take_down(kms, store)
        if cluster in CLUSTERS:
            hsm.user("unlock", "kmsuser", CLUSTERS[cluster], PASSWORD, "--reset")


def take_down(kms, store):
    try:
        if describe(kms, store)["ConnectionState"] != "DISCONNECTED":
            kms.disconnect_custom_key_store(CustomKeyStoreId=store)
            settle(kms, store)
        kms.delete_custom_key_store(CustomKeyStoreId=store)
    except (kms.exceptions.CustomKeyStoreNotFoundException, kms.exceptions.CustomKeyStoreHasCMKsException):
        pass


@pytest.fixture(scope="module")
def store(kms, hsm, anchors):
    """A store on the second cluster, connected, for the tests that only use it."""
    store = kms.create_custom_key_store(
        CustomKeyStoreName="the shared one", CloudHsmClusterId=SECOND, KeyStorePassword=PASSWORD, TrustAnchorCertificate=anchors[SECOND]
    )["CustomKeyStoreId"]
    assert connect(kms, store)["ConnectionState"] == "CONNECTED"
    return store


@pytest.fixture
def key(kms, store):
    return kms.create_key(CustomKeyStoreId=store, Origin="AWS_CLOUDHSM")["KeyMetadata"]


def test_k61_a_store_is_made_connected_disconnected_and_deleted(kms, make, anchors):
    store = make(name="my store")
    said = describe(kms, store)
    assert (said["CustomKeyStoreName"], said["CloudHsmClusterId"], said["ConnectionState"]) == ("my store", FIRST, "DISCONNECTED")
    assert said["CustomKeyStoreType"] == "AWS_CLOUDHSM"
    assert said["TrustAnchorCertificate"].strip() == anchors[FIRST].strip()
    assert said["CreationDate"]
    assert "KeyStorePassword" not in said
    assert connect(kms, store)["ConnectionState"] == "CONNECTED"
    with refused("CustomKeyStoreInvalidStateException"):
        kms.delete_custom_key_store(CustomKeyStoreId=store)
    with refused("CustomKeyStoreInvalidStateException"):
        kms.update_custom_key_store(CustomKeyStoreId=store, KeyStorePassword="another-password")
    kms.disconnect_custom_key_store(CustomKeyStoreId=store)
    assert settle(kms, store)["ConnectionState"] == "DISCONNECTED"
    kms.delete_custom_key_store(CustomKeyStoreId=store)
    with refused("CustomKeyStoreNotFoundException"):
        kms.describe_custom_key_stores(CustomKeyStoreId=store)


def test_k61_stores_that_are_not_there(kms):
    for request in (
        kms.connect_custom_key_store,
        kms.disconnect_custom_key_store,
        kms.delete_custom_key_store,
        kms.update_custom_key_store,
        kms.describe_custom_key_stores,
    ):
        with refused("CustomKeyStoreNotFoundException"):
            request(CustomKeyStoreId="cks-0123456789abcdef0")
    with refused("CustomKeyStoreNotFoundException"):
        kms.describe_custom_key_stores(CustomKeyStoreName="no such store")
    with refused("CustomKeyStoreNotFoundException"):
        kms.create_key(CustomKeyStoreId="cks-0123456789abcdef0", Origin="AWS_CLOUDHSM")
    with refused("InvalidMarkerException"):
        kms.describe_custom_key_stores(Marker="bm90IG91cnM")


def test_k61_stores_are_found_by_id_and_by_name_and_in_pages(kms, store, make):
    make(name="another store")
    assert describe(kms, store)["CustomKeyStoreName"] == "the shared one"
    [said] = kms.describe_custom_key_stores(CustomKeyStoreName="the shared one")["CustomKeyStores"]
    assert said["CustomKeyStoreId"] == store
    names = [entry["CustomKeyStoreName"] for entry in everything(kms, "describe_custom_key_stores", "CustomKeyStores", PaginationConfig={"PageSize": 1})]
    assert {"the shared one", "another store"} <= set(names)
    with invalid():
        kms.describe_custom_key_stores(CustomKeyStoreId=store, CustomKeyStoreName="the shared one")


def test_k61_a_store_is_renamed_and_moved(kms, make):
    store = make(name="before")
    kms.update_custom_key_store(CustomKeyStoreId=store, NewCustomKeyStoreName="after", KeyStorePassword=PASSWORD)
    assert describe(kms, store)["CustomKeyStoreName"] == "after"
    with refused("CloudHsmClusterNotRelatedException"):
        kms.update_custom_key_store(CustomKeyStoreId=store, CloudHsmClusterId=THIRD)
    with refused("CloudHsmClusterNotFoundException"):
        kms.update_custom_key_store(CustomKeyStoreId=store, CloudHsmClusterId="cluster-unknown2345")


@pytest.mark.parametrize("left_out", ["CloudHsmClusterId", "KeyStorePassword", "TrustAnchorCertificate"])
def test_k61_a_store_needs_all_its_members(kms, anchors, left_out):
    members = {"CloudHsmClusterId": FIRST, "KeyStorePassword": PASSWORD, "TrustAnchorCertificate": anchors[FIRST]}
    del members[left_out]
    with invalid():
        kms.create_custom_key_store(CustomKeyStoreName="incomplete", **members)


@pytest.mark.parametrize("password", ["short", "x" * 33])
def test_k61_a_password_has_seven_to_32_characters(unchecked, anchors, password):
    with invalid("keyStorePassword"):
        unchecked.create_custom_key_store(
            CustomKeyStoreName="wrong", CloudHsmClusterId=FIRST, KeyStorePassword=password, TrustAnchorCertificate=anchors[FIRST]
        )


@pytest.mark.parametrize(
    "cluster, error",
    [
        ("cluster-unknown2345", "CloudHsmClusterNotFoundException"),
        (ABSENT, "CloudHsmClusterNotActiveException"),
        (SINGLE, "CloudHsmClusterInvalidConfigurationException"),
    ],
)
def test_k62_a_cluster_is_there_and_has_two_hsms(kms, anchors, cluster, error):
    with refused(error):
        kms.create_custom_key_store(
            CustomKeyStoreName="unfit", CloudHsmClusterId=cluster, KeyStorePassword=PASSWORD, TrustAnchorCertificate=anchors.get(cluster, anchors[FIRST])
        )


def test_k62_the_trust_anchor_is_the_cluster_s(kms, anchors):
    for wrong in (anchors[SECOND], "no certificate"):
        with refused("IncorrectTrustAnchorException", "ValidationException"):
            kms.create_custom_key_store(
                CustomKeyStoreName="wrong", CloudHsmClusterId=FIRST, KeyStorePassword=PASSWORD, TrustAnchorCertificate=wrong
            )


def test_k63_a_cluster_has_one_store(kms, store, anchors):
    with refused("CloudHsmClusterInUseException"):
        kms.create_custom_key_store(
            CustomKeyStoreName="a second", CloudHsmClusterId=SECOND, KeyStorePassword=PASSWORD, TrustAnchorCertificate=anchors[SECOND]
        )


def test_k63_a_name_is_there_once(kms, store, make, anchors):
    with refused("CustomKeyStoreNameInUseException"):
        kms.create_custom_key_store(
            CustomKeyStoreName="the shared one", CloudHsmClusterId=FIRST, KeyStorePassword=PASSWORD, TrustAnchorCertificate=anchors[FIRST]
        )
    other = make()
    with refused("CustomKeyStoreNameInUseException"):
        kms.update_custom_key_store(CustomKeyStoreId=other, NewCustomKeyStoreName="the shared one")


def test_k64_a_key_of_a_store_is_in_its_cluster_and_stays_there(kms, hsm, make):
    store = make()
    connect(kms, store)
    key = kms.create_key(CustomKeyStoreId=store, Origin="AWS_CLOUDHSM", Description="in the HSM")["KeyMetadata"]
    said = {name: key[name] for name in ("Origin", "CustomKeyStoreId", "CloudHsmClusterId", "KeyState", "KeySpec", "KeyManager")}
    assert said == {
        "Origin": "AWS_CLOUDHSM",
        "CustomKeyStoreId": store,
        "CloudHsmClusterId": FIRST,
        "KeyState": "Enabled",
        "KeySpec": "SYMMETRIC_DEFAULT",
        "KeyManager": "CUSTOMER",
    }
    kms.disconnect_custom_key_store(CustomKeyStoreId=store)
    settle(kms, store)
    assert key["Arn"] not in inventory(hsm).labels
    hsm.user("unlock", "kmsuser", "first", "for-a-look-inside", "--reset")
    seen = inventory(hsm, "first", "kmsuser:for-a-look-inside")
    [material] = [entry for entry in seen.keys.values() if entry["label"] == key["Arn"]]
    assert (material["class"], material["type"], material["extractable"], material["sensitive"]) == ("SECRET_KEY", "AES", False, True)
    listing = fronts.cloister(
        "key", "list", "--label", "first", "--user", "kmsuser", environment={**hsm.environment, "CLOISTER_PIN": "for-a-look-inside"}
    )
    assert key["Arn"] in listing
    kms.update_custom_key_store(CustomKeyStoreId=store, KeyStorePassword="for-a-look-inside")
    assert connect(kms, store)["ConnectionState"] == "CONNECTED"
    blob = kms.encrypt(KeyId=key["KeyId"], Plaintext=b"x")["CiphertextBlob"]
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"


def test_k64_all_symmetric_work_is_done_with_it(kms, key):
    context = {"a": "b"}
    blob = kms.encrypt(KeyId=key["KeyId"], Plaintext=b"x", EncryptionContext=context)["CiphertextBlob"]
    assert kms.decrypt(CiphertextBlob=blob, EncryptionContext=context)["Plaintext"] == b"x"
    with refused("InvalidCiphertextException"):
        kms.decrypt(CiphertextBlob=blob)
    data = kms.generate_data_key(KeyId=key["KeyId"], KeySpec="AES_256", EncryptionContext=context)
    assert kms.decrypt(CiphertextBlob=data["CiphertextBlob"], EncryptionContext=context)["Plaintext"] == data["Plaintext"]
    ours = kms.create_key()["KeyMetadata"]["KeyId"]
    moved = kms.re_encrypt(CiphertextBlob=blob, SourceEncryptionContext=context, DestinationKeyId=ours)
    assert kms.decrypt(CiphertextBlob=moved["CiphertextBlob"])["Plaintext"] == b"x"
    dry_run(kms.encrypt, KeyId=key["KeyId"], Plaintext=b"x")


@pytest.mark.parametrize(
    "more",
    [
        {"KeySpec": "RSA_2048", "KeyUsage": "SIGN_VERIFY"},
        {"KeySpec": "ECC_NIST_P256", "KeyUsage": "SIGN_VERIFY"},
        {"KeySpec": "HMAC_256", "KeyUsage": "GENERATE_VERIFY_MAC"},
        {"MultiRegion": True},
    ],
)
def test_k65_a_store_keeps_only_plain_symmetric_keys(kms, store, more):
    with refused("UnsupportedOperationException", "ValidationException"):
        kms.create_key(CustomKeyStoreId=store, Origin="AWS_CLOUDHSM", **more)


def test_k65_no_import_no_rotation_no_pairs(kms, key):
    for request, parameters in [
        (kms.enable_key_rotation, {}),
        (kms.disable_key_rotation, {}),
        (kms.rotate_key_on_demand, {}),
        (kms.get_key_rotation_status, {}),
        (kms.generate_data_key_pair, {"KeyPairSpec": "ECC_NIST_P256"}),
        (kms.generate_data_key_pair_without_plaintext, {"KeyPairSpec": "ECC_NIST_P256"}),
        (kms.get_parameters_for_import, {"WrappingAlgorithm": "RSAES_OAEP_SHA_256", "WrappingKeySpec": "RSA_2048"}),
        (kms.delete_imported_key_material, {}),
    ]:
        with refused("UnsupportedOperationException"):
            request(KeyId=key["KeyId"], **parameters)


@pytest.mark.parametrize("origin", ["AWS_KMS", "EXTERNAL", "EXTERNAL_KEY_STORE", None])
def test_k66_the_origin_says_where_a_key_is(kms, store, origin):
    named = {"Origin": origin} if origin else {}
    with refused("ValidationException", "UnsupportedOperationException", "CustomKeyStoreInvalidStateException"):
        kms.create_key(CustomKeyStoreId=store, **named)


def test_k66_a_key_stays_where_it_was_made(kms, key):
    assert not {"CustomKeyStoreId", "Origin"} & set(kms.meta.service_model.operation_model("UpdateKeyDescription").input_shape.members)
    assert kms.encrypt(KeyId="alias/aws/ebs", Plaintext=b"x")["KeyId"] != key["Arn"]
    assert kms.describe_key(KeyId="alias/aws/ebs")["KeyMetadata"]["Origin"] == "AWS_KMS"


def test_k67_aliases_tags_policies_and_states_as_with_any_key(kms, key):
    alias = f"alias/in-a-store-{key['KeyId']}"
    kms.create_alias(AliasName=alias, TargetKeyId=key["KeyId"])
    kms.tag_resource(KeyId=key["KeyId"], Tags=[{"TagKey": "a", "TagValue": "b"}])
    json.loads(kms.get_key_policy(KeyId=key["KeyId"])["Policy"])
    blob = kms.encrypt(KeyId=alias, Plaintext=b"x")["CiphertextBlob"]
    kms.disable_key(KeyId=key["KeyId"])
    with refused("DisabledException"):
        kms.decrypt(CiphertextBlob=blob)
    kms.enable_key(KeyId=key["KeyId"])
    kms.update_key_description(KeyId=key["KeyId"], Description="still here")
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"


def test_k68_no_key_is_made_in_a_store_that_is_not_connected(kms, make):
    store = make()
    with refused("CustomKeyStoreInvalidStateException"):
        kms.create_key(CustomKeyStoreId=store, Origin="AWS_CLOUDHSM")


def test_k69_keys_of_a_disconnected_store_are_unavailable(kms, make):
    store = make()
    connect(kms, store)
    key = kms.create_key(CustomKeyStoreId=store, Origin="AWS_CLOUDHSM")["KeyMetadata"]["KeyId"]
    blob = kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    kms.disconnect_custom_key_store(CustomKeyStoreId=store)
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "Unavailable"
    for request, parameters in [
        (kms.encrypt, {"KeyId": key, "Plaintext": b"x"}),
        (kms.decrypt, {"CiphertextBlob": blob}),
        (kms.generate_data_key, {"KeyId": key, "KeySpec": "AES_256"}),
    ]:
        with refused("KMSInvalidStateException"):
            request(**parameters)
    kms.tag_resource(KeyId=key, Tags=[{"TagKey": "a", "TagValue": "b"}])
    with refused("CustomKeyStoreHasCMKsException"):
        kms.delete_custom_key_store(CustomKeyStoreId=store)
    with refused("CustomKeyStoreInvalidStateException"):
        kms.disconnect_custom_key_store(CustomKeyStoreId=store)
    assert connect(kms, store)["ConnectionState"] == "CONNECTED"
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "Enabled"
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"
    kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    kms.disconnect_custom_key_store(CustomKeyStoreId=store)
    with refused("CustomKeyStoreHasCMKsException"):
        kms.delete_custom_key_store(CustomKeyStoreId=store)


def test_k70_material_that_is_removed_in_the_hsm_ends_a_key_s_use(kms, hsm, make):
    store = make(THIRD)
    connect(kms, store)
    key = kms.create_key(CustomKeyStoreId=store, Origin="AWS_CLOUDHSM")["KeyMetadata"]["KeyId"]
    blob = kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    kms.disconnect_custom_key_store(CustomKeyStoreId=store)
    hsm.user("delete", "kmsuser", "third", None, "--yes")
    hsm.user("create", "kmsuser", "third", PASSWORD)
    kms.update_custom_key_store(CustomKeyStoreId=store, KeyStorePassword=PASSWORD)
    assert connect(kms, store)["ConnectionState"] == "CONNECTED"
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "Enabled"
    for request, parameters in [(kms.encrypt, {"KeyId": key, "Plaintext": b"x"}), (kms.decrypt, {"CiphertextBlob": blob})]:
        with refused("KMSInvalidStateException"):
            request(**parameters)


def test_k71_a_wrong_password_fails_the_connection(kms, make):
    store = make(password="not the password")
    said = connect(kms, store)
    assert (said["ConnectionState"], said["ConnectionErrorCode"]) == ("FAILED", "INVALID_CREDENTIALS")
    with refused("CustomKeyStoreInvalidStateException"):
        kms.connect_custom_key_store(CustomKeyStoreId=store)
    kms.disconnect_custom_key_store(CustomKeyStoreId=store)
    kms.update_custom_key_store(CustomKeyStoreId=store, KeyStorePassword=PASSWORD)
    assert connect(kms, store)["ConnectionState"] == "CONNECTED"


def test_k71_too_many_wrong_passwords_lock_kmsuser_out(kms, hsm, make):
    store = make(password="not the password")
    codes = []
    for _ in range(12):
        codes.append(connect(kms, store)["ConnectionErrorCode"])
        kms.disconnect_custom_key_store(CustomKeyStoreId=store)
        if codes[-1] == "USER_LOCKED_OUT":
            break
    assert codes[-1] == "USER_LOCKED_OUT" and set(codes[:-1]) == {"INVALID_CREDENTIALS"}
    hsm.user("unlock", "kmsuser", "first", PASSWORD, "--reset")
    kms.update_custom_key_store(CustomKeyStoreId=store, KeyStorePassword=PASSWORD)
    assert connect(kms, store)["ConnectionState"] == "CONNECTED"


def test_k71_without_kmsuser_there_is_no_connection(kms, hsm, make):
    hsm.user("delete", "kmsuser", "first", None, "--yes")
    try:
        store = make()
        said = connect(kms, store)
        assert said["ConnectionState"] == "FAILED"
        assert said["ConnectionErrorCode"] in ("USER_NOT_FOUND", "INVALID_CREDENTIALS")
    finally:
        hsm.user("create", "kmsuser", "first", PASSWORD)


def test_k71_connecting_gives_kmsuser_a_password_that_only_the_front_knows(kms, hsm, make):
    store = make()
    connect(kms, store)
    with pytest.raises(AssertionError):
        inventory(hsm, "first", f"kmsuser:{PASSWORD}")
    kms.disconnect_custom_key_store(CustomKeyStoreId=store)
    assert connect(kms, store)["ConnectionState"] == "CONNECTED"


def test_k73_other_users_of_the_cluster_keep_working(kms, hsm, make):
    hsm.user("create", "somebody", "first", "somebody-else")
    try:
        connect(kms, make())
        assert inventory(hsm, "first", "somebody:somebody-else").keys == {}
    finally:
        hsm.user("delete", "somebody", "first", None, "--yes")


def test_k75_random_bytes_from_a_store(kms, store, make):
    assert len(kms.generate_random(NumberOfBytes=32, CustomKeyStoreId=store)["Plaintext"]) == 32
    with refused("CustomKeyStoreNotFoundException"):
        kms.generate_random(NumberOfBytes=32, CustomKeyStoreId="cks-0123456789abcdef0")
    with refused("CustomKeyStoreInvalidStateException"):
        kms.generate_random(NumberOfBytes=32, CustomKeyStoreId=make())


def test_k101_a_store_connected_by_one_front_serves_at_another(kms, front, hsm, store, key):
    blob = kms.encrypt(KeyId=key["KeyId"], Plaintext=b"x")["CiphertextBlob"]
    with fronts.Front(hsm, cluster=front.settings["cluster"]) as second:
        there = second.client()
        assert describe(there, store)["ConnectionState"] == "CONNECTED"
        assert there.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"


def test_k96_k61_ten_stores_an_account(hsm, front, anchors):
    """The number is a setting; a front that allows one more than there are shows it."""
    there = len(front.client().describe_custom_key_stores()["CustomKeyStores"])
    settings = {"cluster": front.settings["cluster"], "max_key_stores": there}
    with fronts.Front(hsm, **settings) as second:
        with refused("LimitExceededException"):
            second.client().create_custom_key_store(
                CustomKeyStoreName="one too many", CloudHsmClusterId=FIRST, KeyStorePassword=PASSWORD, TrustAnchorCertificate=anchors[FIRST]
            )


def test_k72_a_store_has_its_own_quota(hsm, front, store, key):
    with fronts.Front(hsm, cluster=front.settings["cluster"], throttle={"custom-key-store": 5}) as second:
        kms = second.client()
        with refused("ThrottlingException"):
            for _ in range(50):
                kms.encrypt(KeyId=key["KeyId"], Plaintext=b"x")
        ours = kms.create_key()["KeyMetadata"]["KeyId"]
        for _ in range(10):
            kms.encrypt(KeyId=ours, Plaintext=b"x")


def test_k74_the_trails_of_front_and_hsm_name_the_same_key(hsm, front, store, folder):
    with fronts.Front(hsm, cluster=front.settings["cluster"], audit={"folder": str(folder / "stores-audit")}) as second:
        kms = second.client()
        key = kms.create_key(CustomKeyStoreId=store, Origin="AWS_CLOUDHSM")["KeyMetadata"]
        kms.encrypt(KeyId=key["KeyId"], Plaintext=b"x")
        events = [event["eventName"] for event in second.audit_events() if key["Arn"] in json.dumps(event)]
    assert "CreateKey" in events and "Encrypt" in events
