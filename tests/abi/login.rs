//! Roles, users and PINs.

use crate::common::*;

/// Flags of the crypto user's PIN.
const USER_FLAGS: CK_FLAGS = CKF_USER_PIN_COUNT_LOW | CKF_USER_PIN_FINAL_TRY | CKF_USER_PIN_LOCKED;
/// Flags of the crypto officer's PIN.
const OFFICER_FLAGS: CK_FLAGS = CKF_SO_PIN_COUNT_LOW | CKF_SO_PIN_FINAL_TRY | CKF_SO_PIN_LOCKED;
/// Tries that a PIN has without configuration.
const TRIES: usize = 5;

fn state(session: Session) -> CK_STATE {
    session.info().unwrap().state
}

fn private_data(label: &str) -> Template {
    keys::data_template(label).and(&template![CKA_PRIVATE => true])
}

#[test]
fn one_login_counts_for_all_sessions_of_the_token() {
    isolated(|_| {
        let token = Token::new();
        let (reader, writer) = (token.read_only(), token.public());
        assert_eq!((state(reader), state(writer)), (CKS_RO_PUBLIC_SESSION, CKS_RW_PUBLIC_SESSION));
        writer.login(CKU_USER, USER_PIN).unwrap();
        assert_eq!((state(reader), state(writer)), (CKS_RO_USER_FUNCTIONS, CKS_RW_USER_FUNCTIONS));
        assert_eq!(state(token.public()), CKS_RW_USER_FUNCTIONS, "a session opened later");
        let info = reader.info().unwrap();
        assert_eq!((info.slotID, info.flags), (token.slot, CKF_SERIAL_SESSION));
        assert_eq!(writer.info().unwrap().flags, CKF_SERIAL_SESSION | CKF_RW_SESSION);
        reader.logout().unwrap();
        assert_eq!((state(reader), state(writer)), (CKS_RO_PUBLIC_SESSION, CKS_RW_PUBLIC_SESSION));
    });
}

#[test]
fn a_login_ends_with_the_last_session() {
    isolated(|_| {
        let token = Token::new();
        let (first, second) = (token.user(), token.public());
        first.close().unwrap();
        assert_eq!(state(second), CKS_RW_USER_FUNCTIONS);
        second.close().unwrap();
        assert_eq!(state(token.public()), CKS_RW_PUBLIC_SESSION);
        token.user();
        assert_eq!(raw!(C_CloseAllSessions(token.slot)), CKR_OK);
        assert_eq!(state(token.public()), CKS_RW_PUBLIC_SESSION);
    });
}

#[test]
fn tokens_have_logins_of_their_own() {
    isolated(|_| {
        let token = Token::new();
        let other = Token { slot: Token::add("another"), folder: None };
        let session = token.user();
        assert_eq!(state(other.public()), CKS_RW_PUBLIC_SESSION);
        other.officer();
        assert_eq!(state(session), CKS_RW_USER_FUNCTIONS);
    });
}

#[test]
fn a_login_on_top_of_another_is_refused() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        session.login(CKU_USER, USER_PIN).refused(CKR_USER_ALREADY_LOGGED_IN);
        session.login(CKU_USER, "wrong").refused(CKR_USER_ALREADY_LOGGED_IN);
        session.login(CKU_SO, SO_PIN).refused(CKR_USER_ANOTHER_ALREADY_LOGGED_IN);
        session.logout().unwrap();
        session.logout().refused(CKR_USER_NOT_LOGGED_IN);
        session.login(CKU_SO, SO_PIN).unwrap();
        session.login(CKU_SO, SO_PIN).refused(CKR_USER_ALREADY_LOGGED_IN);
        session.login(CKU_USER, USER_PIN).refused(CKR_USER_ANOTHER_ALREADY_LOGGED_IN);
    });
}

