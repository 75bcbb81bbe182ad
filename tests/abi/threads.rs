//! Threads: each with sessions of its own, none in the way of another.

use crate::common::*;
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};

const THREADS: usize = 16;
const ROUNDS: usize = 12;

/// One round of mixed work in a thread's own session; no call may fail.
fn work(token: &Token, thread: usize, round: usize) -> Answer<()> {
    let session = module().open(token.slot, CKF_RW_SESSION)?;
    let label = format!("{thread}/{round}");
    let data = vec![thread as u8; 100 + round];
    let cbc = Mechanism::bytes(CKM_AES_CBC_PAD, &[round as u8; 16]);
    let stored = keys::aes_template(32).and(&template![
        CKA_TOKEN => round.is_multiple_of(3), CKA_LABEL => label.as_str(),
    ]);
    let key = session.generate(&Mechanism::plain(CKM_AES_KEY_GEN), &stored)?;
    let encrypted = session.encrypt(&cbc, key, &data)?;
    assert_eq!(session.decrypt(&cbc, key, &encrypted)?, data, "{label}");
    let (public, private) = session.generate_pair(
        &Mechanism::plain(CKM_EC_KEY_PAIR_GEN),
        &keys::public_template().and(&template![CKA_EC_PARAMS => keys::P256]),
        &keys::private_template(),
    )?;
    let ecdsa = Mechanism::plain(CKM_ECDSA_SHA256);
    let signature = session.sign(&ecdsa, private, &data)?;
    session.verify(&ecdsa, public, &data, &signature)?;
    assert_eq!(session.find(&template![CKA_LABEL => label.as_str()])?, [key], "{label}");
    session.digest(&Mechanism::plain(CKM_SHA256), &data)?;
    session.random(32)?;
    session.set(key, &template![CKA_ID => label.as_bytes()])?;
    assert_eq!(session.get(key, CKA_ID)?, label.as_bytes());
    module().token_info(token.slot)?;
    if round.is_multiple_of(2) {
        session.destroy(key)?;
    }
    session.close()
}

#[test]
fn sixteen_threads_do_mixed_work_without_an_error() {
    isolated(|_| {
        let token = Token::new();
        let _logged_in = token.user();
        std::thread::scope(|scope| {
            for thread in 0..THREADS {
                let token = &token;
                scope.spawn(move || {
                    for round in 0..ROUNDS {
                        if let Err(rv) = work(token, thread, round) {
                            panic!("thread {thread}, round {round}: {rv:?}");
                        }
                    }
                });
            }
        });
        let kept = (0..ROUNDS).filter(|round| round % 3 == 0 && round % 2 == 1).count();
        let session = token.public();
        assert_eq!(session.find(&template![]).unwrap().len(), THREADS * kept);
    });
}

#[test]
fn threads_take_turns_in_one_session() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let key = keys::aes(session, template![]);
        let cbc = Mechanism::bytes(CKM_AES_CBC_PAD, &[1; 16]);
        let expected = session.encrypt(&cbc, key, b"data").unwrap();
        let done = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..50 {
                        // Others may be between Init and C_Encrypt: then it is refused, and nothing else.
                        match session.encrypt(&cbc, key, b"data") {
                            Ok(encrypted) => {
                                assert_eq!(encrypted, expected);
                                done.fetch_add(1, Ordering::Relaxed);
                            }
                            refused => refused
                                .refused_by_one_of(&[CKR_OPERATION_ACTIVE, CKR_OPERATION_NOT_INITIALIZED]),
                        }
                    }
                });
            }
        });
        assert!(done.into_inner() > 0);
    });
}

#[test]
fn a_key_destroyed_by_one_thread_fails_cleanly_in_others() {
    isolated(|_| {
        let token = Token::new();
        let main = token.user();
        let cbc = Mechanism::bytes(CKM_AES_CBC_PAD, &[1; 16]);
        for stored in [false, true] {
            for _ in 0..20 {
                let key = keys::aes(main, template![CKA_TOKEN => stored]);
                let start = Barrier::new(4);
                std::thread::scope(|scope| {
                    for _ in 0..3 {
                        scope.spawn(|| {
                            let session = token.public();
                            start.wait();
                            loop {
                                match session.encrypt(&cbc, key, b"data") {
                                    Ok(encrypted) => assert_eq!(encrypted.len(), 16),
                                    refused => break refused.refused(CKR_KEY_HANDLE_INVALID),
                                }
                            }
                            session.close().unwrap();
                        });
                    }
                    start.wait();
                    main.destroy(key).unwrap();
                });
            }
        }
    });
}

#[test]
fn finalize_while_threads_work_ends_them_cleanly() {
    isolated(|_| {
        let token = Token::new();
        for era in 0..10 {
            let _logged_in = token.user();
            let start = Barrier::new(9);
            std::thread::scope(|scope| {
                for thread in 0..8 {
                    let (token, start) = (&token, &start);
                    scope.spawn(move || {
                        start.wait();
                        let refusal = (0..).find_map(|round| {
                            // Labels of its own: what an earlier era could not destroy is still there.
                            work(token, thread, era * 1000 + round * 2).err()
                        });
                        // The session is gone, or the library, or (in between) the login.
                        Err::<(), _>(refusal.unwrap()).refused_by_one_of(&[
                            CKR_CRYPTOKI_NOT_INITIALIZED,
                            CKR_SESSION_HANDLE_INVALID,
                            CKR_SESSION_CLOSED,
                        ]);
                    });
                }
                start.wait();
                module().finalize().unwrap();
            });
            module().initialize().unwrap();
        }
    });
}

