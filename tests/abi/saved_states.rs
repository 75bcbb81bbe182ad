//! The state of a digest can be put aside and taken up again; of nothing else, and nobody makes one up.

use crate::common::cases::input;
use crate::common::*;

const DIGESTS: [CK_MECHANISM_TYPE; 5] = [CKM_SHA_1, CKM_SHA256, CKM_SHA512, CKM_SHA512_224, CKM_SHA3_384];

#[test]
fn a_digest_goes_on_from_where_it_was_saved_in_any_session_as_often_as_wanted() {
    isolated(|_| {
        let token = Token::new();
        let (one, other) = (token.public(), token.public());
        for id in DIGESTS {
            let mechanism = Mechanism::plain(id);
            let data = input(100_000);
            let expected = one.digest(&mechanism, &data).unwrap();
            one.digest_init(&mechanism).unwrap();
            one.digest_update(&data[..70_001]).unwrap();
            let state = one.operation_state().unwrap();
            one.digest_update(b"something else").unwrap();
            for session in [one, other, one] {
                session.restore(&state).unwrap();
                session.digest_rest(b"x").refused(CKR_OPERATION_ACTIVE);
                session.restore(&state).unwrap();
                session.digest_update(&data[70_001..]).unwrap();
                assert_eq!(session.digest_final().unwrap(), expected, "{id:#x}");
            }
        }
    });
}

#[test]
fn a_state_that_was_not_saved_here_is_invalid() {
    isolated(|_| {
        let token = Token::new();
        let session = token.public();
        session.digest_init(&Mechanism::plain(CKM_SHA256)).unwrap();
        let state = session.operation_state().unwrap();
        for bit in 0..state.len() * 8 {
            let mut altered = state.clone();
            altered[bit / 8] ^= 1 << (bit % 8);
            session.restore(&altered).refused(CKR_SAVED_STATE_INVALID);
        }
        for wrong in [&state[..16], &state[..1], &[], &[&state[..], &[0]].concat(), &[0; 1000]] {
            session.restore(wrong).refused(CKR_SAVED_STATE_INVALID);
        }
        assert_eq!(session.digest_rest(b"abc").unwrap()[..2], [0xba, 0x78], "the digest in progress stays");
        let (at, length) = (state.as_ptr().cast_mut(), state.len() as CK_ULONG);
        for (one, other) in [(1, 0), (0, 1)] {
            let rv = raw!(C_SetOperationState(session.0, at, length, one, other));
            answer(rv).refused(CKR_KEY_NOT_NEEDED);
        }
        let mut length = 3;
        let mut small = [0; 3];
        session.restore(&state).unwrap();
        answer(raw!(C_GetOperationState(session.0, small.as_mut_ptr(), &mut length)))
            .refused(CKR_BUFFER_TOO_SMALL);
        assert_eq!(length, state.len() as CK_ULONG);
        let null = std::ptr::null_mut();
        answer(raw!(C_GetOperationState(session.0, null, null.cast()))).refused(CKR_ARGUMENTS_BAD);
        answer(raw!(C_SetOperationState(session.0, null, 17, 0, 0))).refused(CKR_ARGUMENTS_BAD);
    });
}

#[test]
fn states_do_not_outlive_the_library_and_the_oldest_give_way() {
    isolated(|_| {
        let token = Token::new();
        let session = token.public();
        session.digest_init(&Mechanism::plain(CKM_SHA256)).unwrap();
        let first = session.operation_state().unwrap();
        session.restore(&first).unwrap();
        let mut last = first.clone();
        for _ in 0..1024 {
            last = session.operation_state().unwrap();
        }
        session.restore(&first).refused(CKR_SAVED_STATE_INVALID);
        session.restore(&last).unwrap();
        module().finalize().unwrap();
        module().initialize().unwrap();
        token.public().restore(&last).refused(CKR_SAVED_STATE_INVALID);
    });
}

#[test]
fn restoring_ends_whatever_is_going_on() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        session.digest_init(&Mechanism::plain(CKM_SHA256)).unwrap();
        let state = session.operation_state().unwrap();
        session.digest_final().unwrap();
        session
            .encrypt_init(&Mechanism::bytes(CKM_AES_CBC, &[4; 16]), keys::aes(session, template![]))
            .unwrap();
        session.find_init(&template![]).unwrap();
        session.restore(&state).unwrap();
        session.encrypt_final().refused(CKR_OPERATION_NOT_INITIALIZED);
        session.find_next(1).refused(CKR_OPERATION_NOT_INITIALIZED);
        session.digest_final().unwrap();
    });
}

#[test]
fn what_works_with_a_key_cannot_be_saved() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        session.operation_state().refused(CKR_OPERATION_NOT_INITIALIZED);
        let (aes, gcm) = (keys::aes(session, template![]), Mechanism::plain(CKM_AES_GCM));
        session.encrypt_init(&Mechanism::bytes(CKM_AES_CBC, &[4; 16]), aes).unwrap();
        session.operation_state().refused(CKR_STATE_UNSAVEABLE);
        session.digest_init(&Mechanism::plain(CKM_SHA256)).unwrap();
        session.operation_state().refused(CKR_STATE_UNSAVEABLE);
        session.cancel(CKF_ENCRYPT).unwrap();
        session.operation_state().unwrap();
        session.message_encrypt_init(&gcm, aes).unwrap();
        session.operation_state().refused(CKR_STATE_UNSAVEABLE);
    });
}

#[test]
fn nothing_is_asynchronous_and_nothing_is_validated() {
    isolated(|_| {
        let token = Token::new();
        let slot = token.slot;
        module().open(slot, CKF_ASYNC_SESSION).map(|_| ()).refused(CKR_SESSION_ASYNC_NOT_SUPPORTED);
        assert_eq!(module().token_info(slot).unwrap().flags & CKF_ASYNC_SESSION_SUPPORTED, 0);
        let session = token.public();
        let name = c"C_SignFinal".as_ptr().cast_mut().cast();
        let null: *mut u8 = std::ptr::null_mut();
        let mut id = 0;
        answer(raw_3_2!(C_AsyncComplete(session.0, name, null.cast())))
            .refused(CKR_OPERATION_NOT_INITIALIZED);
        answer(raw_3_2!(C_AsyncGetID(session.0, name, &mut id))).refused(CKR_OPERATION_NOT_INITIALIZED);
        answer(raw_3_2!(C_AsyncJoin(session.0, name, 7, null, 0))).refused(CKR_SAVED_STATE_INVALID);
        answer(raw_3_2!(C_AsyncGetID(session.0, name, null.cast()))).refused(CKR_ARGUMENTS_BAD);
        let mut flags = CK_FLAGS::MAX;
        let ask = |kind, at| answer(raw_3_2!(C_GetSessionValidationFlags(session.0, kind, at)));
        ask(CKS_LAST_VALIDATION_OK, &raw mut flags).unwrap();
        assert_eq!(flags, 0);
        ask(CKS_LAST_VALIDATION_OK, null.cast()).refused(CKR_ARGUMENTS_BAD);
        ask(99, &raw mut flags).refused(CKR_ARGUMENTS_BAD);
    });
}