#[test]
fn what_is_no_user_cannot_log_in() {
    isolated(|_| {
        let token = Token::new();
        let session = token.public();
        session.login(17, USER_PIN).refused(CKR_USER_TYPE_INVALID);
        session
            .login(CKU_CONTEXT_SPECIFIC, USER_PIN)
            .refused_by_one_of(&[CKR_OPERATION_NOT_INITIALIZED, CKR_USER_NOT_LOGGED_IN]);
        session.login(CKU_USER, "wrong").refused(CKR_PIN_INCORRECT);
        session.login(CKU_USER, "").refused_by_one_of(&[CKR_PIN_INCORRECT, CKR_ARGUMENTS_BAD]);
        session.login(CKU_SO, USER_PIN).refused(CKR_PIN_INCORRECT);
        session.login(CKU_USER, SO_PIN).refused(CKR_PIN_INCORRECT);
        assert_eq!(state(session), CKS_RW_PUBLIC_SESSION);
    });
}

#[test]
fn an_officer_needs_writing_sessions() {
    isolated(|_| {
        let token = Token::new();
        let reader = token.read_only();
        let writer = token.public();
        writer.login(CKU_SO, SO_PIN).refused(CKR_SESSION_READ_ONLY_EXISTS);
        reader.login(CKU_SO, SO_PIN).refused(CKR_SESSION_READ_ONLY_EXISTS);
        reader.close().unwrap();
        writer.login(CKU_SO, SO_PIN).unwrap();
        module().open(token.slot, 0).refused(CKR_SESSION_READ_WRITE_SO_EXISTS);
    });
}

#[test]
fn only_an_officer_makes_users() {
    isolated(|_| {
        let token = Token::new();
        let session = token.public();
        session.init_pin("cu1:secret").refused(CKR_USER_NOT_LOGGED_IN);
        session.login(CKU_USER, USER_PIN).unwrap();
        session.init_pin("cu1:secret").refused(CKR_USER_NOT_LOGGED_IN);
        session.logout().unwrap();
        session.login(CKU_USER, "cu1:secret").refused(CKR_PIN_INCORRECT);
    });
}

#[test]
fn pins_have_four_to_255_bytes() {
    isolated(|_| {
        let token = Token::new();
        let session = token.officer();
        let longest = "x".repeat(255);
        session.init_pin("").refused_by_one_of(&[CKR_PIN_LEN_RANGE, CKR_ARGUMENTS_BAD]);
        for pin in ["abc", &"x".repeat(256), "cu1:abc"] {
            session.init_pin(pin).refused(CKR_PIN_LEN_RANGE);
        }
        for pin in ["abcd", &longest] {
            session.init_pin(pin).unwrap();
        }
        session.set_pin(SO_PIN, "abc").refused(CKR_PIN_LEN_RANGE);
        session.logout().unwrap();
        session.login(CKU_USER, &longest).unwrap();
        session.set_pin(&longest, "abc").refused(CKR_PIN_LEN_RANGE);
        session.set_pin(&longest, "wxyz").unwrap();
    });
}

#[test]
fn a_user_changes_its_own_pin() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        session.create(&private_data("mine")).unwrap();
        session.set_pin("wrong one", "new-pin-1").refused(CKR_PIN_INCORRECT);
        session.set_pin(USER_PIN, "new-pin-1").unwrap();
        token.read_only().set_pin("new-pin-1", "new-pin-2").refused(CKR_SESSION_READ_ONLY);
        session.logout().unwrap();
        session.login(CKU_USER, USER_PIN).refused(CKR_PIN_INCORRECT);
        // Nobody logged in: it is the user's PIN all the same.
        session.set_pin("new-pin-1", "new-pin-3").unwrap();
        session.login(CKU_USER, "new-pin-3").unwrap();
        assert_eq!(session.find(&template![CKA_LABEL => "mine"]).unwrap().len(), 1);
    });
}

#[test]
fn an_officer_changes_its_own_pin() {
    isolated(|_| {
        let token = Token::new();
        let session = token.officer();
        session.set_pin(SO_PIN, "officer-2").unwrap();
        session.logout().unwrap();
        session.login(CKU_SO, SO_PIN).refused(CKR_PIN_INCORRECT);
        session.login(CKU_SO, "officer-2").unwrap();
        session.logout().unwrap();
        session.login(CKU_USER, USER_PIN).unwrap();
    });
}

