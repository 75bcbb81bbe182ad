// The main ways through the KMS front with the AWS SDK for JavaScript; endpoint, Region and credentials come from the environment.

import assert from "node:assert/strict";
import { createVerify, createPublicKey, publicEncrypt, constants, createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { describe, test } from "node:test";
import {
  CancelKeyDeletionCommand,
  CreateAliasCommand,
  CreateKeyCommand,
  DecryptCommand,
  DescribeKeyCommand,
  DisableKeyCommand,
  DisabledException,
  EncryptCommand,
  GenerateDataKeyCommand,
  GenerateMacCommand,
  GenerateRandomCommand,
  GetPublicKeyCommand,
  IncorrectKeyException,
  InvalidCiphertextException,
  KMSClient,
  KMSInvalidSignatureException,
  ListResourceTagsCommand,
  NotFoundException,
  ReEncryptCommand,
  RotateKeyOnDemandCommand,
  ScheduleKeyDeletionCommand,
  SignCommand,
  TagResourceCommand,
  VerifyCommand,
  VerifyMacCommand,
  paginateListKeys,
} from "@aws-sdk/client-kms";

const kms = new KMSClient({ maxAttempts: 1 });
const text = (string) => new TextEncoder().encode(string);
const same = (one, other) => assert.deepEqual(Buffer.from(one), Buffer.from(other));

async function fresh(more = {}) {
  return (await kms.send(new CreateKeyCommand(more))).KeyMetadata;
}

describe("the SDK for JavaScript", () => {
  test("a key is made, described and listed", async () => {
    const key = await fresh({ Description: "made by JavaScript" });
    const { KeyMetadata } = await kms.send(new DescribeKeyCommand({ KeyId: key.KeyId }));
    assert.equal(KeyMetadata.Description, "made by JavaScript");
    assert.ok(KeyMetadata.CreationDate instanceof Date);
    const ids = [];
    for await (const page of paginateListKeys({ client: kms, pageSize: 2 }, {})) {
      ids.push(...page.Keys.map((entry) => entry.KeyId));
    }
    assert.ok(ids.includes(key.KeyId));
  });

  test("what is encrypted by an alias decrypts in its context only", async () => {
    const key = await fresh();
    const alias = `alias/js-${key.KeyId}`;
    await kms.send(new CreateAliasCommand({ AliasName: alias, TargetKeyId: key.KeyId }));
    const EncryptionContext = { purpose: "test" };
    const { CiphertextBlob } = await kms.send(new EncryptCommand({ KeyId: alias, Plaintext: text("a secret"), EncryptionContext }));
    const opened = await kms.send(new DecryptCommand({ CiphertextBlob, EncryptionContext }));
    same(opened.Plaintext, text("a secret"));
    assert.equal(opened.KeyId, key.Arn);
    await assert.rejects(kms.send(new DecryptCommand({ CiphertextBlob })), InvalidCiphertextException);
  });

  test("envelope encryption with a data key", async () => {
    const key = await fresh();
    const data = await kms.send(new GenerateDataKeyCommand({ KeyId: key.KeyId, KeySpec: "AES_256" }));
    const iv = randomBytes(12);
    const cipher = createCipheriv("aes-256-gcm", data.Plaintext, iv);
    const sealed = Buffer.concat([cipher.update("a large file"), cipher.final()]);
    const { Plaintext } = await kms.send(new DecryptCommand({ CiphertextBlob: data.CiphertextBlob }));
    const decipher = createDecipheriv("aes-256-gcm", Plaintext, iv);
    decipher.setAuthTag(cipher.getAuthTag());
    assert.equal(Buffer.concat([decipher.update(sealed), decipher.final()]).toString(), "a large file");
  });

  test("re-encryption, and the wrong key", async () => {
    const [one, other] = [await fresh(), await fresh()];
    const { CiphertextBlob } = await kms.send(new EncryptCommand({ KeyId: one.KeyId, Plaintext: text("x") }));
    const moved = await kms.send(new ReEncryptCommand({ CiphertextBlob, DestinationKeyId: other.KeyId }));
    assert.equal(moved.SourceKeyId, one.Arn);
    same((await kms.send(new DecryptCommand({ CiphertextBlob: moved.CiphertextBlob, KeyId: other.KeyId }))).Plaintext, text("x"));
    await assert.rejects(kms.send(new DecryptCommand({ CiphertextBlob, KeyId: other.KeyId })), IncorrectKeyException);
  });

  test("rotation keeps old ciphertexts readable", async () => {
    const key = await fresh();
    const { CiphertextBlob } = await kms.send(new EncryptCommand({ KeyId: key.KeyId, Plaintext: text("old") }));
    await kms.send(new RotateKeyOnDemandCommand({ KeyId: key.KeyId }));
    same((await kms.send(new DecryptCommand({ CiphertextBlob }))).Plaintext, text("old"));
  });

  test("signatures that node's own crypto accepts", async () => {
    const key = await fresh({ KeySpec: "ECC_NIST_P256", KeyUsage: "SIGN_VERIFY" });
    const named = { KeyId: key.KeyId, Message: text("signed"), SigningAlgorithm: "ECDSA_SHA_256" };
    const { Signature } = await kms.send(new SignCommand(named));
    const { PublicKey } = await kms.send(new GetPublicKeyCommand({ KeyId: key.KeyId }));
    const publicKey = createPublicKey({ key: Buffer.from(PublicKey), format: "der", type: "spki" });
    assert.ok(createVerify("sha256").update("signed").verify(publicKey, Signature));
    assert.equal((await kms.send(new VerifyCommand({ ...named, Signature }))).SignatureValid, true);
    await assert.rejects(kms.send(new VerifyCommand({ ...named, Message: text("other"), Signature })), KMSInvalidSignatureException);
  });

  test("what node's own crypto encrypts for an RSA key decrypts", async () => {
    const key = await fresh({ KeySpec: "RSA_2048", KeyUsage: "ENCRYPT_DECRYPT" });
    const { PublicKey } = await kms.send(new GetPublicKeyCommand({ KeyId: key.KeyId }));
    const publicKey = createPublicKey({ key: Buffer.from(PublicKey), format: "der", type: "spki" });
    const padding = { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: "sha256" };
    const CiphertextBlob = publicEncrypt({ key: publicKey, ...padding }, text("outside"));
    const opened = await kms.send(new DecryptCommand({ KeyId: key.KeyId, CiphertextBlob, EncryptionAlgorithm: "RSAES_OAEP_SHA_256" }));
    same(opened.Plaintext, text("outside"));
  });

  test("MACs and random bytes", async () => {
    const key = await fresh({ KeySpec: "HMAC_512", KeyUsage: "GENERATE_VERIFY_MAC" });
    const named = { KeyId: key.KeyId, Message: text("m"), MacAlgorithm: "HMAC_SHA_512" };
    const { Mac } = await kms.send(new GenerateMacCommand(named));
    assert.equal((await kms.send(new VerifyMacCommand({ ...named, Mac }))).MacValid, true);
    assert.equal((await kms.send(new GenerateRandomCommand({ NumberOfBytes: 100 }))).Plaintext.length, 100);
  });

  test("tags", async () => {
    const key = await fresh();
    await kms.send(new TagResourceCommand({ KeyId: key.KeyId, Tags: [{ TagKey: "a", TagValue: "b" }] }));
    assert.deepEqual((await kms.send(new ListResourceTagsCommand({ KeyId: key.KeyId }))).Tags, [{ TagKey: "a", TagValue: "b" }]);
  });

  test("states and their errors, as classes of the SDK", async () => {
    const key = await fresh();
    await kms.send(new DisableKeyCommand({ KeyId: key.KeyId }));
    await assert.rejects(kms.send(new EncryptCommand({ KeyId: key.KeyId, Plaintext: text("x") })), DisabledException);
    const { DeletionDate } = await kms.send(new ScheduleKeyDeletionCommand({ KeyId: key.KeyId, PendingWindowInDays: 7 }));
    assert.ok(DeletionDate > new Date());
    await kms.send(new CancelKeyDeletionCommand({ KeyId: key.KeyId }));
    await assert.rejects(kms.send(new DescribeKeyCommand({ KeyId: "alias/nobody" })), (error) => {
      assert.ok(error instanceof NotFoundException);
      assert.equal(error.$metadata.httpStatusCode, 400);
      assert.match(error.$metadata.requestId, /^[0-9a-f-]{36}$/);
      return true;
    });
  });

  test("another Region", async () => {
    const elsewhere = new KMSClient({ region: "eu-west-1", maxAttempts: 1 });
    const key = await fresh();
    await assert.rejects(elsewhere.send(new DescribeKeyCommand({ KeyId: key.KeyId })), NotFoundException);
    const several = await fresh({ MultiRegion: true });
    assert.ok(several.KeyId.startsWith("mrk-"));
  });
});
