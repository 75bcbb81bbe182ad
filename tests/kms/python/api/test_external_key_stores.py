"""External key stores: the front, a proxy, and a key manager behind it."""

import json
import os
import re
import socket
import subprocess
import threading
import time
import uuid

import pytest

import front as fronts
from expect import invalid, refused
from inventory import inventory
from stores import connect, describe, settle

ENDPOINT = "https://xks.example.com"
BROKEN = "https://broken.example.com"
SILENT = "https://silent.example.com"
PRIVATE = "https://private.example.com"
PRIVATE_TOO = "https://private-too.example.com"
SERVICE = "com.amazonaws.vpce.us-east-1.vpce-svc-0123456789abcdef0"
OTHER_SERVICE = "com.amazonaws.vpce.us-east-1.vpce-svc-00000000000000000"
PATH = "/keystores/orders/kms/xks/v1"
ACCESS_KEY = "ABCDEFGHIJKLMNOPQRST234567"
SECRET = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFG"


class Proxy:
    """A `cloister xks-proxy` before a token of its own."""

    def __init__(self, hsm):
        self.hsm = hsm
        self.file = hsm.folder / "proxy.toml"
        self.lines = hsm.folder / "proxy.jsonl"
        self.credentials = hsm.folder / "proxy-credentials.toml"
        self.credentials.touch(mode=0o600)
        self.credentials.write_text(f'[[credential]]\naccess-key-id = "{ACCESS_KEY}"\nsecret-access-key = "{SECRET}"\n')
        pin = hsm.folder / "proxy-pin"
        pin.touch(mode=0o600)
        pin.write_text(fronts.PIN)
        self.keys = {
            "orders": {"versions": [("orders-1", 1)]},
            "second": {"versions": [("second", 1)]},
            "short": {"versions": [("short", 1)]},
            "asleep": {"versions": [("asleep", 1)], "status": "disabled"},
        }
        self.settings = f'log = "{self.lines}"\n[hsm]\nmodule = "{hsm.module}"\ntoken = "vault"\npin-file = "{pin}"\n'
        self.address = "127.0.0.1:0"
        self.rules = ""
        self.process = None

    def start(self):
        text = f'listen = "{self.address}"\n{self.settings}'
        authorization = "rules" if self.rules else "allow-all"
        text += f'[[prefix]]\npath = "/keystores/orders"\ncredentials = "{self.credentials}"\nauthorization = "{authorization}"\n'
        for key, said in self.keys.items():
            versions = ", ".join(f'{{ version = {version}, label = "{label}" }}' for label, version in said["versions"])
            text += f'[[prefix.key]]\nid = "{key}"\nversions = [{versions}]\nstatus = "{said.get("status", "enabled")}"\n'
        text += self.rules
        text += f'[[prefix]]\npath = "/elsewhere"\ncredentials = "{self.credentials}"\nauthorization = "allow-all"\n'
        text += '[[prefix.key]]\nid = "second"\nversions = [{ version = 1, label = "second" }]\n'
        self.file.write_text(text)
        command = [fronts.CLOISTER, "xks-proxy", "--config", self.file]
        environment = {**os.environ, **self.hsm.environment}
        self.process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        said = []
        for line in self.process.stdout:
            said.append(line)
            if found := re.search(r"listening on http://(\S+)", line):
                # Whoever starts it again finds it where it was.
                self.address = found[1]
                threading.Thread(target=self.process.stdout.read, daemon=True).start()
                return self
        raise AssertionError("".join(said))

    def stop(self):
        if self.process:
            self.process.terminate()
            self.process.wait(60)
            self.process = None

    def again(self):
        self.stop()
        self.start()

    def log(self):
        """What it wrote of each request."""
        return [json.loads(line) for line in self.lines.read_text().splitlines()]


class Impostor:
    """Something that listens and never answers, or answers nonsense."""

    def __init__(self, answer, address="127.0.0.1:0"):
        self.answer = answer
        host, port = address.rsplit(":", 1)
        self.socket = socket.create_server((host, int(port)))
        self.address = "127.0.0.1:%d" % self.socket.getsockname()[1]
        self.kept = []
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            if self.answer is None:
                self.kept.append(connection)
                continue
            connection.recv(65536)
            connection.sendall(self.answer)
            connection.close()

    def close(self):
        """Stops listening, also in the thread that waits for connections."""
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        for connection in self.kept:
            connection.close()


