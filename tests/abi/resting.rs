//! What rests in a session after an operation: it is begun again only where a first beginning would be granted, and hands nothing on to
//! the next operation.

use crate::common::*;
use crate::fork::fork;
use crate::processes::Other;
use std::io::Write;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};

const DATA: &[u8] = b"thirty-two bytes, two AES blocks";

fn cmac() -> Mechanism {
    Mechanism::plain(CKM_AES_CMAC)
}

fn sha() -> Mechanism {
    Mechanism::plain(CKM_SHA256)
}

fn cbc_pad() -> Mechanism {
    Mechanism::bytes(CKM_AES_CBC_PAD, &[4; 16])
}

fn gcm() -> Mechanism {
    Mechanism::gcm(&[1; 12], b"")
}

fn stored(session: Session, changes: Template) -> Handle {
    let value: Vec<u8> = (0..32).collect();
    let uses = template![CKA_TOKEN => true, CKA_ENCRYPT => true, CKA_DECRYPT => true, CKA_SIGN => true, CKA_VERIFY => true];
    keys::secret(session, CKK_AES, &value, uses.and(&changes))
}

/// Has an operation of each kind rest in the session.
fn use_in_all_ways(session: Session, key: Handle) {
    for _ in 0..2 {
        let mac = session.sign(&cmac(), key, DATA).unwrap();
        session.verify(&cmac(), key, DATA, &mac).unwrap();
        session.verify_signature_init(&cmac(), key, &mac).unwrap();
        session.verify_signature_rest(DATA).unwrap();
        let sealed = session.encrypt(&gcm(), key, DATA).unwrap();
        assert_eq!(session.decrypt(&gcm(), key, &sealed).unwrap(), DATA);
        session.digest(&sha(), DATA).unwrap();
    }
}

/// How each kind of operation with the key begins.
fn beginnings(session: Session, key: Handle) -> [Answer<()>; 5] {
    let answers = [
        session.sign_init(&cmac(), key),
        session.verify_init(&cmac(), key),
        session.verify_signature_init(&cmac(), key, &[0; 16]),
        session.encrypt_init(&gcm(), key),
        session.decrypt_init(&gcm(), key),
    ];
    session.cancel(CKF_SIGN | CKF_VERIFY | CKF_ENCRYPT | CKF_DECRYPT).unwrap();
    answers
}

/// Whether all that rests begins as it does in a session where nothing rests, and how.
#[track_caller]
fn begins_as_in_a_new_session(token: &Token, session: Session, key: Handle) -> bool {
    let here = beginnings(session, key);
    let new = token.public();
    assert_eq!(here, beginnings(new, key));
    new.close().unwrap();
    here.iter().all(Result::is_ok)
}

#[test]
fn whoever_logs_in_or_out_what_rests_begins_as_in_a_new_session() {
    isolated(|_| {
        for private in [true, false] {
            let token = Token::new();
            let session = token.user();
            let key = stored(session, template![CKA_PRIVATE => private]);
            use_in_all_ways(session, key);
            assert!(begins_as_in_a_new_session(&token, session, key));
            use_in_all_ways(session, key);
            session.logout().unwrap();
            begins_as_in_a_new_session(&token, session, key);
            session.login(CKU_SO, SO_PIN).unwrap();
            assert!(!begins_as_in_a_new_session(&token, session, key), "officers use no keys");
            session.logout().unwrap();
            session.login(CKU_USER, USER_PIN).unwrap();
            assert_eq!(begins_as_in_a_new_session(&token, session, key), !private);
            module().finalize().unwrap();
        }
    });
}

#[test]
fn a_new_pin_of_ones_own_leaves_what_rests_as_good_as_a_new_beginning() {
    isolated(|_| {
        let token = Token::new();
        let (session, other) = (token.user(), token.public());
        let key = stored(session, template![]);
        use_in_all_ways(session, key);
        other.set_pin(USER_PIN, "another-pin-1").unwrap();
        assert!(begins_as_in_a_new_session(&token, session, key));
    });
}

