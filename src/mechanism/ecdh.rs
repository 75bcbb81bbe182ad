//! Key agreement on Weierstrass and Montgomery curves, and encapsulation by it (PKCS#11 3.2, section 6.3).

use super::pair_key::{PairKey, Task};
use super::{Family, Key, Params, Wanted, ec, ec_key, encapsulated, peer, point, secret};
use crate::attribute::Bytes;
use crate::crypto::ffi::named_key;
use crate::crypto::kdf::AgreementKdf;
use crate::crypto::unexpected;
use crate::error::{Error, Result};
use openssl::pkey::Private;
use openssl::pkey_ctx::PkeyCtxRef;

/// `CKM_ECDH1_DERIVE` and `CKM_ECDH1_COFACTOR_DERIVE`, which are one: the Weierstrass curves we have are of
/// prime order, so there is no cofactor to multiply by.
pub struct Ecdh;

impl Family for Ecdh {
    fn derive(&self, base: Key<'_>, params: &Params, wanted: Wanted) -> Result<Bytes> {
        let Params::Ecdh { public, .. } = params else {
            return Err(Error::MechanismParamInvalid);
        };
        let function = function(params)?;
        let key = base.private()?;
        let bare = point::bare(key.curve()?, public).ok_or(Error::MechanismParamInvalid)?;
        agreed(key, bare, function, wanted)
    }

    fn ciphertext_size(&self, key: Key<'_>, params: &Params) -> Result<usize> {
        names_no_peer(params)?;
        Ok(point::bare_length(key.public()?.curve()?))
    }

    fn encapsulate(
        &self,
        key: Key<'_>,
        params: &Params,
        wanted: Wanted,
        ciphertext: &mut [u8],
    ) -> Result<Bytes> {
        names_no_peer(params)?;
        let peer = key.public()?;
        let curve = peer.curve()?;
        let ephemeral = ec::generate(curve)?;
        let public = ec_key::bare_point(curve, &*ephemeral).map_err(unexpected)?;
        let bare = ec_key::bare_point(curve, &**peer).map_err(unexpected)?;
        let secret = agreed(&ephemeral.into(), &bare, function(params)?, wanted)?;
        encapsulated(&public, ciphertext)?;
        Ok(secret)
    }

    fn decapsulate(&self, key: Key<'_>, params: &Params, ciphertext: &[u8], wanted: Wanted) -> Result<Bytes> {
        names_no_peer(params)?;
        let key = key.private()?;
        let bare = point::bare(key.curve()?, ciphertext).ok_or(Error::WrappedKeyLenRange)?;
        agreed(key, bare, function(params)?, wanted).map_err(|error| match error {
            Error::PublicKeyInvalid => Error::WrappedKeyInvalid,
            other => other,
        })
    }
}

/// In an encapsulation the other side's point is the public key or the ciphertext, not part of the parameter.
fn names_no_peer(params: &Params) -> Result<()> {
    match params {
        Params::Ecdh { public, .. } if public.is_empty() => Ok(()),
        _ => Err(Error::MechanismParamInvalid),
    }
}

/// The derivation function that the parameter names, and what both sides share for it: nothing without a function.
fn function(params: &Params) -> Result<(Option<AgreementKdf>, &[u8])> {
    match params {
        Params::Ecdh { kdf: None, shared, .. } if !shared.is_empty() => Err(Error::MechanismParamInvalid),
        Params::Ecdh { kdf, shared, .. } => Ok((*kdf, shared)),
        _ => Err(Error::MechanismParamInvalid),
    }
}

/// What `key` and another side's point agree on, by a derivation function with what both share, or as it is.
pub(super) fn agreed(
    key: &PairKey<Private>,
    point: &[u8],
    function: (Option<AgreementKdf>, &[u8]),
    wanted: Wanted,
) -> Result<Bytes> {
    secret::of_agreement(agree(key, point)?, function, wanted)
}

/// The shared secret: the x coordinate, or what X25519 and X448 yield. A point that is not on the curve, or
/// leads to nothing (a small order), is `PublicKeyInvalid`.
fn agree(key: &PairKey<Private>, point: &[u8]) -> Result<Bytes> {
    let curve = key.curve()?;
    let set_up = |context: &mut PkeyCtxRef<Private>| context.derive_init().map_err(unexpected);
    let mut secret = Bytes::zeroed(curve.size);
    let length = peer::with(curve, point, |peer| {
        key.block(&Task::Agreement, set_up, |context| {
            let agreed = named_key::set_peer(context, peer).and_then(|()| context.derive(Some(&mut secret)));
            agreed.map_err(|_| Error::PublicKeyInvalid)
        })
    })?;
    if length == secret.len() { Ok(secret) } else { Err(Error::FunctionFailed) }
}

