//! What the module says of itself in objects, which old programs never meet; and objects about trust.

use crate::common::*;

const CLAIMED: [CK_PROFILE_ID; 4] =
    [CKP_BASELINE_PROVIDER, CKP_EXTENDED_PROVIDER, CKP_AUTHENTICATION_TOKEN, CKP_PUBLIC_CERTIFICATES_TOKEN];

#[test]
fn profiles_and_mechanisms_are_found_by_their_class_without_a_login() {
    isolated(|_| {
        let token = Token::new();
        let session = token.public();
        let profiles = session.find(&template![CKA_CLASS => CKO_PROFILE]).unwrap();
        let claimed: Vec<_> =
            profiles.iter().map(|found| session.get_ulong(*found, CKA_PROFILE_ID).unwrap()).collect();
        assert!(CLAIMED.iter().all(|profile| claimed.contains(profile)), "{claimed:?}");
        assert!(!claimed.contains(&CKP_COMPLETE_PROVIDER));
        let derives_data = module().mechanisms(token.slot).unwrap().contains(&CKM_HKDF_DATA);
        assert_eq!(claimed.contains(&CKP_HKDF_TLS_TOKEN), derives_data);

        let found = session.find(&template![CKA_CLASS => CKO_MECHANISM]).unwrap();
        let mut numbers: Vec<_> =
            found.iter().map(|found| session.get_ulong(*found, CKA_MECHANISM_TYPE).unwrap()).collect();
        let mut listed = module().mechanisms(token.slot).unwrap();
        numbers.sort_unstable();
        listed.sort_unstable();
        assert_eq!(numbers, listed);
        let one = template![CKA_CLASS => CKO_MECHANISM, CKA_MECHANISM_TYPE => CKM_AES_GCM];
        assert_eq!(session.find(&one).unwrap().len(), 1);
        assert_eq!(token.user().find(&one).unwrap(), session.find(&one).unwrap(), "the same handle");
    });
}

#[test]
fn a_search_that_does_not_ask_for_them_does_not_find_them() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        session.find(&template![CKA_CLASS => CKO_PROFILE]).unwrap();
        for searched in [
            template![],
            template![CKA_TOKEN => true],
            template![CKA_PRIVATE => false],
            template![CKA_PROFILE_ID => CKP_BASELINE_PROVIDER],
            template![CKA_MECHANISM_TYPE => CKM_AES_GCM],
            template![CKA_CLASS => CKO_DATA],
            template![CKA_CLASS => CKO_HW_FEATURE],
            template![CKA_CLASS => CKO_VALIDATION],
            template![CKA_CLASS => CKO_PROFILE, CKA_TOKEN => false],
        ] {
            assert!(session.find(&searched).unwrap().is_empty(), "{searched:?}");
        }
    });
}

#[test]
fn they_are_read_and_nothing_else() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        for class in [CKO_PROFILE, CKO_MECHANISM] {
            let object = session.find(&template![CKA_CLASS => class]).unwrap()[0];
            assert_eq!(session.get_ulong(object, CKA_CLASS).unwrap(), class);
            assert!(session.get_bool(object, CKA_TOKEN).unwrap());
            for no in [CKA_PRIVATE, CKA_MODIFIABLE, CKA_COPYABLE, CKA_DESTROYABLE] {
                assert!(!session.get_bool(object, no).unwrap());
            }
            assert!(!session.get(object, CKA_UNIQUE_ID).unwrap().is_empty());
            session.get(object, CKA_VALUE).refused(CKR_ATTRIBUTE_TYPE_INVALID);
            assert!(session.size_of(object).unwrap() > 0);
            session.set(object, &template![CKA_LABEL => "mine"]).refused(CKR_ACTION_PROHIBITED);
            session.copy(object, &template![]).refused(CKR_ACTION_PROHIBITED);
            session.destroy(object).refused(CKR_ACTION_PROHIBITED);
            session.sign_init(&Mechanism::plain(CKM_SHA256_HMAC), object).refused(CKR_KEY_HANDLE_INVALID);
            session.create(&template![CKA_CLASS => class]).refused(CKR_ATTRIBUTE_VALUE_INVALID);
        }
    });
}

#[test]
fn a_trust_object_names_its_certificate_and_who_trusts_it_gives_its_hash() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let named = template![
            CKA_CLASS => CKO_TRUST, CKA_TOKEN => true, CKA_ISSUER => b"issuer", CKA_SERIAL_NUMBER => b"\x02\x01\x07",
        ];
        let with = |value: u32| named.and(&template![CKA_TRUST_SERVER_AUTH => CK_ULONG::from(value)]);
        let object = session.create(&named).unwrap();
        assert_eq!(session.get_ulong(object, CKA_TRUST_CODE_SIGNING).unwrap(), u64::from(CKT_TRUST_UNKNOWN));
        assert!(!session.get_bool(object, CKA_PRIVATE).unwrap());
        session.create(&with(CKT_NOT_TRUSTED)).unwrap();
        for trust in [CKT_TRUSTED, CKT_TRUST_ANCHOR, CKT_TRUST_MUST_VERIFY_TRUST] {
            session.create(&with(trust)).refused(CKR_TEMPLATE_INCOMPLETE);
            let hash = template![CKA_HASH_OF_CERTIFICATE => &[7; 32], CKA_NAME_HASH_ALGORITHM => CKM_SHA256];
            let whole = session.create(&with(trust).and(&hash)).unwrap();
            assert_eq!(session.get_ulong(whole, CKA_TRUST_SERVER_AUTH).unwrap(), u64::from(trust));
        }
        session.create(&with(5)).refused(CKR_ATTRIBUTE_VALUE_INVALID);
        session.create(&named.without(CKA_ISSUER)).refused(CKR_TEMPLATE_INCOMPLETE);
        session.set(object, &template![CKA_TRUST_SERVER_AUTH => u64::from(CKT_NOT_TRUSTED)]).unwrap();
        let trusted = template![CKA_TRUST_SERVER_AUTH => u64::from(CKT_TRUSTED)];
        session.set(object, &trusted).refused(CKR_TEMPLATE_INCOMPLETE);
        assert_eq!(session.find(&template![CKA_CLASS => CKO_TRUST]).unwrap().len(), 5);
    });
}
