//! Keys as bytes, for wrapping: a secret key is its value, a private key is PKCS#8 (PKCS#11 3.2, section
//! 6.7). And what else can be computed from a key's attributes.

use super::material::{Check, Material, SecretType, pair_type};
use super::secret;
use super::spki;
use crate::attribute::{Attributes, Bytes};
use crate::crypto::cipher::{self, Direction};
use crate::crypto::unexpected;
use crate::error::{Error, Result};
use cryptoki_sys as ck;
use openssl::pkey::PKey;

/// Encodes a secret or private key from all its attributes; other classes are `KeyNotWrappable`.
pub fn encode(attributes: &Attributes) -> Result<Bytes> {
    match Material::from_attributes(attributes) {
        Ok(Material::Secret(value)) => Ok(value.into_bytes()),
        Ok(Material::Private(key)) => key.private_key_to_pkcs8().map(Bytes::new).map_err(unexpected),
        Ok(Material::Public(_)) | Err(_) => Err(Error::KeyNotWrappable),
    }
}

/// The attributes that an encoded key of this class (`CKO_`) and type (`CKK_`) contributes: for a secret key
/// `CKA_VALUE`, for a private key its numbers, its curve and, where they can be had, those of the public
/// half. What is no such key is `WrappedKeyInvalid`, an unknown curve `CurveNotSupported`.
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
    if !SecretType::find(key_type)?.allows(encoded.len()) || !secret::has_parity(key_type, encoded) {
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
    if let Some(length) = length
        && encoded.get(length..).is_some_and(|filling| filling.iter().all(|byte| *byte == 0))
    {
        encoded.truncate(length);
    }
    encoded
}

