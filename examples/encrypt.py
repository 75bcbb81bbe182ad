"""Makes an AES key in a token through python-pkcs11, encrypts with it and decrypts.

    pip install python-pkcs11
    python encrypt.py /path/to/libcloister.so <token label> <PIN>
"""

import sys

import pkcs11
from pkcs11 import Attribute, GCMParams, KeyType, Mechanism


def main(module, label, pin):
    token = pkcs11.lib(module).get_token(token_label=label)
    with token.open(rw=True, user_pin=pin) as session:
        key = session.generate_key(
            KeyType.AES, 256, template={Attribute.SENSITIVE: True, Attribute.EXTRACTABLE: False}
        )
        parameters = GCMParams(nonce=session.generate_random(96), aad=b"what anybody may read", tag_bits=128)
        secret = key.encrypt(b"Encrypted from Python.", mechanism=Mechanism.AES_GCM, mechanism_param=parameters)
        print(f"{len(secret)} bytes, with the tag: {secret.hex()}")
        print(key.decrypt(secret, mechanism=Mechanism.AES_GCM, mechanism_param=parameters).decode())
        try:
            print("the key is", key[Attribute.VALUE].hex())
        except pkcs11.AttributeSensitive:
            print("the key stays in the token")
        else:
            sys.exit("the token gave its key away")


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(f"usage: {sys.argv[0]} MODULE TOKEN PIN")
    main(*sys.argv[1:])
