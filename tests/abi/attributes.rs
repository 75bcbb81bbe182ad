//! Attribute policy: what a key may be told to be, and what it is held to.

use crate::common::*;

const CBC: CK_MECHANISM_TYPE = CKM_AES_CBC;

fn cbc() -> Mechanism {
    Mechanism::bytes(CBC, &[4; 16])
}

fn generate() -> Mechanism {
    Mechanism::plain(CKM_AES_KEY_GEN)
}

#[test]
fn usage_flags_left_out_are_true_where_the_key_type_allows() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let secret = session.generate(&generate(), &template![CKA_VALUE_LEN => 32 as CK_ULONG]).unwrap();
        for usage in [CKA_ENCRYPT, CKA_DECRYPT, CKA_SIGN, CKA_VERIFY, CKA_WRAP, CKA_UNWRAP, CKA_DERIVE] {
            assert!(session.get_bool(secret, usage).unwrap(), "AES, {usage:#x}");
        }
        let rsa = Mechanism::plain(CKM_RSA_PKCS_KEY_PAIR_GEN);
        let bits = template![CKA_MODULUS_BITS => 2048 as CK_ULONG];
        let (public, private) = session.generate_pair(&rsa, &bits, &template![]).unwrap();
        for usage in [CKA_ENCRYPT, CKA_VERIFY, CKA_WRAP] {
            assert!(session.get_bool(public, usage).unwrap(), "RSA public, {usage:#x}");
        }
        for usage in [CKA_DECRYPT, CKA_SIGN, CKA_UNWRAP] {
            assert!(session.get_bool(private, usage).unwrap(), "RSA private, {usage:#x}");
        }
        let ec = Mechanism::plain(CKM_EC_KEY_PAIR_GEN);
        let curve = template![CKA_EC_PARAMS => keys::P256];
        let (public, private) = session.generate_pair(&ec, &curve, &template![]).unwrap();
        assert!(session.get_bool(public, CKA_VERIFY).unwrap());
        assert!(session.get_bool(private, CKA_SIGN).unwrap());
        assert!(session.get_bool(private, CKA_DERIVE).unwrap());
        for key in [secret, private] {
            assert!(session.get_bool(key, CKA_PRIVATE).unwrap(), "keys are private by default");
            assert!(!session.get_bool(key, CKA_TOKEN).unwrap(), "objects are session objects by default");
        }
    });
}

#[test]
fn a_key_does_only_what_it_is_for() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let denied = CKR_KEY_FUNCTION_NOT_PERMITTED;
        let without = |usage| keys::aes(session, template![usage => false]);
        let cmac = Mechanism::plain(CKM_AES_CMAC);
        let target = keys::aes(session, template![CKA_EXTRACTABLE => true]);
        session.encrypt_init(&cbc(), without(CKA_ENCRYPT)).refused(denied);
        session.decrypt_init(&cbc(), without(CKA_DECRYPT)).refused(denied);
        session.sign_init(&cmac, without(CKA_SIGN)).refused(denied);
        session.verify_init(&cmac, without(CKA_VERIFY)).refused(denied);
        let wrap = Mechanism::plain(CKM_AES_KEY_WRAP);
        session.wrap(&wrap, without(CKA_WRAP), target).refused(denied);
        let unwrapped = keys::aes_template(32).without(CKA_VALUE_LEN);
        session.unwrap(&wrap, without(CKA_UNWRAP), &[0; 40], &unwrapped).refused(denied);
        let derive = Mechanism::string_data(CKM_AES_ECB_ENCRYPT_DATA, &[0; 32]);
        session.derive(&derive, without(CKA_DERIVE), &keys::aes_template(32)).refused(denied);
        let key = keys::aes(session, template![]);
        session.set(key, &template![CKA_ENCRYPT => false]).unwrap();
        session.encrypt_init(&cbc(), key).refused(denied);
    });
}

#[test]
fn a_sensitive_key_stays_sensitive_and_an_unextractable_one_unextractable() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let open = template![CKA_SENSITIVE => false, CKA_EXTRACTABLE => true];
        let key = keys::aes(session, open);
        assert_eq!(session.get(key, CKA_VALUE).unwrap().len(), 32);
        session.set(key, &template![CKA_SENSITIVE => true]).unwrap();
        session.get(key, CKA_VALUE).refused(CKR_ATTRIBUTE_SENSITIVE);
        session.set(key, &template![CKA_EXTRACTABLE => false]).unwrap();
        session.set(key, &template![CKA_SENSITIVE => false]).refused(CKR_ATTRIBUTE_READ_ONLY);
        session.set(key, &template![CKA_EXTRACTABLE => true]).refused(CKR_ATTRIBUTE_READ_ONLY);
        session.get(key, CKA_VALUE).refused(CKR_ATTRIBUTE_SENSITIVE);
        assert!(!session.get_bool(key, CKA_ALWAYS_SENSITIVE).unwrap());
        assert!(!session.get_bool(key, CKA_NEVER_EXTRACTABLE).unwrap());
    });
}

