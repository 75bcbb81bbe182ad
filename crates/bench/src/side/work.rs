//! What is done in a row, at each place alike: as data, from which [`super::token`] makes calls of a module and [`super::libcrypto`]
//! calls of libcrypto.

use super::keys::{self, KeyKind};
use crate::abi::{Parameter, Use};
use cryptoki_sys::*;
use std::ffi::CStr;

/// What one call does.
#[derive(Clone, Copy, Debug)]
pub enum Work {
    /// `C_SignInit` and `C_Sign`.
    Sign(&'static Scheme),
    /// `C_VerifyInit` and `C_Verify`.
    Verify(&'static Scheme),
    /// `C_DecryptInit` and `C_Decrypt`, RSA, 32 bytes.
    Decrypt(&'static Padding),
    /// `C_DeriveKey` with P-256, and the derived key destroyed.
    Derive,
    /// `C_EncapsulateKey`, and the secret destroyed.
    Encapsulate,
    /// `C_DecapsulateKey`, and the secret destroyed.
    Decapsulate,
    /// `C_EncryptInit` and `C_Encrypt` of so many bytes.
    Encrypt(&'static Mode, usize),
    /// `C_SignInit` and `C_Sign`, HMAC-SHA-256 of so many bytes.
    Mac(usize),
    /// `C_WrapKey`.
    Wrap,
    /// `C_DigestInit` and `C_Digest`, SHA-256 of so many bytes.
    Digest(usize),
    /// `C_GenerateRandom`, so many bytes.
    Random(usize),
    /// `C_GenerateKey` or `C_GenerateKeyPair`, a session object, destroyed.
    Generate(&'static KeyKind),
    /// `C_OpenSession` and `C_CloseSession`.
    Session,
    /// `C_GetAttributeValue` of class, label and identifier of a private key.
    Attributes,
    /// `C_FindObjectsInit` to `C_FindObjectsFinal`, one object.
    Find(By, Asked),
    /// The same, all secret keys.
    List,
    /// `C_GenerateKey` of an AES-256 token key.
    Create,
    /// `C_DestroyObject` of one.
    Destroy,
    /// `C_SetAttributeValue`, the label of one.
    Change,
    /// A fresh process to its first signature, and what of it is told.
    Start(Told),
}

/// By which attribute an object is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// `CKA_ID`.
    Id,
    /// `CKA_LABEL`.
    Label,
}

/// Which object is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// The same, again and again.
    Again,
    /// Each time another.
    Another,
    /// Another too, and something else in the token was changed since it was last asked for: nothing remembered may answer.
    Anew,
}

/// What of a start is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// All of it but the login.
    WithoutLogin,
    /// The login alone, where a password is made expensive on purpose.
    Login,
    /// Memory resident afterwards.
    Memory,
}

/// A way to sign.
#[derive(Debug)]
pub struct Scheme {
    /// With which key.
    pub key: &'static KeyKind,
    /// The token's mechanism.
    pub mechanism: CK_MECHANISM_TYPE,
    /// Bytes signed.
    pub input: usize,
    /// libcrypto's algorithm, if it takes a message and not what stands for a digest.
    pub message: Option<&'static CStr>,
}

impl Scheme {
    /// How libcrypto is set up to sign.
    pub fn signing(&self) -> Use {
        self.message.map_or(Use::Sign, Use::SignMessage)
    }

    /// How it is set up to verify.
    pub fn verifying(&self) -> Use {
        self.message.map_or(Use::Verify, Use::VerifyMessage)
    }
}

/// RSA, PKCS #1 v1.5, of the 51 bytes that a SHA-256 digest has with its algorithm before it.
pub const RSA: &Scheme = &Scheme { key: keys::RSA, mechanism: CKM_RSA_PKCS, input: 51, message: None };
/// ECDSA with P-256 of a SHA-256 digest.
pub const P256: &Scheme = &Scheme { key: keys::P256, mechanism: CKM_ECDSA, input: 32, message: None };
/// Ed25519 of a short message.
pub const ED25519: &Scheme =
    &Scheme { key: keys::ED25519, mechanism: CKM_EDDSA, input: 32, message: Some(c"ED25519") };
/// ML-DSA-65 of a short message, hedged.
pub const ML_DSA: &Scheme =
    &Scheme { key: keys::ML_DSA, mechanism: CKM_ML_DSA, input: 32, message: Some(c"ML-DSA-65") };

/// An RSA padding.
#[derive(Debug)]
pub struct Padding {
    /// The token's mechanism.
    pub mechanism: CK_MECHANISM_TYPE,
    /// What it is told.
    pub parameter: Parameter,
    /// libcrypto's name.
    pub name: &'static CStr,
}

/// PKCS #1 v1.5.
pub const PKCS1: &Padding = &Padding { mechanism: CKM_RSA_PKCS, parameter: Parameter::None, name: c"pkcs1" };
/// OAEP with SHA-1, which all modules have.
pub const OAEP: &Padding =
    &Padding { mechanism: CKM_RSA_PKCS_OAEP, parameter: Parameter::Oaep, name: c"oaep" };

/// A mode of AES-256.
#[derive(Debug)]
pub struct Mode {
    /// The token's mechanism.
    pub mechanism: CK_MECHANISM_TYPE,
    /// Its IV, where it begins.
    pub parameter: Parameter,
    /// libcrypto's context.
    pub direct: fn() -> std::result::Result<crate::abi::Cipher, openssl::error::ErrorStack>,
}

/// GCM with a tag of 16 bytes, no additional data.
pub const GCM: &Mode =
    &Mode { mechanism: CKM_AES_GCM, parameter: Parameter::Gcm([0; 12]), direct: crate::abi::Cipher::gcm };
/// CBC without padding.
pub const CBC: &Mode =
    &Mode { mechanism: CKM_AES_CBC, parameter: Parameter::Iv([0; 16]), direct: crate::abi::Cipher::cbc };

impl Work {
    /// Whether the disk decides how long it takes, and not the processor.
    pub fn waits(self) -> bool {
        matches!(self, Work::Create | Work::Destroy | Work::Change)
    }

    /// How much longer than most it is measured: a disk has its moods, a prime is found by chance, ML-DSA tries until it is content, and a process that
    /// searches has first to read the indexes of a large token.
    pub fn patience(self) -> f64 {
        match self {
            Work::Generate(kind) if kind.name == keys::RSA.name => 80.0,
            Work::Sign(scheme) if scheme.key.name == keys::ML_DSA.name => 5.0,
            Work::Find(_, Asked::Another | Asked::Anew) => 5.0,
            _ if self.waits() => 5.0,
            _ => 1.0,
        }
    }
}
