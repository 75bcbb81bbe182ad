//! Key pair generation on all curves, and ECDSA (PKCS#11 3.2, section 6.3).

use super::curves::Curve;
use super::der;
use super::hashed::Hashed;
use super::material::required;
use super::pair_key::{AtWork, Task};
use super::point::NewPoint;
use super::staged::{MEMORY_LIMIT, Staged};
use super::{Family, Key, NewPair, Params, Signer, Verifier};
use crate::attribute::{Attributes, Bytes, Late, Parts, Value};
use crate::crypto::ffi::{named_key, weierstrass};
use crate::crypto::{Hash, generator, unexpected};
use crate::error::{Error, Result};
use cryptoki_sys as ck;
use openssl::ec::EcKey;
use openssl::pkey::{Id, PKey, Private, Public};
use openssl::pkey_ctx::PkeyCtxRef;
use std::sync::Arc;

/// Key pair generation on the curves whose keys have this `CKK_` number.
pub struct KeyPairGeneration(pub u64);

/// `CKM_ECDSA`: the caller gives the digest, which the order of the curve may cut.
pub struct Ecdsa;

/// ECDSA with this digest.
pub struct EcdsaWith(pub Hash);

impl Family for KeyPairGeneration {
    fn generate_pair(&self, _params: &Params, public: &Attributes, _private: &Attributes) -> Result<NewPair> {
        let params = required(public, ck::CKA_EC_PARAMS)?;
        let curve = Curve::named(self.0, params)?;
        let (value, point) = new_parts(curve)?;
        let point: Arc<dyn Late> = Arc::new(point);
        // The pair's curve keeps the name the caller gave it, which the public key has already.
        let private = [(ck::CKA_VALUE, Value::from(value)), (ck::CKA_EC_PARAMS, params.into())];
        let public = Parts { told: Attributes::new(), late: Some(point.clone()) };
        Ok(NewPair::new(public, Parts { told: private.into_iter().collect(), late: Some(point) }))
    }
}

/// The parts of a new key pair on `curve`: what is secret, and the point.
fn new_parts(curve: &Curve) -> Result<(Bytes, NewPoint)> {
    if curve.id == Id::EC {
        let (value, point) = weierstrass::generate(curve.group()?, curve.size).map_err(unexpected)?;
        return Ok((value, point.into()));
    }
    let key = generate(curve)?;
    let value = named_key::private_encoding(&key, curve.size).map_err(unexpected)?;
    let bare = named_key::public_encoding(&key, curve.size).map_err(unexpected)?;
    Ok((value, bare.into()))
}

/// A new key pair on `curve`.
pub(super) fn generate(curve: &Curve) -> Result<PKey<Private>> {
    if curve.id == Id::EC {
        // In the form in which its numbers can be read: OpenSSL would have to convert the other.
        let key = EcKey::generate(curve.group()?);
        return key.and_then(PKey::from_ec_key).map_err(unexpected);
    }
    generator::generate(curve.name).map_err(unexpected)
}

impl Family for Ecdsa {
    fn sign(&self, key: Key<'_>, params: &Params) -> Result<Box<dyn Signer>> {
        let key = key.private()?;
        let (half, mut key) = (key.curve()?.size, key.at_work());
        let run = move |digest: &[u8], output: &mut [u8]| sign(&mut key, half, digest, output);
        Ok(Box::new(Staged::signer(MEMORY_LIMIT, 2 * half, run).again(params)))
    }

    fn verify(&self, key: Key<'_>, params: &Params) -> Result<Box<dyn Verifier>> {
        let key = key.public()?;
        let (size, mut key) = (2 * key.curve()?.size, key.at_work());
        let run = move |digest: &[u8], signature: &[u8]| verify(&mut key, digest, signature);
        Ok(Box::new(ShorterToo(Staged::verifier(MEMORY_LIMIT, size, run).again(params))))
    }
}

impl Family for EcdsaWith {
    fn sign(&self, key: Key<'_>, params: &Params) -> Result<Box<dyn Signer>> {
        let key = key.private()?;
        let (half, mut key) = (key.curve()?.size, key.at_work());
        let run = move |digest: &[u8], output: &mut [u8]| sign(&mut key, half, digest, output);
        Ok(Box::new(Hashed::signer(self.0, 2 * half, run)?.again(params)))
    }

    fn verify(&self, key: Key<'_>, params: &Params) -> Result<Box<dyn Verifier>> {
        let key = key.public()?;
        let (size, mut key) = (2 * key.curve()?.size, key.at_work());
        let run = move |digest: &[u8], signature: &[u8]| verify(&mut key, digest, signature);
        Ok(Box::new(ShorterToo(Hashed::verifier(self.0, size, run)?.again(params))))
    }
}

