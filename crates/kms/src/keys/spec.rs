//! The key specs: ONE row for each kind of key the API knows. Whatever depends on a key's kind reads its row.

use serde::{Deserialize, Serialize};

/// What a key may be used for. A key has exactly one use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[allow(missing_docs, reason = "the API's own names")]
pub enum Usage {
    EncryptDecrypt,
    SignVerify,
    GenerateVerifyMac,
    KeyAgreement,
    EncapsulateDecapsulate,
}

impl Usage {
    /// The name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::EncryptDecrypt => "ENCRYPT_DECRYPT",
            Self::SignVerify => "SIGN_VERIFY",
            Self::GenerateVerifyMac => "GENERATE_VERIFY_MAC",
            Self::KeyAgreement => "KEY_AGREEMENT",
            Self::EncapsulateDecapsulate => "ENCAPSULATE_DECAPSULATE",
        }
    }
}

/// What a key is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// AES-256.
    Symmetric,
    /// RSA of so many bits.
    Rsa(u32),
    /// An elliptic curve, by its DER object identifier (CKA_EC_PARAMS) and the bytes of a coordinate.
    Curve {
        /// CKA_EC_PARAMS.
        params: &'static [u8],
        /// Bytes of one coordinate.
        width: usize,
    },
    /// Ed25519.
    Edwards,
    /// HMAC with a secret of so many bytes.
    Hmac(usize),
    /// ML-DSA, by CKA_PARAMETER_SET.
    MlDsa(u64),
    /// ML-KEM, by CKA_PARAMETER_SET.
    MlKem(u64),
    /// The model has it, Cloister doesn't (SM2 is for China's Regions).
    Absent,
}

