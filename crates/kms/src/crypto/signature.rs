//! The signing algorithms: ONE row each, how the HSM signs by it, and how a signature is verified here with the public key.
//!
//! Hashes are made here: the HSM signs digests, so that messages and digests go one way.

use cryptoki::mechanism::dsa::{HedgeType, SignAdditionalContext};
use cryptoki::mechanism::eddsa::{EddsaParams, EddsaSignatureScheme};
use cryptoki::mechanism::rsa::{PkcsMgfType, PkcsPssParams};
use cryptoki::mechanism::{Mechanism, MechanismType};
use cryptoki::object::{Attribute, ObjectHandle};
use cryptoki::types::Ulong;
use openssl::bn::BigNum;
use openssl::ecdsa::EcdsaSig;
use openssl::error::ErrorStack;
use openssl::md::{Md, MdRef};
use openssl::pkey::{PKeyRef, Public};
use openssl::pkey_ctx::PkeyCtx;
use openssl::rsa::Padding;
use openssl::sign::{RsaPssSaltlen, Verifier};

use super::pair::ED25519;
use super::{from_openssl, template};
use crate::hsm::{Token, Trouble};
use crate::keys::spec::{Family, Usage};

/// One algorithm.
#[derive(Debug)]
pub struct Algorithm {
    /// The name on the wire.
    pub name: &'static str,
    /// What it does with what it signs.
    pub scheme: Scheme,
}