#[test]
fn when_another_process_changes_the_pin_what_rests_is_over_and_own_changes_do_not_bring_it_back() {
    isolated(|process| {
        if process.part().is_some() {
            let session = Token::join().user();
            for _line in std::io::stdin().lines() {
                session.set_pin(USER_PIN, "another-pin-1").unwrap();
                process.say("done");
            }
            return;
        }
        let token = Token::shared();
        let session = token.user();
        let key = stored(session, template![]);
        let mut other = Other::start(process, "obey", "");
        // Changes of objects of one's own leave the login as it is, before the PIN changes and not after.
        use_in_all_ways(session, key);
        session.create(&keys::data_template("one")).unwrap();
        use_in_all_ways(session, key);
        other.tell("change");
        other.done();
        let found = session.find(&template![CKA_CLASS => CKO_SECRET_KEY]);
        found.refused(CKR_USER_NOT_LOGGED_IN);
        assert!(!begins_as_in_a_new_session(&token, session, key));
        let private = keys::data_template("two").and(&template![CKA_PRIVATE => true]);
        session.create(&private).refused(CKR_USER_NOT_LOGGED_IN);
        assert!(!begins_as_in_a_new_session(&token, session, key));
    });
}

#[test]
fn a_key_that_is_made_again_just_so_has_another_handle_and_the_old_one_begins_nothing() {
    isolated(|_| {
        let token = Token::new();
        let (session, other) = (token.user(), token.public());
        for _ in 0..3 {
            let key = stored(session, template![CKA_ID => "same"]);
            use_in_all_ways(session, key);
            other.destroy(key).unwrap();
            let again = stored(other, template![CKA_ID => "same"]);
            assert_ne!(again, key);
            assert!(!begins_as_in_a_new_session(&token, session, key));
            other.destroy(again).unwrap();
        }
    });
}

#[test]
fn what_rests_for_one_purpose_begins_no_other() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let key = stored(session, template![CKA_DECRYPT => false, CKA_VERIFY => false]);
        for _ in 0..3 {
            let mac = session.sign(&cmac(), key, DATA).unwrap();
            session.encrypt(&gcm(), key, DATA).unwrap();
            session.verify_init(&cmac(), key).refused(CKR_KEY_FUNCTION_NOT_PERMITTED);
            session.verify_signature_init(&cmac(), key, &mac).refused(CKR_KEY_FUNCTION_NOT_PERMITTED);
            session.decrypt_init(&gcm(), key).refused(CKR_KEY_FUNCTION_NOT_PERMITTED);
            session.sign_init(&gcm(), key).refused(CKR_MECHANISM_INVALID);
            session.encrypt_init(&cmac(), key).refused(CKR_MECHANISM_INVALID);
        }
    });
}

