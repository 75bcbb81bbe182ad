//! Answers of what makes, changes and wraps objects, and of logins.

use super::*;

#[test]
fn keys_of_the_token_need_a_login() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let open = template![CKA_TOKEN => true, CKA_PRIVATE => false];
        let aes = keys::aes(session, open.clone());
        let secret = keys::secret(session, CKK_GENERIC_SECRET, &[5; 32], open.clone());
        let (_, rsa) = keys::rsa(session, 2048, open);
        session.logout().unwrap();
        let (gcm, hmac) = (Mechanism::plain(CKM_AES_GCM), Mechanism::plain(CKM_SHA256_HMAC));
        let recover = Mechanism::plain(CKM_RSA_PKCS);
        for (name, mechanism, key) in [
            ("C_SignRecoverInit", &recover, rsa),
            ("C_VerifyInit", &hmac, secret),
            ("C_MessageEncryptInit", &gcm, aes),
            ("C_MessageDecryptInit", &gcm, aes),
            ("C_MessageSignInit", &hmac, secret),
            ("C_MessageVerifyInit", &hmac, secret),
        ] {
            call(name, &[session.0, mechanism.as_ptr() as u64, key]).refused(CKR_USER_NOT_LOGGED_IN);
        }
        let mut parameter = Parameter::new(Aead::Gcm, CKG_GENERATE);
        session.wrap_authenticated(&mut parameter, b"", aes, secret).refused(CKR_USER_NOT_LOGGED_IN);
        let unwrapped = template![CKA_CLASS => CKO_SECRET_KEY, CKA_KEY_TYPE => CKK_AES];
        let answer = session.unwrap_authenticated(&mut parameter, b"", aes, &[0; 16], &unwrapped);
        answer.refused(CKR_USER_NOT_LOGGED_IN);
    });
}

#[test]
fn without_a_login_only_public_objects_are_made_and_changed() {
    isolated(|_| {
        let token = Token::new();
        let user = token.user();
        let data = user.create(&keys::data_template("x")).unwrap();
        let key = keys::aes(user, template![CKA_TOKEN => true, CKA_PRIVATE => false]);
        user.logout().unwrap();
        let session = token.public();
        session.copy(data, &template![CKA_PRIVATE => true]).refused(CKR_USER_NOT_LOGGED_IN);
        session.set(key, &template![CKA_LABEL => "mine"]).refused(CKR_USER_NOT_LOGGED_IN);
        let curve = template![
            CKA_CLASS => CKO_PUBLIC_KEY, CKA_KEY_TYPE => CKK_EC, CKA_EC_PARAMS => &[6, 3, 0x2a, 3, 4],
            CKA_EC_POINT => &[4, 3, 4, 1, 1],
        ];
        session.create(&curve).refused(CKR_CURVE_NOT_SUPPORTED);
        let small = template![
            CKA_CLASS => CKO_PUBLIC_KEY, CKA_KEY_TYPE => CKK_RSA, CKA_MODULUS => &[0xff; 32],
            CKA_PUBLIC_EXPONENT => &[1, 0, 1], CKA_ENCRYPT => true, CKA_VERIFY => true,
        ];
        if let Ok(small) = session.create(&small) {
            let pkcs = Mechanism::plain(CKM_RSA_PKCS);
            session.encrypt_init(&pkcs, small).refused(CKR_KEY_SIZE_RANGE);
        }
    });
}

#[test]
fn who_has_no_pin_yet_can_not_log_in_by_name_either() {
    isolated(|_| {
        let _folder = Folder::new();
        module().initialize().unwrap();
        let slot = module().slots(true).unwrap()[0];
        module().init_token(slot, SO_PIN, "new").unwrap();
        let slot = module().slots(true).unwrap()[0];
        let session = module().open(slot, CKF_RW_SESSION).unwrap();
        session.login_user(CKU_USER, "", USER_PIN).refused(CKR_USER_PIN_NOT_INITIALIZED);
    });
}

