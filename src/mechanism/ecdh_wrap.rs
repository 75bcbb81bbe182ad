//! `CKM_ECDH_AES_KEY_WRAP` and its kin: a key of any length under AES key wrap with padding, whose temporary key is agreed on with a key pair
//! made for the purpose (PKCS#11 3.2, section 6.3).

use super::curves::Curve;
use super::{Family, Key, Params, Wanted, ec, ec_key, ecdh};
use crate::attribute::Bytes;
use crate::crypto::cipher::{AES_WRAP_PAD, Direction, KeyWrap};
use crate::crypto::{Hash, unexpected};
use crate::error::{Error, Result};
use cryptoki_sys as ck;

/// The mechanism, on all curves; with the cofactor (`CKM_ECDH_COF_AES_KEY_WRAP`), which our Weierstrass curves do not have; and on Montgomery
/// curves alone (`CKM_ECDH_X_AES_KEY_WRAP`). What is wrapped begins with the bare point of the key pair.
pub struct EcdhAesWrap;

impl Family for EcdhAesWrap {
    fn wrap(&self, key: Key<'_>, params: &Params, encoded: &[u8]) -> Result<Vec<u8>> {
        let (wanted, agreement) = choices(params)?;
        let key = key.public()?;
        let curve = Curve::of(key)?;
        let own = ec::generate(curve).map_err(unexpected)?;
        let point = ec_key::bare_point(curve, key).map_err(unexpected)?;
        let temporary = ecdh::agreed(&own.clone().into(), &point, agreement, wanted)?;
        let mut wrapped = ec_key::bare_point(curve, &own).map_err(unexpected)?;
        let mut second = vec![0; encoded.len().next_multiple_of(8) + 8];
        let mut wrapping = KeyWrap::new(AES_WRAP_PAD, Direction::Encrypt, &temporary, None)?;
        let written = wrapping.wrap(encoded, &mut second)?;
        wrapped.extend_from_slice(&second[..written]);
        Ok(wrapped)
    }

    fn unwrap(&self, key: Key<'_>, params: &Params, wrapped: &[u8]) -> Result<Bytes> {
        let (wanted, agreement) = choices(params)?;
        let key = key.private()?;
        let curve = Curve::of(key)?;
        let length = ec_key::bare_point(curve, key).map_err(unexpected)?.len();
        let (point, second) = wrapped.split_at_checked(length).ok_or(Error::WrappedKeyLenRange)?;
        if second.len() < 16 || !second.len().is_multiple_of(8) {
            return Err(Error::WrappedKeyLenRange);
        }
        let temporary = ecdh::agreed(key, point, agreement, wanted).map_err(|error| match error {
            Error::PublicKeyInvalid => Error::WrappedKeyInvalid,
            other => other,
        })?;
        let mut wrapping = KeyWrap::new(AES_WRAP_PAD, Direction::Decrypt, &temporary, None)?;
        let encoded = wrapping.unwrap(second).ok_or(Error::WrappedKeyInvalid)?;
        Ok(Bytes::from(&encoded[..]))
    }
}

/// A derivation function, and what both sides share for it.
type Agreement<'a> = (Option<Hash>, &'a [u8]);

/// The temporary key, and how it is derived.
fn choices(params: &Params) -> Result<(Wanted, Agreement<'_>)> {
    match params {
        Params::EcdhAesWrap { aes_bits: bits @ (128 | 192 | 256), kdf, shared } => {
            let wanted = Wanted { key_type: ck::CKK_AES, length: Some(*bits as usize / 8) };
            Ok((wanted, (*kdf, shared)))
        }
        _ => Err(Error::MechanismParamInvalid),
    }
}

#[cfg(test)]
mod tests {
    use super::super::curves::CURVES;
    use super::super::pair_testing::{curve as pair, derive, unwrap, wrap};
    use super::*;

    const ID: u64 = ck::CKM_ECDH_AES_KEY_WRAP;

    fn params(aes_bits: u32, kdf: Option<Hash>) -> Params {
        Params::EcdhAesWrap { aes_bits, kdf, shared: kdf.map_or(vec![], |_| b"shared".to_vec()) }
    }

    /// What is wrapped is read again by the agreement and the key wrap that have vectors of their own.
    #[test]
    fn keys_of_any_length_come_back_on_every_curve() {
        for curve in CURVES.iter().filter(|curve| curve.key_type != ck::CKK_EC_EDWARDS) {
            let (public, private) = pair(curve.key_type, curve.oid);
            for (length, kdf) in
                [(1, Some(Hash::Sha256)), (32, Some(Hash::Sha3_512)), (121, Some(Hash::Sha1))]
            {
                let params = params(256, kdf);
                let encoded = vec![7; length];
                let wrapped = wrap(ID, &params, &public, &encoded).unwrap();
                let other = match curve.key_type {
                    ck::CKK_EC => ck::CKM_ECDH_COF_AES_KEY_WRAP,
                    _ => ck::CKM_ECDH_X_AES_KEY_WRAP,
                };
                for id in [ID, other] {
                    assert_eq!(unwrap(id, &params, &private, &wrapped).unwrap()[..], encoded);
                }
                let by_other = wrap(other, &params, &public, &encoded).unwrap();
                assert_eq!(unwrap(ID, &params, &private, &by_other).unwrap()[..], encoded);
                let point = wrapped.len() - encoded.len().next_multiple_of(8) - 8;
                let agreement =
                    Params::Ecdh { kdf, shared: b"shared".to_vec(), public: wrapped[..point].to_vec() };
                let wanted = Wanted { key_type: ck::CKK_AES, length: Some(32) };
                let temporary = derive(ck::CKM_ECDH1_DERIVE, &agreement, &private, wanted).unwrap();
                let mut wrapping = KeyWrap::new(AES_WRAP_PAD, Direction::Decrypt, &temporary, None).unwrap();
                assert_eq!(wrapping.unwrap(&wrapped[point..]).unwrap()[..], encoded);
            }
        }
    }

    #[test]
    fn what_was_altered_or_is_too_short_is_refused() {
        let (public, private) = pair(ck::CKK_EC, CURVES[1].oid);
        let params = params(128, Some(Hash::Sha256));
        let wrapped = wrap(ID, &params, &public, &[5; 16]).unwrap();
        for at in [5, wrapped.len() - 1] {
            let mut altered = wrapped.clone();
            altered[at] ^= 1;
            assert_eq!(unwrap(ID, &params, &private, &altered), Err(Error::WrappedKeyInvalid));
        }
        for length in [0, 60, wrapped.len() - 1] {
            let result = unwrap(ID, &params, &private, &wrapped[..length]);
            assert_eq!(result, Err(Error::WrappedKeyLenRange));
        }
        let odd = Params::EcdhAesWrap { aes_bits: 100, kdf: None, shared: vec![] };
        assert_eq!(wrap(ID, &odd, &public, &[5; 16]), Err(Error::MechanismParamInvalid));
    }
}