/// The schemes.
#[derive(Clone, Copy, Debug)]
pub enum Scheme {
    /// RSASSA-PKCS1-v1_5 (RFC 8017, section 8.2).
    Pkcs1(&'static Hash),
    /// RSASSA-PSS (RFC 8017, section 8.1), the salt as long as the digest.
    Pss(&'static Hash),
    /// ECDSA, in DER (RFC 3279, section 2.2.3).
    Ecdsa(&'static Hash),
    /// Ed25519 (RFC 8032).
    Ed25519,
    /// Ed25519ph, over a digest that it hashes again.
    Ed25519ph,
    /// ML-DSA (FIPS 204) without context.
    MlDsa,
}

/// A hash as signatures use it.
#[derive(Debug)]
pub struct Hash {
    /// Bytes of a digest.
    pub size: usize,
    md: fn() -> &'static MdRef,
    mechanism: MechanismType,
    mask: PkcsMgfType,
    /// What stands before the digest in a DigestInfo (RFC 8017, section 9.2, note 1).
    head: &'static [u8],
}

static SHA_256: Hash = Hash {
    size: 32,
    md: Md::sha256,
    mechanism: MechanismType::SHA256,
    mask: PkcsMgfType::MGF1_SHA256,
    head: &[
        0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00,
        0x04, 0x20,
    ],
};
static SHA_384: Hash = Hash {
    size: 48,
    md: Md::sha384,
    mechanism: MechanismType::SHA384,
    mask: PkcsMgfType::MGF1_SHA384,
    head: &[
        0x30, 0x41, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02, 0x05, 0x00,
        0x04, 0x30,
    ],
};
static SHA_512: Hash = Hash {
    size: 64,
    md: Md::sha512,
    mechanism: MechanismType::SHA512,
    mask: PkcsMgfType::MGF1_SHA512,
    head: &[
        0x30, 0x51, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03, 0x05, 0x00,
        0x04, 0x40,
    ],
};

static ALGORITHMS: &[Algorithm] = &[
    Algorithm { name: "RSASSA_PKCS1_V1_5_SHA_256", scheme: Scheme::Pkcs1(&SHA_256) },
    Algorithm { name: "RSASSA_PKCS1_V1_5_SHA_384", scheme: Scheme::Pkcs1(&SHA_384) },
    Algorithm { name: "RSASSA_PKCS1_V1_5_SHA_512", scheme: Scheme::Pkcs1(&SHA_512) },
    Algorithm { name: "RSASSA_PSS_SHA_256", scheme: Scheme::Pss(&SHA_256) },
    Algorithm { name: "RSASSA_PSS_SHA_384", scheme: Scheme::Pss(&SHA_384) },
    Algorithm { name: "RSASSA_PSS_SHA_512", scheme: Scheme::Pss(&SHA_512) },
    Algorithm { name: "ECDSA_SHA_256", scheme: Scheme::Ecdsa(&SHA_256) },
    Algorithm { name: "ECDSA_SHA_384", scheme: Scheme::Ecdsa(&SHA_384) },
    Algorithm { name: "ECDSA_SHA_512", scheme: Scheme::Ecdsa(&SHA_512) },
    Algorithm { name: "ED25519_SHA_512", scheme: Scheme::Ed25519 },
    Algorithm { name: "ED25519_PH_SHA_512", scheme: Scheme::Ed25519ph },
    Algorithm { name: "ML_DSA_SHAKE_256", scheme: Scheme::MlDsa },
];

impl Hash {
    /// The digest of a message.
    pub fn digest(&self, message: &[u8]) -> Result<Vec<u8>, ErrorStack> {
        let mut context = openssl::md_ctx::MdCtx::new()?;
        context.digest_init((self.md)())?;
        context.digest_update(message)?;
        let mut digest = vec![0; self.size];
        context.digest_final(&mut digest)?;
        Ok(digest)
    }

    fn pss(&self) -> PkcsPssParams {
        PkcsPssParams { hash_alg: self.mechanism, mgf: self.mask, s_len: Ulong::new(self.size as u64) }
    }
}

impl Algorithm {
    /// The algorithm of that name.
    pub fn named(name: &str) -> Option<&'static Self> {
        ALGORITHMS.iter().find(|algorithm| algorithm.name == name)
    }

    /// The hash that stands before the signature, if it isn't the scheme's own affair.
    pub fn hash(&self) -> Option<&'static Hash> {
        match self.scheme {
            Scheme::Pkcs1(hash) | Scheme::Pss(hash) | Scheme::Ecdsa(hash) => Some(hash),
            Scheme::Ed25519 | Scheme::Ed25519ph | Scheme::MlDsa => None,
        }
    }

    /// Signs in the HSM. `input`: a digest for schemes with a hash before them, else the message.
    pub fn sign(&self, token: &Token, key: ObjectHandle, input: &[u8]) -> Result<Vec<u8>, Trouble> {
        let (mechanism, input) = match self.scheme {
            Scheme::Pkcs1(hash) => (Mechanism::RsaPkcs, [hash.head, input].concat()),
            Scheme::Pss(hash) => (Mechanism::RsaPkcsPss(hash.pss()), input.to_vec()),
            Scheme::Ecdsa(_) => (Mechanism::Ecdsa, input.to_vec()),
            Scheme::Ed25519 => {
                (Mechanism::Eddsa(EddsaParams::new(EddsaSignatureScheme::Ed25519)), input.to_vec())
            }
            Scheme::Ed25519ph => (prehashed(), input.to_vec()),
            Scheme::MlDsa => {
                (Mechanism::MlDsa(SignAdditionalContext::new(HedgeType::Preferred, None)), input.to_vec())
            }
        };
        let signature = token.with(|session| session.sign(&mechanism, key, &input))?;
        match self.scheme {
            Scheme::Ecdsa(_) => der(&signature).map_err(from_openssl),
            _ => Ok(signature),
        }
    }

    /// Whether it is Ed25519ph, which an HSM that doesn't know it may take for Ed25519.
    pub fn is_prehashed(&self) -> bool {
        matches!(self.scheme, Scheme::Ed25519ph)
    }

    /// Whether it is a signature of `input` by the key whose public half that is. Only Ed25519ph needs the HSM for it.
    pub fn verify(
        &self,
        token: &Token,
        key: &PKeyRef<Public>,
        input: &[u8],
        signature: &[u8],
    ) -> Result<bool, Trouble> {
        let verified = match self.scheme {
            Scheme::Ed25519ph => return verify_in_hsm(token, key, input, signature),
            Scheme::Ed25519 | Scheme::MlDsa => return is_pure(key, input, signature),
            Scheme::Pkcs1(hash) => {
                rsa(key, hash, Padding::PKCS1).map(|mut context| context.verify(input, signature))
            }
            Scheme::Pss(hash) => {
                rsa(key, hash, Padding::PKCS1_PSS).map(|mut context| context.verify(input, signature))
            }
            Scheme::Ecdsa(_) => verifying(key).map(|mut context| context.verify(input, signature)),
        };
        // The inner result is about the signature: OpenSSL fails where one isn't even well-formed.
        Ok(verified.map_err(from_openssl)?.unwrap_or(false))
    }
}

/// Whether it is a signature of the message itself, without a hash before the scheme's own.
pub fn is_pure(key: &PKeyRef<Public>, message: &[u8], signature: &[u8]) -> Result<bool, Trouble> {
    let mut verifier = Verifier::new_without_digest(key).map_err(from_openssl)?;
    Ok(verifier.verify_oneshot(signature, message).unwrap_or(false))
}

fn verifying(key: &PKeyRef<Public>) -> Result<PkeyCtx<Public>, ErrorStack> {
    let mut context = PkeyCtx::new(key)?;
    context.verify_init()?;
    Ok(context)
}

fn rsa(key: &PKeyRef<Public>, hash: &Hash, padding: Padding) -> Result<PkeyCtx<Public>, ErrorStack> {
    let mut context = verifying(key)?;
    context.set_rsa_padding(padding)?;
    context.set_signature_md((hash.md)())?;
    if padding == Padding::PKCS1_PSS {
        context.set_rsa_pss_saltlen(RsaPssSaltlen::DIGEST_LENGTH)?;
        context.set_rsa_mgf1_md((hash.md)())?;
    }
    Ok(context)
}

/// ECDSA's two numbers, of one width each, as DER.
fn der(raw: &[u8]) -> Result<Vec<u8>, ErrorStack> {
    let (r, s) = raw.split_at(raw.len() / 2);
    EcdsaSig::from_private_components(BigNum::from_slice(r)?, BigNum::from_slice(s)?)?.to_der()
}

fn prehashed() -> Mechanism<'static> {
    Mechanism::Eddsa(EddsaParams::new(EddsaSignatureScheme::Ed25519ph(&[])))
}

