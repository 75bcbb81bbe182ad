//! The RSA mechanisms (PKCS#11 3.2, section 6.1).

use super::hashed::Hashed;
use super::material::PairType;
use super::rsa_block::Scheme;
pub use super::rsa_key::SIZES;
use super::rsa_key::{self, RsaType};
use super::staged::Staged;
use super::{
    Cipher, Family, Key, NewPair, Params, Signer, Verifier, Wanted, encapsulated, rsa_kem, wrapping,
};
use crate::attribute::{Attributes, Bytes};
use crate::crypto::ffi::pkey::public_half;
use crate::crypto::{Hash, unexpected};
use crate::error::{Error, Result};
use crate::output::Size;
use cryptoki_sys as ck;
use openssl::bn::BigNum;
use openssl::pkey::{Id, PKey, Private};
use openssl::pkey_ctx::PkeyCtx;

/// Key pair generation. The primes of X9.31 have conditions of their own, which were to help against
/// factoring methods that no longer matter; its mechanism makes ordinary keys.
pub struct KeyPairGeneration;

/// `CKM_RSA_PKCS`.
pub static PKCS1: Plain = Plain(|_| Ok(Scheme::Pkcs1(None)));
/// `CKM_RSA_X_509`.
pub static RAW: Plain = Plain(|_| Ok(Scheme::Raw));
/// `CKM_RSA_PKCS_OAEP`.
pub static OAEP: Plain = Plain(Scheme::oaep);
/// `CKM_RSA_PKCS_PSS`.
pub static PSS: Plain = Plain(Scheme::pss);

/// A mechanism that applies a scheme to what the caller gives: data, a key, or a digest made elsewhere.
pub struct Plain(fn(&Params) -> Result<Scheme>);

/// PKCS#1 v1.5 signatures with this digest.
pub struct Pkcs1With(pub Hash);

/// PSS signatures with this digest, which the parameter must name too.
pub struct PssWith(pub Hash);

impl Family for KeyPairGeneration {
    fn generate_pair(&self, _params: &Params, public: &Attributes, _private: &Attributes) -> Result<NewPair> {
        let bits = public.ulong(ck::CKA_MODULUS_BITS).ok_or(Error::TemplateIncomplete)?;
        if !(SIZES.0..=SIZES.1).contains(&bits) || !bits.is_multiple_of(8) {
            return Err(Error::AttributeValueInvalid);
        }
        let exponent = rsa_key::wanted_exponent(public)?;
        let key = generate(bits as u32, &exponent).map_err(unexpected)?;
        Ok(NewPair::new(RsaType.public_parts(public_half(&key))?, RsaType.private_parts(&key)?))
    }
}

fn generate(bits: u32, exponent: &BigNum) -> std::result::Result<PKey<Private>, openssl::error::ErrorStack> {
    let mut context = PkeyCtx::new_id(Id::RSA)?;
    context.keygen_init()?;
    context.set_rsa_keygen_bits(bits)?;
    context.set_rsa_keygen_pubexp(exponent)?;
    context.keygen()
}

impl Family for Plain {
    fn encrypt(&self, key: Key<'_>, params: &Params) -> Result<Box<dyn Cipher>> {
        let (scheme, key) = ((self.0)(params)?, key.public()?.clone());
        let (limit, size) = (scheme.longest(key.bits())?, key.size());
        let run = move |data: &[u8], output: &mut [u8]| scheme.encrypt(&key, data, output);
        Ok(Box::new(Staged::cipher(limit, Error::DataLenRange, move |_| Size::Exact(size), run)))
    }

    fn decrypt(&self, key: Key<'_>, params: &Params) -> Result<Box<dyn Cipher>> {
        let (scheme, key) = ((self.0)(params)?, key.private()?.clone());
        let (longest, size) = (scheme.longest(key.bits())?, key.size());
        let run = move |block: &[u8], output: &mut [u8]| copy(&scheme.decrypt(&key, block)?, output);
        let told = move |_| Size::AtMost(longest);
        Ok(Box::new(Staged::cipher(size, Error::EncryptedDataLenRange, told, run)))
    }

