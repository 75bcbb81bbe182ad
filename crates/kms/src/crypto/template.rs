//! What the keys of KMS keys look like in an HSM: kept, never given out, good for one thing only.

use cryptoki::object::{Attribute, KeyType, ObjectClass};

use crate::keys::spec::{Family, Spec, Usage};

/// The half that stays: a private or secret key of that kind and use. `object` becomes its CKA_ID, `label` (the KMS key's ARN) its CKA_LABEL.
/// Sizes and curves are not in it: those that generate give them, those that import find them in the material.
pub fn kept(spec: &Spec, usage: Usage, object: &[u8], label: &str) -> Vec<Attribute> {
    let mut attributes = if spec.is_asymmetric() { private(usage) } else { secret(usage) };
    attributes.extend([
        Attribute::KeyType(key_type(spec.family)),
        Attribute::Token(true),
        Attribute::Private(true),
        Attribute::Sensitive(true),
        Attribute::Extractable(false),
        Attribute::Id(object.to_vec()),
        Attribute::Label(label.as_bytes().to_vec()),
    ]);
    attributes
}

/// Each permission is said, also those not given: what HSMs take for granted differs.
fn private(usage: Usage) -> Vec<Attribute> {
    let mut attributes = vec![
        Attribute::Class(ObjectClass::PRIVATE_KEY),
        Attribute::Decrypt(usage == Usage::EncryptDecrypt),
        Attribute::Sign(usage == Usage::SignVerify),
        Attribute::Derive(usage == Usage::KeyAgreement),
        Attribute::Unwrap(false),
    ];
    // Only HSMs of PKCS#11 3.2 know this one.
    if usage == Usage::EncapsulateDecapsulate {
        attributes.push(Attribute::Decapsulate(true));
    }
    attributes
}

fn secret(usage: Usage) -> Vec<Attribute> {
    let encrypts = usage == Usage::EncryptDecrypt;
    vec![
        Attribute::Class(ObjectClass::SECRET_KEY),
        Attribute::Encrypt(encrypts),
        Attribute::Decrypt(encrypts),
        Attribute::Sign(usage == Usage::GenerateVerifyMac),
        Attribute::Verify(false),
        Attribute::Wrap(false),
        Attribute::Unwrap(false),
        Attribute::Derive(false),
    ]
}

/// The public half while it is read or used: an object of the session.
pub fn public(family: Family, usage: Usage) -> Vec<Attribute> {
    let mut attributes = vec![
        Attribute::Class(ObjectClass::PUBLIC_KEY),
        Attribute::KeyType(key_type(family)),
        Attribute::Token(false),
        Attribute::Private(false),
        Attribute::Encrypt(usage == Usage::EncryptDecrypt),
        Attribute::Verify(usage == Usage::SignVerify),
    ];
    if usage == Usage::EncapsulateDecapsulate {
        attributes.push(Attribute::Encapsulate(true));
    }
    attributes
}

/// A private key that will be given out: an object of the session.
pub fn passing_private(family: Family) -> Vec<Attribute> {
    let mut attributes = passing(ObjectClass::PRIVATE_KEY, key_type(family));
    attributes.push(match family {
        Family::Rsa(_) => Attribute::Decrypt(true),
        Family::MlKem(_) => Attribute::Decapsulate(true),
        _ => Attribute::Sign(true),
    });
    attributes
}

/// A shared secret that will be given out: an object of the session.
pub fn passing_secret() -> Vec<Attribute> {
    passing(ObjectClass::SECRET_KEY, KeyType::GENERIC_SECRET)
}

fn passing(class: ObjectClass, key_type: KeyType) -> Vec<Attribute> {
    vec![
        Attribute::Class(class),
        Attribute::KeyType(key_type),
        Attribute::Token(false),
        Attribute::Private(true),
        Attribute::Sensitive(false),
        Attribute::Extractable(true),
    ]
}

/// CKA_KEY_TYPE of a family. HMAC keys are generic secrets: every HSM takes those for every hash.
pub fn key_type(family: Family) -> KeyType {
    match family {
        Family::Symmetric => KeyType::AES,
        Family::Rsa(_) => KeyType::RSA,
        Family::Curve { .. } => KeyType::EC,
        Family::Edwards => KeyType::EC_EDWARDS,
        Family::MlDsa(_) => KeyType::ML_DSA,
        Family::MlKem(_) => KeyType::ML_KEM,
        Family::Hmac(_) | Family::Absent => KeyType::GENERIC_SECRET,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::spec::SPECS;

    /// What a key may do, by the names of its true permissions.
    fn permissions(attributes: &[Attribute]) -> Vec<&'static str> {
        let named = |attribute: &Attribute| match attribute {
            Attribute::Encrypt(true) => Some("encrypt"),
            Attribute::Decrypt(true) => Some("decrypt"),
            Attribute::Sign(true) => Some("sign"),
            Attribute::Verify(true) => Some("verify"),
            Attribute::Derive(true) => Some("derive"),
            Attribute::Wrap(true) => Some("wrap"),
            Attribute::Unwrap(true) => Some("unwrap"),
            Attribute::Decapsulate(true) => Some("decapsulate"),
            _ => None,
        };
        attributes.iter().filter_map(named).collect()
    }

    #[test]
    fn k16_no_kept_key_leaves_the_hsm_or_serves_another_use() {
        for spec in SPECS {
            for (usage, _) in spec.uses {
                let template = kept(spec, *usage, b"id", "label");
                assert!(
                    template.contains(&Attribute::Sensitive(true))
                        && template.contains(&Attribute::Extractable(false)),
                    "{}",
                    spec.name
                );
                assert!(
                    template.contains(&Attribute::Token(true))
                        && template.contains(&Attribute::Private(true)),
                    "{}",
                    spec.name
                );
                let expected: &[&str] = match usage {
                    Usage::EncryptDecrypt if spec.is_symmetric() => &["encrypt", "decrypt"],
                    Usage::EncryptDecrypt => &["decrypt"],
                    Usage::SignVerify | Usage::GenerateVerifyMac => &["sign"],
                    Usage::KeyAgreement => &["derive"],
                    Usage::EncapsulateDecapsulate => &["decapsulate"],
                };
                assert_eq!(permissions(&template), expected, "{} for {}", spec.name, usage.name());
            }
        }
    }
}
