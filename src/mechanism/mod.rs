//! Mechanisms: one row each in [`registry`], one file per family.
//!
//! A row names a [`Family`]: the object that can begin the operations the row's flags promise. Above
//! this module nobody looks at a mechanism's number; below it nobody knows one.

pub mod aead;
pub mod aes;
pub mod block;
pub mod block_cipher;
pub mod cbc_mac;
pub mod ccm;
pub mod cloudhsm;
pub mod curves;
mod der;
pub mod des;
mod dh;
pub mod digest;
mod dsa;
pub mod ec;
mod ec_key;
pub mod ecdh;
mod ecdh_wrap;
pub mod eddsa;
pub mod encoding;
#[cfg(test)]
mod evidence;
pub mod hash;
pub(crate) mod hashed;
pub mod hkdf;
pub mod kbkdf;
pub mod kdf_params;
pub mod kem;
pub mod keywrap;
pub mod mac;
pub mod material;
pub mod message;
mod new_pair;
mod number;
pub mod once;
mod pair_key;
#[cfg(test)]
mod pair_testing;
pub mod parameter_set;
pub mod params;
mod peer;
mod point;
pub mod pqc_key;
mod pqc_pair;
pub mod pqc_signature;
mod prefixed_gcm;
pub mod prehash;
mod prime_key;
#[cfg(test)]
mod prime_testing;
pub mod registry;
pub mod rsa;
mod rsa_block;
mod rsa_kem;
mod rsa_key;
pub mod rsa_wrap;
pub mod secret;
#[cfg(test)]
mod secret_vectors;
pub mod short;
pub mod simple;
mod spki;
pub mod staged;
pub mod stream;
#[cfg(test)]
mod testing;
pub mod tls;
#[cfg(test)]
mod vectors;
pub mod wrapping;

use crate::attribute::{AttributeType, Attributes, Bytes};
use crate::crypto::{Hash, SecretKey};
use crate::error::{Error, Result};
use crate::output::Size;
use cryptoki_sys as ck;
pub use material::Material;
pub use message::Aead;
pub use new_pair::NewPair;
use openssl::pkey::{Private, Public};
pub use pair_key::PairKey;
pub use params::{Given, Params, Shape};
use serde::{Deserialize, Serialize};
pub use short::Short;
use std::borrow::Cow;

/// What an operation is for; also which of a session's places it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[repr(usize)]
#[allow(missing_docs)] // the names say it
pub enum Purpose {
    Encrypt,
    Decrypt,
    Digest,
    Sign,
    SignRecover,
    Verify,
    VerifyRecover,
    /// [`Purpose::Verify`] with the signature known from the start (section 5.15).
    VerifySignature,
}

impl Purpose {
    /// How many there are.
    pub const COUNT: usize = 8;

    /// The mechanism flag a row needs for it.
    pub fn flag(self) -> u64 {
        match self {
            Purpose::Encrypt => ck::CKF_ENCRYPT,
            Purpose::Decrypt => ck::CKF_DECRYPT,
            Purpose::Digest => ck::CKF_DIGEST,
            Purpose::Sign => ck::CKF_SIGN,
            Purpose::SignRecover => ck::CKF_SIGN_RECOVER,
            Purpose::Verify | Purpose::VerifySignature => ck::CKF_VERIFY,
            Purpose::VerifyRecover => ck::CKF_VERIFY_RECOVER,
        }
    }

    /// The flag a row needs for messages; 0: there are none for this purpose.
    pub fn message_flag(self) -> u64 {
        match self {
            Purpose::Encrypt => ck::CKF_MESSAGE_ENCRYPT,
            Purpose::Decrypt => ck::CKF_MESSAGE_DECRYPT,
            Purpose::Sign => ck::CKF_MESSAGE_SIGN,
            Purpose::Verify => ck::CKF_MESSAGE_VERIFY,
            Purpose::Digest | Purpose::SignRecover | Purpose::VerifyRecover | Purpose::VerifySignature => 0,
        }
    }