    fn sign(&self, key: Key<'_>, params: &Params) -> Result<Box<dyn Signer>> {
        let (scheme, key) = ((self.0)(params)?, key.private()?.clone());
        let (limit, size) = (scheme.longest(key.bits())?, key.size());
        let run = move |data: &[u8], output: &mut [u8]| scheme.sign(&key, data, output);
        Ok(Box::new(Staged::signer(limit, size, run).again(params)))
    }

    fn verify(&self, key: Key<'_>, params: &Params) -> Result<Box<dyn Verifier>> {
        let (scheme, key) = ((self.0)(params)?, key.public()?.clone());
        let (limit, size) = (scheme.longest(key.bits())?, key.size());
        let run = move |data: &[u8], signature: &[u8]| scheme.verify(&key, data, signature);
        Ok(Box::new(Staged::verifier(limit, size, run).again(params)))
    }

    fn sign_recover(&self, key: Key<'_>, params: &Params) -> Result<Box<dyn Cipher>> {
        let (scheme, key) = ((self.0)(params)?, key.private()?.clone());
        let (limit, size) = (scheme.longest(key.bits())?, key.size());
        let run = move |data: &[u8], output: &mut [u8]| scheme.sign(&key, data, output);
        Ok(Box::new(Staged::cipher(limit, Error::DataLenRange, move |_| Size::Exact(size), run)))
    }

    fn verify_recover(&self, key: Key<'_>, params: &Params) -> Result<Box<dyn Cipher>> {
        let (scheme, key) = ((self.0)(params)?, key.public()?.clone());
        let (longest, size) = (scheme.longest(key.bits())?, key.size());
        let run = move |signature: &[u8], output: &mut [u8]| copy(&scheme.recover(&key, signature)?, output);
        let told = move |_| Size::AtMost(longest);
        Ok(Box::new(Staged::cipher(size, Error::SignatureLenRange, told, run)))
    }

    fn wrap(&self, key: Key<'_>, params: &Params, encoded: &[u8]) -> Result<Vec<u8>> {
        wrapping::wrap(self.encrypt(key, params)?, encoded, 1)
    }

    fn unwrap(&self, key: Key<'_>, params: &Params, wrapped: &[u8]) -> Result<Bytes> {
        wrapping::unwrap(self.decrypt(key, params)?, wrapped)
    }

    fn ciphertext_size(&self, key: Key<'_>, params: &Params) -> Result<usize> {
        (self.0)(params)?;
        Ok(key.public()?.size())
    }

    fn encapsulate(
        &self,
        key: Key<'_>,
        params: &Params,
        wanted: Wanted,
        ciphertext: &mut [u8],
    ) -> Result<Bytes> {
        let secret = rsa_kem::secret(&(self.0)(params)?, key.public()?, wanted)?;
        encapsulated(&self.wrap(key, params, &secret)?, ciphertext)?;
        wanted.end_of(secret)
    }

    fn decapsulate(&self, key: Key<'_>, params: &Params, ciphertext: &[u8], wanted: Wanted) -> Result<Bytes> {
        let unwrapped = self.unwrap(key, params, ciphertext)?;
        match (self.0)(params)? {
            Scheme::Raw => wanted.end_of(unwrapped),
            _ => Ok(unwrapped),
        }
    }
}

/// Writes a result to the caller's place, which has room for the longest.
fn copy(result: &[u8], output: &mut [u8]) -> Result<usize> {
    let place = output.get_mut(..result.len()).ok_or(Error::BufferTooSmall)?;
    place.copy_from_slice(result);
    Ok(result.len())
}

impl Family for Pkcs1With {
    fn sign(&self, key: Key<'_>, _params: &Params) -> Result<Box<dyn Signer>> {
        sign_digest(self.0, Scheme::Pkcs1(Some(self.0)), key)
    }

    fn verify(&self, key: Key<'_>, _params: &Params) -> Result<Box<dyn Verifier>> {
        verify_digest(self.0, Scheme::Pkcs1(Some(self.0)), key)
    }
}

