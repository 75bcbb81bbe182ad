"""The front on a cluster of three nodes: a node is killed under load, and two fronts are one service.

tests/cluster/with-nodes makes the cluster and says where it is: CLOISTER_TEST_SLOTS.
"""

import collections
import os
import pathlib
import signal
import subprocess
import threading
import time

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

import front as fronts
from expect import everything, refused

SLOTS = pathlib.Path(os.environ["CLOISTER_TEST_SLOTS"])
FRONT = {"test_clock": True}

# As an SDK has it unless it is told otherwise.
RETRIES = {"mode": "standard", "total_max_attempts": 3}


@pytest.fixture(scope="session")
def hsm(folder):
    return fronts.Hsm(folder / "hsm", slots=SLOTS.read_text()).token()


@pytest.fixture(scope="module")
def second(hsm, front):
    with fronts.Front(hsm, **FRONT) as second:
        yield second


@pytest.fixture(scope="module")
def there(second):
    return second.client()


class Node:
    """A node of the cluster."""

    def __init__(self, name):
        self.name = name
        self.folder = SLOTS.parent / name

    def kill(self):
        os.kill(int((SLOTS.parent / f"{self.name}.pid").read_text()), signal.SIGKILL)

    def start(self):
        with open(SLOTS.parent / f"{self.name}.log", "ab") as log:
            command = ["setpriv", "--pdeathsig", "KILL", fronts.CLOISTER, "node", "run", "--data", self.folder]
            self.process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        (SLOTS.parent / f"{self.name}.pid").write_text(str(self.process.pid))


def status(name):
    """What a node says of its cluster."""
    done = subprocess.run([fronts.CLOISTER, "cluster", "status", "--data", SLOTS.parent / name], capture_output=True, text=True, timeout=60)
    return done.stdout


def leader():
    """Who leads, as a node says that hears of somebody."""
    for name in ("n1", "n2", "n3"):
        for line in status(name).splitlines():
            if line.startswith("Leader "):
                return line.split()[1]
    raise AssertionError("nobody leads")


def all_serve():
    """Waits until all nodes serve."""
    deadline = time.monotonic() + 60
    while not all(sum(" yes " in line for line in status(name).splitlines()) >= 3 for name in ("n1", "n2", "n3")):
        assert time.monotonic() < deadline, status("n1")
        time.sleep(0.1)


class Load(threading.Thread):
    """Asks again and again, checks each answer, and counts."""

    def __init__(self, kms, work):
        super().__init__(daemon=True)
        self.kms, self.work = kms, work
        self.answers, self.wrong, self.told = 0, [], threading.Event()

    def run(self):
        while not self.told.is_set():
            try:
                self.work(self.kms, self.answers)
                self.answers += 1
            except Exception as error:
                self.wrong.append(error)


@pytest.fixture
def load(front, keys):
    """Encryption, decryption, signatures and MACs by eight threads."""
    symmetric, signing, mac = keys.fresh(), keys.fresh("ECC_NIST_P256"), keys.fresh("HMAC_256")
    public = serialization.load_der_public_key(keys.client.get_public_key(KeyId=signing)["PublicKey"])
    expected = keys.client.generate_mac(KeyId=mac, Message=b"m", MacAlgorithm="HMAC_SHA_256")["Mac"]

    def encrypt(kms, number):
        plaintext = b"plaintext %d" % number
        blob = kms.encrypt(KeyId=symmetric, Plaintext=plaintext)["CiphertextBlob"]
        assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == plaintext

    def sign(kms, number):
        message = b"message %d" % number
        signature = kms.sign(KeyId=signing, Message=message, SigningAlgorithm="ECDSA_SHA_256")["Signature"]
        public.verify(signature, message, ec.ECDSA(hashes.SHA256()))

    def authenticate(kms, number):
        assert kms.generate_mac(KeyId=mac, Message=b"m", MacAlgorithm="HMAC_SHA_256")["Mac"] == expected

    return [Load(front.client(retries=RETRIES), work) for work in (encrypt, encrypt, encrypt, encrypt, sign, sign, authenticate, authenticate)]


def running(loads, least):
    """Waits until each of them has so many more answers."""
    goals = [load.answers + len(load.wrong) + least for load in loads]
    deadline = time.monotonic() + 60
    while any(load.answers + len(load.wrong) < goal for load, goal in zip(loads, goals)):
        assert time.monotonic() < deadline, [load.answers for load in loads]
        time.sleep(0.01)


def test_k101_a_node_that_dies_under_load_costs_nobody_a_request(load, kms):
    all_serve()
    for one in load:
        one.start()
    running(load, 10)
    node = Node(leader())
    node.kill()
    running(load, 20)
    # Keys are made with a node away as well.
    retrying = kms.create_key()["KeyMetadata"]["KeyId"]
    assert kms.decrypt(CiphertextBlob=kms.encrypt(KeyId=retrying, Plaintext=b"x")["CiphertextBlob"])["Plaintext"] == b"x"
    node.start()
    all_serve()
    running(load, 10)
    for one in load:
        one.told.set()
    for one in load:
        one.join()
    wrong = collections.Counter(f"{type(error).__name__}: {error}" for one in load for error in one.wrong)
    assert not wrong
    print(sum(one.answers for one in load), "answers")


def test_k101_on_a_cluster_what_one_front_makes_the_other_uses_at_once(kms, there):
    for one, other in ((kms, there), (there, kms)):
        for _ in range(10):
            key = one.create_key()["KeyMetadata"]["KeyId"]
            blob = other.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
            assert one.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"
            other.disable_key(KeyId=key)
            with refused("DisabledException"):
                one.encrypt(KeyId=key, Plaintext=b"x")
            assert key in [entry["KeyId"] for entry in everything(other, "list_keys", "Keys")]


def test_k101_on_a_cluster_a_deletion_scheduled_on_one_front_is_honoured_by_the_other(kms, there, second, key):
    blob = there.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    with refused("KMSInvalidStateException"):
        there.decrypt(CiphertextBlob=blob)
    second.advance(days=8)
    with refused("NotFoundException", "InvalidCiphertextException", "AccessDeniedException"):
        there.decrypt(CiphertextBlob=blob)
    with refused("NotFoundException", "KMSInvalidStateException", "InvalidCiphertextException", "AccessDeniedException"):
        kms.decrypt(CiphertextBlob=blob)
    with refused("NotFoundException"):
        kms.cancel_key_deletion(KeyId=key)


def test_k101_a_front_that_is_killed_leaves_the_other_serving(hsm, kms, key):
    third = fronts.Front(hsm).start()
    blob = third.client().encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    third.kill()
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"
    kms.tag_resource(KeyId=key, Tags=[{"TagKey": "a", "TagValue": "b"}])