#[test]
fn the_history_of_a_key_is_told_by_the_token_alone() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let (locked, imported) = (
            keys::aes(session, template![]),
            keys::secret(
                session,
                CKK_AES,
                &[1; 32],
                template![CKA_SENSITIVE => true, CKA_EXTRACTABLE => false],
            ),
        );
        for (key, generated) in [(locked, true), (imported, false)] {
            for history in [CKA_ALWAYS_SENSITIVE, CKA_NEVER_EXTRACTABLE, CKA_LOCAL] {
                assert_eq!(session.get_bool(key, history).unwrap(), generated, "{history:#x}");
                session.set(key, &template![history => !generated]).refused(CKR_ATTRIBUTE_READ_ONLY);
            }
        }
        assert_eq!(session.get_ulong(locked, CKA_KEY_GEN_MECHANISM).unwrap(), CKM_AES_KEY_GEN);
        let unknown = session.get_ulong(imported, CKA_KEY_GEN_MECHANISM).unwrap();
        assert_eq!(unknown, CK_UNAVAILABLE_INFORMATION);
        for history in [CKA_ALWAYS_SENSITIVE, CKA_NEVER_EXTRACTABLE, CKA_LOCAL] {
            let claim = template![history => true];
            let refusals = [CKR_ATTRIBUTE_READ_ONLY, CKR_TEMPLATE_INCONSISTENT, CKR_ATTRIBUTE_TYPE_INVALID];
            session
                .create(&keys::secret_template(CKK_AES, &[1; 32]).and(&claim))
                .refused_by_one_of(&refusals);
            session.generate(&generate(), &keys::aes_template(32).and(&claim)).refused_by_one_of(&refusals);
        }
    });
}

#[test]
fn only_an_officer_makes_a_key_trusted() {
    isolated(|_| {
        let token = Token::new();
        let user = token.user();
        let refusals = [CKR_ATTRIBUTE_READ_ONLY, CKR_USER_NOT_LOGGED_IN];
        user.generate(&generate(), &keys::aes_template(32).and(&template![CKA_TRUSTED => true]))
            .refused_by_one_of(&refusals);
        let public = template![CKA_TOKEN => true, CKA_PRIVATE => false, CKA_LABEL => "wrapping"];
        let wrapping = keys::aes(user, public);
        user.set(wrapping, &template![CKA_TRUSTED => true]).refused_by_one_of(&refusals);
        let guarded = template![CKA_EXTRACTABLE => true, CKA_WRAP_WITH_TRUSTED => true];
        let guarded = guarded.and(&template![CKA_TOKEN => true, CKA_LABEL => "guarded"]);
        let guarded = keys::aes(user, guarded);
        let wrap = Mechanism::plain(CKM_AES_KEY_WRAP);
        user.wrap(&wrap, wrapping, guarded).refused(CKR_KEY_NOT_WRAPPABLE);
        user.set(guarded, &template![CKA_WRAP_WITH_TRUSTED => false]).refused(CKR_ATTRIBUTE_READ_ONLY);
        user.logout().unwrap();

        let officer = token.officer();
        let wrapping = officer.find(&template![CKA_LABEL => "wrapping"]).unwrap();
        officer.set(wrapping[0], &template![CKA_TRUSTED => true]).unwrap();
        officer.logout().unwrap();
        let user = token.user();
        let wrapping = user.find(&template![CKA_LABEL => "wrapping"]).unwrap();
        let guarded = user.find(&template![CKA_LABEL => "guarded"]).unwrap();
        user.wrap(&wrap, wrapping[0], guarded[0]).unwrap();
        user.copy(guarded[0], &template![CKA_TRUSTED => true]).refused_by_one_of(&refusals);
    });
}

