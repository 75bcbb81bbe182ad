"""Keys for tests: fresh ones, and ones to share where a test only uses a key."""

import json

USAGES = {
    "SYMMETRIC_DEFAULT": "ENCRYPT_DECRYPT",
    "ECC_NIST_P256": "SIGN_VERIFY",
    "ECC_NIST_P384": "SIGN_VERIFY",
    "ECC_NIST_P521": "SIGN_VERIFY",
    "ECC_SECG_P256K1": "SIGN_VERIFY",
    "ECC_NIST_EDWARDS25519": "SIGN_VERIFY",
    "HMAC_224": "GENERATE_VERIFY_MAC",
    "HMAC_256": "GENERATE_VERIFY_MAC",
    "HMAC_384": "GENERATE_VERIFY_MAC",
    "HMAC_512": "GENERATE_VERIFY_MAC",
    "ML_DSA_44": "SIGN_VERIFY",
    "ML_DSA_65": "SIGN_VERIFY",
    "ML_DSA_87": "SIGN_VERIFY",
    "ML_KEM_512": "ENCAPSULATE_DECAPSULATE",
    "ML_KEM_768": "ENCAPSULATE_DECAPSULATE",
    "ML_KEM_1024": "ENCAPSULATE_DECAPSULATE",
}


class Keys:
    """Makes keys through one client."""

    def __init__(self, client, shared=None):
        self.client = client
        self.shared = {} if shared is None else shared

    def metadata(self, spec="SYMMETRIC_DEFAULT", usage=None, **more):
        """What CreateKey answers about a fresh key."""
        usage = usage or USAGES.get(spec)
        if usage:
            more["KeyUsage"] = usage
        return self.client.create_key(KeySpec=spec, **more)["KeyMetadata"]

    def fresh(self, spec="SYMMETRIC_DEFAULT", usage=None, **more):
        """The id of a fresh key."""
        return self.metadata(spec, usage, **more)["KeyId"]

    def any(self, spec, usage=None):
        """The id of a key that other tests use as well: only for what leaves it as it is. Some keys take long to make."""
        usage = usage or USAGES.get(spec)
        if (spec, usage) not in self.shared:
            self.shared[spec, usage] = self.fresh(spec, usage)
        return self.shared[spec, usage]

    def arn(self, key):
        """The ARN of a key."""
        return self.client.describe_key(KeyId=key)["KeyMetadata"]["Arn"]

    def state(self, key):
        """The state of a key."""
        return self.client.describe_key(KeyId=key)["KeyMetadata"]["KeyState"]


def policy(*statements):
    """A key policy."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def statement(effect, principal, *actions, **conditions):
    """A statement about the key that it is put on. `principal`: an ARN, or `*`."""
    principal = "*" if principal == "*" else {"AWS": principal}
    said = {"Effect": effect, "Principal": principal, "Action": list(actions), "Resource": "*"}
    if conditions:
        said["Condition"] = conditions
    return said


def root(account):
    """The statement that leaves a key to its account."""
    return statement("Allow", f"arn:aws:iam::{account}:root", "kms:*")