#[cfg(test)]
mod tests {
    use super::super::Material;
    use super::super::curves::{CURVES, Curve};
    use super::super::pair_testing::{curve as pair, decapsulate, derive, encapsulate, object};
    use super::*;
    use crate::attribute::Attributes;
    use crate::crypto::{Hash, kdf};
    use cryptoki_sys as ck;
    use openssl::bn::{BigNum, BigNumContext};

    const GENERIC: Wanted = Wanted { key_type: ck::CKK_GENERIC_SECRET, length: None };

    fn params(public: &[u8], hash: Option<Hash>, shared: &[u8]) -> Params {
        let kdf = hash.map(AgreementKdf::X963);
        Params::Ecdh { kdf, shared: shared.to_vec(), public: public.to_vec() }
    }

    fn point_of(public: &Attributes) -> &[u8] {
        public.bytes(ck::CKA_EC_POINT).unwrap()
    }

    fn secret_of(key: &Attributes, peer: &[u8]) -> Result<Bytes> {
        derive(ck::CKM_ECDH1_DERIVE, &params(peer, None, b""), key, GENERIC)
    }

    #[test]
    fn both_sides_agree_on_every_curve_in_every_form() {
        for curve in CURVES.iter().filter(|curve| curve.key_type != ck::CKK_EC_EDWARDS) {
            let (public, private) = pair(curve.key_type, curve.oid);
            let (other_public, other_private) = pair(curve.key_type, curve.oid);
            let secret = secret_of(&private, point_of(&other_public)).unwrap();
            assert_eq!(secret.len(), curve.size);
            assert_eq!(secret_of(&other_private, point_of(&public)).unwrap(), secret);
            let bare = point::bare(curve, point_of(&other_public)).unwrap();
            assert_eq!(secret_of(&private, bare).unwrap(), secret);
            if curve.key_type == ck::CKK_EC {
                let params = params(bare, None, b"");
                assert_eq!(
                    derive(ck::CKM_ECDH1_COFACTOR_DERIVE, &params, &private, GENERIC).unwrap(),
                    secret
                );
            }
        }
    }

    /// RFC 7748, section 6.1.
    #[test]
    fn x25519_is_the_one_of_the_rfc() {
        let value = hex::decode("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a").unwrap();
        let peer = hex::decode("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f").unwrap();
        let params = (ck::CKA_EC_PARAMS, (&b"\x13\x0acurve25519"[..]).into());
        let key = object(ck::CKO_PRIVATE_KEY, ck::CKK_EC_MONTGOMERY, [params, (ck::CKA_VALUE, value.into())]);
        let secret = "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742";
        assert_eq!(hex::encode(&secret_of(&key, &peer).unwrap()[..]), secret);
    }

    #[test]
    fn what_is_too_long_loses_its_beginning() {
        let curve = &CURVES[3];
        let (_, private) = pair(ck::CKK_EC, curve.oid);
        let (other, _) = pair(ck::CKK_EC, curve.oid);
        let secret = secret_of(&private, point_of(&other)).unwrap();
        let params = params(point_of(&other), None, b"");
        let cut =
            |key_type, length| derive(ck::CKM_ECDH1_DERIVE, &params, &private, Wanted { key_type, length });
        assert_eq!(cut(ck::CKK_GENERIC_SECRET, Some(16)).unwrap()[..], secret[50..]);
        assert_eq!(cut(ck::CKK_GENERIC_SECRET, Some(66)).unwrap(), secret);
        assert_eq!(cut(ck::CKK_AES, None).unwrap()[..], secret[34..]);
        let mut des3 = secret[42..].to_vec();
        secret::adjust_parity(ck::CKK_DES3, &mut des3);
        assert_eq!(cut(ck::CKK_DES3, None).unwrap()[..], des3);
        assert_eq!(cut(ck::CKK_GENERIC_SECRET, Some(0)), Err(Error::TemplateInconsistent));
        assert_eq!(cut(ck::CKK_GENERIC_SECRET, Some(67)), Err(Error::TemplateInconsistent));
        assert_eq!(cut(ck::CKK_GENERIC_SECRET, Some(usize::MAX)), Err(Error::TemplateInconsistent));
    }