#[test]
fn what_is_not_modifiable_copyable_or_destroyable_stays() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let fixed = keys::data_template("fixed").and(&template![CKA_MODIFIABLE => false]);
        let fixed = session.create(&fixed).unwrap();
        let refusals = [CKR_ACTION_PROHIBITED, CKR_ATTRIBUTE_READ_ONLY];
        session.set(fixed, &template![CKA_LABEL => "x"]).refused_by_one_of(&refusals);
        session.set(fixed, &template![CKA_MODIFIABLE => true]).refused_by_one_of(&refusals);
        let single = keys::data_template("single").and(&template![CKA_COPYABLE => false]);
        let single = session.create(&single).unwrap();
        session.copy(single, &template![]).refused(CKR_ACTION_PROHIBITED);
        session.set(single, &template![CKA_COPYABLE => true]).refused(CKR_ATTRIBUTE_READ_ONLY);
        let lasting = keys::data_template("lasting").and(&template![CKA_DESTROYABLE => false]);
        let lasting = session.create(&lasting).unwrap();
        session.destroy(lasting).refused(CKR_ACTION_PROHIBITED);
        assert_eq!(session.find(&template![CKA_CLASS => CKO_DATA]).unwrap().len(), 3);
        session.destroy(fixed).unwrap();
    });
}

#[test]
fn a_key_is_used_by_its_allowed_mechanisms_alone() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let allowed = [CKM_AES_CBC, CKM_AES_KEY_WRAP];
        let key = keys::aes(session, template![CKA_ALLOWED_MECHANISMS => &allowed[..]]);
        let denied = [CKR_MECHANISM_INVALID, CKR_KEY_FUNCTION_NOT_PERMITTED];
        session.encrypt(&cbc(), key, &[0; 16]).unwrap();
        session.encrypt_init(&Mechanism::plain(CKM_AES_ECB), key).refused_by_one_of(&denied);
        session.sign_init(&Mechanism::plain(CKM_AES_CMAC), key).refused_by_one_of(&denied);
        let target = keys::aes(session, template![CKA_EXTRACTABLE => true]);
        session.wrap(&Mechanism::plain(CKM_AES_KEY_WRAP), key, target).unwrap();
        session.wrap(&Mechanism::plain(CKM_AES_KEY_WRAP_KWP), key, target).refused_by_one_of(&denied);
        let value = session.get(key, CKA_ALLOWED_MECHANISMS).unwrap();
        assert_eq!(value, allowed.iter().flat_map(|id| id.to_ne_bytes()).collect::<Vec<_>>());
        let derive = Mechanism::string_data(CKM_AES_ECB_ENCRYPT_DATA, &[0; 32]);
        session.derive(&derive, key, &keys::aes_template(32)).refused_by_one_of(&denied);
    });
}

#[test]
fn a_wrapping_template_says_which_keys_may_be_wrapped() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let only = template![CKA_KEY_TYPE => CKK_AES, CKA_LABEL => "may leave"];
        let wrapping = keys::aes(session, template![CKA_WRAP_TEMPLATE => only]);
        let yes = keys::aes(session, template![CKA_EXTRACTABLE => true, CKA_LABEL => "may leave"]);
        let no = keys::aes(session, template![CKA_EXTRACTABLE => true, CKA_LABEL => "other"]);
        let wrap = Mechanism::plain(CKM_AES_KEY_WRAP);
        session.wrap(&wrap, wrapping, yes).unwrap();
        session.wrap(&wrap, wrapping, no).refused_by_one_of(&[
            CKR_KEY_HANDLE_INVALID,
            CKR_KEY_NOT_WRAPPABLE,
            CKR_KEY_UNEXTRACTABLE,
        ]);
    });
}

#[test]
fn an_unwrapping_or_deriving_template_says_what_the_new_key_is() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let forced = template![CKA_EXTRACTABLE => false, CKA_SENSITIVE => true];
        let key = keys::aes(
            session,
            template![CKA_UNWRAP_TEMPLATE => forced.clone(), CKA_DERIVE_TEMPLATE => forced],
        );
        let target = keys::aes(session, template![CKA_EXTRACTABLE => true, CKA_SENSITIVE => false]);
        let wrap = Mechanism::plain(CKM_AES_KEY_WRAP);
        let wrapped = session.wrap(&wrap, key, target).unwrap();
        let plain = template![
            CKA_CLASS => CKO_SECRET_KEY, CKA_KEY_TYPE => CKK_AES, CKA_TOKEN => false,
        ];
        let open = plain.and(&template![CKA_EXTRACTABLE => true, CKA_SENSITIVE => false]);
        session.unwrap(&wrap, key, &wrapped, &open).refused(CKR_TEMPLATE_INCONSISTENT);
        let unwrapped = session.unwrap(&wrap, key, &wrapped, &plain).unwrap();
        let derive = Mechanism::string_data(CKM_AES_ECB_ENCRYPT_DATA, &[0; 32]);
        let length = template![CKA_VALUE_LEN => 32 as CK_ULONG];
        session.derive(&derive, key, &open.and(&length)).refused(CKR_TEMPLATE_INCONSISTENT);
        let derived = session.derive(&derive, key, &plain.and(&length)).unwrap();
        for new in [unwrapped, derived] {
            assert!(!session.get_bool(new, CKA_EXTRACTABLE).unwrap());
            session.get(new, CKA_VALUE).refused(CKR_ATTRIBUTE_SENSITIVE);
        }
    });
}