/// Ways to leave an operation, of each kind, other than to its end.
const LEAVINGS: [fn(Session, Handle); 7] = [
    |session, key| {
        begin_all(session, key);
        // Once what is in progress, once what isn't.
        for _ in 0..2 {
            for function in ["C_EncryptInit", "C_DecryptInit", "C_SignInit", "C_VerifyInit"] {
                type Init = unsafe extern "C" fn(CK_SESSION_HANDLE, *const CK_MECHANISM, Handle) -> CK_RV;
                let init: Init = unsafe { std::mem::transmute(module().symbol(function).unwrap()) };
                assert_eq!(unsafe { init(session.0, std::ptr::null(), key) }, CKR_OK);
            }
            assert_eq!(raw!(C_DigestInit(session.0, std::ptr::null_mut())), CKR_OK);
        }
    },
    |session, key| {
        begin_all(session, key);
        session.cancel(CKF_SIGN | CKF_VERIFY | CKF_ENCRYPT | CKF_DECRYPT | CKF_DIGEST).unwrap();
    },
    // No data at all, and a last step.
    |session, key| {
        begin_all(session, key);
        session.sign_final().unwrap();
        session.digest_final().unwrap();
        session.encrypt_final().unwrap();
        session.verify_final(&[1; 16]).refused(CKR_SIGNATURE_INVALID);
        session.decrypt_final().refused(CKR_ENCRYPTED_DATA_LEN_RANGE);
    },
    // In parts, and given up.
    |session, key| {
        begin_all(session, key);
        session.sign_update(b"x").unwrap();
        session.verify_update(b"x").unwrap();
        session.digest_update(b"x").unwrap();
        session.encrypt_update(&[7; 21]).unwrap();
        session.decrypt_update(&[7; 21]).unwrap();
        session.cancel(CKF_SIGN | CKF_VERIFY | CKF_ENCRYPT | CKF_DECRYPT | CKF_DIGEST).unwrap();
    },
    // Two at once.
    |session, key| {
        session.encrypt_init(&cbc_pad(), key).unwrap();
        session.digest_init(&sha()).unwrap();
        session.digest_encrypt_update(b"some data").unwrap();
        session.digest_final().unwrap();
        session.sign_init(&cmac(), key).unwrap();
        session.sign_encrypt_update(b"some data").unwrap();
        session.sign_final().unwrap();
        session.encrypt_final().unwrap();
    },
    // Buffers that are too small, before one that is not.
    |session, key| {
        let sealed = session.encrypt(&cbc_pad(), key, b"five!").unwrap();
        session.decrypt_init(&cbc_pad(), key).unwrap();
        session.sign_init(&cmac(), key).unwrap();
        let (mut short, mut length) = ([0; 2], 2);
        let (at, size) = (sealed.as_ptr().cast_mut(), sealed.len() as CK_ULONG);
        let mut decrypt =
            |length: &mut CK_ULONG| raw!(C_Decrypt(session.0, at, size, short.as_mut_ptr(), length));
        assert_eq!(decrypt(&mut length), CKR_BUFFER_TOO_SMALL);
        session.decrypt_init(&cbc_pad(), key).refused(CKR_OPERATION_ACTIVE);
        assert_eq!(session.decrypt_rest(&sealed).unwrap(), b"five!");
        let (at, size) = (DATA.as_ptr().cast_mut(), DATA.len() as CK_ULONG);
        let mut length = 2;
        assert_eq!(raw!(C_Sign(session.0, at, size, short.as_mut_ptr(), &mut length)), CKR_BUFFER_TOO_SMALL);
        session.sign_rest(b"other data").unwrap();
    },
    // A digest put aside and brought back ends all else, and what rests with it.
    |session, key| {
        session.digest(&sha(), b"other data").unwrap();
        session.operation_state().refused(CKR_OPERATION_NOT_INITIALIZED);
        session.digest_init(&sha()).unwrap();
        let state = session.operation_state().unwrap();
        session.digest_update(b"more").unwrap();
        session.restore(&state).unwrap();
        assert_eq!(session.digest_rest(DATA).unwrap(), session.digest(&sha(), DATA).unwrap());
        session.sign_init(&cmac(), key).unwrap();
        session.digest_init(&sha()).unwrap();
        session.restore(&state).unwrap();
        session.sign_rest(DATA).refused(CKR_OPERATION_NOT_INITIALIZED);
        session.digest_update(b"m").unwrap();
        session.digest_final().unwrap();
    },
];

fn begin_all(session: Session, key: Handle) {
    session.sign_init(&cmac(), key).unwrap();
    session.verify_init(&cmac(), key).unwrap();
    session.encrypt_init(&gcm(), key).unwrap();
    session.decrypt_init(&gcm(), key).unwrap();
    session.digest_init(&sha()).unwrap();
}

