//! The answers of the standard that no other promise needs, each provoked once: `answers.txt` says which there are.

use crate::common::functions::NAMES;
use crate::common::message::{Aead, Parameter};
use crate::common::*;

const BAD: CK_RV = CKR_ARGUMENTS_BAD;
const WRONG: CK_RV = CKR_MECHANISM_PARAM_INVALID;
const NOWHERE: Handle = 987_654_321;

#[test]
fn the_table_has_every_function_once_and_only_answers_that_exist() {
    let mut rows = Vec::new();
    let known = |answer: &str| CODES.iter().any(|(_, name)| *name == format!("CKR_{answer}"));
    for line in include_str!("answers.txt").lines().filter(|line| !line.is_empty() && !line.starts_with('#'))
    {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (answers, reason): (&[&str], &[&str]) = match words[0] {
            "set" => (&words[2..], &["none"]),
            "never" | "fault" => (&words[1..2], &words[2..]),
            "not" => (&words[2..3], &words[3..]),
            function => {
                rows.push(function);
                (&words[1..], &["none"])
            }
        };
        let strange = answers.iter().find(|answer| !answer.starts_with('+') && !known(answer));
        assert_eq!(strange, None, "{line}");
        assert!(!reason.is_empty(), "without a reason: {line}");
    }
    let mut names = NAMES.to_vec();
    rows.sort_unstable();
    names.sort_unstable();
    assert_eq!(rows, names);
}

/// Calls a function by its name. In the machine's calling convention surplus arguments are not looked at.
fn call(name: &str, arguments: &[u64]) -> Answer<()> {
    type Any = unsafe extern "C" fn(u64, u64, u64, u64, u64, u64, u64, u64, u64, u64) -> CK_RV;
    let function: Any = unsafe { std::mem::transmute(module().symbol(name).unwrap()) };
    let mut a = [0; 10];
    a[..arguments.len()].copy_from_slice(arguments);
    answer(note(name, unsafe { function(a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7], a[8], a[9]) }))
}

/// An address as an argument.
fn at<T>(value: &T) -> u64 {
    std::ptr::from_ref(value) as u64
}

/// Whether the first parameter of a function is a session.
fn takes_a_session(name: &str) -> bool {
    const OTHERS: &[&str] = &[
        "C_Initialize",
        "C_Finalize",
        "C_GetInfo",
        "C_GetFunctionList",
        "C_GetInterfaceList",
        "C_GetInterface",
        "C_GetSlotList",
        "C_GetSlotInfo",
        "C_GetTokenInfo",
        "C_GetMechanismList",
        "C_GetMechanismInfo",
        "C_InitToken",
        "C_OpenSession",
        "C_CloseAllSessions",
        "C_WaitForSlotEvent",
    ];
    !OTHERS.contains(&name)
}

#[test]
fn every_function_with_a_session_refuses_one_that_is_not_there() {
    isolated(|_| {
        let _token = Token::new();
        for name in NAMES.iter().filter(|name| takes_a_session(name)) {
            let answer = call(name, &[NOWHERE]);
            if answer != Err(Rv(CKR_FUNCTION_NOT_SUPPORTED)) {
                answer.refused(CKR_SESSION_HANDLE_INVALID);
            }
        }
    });
}

#[test]
fn null_pointers_to_what_must_be_there_are_bad_arguments() {
    isolated(|_| {
        let token = Token::new();
        let (session, slot) = (token.user(), token.slot);
        for name in ["C_GetSlotInfo", "C_GetTokenInfo", "C_GetMechanismList"] {
            call(name, &[slot]).refused(BAD);
        }
        call("C_GetSlotList", &[1]).refused(BAD);
        call("C_GetMechanismInfo", &[slot, CKM_SHA256]).refused(BAD);
        call("C_InitToken", &[slot]).refused_by_one_of(&[BAD, CKR_SESSION_EXISTS]);
        call("C_OpenSession", &[slot, CKF_SERIAL_SESSION]).refused(BAD);
        call("C_WaitForSlotEvent", &[CKF_DONT_BLOCK]).refused(BAD);
        for name in ["C_GetSessionInfo", "C_GetObjectSize", "C_GenerateKey"] {
            call(name, &[session.0]).refused(BAD);
        }
        session.find_init(&template![]).unwrap();
        call("C_FindObjects", &[session.0, 0, 3]).refused(BAD);
        call("C_LoginUser", &[session.0, CKU_USER, 0, 5]).refused(BAD);
        for name in ["C_UnwrapKey", "C_UnwrapKeyAuthenticated", "C_DeriveKey", "C_AsyncJoin"] {
            call(name, &[session.0]).refused(BAD);
        }
        session.close().unwrap();
        call("C_InitToken", &[slot]).refused(BAD);
    });
}

