//! Which operations a grant may allow, by the kind and use of its key (KMS guide, "Grant operations").

use std::collections::BTreeSet;

use crate::api::error::{Code, Result};
use crate::keys::record::KeyRecord;
use crate::keys::spec::{Spec, Usage};

/// What fits every key.
const ANY: &[&str] = &["CreateGrant", "DescribeKey", "RetireGrant"];

/// What fits keys with a public half.
const PUBLIC: &[&str] = &["GetPublicKey"];

/// What fits symmetric encryption keys besides [`Usage::EncryptDecrypt`]'s own.
const SYMMETRIC: &[&str] = &[
    "GenerateDataKey",
    "GenerateDataKeyPair",
    "GenerateDataKeyPairWithoutPlaintext",
    "GenerateDataKeyWithoutPlaintext",
];

const fn by_usage(usage: Usage) -> &'static [&'static str] {
    match usage {
        Usage::EncryptDecrypt => &["Decrypt", "Encrypt", "ReEncryptFrom", "ReEncryptTo"],
        Usage::SignVerify => &["Sign", "Verify"],
        Usage::GenerateVerifyMac => &["GenerateMac", "VerifyMac"],
        Usage::KeyAgreement => &["DeriveSharedSecret"],
        Usage::EncapsulateDecapsulate => &["Decapsulate", "Encapsulate"],
    }
}

/// Whether a grant of such a key may allow `operation`.
fn fits(operation: &str, spec: &Spec, usage: Usage) -> bool {
    ANY.contains(&operation)
        || by_usage(usage).contains(&operation)
        || (spec.is_symmetric() && SYMMETRIC.contains(&operation))
        || (spec.is_asymmetric() && PUBLIC.contains(&operation))
}

/// Refuses operations that don't fit `key`.
pub(super) fn check(operations: &BTreeSet<String>, key: &KeyRecord) -> Result<()> {
    let invalid = |text: String| Err(Code::ValidationException.because(text));
    if operations.is_empty() {
        return invalid("A grant must have at least one operation.".to_owned());
    }
    if operations.iter().all(|operation| operation == "CreateGrant") {
        return invalid("Grants must not contain only the CreateGrant operation.".to_owned());
    }
    let unfit: Vec<&str> = operations
        .iter()
        .map(String::as_str)
        .filter(|operation| !fits(operation, key.spec, key.usage))
        .collect();
    if unfit.is_empty() {
        return Ok(());
    }
    invalid(format!(
        "Operations {} are not supported for grants of a KMS key with KeySpec {} and KeyUsage {}",
        unfit.join(", "),
        key.spec.name,
        key.usage.name()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::spec::SPECS;

    /// How many operations of the model fit a key of each kind and use.
    #[test]
    fn k39_every_operation_fits_the_keys_it_is_for() {
        let all: BTreeSet<&str> = [
            "Decrypt",
            "Encrypt",
            "GenerateDataKey",
            "GenerateDataKeyWithoutPlaintext",
            "ReEncryptFrom",
            "ReEncryptTo",
            "Sign",
            "Verify",
            "GetPublicKey",
            "CreateGrant",
            "RetireGrant",
            "DescribeKey",
            "GenerateDataKeyPair",
            "GenerateDataKeyPairWithoutPlaintext",
            "GenerateMac",
            "VerifyMac",
            "DeriveSharedSecret",
            "Encapsulate",
            "Decapsulate",
        ]
        .into();
        let fitting =
            |spec: &Spec, usage| all.iter().filter(|operation| fits(operation, spec, usage)).count();
        for spec in SPECS {
            for (usage, _) in spec.uses {
                let expected = match (spec.is_symmetric(), usage) {
                    (true, _) => 11,
                    (_, Usage::EncryptDecrypt) => 8,
                    (_, Usage::SignVerify | Usage::EncapsulateDecapsulate) => 6,
                    (_, Usage::GenerateVerifyMac | Usage::KeyAgreement) => 5,
                };
                assert_eq!(fitting(spec, *usage), expected, "{} {}", spec.name, usage.name());
            }
        }
        let rsa = Spec::named("RSA_2048").unwrap();
        assert!(
            !fits("Sign", rsa, Usage::EncryptDecrypt) && !fits("GenerateDataKey", rsa, Usage::EncryptDecrypt)
        );
        assert!(!fits("Sign", Spec::symmetric(), Usage::EncryptDecrypt));
    }
}