@pytest.fixture(scope="module")
def hsm(folder):
    hsm = fronts.Hsm(folder / "external").token().token("vault")
    for label, size in (("orders-1", 32), ("orders-2", 32), ("second", 32), ("short", 16), ("asleep", 32)):
        command = ["pkcs11-tool", "--module", hsm.module, "--token-label", "vault", "--login", "--pin", fronts.PIN]
        command += ["--keygen", "--key-type", f"aes:{size}", "--label", label, "--sensitive", "--private"]
        subprocess.run(command, env={**os.environ, **hsm.environment}, check=True, capture_output=True, timeout=60)
    return hsm


@pytest.fixture(scope="module")
def proxy(hsm):
    proxy = Proxy(hsm).start()
    yield proxy
    proxy.stop()


@pytest.fixture(scope="module")
def silent():
    return Impostor(None)


@pytest.fixture(scope="module")
def front(hsm, proxy, silent):
    broken = Impostor(b"HTTP/1.1 200 OK\r\ncontent-length: 8\r\ncontent-type: application/json\r\n\r\nnonsense")
    endpoints = [
        {"uri": ENDPOINT, "address": proxy.address, "plain": True},
        {"uri": PRIVATE, "address": proxy.address, "plain": True, "vpc-endpoint-service": SERVICE},
        {"uri": PRIVATE_TOO, "address": proxy.address, "plain": True, "vpc-endpoint-service": SERVICE},
        {"uri": BROKEN, "address": broken.address, "plain": True},
        {"uri": SILENT, "address": silent.address, "plain": True},
    ]
    settings = {"xks-endpoint": endpoints, "audit": {"folder": str(hsm.folder / "audit")}}
    with fronts.Front(hsm, **settings) as front:
        yield front


@pytest.fixture(scope="module")
def shared():
    return {}


def members(**changed):
    said = {
        "CustomKeyStoreName": f"external-{uuid.uuid4()}",
        "CustomKeyStoreType": "EXTERNAL_KEY_STORE",
        "XksProxyConnectivity": "PUBLIC_ENDPOINT",
        "XksProxyUriEndpoint": ENDPOINT,
        "XksProxyUriPath": PATH,
        "XksProxyAuthenticationCredential": {"AccessKeyId": ACCESS_KEY, "RawSecretAccessKey": SECRET},
    }
    said.update(changed)
    return {name: value for name, value in said.items() if value is not None}


@pytest.fixture(scope="module")
def store(kms):
    store = kms.create_custom_key_store(**members())["CustomKeyStoreId"]
    assert connect(kms, store)["ConnectionState"] == "CONNECTED"
    return store


@pytest.fixture(scope="module")
def key(kms, store):
    return kms.create_key(CustomKeyStoreId=store, Origin="EXTERNAL_KEY_STORE", XksKeyId="orders")["KeyMetadata"]


def test_k76_a_store_behind_a_proxy(kms, store):
    said = describe(kms, store)
    assert said["CustomKeyStoreType"] == "EXTERNAL_KEY_STORE"
    assert said["XksProxyConfiguration"]["UriEndpoint"] == ENDPOINT
    assert said["XksProxyConfiguration"]["UriPath"] == PATH
    assert said["XksProxyConfiguration"]["Connectivity"] == "PUBLIC_ENDPOINT"
    assert said["XksProxyConfiguration"]["AccessKeyId"] == ACCESS_KEY
    assert SECRET not in json.dumps(said, default=str)


def test_k76_a_key_names_its_key_outside(store, key):
    said = {name: key[name] for name in ("Origin", "CustomKeyStoreId", "XksKeyConfiguration", "KeySpec", "KeyState")}
    assert said == {
        "Origin": "EXTERNAL_KEY_STORE",
        "CustomKeyStoreId": store,
        "XksKeyConfiguration": {"Id": "orders"},
        "KeySpec": "SYMMETRIC_DEFAULT",
        "KeyState": "Enabled",
    }


@pytest.mark.parametrize(
    "external, error",
    [
        ("nobody", "XksKeyNotFoundException"),
        ("short", "XksKeyInvalidConfigurationException"),
        ("asleep", "XksKeyInvalidConfigurationException"),
        ("orders", "XksKeyAlreadyInUseException"),
    ],
)
def test_k76_keys_outside_that_are_not_fit(kms, store, key, external, error):
    with refused(error):
        kms.create_key(CustomKeyStoreId=store, Origin="EXTERNAL_KEY_STORE", XksKeyId=external)


