"""Custom key stores on clusters of HSMs."""

import dataclasses
import http.server
import json
import threading
import uuid

import pytest

import front as fronts
from expect import dry_run, everything, invalid, refused
from inventory import inventory
from stores import anchor, connect, describe, settle

PASSWORD = "kmsuser-password"
SINGLE = "cluster-single34567"
ABSENT = "cluster-nowhere4567"

# A cluster with a store isn't free for another, and one with keys stays: so each test takes fresh ones.
CLUSTERS = {f"cluster-number{letter}2345": f"number-{letter}" for letter in "abcdefghijklmnopq"}


@dataclasses.dataclass
class Store:
    """A store that was made: its id, its cluster and the cluster's token."""

    id: str
    cluster: str
    token: str


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
    """The trust anchor of each cluster."""
    made = {cluster: anchor(cluster) for cluster in [*CLUSTERS, SINGLE]}
    for cluster, text in made.items():
        (hsm.folder / f"{cluster}.pem").write_text(text)
    return made


@pytest.fixture(scope="module")
def front(hsm, anchors):
    def cluster(name, token):
        return {"id": name, "token": token, "trust-anchor": str(hsm.folder / f"{name}.pem")}

    clusters = [cluster(*named) for named in CLUSTERS.items()]
    clusters += [{**cluster(SINGLE, "single"), "hsms": 1}, {"id": ABSENT, "token": "nowhere"}]
    with fronts.Front(hsm, cluster=clusters, max_key_stores=len(clusters)) as front:
        yield front


@pytest.fixture(scope="module")
def shared():
    return {}


@pytest.fixture(scope="module")
def free():
    """The clusters that have no store yet."""
    return list(CLUSTERS)


@pytest.fixture(scope="module")
def members(anchors):
    """The members of CreateCustomKeyStore for a cluster."""

    def members(cluster, name=None, password=PASSWORD):
        return {
            "CustomKeyStoreName": name or f"store-{uuid.uuid4()}",
            "CloudHsmClusterId": cluster,
            "KeyStorePassword": password,
            "TrustAnchorCertificate": anchors[cluster],
        }

    return members


@pytest.fixture(scope="module")
def make(kms, free, members):
    """Makes a store on a cluster of its own."""

    def make(**more):
        cluster = free.pop()
        return Store(kms.create_custom_key_store(**members(cluster, **more))["CustomKeyStoreId"], cluster, CLUSTERS[cluster])

    return make


@pytest.fixture(scope="module")
def store(kms, make):
    """A store that is connected, for the tests that only use it."""
    store = make(name="the shared one")
    assert connect(kms, store.id)["ConnectionState"] == "CONNECTED"
    return store


@pytest.fixture
def key(kms, store):
    """A fresh key in it."""
    return kms.create_key(CustomKeyStoreId=store.id, Origin="AWS_CLOUDHSM")["KeyMetadata"]


def test_k61_a_store_is_made_connected_disconnected_and_deleted(kms, make, anchors):
    store = make(name="my store")
    said = describe(kms, store.id)
    assert (said["CustomKeyStoreName"], said["CloudHsmClusterId"], said["ConnectionState"]) == ("my store", store.cluster, "DISCONNECTED")
    assert said["CustomKeyStoreType"] == "AWS_CLOUDHSM"
    assert said["TrustAnchorCertificate"].strip() == anchors[store.cluster].strip()
    assert said["CreationDate"]
    assert "KeyStorePassword" not in said
    assert connect(kms, store.id)["ConnectionState"] == "CONNECTED"
    with refused("CustomKeyStoreInvalidStateException"):
        kms.delete_custom_key_store(CustomKeyStoreId=store.id)
    with refused("CustomKeyStoreInvalidStateException"):
        kms.update_custom_key_store(CustomKeyStoreId=store.id, KeyStorePassword="another-password")
    kms.disconnect_custom_key_store(CustomKeyStoreId=store.id)
    assert settle(kms, store.id)["ConnectionState"] == "DISCONNECTED"
    kms.delete_custom_key_store(CustomKeyStoreId=store.id)
    with refused("CustomKeyStoreNotFoundException"):
        kms.describe_custom_key_stores(CustomKeyStoreId=store.id)


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
    assert describe(kms, store.id)["CustomKeyStoreName"] == "the shared one"
    [said] = kms.describe_custom_key_stores(CustomKeyStoreName="the shared one")["CustomKeyStores"]
    assert said["CustomKeyStoreId"] == store.id
    names = [entry["CustomKeyStoreName"] for entry in everything(kms, "describe_custom_key_stores", "CustomKeyStores", PaginationConfig={"PageSize": 1})]
    assert {"the shared one", "another store"} <= set(names)
    with invalid():
        kms.describe_custom_key_stores(CustomKeyStoreId=store.id, CustomKeyStoreName="the shared one")