#[test]
fn a_key_that_always_authenticates_wants_the_pin_for_each_use() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let (public, private) = keys::ec(session, keys::P256, template![CKA_ALWAYS_AUTHENTICATE => true]);
        let ecdsa = Mechanism::plain(CKM_ECDSA);
        for _ in 0..2 {
            session.sign_init(&ecdsa, private).unwrap();
            session.login(CKU_CONTEXT_SPECIFIC, "wrong").refused(CKR_PIN_INCORRECT);
            session.login(CKU_CONTEXT_SPECIFIC, USER_PIN).unwrap();
            let signature = session.sign_rest(&[1; 32]).unwrap();
            session.verify(&ecdsa, public, &[1; 32], &signature).unwrap();
        }
        session.sign_init(&ecdsa, private).unwrap();
        session.sign_rest(&[1; 32]).refused(CKR_USER_NOT_LOGGED_IN);
        assert_eq!(session.info().unwrap().state, CKS_RW_USER_FUNCTIONS, "the login itself goes on");
        let asks = keys::private_template().and(&template![CKA_ALWAYS_AUTHENTICATE => true]);
        let public_private = asks.and(&template![CKA_PRIVATE => false]);
        let curve = keys::public_template().and(&template![CKA_EC_PARAMS => keys::P256]);
        session
            .generate_pair(&Mechanism::plain(CKM_EC_KEY_PAIR_GEN), &curve, &public_private)
            .refused_by_one_of(&[CKR_TEMPLATE_INCONSISTENT, CKR_ATTRIBUTE_VALUE_INVALID]);
    });
}

#[test]
fn a_key_is_used_between_its_dates() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let try_dates = |start: &str, end: &str| {
            let key = keys::aes(session, template![CKA_START_DATE => start, CKA_END_DATE => end]);
            session.encrypt(&cbc(), key, &[0; 16]).map(|_| ())
        };
        try_dates("", "").unwrap();
        try_dates("20200101", "").unwrap();
        try_dates("20200101", "29991231").unwrap();
        let denied = [CKR_KEY_FUNCTION_NOT_PERMITTED, CKR_KEY_HANDLE_INVALID];
        try_dates("29990101", "").refused_by_one_of(&denied);
        try_dates("", "20200101").refused_by_one_of(&denied);
        for bad in ["2020", "20201301", "20200230", "yyyymmdd", "202001011"] {
            session
                .generate(&generate(), &keys::aes_template(32).and(&template![CKA_START_DATE => bad]))
                .refused(CKR_ATTRIBUTE_VALUE_INVALID);
        }
        session
            .generate(
                &generate(),
                &keys::aes_template(32)
                    .and(&template![CKA_START_DATE => "20210101", CKA_END_DATE => "20200101"]),
            )
            .refused_by_one_of(&[CKR_TEMPLATE_INCONSISTENT, CKR_ATTRIBUTE_VALUE_INVALID]);
    });
}