#[test]
fn data_that_are_nowhere_are_bad_arguments() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let room = [0u8; 600];
        let mut length = 600u64;
        let (room, length) = (at(&room), &raw mut length as u64);
        for name in [
            "C_Encrypt",
            "C_EncryptUpdate",
            "C_Decrypt",
            "C_DecryptUpdate",
            "C_Sign",
            "C_SignUpdate",
            "C_Verify",
            "C_VerifyUpdate",
            "C_SignRecover",
            "C_VerifyRecover",
            "C_DigestUpdate",
            "C_DigestEncryptUpdate",
            "C_DecryptDigestUpdate",
            "C_SignEncryptUpdate",
            "C_DecryptVerifyUpdate",
            "C_VerifyFinal",
        ] {
            call(name, &[session.0, 0, 5, room, length]).refused(BAD);
        }
        for name in ["C_EncryptFinal", "C_DecryptFinal", "C_SignFinal"] {
            call(name, &[session.0, room, 0]).refused(BAD);
        }
        for name in ["C_SignMessage", "C_SignMessageNext", "C_VerifyMessage", "C_VerifyMessageNext"] {
            call(name, &[session.0, 0, 0, 0, 5, room, length]).refused(BAD);
        }
        let aes = keys::aes(session, template![]);
        let mut parameter = Parameter::new(Aead::Gcm, CKG_NO_GENERATE);
        session.message_encrypt_init(&parameter.mechanism(), aes).unwrap();
        session.message_decrypt_init(&parameter.mechanism(), aes).unwrap();
        parameter.with_raw(|parameter, size| {
            let parameter = parameter as u64;
            for name in ["C_EncryptMessage", "C_DecryptMessage"] {
                call(name, &[session.0, parameter, size, 0, 5, room, 1, room, length]).refused(BAD);
            }
            call("C_DecryptMessageBegin", &[session.0, parameter, size, 0, 5]).refused(BAD);
            call("C_DecryptMessageNext", &[session.0, parameter, size, 0, 5, room, length, 0]).refused(BAD);
        });
        let (cbc, wrapped) = (Mechanism::bytes(CKM_AES_CBC, &[1; 16]), [0u8; 16]);
        let mechanism = cbc.as_ptr() as u64;
        call("C_WrapKey", &[session.0, mechanism, aes, aes, at(&wrapped), 0]).refused(BAD);
        parameter.with_raw(|parameter, size| {
            let gcm = CK_MECHANISM { mechanism: CKM_AES_GCM, pParameter: parameter, ulParameterLen: size };
            call("C_WrapKeyAuthenticated", &[session.0, at(&gcm), aes, aes, 0, 5]).refused(BAD);
        });
    });
}

/// Begins something: an operation or messages.
struct Beginning {
    name: &'static str,
    /// The mechanism, and its parameter as it can't be.
    good: Mechanism,
    wrong: Mechanism,
    /// The key, one of another type, and one that may not.
    keys: [Handle; 3],
}