#[test]
fn however_an_operation_was_left_the_next_one_knows_nothing_of_it() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let key = stored(session, template![]);
        let results = |session: Session| {
            let sealed = session.encrypt(&gcm(), key, DATA).unwrap();
            let padded = session.encrypt(&cbc_pad(), key, DATA).unwrap();
            assert_eq!(session.decrypt(&gcm(), key, &sealed).unwrap(), DATA);
            assert_eq!(session.decrypt(&cbc_pad(), key, &padded).unwrap(), DATA);
            let mac = session.sign(&cmac(), key, DATA).unwrap();
            session.verify(&cmac(), key, DATA, &mac).unwrap();
            [sealed, padded, mac, session.digest(&sha(), DATA).unwrap()]
        };
        let expected = results(session);
        for (at, leave) in LEAVINGS.into_iter().enumerate() {
            for _ in 0..2 {
                leave(session, key);
                session.sign_rest(DATA).refused(CKR_OPERATION_NOT_INITIALIZED);
                session.digest_rest(DATA).refused(CKR_OPERATION_NOT_INITIALIZED);
                session.encrypt_rest(DATA).refused(CKR_OPERATION_NOT_INITIALIZED);
                session.decrypt_rest(DATA).refused(CKR_OPERATION_NOT_INITIALIZED);
                assert_eq!(results(session), expected, "leaving {at}");
            }
        }
    });
}

#[test]
fn a_mac_is_as_long_as_its_own_beginning_says() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let key = stored(session, template![]);
        let general = |length| Mechanism::mac_length(CKM_AES_CMAC_GENERAL, length);
        let whole = session.sign(&cmac(), key, DATA).unwrap();
        for length in [16, 4, 4, 12, 16, 1] {
            assert_eq!(session.sign(&general(length), key, DATA).unwrap(), whole[..length as usize]);
            session.verify(&general(length), key, DATA, &whole[..length as usize]).unwrap();
            session.verify(&general(length), key, DATA, &whole[..length as usize]).unwrap();
            session.verify(&general(8), key, DATA, &whole[..4]).refused(CKR_SIGNATURE_LEN_RANGE);
            session.sign_init(&general(0), key).refused(CKR_MECHANISM_PARAM_INVALID);
            session.sign_init(&general(17), key).refused(CKR_MECHANISM_PARAM_INVALID);
            session.sign_rest(DATA).refused(CKR_OPERATION_NOT_INITIALIZED);
        }
    });
}

#[test]
fn a_session_remembered_from_before_a_fork_is_none_of_the_child_and_still_the_parents() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let key = stored(session, template![]);
        use_in_all_ways(session, key);
        let slot = token.slot;
        let child = fork(|wire| {
            session.sign_init(&cmac(), key).refused(CKR_CRYPTOKI_NOT_INITIALIZED);
            module().initialize().unwrap();
            session.sign_init(&cmac(), key).refused(CKR_SESSION_HANDLE_INVALID);
            let own = module().open(slot, CKF_RW_SESSION).unwrap();
            assert_ne!(own, session);
            own.sign_init(&cmac(), key).refused(CKR_KEY_HANDLE_INVALID);
            own.login(CKU_USER, USER_PIN).unwrap();
            let found = own.find(&template![CKA_CLASS => CKO_SECRET_KEY]).unwrap();
            use_in_all_ways(own, found[0]);
            own.destroy(found[0]).unwrap();
            own.sign_init(&cmac(), found[0]).refused(CKR_KEY_HANDLE_INVALID);
            // More threads than the child has seats, and an end.
            let ready = Barrier::new(41);
            std::thread::scope(|scope| {
                for _ in 0..40 {
                    scope.spawn(|| {
                        own.random(1).unwrap();
                        ready.wait();
                    });
                }
                ready.wait();
            });
            module().finalize().unwrap();
            wire.write_all(b"x").unwrap();
        });
        assert_eq!(child.ends_well(), b"x");
        session.find(&template![CKA_CLASS => CKO_SECRET_KEY]).unwrap();
        session.sign_init(&cmac(), key).refused(CKR_KEY_HANDLE_INVALID);
    });
}

