//! The session that a thread used last is found again without a look at the library: no end, close, fork or signal is missed for it.

use crate::common::*;
use crate::fork::fork;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

const THREADS: usize = 4;

fn sha() -> Mechanism {
    Mechanism::plain(CKM_SHA256)
}

/// What a thread does that lives on one session: calls of one kind after another, until one is refused.
fn until_refused(session: Session, key: Handle) -> Answer<()> {
    let (gcm, data) = (Mechanism::gcm(&[1; 12], b""), [7; 64]);
    let encrypted = session.encrypt(&gcm, key, &data)?;
    let (generation, template) = (Mechanism::plain(CKM_AES_KEY_GEN), keys::aes_template(32));
    loop {
        let new = session.generate(&generation, &template)?;
        session.random(16)?;
        session.destroy(new)?;
        assert_eq!(session.encrypt(&gcm, key, &data)?, encrypted);
        assert_eq!(session.digest(&sha(), &data)?, openssl::sha::sha256(&data));
    }
}

#[test]
fn finalize_ends_threads_that_live_on_one_session_and_no_later_library_answers_it() {
    isolated(|_| {
        let token = Token::new();
        for _ in 0..20 {
            let main = token.user();
            let all = Barrier::new(THREADS + 1);
            std::thread::scope(|scope| {
                for _ in 0..THREADS {
                    scope.spawn(|| {
                        let session = token.public();
                        let key = keys::aes(session, template![]);
                        session.digest(&sha(), b"now it is the last").unwrap();
                        all.wait();
                        until_refused(session, key)
                            .refused_by_one_of(&[CKR_CRYPTOKI_NOT_INITIALIZED, CKR_SESSION_HANDLE_INVALID]);
                        all.wait();
                        session.digest_init(&sha()).refused(CKR_CRYPTOKI_NOT_INITIALIZED);
                        session.encrypt_rest(b"").refused(CKR_CRYPTOKI_NOT_INITIALIZED);
                        all.wait();
                        all.wait();
                        session.digest_init(&sha()).refused(CKR_SESSION_HANDLE_INVALID);
                        session.digest_rest(b"").refused(CKR_SESSION_HANDLE_INVALID);
                        let next = token.public();
                        assert_ne!(next.0, session.0);
                        next.digest(&sha(), b"the next library's").unwrap();
                        session.digest_init(&sha()).refused(CKR_SESSION_HANDLE_INVALID);
                    });
                }
                all.wait();
                main.digest(&sha(), b"").unwrap();
                module().finalize().unwrap();
                all.wait();
                all.wait();
                module().initialize().unwrap();
                all.wait();
            });
            // Threads have ended since, with what they remembered.
            assert_eq!(raw!(C_CloseAllSessions(token.slot)), CKR_OK);
        }
    });
}

#[test]
fn a_session_that_another_thread_closes_is_closed_for_the_thread_that_lives_on_it() {
    isolated(|_| {
        let token = Token::new();
        let _logged_in = token.user();
        for round in 0..40 {
            let (session, start, closed) = (token.public(), Barrier::new(2), AtomicBool::new(false));
            std::thread::scope(|scope| {
                scope.spawn(|| {
                    let key = keys::aes(session, template![]);
                    session.digest(&sha(), b"now it is the last").unwrap();
                    start.wait();
                    // With the last session the login ends, while the thread's own is not closed yet.
                    until_refused(session, key).refused_by_one_of(&[
                        CKR_SESSION_HANDLE_INVALID,
                        CKR_USER_NOT_LOGGED_IN,
                        CKR_KEY_HANDLE_INVALID,
                    ]);
                    while !closed.load(Ordering::SeqCst) {
                        std::thread::yield_now();
                    }
                    session.digest_init(&sha()).refused(CKR_SESSION_HANDLE_INVALID);
                });
                start.wait();
                match round % 2 {
                    0 => session.close().unwrap(),
                    _ => assert_eq!(raw!(C_CloseAllSessions(token.slot)), CKR_OK),
                }
                closed.store(true, Ordering::SeqCst);
            });
            if round % 2 == 1 {
                token.user();
            }
        }
    });
}

#[test]
fn a_logout_gets_its_turn_and_ends_what_threads_do_that_never_pause() {
    isolated(|_| {
        let token = Token::new();
        let main = token.user();
        for _ in 0..20 {
            let start = Barrier::new(THREADS + 1);
            std::thread::scope(|scope| {
                for _ in 0..THREADS {
                    scope.spawn(|| {
                        let session = token.public();
                        let key = keys::aes(session, template![]);
                        start.wait();
                        until_refused(session, key).refused_by_one_of(&[
                            CKR_USER_NOT_LOGGED_IN,
                            CKR_KEY_HANDLE_INVALID,
                            CKR_OBJECT_HANDLE_INVALID,
                            CKR_OPERATION_NOT_INITIALIZED,
                        ]);
                        session.close().unwrap();
                    });
                }
                start.wait();
                main.logout().unwrap();
            });
            main.login(CKU_USER, USER_PIN).unwrap();
        }
    });
}

