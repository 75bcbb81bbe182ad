//! Keys as bytes, for wrapping: a secret key is its value, a private key is PKCS#8 (PKCS#11 3.2, section 6.7). And
//! what else can be computed from a key's attributes.

use super::material::{Check, Material, SecretType, pair_type, public_half};
use crate::attribute::{Attributes, Bytes};
use crate::crypto::cipher::{self, Direction};
use crate::crypto::unexpected;
use crate::error::{Error, Result};
use cryptoki_sys as ck;
use openssl::pkey::PKey;

/// Encodes a secret or private key from all its attributes; other classes are `KeyNotWrappable`.
pub fn encode(attributes: &Attributes) -> Result<Bytes> {
    match Material::from_attributes(attributes) {
        Ok(Material::Secret(value)) => Ok(value),
        Ok(Material::Private(key)) => key.private_key_to_pkcs8().map(Bytes::new).map_err(unexpected),
        Ok(Material::Public(_)) | Err(_) => Err(Error::KeyNotWrappable),
    }
}

/// The attributes that an encoded key of this class (`CKO_`) and type (`CKK_`) contributes: for a secret
/// key `CKA_VALUE`, for a private key its numbers, its curve and, where they can be had, those of the public half. What
/// is no such key is `WrappedKeyInvalid`, an unknown curve `CurveNotSupported`.
pub fn decode(class: u64, key_type: u64, encoded: &[u8]) -> Result<Attributes> {
    let invalid = |error| match error {
        Error::CurveNotSupported => error,
        _ => Error::WrappedKeyInvalid,
    };
    match class {
        ck::CKO_SECRET_KEY => decode_secret(key_type, encoded).map_err(invalid),
        ck::CKO_PRIVATE_KEY => decode_private(key_type, encoded).map_err(invalid),
        _ => Err(Error::WrappedKeyInvalid),
    }
}

fn decode_secret(key_type: u64, encoded: &[u8]) -> Result<Attributes> {
    if !SecretType::find(key_type)?.allows(encoded.len()) {
        return Err(Error::WrappedKeyInvalid);
    }
    Ok([(ck::CKA_VALUE, encoded)].into_iter().collect())
}

fn decode_private(key_type: u64, encoded: &[u8]) -> Result<Attributes> {
    let pair = pair_type(key_type)?;
    let key = PKey::private_key_from_pkcs8(encoded).map_err(|_| Error::WrappedKeyInvalid)?;
    let parts = pair.private_parts(&key)?;
    // OpenSSL reads numbers without asking whether they make a key.
    let checked = pair.private(&parts)?;
    pair.private_parts(&checked)
}

/// Bytes of a secret key of this type (`CKK_`), where all have the same number.
pub fn fixed_length(key_type: u64) -> Option<usize> {
    SecretType::find(key_type).ok()?.only_length()
}

/// Takes off the zeros that fill up the last block where a cipher without padding has wrapped a secret key (sections
/// 6.10.4 and 6.16.3): what is left has `length` bytes. Anything but zeros beyond them stays, to be refused.
pub fn without_filling(mut encoded: Bytes, length: Option<usize>) -> Bytes {
    if let Some(length) = length {
        if encoded.get(length..).is_some_and(|filling| filling.iter().all(|byte| *byte == 0)) {
            encoded.truncate(length);
        }
    }
    encoded
}

/// Brings a new key's attributes into their full form: numbers without leading zeros, points in an OCTET STRING, and what the standard gives the
/// object and can be computed (`CKA_MODULUS_BITS`, the CRT parts of an RSA private key, `CKA_VALUE_LEN`). Errors as
/// [`Material::from_attributes`] has them; on an error nothing has changed.
pub fn complete(attributes: &mut Attributes) -> Result<()> {
    let material = Material::from_attributes(attributes)?;
    let key_type = attributes.ulong(ck::CKA_KEY_TYPE).ok_or(Error::TemplateIncomplete)?;
    let parts = match &material {
        Material::Public(key) => pair_type(key_type)?.public_parts(key)?,
        Material::Private(key) => pair_type(key_type)?.private_parts(key)?,
        Material::Secret(value) if SecretType::find(key_type)?.has_length => {
            [(ck::CKA_VALUE_LEN, value.len() as u64)].into_iter().collect()
        }
        Material::Secret(_) => Attributes::new(),
    };
    // A curve keeps the name its key came with.
    let params = attributes.get(ck::CKA_EC_PARAMS).cloned();
    attributes.extend(parts);
    if let Some(params) = params {
        attributes.set(ck::CKA_EC_PARAMS, params);
    }
    Ok(())
}

/// `CKA_PUBLIC_KEY_INFO`: the DER of the SubjectPublicKeyInfo of a public key, or of the one that belongs to a private key.
/// `None` for other objects.
pub fn public_key_info(attributes: &Attributes) -> Option<Vec<u8>> {
    match Material::from_attributes(attributes).ok()? {
        Material::Public(key) => key.public_key_to_der().ok(),
        Material::Private(key) => public_half(&key).ok()?.public_key_to_der().ok(),
        Material::Secret(_) => None,
    }
}

/// `CKA_CHECK_VALUE` of a secret key, from all its attributes. `None` for other objects.
pub fn check_value(attributes: &Attributes) -> Option<[u8; 3]> {
    let Material::Secret(value) = Material::from_attributes(attributes).ok()? else {
        return None;
    };
    let row = SecretType::find(attributes.ulong(ck::CKA_KEY_TYPE)?).ok()?;
    let block = match row.check {
        Check::Aes => zero_block(cipher::AES_ECB, &value).ok()?,
        Check::Des => zero_block(cipher::DES3_ECB, &value).ok()?,
        Check::Sha1 => openssl::sha::sha1(&value).to_vec(),
    };
    block.first_chunk().copied()
}

/// What a cipher makes of a block of zeros.
fn zero_block(mode: cipher::Mode, key: &[u8]) -> Result<Vec<u8>> {
    let mut cipher = cipher::stream(mode, Direction::Encrypt, key, None, false)?;
    let mut block = vec![0; 16];
    cipher.update(&[0; 16], &mut block)?;
    Ok(block)
}
