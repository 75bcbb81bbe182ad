//! Key pairs: generated in an HSM, read out of it as far as they may leave it, written as the world expects them.

use cryptoki::error::Error;
use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, ObjectHandle};
use cryptoki::session::Session;
use cryptoki::types::Ulong;
use zeroize::Zeroizing;

use super::parts::Parts;
use super::{pkcs8, spki, template};
use crate::hsm::{Token, Trouble};
use crate::keys::spec::{Family, Spec, Usage};

/// The exponent of all RSA keys: 65537.
const EXPONENT: &[u8] = &[1, 0, 1];

/// Ed25519's object identifier, 1.3.101.112.
pub(super) const ED25519: &[u8] = &[0x06, 0x03, 0x2b, 0x65, 0x70];

/// What generates a pair of a family, and what the public half's template says of its size.
fn generator(family: Family) -> Result<(Mechanism<'static>, Vec<Attribute>), Error> {
    Ok(match family {
        Family::Rsa(bits) => (
            Mechanism::RsaPkcsKeyPairGen,
            vec![
                Attribute::ModulusBits(Ulong::new(u64::from(bits))),
                Attribute::PublicExponent(EXPONENT.to_vec()),
            ],
        ),
        Family::Curve { params, .. } => {
            (Mechanism::EccKeyPairGen, vec![Attribute::EcParams(params.to_vec())])
        }
        Family::Edwards => (Mechanism::EccEdwardsKeyPairGen, vec![Attribute::EcParams(ED25519.to_vec())]),
        Family::MlDsa(set) => (Mechanism::MlDsaKeyPairGen, vec![parameter_set(set)?]),
        Family::MlKem(set) => (Mechanism::MlKemKeyPairGen, vec![parameter_set(set)?]),
        Family::Symmetric | Family::Hmac(_) | Family::Absent => return Err(Error::NotSupported),
    })
}

/// CKA_PARAMETER_SET.
pub(super) fn parameter_set(set: u64) -> Result<Attribute, Error> {
    Ok(Attribute::ParameterSet(Ulong::new(set).try_into()?))
}

/// Generates a pair whose private half stays as `private` says; the public half is read and forgotten. The public half (SubjectPublicKeyInfo, DER).
pub fn keep(token: &Token, spec: &Spec, usage: Usage, private: &[Attribute]) -> Result<Vec<u8>, Trouble> {
    let (kept, public) = token.with(|session| {
        let (public, kept) = generate(session, spec.family, usage, private)?;
        match Parts::read(session, public, spki::parts(spec.family)) {
            Ok(parts) => session.destroy_object(public).map(|()| (kept, parts)),
            Err(error) => {
                session.destroy_object(kept)?;
                Err(error)
            }
        }
    })?;
    match spki::encode(spec, &public) {
        Ok(der) => Ok(der),
        Err(trouble) => {
            token.with(|session| session.destroy_object(kept))?;
            Err(trouble)
        }
    }
}

/// A pair that leaves the HSM.
pub struct Exported {
    /// PrivateKeyInfo, DER.
    pub private: Zeroizing<Vec<u8>>,
    /// SubjectPublicKeyInfo, DER.
    pub public: Vec<u8>,
}

/// Generates a pair that is not kept.
pub fn export(token: &Token, spec: &Spec) -> Result<Exported, Trouble> {
    let usage = spec
        .uses
        .first()
        .map(|(usage, _)| *usage)
        .ok_or_else(|| Trouble::Unsupported(spec.name.to_owned()))?;
    let (public, private) = token.with(|session| {
        let (public, private) =
            generate(session, spec.family, usage, &template::passing_private(spec.family))?;
        let read = (
            Parts::read(session, public, spki::parts(spec.family))?,
            Parts::read(session, private, pkcs8::parts(spec.family))?,
        );
        session.destroy_object(public)?;
        session.destroy_object(private)?;
        Ok(read)
    })?;
    Ok(Exported { private: pkcs8::encode(spec, &public, &private)?, public: spki::encode(spec, &public)? })
}

/// The handles of a new pair: public, private.
fn generate(
    session: &Session,
    family: Family,
    usage: Usage,
    private: &[Attribute],
) -> Result<(ObjectHandle, ObjectHandle), Error> {
    let (mechanism, size) = generator(family)?;
    let mut public = template::public(family, usage);
    public.extend(size);
    session.generate_key_pair(&mechanism, &public, private)
}
