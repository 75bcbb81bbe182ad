//! What "PKCS #11 Profiles 3.2" asks of a provider, profile by profile (section 5), for each that the module claims in its objects: the
//! numbers in the comments are those of the conditions. That every function, structure and attribute named there is offered follows from
//! using it here.

use crate::common::*;
use std::ptr::null_mut;

/// A profile as the only object that a search finds, in a session without a login.
fn claims(session: Session, profile: CK_PROFILE_ID) -> Handle {
    let found = session.find(&template![CKA_CLASS => CKO_PROFILE, CKA_PROFILE_ID => profile]).unwrap();
    assert_eq!(found.len(), 1, "profile {profile}");
    assert_eq!(session.get_ulong(found[0], CKA_PROFILE_ID), Ok(profile));
    found[0]
}

/// 5.1, and what its mandatory test case BL-M-1-32 does.
#[test]
fn a_baseline_provider_tells_of_itself_and_its_objects_without_a_login() {
    isolated(|_| {
        let token = Token::new();
        let made = token.user();
        let data = template![CKA_LABEL => "found", CKA_VALUE => b"value"];
        made.create(&keys::data_template("found").and(&data)).unwrap();
        made.logout().unwrap();
        module().finalize().unwrap();

        // 2 and 5: initialised with arguments, found by an interface, and told about.
        let mut arguments = CK_C_INITIALIZE_ARGS { flags: CKF_OS_LOCKING_OK, ..Default::default() };
        module().initialize_with(&mut arguments).unwrap();
        let mut interface = null_mut();
        answer(raw_3_2!(C_GetInterface(null_mut(), null_mut(), &mut interface, 0))).unwrap();
        let name = unsafe { std::ffi::CStr::from_ptr((*interface).pInterfaceName.cast()) };
        assert_eq!(name, c"PKCS 11");
        let (mut list, mut interfaces) = (null_mut(), 0);
        invoke!(C_GetFunctionList(&mut list)).unwrap();
        answer(raw_3_2!(C_GetInterfaceList(null_mut(), &mut interfaces))).unwrap();
        assert!(!list.is_null() && interfaces > 0);
        let (mut info, mut slot_info) = (CK_INFO::default(), CK_SLOT_INFO::default());
        invoke!(C_GetInfo(&mut info)).unwrap();
        assert_eq!((info.cryptokiVersion.major, info.cryptokiVersion.minor, info.flags), (3, 2, 0));
        let slots = module().slots(true).unwrap();
        assert!(slots.contains(&token.slot));
        invoke!(C_GetSlotInfo(token.slot, &mut slot_info)).unwrap();
        assert_ne!(slot_info.flags & CKF_TOKEN_PRESENT, 0);
        assert_ne!(token.info().flags & CKF_TOKEN_INITIALIZED, 0);

        // 3 and 5: a session that only reads, nobody logged in, and what a search finds in it.
        let session = token.read_only();
        let info = session.info().unwrap();
        assert_eq!(
            (info.slotID, info.state, info.flags),
            (token.slot, CKS_RO_PUBLIC_SESSION, CKF_SERIAL_SESSION)
        );
        session.find_init(&template![CKA_TOKEN => true]).unwrap();
        let found = session.find_next(1).unwrap();
        session.find_final().unwrap();
        assert_eq!(session.get_ulong(found[0], CKA_CLASS), Ok(CKO_DATA));
        assert_eq!(session.get(found[0], CKA_LABEL).unwrap(), b"found");
        assert_eq!(session.get(found[0], CKA_VALUE).unwrap(), b"value");
        for (kind, value) in [(CKA_TOKEN, true), (CKA_PRIVATE, false), (CKA_MODIFIABLE, true)] {
            assert_eq!(session.get_bool(found[0], kind), Ok(value));
        }
        assert!(!session.get(found[0], CKA_UNIQUE_ID).unwrap().is_empty());

        // 4 and 7.
        let profile = claims(session, CKP_BASELINE_PROVIDER);
        session.get(profile, CKA_ID).refused(CKR_ATTRIBUTE_TYPE_INVALID);
        session.find_next(1).refused(CKR_OPERATION_NOT_INITIALIZED);
        session.close().unwrap();
        session.info().refused(CKR_SESSION_HANDLE_INVALID);
        invoke!(C_CloseAllSessions(token.slot)).unwrap();
        module().finalize().unwrap();
        invoke!(C_GetInfo(&mut CK_INFO::default())).refused(CKR_CRYPTOKI_NOT_INITIALIZED);
    });
}