impl PssWith {
    fn scheme(&self, params: &Params) -> Result<Scheme> {
        match params {
            Params::Pss { hash, .. } if *hash == self.0 => Scheme::pss(params),
            _ => Err(Error::MechanismParamInvalid),
        }
    }
}

impl Family for PssWith {
    fn sign(&self, key: Key<'_>, params: &Params) -> Result<Box<dyn Signer>> {
        sign_digest(self.0, self.scheme(params)?, key)
    }

    fn verify(&self, key: Key<'_>, params: &Params) -> Result<Box<dyn Verifier>> {
        verify_digest(self.0, self.scheme(params)?, key)
    }
}

fn sign_digest(hash: Hash, scheme: Scheme, key: Key<'_>) -> Result<Box<dyn Signer>> {
    let key = key.private()?.clone();
    scheme.longest(key.bits())?;
    let size = key.size();
    let run = move |digest: &[u8], output: &mut [u8]| scheme.sign(&key, digest, output);
    Ok(Box::new(Hashed::signer(hash, size, run)?))
}

fn verify_digest(hash: Hash, scheme: Scheme, key: Key<'_>) -> Result<Box<dyn Verifier>> {
    let key = key.public()?.clone();
    scheme.longest(key.bits())?;
    let size = key.size();
    let run = move |digest: &[u8], signature: &[u8]| scheme.verify(&key, digest, signature);
    Ok(Box::new(Hashed::verifier(hash, size, run)?))
}

#[cfg(test)]
mod tests {
    use super::super::pair_testing::{cipher, pair, rsa, sign, unwrap, verify, wrap};
    use super::super::{Material, PairKey, Purpose, hash::HASHES, params::Oaep};
    use super::*;
    use crate::attribute::Value;
    use openssl::encrypt::{Decrypter, Encrypter};
    use openssl::hash::{MessageDigest, hash};
    use openssl::pkey::Public;
    use openssl::rsa::Padding;
    use openssl::sign::{RsaPssSaltlen, Verifier as PlainVerifier};

    fn keys() -> (PairKey<Public>, PairKey<Private>) {
        match (Material::from_attributes(&rsa().0), Material::from_attributes(&rsa().1)) {
            (Ok(Material::Public(public)), Ok(Material::Private(private))) => (public, private),
            _ => panic!("no key pair"),
        }
    }

    fn pss(hash: Hash, salt_length: usize) -> Params {
        Params::Pss { hash, mgf: hash, salt_length }
    }

    fn oaep(hash: Hash, mgf: Hash, label: &[u8]) -> Params {
        Params::Oaep(Oaep { hash, mgf, label: label.to_vec() })
    }

    #[test]
    fn a_generated_pair_has_the_wanted_size_and_exponent() {
        let template = [
            (ck::CKA_MODULUS_BITS, Value::Ulong(1024)),
            (ck::CKA_PUBLIC_EXPONENT, Value::from(&[0, 0, 3][..])),
        ];
        let (public, private) = pair(ck::CKM_RSA_X9_31_KEY_PAIR_GEN, &template).unwrap();
        assert_eq!(public.bytes(ck::CKA_MODULUS).unwrap().len(), 128);
        assert_eq!(public.ulong(ck::CKA_MODULUS_BITS), Some(1024));
        assert_eq!(public.bytes(ck::CKA_PUBLIC_EXPONENT), Some(&[3][..]));
        assert_eq!(public.bytes(ck::CKA_MODULUS), private.bytes(ck::CKA_MODULUS));
        for kind in [ck::CKA_PRIVATE_EXPONENT, ck::CKA_PRIME_1, ck::CKA_PRIME_2, ck::CKA_COEFFICIENT] {
            assert!(private.contains(kind) && !public.contains(kind));
        }
        assert_eq!(rsa().0.bytes(ck::CKA_PUBLIC_EXPONENT), Some(&[1, 0, 1][..]));
        assert!(keys().1.rsa().unwrap().check_key().unwrap());
    }

