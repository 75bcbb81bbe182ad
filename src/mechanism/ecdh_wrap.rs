//! `CKM_ECDH_AES_KEY_WRAP` and its kin: a key of any length under AES key wrap with padding, whose temporary key is agreed on with a key pair
//! made for the purpose (PKCS#11 3.2, section 6.3).

use super::curves::Curve;
use super::pair_key::PairKey;
use super::{Family, Key, Params, Wanted, ec, ec_key, ecdh, point};
use crate::attribute::Bytes;
use crate::crypto::cipher::{AES_WRAP_PAD, Direction, KeyWrap};
use crate::crypto::kdf::AgreementKdf;
use crate::crypto::unexpected;
use crate::error::{Error, Result};
use cryptoki_sys as ck;
use openssl::pkey::Private;

/// The mechanism. What is wrapped begins with the point of the key pair that was made.
pub struct EcdhAesWrap {
    /// Whether the point is in a DER OCTET STRING, or as bare as the curve has it. The cofactor that goes with the first is 1 on our curves.
    in_octet_string: bool,
}

/// `CKM_ECDH_AES_KEY_WRAP`, on all curves, and `CKM_ECDH_X_AES_KEY_WRAP`, on Montgomery curves.
pub static BARE: EcdhAesWrap = EcdhAesWrap { in_octet_string: false };
/// `CKM_ECDH_COF_AES_KEY_WRAP`.
pub static COFACTOR: EcdhAesWrap = EcdhAesWrap { in_octet_string: true };

impl EcdhAesWrap {
    /// The point as it is written.
    fn written(&self, bare: Vec<u8>) -> Vec<u8> {
        if self.in_octet_string { point::octet_string(&bare) } else { bare }
    }
}

impl Family for EcdhAesWrap {
    fn wrap(&self, key: Key<'_>, params: &Params, encoded: &[u8]) -> Result<Vec<u8>> {
        let choices = Choices::of(params)?;
        let key = key.public()?;
        let curve = Curve::of(key)?;
        let own = ec::generate(curve)?;
        let point = ec_key::bare_point(curve, key).map_err(unexpected)?;
        let temporary = choices.temporary_key(&own.clone().into(), &point)?;
        let mut wrapped = self.written(ec_key::bare_point(curve, &own).map_err(unexpected)?);
        let mut second = vec![0; encoded.len().next_multiple_of(8) + 8];
        let mut wrapping = KeyWrap::new(AES_WRAP_PAD, Direction::Encrypt, &temporary, None)?;
        let written = wrapping.wrap(encoded, &mut second)?;
        wrapped.extend_from_slice(&second[..written]);
        Ok(wrapped)
    }

    fn unwrap(&self, key: Key<'_>, params: &Params, wrapped: &[u8]) -> Result<Bytes> {
        let choices = Choices::of(params)?;
        let key = key.private()?;
        let curve = Curve::of(key)?;
        let length = self.written(vec![0; point::bare_length(curve)]).len();
        let (first, second) = wrapped.split_at_checked(length).ok_or(Error::WrappedKeyLenRange)?;
        if second.len() < 16 || !second.len().is_multiple_of(8) {
            return Err(Error::WrappedKeyLenRange);
        }
        let bare = &first[length - point::bare_length(curve)..];
        if self.written(bare.to_vec()) != first {
            return Err(Error::WrappedKeyInvalid);
        }
        let temporary = choices.temporary_key(key, bare).map_err(|error| match error {
            Error::PublicKeyInvalid => Error::WrappedKeyInvalid,
            other => other,
        })?;
        let mut wrapping = KeyWrap::new(AES_WRAP_PAD, Direction::Decrypt, &temporary, None)?;
        let encoded = wrapping.unwrap(second).ok_or(Error::WrappedKeyInvalid)?;
        Ok(Bytes::from(&encoded[..]))
    }
}

