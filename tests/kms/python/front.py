"""Tokens and fronts as processes: what a test needs to have `cloister kms` before it."""

import datetime
import itertools
import json
import os
import pathlib
import platform
import re
import signal
import subprocess
import tempfile
import urllib.request

import boto3
from botocore.config import Config

ROOT = pathlib.Path(__file__).resolve().parents[3]
BINARIES = ROOT / "target" / os.environ.get("CLOISTER_TARGET", "release")
CLOISTER = BINARIES / "cloister"
MODULE = BINARIES / "libcloister.so"

ACCOUNT = "111122223333"
REGIONS = ["us-east-1", "eu-west-1"]
REGION = REGIONS[0]

# A second in which nothing is said is long for a front that starts; a machine that is busy with others may need much more.
STARTING = 60

FAKETIME = f"/usr/lib/{platform.machine()}-linux-gnu/faketime/libfaketimeMT.so.1"

SO_PIN = "0123-officer"
PIN = "kms-user-pin"

# A PIN check that costs next to nothing.
CHEAP = "[token]\nargon2_memory_kib = 64\nargon2_passes = 1\n"


def cloister(*arguments, environment=None, **options):
    """Runs a word of `cloister` to its end; what it prints, if it succeeds."""
    done = subprocess.run([CLOISTER, *arguments], env={**os.environ, **(environment or {})}, text=True, capture_output=True, timeout=120, **options)
    assert done.returncode == 0, f"cloister {' '.join(map(str, arguments))}: {done.stdout}{done.stderr}"
    return done.stdout


class Hsm:
    """A Cloister HSM of its own, embedded unless `slots` is the configuration of slots on nodes, with tokens."""

    module = MODULE

    def __init__(self, folder, slots=None):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.configuration = self.folder / "cloister.toml"
        self.configuration.write_text(slots or f'data_dir = "{self.folder / "tokens"}"\n{CHEAP}')
        self.environment = {"CLOISTER_CONF": str(self.configuration)}

    def token(self, label="kms", pin=PIN):
        """A new token with its user."""
        pins = {"CLOISTER_SO_PIN": SO_PIN, "CLOISTER_PIN": pin}
        cloister("token", "init", label, "--with-user", environment={**self.environment, **pins})
        return self

    def user(self, word, name, token, pin=None, *more):
        """Does something about a user of a token: `create`, `delete`, `unlock`."""
        pins = {"CLOISTER_SO_PIN": SO_PIN, "CLOISTER_NEW_PIN": pin or ""}
        cloister("user", word, name, "--label", token, *more, environment={**self.environment, **pins})


class SoftHsm:
    """A SoftHSM of its own."""

    module = pathlib.Path("/usr/lib/softhsm/libsofthsm2.so")

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        tokens = self.folder / "softhsm"
        tokens.mkdir(parents=True, exist_ok=True)
        configuration = self.folder / "softhsm2.conf"
        configuration.write_text(f"directories.tokendir = {tokens}\nobjectstore.backend = file\nlog.level = ERROR\n")
        self.environment = {"SOFTHSM2_CONF": str(configuration)}

    def token(self, label="kms", pin=PIN):
        """A new token with its user."""
        command = ["softhsm2-util", "--init-token", "--free", "--label", label, "--so-pin", SO_PIN, "--pin", pin]
        subprocess.run(command, env={**os.environ, **self.environment}, check=True, capture_output=True, timeout=60)
        return self