def test_k61_a_store_is_renamed_and_not_moved_elsewhere(kms, make, free):
    store = make(name="before")
    kms.update_custom_key_store(CustomKeyStoreId=store.id, NewCustomKeyStoreName="after", KeyStorePassword=PASSWORD)
    assert describe(kms, store.id)["CustomKeyStoreName"] == "after"
    with refused("CloudHsmClusterNotRelatedException"):
        kms.update_custom_key_store(CustomKeyStoreId=store.id, CloudHsmClusterId=free[0])
    for cluster, error in [
        ("cluster-unknown2345", "CloudHsmClusterNotFoundException"),
        (ABSENT, "CloudHsmClusterNotActiveException"),
        (SINGLE, "CloudHsmClusterInvalidConfigurationException"),
    ]:
        with refused(error):
            kms.update_custom_key_store(CustomKeyStoreId=store.id, CloudHsmClusterId=cluster)


@pytest.mark.parametrize("left_out", ["CloudHsmClusterId", "KeyStorePassword", "TrustAnchorCertificate"])
def test_k61_a_store_needs_all_its_members(kms, free, members, left_out):
    incomplete = members(free[0])
    del incomplete[left_out]
    with invalid():
        kms.create_custom_key_store(**incomplete)


@pytest.mark.parametrize("password", ["short", "x" * 33])
def test_k61_a_password_has_seven_to_32_characters(unchecked, free, members, password):
    with invalid("keyStorePassword"):
        unchecked.create_custom_key_store(**members(free[0], password=password))


@pytest.mark.parametrize(
    "cluster, error",
    [
        ("cluster-unknown2345", "CloudHsmClusterNotFoundException"),
        (ABSENT, "CloudHsmClusterNotActiveException"),
        (SINGLE, "CloudHsmClusterInvalidConfigurationException"),
    ],
)
def test_k62_a_cluster_is_there_and_has_two_hsms(kms, members, cluster, error):
    with refused(error):
        kms.create_custom_key_store(**{**members(SINGLE), "CloudHsmClusterId": cluster})


class Health:
    """Says that a node of a cluster is well, until it is stopped."""

    def __init__(self):
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        self.address = "http://127.0.0.1:%d/healthz" % self.server.server_port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


class Answer(http.server.BaseHTTPRequestHandler):
    """An answer that all is well."""

    def do_GET(self):
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def test_k62_new_keys_need_two_active_hsms_and_old_ones_one(hsm, front, free, members):
    nodes = [Health() for _ in range(3)]
    cluster = free.pop()
    [said] = [entry for entry in front.settings["cluster"] if entry["id"] == cluster]
    with fronts.Front(hsm, cluster=[{**said, "health": [node.address for node in nodes]}], max_key_stores=50) as second:
        kms = second.client()
        store = kms.create_custom_key_store(**members(cluster))["CustomKeyStoreId"]
        connect(kms, store)
        nodes[0].stop()
        key = kms.create_key(CustomKeyStoreId=store, Origin="AWS_CLOUDHSM")["KeyMetadata"]["KeyId"]
        nodes[1].stop()
        with refused("CloudHsmClusterInvalidConfigurationException"):
            kms.create_key(CustomKeyStoreId=store, Origin="AWS_CLOUDHSM")
        blob = kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
        kms.disconnect_custom_key_store(CustomKeyStoreId=store)
        assert connect(kms, store)["ConnectionState"] == "CONNECTED"
        assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"
        kms.disconnect_custom_key_store(CustomKeyStoreId=store)
        nodes[2].stop()
        said = connect(kms, store)
        assert (said["ConnectionState"], said["ConnectionErrorCode"]) == ("FAILED", "INSUFFICIENT_CLOUDHSM_HSMS")


def test_k62_the_trust_anchor_is_the_cluster_s(kms, free, members, anchors):
    for wrong in (anchors[free[1]], "no certificate"):
        with refused("IncorrectTrustAnchorException", "ValidationException"):
            kms.create_custom_key_store(**{**members(free[0]), "TrustAnchorCertificate": wrong})


def test_k63_a_cluster_has_one_store(kms, store, members):
    with refused("CloudHsmClusterInUseException"):
        kms.create_custom_key_store(**members(store.cluster))