/// Signs a digest; `output` receives both numbers, each `half` bytes long.
fn sign(key: &mut AtWork<Private>, half: usize, digest: &[u8], output: &mut [u8]) -> Result<usize> {
    let mut encoded = [0; LONGEST];
    let set_up = |context: &mut PkeyCtxRef<Private>| context.sign_init().map_err(unexpected);
    let length = key.block(&Task::Ecdsa, set_up, |context| {
        context.sign(digest, Some(&mut encoded)).map_err(unexpected)
    })?;
    let (r, s) = numbers(&encoded[..length]).ok_or(Error::FunctionFailed)?;
    let (first, second) = output.split_at_mut_checked(half).ok_or(Error::BufferTooSmall)?;
    for (number, place) in [(r, first), (s, second)] {
        let place = place.get_mut(..half).ok_or(Error::BufferTooSmall)?;
        let zeros = half.checked_sub(number.len()).ok_or(Error::FunctionFailed)?;
        place[..zeros].fill(0);
        place[zeros..].copy_from_slice(number);
    }
    Ok(2 * half)
}

/// Checks a signature over a digest: `SignatureInvalid` if it isn't one.
fn verify(key: &mut AtWork<Public>, digest: &[u8], signature: &[u8]) -> Result<()> {
    let (r, s) = signature.split_at(signature.len() / 2);
    let encoded = der::element(der::SEQUENCE, &[&der::integer(r), &der::integer(s)]);
    let set_up = |context: &mut PkeyCtxRef<Public>| context.verify_init().map_err(unexpected);
    key.block(&Task::Ecdsa, set_up, |context| {
        let valid = context.verify(digest, &encoded).unwrap_or(false);
        if valid { Ok(()) } else { Err(Error::SignatureInvalid) }
    })
}

/// Room for the longest signature as OpenSSL encodes it: two numbers of 521 bits, each after its tag and length.
const LONGEST: usize = 144;

/// The numbers of an encoded signature (RFC 3279, section 2.2.3), without zeros before them.
fn numbers(encoded: &[u8]) -> Option<(&[u8], &[u8])> {
    let (pair, _) = der::content(der::SEQUENCE, encoded)?;
    let (r, rest) = der::content(der::INTEGER, pair)?;
    let (s, _) = der::content(der::INTEGER, rest)?;
    Some((der::without_zeros(r), der::without_zeros(s)))
}

/// A verifier that takes signatures of any even length up to its size (section 6.3.1): callers who don't
/// know the curve leave out zeros that both numbers begin with.
struct ShorterToo<V>(V);

impl<V: Verifier> Verifier for ShorterToo<V> {
    fn update(&mut self, input: &[u8]) -> Result<()> {
        self.0.update(input)
    }

    fn size(&self) -> usize {
        self.0.size()
    }

    fn accepts(&self, length: usize) -> bool {
        length > 0 && length.is_multiple_of(2) && length <= self.0.size()
    }

    fn finish(&mut self, signature: &[u8]) -> Result<()> {
        self.0.finish(signature)
    }

    fn rest(&mut self) -> bool {
        self.0.rest()
    }

    fn renew(&mut self, params: &Params) -> Result<bool> {
        self.0.renew(params)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Material;
    use super::super::curves::CURVES;
    use super::super::pair_testing::{curve as pair, pair as generate, sign, verify};
    use super::*;
    use crate::attribute::Value;
    use openssl::bn::BigNum;
    use openssl::ecdsa::EcdsaSig;
    use openssl::hash::{MessageDigest, hash};
    use openssl::sign::Verifier as PlainVerifier;

    fn weierstrass() -> impl Iterator<Item = &'static Curve> {
        CURVES.iter().filter(|curve| curve.id == Id::EC)
    }

    #[test]
    fn signatures_on_every_curve_are_those_openssl_checks() {
        for curve in weierstrass() {
            let (public, private) = pair(ck::CKK_EC, curve.oid);
            let signature = sign(ck::CKM_ECDSA_SHA256, &Params::None, &private, b"some message").unwrap();
            assert_eq!(signature.len(), 2 * curve.size);
            let encoded = EcdsaSig::from_private_components(
                BigNum::from_slice(&signature[..curve.size]).unwrap(),
                BigNum::from_slice(&signature[curve.size..]).unwrap(),
            );
            let Ok(Material::Public(key)) = Material::from_attributes(&public) else { panic!() };
            let mut plain = PlainVerifier::new(MessageDigest::sha256(), &key).unwrap();
            assert!(plain.verify_oneshot(&encoded.unwrap().to_der().unwrap(), b"some message").unwrap());
            let digest = hash(MessageDigest::sha256(), b"some message").unwrap();
            assert_eq!(verify(ck::CKM_ECDSA, &Params::None, &public, &digest, &signature), Ok(()));
            let wrong = verify(ck::CKM_ECDSA_SHA256, &Params::None, &public, b"another", &signature);
            assert_eq!(wrong, Err(Error::SignatureInvalid));
        }
    }

