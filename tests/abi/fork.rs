//! A process that forks: parent and child both go on, and share nothing they should not.

use crate::common::*;
use std::io::{Read, Write};
use std::os::fd::FromRawFd;

/// Forks; the child runs `child`, whose bytes the parent gets. A child that panics sends none and fails the parent.
fn fork(child: impl FnOnce() -> Vec<u8>) -> Vec<u8> {
    let mut ends = [0; 2];
    assert_eq!(unsafe { libc::pipe(ends.as_mut_ptr()) }, 0);
    let process = unsafe { libc::fork() };
    assert!(process >= 0);
    let [read, write] = ends.map(|end| unsafe { std::fs::File::from_raw_fd(end) });
    if process == 0 {
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(child));
        let sent = outcome.ok().and_then(|bytes| (&write).write_all(&bytes).ok());
        unsafe { libc::_exit(if sent.is_some() { 0 } else { 1 }) };
    }
    drop(write);
    let mut bytes = Vec::new();
    (&read).read_to_end(&mut bytes).unwrap();
    let mut status = 0;
    assert_eq!(unsafe { libc::waitpid(process, &mut status, 0) }, process);
    assert!(libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0, "the child ended with {status:#x}");
    bytes
}

#[test]
fn a_child_must_initialize_and_then_goes_on() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let key = keys::aes(session, template![CKA_TOKEN => true, CKA_LABEL => "shared"]);
        let cbc = Mechanism::bytes(CKM_AES_CBC_PAD, &[1; 16]);
        let encrypted = session.encrypt(&cbc, key, b"before the fork").unwrap();
        let from_child = fork(|| {
            session.info().refused(CKR_CRYPTOKI_NOT_INITIALIZED);
            session.random(8).refused(CKR_CRYPTOKI_NOT_INITIALIZED);
            module().slots(true).refused(CKR_CRYPTOKI_NOT_INITIALIZED);
            module().finalize().refused(CKR_CRYPTOKI_NOT_INITIALIZED);
            module().initialize().unwrap();
            session.info().refused(CKR_SESSION_HANDLE_INVALID);
            let session = token.public();
            assert_eq!(session.info().unwrap().state, CKS_RW_PUBLIC_SESSION, "the login was inherited");
            session.login(CKU_USER, USER_PIN).unwrap();
            let key = session.find(&template![CKA_LABEL => "shared"]).unwrap()[0];
            session.create(&keys::data_template("of the child")).unwrap();
            session.decrypt(&cbc, key, &encrypted).unwrap()
        });
        assert_eq!(from_child, b"before the fork");
        assert_eq!(session.decrypt(&cbc, key, &encrypted).unwrap(), b"before the fork");
        assert_eq!(session.find(&template![CKA_LABEL => "of the child"]).unwrap().len(), 1);
        session.create(&keys::data_template("of the parent")).unwrap();
    });
}

#[test]
fn parent_and_child_never_draw_the_same_random_bytes() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        session.random(16).unwrap();
        let mut seen = std::collections::HashSet::new();
        for _ in 0..10 {
            let child = fork(|| {
                module().initialize().unwrap();
                token.public().random(32).unwrap()
            });
            assert_eq!(child.len(), 32);
            assert!(seen.insert(child), "two processes drew the same bytes");
            assert!(seen.insert(session.random(32).unwrap()), "two processes drew the same bytes");
        }
        let value = |session: Session| {
            let open = template![CKA_SENSITIVE => false, CKA_EXTRACTABLE => true];
            let key = keys::aes(session, open);
            session.get(key, CKA_VALUE).unwrap()
        };
        let child = fork(|| {
            module().initialize().unwrap();
            value(token.user())
        });
        assert_ne!(child, value(session));
    });
}

#[test]
fn an_operation_in_progress_goes_on_in_the_parent() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let sha = Mechanism::plain(CKM_SHA256);
        let expected = session.digest(&sha, b"before and after").unwrap();
        session.digest_init(&sha).unwrap();
        session.digest_update(b"before").unwrap();
        session.find_init(&template![]).unwrap();
        fork(|| {
            session.digest_update(b"x").refused(CKR_CRYPTOKI_NOT_INITIALIZED);
            b"ok".to_vec()
        });
        session.digest_update(b" and after").unwrap();
        assert_eq!(session.digest_final().unwrap(), expected);
        session.find_final().unwrap();
    });
}

#[test]
fn a_fork_while_other_threads_work_harms_neither() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let stop = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    let session = token.public();
                    while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                        let object = session.create(&keys::data_template("busy")).unwrap();
                        keys::ec(session, keys::P256, template![]);
                        session.destroy(object).unwrap();
                    }
                });
            }
            for round in 0..10 {
                let said = fork(|| {
                    module().initialize().unwrap();
                    let session = token.user();
                    session.create(&keys::data_template(&format!("child {round}"))).unwrap();
                    keys::aes(session, template![]);
                    b"ok".to_vec()
                });
                assert_eq!(said, b"ok");
            }
            stop.store(true, std::sync::atomic::Ordering::Relaxed);
        });
        for round in 0..10 {
            let label = format!("child {round}");
            assert_eq!(session.find(&template![CKA_LABEL => label]).unwrap().len(), 1);
        }
    });
}

#[test]
fn a_child_that_never_uses_the_library_ends_well() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        session.random(8).unwrap();
        for _ in 0..20 {
            assert_eq!(fork(|| b"ok".to_vec()), b"ok");
        }
        keys::aes(session, template![CKA_TOKEN => true]);
    });
}