/// A way to make an object from a template.
type Make = (&'static str, Template, Box<dyn Fn(Session, &Template) -> Answer<()>>);

/// All ways, with a template that is good for each.
fn ways(session: Session) -> Vec<Make> {
    let aes = keys::aes(session, template![]);
    let key = keys::secret(session, CKK_AES, &[8; 16], template![]);
    let mut parameter = Parameter::new(Aead::Gcm, CKG_GENERATE);
    let apart = session.wrap_authenticated(&mut parameter, b"", aes, key).unwrap();
    let gcm = Mechanism::gcm(&[1; 12], b"");
    let whole = session.wrap(&gcm, aes, key).unwrap();
    let derive = Mechanism::string_data(CKM_AES_ECB_ENCRYPT_DATA, &[3; 16]);
    let secret = template![CKA_CLASS => CKO_SECRET_KEY, CKA_KEY_TYPE => CKK_AES];
    let with_length = secret.and(&template![CKA_VALUE_LEN => 16u64]);
    let public = keys::public_template().and(&template![CKA_EC_PARAMS => keys::P256]);
    vec![
        (
            "generate",
            with_length.clone(),
            Box::new(move |session, template| {
                session.generate(&Mechanism::plain(CKM_AES_KEY_GEN), template).map(drop)
            }),
        ),
        (
            "pair",
            keys::private_template(),
            Box::new(move |session, template| {
                session.generate_pair(&Mechanism::plain(CKM_EC_KEY_PAIR_GEN), &public, template).map(drop)
            }),
        ),
        (
            "unwrap",
            secret.clone(),
            Box::new(move |session, template| session.unwrap(&gcm, aes, &whole, template).map(drop)),
        ),
        (
            "unwrap apart",
            secret,
            Box::new(move |session, template| {
                session.unwrap_authenticated(&mut parameter.clone(), b"", aes, &apart, template).map(drop)
            }),
        ),
        (
            "derive",
            with_length,
            Box::new(move |session, template| session.derive(&derive, aes, template).map(drop)),
        ),
        ("copy", template![], Box::new(move |session, template| session.copy(key, template).map(drop))),
    ]
}

#[test]
fn templates_are_refused_for_what_is_wrong_with_them_in_every_function() {
    isolated(|_| {
        let token = Token::new();
        let (session, reader) = (token.user(), token.read_only());
        for (name, good, make) in ways(session) {
            make(session, &good).unwrap();
            let with = |more: Template| make(session, &good.and(&more));
            with(template![0x7fff_ffff => true]).refused(CKR_ATTRIBUTE_TYPE_INVALID);
            with(template![CKA_LOCAL => true]).refused(CKR_ATTRIBUTE_READ_ONLY);
            with(template![CKA_TOKEN => "yes"]).refused(CKR_ATTRIBUTE_VALUE_INVALID);
            let elsewhere = template![CKA_MODULUS => &[1; 8]];
            with(elsewhere).refused_by_one_of(&[CKR_TEMPLATE_INCONSISTENT, CKR_ATTRIBUTE_READ_ONLY]);
            let stored = good.and(&template![CKA_TOKEN => true]);
            make(reader, &stored).refused(CKR_SESSION_READ_ONLY);
            if !["pair", "copy"].contains(&name) {
                let bare = good.without(CKA_KEY_TYPE).without(CKA_VALUE_LEN);
                let answer = make(session, &bare);
                if name != "derive" {
                    answer.refused(CKR_TEMPLATE_INCOMPLETE);
                }
            }
        }
    });
}

#[test]
fn wrapping_and_unwrapping_keys_are_refused_for_what_is_wrong_with_them() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let aes = keys::aes(session, template![]);
        let secret = keys::secret(session, CKK_GENERIC_SECRET, &[5; 32], template![]);
        let (gcm, template) =
            (Mechanism::gcm(&[1; 12], b""), template![CKA_CLASS => CKO_SECRET_KEY, CKA_KEY_TYPE => CKK_AES]);
        let mut parameter = Parameter::new(Aead::Gcm, CKG_GENERATE);
        session.wrap(&gcm, secret, secret).refused(CKR_WRAPPING_KEY_TYPE_INCONSISTENT);
        let apart = session.wrap_authenticated(&mut parameter, b"", secret, secret);
        apart.refused(CKR_WRAPPING_KEY_TYPE_INCONSISTENT);
        let answer = session.unwrap(&gcm, secret, &[1; 40], &template);
        answer.refused(CKR_UNWRAPPING_KEY_TYPE_INCONSISTENT);
        let answer = session.unwrap_authenticated(&mut parameter, b"", secret, &[1; 40], &template);
        answer.refused(CKR_UNWRAPPING_KEY_TYPE_INCONSISTENT);
        let wrong = Mechanism::plain(CKM_AES_CBC);
        session.wrap(&wrong, aes, secret).refused(WRONG);
        session.unwrap(&wrong, aes, &[1; 40], &template).refused(WRONG);
        session.generate(&Mechanism::bytes(CKM_AES_KEY_GEN, &[1; 3]), &template![]).refused(WRONG);
        let pair = Mechanism::bytes(CKM_EC_KEY_PAIR_GEN, &[1; 3]);
        session.generate_pair(&pair, &keys::public_template(), &keys::private_template()).refused(WRONG);
        let derive = Mechanism::string_data(CKM_AES_ECB_ENCRYPT_DATA, &[3; 16]);
        session.derive(&derive, secret, &template).refused(CKR_KEY_TYPE_INCONSISTENT);
        let mut odd = Parameter { tag: vec![0; 3], ..parameter.clone() };
        session.unwrap_authenticated(&mut odd, b"", aes, &[1; 40], &template).refused(WRONG);
        let public = keys::rsa(session, 2048, template![]).0;
        session.wrap_authenticated(&mut parameter, b"", aes, public).refused(CKR_KEY_NOT_WRAPPABLE);
        let plain = Mechanism::plain(CKM_AES_CBC_PAD);
        let null = std::ptr::null_mut();
        answer_of_unwrap(session, &plain, aes, null).refused(CKR_MECHANISM_INVALID);
        let sealed = keys::secret(session, CKK_AES, &[8; 16], template![]);
        let wrapped = session.wrap_authenticated(&mut parameter, b"", aes, sealed).unwrap();
        let longer = template.and(&template![CKA_VALUE_LEN => 32u64]);
        let answer = session.unwrap_authenticated(&mut parameter, b"", aes, &wrapped, &longer);
        answer.refused(CKR_WRAPPED_KEY_LEN_RANGE);
    });
}

