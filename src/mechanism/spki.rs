//! SubjectPublicKeyInfo (RFC 5280, section 4.1) of keys whose public half is a string of bytes: those on curves, and the post-quantum ones. To put
//! a few lengths before it takes a hundredth of the time in which OpenSSL finds its encoder.

use super::curves::Curve;
use super::der::{BIT_STRING, SEQUENCE, element};
use super::parameter_set::ParameterSet;
use super::point;
use crate::attribute::Attributes;
use cryptoki_sys as ck;

/// `id-ecPublicKey` (RFC 5480, section 2.1.1), which all short Weierstrass curves share.
const EC_PUBLIC_KEY: &[u8] = b"\x06\x07\x2a\x86\x48\xce\x3d\x02\x01";

/// From the full attributes of a public key, or of a private one that has its public point. `None` for other keys.
pub(super) fn of(attributes: &Attributes) -> Option<Vec<u8>> {
    let key_type = attributes.ulong(ck::CKA_KEY_TYPE)?;
    if let Some(params) = attributes.bytes(ck::CKA_EC_PARAMS) {
        let curve = Curve::named(key_type, params).ok()?;
        let bare = point::bare(curve, attributes.bytes(ck::CKA_EC_POINT)?)?;
        // A point that came compressed is shown as OpenSSL has it.
        let whole = bare.len() == point::bare_length(curve);
        return whole.then(|| info(&algorithm(curve), bare));
    }
    if attributes.ulong(ck::CKA_CLASS) != Some(ck::CKO_PUBLIC_KEY) {
        return None;
    }
    let set = ParameterSet::named(key_type, attributes).ok()?;
    Some(of_encoding(set, attributes.bytes(ck::CKA_VALUE)?))
}

/// From the encoded public key of a parameter set.
pub(super) fn of_encoding(set: &ParameterSet, public: &[u8]) -> Vec<u8> {
    info(&set.oid, public)
}

/// What an AlgorithmIdentifier holds for keys on this curve.
fn algorithm(curve: &Curve) -> Vec<u8> {
    match curve.key_type {
        ck::CKK_EC => [EC_PUBLIC_KEY, curve.oid].concat(),
        _ => curve.oid.to_vec(),
    }
}

fn info(algorithm: &[u8], key: &[u8]) -> Vec<u8> {
    // The first byte says how many bits of the last are not part of the string.
    let key = element(BIT_STRING, &[&[0], key]);
    element(SEQUENCE, &[&element(SEQUENCE, &[algorithm]), &key])
}

#[cfg(test)]
mod tests {
    use super::super::curves::CURVES;
    use super::super::material::Material;
    use super::super::pair_testing::{curve as pair, pqc, rsa};
    use super::super::parameter_set::PARAMETER_SETS;
    use super::*;

    fn by_openssl(key: &Attributes) -> Vec<u8> {
        match Material::from_attributes(key).unwrap() {
            Material::Public(key) => key.public_key_to_der().unwrap(),
            Material::Private(key) => key.public_key_to_der().unwrap(),
            Material::Secret(_) => panic!("no pair"),
        }
    }

    #[test]
    fn it_is_the_one_that_openssl_makes() {
        for curve in CURVES {
            let (public, private) = pair(curve.key_type, curve.oid);
            for key in [&public, &private] {
                assert_eq!(of(key), Some(by_openssl(key)), "{:?}", curve.names);
            }
        }
        for set in PARAMETER_SETS {
            let (public, private) = pqc(set.key_type, set.number);
            assert_eq!(of(&public), Some(by_openssl(&public)), "{:?}", set.name);
            assert_eq!(of(&private), None, "{:?}", set.name);
            // So its own comes with it when it is made.
            assert_eq!(
                private.bytes(ck::CKA_PUBLIC_KEY_INFO),
                Some(&by_openssl(&private)[..]),
                "{:?}",
                set.name
            );
        }
    }

    #[test]
    fn other_keys_are_left_to_openssl() {
        let (public, private) = rsa();
        assert_eq!((of(public), of(private)), (None, None));
    }
}