    /// The X9.63 vectors of NIST's validation programme for SHA-256 (a secret of 192 bits, no info, 128 bits
    /// out).
    #[test]
    fn the_derivation_function_is_that_of_x963() {
        let secret = hex::decode("96c05619d56c328ab95fe84b18264b08725b85e33fd34f08").unwrap();
        let mut key = [0; 16];
        kdf::x963(Hash::Sha256, &secret, b"", &mut key).unwrap();
        assert_eq!(hex::encode(key), "443024c3dae66b95e6f5670601558f71");
    }

    /// Each block is the digest of a counter from 1 on, the secret, and the info (SP 800-56C, section 4).
    #[test]
    fn the_one_step_function_is_that_of_its_definition() {
        let (secret, info) = ([7; 66], b"info");
        for row in super::super::hash::HASHES.iter().filter(|row| row.one_step.is_some()) {
            let blocks = [1, 2].map(|counter: u8| {
                let counted = [&[0, 0, 0, counter][..], &secret, info].concat();
                let mut digester = crate::crypto::digest::Digest::new(row.hash).unwrap();
                digester.update(&counted).unwrap();
                let mut digest = vec![0; row.hash.size()];
                digester.finish(&mut digest).unwrap();
                digest
            });
            let mut derived = vec![0; 2 * row.hash.size() - 3];
            kdf::one_step(row.hash, &secret, info, &mut derived).unwrap();
            assert_eq!(derived, blocks.concat()[..derived.len()], "{:?}", row.hash);
        }
    }

    #[test]
    fn derived_keys_have_the_wanted_length_and_depend_on_digest_and_info() {
        let (_, private) = pair(ck::CKK_EC, CURVES[1].oid);
        let (other, _) = pair(ck::CKK_EC, CURVES[1].oid);
        let peer = point_of(&other);
        let secret = secret_of(&private, peer).unwrap();
        let derived = |kdf, info: &[u8], wanted| {
            derive(ck::CKM_ECDH1_DERIVE, &params(peer, Some(kdf), info), &private, wanted)
        };
        let mut seen = Vec::new();
        for row in super::super::hash::HASHES {
            for info in [&b""[..], b"info"] {
                let wanted = Wanted { key_type: ck::CKK_GENERIC_SECRET, length: Some(100) };
                let key = derived(row.hash, info, wanted).unwrap();
                // Each block is the digest of the secret, a counter from 1 on, and the info.
                let counted = [&secret[..], &[0, 0, 0, 2], info].concat();
                let mut digest = vec![0; row.hash.size()];
                let mut digester = crate::crypto::digest::Digest::new(row.hash).unwrap();
                digester.update(&counted).unwrap();
                digester.finish(&mut digest).unwrap();
                let end = (2 * digest.len()).min(100);
                assert_eq!(key[digest.len()..end], digest[..end - digest.len()]);
                assert!(!seen.contains(&key));
                seen.push(key);
            }
        }
        let fixed = Wanted { key_type: ck::CKK_DES3, length: None };
        assert_eq!(derived(Hash::Sha256, b"", fixed).unwrap().len(), 24);
        assert_eq!(derived(Hash::Sha256, b"", GENERIC), Err(Error::TemplateIncomplete));
        for length in [0, 4097, usize::MAX] {
            let absurd = Wanted { key_type: ck::CKK_GENERIC_SECRET, length: Some(length) };
            assert_eq!(derived(Hash::Sha256, b"", absurd), Err(Error::TemplateInconsistent));
        }
    }

