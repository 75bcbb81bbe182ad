//! What the tests of the asymmetric families share: keys as objects, and operations run as a token runs them.

use super::testing::{in_parts, whole};
use super::{Key, Material, Mechanism, Params, Purpose, Row, Wanted, registry};
use crate::attribute::{Attributes, Bytes, Value};
use crate::error::{Error, Result};
use cryptoki_sys as ck;
use std::sync::OnceLock;

/// The attributes of a key object: its class and type, and `values`.
pub fn object(class: u64, key_type: u64, values: impl IntoIterator<Item = (u64, Value)>) -> Attributes {
    let mut attributes: Attributes =
        [(ck::CKA_CLASS, class), (ck::CKA_KEY_TYPE, key_type)].into_iter().collect();
    values.into_iter().for_each(|(kind, value)| attributes.set(kind, value));
    attributes
}

fn row(id: u64) -> &'static Row {
    registry::find(id).unwrap()
}

/// A key pair made by mechanism `id` from `template`: the public and the private object.
pub fn pair(id: u64, template: &[(u64, Value)]) -> Result<(Attributes, Attributes)> {
    let key_type = row(id).key_types[0];
    let template = object(ck::CKO_PUBLIC_KEY, key_type, template.iter().cloned());
    let new = row(id).family.generate_pair(&Params::None, &template, &Attributes::new())?;
    let mut made = template;
    made.extend(new.public.whole()?);
    let mut other = object(ck::CKO_PRIVATE_KEY, key_type, []);
    other.extend(new.private.whole()?);
    Ok((made, other))
}

/// An RSA key pair of 2048 bits, made once.
pub fn rsa() -> &'static (Attributes, Attributes) {
    static PAIR: OnceLock<(Attributes, Attributes)> = OnceLock::new();
    PAIR.get_or_init(|| {
        pair(ck::CKM_RSA_PKCS_KEY_PAIR_GEN, &[(ck::CKA_MODULUS_BITS, Value::Ulong(2048))]).unwrap()
    })
}

/// A key pair on the curve with that DER identifier.
pub fn curve(key_type: u64, params: &[u8]) -> (Attributes, Attributes) {
    let id = match key_type {
        ck::CKK_EC => ck::CKM_EC_KEY_PAIR_GEN,
        ck::CKK_EC_EDWARDS => ck::CKM_EC_EDWARDS_KEY_PAIR_GEN,
        _ => ck::CKM_EC_MONTGOMERY_KEY_PAIR_GEN,
    };
    pair(id, &[(ck::CKA_EC_PARAMS, params.into())]).unwrap()
}