#[test]
fn templates_are_complete_and_consistent() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let secret = keys::secret_template(CKK_AES, &[1; 32]);
        for missing in [CKA_CLASS, CKA_KEY_TYPE, CKA_VALUE] {
            session.create(&secret.without(missing)).refused(CKR_TEMPLATE_INCOMPLETE);
        }
        session.create(&template![]).refused(CKR_TEMPLATE_INCOMPLETE);
        let inconsistent = [CKR_TEMPLATE_INCONSISTENT, CKR_ATTRIBUTE_TYPE_INVALID, CKR_ATTRIBUTE_READ_ONLY];
        let foreign = template![CKA_MODULUS => &[1; 128]];
        session.create(&secret.and(&foreign)).refused_by_one_of(&inconsistent);
        let contradiction = template![CKA_VALUE_LEN => 16 as CK_ULONG];
        session.create(&secret.and(&contradiction)).refused_by_one_of(&inconsistent);
        let wrong_type = keys::aes_template(32).and(&template![CKA_KEY_TYPE => CKK_DES3]);
        session.generate(&generate(), &wrong_type).refused(CKR_TEMPLATE_INCONSISTENT);
        let wrong_class = keys::aes_template(32).and(&template![CKA_CLASS => CKO_PRIVATE_KEY]);
        session.generate(&generate(), &wrong_class).refused(CKR_TEMPLATE_INCONSISTENT);
        session
            .generate(&generate(), &keys::aes_template(32).without(CKA_VALUE_LEN))
            .refused(CKR_TEMPLATE_INCOMPLETE);
        let rsa = Mechanism::plain(CKM_RSA_PKCS_KEY_PAIR_GEN);
        session
            .generate_pair(&rsa, &keys::public_template(), &keys::private_template())
            .refused(CKR_TEMPLATE_INCOMPLETE);
        let ec = Mechanism::plain(CKM_EC_KEY_PAIR_GEN);
        session
            .generate_pair(&ec, &keys::public_template(), &keys::private_template())
            .refused(CKR_TEMPLATE_INCOMPLETE);
        let unknown = keys::public_template().and(&template![CKA_EC_PARAMS => &[6, 5, 0x2B, 0x81, 4, 0, 99]]);
        session
            .generate_pair(&ec, &unknown, &keys::private_template())
            .refused_by_one_of(&[CKR_CURVE_NOT_SUPPORTED, CKR_DOMAIN_PARAMS_INVALID]);
        assert!(session.find(&template![]).unwrap().is_empty(), "a refused call has made an object");
    });
}

#[test]
fn values_have_the_form_of_their_attribute() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        for (kind, value) in [
            (CKA_TOKEN, &[0u8; 0][..]),
            (CKA_PRIVATE, &[0, 0]),
            (CKA_MODIFIABLE, &[2]),
            (CKA_CLASS, &[0; 4]),
            (CKA_CLASS, &[0; 9]),
        ] {
            session
                .create(&keys::data_template("x").and(&template![kind => value]))
                .refused(CKR_ATTRIBUTE_VALUE_INVALID);
        }
        for (kind, value) in [
            (CKA_KEY_TYPE, &[1u8; 3][..]),
            (CKA_START_DATE, b"no date!"),
            (CKA_ALLOWED_MECHANISMS, &[0; 7]),
            (CKA_WRAP_TEMPLATE, &[0; 23]),
        ] {
            session
                .create(&keys::secret_template(CKK_AES, &[1; 32]).and(&template![kind => value]))
                .refused(CKR_ATTRIBUTE_VALUE_INVALID);
        }
        session
            .create(&keys::data_template("x").and(&template![CKA_CLASS => 0x1234 as CK_ULONG]))
            .refused_by_one_of(&[CKR_ATTRIBUTE_VALUE_INVALID, CKR_TEMPLATE_INCONSISTENT]);
    });
}

#[test]
fn a_key_that_always_authenticates_unwraps_and_derives_nothing() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let asks = template![CKA_ALWAYS_AUTHENTICATE => true];
        let (public, private) = keys::rsa(session, 2048, asks.clone());
        let target = keys::aes(session, template![CKA_EXTRACTABLE => true]);
        let wrap = Mechanism::plain(CKM_RSA_PKCS);
        let wrapped = session.wrap(&wrap, public, target).unwrap();
        let unwrapped = template![CKA_CLASS => CKO_SECRET_KEY, CKA_KEY_TYPE => CKK_AES];
        let unwrap = || session.unwrap(&wrap, private, &wrapped, &unwrapped);
        let (other, agreeing) = keys::ec(session, keys::P256, asks);
        let point = session.get(other, CKA_EC_POINT).unwrap();
        let ecdh = Mechanism::ecdh(CKM_ECDH1_DERIVE, CKD_NULL, b"", &point[2..]);
        let derive = || session.derive(&ecdh, agreeing, &keys::aes_template(32));
        unwrap().refused(CKR_USER_NOT_LOGGED_IN);
        derive().refused(CKR_USER_NOT_LOGGED_IN);
        // Nor with a PIN that was given for something else.
        session.decrypt_init(&wrap, private).unwrap();
        session.login(CKU_CONTEXT_SPECIFIC, USER_PIN).unwrap();
        unwrap().refused(CKR_USER_NOT_LOGGED_IN);
        derive().refused(CKR_USER_NOT_LOGGED_IN);
        assert_eq!(session.decrypt_rest(&wrapped).unwrap().len(), 32);
    });
}

