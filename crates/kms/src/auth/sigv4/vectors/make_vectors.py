"""Writes botocore.json: requests signed by botocore, the client whose signatures must verify.

    pip install botocore && python make_vectors.py > botocore.json

The keys are the examples of AWS's public documentation. Nothing here opens a connection.
"""

import datetime
import hashlib
import json
from urllib.parse import urlsplit
from unittest import mock

import botocore
from botocore.auth import SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

ACCESS_KEY = "AKIDEXAMPLE"
SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
TOKEN = "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGd=="
NOW = datetime.datetime(2024, 2, 29, 23, 59, 58, tzinfo=datetime.timezone.utc)

KMS = "https://kms.eu-west-1.amazonaws.com"
XKS = "https://xks.example.com"
JSON11 = [("Content-Type", "application/x-amz-json-1.1"), ("X-Amz-Target", "TrentService.ListKeys")]


def vector(name, url, headers, body="", method="POST", service="kms", region="eu-west-1", token=None, expires=None):
    """One request, signed in the header, or in the query where it `expires`."""
    request = AWSRequest(method=method, url=url, data=body.encode() or None)
    for key, value in headers:
        request.headers.add_header(key, value)
    credentials = Credentials(ACCESS_KEY, SECRET, token)
    if expires is None:
        signer = SigV4Auth(credentials, service, region)
    else:
        signer = SigV4QueryAuth(credentials, service, region, expires=expires)
    with mock.patch("botocore.auth.get_current_datetime", lambda: NOW):
        signer.add_auth(request)
    split = urlsplit(request.url)
    sent = [[key, value] for key, value in request.headers.items()]
    if not any(key.lower() == "host" for key, _ in sent):
        sent.insert(0, ["Host", split.netloc])
    target = (split.path or "/") + ("?" + split.query if split.query else "")
    return {
        "name": name,
        "service": service,
        "region": region,
        "session_token": token,
        "method": method,
        "target": target,
        "headers": sent,
        "body": body,
    }


def digest(text):
    return hashlib.sha256(text.encode()).hexdigest()


BODY = '{"Limit":100}'
ENCRYPT = "/prefix/kms/xks/v1/keys/aes-key_1.v2/encrypt"
VECTORS = [
    vector("header", KMS, JSON11, BODY),
    vector("header, empty body", KMS, JSON11),
    vector("header, session token", KMS, JSON11, BODY, token=TOKEN),
    vector("header, body hash sent", KMS, JSON11 + [("X-Amz-Content-SHA256", digest(BODY))], BODY),
    vector("header, port in host", "http://127.0.0.1:8080/", JSON11, BODY, region="us-east-1"),
    vector("header, spaces in values", KMS, JSON11 + [("X-Amz-Meta-Note", "  two  spaces   and more ")], BODY),
    vector("header, repeated name", KMS, JSON11 + [("X-Amz-Meta-List", "b"), ("X-Amz-Meta-List", "a")], BODY),
    vector("header, trace id unsigned", KMS, JSON11 + [("X-Amzn-Trace-Id", "Root=1-5")], BODY),
    vector(
        "header, odd query",
        KMS + "/?b=2&a=2&a=10&empty=&flag&A=upper&space=a%20b&plus=%2B&slash=%2F&tilde=~&accent=%C3%A9&%C3%A9=key",
        JSON11,
        BODY,
    ),
    vector("presigned GET", KMS + "/?Action=ListKeys&Version=2014-11-01", [], method="GET", expires=3600),
    vector("presigned POST, signed headers", KMS + "/", JSON11, expires=604800),
    vector("presigned, session token", KMS + "/?Action=ListKeys", [], method="GET", expires=1, token=TOKEN),
    vector("xks encrypt", XKS + ENCRYPT, [("Content-Type", "application/json")], BODY, service="kms-xks-proxy"),
    vector("xks, encoded path", XKS + "/a%20b/~c/kms/xks/v1/health", [], BODY, service="kms-xks-proxy"),
]

if __name__ == "__main__":
    source = {
        "source": f"botocore {botocore.__version__}, SigV4Auth and SigV4QueryAuth, by make_vectors.py",
        "time": NOW.strftime("%Y%m%dT%H%M%SZ"),
        "access_key": ACCESS_KEY,
        "secret": SECRET,
        "vectors": VECTORS,
    }
    print(json.dumps(source, indent=1))