#[test]
fn wrong_pins_show_in_the_flags_and_lock_the_user_until_the_officer_resets_it() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        session.create(&private_data("mine")).unwrap();
        session.logout().unwrap();
        let flags = || token.info().flags & USER_FLAGS;
        assert_eq!(flags(), 0);
        for left in (1..TRIES).rev() {
            session.login(CKU_USER, "wrong").refused(CKR_PIN_INCORRECT);
            assert_ne!(flags() & CKF_USER_PIN_COUNT_LOW, 0, "{left} tries left");
            assert_eq!(flags() & CKF_USER_PIN_FINAL_TRY != 0, left == 1, "{left} tries left");
        }
        session.login(CKU_USER, USER_PIN).unwrap();
        assert_eq!(flags(), 0, "a good login starts the count anew");
        session.logout().unwrap();

        for _ in 0..TRIES - 1 {
            session.login(CKU_USER, "wrong").refused(CKR_PIN_INCORRECT);
        }
        session.login(CKU_USER, "wrong").refused_by_one_of(&[CKR_PIN_INCORRECT, CKR_PIN_LOCKED]);
        assert_ne!(flags() & CKF_USER_PIN_LOCKED, 0);
        session.login(CKU_USER, USER_PIN).refused(CKR_PIN_LOCKED);
        session.set_pin(USER_PIN, "another one").refused(CKR_PIN_LOCKED);
        assert_eq!(token.info().flags & OFFICER_FLAGS, 0);

        session.login(CKU_SO, SO_PIN).unwrap();
        session.init_pin("fresh-pin").unwrap();
        session.logout().unwrap();
        assert_eq!(flags(), 0);
        session.login(CKU_USER, "fresh-pin").unwrap();
        assert_eq!(session.find(&template![CKA_LABEL => "mine"]).unwrap().len(), 1, "objects are lost");
    });
}

#[test]
fn an_officer_locks_itself_out_too() {
    isolated(|_| {
        let token = Token::new();
        let session = token.public();
        for _ in 0..TRIES {
            session.login(CKU_SO, "wrong").refused_by_one_of(&[CKR_PIN_INCORRECT, CKR_PIN_LOCKED]);
        }
        assert_ne!(token.info().flags & CKF_SO_PIN_LOCKED, 0);
        assert_eq!(token.info().flags & USER_FLAGS, 0);
        session.login(CKU_SO, SO_PIN).refused(CKR_PIN_LOCKED);
        session.login(CKU_USER, USER_PIN).unwrap();
        session.close().unwrap();
        module()
            .init_token(token.slot, SO_PIN, "again")
            .refused_by_one_of(&[CKR_PIN_LOCKED, CKR_PIN_INCORRECT]);
    });
}

#[test]
fn wrong_pins_are_counted_across_processes() {
    isolated(|process| {
        if process.part().is_some() {
            let session = Token::join().public();
            session.login(CKU_USER, "wrong").refused_by_one_of(&[CKR_PIN_INCORRECT, CKR_PIN_LOCKED]);
            return;
        }
        let token = Token::new();
        let session = token.public();
        for _ in 0..TRIES {
            process.start("guess", "").ends_well();
        }
        // The refusal comes first: on nodes it is what brings this process up to what others did.
        session.login(CKU_USER, USER_PIN).refused(CKR_PIN_LOCKED);
        assert_ne!(token.info().flags & CKF_USER_PIN_LOCKED, 0);
        module().finalize().unwrap();
        module().initialize().unwrap();
        token.public().login(CKU_USER, USER_PIN).refused(CKR_PIN_LOCKED);
    });
}