/// 5.3, and what its mandatory test case EXT-M-1-32 does.
#[test]
fn an_extended_provider_lists_its_mechanisms_and_lets_users_in_and_out() {
    isolated(|_| {
        let token = Token::new();
        let session = token.public();
        claims(session, CKP_BASELINE_PROVIDER);
        claims(session, CKP_EXTENDED_PROVIDER);
        let listed = module().mechanisms(token.slot).unwrap();
        for (id, flags) in [
            (CKM_SHA512, CKF_DIGEST),
            (CKM_RSA_PKCS_KEY_PAIR_GEN, CKF_GENERATE_KEY_PAIR),
            (CKM_RSA_PKCS, CKF_ENCRYPT | CKF_DECRYPT | CKF_SIGN | CKF_VERIFY | CKF_WRAP | CKF_UNWRAP),
        ] {
            assert!(listed.contains(&id));
            let info = module().mechanism_info(token.slot, id).unwrap();
            assert_eq!(info.flags & flags, flags);
        }
        module().mechanism_info(token.slot, CKM_VENDOR_DEFINED | 77).refused(CKR_MECHANISM_INVALID);
        session.login(CKU_USER, USER_PIN).unwrap();
        assert_eq!(session.info().unwrap().state, CKS_RW_USER_FUNCTIONS);
        session.logout().unwrap();
        session.logout().refused(CKR_USER_NOT_LOGGED_IN);
        session.login(CKU_USER, "wrong").refused(CKR_PIN_INCORRECT);
        session.login_user(CKU_USER, "", USER_PIN).unwrap();
        session.logout().unwrap();
    });
}

/// 5.4, and what its mandatory test case AUTH-M-1-32 does.
#[test]
fn an_authentication_token_signs_with_a_key_found_by_its_label() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        claims(session, CKP_BASELINE_PROVIDER);
        claims(session, CKP_AUTHENTICATION_TOKEN);
        let public = template![
            CKA_TOKEN => true, CKA_LABEL => "testrsa-pub", CKA_MODULUS_BITS => 2048 as CK_ULONG, CKA_VERIFY => true,
        ];
        let private = template![CKA_TOKEN => true, CKA_LABEL => "testrsa-pri", CKA_SIGN => true];
        session.generate_pair(&Mechanism::plain(CKM_RSA_PKCS_KEY_PAIR_GEN), &public, &private).unwrap();
        session.close().unwrap();

        let session = token.user();
        let find = |label: &str, class| {
            let searched = template![CKA_TOKEN => true, CKA_LABEL => label, CKA_CLASS => class];
            session.find(&searched).unwrap()
        };
        let public = find("testrsa-pub", CKO_PUBLIC_KEY)[0];
        assert_eq!(session.get(public, CKA_MODULUS).unwrap().len(), 256);
        assert_eq!(session.get(public, CKA_PUBLIC_EXPONENT).unwrap(), [1, 0, 1]);
        let private = find("testrsa-pri", CKO_PRIVATE_KEY)[0];
        let mechanism = Mechanism::plain(CKM_SHA256_RSA_PKCS);
        let whole = session.sign(&mechanism, private, b"request").unwrap();
        session.sign_init(&mechanism, private).unwrap();
        session.sign_update(b"req").unwrap();
        session.sign_update(b"uest").unwrap();
        assert_eq!(session.sign_final().unwrap(), whole);
        session.verify(&mechanism, public, b"request", &whole).unwrap();
        session.logout().unwrap();
        session
            .sign_init(&mechanism, private)
            .refused_by_one_of(&[CKR_KEY_HANDLE_INVALID, CKR_USER_NOT_LOGGED_IN]);
        assert!(find("testrsa-pri", CKO_PRIVATE_KEY).is_empty());
        session.login_user(CKU_USER, "", USER_PIN).unwrap();
        assert_eq!(find("testrsa-pri", CKO_PRIVATE_KEY).len(), 1);
    });
}

