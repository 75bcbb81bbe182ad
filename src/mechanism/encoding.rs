//! Keys as bytes, for wrapping: a secret key is its value, a private key is PKCS#8 (PKCS#11 3.2, section 6.7).

use crate::attribute::{Attributes, Bytes};
use crate::error::Result;

/// Encodes a secret or private key from all its attributes; other classes are `KeyNotWrappable`.
pub fn encode(attributes: &Attributes) -> Result<Bytes> {
    let _ = attributes;
    todo!()
}

/// The attributes that an encoded key of this class (`CKO_`) and type (`CKK_`) contributes: for a secret
/// key `CKA_VALUE`, for a private key its numbers, its curve and, where they can be had, those of the public half. What is no such key is `WrappedKeyInvalid`.
pub fn decode(class: u64, key_type: u64, encoded: &[u8]) -> Result<Attributes> {
    let _ = (class, key_type, encoded);
    todo!()
}

/// TEMPORARY
pub fn check_value(_a: &Attributes) -> Option<[u8; 3]> {
    todo!()
}
/// TEMPORARY
pub fn public_key_info(_a: &Attributes) -> Option<Vec<u8>> {
    todo!()
}
