"""A front that is killed at any point: its records and the HSM's keys agree afterwards, and nothing that was answered is lost.

CLOISTER_SEED repeats a run, CLOISTER_KILLS makes it longer.
"""

import json
import os
import random
import subprocess
import threading
import time
import uuid

import pytest
from botocore.exceptions import BotoCoreError, ClientError

import front as fronts
from inventory import inventory

KILLS = int(os.environ.get("CLOISTER_KILLS", 6))

FRONT = {"test_clock": True}


@pytest.fixture(scope="module")
def hsm(folder):
    return fronts.Hsm(folder / "crash").token()


# What requests may be refused with when others change the same keys; and ten rotations are the most.
EXPECTED = ("DisabledException", "LimitExceededException", "KMSInvalidStateException", "ConflictException")


class Caller(threading.Thread):
    """Asks for changes by chance until the front is gone; remembers what it was told."""

    def __init__(self, kms, random):
        super().__init__(daemon=True)
        self.kms, self.random = kms, random
        self.made, self.blobs, self.aliases, self.refusals = [], [], [], []

    def run(self):
        try:
            while True:
                try:
                    self.random.choice([self.create, self.create, self.alias, self.rotate, self.tag, self.delete, self.switch])()
                except ClientError as refusal:
                    self.refusals.append(refusal)
        except BotoCoreError:
            pass

    def create(self):
        spec, usage = self.random.choice(
            [("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT"), ("ECC_NIST_P256", "SIGN_VERIFY"), ("HMAC_256", "GENERATE_VERIFY_MAC")]
        )
        key = self.kms.create_key(KeySpec=spec, KeyUsage=usage)["KeyMetadata"]["KeyId"]
        self.made.append(key)
        if spec == "SYMMETRIC_DEFAULT":
            self.blobs.append((key, self.kms.encrypt(KeyId=key, Plaintext=key.encode())["CiphertextBlob"]))

    def alias(self):
        if self.made:
            alias, key = f"alias/{uuid.UUID(int=self.random.getrandbits(128))}", self.random.choice(self.made)
            self.kms.create_alias(AliasName=alias, TargetKeyId=key)
            self.aliases.append((alias, key))

    def rotate(self):
        if self.blobs:
            self.kms.rotate_key_on_demand(KeyId=self.random.choice(self.blobs)[0])

    def tag(self):
        if self.made:
            self.kms.tag_resource(KeyId=self.random.choice(self.made), Tags=[{"TagKey": "n", "TagValue": str(self.random.random())}])

    def delete(self):
        # A key that nobody relies on below.
        doomed = self.kms.create_key()["KeyMetadata"]["KeyId"]
        self.kms.schedule_key_deletion(KeyId=doomed, PendingWindowInDays=7)

    def switch(self):
        if self.made:
            key = self.random.choice(self.made)
            self.kms.disable_key(KeyId=key)
            self.kms.enable_key(KeyId=key)


def doctor(front):
    command = [fronts.CLOISTER, "doctor", "--kms", front.file]
    return subprocess.run(command, env={**os.environ, **front.hsm.environment}, capture_output=True, text=True, timeout=120)


@pytest.fixture
def front(hsm):
    """A front that is started and killed by the test, and gone after it."""
    front = fronts.Front(hsm, **FRONT)
    yield front
    front.kill()


def test_k101_a_front_killed_at_any_point_loses_and_leaves_nothing(front):
    seed = int(os.environ.get("CLOISTER_SEED") or random.randrange(2**32))
    print("CLOISTER_SEED", seed)
    chance = random.Random(seed)
    made, blobs, aliases = [], [], []
    for _ in range(KILLS):
        front.start()
        callers = [Caller(front.client(), random.Random(chance.random())) for _ in range(3)]
        for caller in callers:
            caller.start()
        time.sleep(chance.uniform(0.05, 0.8))
        front.kill()
        for caller in callers:
            caller.join()
            made += caller.made
            blobs += caller.blobs
            aliases += caller.aliases
            unexpected = [refusal for refusal in caller.refusals if refusal.response["Error"]["Code"] not in EXPECTED]
            assert not unexpected, unexpected
    # Something may be half done, but known: nothing is in the HSM that no record names, and no record names what isn't there.
    said = doctor(front).stdout
    assert "no record names" not in said and "the HSM has no key" not in said, said
    # What was half done is left for a minute to whoever might still be at it; this front comes later.
    front.start(ahead=120)
    kms = front.client()
    for key in made:
        assert kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] in ("Enabled", "Disabled")
    for key, blob in blobs:
        if kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "Disabled":
            kms.enable_key(KeyId=key)
        assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == key.encode()
    for alias, key in aliases:
        assert kms.describe_key(KeyId=alias)["KeyMetadata"]["KeyId"] == key
    assert len(made) > KILLS and len(blobs) > 0 and len(aliases) > 0, "the callers had no time"
    front.advance(days=8)
    front.advance(minutes=2)
    agree(front, made)
    assert front.stop() == 0


def agree(front, made):
    """Records and keys agree, by the doctor's word and by another program's."""
    said = doctor(front)
    assert said.returncode == 0, said.stdout + said.stderr
    seen = inventory(front.hsm)
    keys_of_records = {}
    for label, values in seen.records.items():
        if label.startswith("kms/key/"):
            assert len(values) == 1, label
            record = json.loads(values[0])
            assert not record.get("draft"), f"{label} is still a draft"
            arn = f"arn:aws:kms:{record['region']}:{record['account']}:key/{record['id']}"
            for material in record["materials"]:
                keys_of_records[material["object"]] = arn
    labelled = {number: key["label"] for number, key in seen.keys.items() if key["label"].startswith("arn:aws:kms:")}
    assert labelled == keys_of_records
    assert {f"arn:aws:kms:{fronts.REGION}:{fronts.ACCOUNT}:key/{key}" for key in made} <= set(labelled.values())
