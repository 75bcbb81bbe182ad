"""Keys behind the AWS KMS API: what a program does with boto3, on a front of `cloister kms --demo`.

    python kms.py http://127.0.0.1:8700
"""

import sys

import boto3
from botocore.exceptions import ClientError

kms = boto3.client(
    "kms",
    endpoint_url=sys.argv[1],
    region_name="us-east-1",
    aws_access_key_id="demo",
    aws_secret_access_key="demo",
)

key = kms.create_key(Description="An example")["KeyMetadata"]["KeyId"]
kms.create_alias(AliasName="alias/example", TargetKeyId=key)

# A data key encrypts the data here; its ciphertext is kept beside them.
context = {"tenant": "alice"}
data_key = kms.generate_data_key(KeyId="alias/example", KeySpec="AES_256", EncryptionContext=context)
opened = kms.decrypt(CiphertextBlob=data_key["CiphertextBlob"], EncryptionContext=context)
print("the data key opens again:", opened["Plaintext"] == data_key["Plaintext"])

try:
    kms.decrypt(CiphertextBlob=data_key["CiphertextBlob"], EncryptionContext={"tenant": "mallory"})
except ClientError as error:
    print("with another context:", error.response["Error"]["Code"])

kms.rotate_key_on_demand(KeyId=key)
opened = kms.decrypt(CiphertextBlob=data_key["CiphertextBlob"], EncryptionContext=context)
print("after a rotation it still opens:", opened["Plaintext"] == data_key["Plaintext"])

kms.delete_alias(AliasName="alias/example")
deletion = kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
print("the key is", deletion["KeyState"])