#[test]
fn a_fork_finds_no_thread_in_the_middle_of_a_call_on_the_session_it_lives_on() {
    isolated(|_| {
        const FORKS: usize = 30;
        let token = Token::new();
        let session = token.user();
        let (done, rounds) = (AtomicBool::new(false), AtomicUsize::new(0));
        let live = || {
            let session = token.public();
            let (_, private) = keys::ec(session, keys::P256, template![]);
            let key = keys::aes(session, template![]);
            while !done.load(Ordering::Relaxed) {
                // Each takes locks of OpenSSL's or the allocator's: random numbers, errors, memory.
                session.sign(&Mechanism::plain(CKM_ECDSA), private, &[7; 32]).unwrap();
                session
                    .decrypt(&Mechanism::gcm(&[1; 12], b"aad"), key, &[0; 32])
                    .refused(CKR_ENCRYPTED_DATA_INVALID);
                session.encrypt(&Mechanism::gcm(&[1; 12], b"aad"), key, &[0; 32]).unwrap();
                session.digest(&sha(), &[1; 4096]).unwrap();
                session.destroy(keys::aes(session, template![])).unwrap();
                session.random(16).unwrap();
                rounds.fetch_add(1, Ordering::Relaxed);
            }
        };
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(live)).collect();
            for _ in 0..FORKS {
                let before = rounds.load(Ordering::Relaxed);
                while rounds.load(Ordering::Relaxed) < before + THREADS {
                    std::thread::yield_now();
                }
                let old = session;
                fork(|_| {
                    old.digest_init(&sha()).refused(CKR_CRYPTOKI_NOT_INITIALIZED);
                    module().initialize().unwrap();
                    old.digest_init(&sha()).refused(CKR_SESSION_HANDLE_INVALID);
                    let session = token.user();
                    let (_, private) = keys::ec(session, keys::P256, template![]);
                    let key = keys::aes(session, template![]);
                    session.sign(&Mechanism::plain(CKM_ECDSA), private, &[7; 32]).unwrap();
                    let gcm = Mechanism::gcm(&[1; 12], b"aad");
                    session.decrypt(&gcm, key, &[0; 32]).refused(CKR_ENCRYPTED_DATA_INVALID);
                    session.digest(&sha(), b"in the child").unwrap();
                    module().finalize().unwrap();
                })
                .ends_well();
                // The parent's threads go on, and its own session with them.
                session.digest(&sha(), b"in the parent").unwrap();
            }
            done.store(true, Ordering::Relaxed);
            threads.into_iter().for_each(|thread| thread.join().unwrap());
        });
    });
}

/// What the handler works with, and how often it has come and found all right.
static HANDLERS_SESSION: AtomicU64 = AtomicU64::new(0);
static CAME: AtomicUsize = AtomicUsize::new(0);

extern "C" fn handler(_: libc::c_int) {
    let session = HANDLERS_SESSION.load(Ordering::SeqCst);
    let (mut mechanism, mut digest, mut length) =
        (CK_MECHANISM { mechanism: CKM_SHA256, ..Default::default() }, [0; 32], 32);
    // Not by the tests' own ways to call, which take memory.
    let list = module().list();
    let begun = unsafe { (list.C_DigestInit.unwrap())(session, &mut mechanism) };
    let (data, digest_at) = (b"abc".as_ptr().cast_mut(), digest.as_mut_ptr());
    let done = unsafe { (list.C_Digest.unwrap())(session, data, 3, digest_at, &mut length) };
    if (begun, done) == (CKR_OK, CKR_OK) && digest[..4] == [0xba, 0x78, 0x16, 0xbf] {
        CAME.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn a_signal_handler_that_calls_in_disturbs_no_call_and_is_not_disturbed() {
    isolated(|_| {
        const SIGNALS: usize = 300;
        let token = Token::new();
        let (own, handlers) = (token.public(), token.public());
        handlers.digest(&sha(), b"set up").unwrap();
        HANDLERS_SESSION.store(handlers.0, Ordering::SeqCst);
        let act = handler as extern "C" fn(libc::c_int) as libc::sighandler_t;
        assert_ne!(unsafe { libc::signal(libc::SIGUSR1, act) }, libc::SIG_ERR);
        let working = unsafe { libc::pthread_self() } as usize;
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for sent in 1..=SIGNALS {
                    assert_eq!(unsafe { libc::pthread_kill(working as libc::pthread_t, libc::SIGUSR1) }, 0);
                    while CAME.load(Ordering::SeqCst) < sent {
                        std::thread::yield_now();
                    }
                }
                done.store(true, Ordering::SeqCst);
            });
            let (data, expected) = ([5; 200], openssl::sha::sha256(&[5; 200]));
            let (mut mechanism, mut digest) =
                (CK_MECHANISM { mechanism: CKM_SHA256, ..Default::default() }, [0; 32]);
            while !done.load(Ordering::SeqCst) {
                let mut length = 32;
                assert_eq!(raw!(C_DigestInit(own.0, &mut mechanism)), CKR_OK);
                let at = data.as_ptr().cast_mut();
                assert_eq!(raw!(C_Digest(own.0, at, 200, digest.as_mut_ptr(), &mut length)), CKR_OK);
                assert_eq!(digest, expected);
                // This one may change what the thread remembers, and keeps the handler from it.
                let mut info = CK_SESSION_INFO::default();
                assert_eq!(raw!(C_GetSessionInfo(own.0, &mut info)), CKR_OK);
            }
        });
        assert_eq!(CAME.load(Ordering::SeqCst), SIGNALS);
    });
}