def test_k76_a_key_outside_must_be_named(kms, store):
    with invalid():
        kms.create_key(CustomKeyStoreId=store, Origin="EXTERNAL_KEY_STORE")


@pytest.mark.parametrize(
    "changed, error",
    [
        ({"XksProxyUriPath": "/keystores/nobody/kms/xks/v1"}, "XksProxyInvalidConfigurationException"),
        (
            {"XksProxyAuthenticationCredential": {"AccessKeyId": ACCESS_KEY, "RawSecretAccessKey": SECRET[::-1]}},
            "XksProxyIncorrectAuthenticationCredentialException",
        ),
        ({"XksProxyUriEndpoint": BROKEN}, "XksProxyInvalidResponseException"),
        ({"XksProxyUriEndpoint": SILENT}, "XksProxyUriUnreachableException"),
        ({"XksProxyUriEndpoint": "https://nobody.invalid"}, "XksProxyUriUnreachableException"),
        ({}, "XksProxyUriInUseException"),
    ],
)
def test_k80_stores_that_can_not_be_made(kms, store, changed, error):
    with refused(error):
        kms.create_custom_key_store(**members(**changed))


BY_SERVICE = {"XksProxyConnectivity": "VPC_ENDPOINT_SERVICE", "XksProxyUriEndpoint": PRIVATE, "XksProxyVpcEndpointServiceName": SERVICE}
ELSEWHERE = "/elsewhere/kms/xks/v1"


@pytest.fixture(scope="module")
def private(kms, proxy):
    """A store by a VPC endpoint service."""
    return kms.create_custom_key_store(**members(**BY_SERVICE))["CustomKeyStoreId"]


@pytest.fixture(scope="module")
def idle(kms, proxy):
    """A store that is not connected, on another path of the shared one's proxy."""
    return kms.create_custom_key_store(**members(XksProxyUriPath=ELSEWHERE))["CustomKeyStoreId"]


@pytest.mark.parametrize(
    "changed, error",
    [
        ({**BY_SERVICE, "XksProxyVpcEndpointServiceName": OTHER_SERVICE}, "XksProxyVpcEndpointServiceNotFoundException"),
        ({**BY_SERVICE, "XksProxyVpcEndpointServiceName": None}, "ValidationException"),
        ({**BY_SERVICE, "XksProxyUriEndpoint": PRIVATE_TOO}, "XksProxyVpcEndpointServiceInUseException"),
        ({"XksProxyUriEndpoint": PRIVATE, "XksProxyUriPath": ELSEWHERE}, "XksProxyUriEndpointInUseException"),
    ],
)
def test_k80_stores_by_vpc_endpoint_services(kms, private, changed, error):
    assert describe(kms, private)["XksProxyConfiguration"]["VpcEndpointServiceName"] == SERVICE
    with refused(error):
        kms.create_custom_key_store(**members(**changed))


@pytest.mark.parametrize(
    "changed, error",
    [
        ({"XksProxyUriPath": "/keystores/nobody/kms/xks/v1"}, "XksProxyInvalidConfigurationException"),
        (
            {"XksProxyAuthenticationCredential": {"AccessKeyId": ACCESS_KEY, "RawSecretAccessKey": SECRET[::-1]}},
            "XksProxyIncorrectAuthenticationCredentialException",
        ),
        ({"XksProxyUriEndpoint": BROKEN}, "XksProxyInvalidResponseException"),
        ({"XksProxyUriEndpoint": SILENT}, "XksProxyUriUnreachableException"),
        ({"XksProxyUriPath": PATH}, "XksProxyUriInUseException"),
        ({"XksProxyUriEndpoint": PRIVATE}, "XksProxyUriEndpointInUseException"),
        ({**BY_SERVICE, "XksProxyVpcEndpointServiceName": OTHER_SERVICE}, "XksProxyVpcEndpointServiceNotFoundException"),
        ({**BY_SERVICE, "XksProxyUriEndpoint": PRIVATE_TOO}, "XksProxyVpcEndpointServiceInUseException"),
    ],
)
def test_k80_stores_that_can_not_be_changed_so(kms, store, private, idle, changed, error):
    with refused(error):
        kms.update_custom_key_store(CustomKeyStoreId=idle, **changed)