fn answer_of_unwrap(session: Session, mechanism: &Mechanism, key: Handle, null: *mut u8) -> Answer<()> {
    let mut made = 0;
    let none = std::ptr::null_mut();
    answer(raw_3_2!(C_UnwrapKeyAuthenticated(
        session.0,
        mechanism.as_ptr(),
        key,
        null,
        0,
        none,
        0,
        null,
        0,
        &mut made
    )))
}

#[test]
fn logins_by_name_are_refused_as_others_are() {
    isolated(|_| {
        let token = Token::new();
        let session = token.public();
        session.login_user(99, "", USER_PIN).refused(CKR_USER_TYPE_INVALID);
        session.login_user(CKU_CONTEXT_SPECIFIC, "", USER_PIN).refused(CKR_USER_NOT_LOGGED_IN);
        let reader = token.read_only();
        session.login_user(CKU_SO, "", SO_PIN).refused(CKR_SESSION_READ_ONLY_EXISTS);
        session.login_user(CKU_USER, "", USER_PIN).unwrap();
        session.login_user(CKU_USER, "", USER_PIN).refused(CKR_USER_ALREADY_LOGGED_IN);
        session.login_user(CKU_SO, "", SO_PIN).refused(CKR_USER_ANOTHER_ALREADY_LOGGED_IN);
        session.login_user(CKU_CONTEXT_SPECIFIC, "", USER_PIN).refused(CKR_OPERATION_NOT_INITIALIZED);
        session.set_pin(USER_PIN, "other:new-pin-1").refused(CKR_PIN_INVALID);
        reader.close().unwrap();
    });
}