#[test]
fn a_pin_given_for_one_operation_is_good_for_no_other() {
    isolated(|_| {
        let token = Token::new();
        let (session, other) = (token.user(), token.public());
        let (public, private) = keys::rsa(session, 2048, template![CKA_ALWAYS_AUTHENTICATE => true]);
        let pkcs = Mechanism::plain(CKM_RSA_PKCS);
        let encrypted = session.encrypt(&pkcs, public, b"data").unwrap();
        // Two that wait: the PIN begins one of them.
        session.sign_init(&pkcs, private).unwrap();
        session.decrypt_init(&pkcs, private).unwrap();
        other.sign_init(&pkcs, private).unwrap();
        session.login(CKU_CONTEXT_SPECIFIC, USER_PIN).unwrap();
        let signed = session.sign_rest(b"data");
        let decrypted = session.decrypt_rest(&encrypted);
        assert!(signed.is_ok() != decrypted.is_ok(), "{signed:?}, {decrypted:?}");
        other.sign_rest(b"data").refused(CKR_USER_NOT_LOGGED_IN);
        // Once done, the next one asks again.
        for _ in 0..2 {
            session.cancel(CKF_SIGN | CKF_DECRYPT).unwrap();
            session.sign_init(&pkcs, private).unwrap();
            session.sign_rest(b"data").refused(CKR_USER_NOT_LOGGED_IN);
            session.login(CKU_CONTEXT_SPECIFIC, USER_PIN).unwrap();
            session.sign_rest(b"data").unwrap();
        }
    });
}

#[test]
fn a_deriving_template_may_name_the_type_that_the_caller_leaves_out() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let base = keys::aes(session, template![CKA_DERIVE_TEMPLATE => template![CKA_KEY_TYPE => CKK_AES]]);
        let derive = Mechanism::string_data(CKM_AES_ECB_ENCRYPT_DATA, &[7; 32]);
        let length = template![CKA_VALUE_LEN => 32 as CK_ULONG];
        let key = session.derive(&derive, base, &length).unwrap();
        assert_eq!(session.get_ulong(key, CKA_KEY_TYPE).unwrap(), CKK_AES);
        session.encrypt(&cbc(), key, &[0; 16]).unwrap();
        let other = length.and(&template![CKA_KEY_TYPE => CKK_GENERIC_SECRET]);
        session.derive(&derive, base, &other).refused(CKR_TEMPLATE_INCONSISTENT);
    });
}

#[test]
fn usage_of_the_other_half_is_ignored_where_a_private_key_is_unwrapped() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let (public, private) = keys::rsa(session, 2048, template![CKA_EXTRACTABLE => true]);
        let wrapping = keys::aes(session, template![]);
        let wrap = Mechanism::plain(CKM_AES_KEY_WRAP_KWP);
        let wrapped = session.wrap(&wrap, wrapping, private).unwrap();
        let pair = template![CKA_ENCRYPT => true, CKA_VERIFY => true, CKA_WRAP => true];
        let own = template![CKA_CLASS => CKO_PRIVATE_KEY, CKA_KEY_TYPE => CKK_RSA, CKA_SIGN => true];
        let key = session.unwrap(&wrap, wrapping, &wrapped, &own.and(&pair)).unwrap();
        for usage in [CKA_ENCRYPT, CKA_VERIFY, CKA_WRAP] {
            session.get(key, usage).refused(CKR_ATTRIBUTE_TYPE_INVALID);
        }
        let pkcs = Mechanism::plain(CKM_SHA256_RSA_PKCS);
        let signature = session.sign(&pkcs, key, b"data").unwrap();
        session.verify(&pkcs, public, b"data", &signature).unwrap();
        // What is no usage is still foreign.
        let foreign = own.and(&template![CKA_VALUE_LEN => 32 as CK_ULONG]);
        session
            .unwrap(&wrap, wrapping, &wrapped, &foreign)
            .refused_by_one_of(&[CKR_TEMPLATE_INCONSISTENT, CKR_ATTRIBUTE_READ_ONLY]);
        let created = template![
            CKA_CLASS => CKO_PRIVATE_KEY, CKA_KEY_TYPE => CKK_EC, CKA_EC_PARAMS => keys::P256,
            CKA_VALUE => &[1; 32], CKA_SIGN => true,
        ];
        session.create(&created.and(&pair)).refused(CKR_TEMPLATE_INCONSISTENT);
        session.create(&created).unwrap();
    });
}