/// 5.5, and what its mandatory test case CERT-M-1-32 does: certificates are read without a login (8a), and lead by their identifier to the
/// private key of those who log in (8b) and to the public key of anybody (8c ii).
#[test]
fn a_public_certificates_token_shows_certificates_and_their_public_keys_without_a_login() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let kept = |label: &str| template![CKA_TOKEN => true, CKA_ID => b"id", CKA_LABEL => label];
        let curve = template![CKA_EC_PARAMS => keys::P256];
        let generation = Mechanism::plain(CKM_EC_KEY_PAIR_GEN);
        session.generate_pair(&generation, &kept("public").and(&curve), &kept("private")).unwrap();
        let der = [0x30, 3, 2, 1, 5];
        let certificate = template![
            CKA_CLASS => CKO_CERTIFICATE, CKA_CERTIFICATE_TYPE => CKC_X_509, CKA_SUBJECT => &[0x30, 0],
            CKA_VALUE => &der,
        ];
        session.create(&kept("certificate").and(&certificate)).unwrap();
        session.logout().unwrap();
        session.close().unwrap();

        let session = token.read_only();
        claims(session, CKP_BASELINE_PROVIDER);
        claims(session, CKP_PUBLIC_CERTIFICATES_TOKEN);
        session.find_init(&template![CKA_TOKEN => true]).unwrap();
        assert_eq!(session.find_next(5).unwrap().len(), 2);
        session.find_final().unwrap();
        let found = session.find(&template![CKA_CLASS => CKO_CERTIFICATE]).unwrap();
        assert_eq!(session.get(found[0], CKA_LABEL).unwrap(), b"certificate");
        assert_eq!(session.get(found[0], CKA_VALUE).unwrap(), der);
        let id = session.get(found[0], CKA_ID).unwrap();
        let with = |class| session.find(&template![CKA_CLASS => class, CKA_ID => &id[..]]).unwrap().len();
        assert_eq!((with(CKO_PUBLIC_KEY), with(CKO_PRIVATE_KEY)), (1, 0));
        session.login(CKU_USER, USER_PIN).unwrap();
        assert_eq!(with(CKO_PRIVATE_KEY), 1);
    });
}

/// 5.6: data for TLS 1.3 from a secret key, whatever the labels, and just those that HKDF of the standard makes.
#[test]
fn an_hkdf_tls_token_derives_the_initialisation_vectors_of_tls_and_quic() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        claims(session, CKP_BASELINE_PROVIDER);
        claims(session, CKP_HKDF_TLS_TOKEN);
        let secret = [7; 32];
        let key = keys::secret(session, CKK_HKDF, &secret, template![CKA_DERIVE => true]);
        let hmac = keys::secret(session, CKK_GENERIC_SECRET, &secret, template![]);
        assert_eq!(session.get_ulong(key, CKA_CLASS), Ok(CKO_SECRET_KEY));
        for label in [&b"tls iv"[..], b"tls quic iv"] {
            let info = [&[0, 12], label, &[0]].concat();
            let mechanism = Mechanism::structure(CKM_HKDF_DATA, [&info], |[info_at]| CK_HKDF_PARAMS {
                bExtract: CK_FALSE,
                bExpand: CK_TRUE,
                prfHashMechanism: CKM_SHA256,
                ulSaltType: CKF_HKDF_SALT_NULL,
                pSalt: null_mut(),
                ulSaltLen: 0,
                hSaltKey: 0,
                pInfo: info_at,
                ulInfoLen: info.len() as CK_ULONG,
            });
            let template =
                template![CKA_CLASS => CKO_DATA, CKA_TOKEN => false, CKA_VALUE_LEN => 12 as CK_ULONG];
            let data = session.derive(&mechanism, key, &template).unwrap();
            assert_eq!(session.get_ulong(data, CKA_CLASS), Ok(CKO_DATA));
            // The first block of HKDF-Expand (RFC 5869, section 2.3).
            let block = session.sign(&Mechanism::plain(CKM_SHA256_HMAC), hmac, &[&info[..], &[1]].concat());
            assert_eq!(session.get(data, CKA_VALUE).unwrap(), block.unwrap()[..12]);
        }
    });
}
