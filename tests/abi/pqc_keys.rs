//! Post-quantum keys come in and go out in every form the standard has for them, and in no other.

use crate::common::*;

#[rustfmt::skip]
const SETS: [(CK_KEY_TYPE, CK_ULONG); 18] = [
    (CKK_ML_DSA, CKP_ML_DSA_44), (CKK_ML_DSA, CKP_ML_DSA_65), (CKK_ML_DSA, CKP_ML_DSA_87),
    (CKK_ML_KEM, CKP_ML_KEM_512), (CKK_ML_KEM, CKP_ML_KEM_768), (CKK_ML_KEM, CKP_ML_KEM_1024),
    (CKK_SLH_DSA, CKP_SLH_DSA_SHA2_128S), (CKK_SLH_DSA, CKP_SLH_DSA_SHAKE_128S),
    (CKK_SLH_DSA, CKP_SLH_DSA_SHA2_128F), (CKK_SLH_DSA, CKP_SLH_DSA_SHAKE_128F),
    (CKK_SLH_DSA, CKP_SLH_DSA_SHA2_192S), (CKK_SLH_DSA, CKP_SLH_DSA_SHAKE_192S),
    (CKK_SLH_DSA, CKP_SLH_DSA_SHA2_192F), (CKK_SLH_DSA, CKP_SLH_DSA_SHAKE_192F),
    (CKK_SLH_DSA, CKP_SLH_DSA_SHA2_256S), (CKK_SLH_DSA, CKP_SLH_DSA_SHAKE_256S),
    (CKK_SLH_DSA, CKP_SLH_DSA_SHA2_256F), (CKK_SLH_DSA, CKP_SLH_DSA_SHAKE_256F),
];

/// The sets that are quick to use: one of each type.
const QUICK: [(CK_KEY_TYPE, CK_ULONG); 3] =
    [(CKK_ML_DSA, CKP_ML_DSA_65), (CKK_ML_KEM, CKP_ML_KEM_768), (CKK_SLH_DSA, CKP_SLH_DSA_SHA2_128F)];

fn readable() -> Template {
    template![CKA_SENSITIVE => false, CKA_EXTRACTABLE => true]
}

/// The template of an imported private key that may be read.
fn imported(key_type: CK_KEY_TYPE, set: CK_ULONG) -> Template {
    let usage = if key_type == CKK_ML_KEM { CKA_DECAPSULATE } else { CKA_SIGN };
    template![
        CKA_CLASS => CKO_PRIVATE_KEY, CKA_KEY_TYPE => key_type, CKA_TOKEN => false, CKA_PARAMETER_SET => set,
        usage => true,
    ]
    .and(&readable())
}

/// Whether what one half does the other understands.
#[track_caller]
fn belong_together(session: Session, key_type: CK_KEY_TYPE, public: Handle, private: Handle) {
    if key_type == CKK_ML_KEM {
        let kem = Mechanism::plain(CKM_ML_KEM);
        let open = readable();
        let (ciphertext, one) = session.encapsulate(&kem, public, &open).unwrap();
        let other = session.decapsulate(&kem, private, &ciphertext, &open).unwrap();
        assert_eq!(session.get(one, CKA_VALUE), session.get(other, CKA_VALUE));
        return;
    }
    let mechanism = Mechanism::plain(if key_type == CKK_ML_DSA { CKM_ML_DSA } else { CKM_SLH_DSA });
    let signature = session.sign(&mechanism, private, b"message").unwrap();
    session.verify(&mechanism, public, b"message", &signature).unwrap();
}

#[test]
fn every_parameter_set_makes_pairs_that_belong_together() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        for (key_type, set) in SETS {
            let (public, private) = keys::pqc(session, key_type, set, template![]);
            for key in [public, private] {
                assert_eq!(session.get_ulong(key, CKA_PARAMETER_SET), Ok(set));
                assert_eq!(session.get_ulong(key, CKA_KEY_TYPE), Ok(key_type));
            }
            let value = session.get(public, CKA_VALUE).unwrap();
            let info = session.get(public, CKA_PUBLIC_KEY_INFO).unwrap();
            assert!(info.ends_with(&value), "the key is the end of its info");
            assert_eq!(session.get(private, CKA_PUBLIC_KEY_INFO), Ok(info));
            belong_together(session, key_type, public, private);
        }
    });
}