def test_k63_a_name_is_there_once(kms, store, make, free, members):
    with refused("CustomKeyStoreNameInUseException"):
        kms.create_custom_key_store(**members(free[0], name="the shared one"))
    other = make()
    with refused("CustomKeyStoreNameInUseException"):
        kms.update_custom_key_store(CustomKeyStoreId=other.id, NewCustomKeyStoreName="the shared one")


def test_k64_a_key_of_a_store_is_in_its_cluster_and_stays_there(kms, hsm, make):
    store = make()
    connect(kms, store.id)
    key = kms.create_key(CustomKeyStoreId=store.id, Origin="AWS_CLOUDHSM", Description="in the HSM")["KeyMetadata"]
    said = {name: key[name] for name in ("Origin", "CustomKeyStoreId", "CloudHsmClusterId", "KeyState", "KeySpec", "KeyManager")}
    assert said == {
        "Origin": "AWS_CLOUDHSM",
        "CustomKeyStoreId": store.id,
        "CloudHsmClusterId": store.cluster,
        "KeyState": "Enabled",
        "KeySpec": "SYMMETRIC_DEFAULT",
        "KeyManager": "CUSTOMER",
    }
    kms.disconnect_custom_key_store(CustomKeyStoreId=store.id)
    settle(kms, store.id)
    assert key["Arn"] not in inventory(hsm).labels
    hsm.user("unlock", "kmsuser", store.token, "for-a-look-inside", "--reset")
    seen = inventory(hsm, store.token, "kmsuser:for-a-look-inside")
    [material] = [entry for entry in seen.keys.values() if entry["label"] == key["Arn"]]
    assert (material["class"], material["type"], material["extractable"], material["sensitive"]) == ("SECRET_KEY", "AES", False, True)
    listing = fronts.cloister(
        "key", "list", "--label", store.token, "--user", "kmsuser", environment={**hsm.environment, "CLOISTER_PIN": "for-a-look-inside"}
    )
    assert key["Arn"] in listing
    kms.update_custom_key_store(CustomKeyStoreId=store.id, KeyStorePassword="for-a-look-inside")
    assert connect(kms, store.id)["ConnectionState"] == "CONNECTED"
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
        kms.create_key(CustomKeyStoreId=store.id, Origin="AWS_CLOUDHSM", **more)


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
        kms.create_key(CustomKeyStoreId=store.id, **named)


def test_k66_a_key_stays_where_it_was_made(kms, key):
    assert not {"CustomKeyStoreId", "Origin"} & set(kms.meta.service_model.operation_model("UpdateKeyDescription").input_shape.members)
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
        kms.create_key(CustomKeyStoreId=store.id, Origin="AWS_CLOUDHSM")


def test_k69_keys_of_a_disconnected_store_are_unavailable(kms, make):
    store = make()
    connect(kms, store.id)
    key = kms.create_key(CustomKeyStoreId=store.id, Origin="AWS_CLOUDHSM")["KeyMetadata"]["KeyId"]
    blob = kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    kms.disconnect_custom_key_store(CustomKeyStoreId=store.id)
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
        kms.delete_custom_key_store(CustomKeyStoreId=store.id)
    with refused("CustomKeyStoreInvalidStateException"):
        kms.disconnect_custom_key_store(CustomKeyStoreId=store.id)
    assert connect(kms, store.id)["ConnectionState"] == "CONNECTED"
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "Enabled"
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"
    kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    kms.disconnect_custom_key_store(CustomKeyStoreId=store.id)
    with refused("CustomKeyStoreHasCMKsException"):
        kms.delete_custom_key_store(CustomKeyStoreId=store.id)


def test_k70_material_that_is_removed_in_the_hsm_ends_a_key_s_use(kms, hsm, make):
    store = make()
    connect(kms, store.id)
    key = kms.create_key(CustomKeyStoreId=store.id, Origin="AWS_CLOUDHSM")["KeyMetadata"]["KeyId"]
    blob = kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    kms.disconnect_custom_key_store(CustomKeyStoreId=store.id)
    hsm.user("delete", "kmsuser", store.token, None, "--yes")
    hsm.user("create", "kmsuser", store.token, PASSWORD)
    kms.update_custom_key_store(CustomKeyStoreId=store.id, KeyStorePassword=PASSWORD)
    assert connect(kms, store.id)["ConnectionState"] == "CONNECTED"
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "Enabled"
    for request, parameters in [(kms.encrypt, {"KeyId": key, "Plaintext": b"x"}), (kms.decrypt, {"CiphertextBlob": blob})]:
        with refused("KMSInvalidStateException"):
            request(**parameters)