/// Ed25519ph: what the OpenSSL bindings know no name for.
fn verify_in_hsm(
    token: &Token,
    key: &PKeyRef<Public>,
    input: &[u8],
    signature: &[u8],
) -> Result<bool, Trouble> {
    // No signature is both, but an HSM that ignores the parameter would take one for the other.
    if is_pure(key, input, signature)? {
        return Ok(false);
    }
    let point = key.raw_public_key().map_err(from_openssl)?;
    let mut public = template::public(Family::Edwards, Usage::SignVerify);
    public
        .extend([Attribute::EcParams(ED25519.to_vec()), Attribute::EcPoint([&[4, 32][..], &point].concat())]);
    let verified = token.with(|session| {
        let key = session.create_object(&public)?;
        let verified = session.verify(&prehashed(), key, input, signature);
        session.destroy_object(key)?;
        verified
    });
    match verified {
        Ok(()) => Ok(true),
        Err(Trouble::BadData) => Ok(false),
        Err(trouble) => Err(trouble),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use openssl::ec::{EcGroup, EcKey};
    use openssl::nid::Nid;

    #[test]
    fn k8_two_numbers_become_the_der_that_others_read() {
        let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).expect("a curve");
        let key = EcKey::generate(&group).expect("a key");
        let digest = SHA_256.digest(b"message").expect("a digest");
        let signature = EcdsaSig::sign(&digest, &key).expect("a signature");
        let raw = [signature.r().to_vec_padded(32).expect("r"), signature.s().to_vec_padded(32).expect("s")]
            .concat();
        assert_eq!(der(&raw).expect("der"), signature.to_der().expect("der"));
    }

    #[test]
    fn k7_a_digest_info_tells_its_hash_and_length() {
        for hash in [&SHA_256, &SHA_384, &SHA_512] {
            let total = usize::from(hash.head[1]) + 2;
            assert_eq!((total, usize::from(hash.head[18])), (hash.head.len() + hash.size, hash.size));
            assert_eq!(hash.digest(b"").expect("a digest").len(), hash.size);
        }
    }

    #[test]
    fn every_algorithm_that_a_key_may_sign_by_has_its_row() {
        for spec in crate::keys::spec::SPECS {
            for name in spec.algorithms(Usage::SignVerify) {
                assert!(Algorithm::named(name).is_some(), "{name}");
            }
        }
    }
}