    #[test]
    fn what_is_no_peer_is_refused() {
        let (_, private) = pair(ck::CKK_EC, CURVES[1].oid);
        let (other, _) = pair(ck::CKK_EC, CURVES[1].oid);
        let (elsewhere, _) = pair(ck::CKK_EC, CURVES[4].oid);
        let mut off = point_of(&other).to_vec();
        off[40] ^= 1;
        assert_eq!(secret_of(&private, &off), Err(Error::PublicKeyInvalid));
        assert_eq!(secret_of(&private, point_of(&elsewhere)), Err(Error::PublicKeyInvalid));
        assert_eq!(secret_of(&private, b""), Err(Error::MechanismParamInvalid));
        assert_eq!(secret_of(&private, &[4; 64]), Err(Error::MechanismParamInvalid));
        let with_info = params(point_of(&other), None, b"info");
        let refused = derive(ck::CKM_ECDH1_DERIVE, &with_info, &private, GENERIC);
        assert_eq!(refused, Err(Error::MechanismParamInvalid));
        for curve in CURVES.iter().filter(|curve| curve.key_type == ck::CKK_EC_MONTGOMERY) {
            let (_, private) = pair(curve.key_type, curve.oid);
            assert_eq!(secret_of(&private, &vec![0; curve.size]), Err(Error::PublicKeyInvalid));
        }
    }

    /// One key and one other side after the other, whose keys are kept in between.
    #[test]
    fn no_point_is_taken_for_the_one_before_and_each_is_looked_at() {
        let curve = &CURVES[1];
        let (_, private) = pair(ck::CKK_EC, curve.oid);
        let Material::Private(key) = Material::from_attributes(&private).unwrap() else { panic!() };
        let group = curve.group().unwrap();
        let mut modulus = BigNum::new().unwrap();
        let (mut a, mut b) = (BigNum::new().unwrap(), BigNum::new().unwrap());
        let mut numbers = BigNumContext::new().unwrap();
        group.components_gfp(&mut modulus, &mut a, &mut b, &mut numbers).unwrap();
        for _ in 0..3 {
            let (other, other_private) = pair(ck::CKK_EC, curve.oid);
            let right = point::bare(curve, point_of(&other)).unwrap().to_vec();
            let secret = secret_of(&other_private, point_of(&private)).unwrap();
            assert_eq!(agree(&key, &right), Ok(secret.clone()));
            let mut compressed = right[..33].to_vec();
            compressed[0] = 2 + (right[64] & 1);
            assert_eq!(agree(&key, &compressed), Ok(secret.clone()));
            let mut hybrid = right.clone();
            hybrid[0] = 6 + (right[64] & 1);
            assert_eq!(agree(&key, &hybrid), Ok(secret.clone()));
            hybrid[0] ^= 1;
            let mut off = right.clone();
            off[40] ^= 1;
            // No coordinate is as large as the modulus.
            let mut beyond = right.clone();
            beyond[1..33].copy_from_slice(&modulus.to_vec());
            let infinity = [0; 65];
            for wrong in [&hybrid[..], &off, &beyond, &infinity, &infinity[..1], &right[..64], b""] {
                assert_eq!(agree(&key, wrong), Err(Error::PublicKeyInvalid), "{}", hex::encode(wrong));
            }
            assert_eq!(agree(&key, &right), Ok(secret));
        }
    }

    #[test]
    fn a_point_of_a_small_order_leads_to_nothing_after_others_too() {
        for curve in CURVES.iter().filter(|curve| curve.key_type == ck::CKK_EC_MONTGOMERY) {
            let (_, private) = pair(curve.key_type, curve.oid);
            let Material::Private(key) = Material::from_attributes(&private).unwrap() else { panic!() };
            for _ in 0..2 {
                let (other, other_private) = pair(curve.key_type, curve.oid);
                let secret = secret_of(&other_private, point_of(&private)).unwrap();
                let bare = point::bare(curve, point_of(&other)).unwrap();
                assert_eq!(agree(&key, bare), Ok(secret));
                assert_eq!(agree(&key, &vec![0; curve.size]), Err(Error::PublicKeyInvalid));
                assert_eq!(agree(&key, &bare[1..]), Err(Error::PublicKeyInvalid));
            }
        }
    }

    #[test]
    fn on_every_curve_what_is_no_point_of_it_is_refused_before_and_after_one_that_is() {
        for curve in CURVES.iter().filter(|curve| curve.key_type == ck::CKK_EC) {
            let ((other, _), (_, private)) =
                (pair(curve.key_type, curve.oid), pair(curve.key_type, curve.oid));
            let Material::Private(key) = Material::from_attributes(&private).unwrap() else { panic!() };
            let right = point::bare(curve, point_of(&other)).unwrap();
            let off = |at: usize| {
                let mut off = right.to_vec();
                off[at] ^= 1;
                off
            };
            // The twist has as many x coordinates as the curve: half of all.
            let on_twist = (0..=u8::MAX).map(|low| {
                let mut compressed = right[..=curve.size].to_vec();
                (compressed[0], compressed[curve.size]) = (2, low);
                compressed
            });
            let refused = on_twist.filter(|compressed| agree(&key, compressed).is_err()).count();
            assert!((64..192).contains(&refused), "{:?}: {refused}", curve.names);
            for wrong in [off(0), off(1), off(curve.size), off(curve.size + 1), off(2 * curve.size)] {
                assert!(agree(&key, right).is_ok());
                assert_eq!(agree(&key, &wrong), Err(Error::PublicKeyInvalid), "{:?}", curve.names);
            }
        }
    }