def test_k75_no_random_bytes_from_outside(kms, store):
    with refused("UnsupportedOperationException"):
        kms.generate_random(NumberOfBytes=32, CustomKeyStoreId=store)


@pytest.mark.parametrize("left_out", ["XksProxyUriEndpoint", "XksProxyUriPath", "XksProxyAuthenticationCredential", "XksProxyConnectivity"])
def test_k76_a_store_needs_all_its_members(kms, left_out):
    with invalid():
        kms.create_custom_key_store(**members(**{left_out: None}))


def test_k77_what_a_key_outside_can_do(kms, key):
    context = {"a": "b"}
    blob = kms.encrypt(KeyId=key["KeyId"], Plaintext=b"x" * 4096, EncryptionContext=context)["CiphertextBlob"]
    assert len(blob) <= 6144
    assert kms.decrypt(CiphertextBlob=blob, EncryptionContext=context)["Plaintext"] == b"x" * 4096
    with refused("InvalidCiphertextException"):
        kms.decrypt(CiphertextBlob=blob)
    data = kms.generate_data_key(KeyId=key["KeyId"], KeySpec="AES_256")
    assert kms.decrypt(CiphertextBlob=data["CiphertextBlob"])["Plaintext"] == data["Plaintext"]
    ours = kms.create_key()["KeyMetadata"]["KeyId"]
    moved = kms.re_encrypt(CiphertextBlob=data["CiphertextBlob"], DestinationKeyId=ours)["CiphertextBlob"]
    back = kms.re_encrypt(CiphertextBlob=moved, DestinationKeyId=key["KeyId"])["CiphertextBlob"]
    assert kms.decrypt(CiphertextBlob=back)["Plaintext"] == data["Plaintext"]


def test_k77_what_a_key_outside_can_not_do(kms, key):
    for request, parameters in [
        (kms.enable_key_rotation, {}),
        (kms.disable_key_rotation, {}),
        (kms.rotate_key_on_demand, {}),
        (kms.generate_data_key_pair, {"KeyPairSpec": "ECC_NIST_P256"}),
        (kms.get_parameters_for_import, {"WrappingAlgorithm": "RSAES_OAEP_SHA_256", "WrappingKeySpec": "RSA_2048"}),
        (kms.get_public_key, {}),
    ]:
        with refused("UnsupportedOperationException"):
            request(KeyId=key["KeyId"], **parameters)


def test_k78_neither_key_alone_decrypts(kms, hsm, proxy, key):
    """What the proxy is given is encrypted already: with its key and its log at hand, the plaintext isn't there."""
    plaintext = b"the very secret that is looked for"
    kms.encrypt(KeyId=key["KeyId"], Plaintext=plaintext)
    assert plaintext.decode() not in proxy.lines.read_text()
    inner = [entry for entry in inventory(hsm).keys.values() if entry["label"] == key["Arn"]]
    assert len(inner) == 1 and inner[0]["type"] == "AES"


def test_k79_a_silent_proxy_is_given_up_in_time(kms, proxy, key):
    proxy.stop()
    held = Impostor(None, proxy.address)
    try:
        began = time.monotonic()
        with refused("KMSInvalidStateException"):
            kms.encrypt(KeyId=key["KeyId"], Plaintext=b"x")
        assert time.monotonic() - began < 5
        assert 1 <= len(held.kept) <= 2
    finally:
        held.close()
        proxy.start()
    kms.encrypt(KeyId=key["KeyId"], Plaintext=b"x")


def test_k80_a_proxy_that_is_down_and_up_again(kms, proxy, key):
    blob = kms.encrypt(KeyId=key["KeyId"], Plaintext=b"x")["CiphertextBlob"]
    proxy.stop()
    for request, parameters in [
        (kms.encrypt, {"KeyId": key["KeyId"], "Plaintext": b"x"}),
        (kms.decrypt, {"CiphertextBlob": blob}),
        (kms.generate_data_key, {"KeyId": key["KeyId"], "KeySpec": "AES_256"}),
    ]:
        with refused("KMSInvalidStateException"):
            request(**parameters)
    proxy.start()
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"


def test_k81_requests_to_the_proxy_are_signed(proxy, kms, key):
    kms.encrypt(KeyId=key["KeyId"], Plaintext=b"x")
    assert proxy.log()[-1]["accessKeyId"] == ACCESS_KEY


