//! A signature can be given before the data, to every mechanism that verifies.

use crate::common::cases::{self, Job, input};
use crate::common::*;

/// The pair of mechanism and keys that all mechanisms are tried with here.
fn ml_dsa(session: Session) -> (Mechanism, Handle, Vec<u8>) {
    let (public, private) = keys::pqc(session, CKK_ML_DSA, CKP_ML_DSA_44, template![]);
    let mechanism = Mechanism::plain(CKM_ML_DSA);
    let signature = session.sign(&mechanism, private, b"message").unwrap();
    (mechanism, public, signature)
}

#[test]
fn every_mechanism_that_verifies_takes_the_signature_first() {
    isolated(|_| {
        let token = Token::new();
        token.user();
        let mut tried = 0;
        for case in cases::all() {
            let Job::Use(keys, length) = case.job else { continue };
            let Ok(info) = module().mechanism_info(token.slot, case.mechanism.id()) else { continue };
            if info.flags & CKF_VERIFY == 0 {
                continue;
            }
            // A session for each: its keys go with it.
            let session = token.public();
            let (public, private) = keys.make(session);
            let data = input(length);
            let signature = session.sign(&case.mechanism, private, &data).unwrap();
            let begin = |signature: &[u8]| {
                session.verify_signature_init(&case.mechanism, public, signature).unwrap();
            };
            let name = case.name;
            begin(&signature);
            assert_eq!(session.verify_signature_rest(&data), Ok(()), "{name}");
            begin(&signature);
            data.chunks(7).for_each(|part| session.verify_signature_update(part).unwrap());
            assert_eq!(session.verify_signature_final(), Ok(()), "{name}");
            let mut other = data.clone();
            *other.last_mut().unwrap() ^= 1;
            begin(&signature);
            assert_eq!(session.verify_signature_rest(&other), Err(Rv(CKR_SIGNATURE_INVALID)), "{name}");
            let mut altered = signature.clone();
            *altered.last_mut().unwrap() ^= 1;
            begin(&altered);
            assert_eq!(session.verify_signature_rest(&data), Err(Rv(CKR_SIGNATURE_INVALID)), "{name}");
            begin(&signature[1..]);
            session
                .verify_signature_rest(&data)
                .refused_by_one_of(&[CKR_SIGNATURE_LEN_RANGE, CKR_SIGNATURE_INVALID]);
            session.close().unwrap();
            tried += 1;
        }
        assert!(tried > 70, "only {tried} mechanisms verify");
    });
}

#[test]
fn it_ends_with_the_verdict_and_only_so() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let (mechanism, public, signature) = ml_dsa(session);
        session.verify_signature_rest(b"message").refused(CKR_OPERATION_NOT_INITIALIZED);
        session.verify_signature_update(b"message").refused(CKR_OPERATION_NOT_INITIALIZED);
        session.verify_signature_final().refused(CKR_OPERATION_NOT_INITIALIZED);
        let begin = || session.verify_signature_init(&mechanism, public, &signature);
        begin().unwrap();
        begin().refused(CKR_OPERATION_ACTIVE);
        session.verify_signature_rest(b"message").unwrap();
        session.verify_signature_rest(b"message").refused(CKR_OPERATION_NOT_INITIALIZED);
        begin().unwrap();
        session.verify_signature_rest(b"another").refused(CKR_SIGNATURE_INVALID);
        session.verify_signature_final().refused(CKR_OPERATION_NOT_INITIALIZED);
        // Once it has gone on in parts it ends in parts.
        begin().unwrap();
        session.verify_signature_update(b"mess").unwrap();
        session.verify_signature_rest(b"age").refused(CKR_OPERATION_ACTIVE);
        session.verify_signature_final().refused(CKR_OPERATION_NOT_INITIALIZED);
    });
}

#[test]
fn it_can_be_cancelled() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let (mechanism, public, signature) = ml_dsa(session);
        let none = std::ptr::null_mut();
        for cancel in 0..3 {
            session.verify_signature_init(&mechanism, public, &signature).unwrap();
            match cancel {
                0 => assert_eq!(
                    answer(raw_3_2!(C_VerifySignatureInit(session.0, none, 0, none.cast(), 0))),
                    Ok(())
                ),
                1 => session.cancel(CKF_VERIFY).unwrap(),
                _ => session.logout().unwrap(),
            }
            session.verify_signature_final().refused(CKR_OPERATION_NOT_INITIALIZED);
        }
    });
}

#[test]
fn it_does_not_mix_with_a_verification_that_learns_the_signature_last() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let (mechanism, public, signature) = ml_dsa(session);
        session.verify_signature_init(&mechanism, public, &signature).unwrap();
        session.verify_update(b"message").refused(CKR_OPERATION_NOT_INITIALIZED);
        session.verify_final(&signature).refused(CKR_OPERATION_NOT_INITIALIZED);
        session.verify_signature_rest(b"message").unwrap();
        session.verify_init(&mechanism, public).unwrap();
        session.verify_signature_update(b"message").refused(CKR_OPERATION_NOT_INITIALIZED);
        session.verify_rest(b"message", &signature).unwrap();
    });
}

#[test]
fn what_cannot_begin_leaves_nothing_begun() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let (mechanism, public, signature) = ml_dsa(session);
        let at = signature.as_ptr().cast_mut();
        let null = std::ptr::null_mut();
        let begin = |key, at, length| {
            answer(raw_3_2!(C_VerifySignatureInit(session.0, mechanism.as_ptr(), key, at, length)))
        };
        begin(public, null, 5).refused(CKR_ARGUMENTS_BAD);
        begin(public, at, CK_ULONG::MAX).refused(CKR_ARGUMENTS_BAD);
        begin(12345, at, 5).refused(CKR_KEY_HANDLE_INVALID);
        session.set(public, &template![CKA_VERIFY => false]).unwrap();
        begin(public, at, signature.len() as CK_ULONG).refused(CKR_KEY_FUNCTION_NOT_PERMITTED);
        session.set(public, &template![CKA_VERIFY => true]).unwrap();
        let hashing = Mechanism::plain(CKM_SHA256);
        session.verify_signature_init(&hashing, public, &signature).refused(CKR_MECHANISM_INVALID);
        session.verify_signature_final().refused(CKR_OPERATION_NOT_INITIALIZED);
        // No signature at all is one of a wrong length.
        begin(public, null, 0).unwrap();
        session.verify_signature_rest(b"message").refused(CKR_SIGNATURE_LEN_RANGE);
        // Data that is not there ends it, as every error of a step does.
        begin(public, at, signature.len() as CK_ULONG).unwrap();
        answer(raw_3_2!(C_VerifySignature(session.0, null, 5))).refused(CKR_ARGUMENTS_BAD);
        session.verify_signature_final().refused(CKR_OPERATION_NOT_INITIALIZED);
    });
}