fn beginnings(session: Session) -> Vec<Beginning> {
    let plain = Mechanism::plain;
    let no = template![
        CKA_ENCRYPT => false, CKA_DECRYPT => false, CKA_SIGN => false, CKA_VERIFY => false,
    ];
    let (aes, no_aes) = (keys::aes(session, template![]), keys::aes(session, no.clone()));
    let (public, private) = keys::rsa(session, 2048, template![]);
    let (no_public, no_private) =
        keys::rsa(session, 2048, template![CKA_SIGN => false, CKA_SIGN_RECOVER => false]);
    let no_verify = template![CKA_VERIFY => false, CKA_VERIFY_RECOVER => false];
    session.set(no_public, &no_verify).unwrap();
    let cbc = || Mechanism::bytes(CKM_AES_CBC, &[1; 16]);
    let pss = || Mechanism::pss(CKM_SHA256_RSA_PKCS_PSS, CKM_SHA256, CKG_MGF1_SHA256, 32);
    let beginning = |name, good, wrong, keys| Beginning { name, good, wrong, keys };
    let odd = || Mechanism::bytes(CKM_RSA_PKCS, &[1; 3]);
    vec![
        beginning("C_EncryptInit", cbc(), plain(CKM_AES_CBC), [aes, public, no_aes]),
        beginning("C_DecryptInit", cbc(), plain(CKM_AES_CBC), [aes, private, no_aes]),
        beginning("C_SignInit", pss(), plain(CKM_SHA256_RSA_PKCS_PSS), [private, aes, no_private]),
        beginning("C_VerifyInit", pss(), plain(CKM_SHA256_RSA_PKCS_PSS), [public, aes, no_public]),
        beginning("C_SignRecoverInit", plain(CKM_RSA_PKCS), odd(), [private, aes, no_private]),
        beginning("C_VerifyRecoverInit", plain(CKM_RSA_PKCS), odd(), [public, aes, no_public]),
        beginning(
            "C_MessageEncryptInit",
            plain(CKM_AES_GCM),
            Mechanism::bytes(CKM_AES_GCM, &[1; 3]),
            [aes, public, no_aes],
        ),
        beginning(
            "C_MessageDecryptInit",
            plain(CKM_AES_GCM),
            Mechanism::bytes(CKM_AES_GCM, &[1; 3]),
            [aes, private, no_aes],
        ),
        beginning("C_MessageSignInit", pss(), plain(CKM_SHA256_RSA_PKCS_PSS), [private, aes, no_private]),
        beginning("C_MessageVerifyInit", pss(), plain(CKM_SHA256_RSA_PKCS_PSS), [public, aes, no_public]),
    ]
}

#[test]
fn beginnings_are_refused_for_what_is_wrong_with_them() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        for Beginning { name, good, wrong, keys: [key, other, no] } in beginnings(session) {
            let begin = |mechanism: &Mechanism, key| call(name, &[session.0, mechanism.as_ptr() as u64, key]);
            begin(&Mechanism::plain(0x7fff_ffff), key).refused(CKR_MECHANISM_INVALID);
            begin(&wrong, key).refused(WRONG);
            begin(&good, NOWHERE).refused(CKR_KEY_HANDLE_INVALID);
            begin(&good, other).refused(CKR_KEY_TYPE_INCONSISTENT);
            begin(&good, no).refused(CKR_KEY_FUNCTION_NOT_PERMITTED);
            begin(&good, key).unwrap();
            begin(&good, key).refused(CKR_OPERATION_ACTIVE);
        }
        session.digest_init(&Mechanism::bytes(CKM_SHA256, &[1; 3])).refused(WRONG);
    });
}

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
fn a_key_that_wants_its_pin_each_time_wants_it_in_every_function() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let (_, key) = keys::rsa(session, 2048, template![CKA_ALWAYS_AUTHENTICATE => true]);
        let refused = CKR_USER_NOT_LOGGED_IN;
        session.decrypt_init(&Mechanism::plain(CKM_RSA_PKCS), key).unwrap();
        session.decrypt_rest(&[1; 256]).refused(refused);
        session.decrypt_update(&[1; 256]).refused(refused);
        session.decrypt_final().refused(refused);
        session.sign_init(&Mechanism::plain(CKM_SHA256_RSA_PKCS), key).unwrap();
        session.sign_update(b"x").refused(refused);
        session.sign_final().refused(refused);
        session.cancel(CKF_DECRYPT | CKF_SIGN).unwrap();
        session.sign_recover_init(&Mechanism::plain(CKM_RSA_PKCS), key).unwrap();
        session.sign_recover_rest(b"x").refused(refused);
    });
}