    /// The attribute that must be true on the key.
    pub fn permission(self) -> Option<AttributeType> {
        match self {
            Purpose::Encrypt => Some(ck::CKA_ENCRYPT),
            Purpose::Decrypt => Some(ck::CKA_DECRYPT),
            Purpose::Digest => None,
            Purpose::Sign => Some(ck::CKA_SIGN),
            Purpose::SignRecover => Some(ck::CKA_SIGN_RECOVER),
            Purpose::Verify | Purpose::VerifySignature => Some(ck::CKA_VERIFY),
            Purpose::VerifyRecover => Some(ck::CKA_VERIFY_RECOVER),
        }
    }
}

/// The unit in which `C_GetMechanismInfo` counts key sizes for a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Bits: RSA modulus, EC field.
    Bits,
    /// Bytes: secret keys.
    Bytes,
    /// The mechanism takes no key, or any.
    None,
}

/// One mechanism: everything the rest of the module knows about it.
pub struct Row {
    /// The `CKM_` number.
    pub id: u64,
    /// The `CKM_` name.
    pub name: &'static str,
    /// `CKF_ENCRYPT` and so on, without `CKF_HW`.
    pub flags: u64,
    /// `CKK_` numbers of the keys it works with, or makes; empty: no key or any key.
    pub key_types: &'static [u64],
    /// Smallest and largest key, in `unit`.
    pub sizes: (u64, u64),
    /// What `sizes` counts.
    pub unit: Unit,
    /// The C structure of its parameter.
    pub shape: Shape,
    /// Who does the work.
    pub family: &'static dyn Family,
    /// Whether it is broken or nearly so, and offered only on tokens that ask for such.
    pub legacy: bool,
}

impl Row {
    /// Whether a token offers it that offers (`legacy`) all or only those that hold.
    pub fn is_offered(&self, legacy: bool) -> bool {
        legacy || !self.legacy
    }
}

/// A mechanism with its parameter, as a caller asked for it.
#[derive(Clone)]
pub struct Mechanism {
    /// The mechanism's row.
    pub row: &'static Row,
    /// Its parameter, already of the row's shape.
    pub params: Params,
}

impl Mechanism {
    /// `MechanismInvalid` unless the row promises `flag` (a `CKF_` value).
    pub fn require(&self, flag: u64) -> Result<()> {
        if self.row.flags & flag == 0 { Err(Error::MechanismInvalid) } else { Ok(()) }
    }
}

/// A key as an operation gets it: its attributes that are no secret, and its ready-made material.
#[derive(Clone, Copy)]
pub struct Key<'a> {
    /// Class, type, sizes and so on; never the secret half.
    pub attributes: &'a Attributes,
    /// What OpenSSL works with.
    pub material: &'a Material,
}

impl<'a> Key<'a> {
    /// The bytes of a secret key; keys of other classes are `KeyTypeInconsistent`.
    pub fn secret(self) -> Result<&'a [u8]> {
        self.secret_key().map(|key| &**key)
    }

    /// A secret key with the contexts it keeps; keys of other classes are `KeyTypeInconsistent`.
    pub fn secret_key(self) -> Result<&'a SecretKey> {
        match self.material {
            Material::Secret(key) => Ok(key),
            _ => Err(Error::KeyTypeInconsistent),
        }
    }

    /// A public key; keys of other classes are `KeyTypeInconsistent`.
    pub fn public(self) -> Result<&'a PairKey<Public>> {
        match self.material {
            Material::Public(key) => Ok(key),
            _ => Err(Error::KeyTypeInconsistent),
        }
    }

    /// A private key; keys of other classes are `KeyTypeInconsistent`.
    pub fn private(self) -> Result<&'a PairKey<Private>> {
        match self.material {
            Material::Private(key) => Ok(key),
            _ => Err(Error::KeyTypeInconsistent),
        }
    }
}