/// What the parameter says.
struct Choices<'a> {
    /// Bytes of the temporary key.
    length: usize,
    /// How it is derived, and what both sides share for it.
    agreement: (Option<AgreementKdf>, &'a [u8]),
}

impl<'a> Choices<'a> {
    fn of(params: &'a Params) -> Result<Self> {
        match params {
            Params::EcdhAesWrap { kdf: None, shared, .. } if !shared.is_empty() => {
                Err(Error::MechanismParamInvalid)
            }
            Params::EcdhAesWrap { aes_bits: bits @ (128 | 192 | 256), kdf, shared } => {
                Ok(Choices { length: *bits as usize / 8, agreement: (*kdf, shared) })
            }
            _ => Err(Error::MechanismParamInvalid),
        }
    }

    /// The beginning of what is agreed on, where `CKM_ECDH1_DERIVE` by itself would take the end. A secret that is too short, without a
    /// derivation function, is `MechanismParamInvalid`.
    fn temporary_key(&self, key: &PairKey<Private>, point: &[u8]) -> Result<Bytes> {
        let length = self.agreement.0.map(|_| self.length);
        let wanted = Wanted { key_type: ck::CKK_GENERIC_SECRET, length };
        let agreed = ecdh::agreed(key, point, self.agreement, wanted)?;
        agreed.get(..self.length).map(Bytes::from).ok_or(Error::MechanismParamInvalid)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Material;
    use super::super::curves::CURVES;
    use super::super::pair_testing::{curve as pair, unwrap, wrap};
    use super::*;
    use crate::crypto::Hash;
    use openssl::bn::BigNumContext;
    use openssl::cipher::Cipher;
    use openssl::cipher_ctx::{CipherCtx, CipherCtxFlags};
    use openssl::derive::Deriver;
    use openssl::ec::{EcKey, EcPoint};
    use openssl::pkey::{Id, PKey, PKeyRef};

    const ID: u64 = ck::CKM_ECDH_AES_KEY_WRAP;

    fn params(aes_bits: u32, hash: Option<Hash>) -> Params {
        let shared = hash.map_or(vec![], |_| b"shared".to_vec());
        Params::EcdhAesWrap { aes_bits, kdf: hash.map(AgreementKdf::X963), shared }
    }

    /// Reads what was wrapped by OpenSSL's own agreement and key wrap and by X9.63 as it is defined, for a secret or one block of SHA-256.
    fn read_by_hand(
        bare: usize,
        skipped: usize,
        hashed: bool,
        bits: u32,
        key: &PKeyRef<Private>,
        wrapped: &[u8],
    ) -> Vec<u8> {
        let point = &wrapped[skipped..skipped + bare];
        let peer = match key.id() {
            Id::EC => {
                let key = key.ec_key().unwrap();
                let group = key.group();
                let mut context = BigNumContext::new().unwrap();
                let point = EcPoint::from_bytes(group, point, &mut context).unwrap();
                PKey::from_ec_key(EcKey::from_public_key(group, &point).unwrap()).unwrap()
            }
            id => PKey::public_key_from_raw_bytes(point, id).unwrap(),
        };
        let mut deriver = Deriver::new(key).unwrap();
        deriver.set_peer(&peer).unwrap();
        let mut secret = deriver.derive_to_vec().unwrap();
        if hashed {
            secret.extend_from_slice(b"\0\0\0\x01shared");
            secret = openssl::sha::sha256(&secret).to_vec();
        }
        let cipher = Cipher::fetch(None, &format!("AES-{bits}-WRAP-PAD"), None).unwrap();
        let mut context = CipherCtx::new().unwrap();
        context.set_flags(CipherCtxFlags::FLAG_WRAP_ALLOW);
        context.decrypt_init(Some(&cipher), Some(&secret[..bits as usize / 8]), None).unwrap();
        let mut encoded = vec![];
        context.cipher_update_vec(&wrapped[skipped + bare..], &mut encoded).unwrap();
        encoded
    }

    /// Section 6.3: the bare point, or with `CKM_ECDH_COF_AES_KEY_WRAP` in an OCTET STRING; the first bits of what is derived; key wrap with padding.
    #[test]
    fn openssl_reads_what_is_wrapped() {
        let (x25519, x448) = (ck::CKM_ECDH_X_AES_KEY_WRAP, ck::CKM_ECDH_X_AES_KEY_WRAP);
        for (name, id, header) in [
            ("P-256", ID, &[][..]),
            ("P-256", ck::CKM_ECDH_COF_AES_KEY_WRAP, &[4, 65]),
            ("P-521", ck::CKM_ECDH_COF_AES_KEY_WRAP, &[4, 0x81, 133]),
            ("P-384", ID, &[]),
            ("curve25519", ID, &[]),
            ("curve25519", x25519, &[]),
            ("curve448", x448, &[]),
        ] {
            let curve = CURVES.iter().find(|curve| curve.names.contains(&name)).unwrap();
            let (public, private) = pair(curve.key_type, curve.oid);
            let Material::Private(key) = Material::from_attributes(&private).unwrap() else { panic!() };
            for (bits, hash) in
                [(128, None), (256, None), (192, Some(Hash::Sha256)), (256, Some(Hash::Sha256))]
            {
                let wrapped = wrap(id, &params(bits, hash), &public, &[7; 21]).unwrap();
                assert_eq!(wrapped[..header.len()], *header, "{name}");
                let bare = point::bare_length(curve);
                let read = read_by_hand(bare, header.len(), hash.is_some(), bits, &key, &wrapped);
                assert_eq!(read, [7; 21], "{name} {bits}");
            }
        }
    }

    #[test]
    fn keys_of_any_length_come_back_on_every_curve() {
        for curve in CURVES.iter().filter(|curve| curve.key_type != ck::CKK_EC_EDWARDS) {
            let (public, private) = pair(curve.key_type, curve.oid);
            let other = match curve.key_type {
                ck::CKK_EC => ck::CKM_ECDH_COF_AES_KEY_WRAP,
                _ => ck::CKM_ECDH_X_AES_KEY_WRAP,
            };
            for (length, hash) in
                [(1, Some(Hash::Sha256)), (32, Some(Hash::Sha3_512)), (121, Some(Hash::Sha1)), (16, None)]
            {
                let (params, encoded) = (params(128, hash), vec![7; length]);
                for id in [ID, other] {
                    let wrapped = wrap(id, &params, &public, &encoded).unwrap();
                    assert_eq!(unwrap(id, &params, &private, &wrapped).unwrap()[..], encoded);
                }
            }
        }
    }

    #[test]
    fn an_octet_string_that_is_none_is_refused() {
        let (public, private) = pair(ck::CKK_EC, CURVES[1].oid);
        let params = params(256, None);
        let wrapped = wrap(ck::CKM_ECDH_COF_AES_KEY_WRAP, &params, &public, &[5; 16]).unwrap();
        for (at, byte) in [(0, 5), (1, 66), (1, 0x81)] {
            let mut altered = wrapped.clone();
            altered[at] = byte;
            let result = unwrap(ck::CKM_ECDH_COF_AES_KEY_WRAP, &params, &private, &altered);
            assert_eq!(result, Err(Error::WrappedKeyInvalid));
        }
    }

    #[test]
    fn parameters_that_cannot_be_are_refused() {
        let (public, _) = pair(ck::CKK_EC, CURVES[0].oid);
        let without_function = Params::EcdhAesWrap { aes_bits: 128, kdf: None, shared: vec![1] };
        // What P-224 agrees on is shorter than the key.
        for params in [without_function, params(256, None), params(100, None)] {
            assert_eq!(wrap(ID, &params, &public, &[5; 16]), Err(Error::MechanismParamInvalid));
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
    }
}
