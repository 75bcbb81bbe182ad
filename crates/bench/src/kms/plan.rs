//! The rows: which operation, and what of it. A new row is one more line here.

use serde_json::{Value, json};

/// A row: an operation with its requests. `S`: what they are about.
pub struct Row<S> {
    /// What is measured, for people.
    pub title: &'static str,
    /// The operation, as the API calls it.
    pub operation: &'static str,
    /// Numbers of connections that send at once; each is a line of the table.
    pub connections: &'static [usize],
    /// Requests that a connection sends at most in a measurement.
    pub each: usize,
    /// Its requests, sent in turn.
    pub bodies: fn(&S) -> Vec<Value>,
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

/// What an external key has encrypted: the proxy's answer.
pub struct External {
    /// The proxy's answer to [`external_encrypt`].
    pub encrypted: Value,
}

/// All keys of a front.
pub struct Crowd {
    /// One of them.
    pub first: String,
    /// All ids, in the order of lists.
    pub keys: Vec<String>,
    /// The ListKeys request for the last whole page of a hundred.
    pub last_page: Value,
}

/// The external key's id, and its label in the token.
pub const EXTERNAL_KEY: &str = "load";

/// 32 bytes, base64.
pub const PLAINTEXT: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

/// How many requests of a row are signed, where they ask the same.
const DIFFERENT: usize = 64;

/// How many keys at most are used in turn.
const DRAWN: usize = 4_000;

const CONNECTIONS: &[usize] = &[1, 8, 32];
const ANY: usize = usize::MAX;

/// The front's rows.
pub const FRONT: &[Row<Keys>] = &[
    Row {
        title: "Encrypt, 32 bytes",
        operation: "Encrypt",
        connections: CONNECTIONS,
        each: ANY,
        bodies: |keys| same(json!({ "KeyId": keys.symmetric, "Plaintext": PLAINTEXT })),
    },
    Row {
        title: "Decrypt, 32 bytes",
        operation: "Decrypt",
        connections: CONNECTIONS,
        each: ANY,
        bodies: |keys| same(json!({ "CiphertextBlob": keys.ciphertext })),
    },
    Row {
        title: "GenerateDataKey, AES_256",
        operation: "GenerateDataKey",
        connections: CONNECTIONS,
        each: ANY,
        bodies: |keys| same(json!({ "KeyId": keys.symmetric, "KeySpec": "AES_256" })),
    },
    Row {
        title: "Sign, ECDSA_SHA_256, a digest",
        operation: "Sign",
        connections: CONNECTIONS,
        each: ANY,
        bodies: |keys| {
            same(
                json!({ "KeyId": keys.signing, "Message": PLAINTEXT, "MessageType": "DIGEST", "SigningAlgorithm": "ECDSA_SHA_256" }),
            )
        },
    },
];

/// The proxy's rows.
pub const PROXY: &[Row<External>] = &[
    Row {
        title: "Encrypt, 64 bytes",
        operation: "encrypt",
        connections: CONNECTIONS,
        each: ANY,
        bodies: |_| same(external_encrypt()),
    },
    Row {
        title: "Decrypt, 64 bytes",
        operation: "decrypt",
        connections: CONNECTIONS,
        each: ANY,
        bodies: |external| same(external_decrypt(&external.encrypted)),
    },
];

/// The rows of few keys and many. CreateKey comes last and is sent a few times only: it makes more of few.
pub const CROWD: &[Row<Crowd>] = &[
    Row {
        title: "Encrypt with the first key",
        operation: "Encrypt",
        connections: &[1, 8],
        each: ANY,
        bodies: |crowd| same(json!({ "KeyId": crowd.first, "Plaintext": PLAINTEXT })),
    },
    Row {
        title: "Encrypt, each time with another key",
        operation: "Encrypt",
        connections: &[1, 8],
        each: ANY,
        bodies: |crowd| of_all(crowd, |key| json!({ "KeyId": key, "Plaintext": PLAINTEXT })),
    },
    Row {
        title: "GenerateDataKey with the first key",
        operation: "GenerateDataKey",
        connections: &[8],
        each: ANY,
        bodies: |crowd| same(json!({ "KeyId": crowd.first, "KeySpec": "AES_256" })),
    },
    Row {
        title: "GenerateDataKey, each time with another key",
        operation: "GenerateDataKey",
        connections: &[8],
        each: ANY,
        bodies: |crowd| of_all(crowd, |key| json!({ "KeyId": key, "KeySpec": "AES_256" })),
    },
    Row {
        title: "ListKeys, the last page of up to 100",
        operation: "ListKeys",
        connections: &[1],
        each: ANY,
        bodies: |crowd| same(crowd.last_page.clone()),
    },
    Row {
        title: "CreateKey",
        operation: "CreateKey",
        connections: &[1],
        each: 20,
        bodies: |_| same(json!({})),
    },
];

fn same(body: Value) -> Vec<Value> {
    vec![body; DIFFERENT]
}

/// Of all keys, or of so many spread over all. Their ids, by which they are sorted, are random.
fn of_all(crowd: &Crowd, body: fn(&str) -> Value) -> Vec<Value> {
    let step = crowd.keys.len().div_ceil(DRAWN).max(1);
    crowd.keys.iter().step_by(step).map(|key| body(key)).collect()
}

/// What KMS asks when it makes a data key of 32 bytes for somebody: its ciphertext, framed, is encrypted once more. An integrity value is
/// asked for each time.
pub fn external_encrypt() -> Value {
    let mut request = external_request();
    request["plaintext"] =
        json!("QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQQ==");
    request["ciphertextDataIntegrityValueAlgorithm"] = json!("SHA_256");
    request
}

fn external_decrypt(encrypted: &Value) -> Value {
    let mut request = external_request();
    for field in ["ciphertext", "ciphertextMetadata", "initializationVector", "authenticationTag"] {
        request[field] = encrypted[field].clone();
    }
    request
}

fn external_request() -> Value {
    json!({
        "requestMetadata": {
            "awsPrincipalArn": "arn:aws:iam::123456789012:user/load",
            "kmsKeyArn": "arn:aws:kms:us-east-1:123456789012:key/load",
            "kmsOperation": "GenerateDataKey",
            "kmsRequestId": "load",
        },
        "additionalAuthenticatedData": "cHJvamVjdD1uaWxlLGRlcGFydG1lbnQ9bWFya2V0aW5n",
        "encryptionAlgorithm": "AES_GCM",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_time_another_key_means_no_key_twice_and_keys_from_one_end_to_the_other() {
        for keys in [1, 10, DRAWN, DRAWN + 1, 20_000] {
            let ids: Vec<String> = (0..keys).map(|id| format!("{id:06}")).collect();
            let crowd = Crowd { first: ids[0].clone(), keys: ids, last_page: Value::Null };
            let asked: Vec<Value> = of_all(&crowd, |key| json!(key));
            assert!(asked.len() <= DRAWN && asked.len() * 2 > keys.min(DRAWN), "{keys}");
            assert!(asked.is_sorted_by(|one, next| one.as_str() < next.as_str()));
            let last: usize = asked[asked.len() - 1].as_str().unwrap().parse().unwrap();
            assert!(keys - last <= keys.div_ceil(DRAWN), "{keys}");
        }
    }

    #[test]
    fn what_was_encrypted_is_asked_to_be_decrypted_with_all_that_the_proxy_answered() {
        let fields = ["ciphertext", "ciphertextMetadata", "initializationVector", "authenticationTag"];
        let encrypted: Value = fields.iter().map(|field| ((*field).to_owned(), json!(*field))).collect();
        let request = external_decrypt(&encrypted);
        assert!(fields.iter().all(|field| request[field] == *field));
        assert!(request.get("plaintext").is_none());
    }
}