#[test]
fn a_private_key_comes_in_by_seed_by_value_or_by_both() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        for (key_type, set) in QUICK {
            let (public, private) = keys::pqc(session, key_type, set, readable());
            let value = session.get(private, CKA_VALUE).unwrap();
            let mut forms = vec![template![CKA_VALUE => &value[..]]];
            if key_type != CKK_SLH_DSA {
                let seed = session.get(private, CKA_SEED).unwrap();
                forms.push(template![CKA_SEED => &seed[..]]);
                forms.push(template![CKA_SEED => &seed[..], CKA_VALUE => &value[..]]);
            }
            for form in forms {
                let again = session.create(&imported(key_type, set).and(&form)).unwrap();
                belong_together(session, key_type, public, again);
                assert_eq!(session.get(again, CKA_VALUE).as_ref(), Ok(&value));
                let seeded = form.0.iter().any(|(kind, _)| *kind == CKA_SEED);
                assert_eq!(session.get(again, CKA_SEED).is_ok(), seeded);
            }
        }
    });
}

#[test]
fn what_makes_no_key_is_refused() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        for (key_type, set) in QUICK {
            let (_, private) = keys::pqc(session, key_type, set, readable());
            let value = session.get(private, CKA_VALUE).unwrap();
            let before = session.find(&template![]).unwrap().len();
            let create = |changes: Template| session.create(&imported(key_type, set).and(&changes));
            create(template![]).refused(CKR_TEMPLATE_INCOMPLETE);
            create(template![CKA_VALUE => &value[1..]]).refused(CKR_ATTRIBUTE_VALUE_INVALID);
            create(template![CKA_VALUE => b""]).refused(CKR_ATTRIBUTE_VALUE_INVALID);
            let unknown = template![CKA_VALUE => &value[..], CKA_PARAMETER_SET => 99 as CK_ULONG];
            create(unknown).refused(CKR_PARAMETER_SET_NOT_SUPPORTED);
            if key_type == CKK_SLH_DSA {
                let seeded = template![CKA_VALUE => &value[..], CKA_SEED => &[1; 48]];
                create(seeded).refused(CKR_TEMPLATE_INCONSISTENT);
            } else {
                let mut seed = session.get(private, CKA_SEED).unwrap();
                create(template![CKA_SEED => &seed[1..]]).refused(CKR_ATTRIBUTE_VALUE_INVALID);
                seed[0] ^= 1;
                let both = template![CKA_SEED => &seed[..], CKA_VALUE => &value[..]];
                create(both).refused(CKR_ATTRIBUTE_VALUE_INVALID);
            }
            assert_eq!(session.find(&template![]).unwrap().len(), before);
        }
    });
}

#[test]
fn a_public_key_info_that_is_given_is_the_keys_own() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        for (key_type, set) in QUICK {
            let (public, private) = keys::pqc(session, key_type, set, readable());
            let info = session.get(public, CKA_PUBLIC_KEY_INFO).unwrap();
            let value = session.get(private, CKA_VALUE).unwrap();
            let mut other = info.clone();
            *other.last_mut().unwrap() ^= 1;
            let create = |info: &[u8]| {
                let given = template![CKA_VALUE => &value[..], CKA_PUBLIC_KEY_INFO => info];
                session.create(&imported(key_type, set).and(&given))
            };
            for right in [&info[..], b""] {
                assert_eq!(session.get(create(right).unwrap(), CKA_PUBLIC_KEY_INFO).as_ref(), Ok(&info));
            }
            for wrong in [&other[..], &info[1..], b"no key at all"] {
                create(wrong).refused(CKR_ATTRIBUTE_VALUE_INVALID);
            }
        }
    });
}

