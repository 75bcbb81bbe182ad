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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::model::model;

    #[test]
    fn k38_k103_the_tables_name_operations_of_the_api_once() {
        let mut all: Vec<&str> = [USING, FOREIGN, ALIASED].concat();
        for name in &all {
            assert!(model().operation(name).is_some(), "{name}");
        }
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
    }

    #[test]
    fn k38_k103_keys_are_used_across_accounts_and_by_alias_and_managed_at_home_by_id() {
        assert!(crosses_accounts("Decrypt") && takes_aliases("Decrypt"));
        assert!(crosses_accounts("CreateGrant") && !takes_aliases("CreateGrant"));
        for managing in ["PutKeyPolicy", "ScheduleKeyDeletion", "TagResource", "CreateAlias", "DisableKey"] {
            assert!(!crosses_accounts(managing) && !takes_aliases(managing), "{managing}");
        }
    }
}
