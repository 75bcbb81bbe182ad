"""What is in a token, as any other PKCS#11 program sees it. In a process of its own: a module is loaded and set up once per process."""

import dataclasses
import json
import os
import subprocess
import sys

APPLICATION = "cloister-kms"


@dataclasses.dataclass
class Inventory:
    """Keys by the hexadecimal digits of their CKA_ID, and records by their label."""

    keys: dict
    records: dict

    @property
    def labels(self):
        """The labels of all secret and private keys."""
        return {key["label"] for key in self.keys.values()}


def inventory(hsm, token="kms", pin=None):
    """Reads the token of an HSM."""
    import front

    command = [sys.executable, __file__, str(hsm.module), token, pin or front.PIN]
    done = subprocess.run(command, env={**os.environ, **hsm.environment}, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return Inventory(**json.loads(done.stdout))


HALF_SWAP = "half-swap"


def half_swap(hsm, label, member, value, token="kms", pin=None):
    """Makes the next object of a record, with another value of a member, and leaves the old one, as a front does that dies over it."""
    import front

    command = [sys.executable, __file__, HALF_SWAP, str(hsm.module), token, pin or front.PIN, label, member, value]
    done = subprocess.run(command, env={**os.environ, **hsm.environment}, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


def swap(module, token, pin, label, member, value):
    import pkcs11
    from pkcs11 import Attribute, ObjectClass

    with pkcs11.lib(module).get_token(token_label=token).open(user_pin=pin, rw=True) as session:
        [old] = session.get_objects({Attribute.CLASS: ObjectClass.DATA, Attribute.LABEL: label})
        record = {**json.loads(old[Attribute.VALUE]), member: value}
        session.create_object(
            {
                Attribute.CLASS: ObjectClass.DATA,
                Attribute.TOKEN: True,
                Attribute.PRIVATE: True,
                Attribute.MODIFIABLE: True,
                Attribute.LABEL: label,
                Attribute.APPLICATION: APPLICATION,
                Attribute.OBJECT_ID: (1000).to_bytes(8, "big"),
                Attribute.VALUE: json.dumps(record).encode(),
            }
        )


def read(module, token, pin):
    """What [`inventory`] reports, as JSON on standard output."""
    import pkcs11
    from pkcs11 import Attribute, ObjectClass

    keys, records = {}, {}
    with pkcs11.lib(module).get_token(token_label=token).open(user_pin=pin) as session:
        for thing in session.get_objects():
            what = thing[Attribute.CLASS]
            if what in (ObjectClass.SECRET_KEY, ObjectClass.PRIVATE_KEY):
                keys[thing[Attribute.ID].hex()] = {
                    "label": thing[Attribute.LABEL],
                    "class": what.name,
                    "type": thing[Attribute.KEY_TYPE].name,
                    "extractable": thing[Attribute.EXTRACTABLE],
                    "sensitive": thing[Attribute.SENSITIVE],
                    "token": thing[Attribute.TOKEN],
                }
            elif what == ObjectClass.DATA and thing[Attribute.APPLICATION] == APPLICATION:
                records.setdefault(thing[Attribute.LABEL], []).append(bytes(thing[Attribute.VALUE]).decode(errors="replace"))
    json.dump({"keys": keys, "records": records}, sys.stdout)


if __name__ == "__main__":
    if sys.argv[1] == HALF_SWAP:
        swap(*sys.argv[2:])
    else:
        read(*sys.argv[1:])