    #[test]
    fn every_digest_is_the_one_its_mechanism_names() {
        let (public, private) = pair(ck::CKK_EC, CURVES[1].oid);
        for (id, md) in [
            (ck::CKM_ECDSA_SHA1, MessageDigest::sha1()),
            (ck::CKM_ECDSA_SHA224, MessageDigest::sha224()),
            (ck::CKM_ECDSA_SHA256, MessageDigest::sha256()),
            (ck::CKM_ECDSA_SHA384, MessageDigest::sha384()),
            (ck::CKM_ECDSA_SHA512, MessageDigest::sha512()),
            (ck::CKM_ECDSA_SHA3_224, MessageDigest::sha3_224()),
            (ck::CKM_ECDSA_SHA3_256, MessageDigest::sha3_256()),
            (ck::CKM_ECDSA_SHA3_384, MessageDigest::sha3_384()),
            (ck::CKM_ECDSA_SHA3_512, MessageDigest::sha3_512()),
        ] {
            let signature = sign(id, &Params::None, &private, b"message").unwrap();
            let digest = hash(md, b"message").unwrap();
            assert_eq!(verify(ck::CKM_ECDSA, &Params::None, &public, &digest, &signature), Ok(()));
            let signature = sign(ck::CKM_ECDSA, &Params::None, &private, &digest).unwrap();
            assert_eq!(verify(id, &Params::None, &public, b"message", &signature), Ok(()));
        }
    }

    #[test]
    fn a_digest_longer_than_the_order_is_cut_on_the_right() {
        let (public, private) = pair(ck::CKK_EC, CURVES[1].oid);
        let long = [7; 128];
        let signature = sign(ck::CKM_ECDSA, &Params::None, &private, &long).unwrap();
        assert_eq!(verify(ck::CKM_ECDSA, &Params::None, &public, &long[..32], &signature), Ok(()));
    }

    #[test]
    fn a_signature_may_lack_the_zeros_that_both_numbers_begin_with() {
        let (public, private) = pair(ck::CKK_EC, CURVES[3].oid);
        // On P-521, about every fourth signature has two such numbers.
        let signature = (0u8..=255)
            .map(|byte| sign(ck::CKM_ECDSA, &Params::None, &private, &[byte; 20]).map(|s| (byte, s)).unwrap())
            .find(|(_, signature)| signature[0] == 0 && signature[66] == 0);
        let (byte, signature) = signature.unwrap();
        let short = [&signature[1..66], &signature[67..]].concat();
        let check = |signature: &[u8]| verify(ck::CKM_ECDSA, &Params::None, &public, &[byte; 20], signature);
        assert_eq!(check(&signature), Ok(()));
        assert_eq!(check(&short), Ok(()));
        assert_eq!(check(&signature[1..]), Err(Error::SignatureLenRange));
        assert_eq!(check(&[&signature[..], &[0, 0]].concat()), Err(Error::SignatureLenRange));
        assert_eq!(check(b""), Err(Error::SignatureLenRange));
    }

    #[test]
    fn numbers_out_of_range_are_no_signature() {
        for curve in weierstrass() {
            let (public, _) = pair(ck::CKK_EC, curve.oid);
            for byte in [0, 0xff] {
                let refused =
                    verify(ck::CKM_ECDSA, &Params::None, &public, &[1; 20], &vec![byte; 2 * curve.size]);
                assert_eq!(refused, Err(Error::SignatureInvalid));
            }
        }
    }

    #[test]
    fn generation_wants_a_curve_it_knows() {
        let refused = |params: &[u8]| {
            let template = [(ck::CKA_EC_PARAMS, Value::from(params))];
            generate(ck::CKM_EC_KEY_PAIR_GEN, &template).unwrap_err()
        };
        assert_eq!(generate(ck::CKM_EC_KEY_PAIR_GEN, &[]).unwrap_err(), Error::TemplateIncomplete);
        assert_eq!(refused(b"\x06\x03\x2b\x65\x70"), Error::CurveNotSupported);
        assert_eq!(refused(b"\x13\x05P-160"), Error::CurveNotSupported);
        assert_eq!(refused(b"\x30\x00"), Error::DomainParamsInvalid);
        assert_eq!(refused(b""), Error::DomainParamsInvalid);
    }
}