#[test]
fn data_and_signatures_of_lengths_that_cannot_be_are_refused() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let aes = keys::aes(session, template![]);
        let (public, private) = keys::rsa(session, 2048, template![]);
        let (ccm, raw) = (Mechanism::ccm(4, &[1; 12], b"", 8), Mechanism::plain(CKM_RSA_PKCS));
        let pss = Mechanism::pss(CKM_RSA_PKCS_PSS, CKM_SHA256, CKG_MGF1_SHA256, 32);
        let (long, signature) = ([7; 5000], session.sign(&pss, private, &[1; 32]).unwrap());
        session.encrypt_init(&ccm, aes).unwrap();
        session.encrypt_update(b"five!").refused(CKR_DATA_LEN_RANGE);
        session.decrypt_init(&ccm, aes).unwrap();
        session.decrypt_update(&long).refused(CKR_ENCRYPTED_DATA_LEN_RANGE);
        session.decrypt_init(&Mechanism::gcm(&[1; 12], b""), aes).unwrap();
        session.decrypt_update(&[1; 40]).unwrap();
        session.decrypt_final().refused(CKR_ENCRYPTED_DATA_INVALID);
        session.sign_init(&raw, private).unwrap();
        session.sign_update(&long).refused(CKR_DATA_LEN_RANGE);
        session.sign_init(&pss, private).unwrap();
        session.sign_update(b"five!").unwrap();
        session.sign_final().refused(CKR_DATA_LEN_RANGE);
        session.verify_init(&raw, public).unwrap();
        session.verify_update(&long).refused(CKR_DATA_LEN_RANGE);
        session.verify_init(&pss, public).unwrap();
        session.verify_update(b"five!").unwrap();
        session.verify_final(&signature).refused(CKR_DATA_LEN_RANGE);
        session.verify_init(&pss, public).unwrap();
        session.verify_update(&[1; 32]).unwrap();
        session.verify_final(&signature[1..]).refused(CKR_SIGNATURE_LEN_RANGE);
        session.sign_recover_init(&raw, private).unwrap();
        session.sign_recover_rest(&long).refused(CKR_DATA_LEN_RANGE);
        session.verify_recover_init(&raw, public).unwrap();
        session.verify_recover_rest(&signature[1..]).refused(CKR_SIGNATURE_LEN_RANGE);
        let numbers = Mechanism::plain(CKM_RSA_X_509);
        session.encrypt(&numbers, public, &[0xff; 256]).refused(CKR_DATA_INVALID);
        session.sign(&numbers, private, &[0xff; 256]).refused(CKR_DATA_INVALID);
        session.sign_recover_init(&numbers, private).unwrap();
        session.sign_recover_rest(&[0xff; 256]).refused(CKR_DATA_INVALID);
        session.message_sign_init(&numbers, private).unwrap();
        session.sign_message(&[0xff; 256]).refused(CKR_DATA_INVALID);
    });
}

#[test]
fn two_operations_at_once_refuse_what_either_refuses() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let aes = keys::aes(session, template![]);
        let secret = keys::secret(session, CKK_GENERIC_SECRET, &[5; 300], template![]);
        let (public, _) = keys::rsa(session, 2048, template![]);
        let (ccm, cbc) = (Mechanism::ccm(4, &[1; 12], b"", 8), Mechanism::bytes(CKM_AES_CBC, &[1; 16]));
        session.encrypt_init(&ccm, aes).unwrap();
        session.digest_init(&Mechanism::plain(CKM_SHA256)).unwrap();
        session.digest_encrypt_update(b"five!").refused(CKR_DATA_LEN_RANGE);
        session.encrypt_init(&ccm, aes).unwrap();
        session.sign_init(&Mechanism::plain(CKM_SHA256_HMAC), secret).unwrap();
        session.sign_encrypt_update(b"five!").refused(CKR_DATA_LEN_RANGE);
        session.decrypt_init(&cbc, aes).unwrap();
        session.verify_init(&Mechanism::plain(CKM_RSA_PKCS), public).unwrap();
        session.decrypt_verify_update(&[1; 4096]).refused(CKR_DATA_LEN_RANGE);
        session.wrap(&Mechanism::plain(CKM_RSA_PKCS), public, secret).refused(CKR_KEY_SIZE_RANGE);
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