#[test]
fn what_threads_remember_ends_with_the_library_however_many_there_are() {
    isolated(|_| {
        const THREADS: usize = 40;
        let token = Token::new();
        let step = Barrier::new(THREADS + 1);
        let session = token.user();
        let key = stored(session, template![]);
        let sessions: Vec<Session> = (0..THREADS).map(|_| token.public()).collect();
        std::thread::scope(|scope| {
            for own in sessions {
                let step = &step;
                scope.spawn(move || {
                    own.sign(&cmac(), key, DATA).unwrap();
                    own.sign(&cmac(), key, DATA).unwrap();
                    step.wait();
                    step.wait();
                    own.sign_init(&cmac(), key).refused(CKR_CRYPTOKI_NOT_INITIALIZED);
                    step.wait();
                    step.wait();
                    own.sign_init(&cmac(), key).refused(CKR_SESSION_HANDLE_INVALID);
                });
            }
            step.wait();
            module().finalize().unwrap();
            step.wait();
            step.wait();
            module().initialize().unwrap();
            token.user();
            step.wait();
        });
    });
}

#[test]
fn who_begins_after_a_change_was_answered_feels_it_in_the_midst_of_work() {
    type Change = fn(Session, Handle);
    let changes: [Change; 3] = [
        |session, key| session.destroy(key).unwrap(),
        |session, key| session.set(key, &template![CKA_SIGN => false]).unwrap(),
        |session, _| session.logout().unwrap(),
    ];
    isolated(|_| {
        let token = Token::new();
        let other = token.user();
        for round in 0..60 {
            let change = changes[round % changes.len()];
            let key = stored(other, template![]);
            let (ready, done) = (Barrier::new(4), AtomicBool::new(false));
            std::thread::scope(|scope| {
                for _ in 0..3 {
                    scope.spawn(|| {
                        let own = token.public();
                        own.sign(&cmac(), key, DATA).unwrap();
                        ready.wait();
                        loop {
                            let is_done = done.load(Ordering::SeqCst);
                            let begun = own.sign_init(&cmac(), key);
                            if is_done {
                                assert!(begun.is_err(), "round {round}");
                                break;
                            }
                            // A logout takes what has begun with it.
                            if begun.is_ok() {
                                let _ = own.sign_rest(DATA);
                            }
                        }
                        own.close().unwrap();
                    });
                }
                ready.wait();
                change(other, key);
                done.store(true, Ordering::SeqCst);
            });
            let _ = other.login(CKU_USER, USER_PIN);
        }
    });
}

#[test]
fn where_the_token_chooses_initialisation_vectors_none_rests() {
    isolated(|_| {
        let token = Token::new_in(Folder::with_token("gcm_iv = \"token\""));
        let session = token.user();
        let key = stored(session, template![]);
        let mut seen = std::collections::HashSet::new();
        let mut place = [0; 12];
        let given = Mechanism::structure(CKM_AES_GCM, [], |[]| CK_GCM_PARAMS {
            pIv: place.as_mut_ptr(),
            ulIvLen: place.len() as CK_ULONG,
            ulTagBits: 128,
            ..Default::default()
        });
        for round in 0..8 {
            // Room for the vector is what the caller gives: what is in it, now the one before, counts for nothing.
            assert!(seen.insert(session.encrypt(&given, key, DATA).unwrap()), "the same again");
            if round < 4 {
                continue;
            }
            let sixteen = Mechanism::gcm(&[1; 16], b"");
            session.encrypt_init(&sixteen, key).refused(CKR_MECHANISM_PARAM_INVALID);
            session.encrypt_rest(DATA).refused(CKR_OPERATION_NOT_INITIALIZED);
        }
    });
}