/// Brings a new key's attributes into their full form: numbers without leading zeros, points in an OCTET
/// STRING, and what the standard gives the object and can be computed (`CKA_MODULUS_BITS`, the CRT parts of
/// an RSA private key, `CKA_VALUE_LEN`). Errors as [`Material::from_attributes`] has them; on an error
/// nothing has changed.
pub fn complete(attributes: &mut Attributes) -> Result<()> {
    let material = Material::from_attributes(attributes)?;
    let key_type = attributes.ulong(ck::CKA_KEY_TYPE).ok_or(Error::TemplateIncomplete)?;
    let parts = match &material {
        Material::Secret(value) if !secret::has_parity(key_type, value) => {
            return Err(Error::AttributeValueInvalid);
        }
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

/// `CKA_PUBLIC_KEY_INFO`: the DER of the SubjectPublicKeyInfo of a public key, or of the one that belongs to
/// a private key. `None` for other objects. The attributes are in their full form.
pub fn public_key_info(attributes: &Attributes) -> Option<Vec<u8>> {
    let class = attributes.ulong(ck::CKA_CLASS);
    if !matches!(class, Some(ck::CKO_PUBLIC_KEY | ck::CKO_PRIVATE_KEY)) {
        return None;
    }
    if let Some(info) = spki::of(attributes) {
        return Some(info);
    }
    match Material::from_attributes(attributes).ok()? {
        Material::Public(key) => key.public_key_to_der().ok(),
        Material::Private(key) => key.public_key_to_der().ok(),
        Material::Secret(_) => None,
    }
}

/// Whether two SubjectPublicKeyInfos are the same key, be they encoded differently.
pub fn same_public_key(one: &[u8], other: &[u8]) -> bool {
    let key = |info| PKey::public_key_from_der(info).ok();
    one == other || key(one).zip(key(other)).is_some_and(|(one, other)| one.public_eq(&other))
}

/// `CKA_CHECK_VALUE` of a secret key, from all its attributes. `None` for other objects.
pub fn check_value(attributes: &Attributes) -> Option<[u8; 3]> {
    if attributes.ulong(ck::CKA_CLASS) != Some(ck::CKO_SECRET_KEY) {
        return None;
    }
    let row = SecretType::find(attributes.ulong(ck::CKA_KEY_TYPE)?).ok()?;
    let value = attributes.bytes(ck::CKA_VALUE).filter(|value| row.allows(value.len()))?;
    let block = match row.check {
        Check::Aes => zero_block(cipher::AES_ECB, value),
        Check::Aria => zero_block(cipher::ARIA_ECB, value),
        Check::Camellia => zero_block(cipher::CAMELLIA_ECB, value),
        Check::Des => zero_block(cipher::DES_ECB, value),
        Check::Sha1 => return openssl::sha::sha1(value).first_chunk().copied(),
    };
    block.ok()?.first_chunk().copied()
}

/// What a cipher makes of a block of zeros.
fn zero_block(mode: cipher::Mode, key: &[u8]) -> Result<[u8; 16]> {
    let mut cipher = cipher::stream(mode, Direction::Encrypt, key, None, false)?;
    let mut block = [0; 16];
    cipher.update(&[0; 16], &mut block)?;
    Ok(block)
}

#[cfg(test)]
mod tests {
    use super::super::curves::CURVES;
    use super::super::pair_testing::{curve as pair, object, rsa};
    use super::*;
    use openssl::ec::{EcGroup, EcKey};
    use openssl::nid::Nid;
    use openssl::rsa::Rsa;

    fn secret(key_type: u64, value: &[u8]) -> Attributes {
        object(ck::CKO_SECRET_KEY, key_type, [(ck::CKA_VALUE, value.into())])
    }

    /// All private keys that can be made here, with their type.
    fn private_keys() -> Vec<(u64, Attributes)> {
        let curves = CURVES.iter().map(|curve| (curve.key_type, pair(curve.key_type, curve.oid).1));
        curves.chain([(ck::CKK_RSA, rsa().1.clone())]).collect()
    }

    #[test]
    fn private_keys_survive_wrapping() {
        for (key_type, key) in private_keys() {
            let encoded = encode(&key).unwrap();
            let mut decoded = decode(ck::CKO_PRIVATE_KEY, key_type, &encoded).unwrap();
            decoded.set(ck::CKA_CLASS, ck::CKO_PRIVATE_KEY);
            decoded.set(ck::CKA_KEY_TYPE, key_type);
            assert_eq!(decoded, key);
            // Ciphers without padding of their own leave zeros behind.
            let padded = [&encoded[..], &[0; 7]].concat();
            assert!(decode(ck::CKO_PRIVATE_KEY, key_type, &padded).is_ok());
        }
    }

    #[test]
    fn openssl_reads_what_is_encoded_and_is_read() {
        for (_, key) in private_keys() {
            assert!(PKey::private_key_from_pkcs8(&encode(&key).unwrap()).is_ok());
        }
        let rsa = PKey::from_rsa(Rsa::generate(1024).unwrap()).unwrap();
        let decoded = decode(ck::CKO_PRIVATE_KEY, ck::CKK_RSA, &rsa.private_key_to_pkcs8().unwrap()).unwrap();
        assert_eq!(decoded.bytes(ck::CKA_MODULUS), Some(&rsa.rsa().unwrap().n().to_vec()[..]));
        let ed = PKey::generate_ed25519().unwrap();
        let encoded = ed.private_key_to_pkcs8().unwrap();
        let decoded = decode(ck::CKO_PRIVATE_KEY, ck::CKK_EC_EDWARDS, &encoded).unwrap();
        assert_eq!(decoded.bytes(ck::CKA_VALUE), Some(&ed.raw_private_key().unwrap()[..]));
    }

    #[test]
    fn what_is_no_such_key_is_not_decoded() {
        let ec = encode(&pair(ck::CKK_EC, CURVES[0].oid).1).unwrap();
        let invalid = |class, key_type, encoded: &[u8]| decode(class, key_type, encoded).unwrap_err();
        for key_type in [ck::CKK_RSA, ck::CKK_EC_EDWARDS, ck::CKK_EC_MONTGOMERY, ck::CKK_DSA, ck::CKK_AES] {
            assert_eq!(invalid(ck::CKO_PRIVATE_KEY, key_type, &ec), Error::WrappedKeyInvalid);
        }
        for encoded in [&b""[..], b"\x30\x00", &ec[..ec.len() - 1], &[0xff; 100]] {
            assert_eq!(invalid(ck::CKO_PRIVATE_KEY, ck::CKK_EC, encoded), Error::WrappedKeyInvalid);
        }
        assert_eq!(invalid(ck::CKO_PUBLIC_KEY, ck::CKK_EC, &ec), Error::WrappedKeyInvalid);
        assert_eq!(invalid(ck::CKO_SECRET_KEY, ck::CKK_AES, &[1; 15]), Error::WrappedKeyInvalid);
        assert_eq!(invalid(ck::CKO_SECRET_KEY, ck::CKK_GENERIC_SECRET, b""), Error::WrappedKeyInvalid);
        assert_eq!(invalid(ck::CKO_SECRET_KEY, ck::CKK_RSA, &[1; 16]), Error::WrappedKeyInvalid);
        let group = EcGroup::from_curve_name(Nid::SECP160R1).unwrap();
        let other = PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap();
        let encoded = other.private_key_to_pkcs8().unwrap();
        assert_eq!(invalid(ck::CKO_PRIVATE_KEY, ck::CKK_EC, &encoded), Error::CurveNotSupported);
        let small = PKey::from_rsa(Rsa::generate(512).unwrap()).unwrap().private_key_to_pkcs8().unwrap();
        assert_eq!(invalid(ck::CKO_PRIVATE_KEY, ck::CKK_RSA, &small), Error::WrappedKeyInvalid);
    }

    #[test]
    fn secret_keys_are_their_value() {
        let key = secret(ck::CKK_AES, &[9; 24]);
        assert_eq!(encode(&key).unwrap()[..], [9; 24]);
        let decoded = decode(ck::CKO_SECRET_KEY, ck::CKK_AES, &[9; 24]).unwrap();
        assert_eq!(decoded.bytes(ck::CKA_VALUE), Some(&[9; 24][..]));
    }

    #[test]
    fn only_secret_and_private_keys_are_encoded() {
        let certificate = object(ck::CKO_CERTIFICATE, 0, []);
        let no_key = secret(ck::CKK_AES, &[1; 3]);
        for object in [&rsa().0, &certificate, &no_key, &Attributes::new()] {
            assert_eq!(encode(object), Err(Error::KeyNotWrappable));
        }
    }

    #[test]
    fn secret_keys_have_lengths_of_their_type() {
        for (key_type, good, bad) in [
            (ck::CKK_AES, &[16, 24, 32][..], &[0, 8, 15, 33][..]),
            (ck::CKK_DES3, &[24], &[0, 8, 16, 25]),
            (ck::CKK_DES, &[8], &[0, 7, 16]),
            (ck::CKK_DES2, &[16], &[24]),
            (ck::CKK_GENERIC_SECRET, &[1, 1000], &[0]),
            (ck::CKK_SHA256_HMAC, &[1, 32, 1000], &[0]),
        ] {
            for length in good {
                let mut key = secret(key_type, &vec![1; *length]);
                assert_eq!(Material::from_attributes(&key).unwrap().size(), *length as u64);
                complete(&mut key).unwrap();
                let told =
                    if SecretType::find(key_type).unwrap().has_length { Some(*length as u64) } else { None };
                assert_eq!(key.ulong(ck::CKA_VALUE_LEN), told);
            }
            for length in bad {
                let mut key = secret(key_type, &vec![1; *length]);
                assert_eq!(complete(&mut key), Err(Error::AttributeValueInvalid), "{key_type:#x} {length}");
            }
        }
        let unknown = Material::from_attributes(&secret(ck::CKK_CAST128, &[1; 16])).err();
        assert_eq!(unknown, Some(Error::KeyTypeInconsistent));
    }

    #[test]
    fn a_des_key_from_outside_has_odd_parity() {
        for (key_type, length) in [(ck::CKK_DES, 8), (ck::CKK_DES2, 16), (ck::CKK_DES3, 24)] {
            let mut value = vec![0xfe; length];
            assert!(complete(&mut secret(key_type, &value)).is_ok());
            assert!(decode(ck::CKO_SECRET_KEY, key_type, &value).is_ok());
            value[length - 1] ^= 1;
            assert_eq!(complete(&mut secret(key_type, &value)), Err(Error::AttributeValueInvalid));
            let result = decode(ck::CKO_SECRET_KEY, key_type, &value);
            assert_eq!(result, Err(Error::WrappedKeyInvalid));
        }
    }

    #[test]
    fn check_values_are_those_of_the_standard() {
        let of = |key_type, value: &[u8]| check_value(&secret(key_type, value)).map(hex::encode);
        // AES of a zero block under a zero key, triple DES of the same, SHA-1 of "abc": known from
        // everywhere.
        assert_eq!(of(ck::CKK_AES, &[0; 16]).unwrap(), "66e94b");
        assert_eq!(of(ck::CKK_AES, &[0; 32]).unwrap(), "dc95c0");
        assert_eq!(of(ck::CKK_DES3, &[0; 24]).unwrap(), "8ca64d");
        assert_eq!(of(ck::CKK_DES2, &[0; 16]).unwrap(), "8ca64d");
        assert_eq!(of(ck::CKK_DES, &[0; 8]).unwrap(), "8ca64d");
        assert_eq!(of(ck::CKK_GENERIC_SECRET, b"abc").unwrap(), "a9993e");
        assert_eq!(of(ck::CKK_SHA256_HMAC, b"abc").unwrap(), "a9993e");
        assert_eq!(of(ck::CKK_AES, &[0; 5]), None);
        assert_eq!(check_value(&rsa().0), None);
        assert_eq!(check_value(&rsa().1), None);
    }

    #[test]
    fn both_halves_tell_the_same_public_key_and_others_none() {
        let info = public_key_info(&rsa().0).unwrap();
        assert_eq!(public_key_info(&rsa().1), Some(info.clone()));
        let key = PKey::public_key_from_der(&info).unwrap();
        assert_eq!(rsa().0.bytes(ck::CKA_MODULUS), Some(&key.rsa().unwrap().n().to_vec()[..]));
        assert_eq!(public_key_info(&secret(ck::CKK_AES, &[1; 16])), None);
        assert_eq!(public_key_info(&Attributes::new()), None);
    }
}
