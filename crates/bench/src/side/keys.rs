//! The kinds of keys: how a token makes each, and how libcrypto does. One table.

use crate::abi::Attribute::{Bytes, Flag, Number};
use crate::abi::{Attribute, Kind};
use cryptoki_sys::*;
use std::borrow::Cow::Borrowed;

/// A kind of key.
#[derive(Debug)]
pub struct KeyKind {
    /// Its name, which is a token key's label and identifier too.
    pub name: &'static str,
    /// What makes it.
    pub mechanism: CK_MECHANISM_TYPE,
    /// What a pair's public key is told; `None` if it is no pair. Where modules differ in how they name a curve, there are several.
    pub public: Option<&'static [&'static [Attribute]]>,
    /// What the private or secret key is told.
    pub secret: &'static [Attribute],
    /// The same for libcrypto; `None` for a secret key.
    pub libcrypto: Option<Kind>,
}

/// AES-256, for everything that AES does here.
pub const AES: &KeyKind = &KeyKind {
    name: "aes-256",
    mechanism: CKM_AES_KEY_GEN,
    public: None,
    secret: &[
        Number(CKA_VALUE_LEN, 32),
        Flag(CKA_ENCRYPT, true),
        Flag(CKA_DECRYPT, true),
        Flag(CKA_WRAP, true),
    ],
    libcrypto: None,
};

/// The name of keys that are made while the clock runs.
pub const NEW: &str = "new";

/// 32 bytes for HMAC.
pub const HMAC: &KeyKind = &KeyKind {
    name: "hmac",
    mechanism: CKM_GENERIC_SECRET_KEY_GEN,
    public: None,
    secret: &[Number(CKA_VALUE_LEN, 32), Flag(CKA_SIGN, true)],
    libcrypto: None,
};

/// RSA with 2048 bits.
pub const RSA: &KeyKind = &KeyKind {
    name: "rsa-2048",
    mechanism: CKM_RSA_PKCS_KEY_PAIR_GEN,
    public: Some(&[&[
        Number(CKA_MODULUS_BITS, 2048),
        Bytes(CKA_PUBLIC_EXPONENT, Borrowed(&[1, 0, 1])),
        Flag(CKA_VERIFY, true),
        Flag(CKA_ENCRYPT, true),
    ]]),
    secret: &[Flag(CKA_SIGN, true), Flag(CKA_DECRYPT, true)],
    libcrypto: Some(Kind { name: c"RSA", settings: &[(c"rsa_keygen_bits", c"2048")] }),
};

/// The curve P-256, by its OID, 1.2.840.10045.3.1.7.
pub const P256: &KeyKind = &KeyKind {
    name: "p-256",
    mechanism: CKM_EC_KEY_PAIR_GEN,
    public: Some(&[&[
        Bytes(CKA_EC_PARAMS, Borrowed(&[6, 8, 42, 134, 72, 206, 61, 3, 1, 7])),
        Flag(CKA_VERIFY, true),
    ]]),
    secret: &[Flag(CKA_SIGN, true), Flag(CKA_DERIVE, true)],
    libcrypto: Some(Kind { name: c"EC", settings: &[(c"ec_paramgen_curve", c"P-256")] }),
};

/// Ed25519, by its OID, 1.3.101.112, or by the name that older modules know.
pub const ED25519: &KeyKind = &KeyKind {
    name: "ed25519",
    mechanism: CKM_EC_EDWARDS_KEY_PAIR_GEN,
    public: Some(&[
        &[Bytes(CKA_EC_PARAMS, Borrowed(&[6, 3, 43, 101, 112])), Flag(CKA_VERIFY, true)],
        &[Bytes(CKA_EC_PARAMS, Borrowed(b"\x13\x0cedwards25519")), Flag(CKA_VERIFY, true)],
    ]),
    secret: &[Flag(CKA_SIGN, true)],
    libcrypto: Some(Kind { name: c"ED25519", settings: &[] }),
};

/// ML-DSA-65.
pub const ML_DSA: &KeyKind = &KeyKind {
    name: "ml-dsa-65",
    mechanism: CKM_ML_DSA_KEY_PAIR_GEN,
    public: Some(&[&[Number(CKA_PARAMETER_SET, CKP_ML_DSA_65), Flag(CKA_VERIFY, true)]]),
    secret: &[Flag(CKA_SIGN, true)],
    libcrypto: Some(Kind { name: c"ML-DSA-65", settings: &[] }),
};

/// ML-KEM-768.
pub const ML_KEM: &KeyKind = &KeyKind {
    name: "ml-kem-768",
    mechanism: CKM_ML_KEM_KEY_PAIR_GEN,
    public: Some(&[&[Number(CKA_PARAMETER_SET, CKP_ML_KEM_768), Flag(CKA_ENCAPSULATE, true)]]),
    secret: &[Flag(CKA_DECAPSULATE, true)],
    libcrypto: Some(Kind { name: c"ML-KEM-768", settings: &[] }),
};

/// What a key is that others wrap: 32 bytes that may leave, but never in the clear.
pub const WRAPPED: &KeyKind = &KeyKind {
    name: "wrapped",
    mechanism: CKM_AES_KEY_GEN,
    public: None,
    secret: &[Number(CKA_VALUE_LEN, 32), Flag(CKA_ENCRYPT, true), Flag(CKA_EXTRACTABLE, true)],
    libcrypto: None,
};

impl KeyKind {
    /// The class of the key that keeps the secret.
    pub fn class(&self) -> CK_OBJECT_CLASS {
        if self.public.is_some() { CKO_PRIVATE_KEY } else { CKO_SECRET_KEY }
    }

    /// What the secret key is told: that it is private, sensitive and stays, unless its row says otherwise.
    pub fn secret_template(&self, token: bool, name: &str) -> Vec<Attribute> {
        let mut template = self.secret.to_vec();
        template.extend([Flag(CKA_PRIVATE, true), Flag(CKA_SENSITIVE, true)]);
        let leaves = |attribute: &Attribute| matches!(attribute, Flag(CKA_EXTRACTABLE, _));
        if !self.secret.iter().any(leaves) {
            template.push(Flag(CKA_EXTRACTABLE, false));
        }
        template.extend(named(token, name));
        template
    }

    /// What the public key is told, in each way there is.
    pub fn public_templates(&self, token: bool, name: &str) -> Vec<Vec<Attribute>> {
        let complete = |own: &&'static [Attribute]| [own, &named(token, name)[..]].concat();
        self.public.unwrap_or_default().iter().map(complete).collect()
    }
}

/// Where it lives, and how it is found.
fn named(token: bool, name: &str) -> [Attribute; 3] {
    [Flag(CKA_TOKEN, token), Attribute::bytes(CKA_LABEL, name), Attribute::bytes(CKA_ID, name)]
}
