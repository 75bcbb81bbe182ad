//! Two sides agree on a key by encapsulation; each makes it by its own template, and nobody makes one by asking how.

use crate::common::*;
use std::ptr::null_mut;

const KEM: CK_MECHANISM_TYPE = CKM_ML_KEM;

/// The template of a shared secret that may be read.
fn open_secret() -> Template {
    template![
        CKA_CLASS => CKO_SECRET_KEY, CKA_KEY_TYPE => CKK_GENERIC_SECRET, CKA_TOKEN => false,
        CKA_SENSITIVE => false, CKA_EXTRACTABLE => true,
    ]
}

fn pair(session: Session, changes: Template) -> (Handle, Handle) {
    keys::pqc(session, CKK_ML_KEM, CKP_ML_KEM_768, changes)
}

fn objects(session: Session) -> usize {
    session.find(&template![]).unwrap().len()
}

#[test]
fn asking_for_the_size_makes_no_key() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let (public, _) = pair(session, template![]);
        let before = objects(session);
        let mechanism = Mechanism::plain(KEM);
        let mut ciphertext = vec![0xEE; 1100];
        let mut key = 77;
        open_secret().with_raw(|list, count| {
            let call = |buffer, length: &mut CK_ULONG, key| {
                answer(raw_3_2!(C_EncapsulateKey(
                    session.0,
                    mechanism.as_ptr(),
                    public,
                    list,
                    count,
                    buffer,
                    length,
                    key
                )))
            };
            let mut length = 5;
            call(null_mut(), &mut length, null_mut()).unwrap();
            assert_eq!(length, 1088);
            for room in [0, 1, 1087] {
                length = room;
                call(ciphertext.as_mut_ptr(), &mut length, &mut key).refused(CKR_BUFFER_TOO_SMALL);
                assert_eq!((length, key), (1088, 77));
            }
            length = 1088;
            call(ciphertext.as_mut_ptr(), &mut length, null_mut()).refused(CKR_ARGUMENTS_BAD);
            assert!(ciphertext.iter().all(|byte| *byte == 0xEE));
            assert_eq!(objects(session), before);
            length = 1100;
            call(ciphertext.as_mut_ptr(), &mut length, &mut key).unwrap();
            assert_eq!(length, 1088);
        });
        assert!(ciphertext[1088..].iter().all(|byte| *byte == 0xEE), "written past the end");
        assert_eq!(objects(session), before + 1);
        assert_eq!(session.get(key, CKA_VALUE).unwrap().len(), 32);
    });
}

#[test]
fn the_new_key_is_what_the_template_says_and_else_what_the_standard_says() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let (public, private) = pair(session, template![]);
        let kem = Mechanism::plain(KEM);
        let (ciphertext, one) = session.encapsulate(&kem, public, &template![]).unwrap();
        let other = session.decapsulate(&kem, private, &ciphertext, &template![]).unwrap();
        for key in [one, other] {
            assert_eq!(session.get_ulong(key, CKA_CLASS), Ok(CKO_SECRET_KEY));
            assert_eq!(session.get_ulong(key, CKA_KEY_TYPE), Ok(CKK_GENERIC_SECRET));
            assert_eq!(session.get_ulong(key, CKA_VALUE_LEN), Ok(32));
            for (attribute, expected) in [
                (CKA_EXTRACTABLE, true),
                (CKA_LOCAL, false),
                (CKA_ALWAYS_SENSITIVE, false),
                (CKA_NEVER_EXTRACTABLE, false),
            ] {
                assert_eq!(session.get_bool(key, attribute), Ok(expected), "{attribute:#x}");
            }
        }
        let closed = template![CKA_KEY_TYPE => CKK_AES, CKA_SENSITIVE => true, CKA_EXTRACTABLE => false];
        let (ciphertext, one) = session.encapsulate(&kem, public, &closed).unwrap();
        session.get(one, CKA_VALUE).refused(CKR_ATTRIBUTE_SENSITIVE);
        let other = session.decapsulate(&kem, private, &ciphertext, &closed).unwrap();
        let gcm = Mechanism::gcm(&[1; 12], b"");
        let sealed = session.encrypt(&gcm, one, b"for the other side").unwrap();
        assert_eq!(session.decrypt(&gcm, other, &sealed).unwrap(), b"for the other side");
    });
}