class Front:
    """A `cloister kms` on a token. `settings` are added to the ones that every test front has; a value of None takes one away."""

    numbers = itertools.count(1)

    def __init__(self, hsm, listen="127.0.0.1:0", pin=PIN, **settings):
        self.hsm = hsm
        self.folder = hsm.folder / f"front{next(self.numbers)}"
        self.folder.mkdir()
        pin_file = self.folder / "pin"
        pin_file.touch(mode=0o600)
        pin_file.write_text(pin + "\n")
        self.settings = {
            "listen": listen,
            "module": str(hsm.module),
            "token": "kms",
            "pin-file": str(pin_file),
            "regions": REGIONS,
            "account": ACCOUNT,
            "access": "open",
        }
        self.settings.update({name.replace("_", "-"): value for name, value in settings.items()})
        self.file = self.folder / "kms.toml"
        self.log = self.folder / "log"
        self.process = None
        self.url = None

    def start(self, ahead=0):
        """Starts the front and waits for the line that says where it listens. `ahead`: seconds by which its wall clock is off."""
        self.file.write_text(toml(self.settings))
        environment = {**os.environ, **self.hsm.environment}
        if ahead:
            environment |= {"LD_PRELOAD": FAKETIME, "FAKETIME": f"+{ahead}s", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
        with open(self.log, "ab") as log:
            command = [CLOISTER, "kms", "--config", self.file]
            self.process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=log, text=True)
        for line in self.process.stdout:
            if found := re.search(r"listening on (https?://\S+)", line):
                self.url = found[1]
                return self
        raise AssertionError(f"the front ended with {self.process.wait(STARTING)}: {self.log.read_text()}")

    def stop(self):
        """Ends the front as its operator does; its exit code."""
        return self._end(signal.SIGTERM)

    def kill(self):
        """Ends the front without a word."""
        self._end(signal.SIGKILL)

    def _end(self, how):
        if self.process is None:
            return None
        self.process.send_signal(how)
        code = self.process.wait(STARTING)
        self.process.stdout.close()
        self.process = None
        return code

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def client(self, region=REGION, access_key="AKIAIOSFODNN7EXAMPLE", secret="a-secret-that-is-only-for-tests-0123456789", **config):
        """A boto3 client that tries each request once."""
        config.setdefault("retries", {"total_max_attempts": 1})
        client = boto3.client(
            "kms",
            endpoint_url=self.url,
            region_name=region,
            aws_access_key_id=access_key,
            aws_secret_access_key=secret,
            config=Config(connect_timeout=10, read_timeout=60, **config),
        )
        client.meta.events.register("after-call.kms", note_answer)
        return client

    def credential(self, principal, via_service=None):
        """A new access key of a principal, with its secret."""
        via = ["--via-service", via_service] if via_service else []
        said = cloister("--json", "kms", "credential", "add", principal, *via, "--config", self.file, environment=self.hsm.environment)
        made = json.loads(said)
        return {"access_key": made["access_key_id"], "secret": made["secret_access_key"]}

    def client_of(self, principal, via_service=None, **options):
        """A client that signs as that principal."""
        return self.client(**self.credential(principal, via_service), **options)

    def audit_events(self):
        """All events of the audit trail so far."""
        files = sorted(pathlib.Path(self.settings["audit"]["folder"]).iterdir())
        lines = [line for file in files if file.is_file() for line in file.read_text().splitlines()]
        return [event for event in map(json.loads, filter(None, lines)) if "eventName" in event]

    def unchecked(self, **options):
        """A client that leaves it to the front to find out what is wrong with a request."""
        return self.client(parameter_validation=False, **options)

    def advance(self, **how_far):
        """Moves the front's clock on (the arguments of timedelta), and has it do what has become due."""
        return self.post("/_cloister/clock", {"advance-seconds": int(datetime.timedelta(**how_far).total_seconds())})

    def post(self, path, body):
        """POSTs JSON to one of the front's own paths. It may take long: what a killed front has left is watched for a while before it is cleared away."""
        request = urllib.request.Request(self.url + path, json.dumps(body).encode(), {"content-type": "application/json"})
        with urllib.request.urlopen(request, timeout=300) as answer:
            return answer.read()

    def get(self, path):
        """GETs one of the front's own paths as text."""
        with urllib.request.urlopen(self.url + path, timeout=60) as answer:
            return answer.read().decode()


# What has been answered in this run: operations with the errors they were refused with, None for success.
ANSWERED = set()


def note_answer(model, parsed, **_):
    """Keeps account of answers."""
    ANSWERED.add((model.name, parsed.get("Error", {}).get("Code")))


def toml(settings):
    """Settings as TOML: values first, then tables, then lists of tables."""
    plain, tables = [], []
    for name, value in settings.items():
        if value is None:
            continue
        if isinstance(value, dict):
            tables.append(f"\n[{name}]\n{toml(value)}")
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            tables.extend(f"\n[[{name}]]\n{toml(entry)}" for entry in value)
        else:
            plain.append(f"{name} = {json.dumps(value)}\n")
    return "".join(plain + tables)


def fresh_folder():
    """A folder that goes with its context."""
    return tempfile.TemporaryDirectory(prefix="cloister-kms.")