/// What a mechanism can begin or make. Each family implements what its rows' flags promise; the rest
/// answers `CKR_MECHANISM_INVALID`.
///
/// Key type, key size, usage flags and allowed mechanisms have been checked before a method is called; a family
/// checks its parameter's values and answers `MechanismParamInvalid` for those that cannot be.
#[allow(unused_variables)] // the defaults refuse whatever comes; the names are the documentation
pub trait Family: Sync {
    /// Begins an encryption.
    fn encrypt(&self, key: Key<'_>, params: &Params) -> Result<Box<dyn Cipher>> {
        Err(Error::MechanismInvalid)
    }
    /// Begins a decryption.
    fn decrypt(&self, key: Key<'_>, params: &Params) -> Result<Box<dyn Cipher>> {
        Err(Error::MechanismInvalid)
    }
    /// Begins a digest.
    fn digest(&self, params: &Params) -> Result<Box<dyn Digester>> {
        Err(Error::MechanismInvalid)
    }
    /// Begins a signature or MAC.
    fn sign(&self, key: Key<'_>, params: &Params) -> Result<Box<dyn Signer>> {
        Err(Error::MechanismInvalid)
    }
    /// Begins the check of a signature or MAC.
    fn verify(&self, key: Key<'_>, params: &Params) -> Result<Box<dyn Verifier>> {
        Err(Error::MechanismInvalid)
    }
    /// Begins a signature from which the data can be recovered.
    fn sign_recover(&self, key: Key<'_>, params: &Params) -> Result<Box<dyn Cipher>> {
        Err(Error::MechanismInvalid)
    }
    /// Begins the recovery of the data from a signature.
    fn verify_recover(&self, key: Key<'_>, params: &Params) -> Result<Box<dyn Cipher>> {
        Err(Error::MechanismInvalid)
    }
    /// The same mechanism for messages, if it encrypts with authentication.
    fn aead(&self) -> Option<&dyn Aead> {
        None
    }
    /// Makes a secret key: the attributes the mechanism contributes (`CKA_VALUE`, `CKA_VALUE_LEN` ...).
    /// `template` is the caller's, complete and of a right key type.
    fn generate(&self, params: &Params, template: &Attributes) -> Result<Attributes> {
        Err(Error::MechanismInvalid)
    }
    /// Makes a key pair: what the mechanism contributes to the public and to the private key.
    fn generate_pair(&self, params: &Params, public: &Attributes, private: &Attributes) -> Result<NewPair> {
        Err(Error::MechanismInvalid)
    }
    /// Derives the value of a secret key. `wanted`: the new key's type (`CKK_`) and its length in bytes where
    /// the template or the type fixes one. The answer has just that length, if one was wanted.
    fn derive(&self, base: Key<'_>, params: &Params, wanted: Wanted) -> Result<Bytes> {
        Err(Error::MechanismInvalid)
    }
    /// Derives keys, as many as [`Family::plan`] has made templates. `keys`: the base key, and those that the parameter names
    /// ([`Params::keys`]), in that order. Unless there is one of each it takes a family of its own.
    fn derive_all(&self, keys: &[Key<'_>], params: &Params, wanted: &[Wanted]) -> Result<Derived> {
        match (keys, wanted) {
            ([base], [wanted]) => {
                Ok(Derived { values: vec![self.derive(*base, params, *wanted)?], told: vec![] })
            }
            _ => Err(Error::MechanismParamInvalid),
        }
    }
    /// The templates of the keys that a derivation makes, from those that the caller gave: its own, and those in the parameter.
    fn plan<'a>(&self, params: &Params, templates: &'a [Attributes]) -> Result<Cow<'a, [Attributes]>> {
        if templates.len() == 1 { Ok(templates.into()) } else { Err(Error::MechanismParamInvalid) }
    }
    /// What derived keys take over from the keys they come from.
    fn heritage(&self) -> Heritage {
        Heritage::Free
    }
    /// Wraps an encoded key (see [`encoding`]).
    fn wrap(&self, key: Key<'_>, params: &Params, encoded: &[u8]) -> Result<Vec<u8>> {
        Err(Error::MechanismInvalid)
    }
    /// Bytes of the ciphertext that [`Family::encapsulate`] makes with a public key.
    fn ciphertext_size(&self, key: Key<'_>, params: &Params) -> Result<usize> {
        Err(Error::MechanismInvalid)
    }
    /// Makes a secret, as long as wanted if the mechanism can choose, and the ciphertext from which the holder of the
    /// private key learns it, into a place of the length that [`Family::ciphertext_size`] tells. A length of the secret that the mechanism can't
    /// have is `TemplateInconsistent`.
    fn encapsulate(
        &self,
        key: Key<'_>,
        params: &Params,
        wanted: Wanted,
        ciphertext: &mut [u8],
    ) -> Result<Bytes> {
        Err(Error::MechanismInvalid)
    }
    /// The secret behind a ciphertext. One of a wrong length is `WrappedKeyLenRange`, one that can be seen to be wrong
    /// `WrappedKeyInvalid`.
    fn decapsulate(&self, key: Key<'_>, params: &Params, ciphertext: &[u8], wanted: Wanted) -> Result<Bytes> {
        Err(Error::MechanismInvalid)
    }
    /// Unwraps to an encoded key. A wrong padding, tag or length is `WrappedKeyInvalid`.
    fn unwrap(&self, key: Key<'_>, params: &Params, wrapped: &[u8]) -> Result<Bytes> {
        Err(Error::MechanismInvalid)
    }
}