def test_k71_a_wrong_password_fails_the_connection(kms, make):
    store = make(password="not the password")
    said = connect(kms, store.id)
    assert (said["ConnectionState"], said["ConnectionErrorCode"]) == ("FAILED", "INVALID_CREDENTIALS")
    with refused("CustomKeyStoreInvalidStateException"):
        kms.connect_custom_key_store(CustomKeyStoreId=store.id)
    kms.disconnect_custom_key_store(CustomKeyStoreId=store.id)
    kms.update_custom_key_store(CustomKeyStoreId=store.id, KeyStorePassword=PASSWORD)
    assert connect(kms, store.id)["ConnectionState"] == "CONNECTED"


def test_k71_too_many_wrong_passwords_lock_kmsuser_out(kms, hsm, make):
    store = make(password="not the password")
    codes = []
    for _ in range(12):
        codes.append(connect(kms, store.id)["ConnectionErrorCode"])
        kms.disconnect_custom_key_store(CustomKeyStoreId=store.id)
        if codes[-1] == "USER_LOCKED_OUT":
            break
    assert codes[-1] == "USER_LOCKED_OUT" and set(codes[:-1]) == {"INVALID_CREDENTIALS"}
    hsm.user("unlock", "kmsuser", store.token, PASSWORD, "--reset")
    kms.update_custom_key_store(CustomKeyStoreId=store.id, KeyStorePassword=PASSWORD)
    assert connect(kms, store.id)["ConnectionState"] == "CONNECTED"


def test_k71_without_kmsuser_there_is_no_connection(kms, hsm, make):
    store = make()
    hsm.user("delete", "kmsuser", store.token, None, "--yes")
    said = connect(kms, store.id)
    assert said["ConnectionState"] == "FAILED"
    # The HSM tells nobody whether a user exists.
    assert said["ConnectionErrorCode"] in ("USER_NOT_FOUND", "INVALID_CREDENTIALS")


def test_k71_connecting_gives_kmsuser_a_password_that_only_the_front_knows(kms, hsm, make):
    store = make()
    connect(kms, store.id)
    with pytest.raises(AssertionError):
        inventory(hsm, store.token, f"kmsuser:{PASSWORD}")
    kms.disconnect_custom_key_store(CustomKeyStoreId=store.id)
    assert connect(kms, store.id)["ConnectionState"] == "CONNECTED"


def test_k73_other_users_of_the_cluster_keep_working(kms, hsm, make):
    store = make()
    hsm.user("create", "somebody", store.token, "somebody-else")
    connect(kms, store.id)
    kms.create_key(CustomKeyStoreId=store.id, Origin="AWS_CLOUDHSM")
    assert inventory(hsm, store.token, "somebody:somebody-else").keys == {}


def test_k75_random_bytes_from_a_store(kms, store, make):
    assert len(kms.generate_random(NumberOfBytes=32, CustomKeyStoreId=store.id)["Plaintext"]) == 32
    with refused("CustomKeyStoreNotFoundException"):
        kms.generate_random(NumberOfBytes=32, CustomKeyStoreId="cks-0123456789abcdef0")
    with refused("CustomKeyStoreInvalidStateException"):
        kms.generate_random(NumberOfBytes=32, CustomKeyStoreId=make().id)


def test_k101_a_store_connected_by_one_front_serves_at_another(kms, front, hsm, store, key):
    blob = kms.encrypt(KeyId=key["KeyId"], Plaintext=b"x")["CiphertextBlob"]
    with fronts.Front(hsm, cluster=front.settings["cluster"]) as second:
        there = second.client()
        assert describe(there, store.id)["ConnectionState"] == "CONNECTED"
        assert there.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"


def test_k96_k61_ten_stores_an_account(hsm, front, members):
    """The number is a setting, ten unless it is another."""
    account = "222233334444"
    settings = {"cluster": front.settings["cluster"], "max_key_stores": 0}
    with fronts.Front(hsm, **settings) as second, refused("LimitExceededException"):
        second.client(access_key=account).create_custom_key_store(**members(next(iter(CLUSTERS))))


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
        key = kms.create_key(CustomKeyStoreId=store.id, Origin="AWS_CLOUDHSM")["KeyMetadata"]
        kms.encrypt(KeyId=key["KeyId"], Plaintext=b"x")
        events = [event["eventName"] for event in second.audit_events() if key["Arn"] in json.dumps(event)]
    assert "CreateKey" in events and "Encrypt" in events
