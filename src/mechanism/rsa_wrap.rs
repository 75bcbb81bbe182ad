//! `CKM_RSA_AES_KEY_WRAP`: a key of any length under AES key wrap with padding, whose temporary key is under
//! RSA-OAEP (PKCS#11 3.2, section 6.1).

use super::params::Params;
use super::{Family, Key, rsa};
use crate::attribute::Bytes;
use crate::crypto;
use crate::crypto::cipher::{AES_WRAP_PAD, Direction, KeyWrap};
use crate::error::{Error, Result};
use zeroize::Zeroizing;

/// The mechanism.
pub struct RsaAesWrap;

impl Family for RsaAesWrap {
    fn wrap(&self, key: Key<'_>, params: &Params, encoded: &[u8]) -> Result<Vec<u8>> {
        let (length, oaep) = choices(params)?;
        let mut temporary = Zeroizing::new(vec![0; length]);
        crypto::random_secret(&mut temporary)?;
        let mut wrapped = rsa::OAEP.wrap(key, &oaep, &temporary).map_err(|error| match error {
            Error::KeySizeRange => Error::WrappingKeySizeRange,
            other => other,
        })?;
        let mut second = vec![0; encoded.len().next_multiple_of(8) + 8];
        let mut wrapping = KeyWrap::new(AES_WRAP_PAD, Direction::Encrypt, &temporary, None)?;
        let written = wrapping.wrap(encoded, &mut second)?;
        wrapped.extend_from_slice(&second[..written]);
        Ok(wrapped)
    }

    fn unwrap(&self, key: Key<'_>, params: &Params, wrapped: &[u8]) -> Result<Bytes> {
        let (length, oaep) = choices(params)?;
        let modulus = key.private()?.size();
        let (first, second) = wrapped.split_at_checked(modulus).ok_or(Error::WrappedKeyLenRange)?;
        if second.len() < 16 || !second.len().is_multiple_of(8) {
            return Err(Error::WrappedKeyLenRange);
        }
        let temporary = rsa::OAEP.unwrap(key, &oaep, first)?;
        if temporary.len() != length {
            return Err(Error::WrappedKeyInvalid);
        }
        let mut wrapping = KeyWrap::new(AES_WRAP_PAD, Direction::Decrypt, &temporary, None)?;
        let encoded = wrapping.unwrap(second).ok_or(Error::WrappedKeyInvalid)?;
        Ok(Bytes::from(&encoded[..]))
    }
}

/// Bytes of the temporary key, and the parameter of OAEP.
fn choices(params: &Params) -> Result<(usize, Params)> {
    match params {
        Params::RsaAesWrap { aes_bits: bits @ (128 | 192 | 256), oaep } => {
            Ok((*bits as usize / 8, Params::Oaep(oaep.clone())))
        }
        _ => Err(Error::MechanismParamInvalid),
    }
}

#[cfg(test)]
mod tests {
    use super::super::pair_testing::{pair, rsa, unwrap, wrap};
    use super::super::params::Oaep;
    use super::*;
    use crate::attribute::Value;
    use crate::crypto::Hash;
    use cryptoki_sys as ck;
    use openssl::aes::{AesKey, unwrap_key};

    const ID: u64 = ck::CKM_RSA_AES_KEY_WRAP;

    fn params(aes_bits: u32, hash: Hash) -> Params {
        Params::RsaAesWrap { aes_bits, oaep: Oaep { hash, mgf: hash, label: Vec::new() } }
    }

    #[test]
    fn keys_of_any_length_come_back() {
        for aes_bits in [128, 192, 256] {
            for length in [1, 7, 8, 9, 16, 32, 1217] {
                let encoded = vec![0xab; length];
                let wrapped = wrap(ID, &params(aes_bits, Hash::Sha256), &rsa().0, &encoded).unwrap();
                assert_eq!(wrapped.len(), 256 + length.next_multiple_of(8) + 8);
                let unwrapped = unwrap(ID, &params(aes_bits, Hash::Sha256), &rsa().1, &wrapped).unwrap();
                assert_eq!(unwrapped[..], encoded);
            }
        }
    }

    #[test]
    fn the_first_part_is_the_temporary_key_under_oaep() {
        let wrapped = wrap(ID, &params(256, Hash::Sha1), &rsa().0, &[7; 16]).unwrap();
        let oaep = Params::Oaep(Oaep { hash: Hash::Sha1, mgf: Hash::Sha1, label: Vec::new() });
        let temporary = unwrap(ck::CKM_RSA_PKCS_OAEP, &oaep, &rsa().1, &wrapped[..256]).unwrap();
        assert_eq!(temporary.len(), 32);
        // RFC 5649 differs from RFC 3394, which `openssl` has, in the first block alone: its constant and
        // the length.
        let first = [0xa6, 0x59, 0x59, 0xa6, 0, 0, 0, 16];
        let mut encoded = [0; 16];
        let key = AesKey::new_decrypt(&temporary).unwrap();
        unwrap_key(&key, Some(first), &mut encoded, &wrapped[256..]).unwrap();
        assert_eq!(encoded, [7; 16]);
    }

    #[test]
    fn what_was_changed_or_cut_is_refused() {
        let good = params(256, Hash::Sha256);
        let wrapped = wrap(ID, &good, &rsa().0, &[7; 40]).unwrap();
        let refused = |params: &Params, wrapped: &[u8]| unwrap(ID, params, &rsa().1, wrapped).unwrap_err();
        for at in [0, 255, 256, wrapped.len() - 1] {
            let mut changed = wrapped.clone();
            changed[at] ^= 1;
            assert_eq!(refused(&good, &changed), Error::WrappedKeyInvalid);
        }
        for length in [0, 255, 256, 264, wrapped.len() - 1] {
            assert_eq!(refused(&good, &wrapped[..length]), Error::WrappedKeyLenRange);
        }
        assert_eq!(refused(&params(128, Hash::Sha256), &wrapped), Error::WrappedKeyInvalid);
        assert_eq!(refused(&params(256, Hash::Sha1), &wrapped), Error::WrappedKeyInvalid);
        assert_eq!(refused(&params(512, Hash::Sha1), &wrapped), Error::MechanismParamInvalid);
        assert_eq!(refused(&Params::None, &wrapped), Error::MechanismParamInvalid);
    }

    #[test]
    fn a_modulus_without_room_for_the_temporary_key_is_refused() {
        let small = [(ck::CKA_MODULUS_BITS, Value::Ulong(1024))];
        let (public, _) = pair(ck::CKM_RSA_PKCS_KEY_PAIR_GEN, &small).unwrap();
        for hash in [Hash::Sha384, Hash::Sha512] {
            let refused = wrap(ID, &params(256, hash), &public, &[1; 16]).unwrap_err();
            assert_eq!(refused, Error::WrappingKeySizeRange);
        }
    }
}
