//! ONE table of the operations: name, what it runs, what kind of work it is.

use serde_json::Value;

use super::error::{Code, Result};
use crate::crypto::encrypt;
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
    Decrypt: encrypt::decrypt, reads;
    DescribeKey: describe::describe_key, reads;
    Encrypt: encrypt::encrypt, reads;
    ListKeys: describe::list_keys, reads;
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