/// Puts a ciphertext that was made elsewhere into its place; one of another length than was told is `FunctionFailed`.
fn encapsulated(made: &[u8], ciphertext: &mut [u8]) -> Result<()> {
    if made.len() != ciphertext.len() {
        return Err(Error::FunctionFailed);
    }
    ciphertext.copy_from_slice(made);
    Ok(())
}

/// What a derivation has made.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Derived {
    /// The value of each key.
    pub values: Vec<Bytes>,
    /// What the caller is told besides, which is no secret.
    pub told: Vec<u8>,
}

/// What derived keys take over of `CKA_SENSITIVE` and `CKA_EXTRACTABLE` from the keys they come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heritage {
    /// Nothing: what comes out tells nothing of what went in.
    Free,
    /// What the template leaves open is as in the base key.
    Default,
    /// A key that comes from a sensitive or unextractable one is so too: it could be used to read the other.
    Closed,
    /// Both are as in the base key.
    Same,
}

/// The key that a derivation is to make.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    /// `CKK_` number.
    pub key_type: u64,
    /// Bytes of `CKA_VALUE`, where known.
    pub length: Option<usize>,
}

impl Wanted {
    /// The end of a secret, as long as wanted or as the new key's type allows, with DES keys' parity set: what is cut is
    /// its beginning. A key longer than the secret is `TemplateInconsistent`.
    fn end_of(self, secret: Bytes) -> Result<Bytes> {
        let length = match self.length {
            Some(length) => Some(length),
            None => material::SecretType::find(self.key_type)?.longest_within(secret.len()),
        };
        let start = length.filter(|length| *length > 0).and_then(|length| secret.len().checked_sub(length));
        let mut end = match start.ok_or(Error::TemplateInconsistent)? {
            0 => secret,
            start => Bytes::from(&secret[start..]),
        };
        secret::adjust_parity(self.key_type, &mut end);
        Ok(end)
    }
}