    #[test]
    fn generation_refuses_sizes_and_exponents_it_cannot_make() {
        let with = |bits: u64, exponent: &[u8]| {
            let template = [(ck::CKA_MODULUS_BITS, bits.into()), (ck::CKA_PUBLIC_EXPONENT, exponent.into())];
            pair(ck::CKM_RSA_PKCS_KEY_PAIR_GEN, &template).unwrap_err()
        };
        for bits in [0, 512, 1023, 1025, 8193, 16384, u64::MAX] {
            assert_eq!(with(bits, &[1, 0, 1]), Error::AttributeValueInvalid);
        }
        for exponent in [&[][..], &[1], &[2], &[1, 0, 0], &[0xff; 9]] {
            assert_eq!(with(1024, exponent), Error::TemplateInconsistent);
        }
        assert_eq!(pair(ck::CKM_RSA_PKCS_KEY_PAIR_GEN, &[]).unwrap_err(), Error::TemplateIncomplete);
    }

    #[test]
    fn signatures_with_every_digest_are_those_openssl_checks() {
        let rows = [
            (Hash::Sha1, ck::CKM_SHA1_RSA_PKCS, ck::CKM_SHA1_RSA_PKCS_PSS, MessageDigest::sha1()),
            (Hash::Sha224, ck::CKM_SHA224_RSA_PKCS, ck::CKM_SHA224_RSA_PKCS_PSS, MessageDigest::sha224()),
            (Hash::Sha256, ck::CKM_SHA256_RSA_PKCS, ck::CKM_SHA256_RSA_PKCS_PSS, MessageDigest::sha256()),
            (Hash::Sha384, ck::CKM_SHA384_RSA_PKCS, ck::CKM_SHA384_RSA_PKCS_PSS, MessageDigest::sha384()),
            (Hash::Sha512, ck::CKM_SHA512_RSA_PKCS, ck::CKM_SHA512_RSA_PKCS_PSS, MessageDigest::sha512()),
            (
                Hash::Sha3_224,
                ck::CKM_SHA3_224_RSA_PKCS,
                ck::CKM_SHA3_224_RSA_PKCS_PSS,
                MessageDigest::sha3_224(),
            ),
            (
                Hash::Sha3_256,
                ck::CKM_SHA3_256_RSA_PKCS,
                ck::CKM_SHA3_256_RSA_PKCS_PSS,
                MessageDigest::sha3_256(),
            ),
            (
                Hash::Sha3_384,
                ck::CKM_SHA3_384_RSA_PKCS,
                ck::CKM_SHA3_384_RSA_PKCS_PSS,
                MessageDigest::sha3_384(),
            ),
            (
                Hash::Sha3_512,
                ck::CKM_SHA3_512_RSA_PKCS,
                ck::CKM_SHA3_512_RSA_PKCS_PSS,
                MessageDigest::sha3_512(),
            ),
        ];
        let (public, _) = keys();
        let data = b"a message in several parts";
        for (hash, pkcs1, with_pss, md) in rows {
            let signature = sign(pkcs1, &Params::None, &rsa().1, data).unwrap();
            assert_eq!(verify(pkcs1, &Params::None, &rsa().0, data, &signature), Ok(()));
            let mut plain = PlainVerifier::new(md, &public).unwrap();
            assert!(plain.verify_oneshot(&signature, data).unwrap(), "{hash:?}");

            let params = pss(hash, hash.size());
            let signature = sign(with_pss, &params, &rsa().1, data).unwrap();
            assert_eq!(verify(with_pss, &params, &rsa().0, data, &signature), Ok(()));
            let mut plain = PlainVerifier::new(md, &public).unwrap();
            plain.set_rsa_padding(Padding::PKCS1_PSS).unwrap();
            plain.set_rsa_pss_saltlen(RsaPssSaltlen::custom(hash.size() as i32)).unwrap();
            assert!(plain.verify_oneshot(&signature, data).unwrap(), "{hash:?}");
            // The raw form takes the digest and makes the same kind of signature.
            let digest = openssl::hash::hash(md, data).unwrap();
            assert_eq!(verify(ck::CKM_RSA_PKCS_PSS, &params, &rsa().0, &digest, &signature), Ok(()));
            let signature = sign(ck::CKM_RSA_PKCS_PSS, &params, &rsa().1, &digest).unwrap();
            assert_eq!(verify(with_pss, &params, &rsa().0, data, &signature), Ok(()));
        }
        let signing = HASHES.iter().filter(|row| row.mgf.is_some());
        assert_eq!(rows.len(), signing.count());
    }