#[test]
fn messages_of_lengths_that_cannot_be_are_refused() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let aes = keys::aes(session, template![]);
        let (public, private) = keys::rsa(session, 2048, template![]);
        let mut ccm = Parameter::new(Aead::Ccm(4), CKG_NO_GENERATE);
        session.message_encrypt_init(&ccm.mechanism(), aes).unwrap();
        session.message_decrypt_init(&ccm.mechanism(), aes).unwrap();
        session.encrypt_message_begin(&mut ccm, b"").unwrap();
        session.encrypt_message_next(&mut ccm, b"five!", 0).refused(CKR_DATA_LEN_RANGE);
        session.decrypt_message(&mut ccm, b"", b"five!").refused(CKR_ENCRYPTED_DATA_LEN_RANGE);
        session.decrypt_message_begin(&mut ccm, b"").unwrap();
        session.decrypt_message_begin(&mut ccm, b"").refused(CKR_OPERATION_ACTIVE);
        session.decrypt_message(&mut ccm, b"", b"four").refused(CKR_OPERATION_ACTIVE);
        session.decrypt_message_next(&mut ccm, &[1; 50], 0).refused(CKR_ENCRYPTED_DATA_LEN_RANGE);
        let mut odd = Parameter { tag: vec![0; 3], ..ccm.clone() };
        session.decrypt_message(&mut odd, b"", b"four").refused(WRONG);
        session.decrypt_message_begin(&mut odd, b"").refused(WRONG);
        session.decrypt_message_begin(&mut ccm, b"").unwrap();
        session.decrypt_message_next(&mut odd, b"four", CKF_END_OF_MESSAGE).refused(WRONG);
        session.cancel(CKF_MESSAGE_DECRYPT).unwrap();
        session.decrypt_message_begin(&mut ccm, b"").refused(CKR_OPERATION_NOT_INITIALIZED);

        let pss = Mechanism::pss(CKM_RSA_PKCS_PSS, CKM_SHA256, CKG_MGF1_SHA256, 32);
        let signature = session.sign(&pss, private, &[1; 32]).unwrap();
        session.sign_message_begin().refused(CKR_OPERATION_NOT_INITIALIZED);
        session.verify_message_begin().refused(CKR_OPERATION_NOT_INITIALIZED);
        session.message_sign_init(&pss, private).unwrap();
        session.message_verify_init(&pss, public).unwrap();
        session.sign_message(b"five!").refused(CKR_DATA_LEN_RANGE);
        session.sign_message_begin().unwrap();
        session.sign_message_last(b"five!").refused(CKR_DATA_LEN_RANGE);
        session.verify_message(b"five!", &signature).refused(CKR_DATA_LEN_RANGE);
        session.verify_message_begin().unwrap();
        session.verify_message_begin().refused(CKR_OPERATION_ACTIVE);
        session.verify_message(&[1; 32], &signature).refused(CKR_OPERATION_ACTIVE);
        session.verify_message_next(b"five!", &signature).refused(CKR_DATA_LEN_RANGE);
        session.verify_message_begin().unwrap();
        session.verify_message_next(&[1; 32], &signature[1..]).refused(CKR_SIGNATURE_LEN_RANGE);
        let parameter = [1u8; 4];
        for name in [
            "C_SignMessage",
            "C_SignMessageNext",
            "C_VerifyMessage",
            "C_VerifyMessageBegin",
            "C_VerifyMessageNext",
        ] {
            call(name, &[session.0, at(&parameter), 4]).refused(WRONG);
        }
    });
}