#[test]
fn a_pair_has_the_set_that_the_public_template_names() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        for (key_type, set) in QUICK {
            let generate = |public: Template, private: Template| {
                session
                    .generate_pair(
                        &keys::pqc_generation(key_type),
                        &keys::public_template().and(&public),
                        &keys::private_template().and(&private),
                    )
                    .map(|_| ())
            };
            let named = |set| template![CKA_PARAMETER_SET => set];
            generate(named(set), template![]).unwrap();
            generate(named(set), named(set)).unwrap();
            generate(named(set), named(set - 1)).refused(CKR_TEMPLATE_INCONSISTENT);
            generate(template![], template![]).refused(CKR_TEMPLATE_INCOMPLETE);
            generate(template![], named(set)).refused(CKR_TEMPLATE_INCOMPLETE);
            for unknown in [13, CK_ULONG::MAX] {
                generate(named(unknown), template![]).refused(CKR_PARAMETER_SET_NOT_SUPPORTED);
            }
            let seeded = template![CKA_SEED => &[1; 32]];
            let codes = [CKR_ATTRIBUTE_READ_ONLY, CKR_TEMPLATE_INCONSISTENT];
            generate(named(set), seeded).refused_by_one_of(&codes);
        }
    });
}

#[test]
fn seeds_and_values_are_shown_only_where_both_flags_allow() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        for (sensitive, extractable) in [(true, true), (true, false), (false, false)] {
            for (key_type, set) in QUICK {
                let flags = template![CKA_SENSITIVE => sensitive, CKA_EXTRACTABLE => extractable];
                let (_, private) = keys::pqc(session, key_type, set, flags);
                session.get(private, CKA_VALUE).refused(CKR_ATTRIBUTE_SENSITIVE);
                if key_type != CKK_SLH_DSA {
                    session.get(private, CKA_SEED).refused(CKR_ATTRIBUTE_SENSITIVE);
                    assert!(session.find(&template![CKA_SEED => &[0; 32]]).unwrap_or_default().is_empty());
                    let _ = session.find_final();
                }
            }
        }
    });
}

#[test]
fn keys_are_wrapped_and_come_back_whole() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let wrapping = keys::aes(session, template![]);
        let kwp = Mechanism::plain(CKM_AES_KEY_WRAP_KWP);
        for (key_type, set) in QUICK {
            let (public, private) = keys::pqc(session, key_type, set, readable());
            let wrapped = session.wrap(&kwp, wrapping, private).unwrap();
            let usage = if key_type == CKK_ML_KEM { CKA_DECAPSULATE } else { CKA_SIGN };
            let template = template![CKA_CLASS => CKO_PRIVATE_KEY, CKA_KEY_TYPE => key_type, usage => true]
                .and(&readable());
            let named = template.and(&template![CKA_PARAMETER_SET => set]);
            for template in [&template, &named] {
                let back = session.unwrap(&kwp, wrapping, &wrapped, template).unwrap();
                assert_eq!(session.get(back, CKA_VALUE), session.get(private, CKA_VALUE));
                assert_eq!(session.get(back, CKA_SEED), session.get(private, CKA_SEED));
                assert_eq!(session.get_ulong(back, CKA_PARAMETER_SET), Ok(set));
                belong_together(session, key_type, public, back);
            }
            let other = template.and(&template![CKA_PARAMETER_SET => set - 1]);
            session.unwrap(&kwp, wrapping, &wrapped, &other).refused(CKR_TEMPLATE_INCONSISTENT);
            let other = template.and(&template![CKA_KEY_TYPE => CKK_EC]).without(usage);
            session.unwrap(&kwp, wrapping, &wrapped, &other).refused(CKR_WRAPPED_KEY_INVALID);
        }
    });
}

#[test]
fn stored_keys_work_after_a_new_start() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let stored = template![CKA_TOKEN => true];
        for (key_type, set) in QUICK {
            let (public, private) = keys::pqc(session, key_type, set, template![]);
            session.copy(public, &stored).unwrap();
            session.copy(private, &stored).unwrap();
        }
        module().finalize().unwrap();
        let again = Token::join();
        let session = again.user();
        for (key_type, _) in QUICK {
            let found = |class| {
                let template = template![CKA_CLASS => class, CKA_KEY_TYPE => key_type];
                session.find(&template).unwrap()[0]
            };
            belong_together(session, key_type, found(CKO_PUBLIC_KEY), found(CKO_PRIVATE_KEY));
        }
    });
}
