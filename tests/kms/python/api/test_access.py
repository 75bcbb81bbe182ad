"""Who may what: signatures, policies, grants, accounts, and what the audit trail says of it."""

import datetime
import http.client
import json
import os
import shutil
import subprocess
import uuid
from unittest import mock

import boto3
import botocore.auth
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

import front as fronts
from expect import dry_run, everything, invalid, refused
from keys import policy, root, statement

OTHER_ACCOUNT = "444455556666"
ROOT = root(fronts.ACCOUNT)

PEOPLE = {
    "root": f"arn:aws:iam::{fronts.ACCOUNT}:root",
    "ann": f"arn:aws:iam::{fronts.ACCOUNT}:user/ann",
    "bob": f"arn:aws:iam::{fronts.ACCOUNT}:user/bob",
    "stranger": f"arn:aws:iam::{OTHER_ACCOUNT}:user/stranger",
    "other-root": f"arn:aws:iam::{OTHER_ACCOUNT}:root",
}

IDENTITIES = {
    (fronts.ACCOUNT, "ann"): [],
    (fronts.ACCOUNT, "bob"): [{"Effect": "Allow", "Action": "kms:*", "Resource": "*"}],
    (OTHER_ACCOUNT, "stranger"): [{"Effect": "Allow", "Action": "kms:*", "Resource": "*"}],
}


