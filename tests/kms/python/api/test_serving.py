"""The front as a server: TLS, health, metrics, its start and its end."""

import datetime
import ipaddress
import json
import socket
import ssl
import threading
import urllib.error
import urllib.request

import boto3
import pytest
from botocore.config import Config
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

import front as fronts


@pytest.fixture(scope="module")
def tls(folder):
    """A certificate for this machine and its key, as files."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "kms.example.com")])
    now = datetime.datetime.now(datetime.timezone.utc)
    day = datetime.timedelta(days=1)
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now - day, now + 30 * day)
    made = made.add_extension(names, False).add_extension(x509.BasicConstraints(True, None), True).sign(key, hashes.SHA256())
    files = {"certificate": folder / "kms.pem", "key": folder / "kms.key"}
    files["certificate"].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    files["key"].touch(mode=0o600)
    files["key"].write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    return {name: str(path) for name, path in files.items()}


@pytest.fixture(scope="module")
def secure(hsm, tls):
    with fronts.Front(hsm, tls=tls) as front:
        yield front


def handshake(front, tls, version=None, ciphers=None):
    context = ssl.create_default_context(cafile=tls["certificate"])
    if version is not None:
        context.minimum_version = context.maximum_version = version
    if ciphers is not None:
        context.set_ciphers(ciphers)
    host, port = front.url.split("//")[1].rsplit(":", 1)
    with socket.create_connection((host, int(port)), 30) as plain, context.wrap_socket(plain, server_hostname=host) as secured:
        return secured.version(), secured.cipher()[0]


def test_k99_the_api_over_tls(secure, tls):
    assert secure.url.startswith("https://")
    kms = boto3.client(
        "kms",
        endpoint_url=secure.url,
        region_name=fronts.REGION,
        aws_access_key_id="AKIAIOSFODNN7EXAMPLE",
        aws_secret_access_key="x",
        verify=tls["certificate"],
        config=Config(retries={"total_max_attempts": 1}),
    )
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    assert kms.decrypt(CiphertextBlob=kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"])["Plaintext"] == b"x"


@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
def test_k99_today_s_tls_with_forward_secrecy(secure, tls, version):
    spoken, cipher = handshake(secure, tls, ssl.TLSVersion[version])
    assert spoken == version.replace("_", ".")
    assert cipher.startswith(("TLS_", "ECDHE-")), cipher


def test_k99_no_older_tls_and_no_suite_without_forward_secrecy(secure, tls):
    with pytest.warns(DeprecationWarning), pytest.raises((ssl.SSLError, OSError)):
        handshake(secure, tls, ssl.TLSVersion.TLSv1_1, "ALL:@SECLEVEL=0")
    with pytest.raises((ssl.SSLError, OSError)):
        handshake(secure, tls, ssl.TLSVersion.TLSv1_2, "AES256-GCM-SHA384:AES128-GCM-SHA256:AES128-SHA")


def test_k99_plain_http_is_not_answered_there(secure):
    with pytest.raises(OSError):
        urllib.request.urlopen(secure.url.replace("https", "http") + "/healthz", timeout=30)


def test_k98_health_and_metrics(front, kms, key):
    assert front.get("/healthz")
    kms.encrypt(KeyId=key, Plaintext=b"x")
    page = front.get("/metrics")
    assert any("Encrypt" in line and line.startswith("cloister_kms_requests") for line in page.splitlines())


def post(front, body, **headers):
    request = urllib.request.Request(front.url, body, headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as refusal:
        text = refusal.read()
        return refusal.code, json.loads(text) if text else {}


def test_k98_what_is_no_request_is_refused_in_order(front):
    headers = {"Content-Type": "application/x-amz-json-1.1"}
    status, said = post(front, b"{}", **headers)
    assert status >= 400 and said["__type"].endswith("UnknownOperationException")
    status, said = post(front, b"{}", **headers, **{"X-Amz-Target": "TrentService.NoSuchThing"})
    assert status >= 400 and said["__type"].endswith("UnknownOperationException")
    for body in (b"{", b"[]", b"\xff", b'"x"', b'{"Limit": "many"}'):
        status, said = post(front, body, **headers, **{"X-Amz-Target": "TrentService.ListKeys"})
        assert status == 400 and said["__type"].endswith(("SerializationException", "ValidationException")), body


def test_k98_a_body_that_is_much_too_large_is_not_taken(front):
    headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "TrentService.ListKeys"}
    try:
        assert post(front, b" " * 5_000_000, **headers)[0] in (400, 413)
    except OSError:
        # The front may hang up on who goes on talking.
        pass
    assert post(front, b"{}", **headers)[0] == 200


def test_k101_a_front_that_is_told_to_end_answers_first(hsm, keys):
    key = keys.fresh()
    front = fronts.Front(hsm).start()
    answers, refusals = [], []
    kms = front.client(retries={"total_max_attempts": 1}, max_pool_connections=8)
    told = threading.Event()

    def work():
        while not told.is_set():
            try:
                answers.append(kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"])
            except Exception as refusal:
                refusals.append(refusal)
                return

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    while len(answers) < 50:
        pass
    code = front.stop()
    told.set()
    for worker in workers:
        worker.join()
    assert code == 0
    assert all(type(refusal).__name__ in ("EndpointConnectionError", "ConnectionClosedError") for refusal in refusals), refusals
    with fronts.Front(hsm) as again:
        for blob in answers[-20:]:
            assert again.client().decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"


@pytest.mark.parametrize(
    "wrong, says",
    [
        ({"token": "nowhere"}, "nowhere"),
        ({"module": "/nowhere.so"}, "nowhere"),
        ({"pin-file": "/nowhere"}, "nowhere"),
        ({"listen": "nonsense"}, "nonsense"),
        ({"regions": []}, "egion"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_k105_a_front_that_can_not_start_says_why(hsm, wrong, says):
    front = fronts.Front(hsm)
    front.settings.update(wrong)
    with pytest.raises(AssertionError, match="ended with"):
        front.start()
    assert says in front.log.read_text()