#[test]
fn named_users_log_in_by_name_and_password() {
    isolated(|_| {
        let token = Token::new();
        let session = token.officer();
        session.init_pin("cu1:secret-1").unwrap();
        session.init_pin("cu2:secret-2").unwrap();
        session.logout().unwrap();
        for (name, password) in [("cu1", "secret-1"), ("cu2", "secret-2")] {
            session.login(CKU_USER, &format!("{name}:{password}")).unwrap();
            session.logout().unwrap();
            session.login_user(CKU_USER, name, password).unwrap();
            session.logout().unwrap();
        }
        session.login_user(CKU_USER, "", USER_PIN).unwrap();
        session.logout().unwrap();
        session.login(CKU_USER, "cu1:secret-2").refused(CKR_PIN_INCORRECT);
        session.login(CKU_USER, "secret-1").refused(CKR_PIN_INCORRECT);
        session.login_user(CKU_SO, "cu1", "secret-1").refused(CKR_PIN_INCORRECT);
        session.login(CKU_USER, "cu1:secret-1").unwrap();
        session.set_pin("cu1:secret-1", "cu1:changed-1").unwrap();
        session.logout().unwrap();
        session.login(CKU_USER, "cu1:secret-1").refused(CKR_PIN_INCORRECT);
        session.login(CKU_USER, "cu1:changed-1").unwrap();
    });
}

#[test]
fn a_wrong_name_is_answered_as_a_wrong_password() {
    isolated(|_| {
        let token = Token::new();
        let session = token.officer();
        session.init_pin("cu1:secret-1").unwrap();
        session.logout().unwrap();
        // Try by try the same, also where the real user is locked in the end.
        for number in 0..2 * TRIES {
            let real = session.login(CKU_USER, "cu1:wrong");
            let none = session.login(CKU_USER, "nobody:wrong");
            assert_eq!(real, none, "try {number} tells which user there is");
            real.refused_by_one_of(&[CKR_PIN_INCORRECT, CKR_PIN_LOCKED]);
            let real = session.login_user(CKU_SO, "so", "wrong");
            let none = session.login_user(CKU_SO, "nobody", "wrong");
            assert_eq!(real, none, "try {number} tells which officer there is");
        }
        session
            .login_user(CKU_USER, "no such name can be", "x")
            .refused_by_one_of(&[CKR_PIN_INCORRECT, CKR_PIN_LOCKED]);
    });
}

#[test]
fn a_locked_user_locks_no_other() {
    isolated(|_| {
        let token = Token::new();
        let session = token.officer();
        session.init_pin("cu1:secret-1").unwrap();
        session.logout().unwrap();
        for _ in 0..TRIES {
            let _ = session.login(CKU_USER, "cu1:wrong");
        }
        session.login(CKU_USER, "cu1:secret-1").refused(CKR_PIN_LOCKED);
        assert_eq!(token.info().flags & USER_FLAGS, 0, "the default user's flags");
        session.login(CKU_USER, USER_PIN).unwrap();
        session.logout().unwrap();
        session.login(CKU_SO, SO_PIN).unwrap();
        session.init_pin("cu1:secret-3").unwrap();
        session.logout().unwrap();
        session.login(CKU_USER, "cu1:secret-3").unwrap();
    });
}

#[test]
fn a_user_sees_public_objects_and_its_own_private_ones() {
    isolated(|_| {
        let token = Token::new();
        let session = token.officer();
        session.init_pin("cu1:secret-1").unwrap();
        session.logout().unwrap();
        let labels = |session: Session| {
            let found = session.find(&template![]).unwrap();
            let label = |object: &Handle| session.get(*object, CKA_LABEL).unwrap();
            let mut labels: Vec<_> =
                found.iter().map(|object| String::from_utf8(label(object)).unwrap()).collect();
            labels.sort();
            labels
        };
        session.login(CKU_USER, USER_PIN).unwrap();
        session.create(&keys::data_template("everybody's")).unwrap();
        session.create(&private_data("the default user's")).unwrap();
        session.logout().unwrap();
        session.login(CKU_USER, "cu1:secret-1").unwrap();
        session.create(&private_data("cu1's")).unwrap();
        assert_eq!(labels(session), ["cu1's", "everybody's"]);
        session.logout().unwrap();
        assert_eq!(labels(session), ["everybody's"]);
        session.login(CKU_SO, SO_PIN).unwrap();
        assert_eq!(labels(session), ["everybody's"]);
        session.logout().unwrap();
        session.login(CKU_USER, USER_PIN).unwrap();
        assert_eq!(labels(session), ["everybody's", "the default user's"]);
    });
}