@pytest.fixture(scope="module")
def front(hsm, folder):
    identities = folder / "identities"
    for (account, name), statements in IDENTITIES.items():
        file = identities / account / name / "policy.json"
        file.parent.mkdir(parents=True)
        file.write_text(json.dumps({"Version": "2012-10-17", "Statement": statements or [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}))
    with fronts.Front(hsm, access="signed", identities=str(identities), audit={"folder": str(folder / "audit")}, test_clock=True) as front:
        yield front


@pytest.fixture(scope="module")
def people(front):
    """A client for each of the people, and one for a service that acts for bob."""
    clients = {name: front.client_of(arn) for name, arn in PEOPLE.items()}
    clients["bob by s3"] = front.client_of(PEOPLE["bob"], via_service=f"s3.{fronts.REGION}.amazonaws.com")
    return clients


@pytest.fixture(scope="module")
def kms(people):
    return people["root"]


@pytest.fixture(scope="module")
def trail(front):
    """The last event of the audit trail that a test is looking for."""

    def last(event_name):
        events = [event for event in front.audit_events() if event["eventName"] == event_name]
        assert events, f"no event for {event_name}"
        return events[-1]

    return last


def test_k42_a_credential_that_was_put_into_the_token_without_a_pin_is_not_believed(front, hsm, folder):
    access_key, secret = "AKIAPLANTEDPLANTED00", "a-secret-of-somebody-without-a-pin-012345"
    planted = {"access_key": access_key, "secret": secret, "principal_arn": PEOPLE["root"], "account": fronts.ACCOUNT}
    file = folder / "planted.json"
    file.write_text(json.dumps(planted))
    command = ["pkcs11-tool", "--module", hsm.module, "--token-label", "kms", "--write-object", str(file), "--type", "data"]
    command += ["--label", f"kms/credential/{access_key}", "--application-label", "cloister-kms"]
    subprocess.run(command, env={**os.environ, **hsm.environment}, check=True, capture_output=True, timeout=60)
    with refused("UnrecognizedClientException"):
        front.client(access_key=access_key, secret=secret).list_keys()


def put(kms, key, *statements):
    kms.put_key_policy(KeyId=key, Policy=policy(ROOT, *statements))


def other_end(secret):
    """The secret with another last character."""
    return secret[:-1] + ("y" if secret.endswith("x") else "x")


def test_k42_a_wrong_signature_is_refused(front):
    good = front.credential(PEOPLE["root"])
    front.client(access_key=good["access_key"], secret=good["secret"]).list_keys()
    with refused("InvalidSignatureException"):
        front.client(access_key=good["access_key"], secret=other_end(good["secret"])).list_keys()
    with refused("UnrecognizedClientException", "InvalidClientTokenId"):
        front.client(access_key="AKIANOBODYKNOWSTHIS1", secret=good["secret"]).list_keys()


def send(front, headers, body=b"{}"):
    """ListKeys without a library: the status and the error's name."""
    host = front.url.split("//")[1]
    connection = http.client.HTTPConnection(host, timeout=60)
    connection.request("POST", "/", body, {"content-type": "application/x-amz-json-1.1", "x-amz-target": "TrentService.ListKeys", **headers})
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    return answer.status, json.loads(text or b"{}").get("__type", "")


def signed(front, credential, off=datetime.timedelta(), service="kms"):
    """The headers of a signed request, by a clock that is off."""
    headers = {"content-type": "application/x-amz-json-1.1", "x-amz-target": "TrentService.ListKeys"}
    request = AWSRequest("POST", front.url + "/", headers, b"{}")
    now = botocore.auth.get_current_datetime
    with mock.patch("botocore.auth.get_current_datetime", lambda: now() + off):
        SigV4Auth(Credentials(credential["access_key"], credential["secret"]), service, fronts.REGION).add_auth(request)
    return dict(request.headers)


def test_k42_what_is_not_signed_is_refused(front):
    good = front.credential(PEOPLE["root"])
    assert send(front, signed(front, good)) == (200, "")
    assert send(front, {})[1] == "MissingAuthenticationTokenException"
    assert send(front, {"authorization": "AWS4-HMAC-SHA256 Credential=x"})[1] == "IncompleteSignatureException"
    assert send(front, signed(front, good), body=b'{"Limit":1}')[1] == "InvalidSignatureException"
    assert send(front, signed(front, good, service="s3"))[1] in ("InvalidSignatureException", "SignatureDoesNotMatch")


@pytest.mark.parametrize("minutes", [-20, 20])
def test_k42_an_old_signature_is_refused(front, minutes):
    headers = signed(front, front.credential(PEOPLE["root"]), datetime.timedelta(minutes=minutes))
    assert send(front, headers)[1] == "InvalidSignatureException"


def test_k36_without_a_policy_only_the_account_s_own_people_with_leave_may(people, key):
    people["bob"].encrypt(KeyId=key, Plaintext=b"x")
    with refused("AccessDeniedException", says=f"User: {PEOPLE['ann']} is not authorized to perform: kms:Encrypt on"):
        people["ann"].encrypt(KeyId=key, Plaintext=b"x")


def test_k36_a_key_policy_lets_a_user_use_a_key(kms, people, key):
    put(kms, key, statement("Allow", PEOPLE["ann"], "kms:Encrypt", "kms:Decrypt"))
    blob = people["ann"].encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    assert people["ann"].decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"
    for request, parameters in [
        (people["ann"].generate_data_key, {"KeySpec": "AES_256"}),
        (people["ann"].disable_key, {}),
        (people["ann"].schedule_key_deletion, {}),
        (people["ann"].put_key_policy, {"Policy": policy(ROOT)}),
        (people["ann"].get_key_policy, {}),
        (people["ann"].describe_key, {}),
    ]:
        with refused("AccessDeniedException"):
            request(KeyId=key, **parameters)


def test_k36_a_denial_outweighs_every_allowance(kms, people, key):
    put(kms, key, statement("Allow", PEOPLE["bob"], "kms:*"), statement("Deny", PEOPLE["bob"], "kms:Decrypt"))
    blob = people["bob"].encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    with refused("AccessDeniedException", says="explicit deny"):
        people["bob"].decrypt(CiphertextBlob=blob)
    put(kms, key)
    assert people["bob"].decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"


def test_k36_a_policy_without_the_account_leaves_its_people_out(kms, people, key):
    kms.put_key_policy(KeyId=key, Policy=policy(statement("Allow", PEOPLE["ann"], "kms:*")), BypassPolicyLockoutSafetyCheck=True)
    people["ann"].encrypt(KeyId=key, Plaintext=b"x")
    for name in ("bob", "root"):
        with refused("AccessDeniedException"):
            people[name].encrypt(KeyId=key, Plaintext=b"x")


def test_k36_making_keys_needs_leave(people):
    with refused("AccessDeniedException"):
        people["ann"].create_key()
    with refused("AccessDeniedException"):
        people["ann"].list_keys()
    assert people["bob"].create_key()["KeyMetadata"]["AWSAccountId"] == fronts.ACCOUNT


def test_k33_the_context_decides(kms, people, key):
    put(
        kms,
        key,
        statement("Allow", PEOPLE["ann"], "kms:Encrypt", "kms:Decrypt", StringEquals={"kms:EncryptionContext:tenant": "blue"}),
    )
    blob = people["ann"].encrypt(KeyId=key, Plaintext=b"x", EncryptionContext={"tenant": "blue"})["CiphertextBlob"]
    assert people["ann"].decrypt(CiphertextBlob=blob, EncryptionContext={"tenant": "blue"})["Plaintext"] == b"x"
    for context in ({}, {"tenant": "red"}, {"other": "blue"}):
        with refused("AccessDeniedException"):
            people["ann"].encrypt(KeyId=key, Plaintext=b"x", EncryptionContext=context)


def test_k33_the_names_of_the_context_decide(kms, people, key):
    put(kms, key, statement("Allow", PEOPLE["ann"], "kms:Encrypt", **{"ForAllValues:StringEquals": {"kms:EncryptionContextKeys": ["a", "b"]}}))
    people["ann"].encrypt(KeyId=key, Plaintext=b"x", EncryptionContext={"a": "1", "b": "2"})
    with refused("AccessDeniedException"):
        people["ann"].encrypt(KeyId=key, Plaintext=b"x", EncryptionContext={"a": "1", "c": "2"})


def test_k37_a_key_for_one_service_only(kms, people, key):
    via = {"kms:ViaService": f"s3.{fronts.REGION}.amazonaws.com"}
    put(kms, key, statement("Deny", PEOPLE["bob"], "kms:Encrypt", "kms:Decrypt", StringNotEquals=via))
    people["bob by s3"].encrypt(KeyId=key, Plaintext=b"x")
    with refused("AccessDeniedException"):
        people["bob"].encrypt(KeyId=key, Plaintext=b"x")


def test_k38_another_account_needs_the_key_s_and_its_own_leave(kms, people, keys, key):
    arn = keys.arn(key)
    with refused("AccessDeniedException"):
        people["stranger"].encrypt(KeyId=arn, Plaintext=b"x")
    put(kms, key, statement("Allow", PEOPLE["other-root"], "kms:Encrypt", "kms:Decrypt", "kms:DescribeKey"))
    made = people["stranger"].encrypt(KeyId=arn, Plaintext=b"x")
    assert made["KeyId"] == arn
    assert people["stranger"].decrypt(CiphertextBlob=made["CiphertextBlob"], KeyId=arn)["Plaintext"] == b"x"
    with refused("AccessDeniedException"):
        people["stranger"].disable_key(KeyId=arn)
    with refused("NotFoundException"):
        people["stranger"].encrypt(KeyId=key, Plaintext=b"x")
    assert key not in [entry["KeyId"] for entry in everything(people["stranger"], "list_keys", "Keys")]


@pytest.fixture(scope="module")
def managed(people):
    """The key that AWS keeps for S3: it comes into being when the service first uses it."""
    with refused("NotFoundException"):
        people["bob"].encrypt(KeyId="alias/aws/s3", Plaintext=b"x")
    return people["bob by s3"].encrypt(KeyId="alias/aws/s3", Plaintext=b"x")


def test_k20_a_key_of_aws_comes_into_being_by_its_service(people, kms, managed):
    said = kms.describe_key(KeyId="alias/aws/s3")["KeyMetadata"]
    assert (said["KeyManager"], said["Arn"], said["Origin"]) == ("AWS", managed["KeyId"], "AWS_KMS")
    assert people["bob by s3"].decrypt(CiphertextBlob=managed["CiphertextBlob"])["Plaintext"] == b"x"
    with refused("AccessDeniedException"):
        people["bob"].decrypt(CiphertextBlob=managed["CiphertextBlob"])
    assert said["KeyId"] in [entry.get("TargetKeyId") for entry in everything(kms, "list_aliases", "Aliases")]


def test_k20_a_key_of_aws_can_not_be_managed(people, kms, managed):
    key = managed["KeyId"]
    for client in (kms, people["bob"], people["bob by s3"]):
        for request, parameters in [
            (client.schedule_key_deletion, {}),
            (client.disable_key, {}),
            (client.put_key_policy, {"Policy": policy(ROOT)}),
            (client.enable_key_rotation, {}),
            (client.disable_key_rotation, {}),
            (client.rotate_key_on_demand, {}),
            (client.update_key_description, {"Description": "mine"}),
            (client.tag_resource, {"Tags": [{"TagKey": "a", "TagValue": "b"}]}),
        ]:
            with refused("AccessDeniedException", "UnsupportedOperationException", "ValidationException"):
                request(KeyId=key, **parameters)
    assert kms.get_key_rotation_status(KeyId=key)["KeyRotationEnabled"] is True


def test_k20_a_description_is_enough_for_a_key_of_aws_to_come_into_being(kms):
    assert kms.describe_key(KeyId="alias/aws/secretsmanager")["KeyMetadata"]["KeyManager"] == "AWS"


def grant(kms, key, *operations, grantee="ann", **more):
    return kms.create_grant(KeyId=key, GranteePrincipal=PEOPLE[grantee], Operations=list(operations), **more)


def test_k39_a_grant_lets_somebody_use_a_key(kms, people, keys, key):
    with refused("AccessDeniedException"):
        people["ann"].encrypt(KeyId=key, Plaintext=b"x")
    made = grant(kms, key, "Encrypt", "Decrypt", Name="for-ann")
    blob = people["ann"].encrypt(KeyId=key, Plaintext=b"x", GrantTokens=[made["GrantToken"]])["CiphertextBlob"]
    assert people["ann"].decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"
    with refused("AccessDeniedException"):
        people["ann"].generate_data_key(KeyId=key, KeySpec="AES_256")
    [listed] = kms.list_grants(KeyId=key)["Grants"]
    assert sorted(listed["Operations"]) == ["Decrypt", "Encrypt"]
    said = {name: listed[name] for name in ("GrantId", "GranteePrincipal", "Name", "KeyId", "IssuingAccount")}
    assert said == {
        "GrantId": made["GrantId"],
        "GranteePrincipal": PEOPLE["ann"],
        "Name": "for-ann",
        "KeyId": keys.arn(key),
        "IssuingAccount": PEOPLE["root"],
    }
    kms.revoke_grant(KeyId=key, GrantId=made["GrantId"])
    assert kms.list_grants(KeyId=key)["Grants"] == []
    with refused("AccessDeniedException"):
        people["ann"].decrypt(CiphertextBlob=blob)


def test_k39_a_grant_of_a_name_is_made_once(kms, key):
    first = grant(kms, key, "Encrypt", Name="once")
    second = grant(kms, key, "Encrypt", Name="once")
    assert first["GrantId"] == second["GrantId"]
    assert len(kms.list_grants(KeyId=key)["Grants"]) == 1
    assert grant(kms, key, "Encrypt")["GrantId"] != grant(kms, key, "Encrypt")["GrantId"]


@pytest.mark.parametrize("kind, wrong", [("EncryptionContextEquals", {"a": "b", "c": "d"}), ("EncryptionContextSubset", {"c": "d"})])
def test_k39_a_grant_is_bound_to_a_context(kms, people, key, kind, wrong):
    grant(kms, key, "Encrypt", Constraints={kind: {"a": "b"}})
    people["ann"].encrypt(KeyId=key, Plaintext=b"x", EncryptionContext={"a": "b"})
    for context in ({}, {"a": "c"}, wrong):
        with refused("AccessDeniedException"):
            people["ann"].encrypt(KeyId=key, Plaintext=b"x", EncryptionContext=context)
    if kind == "EncryptionContextSubset":
        people["ann"].encrypt(KeyId=key, Plaintext=b"x", EncryptionContext={"a": "b", "more": "is fine"})


def test_k39_operations_that_a_key_can_not_do_are_not_granted(kms, keys, unchecked_root):
    for spec, operation in (("SYMMETRIC_DEFAULT", "Sign"), ("ECC_NIST_P256", "Encrypt"), ("HMAC_256", "Decrypt"), ("ECC_NIST_P256", "GenerateMac")):
        with invalid():
            grant(kms, keys.any(spec), operation)
    key = keys.fresh()
    for operations in (["Bake"], []):
        with invalid():
            unchecked_root.create_grant(KeyId=key, GranteePrincipal=PEOPLE["ann"], Operations=operations)


@pytest.fixture(scope="module")
def unchecked_root(front):
    return front.client_of(PEOPLE["root"], parameter_validation=False)


def test_k39_a_grant_is_retired_by_whom_it_names(kms, people, keys, key):
    made = grant(kms, key, "Encrypt", RetiringPrincipal=PEOPLE["bob"])
    [listed] = people["root"].list_retirable_grants(RetiringPrincipal=PEOPLE["bob"])["Grants"][-1:]
    assert (listed["GrantId"], listed["RetiringPrincipal"]) == (made["GrantId"], PEOPLE["bob"])
    with refused("AccessDeniedException"):
        people["ann"].retire_grant(KeyId=keys.arn(key), GrantId=made["GrantId"])
    people["bob"].retire_grant(KeyId=keys.arn(key), GrantId=made["GrantId"])
    assert kms.list_grants(KeyId=key)["Grants"] == []
    by_token = grant(kms, key, "Encrypt", "RetireGrant")
    people["ann"].retire_grant(GrantToken=by_token["GrantToken"])
    assert kms.list_grants(KeyId=key)["Grants"] == []


def test_k39_grants_that_are_not_there(kms, keys, key):
    missing = "0" * 64
    with refused("NotFoundException"):
        kms.revoke_grant(KeyId=key, GrantId=missing)
    with refused("NotFoundException"):
        kms.retire_grant(KeyId=keys.arn(key), GrantId=missing)
    with refused("InvalidGrantTokenException"):
        kms.retire_grant(GrantToken="bm8gdG9rZW4")
    with refused("InvalidGrantTokenException"):
        kms.encrypt(KeyId=key, Plaintext=b"x", GrantTokens=["bm8gdG9rZW4"])
    with invalid():
        kms.retire_grant()
    with refused("NotFoundException"):
        kms.list_grants(KeyId=str(uuid.uuid4()))
    for request, parameters in [
        (kms.list_grants, {"KeyId": key}),
        (kms.revoke_grant, {"KeyId": key}),
        (kms.retire_grant, {"KeyId": keys.arn(key)}),
    ]:
        with refused("InvalidGrantIdException"):
            request(GrantId="no-grant", **parameters)
    with refused("InvalidArnException"):
        kms.list_retirable_grants(RetiringPrincipal="arn:aws:iam::12:user/x")
    with refused("InvalidMarkerException"):
        kms.list_retirable_grants(RetiringPrincipal=PEOPLE["bob"], Marker="bm90IG91cnM")


def test_k39_a_grantee_may_pass_on_no_more_than_it_has(kms, people, key):
    grant(kms, key, "Encrypt", "CreateGrant", Constraints={"EncryptionContextSubset": {"a": "b"}})
    passed_on = {"KeyId": key, "GranteePrincipal": PEOPLE["stranger"]}
    with refused("AccessDeniedException"):
        people["ann"].create_grant(Operations=["Decrypt"], Constraints={"EncryptionContextSubset": {"a": "b"}}, **passed_on)
    with refused("AccessDeniedException"):
        people["ann"].create_grant(Operations=["Encrypt"], **passed_on)
    people["ann"].create_grant(Operations=["Encrypt"], Constraints={"EncryptionContextSubset": {"a": "b", "c": "d"}}, **passed_on)


def test_k39_k22_grants_are_listed_in_pages_and_by_grantee(kms, key):
    made = {grant(kms, key, "Encrypt", grantee=name)["GrantId"] for name in ("ann", "bob", "ann", "stranger", "ann")}
    listed = everything(kms, "list_grants", "Grants", KeyId=key, PaginationConfig={"PageSize": 2})
    assert {entry["GrantId"] for entry in listed} == made and len(listed) == 5
    assert len(kms.list_grants(KeyId=key, GranteePrincipal=PEOPLE["ann"])["Grants"]) == 3
    one = next(iter(made))
    assert [entry["GrantId"] for entry in kms.list_grants(KeyId=key, GrantId=one)["Grants"]] == [one]


def test_k39_dry_runs_grant_nothing(kms, keys, key):
    dry_run(kms.create_grant, KeyId=key, GranteePrincipal=PEOPLE["ann"], Operations=["Encrypt"])
    assert kms.list_grants(KeyId=key)["Grants"] == []
    made = grant(kms, key, "Encrypt", RetiringPrincipal=PEOPLE["root"])
    dry_run(kms.revoke_grant, KeyId=key, GrantId=made["GrantId"])
    dry_run(kms.retire_grant, KeyId=keys.arn(key), GrantId=made["GrantId"])
    assert len(kms.list_grants(KeyId=key)["Grants"]) == 1


def test_k18_a_dry_run_without_leave_is_refused(people, key):
    with refused("AccessDeniedException"):
        people["ann"].encrypt(KeyId=key, Plaintext=b"x", DryRun=True)
    dry_run(people["bob"].encrypt, KeyId=key, Plaintext=b"x")


def test_k35_the_lockout_check_asks_for_the_caller(people, kms, key):
    kms.put_key_policy(KeyId=key, Policy=policy(ROOT))
    with refused("MalformedPolicyDocumentException"):
        people["bob"].put_key_policy(KeyId=key, Policy=policy(statement("Allow", PEOPLE["ann"], "kms:*")))


def test_k93_every_request_is_in_the_trail(kms, keys, key, trail):
    answer = kms.encrypt(KeyId=key, Plaintext=b"what nobody may read", EncryptionContext={"tenant": "blue"})
    event = trail("Encrypt")
    assert event["requestID"] == answer["ResponseMetadata"]["RequestId"]
    assert event["eventSource"] == "kms.amazonaws.com"
    assert event["awsRegion"] == fronts.REGION
    assert event["readOnly"] is True
    assert event["userIdentity"]["arn"] == PEOPLE["root"]
    assert event["sourceIPAddress"] == "127.0.0.1"
    assert keys.arn(key) in [resource["ARN"] for resource in event["resources"]]
    assert "errorCode" not in event
    age = datetime.datetime.now(datetime.timezone.utc) - datetime.datetime.fromisoformat(event["eventTime"].replace("Z", "+00:00"))
    assert abs(age) < datetime.timedelta(minutes=5)


def test_k93_refusals_are_in_the_trail(people, key, trail):
    with refused("AccessDeniedException"):
        people["ann"].encrypt(KeyId=key, Plaintext=b"x")
    event = trail("Encrypt")
    assert event["userIdentity"]["arn"] == PEOPLE["ann"]
    assert event["errorCode"] in ("AccessDenied", "AccessDeniedException")
    assert PEOPLE["ann"] in event["errorMessage"]


def test_k34_the_context_is_in_the_trail(kms, key, trail):
    context = {"tenant": "blue", "object": "42"}
    made = kms.generate_data_key(KeyId=key, KeySpec="AES_256", EncryptionContext=context)
    event = trail("GenerateDataKey")
    assert event["requestParameters"]["encryptionContext"] == context
    assert event["requestParameters"]["keySpec"] == "AES_256"
    kms.decrypt(CiphertextBlob=made["CiphertextBlob"], EncryptionContext=context)
    assert trail("Decrypt")["requestParameters"]["encryptionContext"] == context


def test_k93_no_secret_is_in_the_trail(front, kms, key):
    import base64

    plaintext = b"so secret that it is in no log"
    made = kms.encrypt(KeyId=key, Plaintext=plaintext)
    data = kms.generate_data_key(KeyId=key, KeySpec="AES_256")["Plaintext"]
    kms.decrypt(CiphertextBlob=made["CiphertextBlob"])
    written = "".join(json.dumps(event) for event in front.audit_events()) + front.log.read_text()
    for secret in (plaintext, data):
        assert secret.hex() not in written and base64.b64encode(secret).decode() not in written
    assert plaintext.decode() not in written


def test_k93_the_trail_is_whole(front):
    assert fronts.cloister("audit", "verify", front.settings["audit"]["folder"])


def test_k93_a_trail_that_was_changed_shows_it(front, kms, folder):
    for _ in range(3):
        kms.list_keys(Limit=1)
    copy = folder / "changed-trail"
    shutil.copytree(front.settings["audit"]["folder"], copy)
    fronts.cloister("audit", "verify", copy)
    [file] = [file for file in sorted(copy.iterdir()) if b"eventName" in file.read_bytes()][:1]
    lines = file.read_text().splitlines(keepends=True)
    for changed in (
        [lines[0].replace("us-east-1", "eu-west-1", 1), *lines[1:]],
        lines[:1] + lines[2:],
        [lines[1], lines[0], *lines[2:]],
        lines[:2] + lines[1:],
    ):
        file.write_text("".join(changed))
        with pytest.raises(AssertionError):
            fronts.cloister("audit", "verify", copy)


def test_k101_what_one_identity_puts_another_front_enforces(front, hsm, kms, key):
    settings = {name: front.settings[name] for name in ("access", "identities")}
    with fronts.Front(hsm, **settings) as second:
        credential = front.credential(PEOPLE["bob"])
        there = second.client(access_key=credential["access_key"], secret=credential["secret"])
        there.encrypt(KeyId=key, Plaintext=b"x")
        put(kms, key, statement("Deny", PEOPLE["bob"], "kms:Encrypt"))
        with refused("AccessDeniedException"):
            there.encrypt(KeyId=key, Plaintext=b"x")


def test_k97_sessions_of_boto3_find_the_front_by_their_settings(front, key, monkeypatch):
    credential = front.credential(PEOPLE["bob"])
    for name, value in {
        "AWS_ACCESS_KEY_ID": credential["access_key"],
        "AWS_SECRET_ACCESS_KEY": credential["secret"],
        "AWS_ENDPOINT_URL_KMS": front.url,
        "AWS_DEFAULT_REGION": fronts.REGION,
    }.items():
        monkeypatch.setenv(name, value)
    kms = boto3.session.Session().client("kms")
    assert kms.decrypt(CiphertextBlob=kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"])["Plaintext"] == b"x"
