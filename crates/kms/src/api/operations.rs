//! ONE table of the operations: name, what it runs, what kind of work it is.

use serde_json::Value;

use super::error::{Code, Result};
use crate::crypto::{
    agree, data_key, data_key_pair, encapsulate, encrypt, last_use, mac, public_key, random, reencrypt, sign,
};
use crate::keys::{create, describe};
use crate::service::Call;

/// An operation of the API.
pub struct Operation {
    /// The name in `X-Amz-Target`.
    pub name: &'static str,
    /// Whether it changes nothing (the audit trail's `readOnly`).
    pub read_only: bool,
    /// What it does, from the validated request to the answer.
    pub run: fn(&Call, &Value) -> Result<Value>,
}

/// `Name: function, what it does to the world;` per row.
macro_rules! operations {
    ($($name:ident: $function:path, $kind:ident;)*) => {
        /// All operations, in the order of their names.
        pub static OPERATIONS: &[Operation] = &[$(
            Operation {
                name: stringify!($name),
                read_only: operations!(@read_only $kind),
                run: |call, request| answer($function(call, read(request)?)?),
            },
        )*];
    };
    (@read_only reads) => { true };
    (@read_only changes) => { false };
}

operations! {
    CreateKey: create::create_key, changes;
    Decapsulate: encapsulate::decapsulate, reads;
    Decrypt: encrypt::decrypt, reads;
    DeriveSharedSecret: agree::derive_shared_secret, reads;
    DescribeKey: describe::describe_key, reads;
    Encapsulate: encapsulate::encapsulate, reads;
    Encrypt: encrypt::encrypt, reads;
    GenerateDataKey: data_key::generate_data_key, reads;
    GenerateDataKeyPair: data_key_pair::generate_data_key_pair, reads;
    GenerateDataKeyPairWithoutPlaintext: data_key_pair::generate_data_key_pair_without_plaintext, reads;
    GenerateDataKeyWithoutPlaintext: data_key::generate_data_key_without_plaintext, reads;
    GenerateMac: mac::generate_mac, reads;
    GenerateRandom: random::generate_random, reads;
    GetKeyLastUsage: last_use::get_key_last_usage, reads;
    GetPublicKey: public_key::get_public_key, reads;
    ListKeys: describe::list_keys, reads;
    ReEncrypt: reencrypt::re_encrypt, reads;
    Sign: sign::sign, reads;
    Verify: sign::verify, reads;
    VerifyMac: mac::verify_mac, reads;
}

impl Operation {
    /// The row of that name.
    pub fn named(name: &str) -> Option<&'static Self> {
        OPERATIONS.iter().find(|operation| operation.name == name)
    }
}

/// A request as its operation takes it. The model has been asked before: what fails here is a member the model has no rule for.
fn read<'a, T: serde::Deserialize<'a>>(request: &'a Value) -> Result<T> {
    T::deserialize(request).map_err(|_| Code::SerializationException.because("The request can't be read."))
}

fn answer<T: serde::Serialize>(answer: T) -> Result<Value> {
    serde_json::to_value(answer)
        .map_err(|e| Code::KMSInternalException.because(format!("The answer can't be written: {e}")))
}
