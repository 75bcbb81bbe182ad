//! Many objects by one template: what was checked once changes nothing for the next, and none shares a later change with another.

use crate::common::*;
use std::collections::HashSet;

/// What AES-ECB makes of zeros, cut to a check value.
fn check_value(session: Session, key: Handle) -> Vec<u8> {
    session.encrypt(&Mechanism::plain(CKM_AES_ECB), key, &[0; 16]).unwrap()[..3].to_vec()
}

#[test]
fn objects_of_one_template_share_no_change_and_each_tells_its_own_check_value() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        for lives_in_token in [false, true] {
            let template = || template![CKA_LABEL => "same", CKA_TOKEN => lives_in_token];
            let make = || keys::aes(session, template());
            let (one, other) = (make(), make());
            let size = session.size_of(other).unwrap();
            session.set(one, &template![CKA_LABEL => "changed", CKA_SIGN => false]).unwrap();
            let (copy, later) = (session.copy(other, &template![CKA_LABEL => "copied"]).unwrap(), make());
            for (key, label, signs) in [
                (one, "changed", false),
                (other, "same", true),
                (copy, "copied", true),
                (later, "same", true),
            ] {
                assert_eq!(session.get(key, CKA_LABEL), Ok(label.into()));
                assert_eq!(session.get_bool(key, CKA_SIGN), Ok(signs));
                let right = check_value(session, key);
                assert_eq!(session.get(key, CKA_CHECK_VALUE).as_ref(), Ok(&right));
                let found = session.find(&template![CKA_CHECK_VALUE => &right[..]]).unwrap();
                assert!(found.contains(&key) && found.contains(&copy) == (key == other || key == copy));
            }
            assert_eq!(session.size_of(other), Ok(size));
            let named = |key: &Handle| session.get(*key, CKA_UNIQUE_ID).unwrap();
            assert_eq!([one, other, copy, later].iter().map(named).collect::<HashSet<_>>().len(), 4);
        }
    });
}

#[test]
fn a_key_that_wants_no_check_value_has_none_and_neither_has_its_copy() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        for _ in 0..2 {
            let key = keys::aes(session, template![CKA_CHECK_VALUE => b""]);
            let copy = session.copy(key, &template![]).unwrap();
            session.set(key, &template![CKA_LABEL => "changed"]).unwrap();
            for one in [key, copy] {
                assert_eq!(session.get(one, CKA_CHECK_VALUE), Ok(vec![]));
            }
        }
    });
}

#[test]
fn what_a_template_claims_is_compared_with_each_key_that_is_made_by_it() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let wrapping = keys::aes(session, template![]);
        let kwp = Mechanism::plain(CKM_AES_KEY_WRAP_KWP);
        let wrapped = |length: u8| {
            let value: Vec<u8> = (0..length).collect();
            let key = keys::secret(session, CKK_GENERIC_SECRET, &value, template![]);
            session.wrap(&kwp, wrapping, key).unwrap()
        };
        let (long, short, wrong) = (wrapped(32), wrapped(16), wrapped(20));
        let aes = template![CKA_CLASS => CKO_SECRET_KEY, CKA_KEY_TYPE => CKK_AES, CKA_ENCRYPT => true];
        let known = session.unwrap(&kwp, wrapping, &long, &aes).unwrap();
        let claim = aes.and(&template![CKA_CHECK_VALUE => &check_value(session, known)[..]]);
        for _ in 0..3 {
            session.unwrap(&kwp, wrapping, &long, &claim).unwrap();
            session.unwrap(&kwp, wrapping, &short, &claim).refused(CKR_ATTRIBUTE_VALUE_INVALID);
            session.unwrap(&kwp, wrapping, &short, &aes).unwrap();
            session.unwrap(&kwp, wrapping, &wrong, &aes).refused(CKR_WRAPPED_KEY_INVALID);
        }
    });
}

#[test]
fn no_pair_is_made_that_claims_to_be_another() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let curve = |curve: &[u8]| template![CKA_EC_PARAMS => curve];
        let set = template![CKA_PARAMETER_SET => CKP_ML_DSA_44];
        for (mechanism, kind) in [
            (CKM_EC_KEY_PAIR_GEN, curve(keys::P256)),
            (CKM_EC_EDWARDS_KEY_PAIR_GEN, curve(keys::ED25519)),
            (CKM_ML_DSA_KEY_PAIR_GEN, set),
        ] {
            let mechanism = Mechanism::plain(mechanism);
            let (public, private) = (keys::public_template().and(&kind), keys::private_template());
            let another = session.generate_pair(&mechanism, &public, &private).unwrap().0;
            let info = session.get(another, CKA_PUBLIC_KEY_INFO).unwrap();
            let claim = template![CKA_PUBLIC_KEY_INFO => &info[..]];
            let before = session.find(&template![]).unwrap().len();
            for _ in 0..2 {
                let (claiming, plain) = (public.and(&claim), private.and(&claim));
                session.generate_pair(&mechanism, &claiming, &private).refused(CKR_ATTRIBUTE_VALUE_INVALID);
                session.generate_pair(&mechanism, &public, &plain).refused(CKR_ATTRIBUTE_VALUE_INVALID);
            }
            assert_eq!(session.find(&template![]).unwrap().len(), before);
        }
    });
}

#[test]
fn a_template_that_served_a_user_serves_nobody_who_may_not_use_it() {
    isolated(|_| {
        let token = Token::new();
        let (session, reading) = (token.user(), token.read_only());
        let template = keys::aes_template(32).and(&template![CKA_TOKEN => true]);
        let generation = Mechanism::plain(CKM_AES_KEY_GEN);
        session.generate(&generation, &template).unwrap();
        reading.generate(&generation, &template).refused(CKR_SESSION_READ_ONLY);
        reading.close().unwrap();
        session.logout().unwrap();
        session.generate(&generation, &template).refused(CKR_USER_NOT_LOGGED_IN);
        session.login(CKU_SO, SO_PIN).unwrap();
        session.generate(&generation, &template).refused(CKR_USER_NOT_LOGGED_IN);
    });
}