/// `C_GenerateKey`, `C_GenerateKeyPair` and `C_GenerateRandom` with ever less wrong with them, and what each is answered.
fn with_several_things_wrong(session: Session) -> Vec<CK_RV> {
    const NONE: *mut CK_MECHANISM = std::ptr::null_mut();
    let no_key = std::ptr::null_mut();
    let (bad, bad_pair) = (Mechanism::plain(CKM_SHA256), Mechanism::plain(CKM_AES_KEY_GEN));
    let (aes, ec) = (Mechanism::plain(CKM_AES_KEY_GEN), Mechanism::plain(CKM_EC_KEY_PAIR_GEN));
    let unknown = template![0x7fff_0000 => true];
    let stored = keys::aes_template(32).and(&template![CKA_TOKEN => true]);
    let mut answers = Vec::new();
    for (template, list) in
        [(&unknown, true), (&unknown, false), (&stored, false), (&keys::aes_template(32), false)]
    {
        template.with_raw(|at, count| {
            let at = if list { std::ptr::null_mut() } else { at };
            let (mut key, mut other) = (0, 0);
            answers.push(raw!(C_GenerateKey(session.0, NONE, at, count, no_key)));
            answers.push(raw!(C_GenerateKey(session.0, bad.as_ptr(), at, count, no_key)));
            answers.push(raw!(C_GenerateKey(session.0, bad.as_ptr(), at, count, &mut key)));
            answers.push(raw!(C_GenerateKey(session.0, aes.as_ptr(), at, count, &mut key)));
            for mechanism in [&bad_pair, &ec] {
                let mechanism = mechanism.as_ptr();
                answers.push(raw!(C_GenerateKeyPair(
                    session.0, mechanism, at, count, at, count, no_key, &mut other
                )));
                answers.push(raw!(C_GenerateKeyPair(
                    session.0, mechanism, at, count, at, count, &mut key, &mut other
                )));
            }
        });
    }
    answers.push(raw!(C_GenerateRandom(session.0, std::ptr::null_mut(), 1)));
    answers
}

#[test]
fn of_several_things_wrong_the_same_is_told_whether_the_thread_used_the_session_last_or_not() {
    isolated(|_| {
        let token = Token::new();
        let (reading, other) = (token.read_only(), token.public());
        // Another thread comes to the session by the library.
        let elsewhere =
            || std::thread::scope(|scope| scope.spawn(|| with_several_things_wrong(reading)).join().unwrap());
        let (first, again) = (with_several_things_wrong(reading), with_several_things_wrong(reading));
        assert_eq!(first, again);
        assert_eq!(first, elsewhere());
        let told = |answer| first.contains(&answer);
        assert!(told(CKR_ARGUMENTS_BAD) && told(CKR_MECHANISM_INVALID) && told(CKR_ATTRIBUTE_TYPE_INVALID));
        assert!(told(CKR_SESSION_READ_ONLY), "before it matters that nobody is logged in");
        assert!(told(CKR_USER_NOT_LOGGED_IN) && !told(CKR_OK));
        other.login(CKU_USER, USER_PIN).unwrap();
        assert!(!with_several_things_wrong(reading).contains(&CKR_USER_NOT_LOGGED_IN));
        reading.close().unwrap();
        assert!(
            with_several_things_wrong(reading).iter().all(|answer| *answer == CKR_SESSION_HANDLE_INVALID)
        );
        module().finalize().unwrap();
        assert!(
            with_several_things_wrong(other).iter().all(|answer| *answer == CKR_CRYPTOKI_NOT_INITIALIZED)
        );
    });
}
