"""Key policies as documents: put, read, refused."""

import json
import uuid

import pytest

import front as fronts
from expect import everything, invalid, refused
from keys import policy, root, statement

ROOT = root(fronts.ACCOUNT)


def test_k35_a_fresh_key_leaves_everything_to_its_account(kms, key):
    said = kms.get_key_policy(KeyId=key)
    assert said["PolicyName"] == "default"
    [only] = json.loads(said["Policy"])["Statement"]
    assert only["Effect"] == "Allow"
    assert only["Principal"] == {"AWS": f"arn:aws:iam::{fronts.ACCOUNT}:root"}
    assert (only["Action"], only["Resource"]) == ("kms:*", "*")


def test_k35_a_policy_is_put_and_read_back(kms, key):
    text = policy(ROOT, statement("Allow", f"arn:aws:iam::{fronts.ACCOUNT}:user/ann", "kms:Encrypt"))
    kms.put_key_policy(KeyId=key, PolicyName="default", Policy=text)
    assert json.loads(kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"]) == json.loads(text)
    made = kms.create_key(Policy=text)["KeyMetadata"]["KeyId"]
    assert json.loads(kms.get_key_policy(KeyId=made)["Policy"]) == json.loads(text)


def test_k35_there_is_one_policy_and_its_name_is_default(kms, key):
    said = kms.list_key_policies(KeyId=key)
    assert (said["PolicyNames"], said["Truncated"]) == (["default"], False)
    assert everything(kms, "list_key_policies", "PolicyNames", KeyId=key) == ["default"]
    with refused("NotFoundException"):
        kms.get_key_policy(KeyId=key, PolicyName="another")
    with refused("ValidationException", "NotFoundException"):
        kms.put_key_policy(KeyId=key, PolicyName="another", Policy=policy(ROOT))


@pytest.mark.parametrize(
    "text",
    [
        "no json",
        "[]",
        "{}",
        '{"Version": "2012-10-17"}',
        json.dumps({"Version": "1999-01-01", "Statement": [ROOT]}),
        json.dumps({"Version": "2012-10-17", "Statement": [{**ROOT, "Effect": "Maybe"}]}),
        json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "kms:*", "Resource": "*"}]}),
        json.dumps({"Version": "2012-10-17", "Statement": [{**ROOT, "Surprise": True}]}),
        json.dumps({"Version": "2012-10-17", "Statement": [ROOT, {**ROOT, "Condition": {"NoSuchOperator": {"a": "b"}}}]}),
        json.dumps({"Version": "2012-10-17", "Statement": [ROOT, {**ROOT, "Principal": {"AWS": "arn:aws:iam::12:user/x"}}]}),
    ],
)
def test_k35_a_policy_that_is_none_is_refused(kms, key, text):
    before = kms.get_key_policy(KeyId=key)["Policy"]
    with refused("MalformedPolicyDocumentException"):
        kms.put_key_policy(KeyId=key, Policy=text, BypassPolicyLockoutSafetyCheck=True)
    with refused("MalformedPolicyDocumentException"):
        kms.create_key(Policy=text, BypassPolicyLockoutSafetyCheck=True)
    assert kms.get_key_policy(KeyId=key)["Policy"] == before


def test_k35_k96_a_policy_has_32_kilobytes_at_most(kms, unchecked, key):
    def of(size):
        document = {"Version": "2012-10-17", "Id": "", "Statement": [ROOT]}
        document["Id"] = "x" * (size - len(json.dumps(document)))
        return json.dumps(document)

    kms.put_key_policy(KeyId=key, Policy=of(32 * 1024))
    with refused("LimitExceededException", "ValidationException", "MalformedPolicyDocumentException"):
        kms.put_key_policy(KeyId=key, Policy=of(32 * 1024 + 1))
    with refused("ValidationException", "LimitExceededException", "MalformedPolicyDocumentException"):
        unchecked.put_key_policy(KeyId=key, Policy=of(200 * 1024))


def test_k35_nobody_locks_himself_out_unawares(kms, key):
    out = policy(statement("Allow", f"arn:aws:iam::{fronts.ACCOUNT}:user/nobody", "kms:*"))
    with refused("MalformedPolicyDocumentException", says="(?i)lock|PutKeyPolicy|future"):
        kms.put_key_policy(KeyId=key, Policy=out)
    with refused("MalformedPolicyDocumentException"):
        kms.create_key(Policy=out)
    kms.put_key_policy(KeyId=key, Policy=out, BypassPolicyLockoutSafetyCheck=True)


def test_k35_a_key_that_is_not_there_has_no_policy(kms, unchecked):
    for request, parameters in [(kms.get_key_policy, {}), (kms.list_key_policies, {}), (kms.put_key_policy, {"Policy": policy(ROOT)})]:
        with refused("NotFoundException"):
            request(KeyId=str(uuid.uuid4()), **parameters)
        with refused("InvalidArnException"):
            request(KeyId="arn:aws:kms:broken", **parameters)
    with invalid("policyName"):
        unchecked.get_key_policy(KeyId=str(uuid.uuid4()), PolicyName="not a name!")


def test_k49_the_policy_of_a_key_that_is_pending_deletion_may_change(kms, key):
    kms.schedule_key_deletion(KeyId=key)
    kms.put_key_policy(KeyId=key, Policy=policy(ROOT))
    assert json.loads(kms.get_key_policy(KeyId=key)["Policy"]) == json.loads(policy(ROOT))