#[test]
fn private_handles_and_private_session_objects_die_with_the_login() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let held = keys::aes(session, template![]);
        let stored = keys::aes(session, template![CKA_TOKEN => true, CKA_LABEL => "stored"]);
        let public =
            session.create(&keys::data_template("public").and(&template![CKA_TOKEN => false])).unwrap();
        session.logout().unwrap();
        for key in [held, stored] {
            session.get(key, CKA_CLASS).refused(CKR_OBJECT_HANDLE_INVALID);
            session
                .encrypt_init(&Mechanism::bytes(CKM_AES_CBC, &[0; 16]), key)
                .refused_by_one_of(&[CKR_KEY_HANDLE_INVALID, CKR_USER_NOT_LOGGED_IN]);
        }
        session.get(public, CKA_LABEL).unwrap();
        session.login(CKU_USER, USER_PIN).unwrap();
        session.get(held, CKA_CLASS).refused(CKR_OBJECT_HANDLE_INVALID);
        session.get(stored, CKA_CLASS).refused(CKR_OBJECT_HANDLE_INVALID);
        let found = session.find(&template![CKA_CLASS => CKO_SECRET_KEY]).unwrap();
        assert_eq!(found.len(), 1, "the stored key alone is there again");
        assert_eq!(session.get(found[0], CKA_LABEL).unwrap(), b"stored");
    });
}

#[test]
fn without_a_login_there_are_no_private_objects() {
    isolated(|_| {
        let token = Token::new();
        let session = token.public();
        session.create(&private_data("x")).refused(CKR_USER_NOT_LOGGED_IN);
        session
            .generate(&Mechanism::plain(CKM_AES_KEY_GEN), &keys::aes_template(32))
            .refused(CKR_USER_NOT_LOGGED_IN);
    });
}

#[test]
fn an_officer_never_uses_keys() {
    isolated(|_| {
        let token = Token::new();
        let user = token.user();
        keys::aes(user, template![CKA_TOKEN => true, CKA_LABEL => "private"]);
        let public = template![CKA_TOKEN => true, CKA_PRIVATE => false, CKA_LABEL => "public"];
        keys::aes(user, public.and(&template![CKA_SENSITIVE => false, CKA_EXTRACTABLE => true]));
        user.logout().unwrap();
        let officer = token.officer();
        assert!(officer.find(&template![CKA_LABEL => "private"]).unwrap().is_empty());
        officer.create(&private_data("x")).refused(CKR_USER_NOT_LOGGED_IN);
        officer
            .generate(&Mechanism::plain(CKM_AES_KEY_GEN), &keys::aes_template(32))
            .refused(CKR_USER_NOT_LOGGED_IN);
        let refusals = [CKR_USER_NOT_LOGGED_IN, CKR_KEY_FUNCTION_NOT_PERMITTED, CKR_KEY_HANDLE_INVALID];
        for key in officer.find(&template![CKA_LABEL => "public"]).unwrap() {
            let cbc = Mechanism::bytes(CKM_AES_CBC, &[0; 16]);
            officer.encrypt_init(&cbc, key).refused_by_one_of(&refusals);
            officer.decrypt_init(&cbc, key).refused_by_one_of(&refusals);
            officer.sign_init(&Mechanism::plain(CKM_AES_CMAC), key).refused_by_one_of(&refusals);
            let wrap = Mechanism::plain(CKM_AES_KEY_WRAP);
            assert!(officer.wrap(&wrap, key, key).is_err());
        }
    });
}