/// One kind of key.
#[derive(Debug)]
pub struct Spec {
    /// The name on the wire (`KeySpec`).
    pub name: &'static str,
    /// What it is made of.
    pub family: Family,
    /// Its uses, each with the algorithms that go with it.
    pub uses: &'static [(Usage, &'static [&'static str])],
}

const RSA_ENCRYPTION: &[&str] = &["RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256"];
const RSA_SIGNING: &[&str] = &[
    "RSASSA_PKCS1_V1_5_SHA_256",
    "RSASSA_PKCS1_V1_5_SHA_384",
    "RSASSA_PKCS1_V1_5_SHA_512",
    "RSASSA_PSS_SHA_256",
    "RSASSA_PSS_SHA_384",
    "RSASSA_PSS_SHA_512",
];
const RSA: &[(Usage, &[&str])] = &[(Usage::EncryptDecrypt, RSA_ENCRYPTION), (Usage::SignVerify, RSA_SIGNING)];
const ECDH: (Usage, &[&str]) = (Usage::KeyAgreement, &["ECDH"]);
const ML_DSA: &[(Usage, &[&str])] = &[(Usage::SignVerify, &["ML_DSA_SHAKE_256"])];
const ML_KEM: &[(Usage, &[&str])] = &[(Usage::EncapsulateDecapsulate, &["ML_KEM"])];

/// DER object identifiers of the curves.
const P256: &[u8] = &[0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
const P384: &[u8] = &[0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22];
const P521: &[u8] = &[0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x23];
const SECP256K1: &[u8] = &[0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x0a];

/// All kinds of keys.
pub static SPECS: &[Spec] = &[
    Spec {
        name: "SYMMETRIC_DEFAULT",
        family: Family::Symmetric,
        uses: &[(Usage::EncryptDecrypt, &["SYMMETRIC_DEFAULT"])],
    },
    Spec { name: "RSA_2048", family: Family::Rsa(2048), uses: RSA },
    Spec { name: "RSA_3072", family: Family::Rsa(3072), uses: RSA },
    Spec { name: "RSA_4096", family: Family::Rsa(4096), uses: RSA },
    Spec {
        name: "ECC_NIST_P256",
        family: Family::Curve { params: P256, width: 32 },
        uses: &[(Usage::SignVerify, &["ECDSA_SHA_256"]), ECDH],
    },
    Spec {
        name: "ECC_NIST_P384",
        family: Family::Curve { params: P384, width: 48 },
        uses: &[(Usage::SignVerify, &["ECDSA_SHA_384"]), ECDH],
    },
    Spec {
        name: "ECC_NIST_P521",
        family: Family::Curve { params: P521, width: 66 },
        uses: &[(Usage::SignVerify, &["ECDSA_SHA_512"]), ECDH],
    },
    Spec {
        name: "ECC_SECG_P256K1",
        family: Family::Curve { params: SECP256K1, width: 32 },
        uses: &[(Usage::SignVerify, &["ECDSA_SHA_256"])],
    },
    Spec {
        name: "ECC_NIST_EDWARDS25519",
        family: Family::Edwards,
        uses: &[(Usage::SignVerify, &["ED25519_SHA_512", "ED25519_PH_SHA_512"])],
    },
    Spec {
        name: "HMAC_224",
        family: Family::Hmac(28),
        uses: &[(Usage::GenerateVerifyMac, &["HMAC_SHA_224"])],
    },
    Spec {
        name: "HMAC_256",
        family: Family::Hmac(32),
        uses: &[(Usage::GenerateVerifyMac, &["HMAC_SHA_256"])],
    },
    Spec {
        name: "HMAC_384",
        family: Family::Hmac(48),
        uses: &[(Usage::GenerateVerifyMac, &["HMAC_SHA_384"])],
    },
    Spec {
        name: "HMAC_512",
        family: Family::Hmac(64),
        uses: &[(Usage::GenerateVerifyMac, &["HMAC_SHA_512"])],
    },
    Spec { name: "ML_DSA_44", family: Family::MlDsa(1), uses: ML_DSA },
    Spec { name: "ML_DSA_65", family: Family::MlDsa(2), uses: ML_DSA },
    Spec { name: "ML_DSA_87", family: Family::MlDsa(3), uses: ML_DSA },
    Spec { name: "ML_KEM_512", family: Family::MlKem(1), uses: ML_KEM },
    Spec { name: "ML_KEM_768", family: Family::MlKem(2), uses: ML_KEM },
    Spec { name: "ML_KEM_1024", family: Family::MlKem(3), uses: ML_KEM },
    Spec { name: "SM2", family: Family::Absent, uses: &[] },
];

impl Spec {
    /// The kind of keys made for AWS services, and of those for which none is named.
    pub fn symmetric() -> &'static Self {
        // invariant: the table has rows.
        &SPECS[0]
    }

    /// The row of that name.
    pub fn named(name: &str) -> Option<&'static Self> {
        SPECS.iter().find(|spec| spec.name == name)
    }

    /// Whether keys of this kind are symmetric encryption keys (rotation, data keys and import by raw bytes are theirs).
    pub fn is_symmetric(&self) -> bool {
        self.family == Family::Symmetric
    }

    /// Whether keys of this kind have a public half.
    pub fn is_asymmetric(&self) -> bool {
        !matches!(self.family, Family::Symmetric | Family::Hmac(_) | Family::Absent)
    }

    /// The algorithms of a key of this kind and use; none if it can't be used so.
    pub fn algorithms(&self, usage: Usage) -> &'static [&'static str] {
        self.uses.iter().find(|(offered, _)| *offered == usage).map_or(&[], |(_, algorithms)| algorithms)
    }
}

/// Records keep a kind by its name.
impl Serialize for &'static Spec {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name)
    }
}

/// For records: the kind of that name.
pub fn deserialize<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<&'static Spec, D::Error> {
    let name = String::deserialize(deserializer)?;
    Spec::named(&name).ok_or_else(|| serde::de::Error::custom("unknown key spec"))
}

impl PartialEq for &'static Spec {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}