    /// The points whose order divides the cofactor, of the curve and of its twist, also with what reduces to them (RFC 7748, sections 5 and 6).
    #[test]
    fn all_points_of_a_small_order_lead_to_nothing() {
        let small = |curve: &Curve| {
            let hex = |text: &str| hex::decode(text).unwrap();
            let near_prime = |last: u8| match curve.size {
                32 => [&[last][..], &[0xff; 30], &[0x7f]].concat(),
                _ => [&[last][..], &[0xff; 27], &[0xfe], &[0xff; 27]].concat(),
            };
            let (mut zero, mut one) = (vec![0; curve.size], vec![0; curve.size]);
            one[0] = 1;
            let mut all = vec![zero.clone(), one.clone()];
            if curve.size == 32 {
                all.push(hex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"));
                all.push(hex("5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157"));
                all.extend([0xec, 0xed, 0xee].map(near_prime));
                // The highest bit is none of the number's.
                (zero[31], one[31]) = (0x80, 0x80);
                all.extend([zero, one]);
            } else {
                all.push(near_prime(0xfe));
                all.push(near_prime(0xff));
                all.push([&[0; 28][..], &[0xff; 28]].concat());
            }
            all
        };
        for curve in CURVES.iter().filter(|curve| curve.key_type == ck::CKK_EC_MONTGOMERY) {
            let ((other, _), (_, private)) =
                (pair(curve.key_type, curve.oid), pair(curve.key_type, curve.oid));
            let Material::Private(key) = Material::from_attributes(&private).unwrap() else { panic!() };
            let right = point::bare(curve, point_of(&other)).unwrap();
            for point in small(curve) {
                assert!(agree(&key, right).is_ok());
                assert_eq!(agree(&key, &point), Err(Error::PublicKeyInvalid), "{}", hex::encode(point));
            }
        }
    }

    #[test]
    fn an_encapsulated_secret_is_that_of_an_agreement_with_the_ciphertext() {
        for curve in CURVES.iter().filter(|curve| curve.key_type != ck::CKK_EC_EDWARDS) {
            let (public, private) = pair(curve.key_type, curve.oid);
            for kdf in [None, Some(Hash::Sha256)] {
                let wanted = Wanted { length: Some(20), ..GENERIC };
                let nobody = params(b"", kdf, b"");
                let id = ck::CKM_ECDH1_DERIVE;
                let (ciphertext, secret) = encapsulate(id, &nobody, &public, wanted).unwrap();
                assert_eq!(decapsulate(id, &nobody, &private, &ciphertext, wanted), Ok(secret.clone()));
                let agreed = derive(id, &params(&ciphertext, kdf, b""), &private, wanted);
                assert_eq!(agreed, Ok(secret));
            }
        }
    }

    #[test]
    fn an_encapsulation_takes_no_point_in_its_parameter_and_only_points_as_ciphertexts() {
        let (public, private) = pair(ck::CKK_EC, CURVES[1].oid);
        let (id, nobody) = (ck::CKM_ECDH1_DERIVE, params(b"", None, b""));
        let somebody = params(point_of(&public), None, b"");
        assert_eq!(encapsulate(id, &somebody, &public, GENERIC), Err(Error::MechanismParamInvalid));
        let opened = |params, ciphertext: &[u8]| decapsulate(id, params, &private, ciphertext, GENERIC);
        assert_eq!(opened(&somebody, point_of(&public)), Err(Error::MechanismParamInvalid));
        assert_eq!(opened(&nobody, &[4; 64]), Err(Error::WrappedKeyLenRange));
        assert_eq!(opened(&nobody, &[4; 65]), Err(Error::WrappedKeyInvalid));
    }
}
