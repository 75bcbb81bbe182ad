//! How far an operation reaches: two tables, after the sentences on cross-account use and on `KeyId` in the API model.

use std::fmt;

use crate::api::error::{Code, Fault};
use crate::auth::caller::Caller;

/// What uses a key: these take aliases, and keys of other accounts.
const USING: &[&str] = &[
    "Decapsulate",
    "Decrypt",
    "DeriveSharedSecret",
    "DescribeKey",
    "Encapsulate",
    "Encrypt",
    "GenerateDataKey",
    "GenerateDataKeyPair",
    "GenerateDataKeyPairWithoutPlaintext",
    "GenerateDataKeyWithoutPlaintext",
    "GenerateMac",
    "GetPublicKey",
    "ReEncrypt",
    "Sign",
    "Verify",
    "VerifyMac",
];

/// What takes keys of other accounts besides, but no aliases.
const FOREIGN: &[&str] = &["CreateGrant", "GetKeyRotationStatus", "ListGrants", "RetireGrant", "RevokeGrant"];

/// What takes aliases besides, but no keys of other accounts.
const ALIASED: &[&str] = &["GetKeyLastUsage"];

/// Whether the operation may be about a key of another account.
pub(super) fn crosses_accounts(operation: &str) -> bool {
    USING.contains(&operation) || FOREIGN.contains(&operation)
}

/// Whether the operation takes aliases for keys.
pub(super) fn takes_aliases(operation: &str) -> bool {
    USING.contains(&operation) || ALIASED.contains(&operation)
}

/// What a caller reads of another account's key that it may not use: the same whether the key exists or not.
pub(super) fn out_of_reach(caller: &Caller, action: impl fmt::Display) -> Fault {
    Code::AccessDeniedException.because(format!(
        "User: {} is not authorized to perform: kms:{action} on this resource because the resource does not exist in this Region, \
         no resource-based policies allow access, or a resource-based policy explicitly denies access",
        caller.arn
    ))
}
