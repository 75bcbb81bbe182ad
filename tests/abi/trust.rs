//! Keys that an officer trusts: what went out under them is as safe as in the token.

use crate::common::*;

fn wrap() -> Mechanism {
    Mechanism::plain(CKM_AES_KEY_WRAP)
}

/// Makes a token object trusted, as an officer does, and logs the user in again: its session, and the object.
fn trusted(token: &Token, make: impl FnOnce(Session, Template) -> Handle) -> (Session, Handle) {
    let user = token.user();
    make(user, template![CKA_TOKEN => true, CKA_PRIVATE => false, CKA_LABEL => "trusted"]);
    user.logout().unwrap();
    let officer = token.officer();
    let found = officer.find(&template![CKA_LABEL => "trusted"]).unwrap();
    officer.set(found[0], &template![CKA_TRUSTED => true]).unwrap();
    officer.logout().unwrap();
    let user = token.user();
    let found = user.find(&template![CKA_LABEL => "trusted"]).unwrap();
    assert!(user.get_bool(found[0], CKA_TRUSTED).unwrap());
    (user, found[0])
}

/// An AES key that wraps and unwraps and does nothing else.
fn wrapping_only(session: Session, template: Template) -> Handle {
    let uses = [CKA_ENCRYPT, CKA_DECRYPT, CKA_SIGN, CKA_VERIFY, CKA_DERIVE];
    let none = Template(uses.into_iter().map(|usage| (usage, false.into())).collect());
    keys::aes(session, template.and(&none))
}

#[test]
fn a_copy_of_a_trusted_key_sheds_no_trust_and_learns_nothing() {
    isolated(|_| {
        let token = Token::new();
        let (session, key) = trusted(&token, wrapping_only);
        let copy = session.copy(key, &template![CKA_TOKEN => false, CKA_LABEL => "copy"]).unwrap();
        let copy_of_copy = session.copy(copy, &template![CKA_TOKEN => true]).unwrap();
        for key in [key, copy, copy_of_copy] {
            assert!(session.get_bool(key, CKA_TRUSTED).unwrap());
            for change in [
                template![CKA_TRUSTED => false],
                template![CKA_DECRYPT => true],
                template![CKA_ENCRYPT => true],
                template![CKA_DERIVE => true],
                template![CKA_TRUSTED => false, CKA_DECRYPT => true],
                template![CKA_DECRYPT => true, CKA_TRUSTED => false],
            ] {
                session.copy(key, &change).refused(CKR_ATTRIBUTE_READ_ONLY);
                session.set(key, &change).refused(CKR_ATTRIBUTE_READ_ONLY);
            }
            let ecb = Mechanism::plain(CKM_AES_ECB);
            session.decrypt_init(&ecb, key).refused(CKR_KEY_FUNCTION_NOT_PERMITTED);
        }
        assert_eq!(session.find(&template![]).unwrap().len(), 3, "a refused copy was made");
    });
}

#[test]
fn a_copy_of_any_trusted_object_is_trusted() {
    let public_key = |session: Session, template: Template| {
        let public = template.and(&template![CKA_MODULUS_BITS => 2048 as CK_ULONG, CKA_WRAP => true]);
        let rsa = Mechanism::plain(CKM_RSA_PKCS_KEY_PAIR_GEN);
        session.generate_pair(&rsa, &public, &keys::private_template()).unwrap().0
    };
    let certificate = |session: Session, template: Template| {
        let certificate = template![
            CKA_CLASS => CKO_CERTIFICATE, CKA_CERTIFICATE_TYPE => CKC_X_509, CKA_SUBJECT => &[0x30, 0],
            CKA_VALUE => &[0x30, 3, 2, 1, 5],
        ];
        session.create(&certificate.and(&template)).unwrap()
    };
    let kinds: [fn(Session, Template) -> Handle; 2] = [public_key, certificate];
    isolated(|_| {
        let token = Token::new();
        for make in kinds {
            let (session, object) = trusted(&token, make);
            session.copy(object, &template![CKA_TRUSTED => false]).refused(CKR_ATTRIBUTE_READ_ONLY);
            let copy = session.copy(object, &template![CKA_TOKEN => false]).unwrap();
            assert!(session.get_bool(copy, CKA_TRUSTED).unwrap());
            session.set(copy, &template![CKA_TRUSTED => false]).refused(CKR_ATTRIBUTE_READ_ONLY);
            session.destroy(object).unwrap();
            session.logout().unwrap();
        }
    });
}

#[test]
fn a_key_unwrapped_under_trust_stays_closed() {
    isolated(|_| {
        let token = Token::new();
        let (session, trusted) = trusted(&token, wrapping_only);
        let guarded = template![CKA_EXTRACTABLE => true, CKA_WRAP_WITH_TRUSTED => true];
        let guarded = keys::aes(session, guarded);
        let wrapped = session.wrap(&wrap(), trusted, guarded).unwrap();
        let plain = template![CKA_CLASS => CKO_SECRET_KEY, CKA_KEY_TYPE => CKK_AES];
        for open in [
            template![CKA_SENSITIVE => false],
            template![CKA_WRAP_WITH_TRUSTED => false],
            template![CKA_SENSITIVE => false, CKA_EXTRACTABLE => true],
        ] {
            let answer = session.unwrap(&wrap(), trusted, &wrapped, &plain.and(&open));
            answer.refused(CKR_TEMPLATE_INCONSISTENT);
        }
        let ordinary = keys::aes(session, template![]);
        for asked in [template![], template![CKA_EXTRACTABLE => true], template![CKA_PRIVATE => false]] {
            let key = session.unwrap(&wrap(), trusted, &wrapped, &plain.and(&asked)).unwrap();
            assert!(session.get_bool(key, CKA_SENSITIVE).unwrap());
            assert!(session.get_bool(key, CKA_WRAP_WITH_TRUSTED).unwrap());
            session.get(key, CKA_VALUE).refused(CKR_ATTRIBUTE_SENSITIVE);
            session
                .wrap(&wrap(), ordinary, key)
                .refused_by_one_of(&[CKR_KEY_NOT_WRAPPABLE, CKR_KEY_UNEXTRACTABLE]);
            session.set(key, &template![CKA_SENSITIVE => false]).refused(CKR_ATTRIBUTE_READ_ONLY);
            session.set(key, &template![CKA_WRAP_WITH_TRUSTED => false]).refused(CKR_ATTRIBUTE_READ_ONLY);
        }
    });
}
