//! Public keys as the world knows them: SubjectPublicKeyInfo (RFC 5280, section 4.1), made of what an HSM shows of a public key.

use cryptoki::object::AttributeType;
use openssl::bn::BigNumContext;
use openssl::ec::{EcGroup, EcKey, EcPoint};
use openssl::error::ErrorStack;
use openssl::nid::Nid;
use openssl::pkey::{Id, KeyType, PKey, Public};
use openssl::rsa::Rsa;

use super::from_openssl;
use super::parts::Parts;
use crate::hsm::Trouble;
use crate::keys::spec::{Family, Spec};

/// The names that OpenSSL has for the kinds of keys it knows by a name only, and for curves.
const NAMED: &[(&str, KeyType)] = &[
    ("ML_DSA_44", KeyType::ML_DSA_44),
    ("ML_DSA_65", KeyType::ML_DSA_65),
    ("ML_DSA_87", KeyType::ML_DSA_87),
    ("ML_KEM_512", KeyType::ML_KEM_512),
    ("ML_KEM_768", KeyType::ML_KEM_768),
    ("ML_KEM_1024", KeyType::ML_KEM_1024),
];
const CURVES: &[(&str, Nid)] = &[
    ("ECC_NIST_P256", Nid::X9_62_PRIME256V1),
    ("ECC_NIST_P384", Nid::SECP384R1),
    ("ECC_NIST_P521", Nid::SECP521R1),
    ("ECC_SECG_P256K1", Nid::SECP256K1),
];

/// The attributes of a public key that [`encode`] needs.
pub fn parts(family: Family) -> &'static [AttributeType] {
    match family {
        Family::Rsa(_) => &[AttributeType::Modulus, AttributeType::PublicExponent],
        Family::Curve { .. } | Family::Edwards => &[AttributeType::EcPoint],
        Family::MlDsa(_) | Family::MlKem(_) => &[AttributeType::Value],
        Family::Symmetric | Family::Hmac(_) | Family::Absent => &[],
    }
}

/// SubjectPublicKeyInfo, DER.
pub fn encode(spec: &Spec, public: &Parts) -> Result<Vec<u8>, Trouble> {
    let key = match spec.family {
        Family::Rsa(_) => {
            let rsa = Rsa::from_public_components(
                public.number(AttributeType::Modulus)?,
                public.number(AttributeType::PublicExponent)?,
            );
            rsa.and_then(PKey::from_rsa)
        }
        Family::Curve { width, .. } => {
            ec_key(spec, point(public.get(AttributeType::EcPoint)?, 1 + 2 * width)?)
                .and_then(PKey::from_ec_key)
        }
        Family::Edwards => {
            PKey::public_key_from_raw_bytes(point(public.get(AttributeType::EcPoint)?, 32)?, Id::ED25519)
        }
        Family::MlDsa(_) | Family::MlKem(_) => {
            PKey::public_key_from_raw_bytes_ex(None, name(spec)?, None, public.get(AttributeType::Value)?)
        }
        Family::Symmetric | Family::Hmac(_) | Family::Absent => {
            return Err(Trouble::Unsupported(spec.name.to_owned()));
        }
    };
    key.and_then(|key| key.public_key_to_der()).map_err(from_openssl)
}

/// OpenSSL's group of a curve.
pub fn group(spec: &Spec) -> Result<EcGroup, ErrorStack> {
    let curve = CURVES.iter().find(|(name, _)| *name == spec.name).map_or(Nid::UNDEF, |(_, nid)| *nid);
    EcGroup::from_curve_name(curve)
}

/// A point of `size` bytes, bare or in a DER octet string (what the standard says) or bit string (what it said once for Edwards curves).
pub fn point(shown: &[u8], size: usize) -> Result<&[u8], Trouble> {
    const OCTET_STRING: u8 = 4;
    const BIT_STRING: u8 = 3;
    let wrapped = shown.split_at_checked(shown.len().saturating_sub(size)).and_then(|(head, point)| {
        let length = |content: usize| u8::try_from(content).ok();
        let fits = match *head {
            [] => true,
            [OCTET_STRING, short] => Some(short) == length(size) && short < 0x80,
            [OCTET_STRING, 0x81, long] => Some(long) == length(size),
            [BIT_STRING, short, 0] => Some(short) == length(size + 1),
            _ => false,
        };
        (fits && point.len() == size).then_some(point)
    });
    wrapped.ok_or_else(|| Trouble::Other("the HSM shows a point that is none of this curve".to_owned()))
}

fn ec_key(spec: &Spec, point: &[u8]) -> Result<EcKey<Public>, ErrorStack> {
    let group = group(spec)?;
    let mut context = BigNumContext::new()?;
    let key = EcKey::from_public_key(&group, &*EcPoint::from_bytes(&group, point, &mut context)?)?;
    key.check_key()?;
    Ok(key)
}

/// OpenSSL's name of a kind.
pub fn name(spec: &Spec) -> Result<KeyType, Trouble> {
    NAMED
        .iter()
        .find(|(name, _)| *name == spec.name)
        .map(|(_, key_type)| *key_type)
        .ok_or_else(|| Trouble::Unsupported(spec.name.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_is_read_bare_and_in_each_wrapping_that_hsms_use() {
        for size in [32, 65, 97, 133] {
            let bare = vec![7; size];
            let length = u8::try_from(size).expect("short");
            let octets = if size < 128 {
                [&[4, length][..], &bare].concat()
            } else {
                [&[4, 0x81, length][..], &bare].concat()
            };
            assert_eq!(point(&bare, size).expect("bare"), &bare[..]);
            assert_eq!(point(&octets, size).expect("octets"), &bare[..]);
            assert!(
                point(&octets[1..], size).is_err()
                    && point(&bare[1..], size).is_err()
                    && point(&[], size).is_err()
            );
        }
        assert_eq!(point(&[&[3, 33, 0][..], &[7; 32]].concat(), 32).expect("bits"), &[7; 32]);
    }

    #[test]
    fn k6_a_point_off_the_curve_becomes_no_public_key() {
        let spec = Spec::named("ECC_NIST_P256").expect("a kind");
        let off = [&[4][..], &[1; 64]].concat();
        assert!(encode(spec, &Parts::of(&[(AttributeType::EcPoint, &off)])).is_err());
    }
}