/// An encryption or decryption in progress; also a signature with recovery, and its inverse.
///
/// `output` is always at least as long as the size told for that step.
#[allow(unused_variables)] // the names of what an implementation gets
pub trait Cipher: Send {
    /// Size of [`Cipher::update`] for so many bytes of input.
    fn update_size(&self, input: usize) -> Size;
    /// Takes more input and writes what it yields; the number of bytes written.
    fn update(&mut self, input: &[u8], output: &mut [u8]) -> Result<usize>;
    /// Size of [`Cipher::finish`] as things stand.
    fn finish_size(&self) -> Size;
    /// Writes what is left.
    fn finish(&mut self, output: &mut [u8]) -> Result<usize>;
    /// Size of [`Cipher::whole`] for so many bytes of input.
    fn whole_size(&self, input: usize) -> Size;
    /// All in one step.
    fn whole(&mut self, input: &[u8], output: &mut [u8]) -> Result<usize>;
    /// Whether updates yield anything, or the last step all.
    fn yields_in_parts(&self) -> bool {
        true
    }
    /// It is over: lets go of the data, but for up to a block in libcrypto's context, and makes ready for another with the same key. `false`: there can be none.
    fn rest(&mut self) -> bool {
        false
    }
    /// Begins another after `rest`, as the family would with this parameter. `false`: that takes the family.
    fn renew(&mut self, given: &Given<'_>) -> Result<bool> {
        Ok(false)
    }
}

/// A digest in progress.
#[allow(unused_variables)] // the names of what an implementation gets
pub trait Digester: Send {
    /// Bytes of the digest.
    fn size(&self) -> usize;
    /// Takes more input.
    fn update(&mut self, input: &[u8]) -> Result<()>;
    /// Writes the digest; `output` is `size` bytes long.
    fn finish(&mut self, output: &mut [u8]) -> Result<()>;
    /// Another one that has taken the same input. `StateUnsaveable` where that can't be.
    fn duplicate(&self) -> Result<Box<dyn Digester>> {
        Err(Error::StateUnsaveable)
    }
    /// It is over: lets go of the data and makes ready for another. `false`: there can be none.
    fn rest(&mut self) -> bool {
        false
    }
    /// Begins another after `rest`, as the family would with this parameter. `false`: that takes the family.
    fn renew(&mut self, params: &Params) -> Result<bool> {
        Ok(false)
    }
}

/// A signature or MAC in progress.
#[allow(unused_variables)] // the names of what an implementation gets
pub trait Signer: Send {
    /// Bytes of the signature.
    fn size(&self) -> usize;
    /// Takes more input.
    fn update(&mut self, input: &[u8]) -> Result<()>;
    /// Writes the signature; `output` is `size` bytes long. The number of bytes written.
    fn finish(&mut self, output: &mut [u8]) -> Result<usize>;
    /// The hash by which input becomes a digest before the key is needed, where that is so: the digest may be made elsewhere.
    fn hash(&self) -> Option<Hash> {
        None
    }
    /// As [`Signer::finish`], for input whose digest was made elsewhere, by [`Signer::hash`]. `DataLenRange` if it is none by its length.
    fn finish_digest(&mut self, digest: &[u8], output: &mut [u8]) -> Result<usize> {
        Err(Error::MechanismInvalid)
    }
    /// It is over: lets go of the data, but for up to a block in libcrypto's context, and makes ready for another with the same key. `false`: there can be none.
    fn rest(&mut self) -> bool {
        false
    }
    /// Begins another after `rest`, as the family would with this parameter. `false`: that takes the family.
    fn renew(&mut self, params: &Params) -> Result<bool> {
        Ok(false)
    }
}

/// The check of a signature or MAC in progress.
#[allow(unused_variables)] // the names of what an implementation gets
pub trait Verifier: Send {
    /// Takes more input.
    fn update(&mut self, input: &[u8]) -> Result<()>;
    /// Bytes a signature must have: `SignatureLenRange` otherwise.
    fn size(&self) -> usize;
    /// Whether a signature may have so many bytes: just `size`, but one of ECDSA may be shorter.
    fn accepts(&self, length: usize) -> bool {
        length == self.size()
    }
    /// `Ok`, or `SignatureInvalid`; `signature` is of a length that is accepted.
    fn finish(&mut self, signature: &[u8]) -> Result<()>;
    /// It is over: lets go of the data, but for up to a block in libcrypto's context, and makes ready for another with the same key. `false`: there can be none.
    fn rest(&mut self) -> bool {
        false
    }
    /// Begins another after `rest`, as the family would with this parameter. `false`: that takes the family.
    fn renew(&mut self, params: &Params) -> Result<bool> {
        Ok(false)
    }
}
