//! What tells one material from another without anybody seeing it: the HSM works with it on fixed data, and what comes out is hashed with the key's id.
//! The same material gives the same `KeyMaterialId` whenever it is imported into the same key.

use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, AttributeType, ObjectHandle};
use openssl::sha::Sha256;

use crate::crypto::parts::Parts;
use crate::crypto::spki;
use crate::hsm::error::Result;
use crate::hsm::{Token, Trouble};
use crate::keys::spec::{Family, Spec};

/// Two blocks that are encrypted under a symmetric key: 256 bits, as many as the key has. Neither is the zero block, whose ciphertext
/// is a secret of GCM (SP 800-38D, section 7.1).
const BLOCKS: &[u8; 32] = b"cloister kms: key material, 1 &2";

/// What is authenticated with an HMAC key.
const MESSAGE: &[u8] = b"cloister kms: key material";

/// What was imported, as far as it shows.
pub struct Seen {
    /// Its `KeyMaterialId`: 64 hexadecimal digits.
    pub id: String,
    /// Its public half (SubjectPublicKeyInfo, DER), if it has one.
    pub public_key: Option<Vec<u8>>,
}

/// Looks at an imported key. None if it isn't of the kind that was expected.
pub fn look(token: &Token, key: ObjectHandle, spec: &Spec, key_id: &str) -> Result<Option<Seen>> {
    let (shown, public_key) = match spec.family {
        Family::Symmetric if length(token, key)? == Some(32) => {
            (token.with(|session| session.encrypt(&Mechanism::AesEcb, key, BLOCKS))?, None)
        }
        Family::Hmac(bytes) if length(token, key)? == Some(bytes) => {
            (token.with(|session| session.sign(&Mechanism::Sha256Hmac, key, MESSAGE))?, None)
        }
        Family::Rsa(_) | Family::Curve { .. } | Family::Edwards => match public_half(token, key, spec)? {
            Some(der) => (der.clone(), Some(der)),
            None => return Ok(None),
        },
        _ => return Ok(None),
    };
    let mut hash = Sha256::new();
    hash.update(key_id.as_bytes());
    hash.update(&[0]);
    hash.update(&shown);
    Ok(Some(Seen { id: hex::encode(hash.finish()), public_key }))
}

/// Bytes of a secret key.
fn length(token: &Token, key: ObjectHandle) -> Result<Option<usize>> {
    let attributes = token.with(|session| session.get_attributes(key, &[AttributeType::ValueLen]))?;
    Ok(attributes.into_iter().find_map(|attribute| match attribute {
        Attribute::ValueLen(length) => usize::try_from(u64::from(length)).ok(),
        _ => None,
    }))
}

/// The public half that the HSM shows of a private key. None if it is of another size or curve.
fn public_half(token: &Token, key: ObjectHandle, spec: &Spec) -> Result<Option<Vec<u8>>> {
    let parts = token.with(|session| Parts::read(session, key, spki::parts(spec.family)))?;
    if let Family::Rsa(bits) = spec.family
        && u32::try_from(parts.number(AttributeType::Modulus)?.num_bits()).ok() != Some(bits)
    {
        return Ok(None);
    }
    match spki::encode(spec, &parts) {
        Err(Trouble::Other(_)) => Ok(None),
        result => result.map(Some),
    }
}