#[test]
fn a_template_that_cannot_be_met_makes_no_key() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let (public, private) = pair(session, template![]);
        let kem = Mechanism::plain(KEM);
        let (ciphertext, _) = session.encapsulate(&kem, public, &open_secret()).unwrap();
        let before = objects(session);
        for (changes, code) in [
            (template![CKA_VALUE_LEN => 16 as CK_ULONG], CKR_TEMPLATE_INCONSISTENT),
            (template![CKA_KEY_TYPE => CKK_DES3], CKR_TEMPLATE_INCONSISTENT),
            (template![CKA_CLASS => CKO_PRIVATE_KEY], CKR_TEMPLATE_INCONSISTENT),
            (template![CKA_VALUE => &[1; 32]], CKR_ATTRIBUTE_READ_ONLY),
            (template![CKA_LOCAL => true], CKR_ATTRIBUTE_READ_ONLY),
            (template![CKA_KEY_TYPE => CKK_RSA], CKR_ATTRIBUTE_VALUE_INVALID),
        ] {
            let template = open_secret().and(&changes);
            session.encapsulate(&kem, public, &template).map(|_| ()).refused(code);
            session.decapsulate(&kem, private, &ciphertext, &template).refused(code);
        }
        let codes = [CKR_WRAPPED_KEY_LEN_RANGE];
        session.decapsulate(&kem, private, &ciphertext[1..], &open_secret()).refused_by_one_of(&codes);
        session.decapsulate(&kem, private, b"", &open_secret()).refused_by_one_of(&codes);
        assert_eq!(objects(session), before);
    });
}

#[test]
fn keys_do_what_they_may_and_nothing_else() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let (public, private) = pair(session, template![]);
        let kem = Mechanism::plain(KEM);
        let encapsulate = |mechanism: &Mechanism, key| {
            session.encapsulate(mechanism, key, &open_secret()).map(|(ciphertext, _)| ciphertext)
        };
        let decapsulate = |mechanism: &Mechanism, key, ciphertext: &[u8]| {
            session.decapsulate(mechanism, key, ciphertext, &open_secret())
        };
        let ciphertext = encapsulate(&kem, public).unwrap();
        encapsulate(&kem, 12345).refused(CKR_KEY_HANDLE_INVALID);
        decapsulate(&kem, 12345, &ciphertext).refused(CKR_UNWRAPPING_KEY_HANDLE_INVALID);
        encapsulate(&kem, private).refused(CKR_KEY_TYPE_INCONSISTENT);
        decapsulate(&kem, public, &ciphertext).refused(CKR_UNWRAPPING_KEY_TYPE_INCONSISTENT);
        let (signing, _) = keys::pqc(session, CKK_ML_DSA, CKP_ML_DSA_44, template![]);
        encapsulate(&kem, signing).refused(CKR_KEY_TYPE_INCONSISTENT);
        encapsulate(&Mechanism::plain(CKM_ML_DSA), signing).refused(CKR_MECHANISM_INVALID);
        encapsulate(&Mechanism::bytes(KEM, &[1]), public).refused(CKR_MECHANISM_PARAM_INVALID);
        session.set(public, &template![CKA_ENCAPSULATE => false]).unwrap();
        encapsulate(&kem, public).refused(CKR_KEY_FUNCTION_NOT_PERMITTED);
        session.set(private, &template![CKA_DECAPSULATE => false]).unwrap();
        decapsulate(&kem, private, &ciphertext).refused(CKR_KEY_FUNCTION_NOT_PERMITTED);
        let others = template![CKA_ALLOWED_MECHANISMS => &[CKM_ECDH1_DERIVE][..]];
        let (_, limited) = pair(session, others);
        decapsulate(&kem, limited, &ciphertext).refused(CKR_KEY_FUNCTION_NOT_PERMITTED);
        let careful = template![CKA_ALWAYS_AUTHENTICATE => true];
        let (_, careful) = pair(session, careful);
        decapsulate(&kem, careful, &ciphertext).refused(CKR_USER_NOT_LOGGED_IN);
    });
}

#[test]
fn rsa_and_ec_keys_encapsulate_only_if_they_were_made_to() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let public = keys::public_template();
        let rsa = public.and(&template![CKA_MODULUS_BITS => 2048 as CK_ULONG]);
        let ec = public.and(&template![CKA_EC_PARAMS => keys::P256]);
        for (id, public) in [(CKM_RSA_PKCS_KEY_PAIR_GEN, rsa), (CKM_EC_KEY_PAIR_GEN, ec)] {
            let (public, private) =
                session.generate_pair(&Mechanism::plain(id), &public, &keys::private_template()).unwrap();
            assert_eq!(session.get_bool(public, CKA_ENCAPSULATE), Ok(false));
            assert_eq!(session.get_bool(private, CKA_DECAPSULATE), Ok(false));
        }
    });
}

#[test]
fn what_the_keys_own_templates_ask_for_is_done() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let kem = Mechanism::plain(KEM);
        let asked = template![CKA_SENSITIVE => true, CKA_EXTRACTABLE => false];
        let public = keys::public_template().and(&template![
            CKA_PARAMETER_SET => CKP_ML_KEM_512, CKA_ENCAPSULATE_TEMPLATE => asked.clone(),
        ]);
        let private = keys::private_template().and(&template![CKA_DECAPSULATE_TEMPLATE => asked.clone()]);
        let generation = Mechanism::plain(CKM_ML_KEM_KEY_PAIR_GEN);
        let (public, private) = session.generate_pair(&generation, &public, &private).unwrap();
        let before = objects(session);
        // A key that is encapsulated must match; one that is decapsulated is made to.
        for unfit in [open_secret(), template![]] {
            session.encapsulate(&kem, public, &unfit).map(|_| ()).refused(CKR_TEMPLATE_INCONSISTENT);
        }
        assert_eq!(objects(session), before);
        let (ciphertext, _) = session.encapsulate(&kem, public, &asked).unwrap();
        let made = session.decapsulate(&kem, private, &ciphertext, &template![]).unwrap();
        assert_eq!(session.get_bool(made, CKA_SENSITIVE), Ok(true));
        assert_eq!(session.get_bool(made, CKA_EXTRACTABLE), Ok(false));
        let unfit = session.decapsulate(&kem, private, &ciphertext, &open_secret());
        unfit.refused(CKR_TEMPLATE_INCONSISTENT);
    });
}

