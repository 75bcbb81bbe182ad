//! Private keys as the world knows them: PrivateKeyInfo (PKCS#8, RFC 5958), made of what an HSM shows of a key that may leave it.

use cryptoki::object::AttributeType;
use openssl::bn::BigNumContext;
use openssl::ec::{EcKey, EcPoint};
use openssl::error::ErrorStack;
use openssl::pkey::{Id, PKey, Private};
use openssl::rsa::Rsa;
use zeroize::Zeroizing;

use super::parts::Parts;
use super::{from_openssl, spki};
use crate::hsm::Trouble;
use crate::keys::spec::{Family, Spec};

/// The attributes of a private key that [`encode`] needs.
pub fn parts(family: Family) -> &'static [AttributeType] {
    use AttributeType as A;
    match family {
        Family::Rsa(_) => &[
            A::Modulus,
            A::PublicExponent,
            A::PrivateExponent,
            A::Prime1,
            A::Prime2,
            A::Exponent1,
            A::Exponent2,
            A::Coefficient,
        ],
        Family::Curve { .. } | Family::Edwards => &[A::Value],
        Family::MlKem(_) => &[A::Seed],
        Family::Symmetric | Family::MlDsa(_) | Family::Hmac(_) | Family::Absent => &[],
    }
}

/// PrivateKeyInfo, DER.
pub fn encode(spec: &Spec, public: &Parts, private: &Parts) -> Result<Zeroizing<Vec<u8>>, Trouble> {
    let key = match spec.family {
        Family::Rsa(_) => rsa(private)?,
        Family::Curve { width, .. } => {
            let point = spki::point(public.get(AttributeType::EcPoint)?, 1 + 2 * width)?;
            let scalar = private.number(AttributeType::Value)?;
            curve(spec, &scalar, point).map_err(from_openssl)?
        }
        Family::Edwards => PKey::private_key_from_raw_bytes(private.get(AttributeType::Value)?, Id::ED25519)
            .map_err(from_openssl)?,
        Family::MlKem(set) => return seed(set, private.get(AttributeType::Seed)?),
        Family::Symmetric | Family::MlDsa(_) | Family::Hmac(_) | Family::Absent => {
            return Err(Trouble::Unsupported(spec.name.to_owned()));
        }
    };
    key.private_key_to_pkcs8().map(Zeroizing::new).map_err(from_openssl)
}

fn rsa(private: &Parts) -> Result<PKey<Private>, Trouble> {
    use AttributeType as A;
    let rsa = Rsa::from_private_components(
        private.number(A::Modulus)?,
        private.number(A::PublicExponent)?,
        private.number(A::PrivateExponent)?,
        private.number(A::Prime1)?,
        private.number(A::Prime2)?,
        private.number(A::Exponent1)?,
        private.number(A::Exponent2)?,
        private.number(A::Coefficient)?,
    );
    rsa.and_then(PKey::from_rsa).map_err(from_openssl)
}

fn curve(spec: &Spec, scalar: &openssl::bn::BigNum, point: &[u8]) -> Result<PKey<Private>, ErrorStack> {
    let group = spki::group(spec)?;
    let mut context = BigNumContext::new()?;
    let point = EcPoint::from_bytes(&group, point, &mut context)?;
    EcKey::from_private_components(&group, scalar, &point).and_then(PKey::from_ec_key)
}

/// An ML-KEM key as nothing but its seed of 64 bytes, where OpenSSL would write the expanded key beside it: the same 86 bytes for each size
/// but for the last number of the object identifier, 2.16.840.1.101.3.4.4.1 to 3.
fn seed(set: u64, seed: &[u8]) -> Result<Zeroizing<Vec<u8>>, Trouble> {
    const SEED: usize = 64;
    let set = u8::try_from(set)
        .ok()
        .filter(|_| seed.len() == SEED)
        .ok_or_else(|| Trouble::Other("the HSM shows a seed of another size".to_owned()))?;
    let head = [
        &[0x30, 0x54, 0x02, 0x01, 0x00][..],
        &[0x30, 0x0b, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x04, set],
        &[0x04, 0x42, 0x80, 0x40],
    ];
    let mut der = Zeroizing::new(Vec::with_capacity(86));
    head.iter().chain([&seed]).for_each(|part| der.extend_from_slice(part));
    Ok(der)
}

#[cfg(test)]
mod tests {
    use super::*;
    use openssl::pkey::KeyType;

    #[test]
    fn k26_an_ml_kem_key_is_written_as_its_seed_and_read_back_by_others() {
        let kinds = [
            ("ML_KEM_512", KeyType::ML_KEM_512),
            ("ML_KEM_768", KeyType::ML_KEM_768),
            ("ML_KEM_1024", KeyType::ML_KEM_1024),
        ];
        for (name, kind) in kinds {
            let spec = Spec::named(name).expect("a kind");
            let bytes: Vec<u8> = (0..64).collect();
            let private = Parts::of(&[(AttributeType::Seed, &bytes)]);
            let der = encode(spec, &Parts::of(&[]), &private).expect("encoded");
            assert_eq!(der.len(), 86);
            let read = PKey::private_key_from_der(&der).expect("a private key");
            let known = PKey::private_key_from_seed(None, kind, None, &bytes).expect("the same");
            assert!(read.is_a(kind) && read.public_eq(&known));
        }
    }
}
