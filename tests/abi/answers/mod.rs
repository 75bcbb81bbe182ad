//! The answers of the standard that no other promise needs, each provoked once: `answers.txt` says which there are. Here those that do not depend
//! on what a function does.

use crate::common::functions::NAMES;
use crate::common::message::{Aead, Parameter};
use crate::common::*;

mod agreeing;
mod making;
mod operations;

const BAD: CK_RV = CKR_ARGUMENTS_BAD;
const WRONG: CK_RV = CKR_MECHANISM_PARAM_INVALID;
const NOWHERE: Handle = 987_654_321;

#[test]
fn the_table_has_every_function_once_and_only_answers_that_exist() {
    let mut rows = Vec::new();
    let known = |answer: &str| CODES.iter().any(|(_, name)| *name == format!("CKR_{answer}"));
    for line in
        include_str!("../answers.txt").lines().filter(|line| !line.is_empty() && !line.starts_with('#'))
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
            call(name, &[NOWHERE]).refused(CKR_SESSION_HANDLE_INVALID);
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
        for name in
            ["C_UnwrapKey", "C_UnwrapKeyAuthenticated", "C_DeriveKey", "C_DecapsulateKey", "C_AsyncJoin"]
        {
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
            "C_VerifySignatureUpdate",
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