#[test]
fn sessions_that_only_read_change_nothing_in_the_token() {
    isolated(|_| {
        let token = Token::new();
        let writer = token.user();
        let object = writer.create(&private_data("there")).unwrap();
        let reader = token.read_only();
        reader.create(&private_data("x")).refused(CKR_SESSION_READ_ONLY);
        reader.set(object, &template![CKA_LABEL => "x"]).refused(CKR_SESSION_READ_ONLY);
        reader.destroy(object).refused(CKR_SESSION_READ_ONLY);
        reader.copy(object, &template![CKA_LABEL => "x"]).refused(CKR_SESSION_READ_ONLY);
        let token_key = keys::aes_template(32).and(&template![CKA_TOKEN => true]);
        reader.generate(&Mechanism::plain(CKM_AES_KEY_GEN), &token_key).refused(CKR_SESSION_READ_ONLY);
        assert_eq!(reader.get(object, CKA_LABEL).unwrap(), b"there");
        let held = reader.copy(object, &template![CKA_TOKEN => false]).unwrap();
        reader.set(held, &template![CKA_LABEL => "changed"]).unwrap();
        reader.destroy(held).unwrap();
        keys::aes(reader, template![]);
    });
}

#[test]
fn no_template_of_a_key_makes_a_token_object_in_a_session_that_only_reads() {
    isolated(|_| {
        let token = Token::new();
        let (writer, reader) = (token.user(), token.read_only());
        let stored = template![CKA_TOKEN => true];
        let key = template![CKA_UNWRAP_TEMPLATE => stored.clone(), CKA_DERIVE_TEMPLATE => stored.clone()];
        let key = keys::aes(writer, key);
        let wrap = Mechanism::plain(CKM_AES_KEY_WRAP);
        let target = keys::aes(writer, template![CKA_EXTRACTABLE => true]);
        let wrapped = writer.wrap(&wrap, key, target).unwrap();
        let derive = Mechanism::string_data(CKM_AES_ECB_ENCRYPT_DATA, &[7; 32]);
        let plain = template![CKA_CLASS => CKO_SECRET_KEY, CKA_KEY_TYPE => CKK_AES];
        let length = template![CKA_VALUE_LEN => 32 as CK_ULONG];
        let refusals = [CKR_TEMPLATE_INCONSISTENT, CKR_SESSION_READ_ONLY];
        reader.unwrap(&wrap, key, &wrapped, &plain).refused_by_one_of(&refusals);
        reader.unwrap(&wrap, key, &wrapped, &plain.and(&stored)).refused(CKR_SESSION_READ_ONLY);
        reader.derive(&derive, key, &plain.and(&length)).refused_by_one_of(&refusals);
        assert!(writer.find(&stored).unwrap().is_empty());
        writer.unwrap(&wrap, key, &wrapped, &plain).unwrap();
        writer.derive(&derive, key, &plain.and(&length)).unwrap();
        assert_eq!(writer.find(&stored).unwrap().len(), 2);
    });
}

#[test]
fn who_may_not_make_an_object_is_told_so_before_anything_is_computed() {
    isolated(|_| {
        let token = Token::new();
        let session = token.public();
        let rsa = Mechanism::plain(CKM_RSA_PKCS_KEY_PAIR_GEN);
        let public = keys::public_template().and(&template![CKA_MODULUS_BITS => 8192 as CK_ULONG]);
        session.generate_pair(&rsa, &public, &template![]).refused(CKR_USER_NOT_LOGGED_IN);
        // Computed first, these would be refused for what they compute with.
        let key = keys::aes(session, template![CKA_PRIVATE => false]);
        let unwrapped = template![CKA_CLASS => CKO_SECRET_KEY, CKA_KEY_TYPE => CKK_AES];
        session
            .unwrap(&Mechanism::plain(CKM_AES_KEY_WRAP), key, &[0; 40], &unwrapped)
            .refused(CKR_USER_NOT_LOGGED_IN);
        let derive = Mechanism::string_data(CKM_AES_ECB_ENCRYPT_DATA, &[0; 15]);
        session.derive(&derive, key, &keys::aes_template(32)).refused(CKR_USER_NOT_LOGGED_IN);
    });
}