def test_k82_the_proxy_decides_too(kms, proxy, key):
    proxy.rules = f'[[prefix.rule]]\nname = "no decryption"\noperations = ["Encrypt", "GenerateDataKey"]\nkey-arns = ["{key["Arn"]}"]\n'
    try:
        proxy.again()
        blob = kms.encrypt(KeyId=key["KeyId"], Plaintext=b"x")["CiphertextBlob"]
        with refused("KMSInvalidStateException"):
            kms.decrypt(CiphertextBlob=blob)
        said = proxy.log()[-1]
        assert said["errorName"] == "AccessDeniedException"
        assert (said["awsPrincipalArn"], said["kmsKeyArn"], said["kmsOperation"]) == (f"arn:aws:iam::{fronts.ACCOUNT}:root", key["Arn"], "Decrypt")
    finally:
        proxy.rules = ""
        proxy.again()
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"


def test_k83_the_request_s_id_reaches_the_proxy(kms, front, proxy, key):
    answer = kms.encrypt(KeyId=key["KeyId"], Plaintext=b"x")
    request = answer["ResponseMetadata"]["RequestId"]
    assert proxy.log()[-1]["kmsRequestId"] == request
    assert front.audit_events()[-1]["requestID"] == request


def test_k84_the_key_outside_is_rotated_outside(kms, proxy, key):
    before = kms.encrypt(KeyId=key["KeyId"], Plaintext=b"old")["CiphertextBlob"]
    proxy.keys["orders"]["versions"] = [("orders-1", 1), ("orders-2", 2)]
    proxy.again()
    after = kms.encrypt(KeyId=key["KeyId"], Plaintext=b"new")["CiphertextBlob"]
    assert proxy.log()[-1]["keyVersion"] == 2
    assert kms.decrypt(CiphertextBlob=before)["Plaintext"] == b"old"
    assert proxy.log()[-1]["keyVersion"] == 1
    assert kms.decrypt(CiphertextBlob=after)["Plaintext"] == b"new"


def test_k85_a_key_that_is_switched_off_outside(kms, proxy, key):
    blob = kms.encrypt(KeyId=key["KeyId"], Plaintext=b"x")["CiphertextBlob"]
    kept = dict(proxy.keys)
    try:
        proxy.keys["orders"] = {**proxy.keys["orders"], "status": "disabled"}
        proxy.again()
        with refused("KMSInvalidStateException"):
            kms.decrypt(CiphertextBlob=blob)
        del proxy.keys["orders"]
        proxy.again()
        with refused("KMSInvalidStateException"):
            kms.decrypt(CiphertextBlob=blob)
    finally:
        proxy.keys = kept
        proxy.again()
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"


def test_k69_a_disconnected_external_store(kms, store, key):
    kms.disconnect_custom_key_store(CustomKeyStoreId=store)
    settle(kms, store)
    try:
        assert kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"]["KeyState"] == "Unavailable"
        with refused("KMSInvalidStateException"):
            kms.encrypt(KeyId=key["KeyId"], Plaintext=b"x")
        with refused("CustomKeyStoreHasCMKsException"):
            kms.delete_custom_key_store(CustomKeyStoreId=store)
        with refused("CustomKeyStoreInvalidStateException"):
            kms.create_key(CustomKeyStoreId=store, Origin="EXTERNAL_KEY_STORE", XksKeyId="second")
    finally:
        assert connect(kms, store)["ConnectionState"] == "CONNECTED"


def test_k76_the_proxy_s_access_key_is_changed_while_it_serves(kms, proxy, store, key):
    fresh = {"AccessKeyId": "ZYXWVUTSRQPONMLKJIHG765432", "RawSecretAccessKey": SECRET[::-1]}
    before = proxy.credentials.read_text()
    text = f'{before}[[credential]]\naccess-key-id = "{fresh["AccessKeyId"]}"\nsecret-access-key = "{fresh["RawSecretAccessKey"]}"\n'
    try:
        proxy.credentials.write_text(text)
        proxy.again()
        kms.update_custom_key_store(CustomKeyStoreId=store, XksProxyAuthenticationCredential=fresh)
        kms.encrypt(KeyId=key["KeyId"], Plaintext=b"x")
        assert proxy.log()[-1]["accessKeyId"] == fresh["AccessKeyId"]
    finally:
        kms.update_custom_key_store(
            CustomKeyStoreId=store, XksProxyAuthenticationCredential={"AccessKeyId": ACCESS_KEY, "RawSecretAccessKey": SECRET}
        )