    #[test]
    fn a_changed_message_or_signature_is_invalid_and_a_wrong_length_out_of_range() {
        let params = pss(Hash::Sha256, 0);
        for (id, params) in [
            (ck::CKM_SHA256_RSA_PKCS, &Params::None),
            (ck::CKM_SHA256_RSA_PKCS_PSS, &params),
            (ck::CKM_RSA_PKCS, &Params::None),
            (ck::CKM_RSA_X_509, &Params::None),
        ] {
            let signature = sign(id, params, &rsa().1, b"data").unwrap();
            assert_eq!(verify(id, params, &rsa().0, b"data", &signature), Ok(()));
            assert_eq!(verify(id, params, &rsa().0, b"date", &signature), Err(Error::SignatureInvalid));
            let mut changed = signature.clone();
            changed[100] ^= 1;
            assert_eq!(verify(id, params, &rsa().0, b"data", &changed), Err(Error::SignatureInvalid));
            let too_large = vec![0xff; signature.len()];
            assert_eq!(verify(id, params, &rsa().0, b"data", &too_large), Err(Error::SignatureInvalid));
            for length in [0, 255] {
                let short = &signature[..length];
                assert_eq!(verify(id, params, &rsa().0, b"data", short), Err(Error::SignatureLenRange));
            }
        }
    }

    #[test]
    fn pss_refuses_another_digest_and_a_salt_without_room() {
        let key = &rsa().1;
        let id = ck::CKM_SHA256_RSA_PKCS_PSS;
        let refused = Err(Error::MechanismParamInvalid);
        assert_eq!(sign(id, &pss(Hash::Sha1, 20), key, b""), refused);
        assert_eq!(sign(id, &pss(Hash::Sha256, 256 - 2 - 32 + 1), key, b""), refused);
        assert_eq!(sign(id, &pss(Hash::Sha256, usize::MAX), key, b""), refused);
        assert_eq!(sign(id, &Params::None, key, b""), refused);
        assert!(sign(id, &pss(Hash::Sha256, 256 - 2 - 32), key, b"").is_ok());
        for length in [0, 31, 33] {
            let digest = vec![1; length];
            let params = pss(Hash::Sha256, 32);
            assert_eq!(sign(ck::CKM_RSA_PKCS_PSS, &params, key, &digest), Err(Error::DataLenRange));
        }
    }

    #[test]
    fn what_is_signed_with_recovery_comes_back() {
        let recover = |id, data: &[u8]| {
            let signature = cipher(Purpose::SignRecover, id, &Params::None, &rsa().1, data)?;
            cipher(Purpose::VerifyRecover, id, &Params::None, &rsa().0, &signature)
        };
        for length in [0, 1, 245] {
            assert_eq!(recover(ck::CKM_RSA_PKCS, &vec![7; length]), Ok(vec![7; length]));
        }
        let mut padded = vec![0; 256];
        padded[250..].copy_from_slice(b"number");
        assert_eq!(recover(ck::CKM_RSA_X_509, b"number"), Ok(padded));
        assert_eq!(recover(ck::CKM_RSA_PKCS, &[7; 246]), Err(Error::DataLenRange));
        let wrong = |data: &[u8]| {
            cipher(Purpose::VerifyRecover, ck::CKM_RSA_PKCS, &Params::None, &rsa().0, data).unwrap_err()
        };
        assert_eq!(wrong(&[9; 256]), Error::SignatureInvalid);
        assert_eq!(wrong(&[9; 255]), Error::SignatureLenRange);
        assert_eq!(wrong(&[9; 257]), Error::SignatureLenRange);
    }