#[test]
fn small_buffers_are_told_so_in_every_function() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let aes = keys::aes(session, template![]);
        let secret = keys::secret(session, CKK_GENERIC_SECRET, &[5; 32], template![]);
        let (data, mut small) = ([1u8; 16], 1u64);
        let (data, small) = (at(&data), &raw mut small as u64);
        let mut parameter = Parameter::new(Aead::Gcm, CKG_GENERATE);
        session.message_encrypt_init(&parameter.mechanism(), aes).unwrap();
        session.message_decrypt_init(&parameter.mechanism(), aes).unwrap();
        session.encrypt_message_begin(&mut parameter, b"").unwrap();
        let too_small = |name: &str, arguments: &[u64]| {
            unsafe { *(small as *mut u64) = 1 };
            call(name, arguments).refused(CKR_BUFFER_TOO_SMALL);
        };
        parameter.with_raw(|at, size| {
            let at = at as u64;
            too_small("C_EncryptMessageNext", &[session.0, at, size, data, 16, data, small, 0]);
            too_small("C_DecryptMessage", &[session.0, at, size, 0, 0, data, 16, data, small]);
        });
        session.decrypt_message_begin(&mut parameter, b"").unwrap();
        parameter.with_raw(|at, size| {
            let end = CKF_END_OF_MESSAGE;
            too_small("C_DecryptMessageNext", &[session.0, at as u64, size, data, 16, data, small, end]);
        });
        let hmac = Mechanism::plain(CKM_SHA256_HMAC);
        session.message_sign_init(&hmac, secret).unwrap();
        too_small("C_SignMessage", &[session.0, 0, 0, data, 16, data, small]);
        session.sign_message_begin().unwrap();
        too_small("C_SignMessageNext", &[session.0, 0, 0, data, 16, data, small]);
        parameter.with_raw(|parameter, size| {
            let gcm = CK_MECHANISM { mechanism: CKM_AES_GCM, pParameter: parameter, ulParameterLen: size };
            too_small("C_WrapKeyAuthenticated", &[session.0, at(&gcm), aes, secret, 0, 0, data, small]);
        });
        let cbc = Mechanism::bytes(CKM_AES_CBC, &[1; 16]);
        session.encrypt_init(&cbc, aes).unwrap();
        session.sign_init(&hmac, secret).unwrap();
        too_small("C_SignEncryptUpdate", &[session.0, data, 16, data, small]);
        session.decrypt_init(&cbc, aes).unwrap();
        session.verify_init(&hmac, secret).unwrap();
        too_small("C_DecryptVerifyUpdate", &[session.0, data, 16, data, small]);
    });
}

/// A way to make an object from a template.
type Make<'a> = (&'a str, Template, Box<dyn Fn(Session, &Template) -> Answer<()> + 'a>);

#[test]
fn templates_are_refused_for_what_is_wrong_with_them_in_every_function() {
    isolated(|_| {
        let token = Token::new();
        let (session, reader) = (token.user(), token.read_only());
        let aes = keys::aes(session, template![]);
        let key = keys::secret(session, CKK_AES, &[8; 16], template![]);
        let mut parameter = Parameter::new(Aead::Gcm, CKG_GENERATE);
        let apart = session.wrap_authenticated(&mut parameter, b"", aes, key).unwrap();
        let gcm = Mechanism::gcm(&[1; 12], b"");
        let whole = session.wrap(&gcm, aes, key).unwrap();
        let derive = Mechanism::string_data(CKM_AES_ECB_ENCRYPT_DATA, &[3; 16]);
        let secret = template![CKA_CLASS => CKO_SECRET_KEY, CKA_KEY_TYPE => CKK_AES];
        let with_length = secret.and(&template![CKA_VALUE_LEN => 16u64]);
        let (gcm, derive, whole, apart) = (&gcm, &derive, &whole, &apart);
        let public = keys::public_template().and(&template![CKA_EC_PARAMS => keys::P256]);
        let ways: Vec<Make<'_>> = vec![
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
                Box::new(move |session, template| session.unwrap(gcm, aes, whole, template).map(drop)),
            ),
            (
                "unwrap apart",
                secret,
                Box::new(move |session, template| {
                    session.unwrap_authenticated(&mut parameter.clone(), b"", aes, apart, template).map(drop)
                }),
            ),
            (
                "derive",
                with_length,
                Box::new(move |session, template| session.derive(derive, aes, template).map(drop)),
            ),
            ("copy", template![], Box::new(move |session, template| session.copy(key, template).map(drop))),
        ];
        for (name, good, make) in ways {
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