#[test]
fn no_decapsulation_goes_around_what_a_key_demands_of_others() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let closed = template![CKA_SENSITIVE => true, CKA_EXTRACTABLE => false];
        let demand = |kind| template![kind => closed.clone()];
        let rsa = keys::rsa(session, 2048, demand(CKA_UNWRAP_TEMPLATE));
        let ec = keys::ec(session, keys::P256, demand(CKA_DERIVE_TEMPLATE));
        let ecdh = Mechanism::ecdh(CKM_ECDH1_DERIVE, CKD_NULL, b"", b"");
        for ((public, private), mechanism) in
            [(rsa, &Mechanism::plain(CKM_RSA_PKCS)), (rsa, &Mechanism::plain(CKM_RSA_X_509)), (ec, &ecdh)]
        {
            let open = open_secret().and(&template![CKA_VALUE_LEN => 32 as CK_ULONG]);
            let (ciphertext, _) = session.encapsulate(mechanism, public, &open).unwrap();
            session.decapsulate(mechanism, private, &ciphertext, &open).refused(CKR_TEMPLATE_INCONSISTENT);
            let sized = template![CKA_VALUE_LEN => 32 as CK_ULONG];
            let made = session.decapsulate(mechanism, private, &ciphertext, &sized).unwrap();
            session.get(made, CKA_VALUE).refused(CKR_ATTRIBUTE_SENSITIVE);
            assert_eq!(session.get_bool(made, CKA_EXTRACTABLE), Ok(false));
        }
    });
}

/// Section 6.4: as with curves, if the pair was made for it.
#[test]
fn diffie_hellman_keys_encapsulate_where_their_templates_say_so() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        for (generation, x942) in [(CKM_DH_PKCS_KEY_PAIR_GEN, false), (CKM_X9_42_DH_KEY_PAIR_GEN, true)] {
            let public = keys::public_template().and(&keys::group(x942));
            let uses = template![CKA_ENCAPSULATE => true];
            let private = keys::private_template().and(&template![CKA_DECAPSULATE => true]);
            let generation = Mechanism::plain(generation);
            let (public, private) = session.generate_pair(&generation, &public.and(&uses), &private).unwrap();
            let mechanism = match x942 {
                false => Mechanism::plain(CKM_DH_PKCS_DERIVE),
                true => Mechanism::structure(CKM_X9_42_DH_DERIVE, [], |[]| CK_X9_42_DH1_DERIVE_PARAMS {
                    kdf: CKD_NULL,
                    ulOtherInfoLen: 0,
                    pOtherInfo: std::ptr::null_mut(),
                    ulPublicDataLen: 0,
                    pPublicData: std::ptr::null_mut(),
                }),
            };
            let template = open_secret().and(&template![CKA_VALUE_LEN => 32 as CK_ULONG]);
            let (ciphertext, one) = session.encapsulate(&mechanism, public, &template).unwrap();
            let other = session.decapsulate(&mechanism, private, &ciphertext, &template).unwrap();
            assert_eq!(session.get(one, CKA_VALUE), session.get(other, CKA_VALUE));
            let plain = keys::modulo_prime(session, generation.id()).0;
            session
                .encapsulate(&mechanism, plain, &template)
                .map(|_| ())
                .refused(CKR_KEY_FUNCTION_NOT_PERMITTED);
        }
    });
}

#[test]
fn keys_for_the_token_are_made_in_sessions_that_may_write_and_stay() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let (public, private) = pair(session, template![]);
        let reading = token.read_only();
        let kem = Mechanism::plain(KEM);
        let stored = open_secret().and(&template![CKA_TOKEN => true]);
        reading.encapsulate(&kem, public, &stored).map(|_| ()).refused(CKR_SESSION_READ_ONLY);
        let (ciphertext, _) = reading.encapsulate(&kem, public, &open_secret()).unwrap();
        reading.decapsulate(&kem, private, &ciphertext, &stored).refused(CKR_SESSION_READ_ONLY);
        reading.decapsulate(&kem, private, &ciphertext, &open_secret()).unwrap();
        let (_, key) = session.encapsulate(&kem, public, &stored).unwrap();
        let value = session.get(key, CKA_VALUE).unwrap();
        session.close().unwrap();
        let kept = reading.find(&template![CKA_TOKEN => true]).unwrap();
        assert_eq!(kept.len(), 1);
        assert_eq!(reading.get(kept[0], CKA_VALUE), Ok(value));
    });
}