    #[test]
    fn pkcs1_and_openssl_read_each_others_ciphertexts() {
        let (public, private) = keys();
        let ciphertext =
            cipher(Purpose::Encrypt, ck::CKM_RSA_PKCS, &Params::None, &rsa().0, b"secret").unwrap();
        let decrypter = Decrypter::new(&private).unwrap();
        let mut data = vec![0; 256];
        let length = decrypter.decrypt(&ciphertext, &mut data).unwrap();
        assert_eq!(&data[..length], b"secret");

        let mut ciphertext = vec![0; 256];
        Encrypter::new(&public).unwrap().encrypt(b"other", &mut ciphertext).unwrap();
        let decrypt = |data: &[u8]| cipher(Purpose::Decrypt, ck::CKM_RSA_PKCS, &Params::None, &rsa().1, data);
        assert_eq!(decrypt(&ciphertext), Ok(b"other".to_vec()));
        assert_eq!(decrypt(&ciphertext[1..]), Err(Error::EncryptedDataLenRange));
        assert_eq!(decrypt(&[&ciphertext[..], &[0]].concat()), Err(Error::EncryptedDataLenRange));
    }

    #[test]
    fn every_wrong_pkcs1_padding_has_the_same_answer() {
        let raw = |block: &[u8]| {
            cipher(Purpose::Encrypt, ck::CKM_RSA_X_509, &Params::None, &rsa().0, block).unwrap()
        };
        let mut right = vec![0xaa; 256];
        right[..2].copy_from_slice(&[0, 2]);
        right[200] = 0;
        let decrypt =
            |block: &[u8]| cipher(Purpose::Decrypt, ck::CKM_RSA_PKCS, &Params::None, &rsa().1, &raw(block));
        assert_eq!(decrypt(&right), Ok(vec![0xaa; 55]));
        for (at, value) in [(0, 1), (1, 1), (1, 3), (5, 0), (200, 1)] {
            let mut wrong = right.clone();
            wrong[at] = value;
            assert_eq!(decrypt(&wrong), Err(Error::EncryptedDataInvalid), "{at}");
        }
        let too_large =
            cipher(Purpose::Decrypt, ck::CKM_RSA_PKCS, &Params::None, &rsa().1, &[0xff; 256]).unwrap_err();
        assert_eq!(too_large, Error::EncryptedDataInvalid);
        let wrapped = raw(&[1; 200]);
        let unwrapped = unwrap(ck::CKM_RSA_PKCS, &Params::None, &rsa().1, &wrapped).unwrap_err();
        assert_eq!(unwrapped, Error::WrappedKeyInvalid);
    }

    #[test]
    fn raw_rsa_takes_numbers_below_the_modulus() {
        let id = ck::CKM_RSA_X_509;
        let encrypted = cipher(Purpose::Encrypt, id, &Params::None, &rsa().0, b"number").unwrap();
        let decrypted = cipher(Purpose::Decrypt, id, &Params::None, &rsa().1, &encrypted).unwrap();
        assert_eq!((decrypted.len(), &decrypted[250..]), (256, &b"number"[..]));
        let encrypt = |data: &[u8]| cipher(Purpose::Encrypt, id, &Params::None, &rsa().0, data);
        assert_eq!(encrypt(&[0xff; 256]), Err(Error::DataInvalid));
        assert_eq!(encrypt(&[1; 257]), Err(Error::DataLenRange));
        assert_eq!(sign(id, &Params::None, &rsa().1, &[0xff; 256]), Err(Error::DataInvalid));
        let decrypt = |data: &[u8]| cipher(Purpose::Decrypt, id, &Params::None, &rsa().1, data);
        assert_eq!(decrypt(&[0xff; 256]), Err(Error::EncryptedDataInvalid));
        assert_eq!(decrypt(b"short"), Err(Error::EncryptedDataLenRange));
        let modulus = rsa().0.bytes(ck::CKA_MODULUS).unwrap();
        assert_eq!(encrypt(modulus), Err(Error::DataInvalid));
        assert_eq!(wrap(id, &Params::None, &rsa().0, &[1; 16]), Err(Error::MechanismInvalid));
    }

