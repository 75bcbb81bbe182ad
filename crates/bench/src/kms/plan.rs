//! The rows: which operation, and what of it. A new row is one more line here.

use serde_json::{Value, json};

/// The title that `--only` is compared with.
pub const TITLE: &str = "the KMS front";

/// A row: an operation with its request.
pub struct Row {
    /// What is measured, for people.
    pub title: &'static str,
    /// The operation.
    pub operation: &'static str,
    /// Its request.
    pub request: fn(&Keys) -> Value,
}

/// The keys of a server, and a ciphertext under the first.
pub struct Keys {
    /// A symmetric key.
    pub symmetric: String,
    /// A P-256 key for signatures.
    pub signing: String,
    /// 32 bytes encrypted under the symmetric key, base64.
    pub ciphertext: String,
}

/// Connections that send at once.
pub const CONNECTIONS: &[usize] = &[1, 8, 32];

/// 32 bytes, base64.
pub const PLAINTEXT: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

/// All rows.
pub const ROWS: &[Row] = &[
    Row {
        title: "Encrypt, 32 bytes",
        operation: "Encrypt",
        request: |keys| json!({ "KeyId": keys.symmetric, "Plaintext": PLAINTEXT }),
    },
    Row {
        title: "Decrypt, 32 bytes",
        operation: "Decrypt",
        request: |keys| json!({ "CiphertextBlob": keys.ciphertext }),
    },
    Row {
        title: "GenerateDataKey, AES_256",
        operation: "GenerateDataKey",
        request: |keys| json!({ "KeyId": keys.symmetric, "KeySpec": "AES_256" }),
    },
    Row {
        title: "Sign, ECDSA_SHA_256, a digest",
        operation: "Sign",
        request: |keys| json!({ "KeyId": keys.signing, "Message": PLAINTEXT, "MessageType": "DIGEST", "SigningAlgorithm": "ECDSA_SHA_256" }),
    },
];