#[test]
fn threads_log_in_and_out_without_confusion() {
    isolated(|_| {
        let token = Token::new();
        let _open = token.public();
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..20 {
                        let session = token.public();
                        let login = session.login(CKU_USER, USER_PIN);
                        if login.is_err() {
                            login.refused(CKR_USER_ALREADY_LOGGED_IN);
                        }
                        let logout = session.logout();
                        if logout.is_err() {
                            logout.refused(CKR_USER_NOT_LOGGED_IN);
                        }
                        session.close().unwrap();
                    }
                });
            }
        });
        let flags = token.info().flags;
        assert_eq!(flags & (CKF_USER_PIN_COUNT_LOW | CKF_USER_PIN_LOCKED), 0);
        assert_eq!(token.public().info().unwrap().state, CKS_RW_PUBLIC_SESSION);
    });
}

/// Runs `beside` in a thread and `here` in this one, both at the same moment.
fn at_once<T: Send>(beside: impl FnOnce() -> T + Send, here: impl FnOnce()) -> T {
    let start = Barrier::new(2);
    std::thread::scope(|scope| {
        let beside = scope.spawn(|| {
            start.wait();
            beside()
        });
        start.wait();
        here();
        beside.join().unwrap()
    })
}

#[test]
fn no_work_with_a_private_key_begun_at_the_moment_of_a_logout_survives_it() {
    isolated(|_| {
        let token = Token::new();
        let main = token.user();
        keys::aes(main, template![CKA_TOKEN => true]);
        main.logout().unwrap();
        let sessions: Vec<Session> = (0..32).map(|_| token.public()).collect();
        let cbc = Mechanism::bytes(CKM_AES_CBC, &[1; 16]);
        for round in 0..200 {
            main.login(CKU_USER, USER_PIN).unwrap();
            let stored = main.find(&template![CKA_TOKEN => true]).unwrap()[0];
            let key = if round % 2 == 0 { stored } else { keys::aes(main, template![]) };
            let begin = || {
                for session in &sessions {
                    let begun = session.encrypt_init(&cbc, key);
                    if begun.is_err() {
                        begun.refused_by_one_of(&[CKR_KEY_HANDLE_INVALID, CKR_USER_NOT_LOGGED_IN]);
                    }
                }
            };
            at_once(begin, || main.logout().unwrap());
            for session in &sessions {
                session.encrypt_rest(&[0; 16]).refused(CKR_OPERATION_NOT_INITIALIZED);
            }
        }
    });
}

#[test]
fn no_private_object_made_at_the_moment_of_a_logout_is_there_after_it() {
    isolated(|_| {
        let token = Token::new();
        let (main, session) = (token.public(), token.public());
        let generate = Mechanism::plain(CKM_AES_KEY_GEN);
        for _ in 0..200 {
            main.login(CKU_USER, USER_PIN).unwrap();
            let made =
                at_once(|| session.generate(&generate, &keys::aes_template(32)), || main.logout().unwrap());
            match made {
                Ok(key) => session.get(key, CKA_CLASS).refused(CKR_OBJECT_HANDLE_INVALID),
                refused => refused.refused(CKR_USER_NOT_LOGGED_IN),
            }
            assert!(session.find(&template![]).unwrap().is_empty());
        }
    });
}

#[test]
fn nobody_is_logged_in_once_all_sessions_are_closed() {
    isolated(|_| {
        let token = Token::new();
        for round in 0..200 {
            let session = token.public();
            let close = || match round % 2 {
                0 => session.close().unwrap(),
                _ => assert_eq!(raw!(C_CloseAllSessions(token.slot)), CKR_OK),
            };
            let login = at_once(|| session.login(CKU_USER, USER_PIN), close);
            if login.is_err() {
                login.refused_by_one_of(&[CKR_SESSION_HANDLE_INVALID, CKR_SESSION_CLOSED]);
            }
            let next = token.public();
            assert_eq!(next.info().unwrap().state, CKS_RW_PUBLIC_SESSION, "round {round}");
            next.close().unwrap();
        }
    });
}

#[test]
fn changes_that_cross_are_all_kept() {
    isolated(|_| {
        let token = Token::new();
        let (main, other) = (token.user(), token.public());
        for round in 0..200 {
            let open = template![CKA_SENSITIVE => false, CKA_EXTRACTABLE => true];
            let key = keys::aes(main, open);
            let relabel = || {
                for number in 0..20 {
                    other.set(key, &template![CKA_LABEL => format!("label {number}")]).unwrap();
                }
            };
            at_once(relabel, || {
                main.set(key, &template![CKA_SENSITIVE => true]).unwrap();
                main.set(key, &template![CKA_EXTRACTABLE => false]).unwrap();
            });
            assert!(main.get_bool(key, CKA_SENSITIVE).unwrap(), "round {round}");
            assert!(!main.get_bool(key, CKA_EXTRACTABLE).unwrap(), "round {round}");
            assert_eq!(main.get(key, CKA_LABEL).unwrap(), b"label 19", "round {round}");
            main.destroy(key).unwrap();
        }
    });
}