    #[test]
    fn oaep_and_openssl_agree_for_every_pair_of_digests_and_labels() {
        let id = ck::CKM_RSA_PKCS_OAEP;
        let (_, private) = keys();
        for label in [&b""[..], b"label"] {
            for row in HASHES {
                for mgf in [row.hash, Hash::Sha1] {
                    let params = oaep(row.hash, mgf, label);
                    let sealed = cipher(Purpose::Encrypt, id, &params, &rsa().0, b"secret").unwrap();
                    let opened = cipher(Purpose::Decrypt, id, &params, &rsa().1, &sealed);
                    assert_eq!(opened, Ok(b"secret".to_vec()));
                    let wrong = oaep(row.hash, mgf, b"another label");
                    let refused = cipher(Purpose::Decrypt, id, &wrong, &rsa().1, &sealed);
                    assert_eq!(refused, Err(Error::EncryptedDataInvalid));
                }
            }
            let params = oaep(Hash::Sha256, Hash::Sha384, label);
            let sealed = cipher(Purpose::Encrypt, id, &params, &rsa().0, b"secret").unwrap();
            let mut plain = Decrypter::new(&private).unwrap();
            plain.set_rsa_padding(Padding::PKCS1_OAEP).unwrap();
            plain.set_rsa_oaep_md(MessageDigest::sha256()).unwrap();
            plain.set_rsa_mgf1_md(MessageDigest::sha384()).unwrap();
            if !label.is_empty() {
                plain.set_rsa_oaep_label(label).unwrap();
            }
            let mut opened = vec![0; 256];
            let length = plain.decrypt(&sealed, &mut opened).unwrap();
            assert_eq!(&opened[..length], b"secret");
        }
    }

    #[test]
    fn oaep_knows_how_much_fits() {
        let id = ck::CKM_RSA_PKCS_OAEP;
        let params = oaep(Hash::Sha512, Hash::Sha1, b"");
        let encrypt = |length: usize| cipher(Purpose::Encrypt, id, &params, &rsa().0, &vec![1; length]);
        assert!(encrypt(256 - 2 - 128).is_ok() && encrypt(0).is_ok());
        assert_eq!(encrypt(256 - 2 - 128 + 1), Err(Error::DataLenRange));
        assert_eq!(wrap(id, &params, &rsa().0, &[1; 127]), Err(Error::KeySizeRange));
        let small = [(ck::CKA_MODULUS_BITS, Value::Ulong(1024))];
        let (public, _) = pair(ck::CKM_RSA_PKCS_KEY_PAIR_GEN, &small).unwrap();
        assert_eq!(wrap(id, &params, &public, &[1; 1]), Err(Error::KeySizeRange));
    }

    #[test]
    fn wrapped_keys_come_back() {
        let params = oaep(Hash::Sha256, Hash::Sha256, b"");
        for (id, params) in [(ck::CKM_RSA_PKCS, &Params::None), (ck::CKM_RSA_PKCS_OAEP, &params)] {
            let wrapped = wrap(id, params, &rsa().0, &[5; 32]).unwrap();
            assert_eq!(&unwrap(id, params, &rsa().1, &wrapped).unwrap()[..], [5; 32]);
            let unwrapped = |wrapped: &[u8]| unwrap(id, params, &rsa().1, wrapped).unwrap_err();
            assert_eq!(unwrapped(&wrapped[1..]), Error::WrappedKeyLenRange);
            assert_eq!(unwrapped(&[1; 256]), Error::WrappedKeyInvalid);
        }
    }

    #[test]
    fn pkcs1_without_digest_signs_what_a_digest_info_made_elsewhere_says() {
        let digest = hash(MessageDigest::sha256(), b"message").unwrap();
        let prefix = hex::decode("3031300d060960864801650304020105000420").unwrap();
        let info = [&prefix[..], &digest].concat();
        let signature = sign(ck::CKM_RSA_PKCS, &Params::None, &rsa().1, &info).unwrap();
        assert_eq!(verify(ck::CKM_SHA256_RSA_PKCS, &Params::None, &rsa().0, b"message", &signature), Ok(()));
        assert_eq!(sign(ck::CKM_RSA_PKCS, &Params::None, &rsa().1, &[0; 246]), Err(Error::DataLenRange));
    }
}