/// Runs `work` with a key and the row of mechanism `id`, after the checks that every token makes.
fn with<R>(id: u64, flag: u64, key: &Attributes, work: impl FnOnce(&Row, Key<'_>) -> Result<R>) -> Result<R> {
    let mechanism = Mechanism { row: row(id), params: Params::None };
    mechanism.require(flag)?;
    let material = Material::from_attributes(key)?;
    let key_type = key.ulong(ck::CKA_KEY_TYPE).unwrap();
    if !row(id).key_types.contains(&key_type) {
        return Err(Error::KeyTypeInconsistent);
    }
    if !(row(id).sizes.0..=row(id).sizes.1).contains(&material.size()) {
        return Err(Error::KeySizeRange);
    }
    work(row(id), Key { attributes: key, material: &material })
}

/// Signs `data`, given in parts of seven bytes.
pub fn sign(id: u64, params: &Params, key: &Attributes, data: &[u8]) -> Result<Vec<u8>> {
    with(id, ck::CKF_SIGN, key, |row, key| {
        let mut signer = row.family.sign(key, params)?;
        data.chunks(7).try_for_each(|part| signer.update(part))?;
        let mut signature = vec![0; signer.size()];
        let length = signer.finish(&mut signature)?;
        assert_eq!(length, signature.len(), "a signature has just the size told");
        Ok(signature)
    })
}

/// Checks a signature over `data`.
pub fn verify(id: u64, params: &Params, key: &Attributes, data: &[u8], signature: &[u8]) -> Result<()> {
    with(id, ck::CKF_VERIFY, key, |row, key| {
        let mut verifier = row.family.verify(key, params)?;
        data.chunks(7).try_for_each(|part| verifier.update(part))?;
        if !verifier.accepts(signature.len()) {
            return Err(Error::SignatureLenRange);
        }
        verifier.finish(signature)
    })
}

/// Encrypts, decrypts, or signs and verifies with recovery: in one step, and again in parts, which must
/// agree in what went wrong and, where nothing is random, in what comes out.
pub fn cipher(purpose: Purpose, id: u64, params: &Params, key: &Attributes, data: &[u8]) -> Result<Vec<u8>> {
    with(id, purpose.flag(), key, |row, key| {
        let begin = || match purpose {
            Purpose::Encrypt => row.family.encrypt(key, params),
            Purpose::Decrypt => row.family.decrypt(key, params),
            Purpose::SignRecover => row.family.sign_recover(key, params),
            _ => row.family.verify_recover(key, params),
        };
        let at_once = whole(begin()?, data);
        let step_by_step = in_parts(begin()?, data.chunks(7));
        match purpose {
            Purpose::Encrypt => assert_eq!(at_once.as_ref().err(), step_by_step.as_ref().err()),
            _ => assert_eq!(at_once, step_by_step),
        }
        at_once
    })
}

/// Wraps `encoded`.
pub fn wrap(id: u64, params: &Params, key: &Attributes, encoded: &[u8]) -> Result<Vec<u8>> {
    with(id, ck::CKF_WRAP, key, |row, key| row.family.wrap(key, params, encoded))
}

/// Unwraps.
pub fn unwrap(id: u64, params: &Params, key: &Attributes, wrapped: &[u8]) -> Result<Bytes> {
    with(id, ck::CKF_UNWRAP, key, |row, key| row.family.unwrap(key, params, wrapped))
}

/// Derives a secret.
pub fn derive(id: u64, params: &Params, key: &Attributes, wanted: Wanted) -> Result<Bytes> {
    with(id, ck::CKF_DERIVE, key, |row, key| row.family.derive(key, params, wanted))
}

/// Makes a secret with a public key: its ciphertext, of just the length told, and itself.
pub fn encapsulate(id: u64, params: &Params, key: &Attributes, wanted: Wanted) -> Result<(Vec<u8>, Bytes)> {
    with(id, ck::CKF_ENCAPSULATE, key, |row, key| {
        let size = row.family.ciphertext_size(key, params)?;
        let mut ciphertext = vec![0; size];
        let secret = row.family.encapsulate(key, params, wanted, &mut ciphertext)?;
        assert!(row.family.encapsulate(key, params, wanted, &mut vec![0; size - 1]).is_err());
        Ok((ciphertext, secret))
    })
}

/// Makes the secret behind a ciphertext with a private key.
pub fn decapsulate(
    id: u64,
    params: &Params,
    key: &Attributes,
    ciphertext: &[u8],
    wanted: Wanted,
) -> Result<Bytes> {
    with(id, ck::CKF_DECAPSULATE, key, |row, key| row.family.decapsulate(key, params, ciphertext, wanted))
}

/// A post-quantum key pair of the parameter set with that number.
pub fn pqc(key_type: u64, set: u64) -> (Attributes, Attributes) {
    let id = match key_type {
        ck::CKK_ML_DSA => ck::CKM_ML_DSA_KEY_PAIR_GEN,
        ck::CKK_ML_KEM => ck::CKM_ML_KEM_KEY_PAIR_GEN,
        _ => ck::CKM_SLH_DSA_KEY_PAIR_GEN,
    };
    pair(id, &[(ck::CKA_PARAMETER_SET, Value::Ulong(set))]).unwrap()
}
