//! Forks: the child starts from nothing, the parent goes on, and neither waits for the other's threads.

use crate::common::functions::NAMES;
use crate::common::*;
use std::collections::HashSet;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// A process that takes longer hangs, and is ended by the kernel.
const LIMIT: u32 = 60;

/// A forked process, and a wire to it.
pub struct Forked {
    pid: libc::pid_t,
    wire: UnixStream,
}

/// Forks; the child does `body` and ends with what it says: at once, without what belongs to the parent.
pub fn fork(body: impl FnOnce(&mut UnixStream)) -> Forked {
    let (wire, mut other) = UnixStream::pair().unwrap();
    let pid = unsafe { libc::fork() };
    assert!(pid >= 0, "fork failed");
    if pid == 0 {
        unsafe { libc::alarm(LIMIT) };
        drop(wire);
        let done = catch_unwind(AssertUnwindSafe(|| body(&mut other))).is_ok();
        unsafe { libc::_exit(if done { 0 } else { 1 }) };
    }
    Forked { pid, wire }
}

impl Forked {
    /// Waits until it has ended well; what it has written.
    #[track_caller]
    pub fn ends_well(mut self) -> Vec<u8> {
        let mut said = Vec::new();
        self.wire.read_to_end(&mut said).unwrap();
        let mut status = 0;
        assert_eq!(unsafe { libc::waitpid(self.pid, &mut status, 0) }, self.pid);
        assert!(!libc::WIFSIGNALED(status), "the child hung or crashed: signal {}", libc::WTERMSIG(status));
        assert_eq!(libc::WEXITSTATUS(status), 0, "the child's assertions");
        said
    }
}

/// A new P-256 pair, and a signature made and verified with it.
fn sign(session: Session) {
    let (public, private) = keys::ec(session, keys::P256, template![]);
    let ecdsa = Mechanism::plain(CKM_ECDSA);
    let signature = session.sign(&ecdsa, private, &[7; 32]).unwrap();
    session.verify(&ecdsa, public, &[7; 32], &signature).unwrap();
}

fn private_data(label: &str) -> Template {
    keys::data_template(label).and(&template![CKA_PRIVATE => true])
}

fn labels(session: Session) -> HashSet<String> {
    let objects = session.find(&template![CKA_CLASS => CKO_DATA]).unwrap();
    let label = |object| String::from_utf8(session.get(object, CKA_LABEL).unwrap()).unwrap();
    objects.into_iter().map(label).collect()
}

#[test]
fn in_a_child_nothing_is_initialised() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let child = fork(|_| {
            type Any = unsafe extern "C" fn(u64, u64, u64, u64, u64, u64, u64, u64, u64, u64) -> CK_RV;
            let open = ["C_Initialize", "C_GetFunctionList", "C_GetInterfaceList", "C_GetInterface"];
            for name in NAMES.iter().filter(|name| !open.contains(name)) {
                let function: Any = unsafe { std::mem::transmute(module().symbol(name).unwrap()) };
                for first in [session.0, token.slot] {
                    let rv = unsafe { function(first, 0, 0, 0, 0, 0, 0, 0, 0, 0) };
                    let known = [CKR_CRYPTOKI_NOT_INITIALIZED, CKR_FUNCTION_NOT_SUPPORTED];
                    assert!(known.contains(&rv), "{name} answers {:?}", Rv(rv));
                }
            }
            let mut list = std::ptr::null_mut();
            assert_eq!(raw!(C_GetFunctionList(&mut list)), CKR_OK);
        });
        child.ends_well();
        assert_eq!(session.info().unwrap().state, CKS_RW_USER_FUNCTIONS);
    });
}

#[test]
fn parent_and_child_work_on_at_the_same_time_and_see_each_others_objects() {
    isolated(|_| {
        const EACH: usize = 30;
        let token = Token::new();
        let session = token.user();
        let (_, key) = keys::ec(session, keys::P256, template![]);
        let make = |session: Session, who: &str| {
            for number in 0..EACH {
                session.create(&private_data(&format!("{who} {number}"))).unwrap();
                sign(session);
            }
        };
        let slot = token.slot;
        let mut child = fork(|wire| {
            module().initialize().unwrap();
            let session = module().open(slot, CKF_RW_SESSION).unwrap();
            assert_eq!(session.info().unwrap().state, CKS_RW_PUBLIC_SESSION, "the login came along");
            session.login(CKU_USER, USER_PIN).unwrap();
            make(session, "child");
            wire.write_all(b"made").unwrap();
            wire.read_exact(&mut [0]).unwrap();
            assert_eq!(labels(session).len(), 2 * EACH);
            module().finalize().unwrap();
        });
        make(session, "parent");
        child.wire.read_exact(&mut [0; 4]).unwrap();
        assert_eq!(labels(session).len(), 2 * EACH);
        child.wire.write_all(b"x").unwrap();
        child.ends_well();
        // The parent's session, login and session objects are what they were, and its view stays right.
        session.sign(&Mechanism::plain(CKM_ECDSA), key, &[1; 32]).unwrap();
        session.create(&private_data("after")).unwrap();
        assert_eq!(labels(session).len(), 2 * EACH + 1);
    });
}

#[test]
fn parent_and_children_never_draw_the_same_random_bytes() {
    isolated(|_| {
        const DRAWS: usize = 2000;
        let token = Token::new();
        let session = token.user();
        let draw =
            |session: Session| -> Vec<u8> { (0..DRAWS).flat_map(|_| session.random(16).unwrap()).collect() };
        let mut all = draw(session);
        let slot = token.slot;
        let children: Vec<Forked> = (0..4)
            .map(|_| {
                fork(|wire| {
                    module().initialize().unwrap();
                    let session = module().open(slot, CKF_RW_SESSION).unwrap();
                    wire.write_all(&draw(session)).unwrap();
                })
            })
            .collect();
        all.extend(draw(session));
        for child in children {
            all.extend(child.ends_well());
        }
        let different: HashSet<&[u8]> = all.chunks(16).collect();
        assert_eq!(different.len(), 6 * DRAWS);
    });
}

/// What threads do in parent and child: sign, and make objects and look for them.
fn work(token: &Token, session: Session, done: &AtomicBool, rounds: &AtomicUsize) {
    while !done.load(Ordering::Relaxed) {
        sign(session);
        let object = session.create(&private_data("busy")).unwrap();
        assert!(!session.find(&template![CKA_LABEL => "busy"]).unwrap().is_empty());
        session.destroy(object).unwrap();
        token.read_only().close().unwrap();
        rounds.fetch_add(1, Ordering::Relaxed);
    }
}

/// What nobody has done before the fork, in several threads.
fn new_work(slot: CK_SLOT_ID) {
    module().initialize().unwrap();
    let session = module().open(slot, CKF_RW_SESSION).unwrap();
    session.login(CKU_USER, USER_PIN).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let session = module().open(slot, CKF_RW_SESSION).unwrap();
                sign(session);
                session.digest(&Mechanism::plain(CKM_SHA3_384), b"first use").unwrap();
                let (_, edwards) = keys::edwards(session, keys::ED448);
                session.sign(&Mechanism::plain(CKM_EDDSA), edwards, b"first use").unwrap();
                let key = keys::aes(session, template![]);
                session.sign(&Mechanism::plain(CKM_AES_CMAC), key, b"first use").unwrap();
                session.encrypt(&Mechanism::gcm(&[1; 12], b""), key, b"first use").unwrap();
                session.create(&private_data("child")).unwrap();
                session.random(100).unwrap();
            });
        }
    });
    module().finalize().unwrap();
}

#[test]
fn a_fork_while_threads_are_inside_calls_hangs_neither_process() {
    isolated(|_| {
        const FORKS: usize = 25;
        unsafe { libc::alarm(4 * LIMIT) };
        let token = Token::new();
        let session = token.user();
        let (done, rounds) = (AtomicBool::new(false), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            let threads: Vec<_> =
                (0..8).map(|_| scope.spawn(|| work(&token, token.public(), &done, &rounds))).collect();
            let forked = catch_unwind(AssertUnwindSafe(|| {
                for _ in 0..FORKS {
                    // Not before each thread could have gone round once more.
                    let before = rounds.load(Ordering::Relaxed);
                    while rounds.load(Ordering::Relaxed) < before + 4 {
                        std::thread::yield_now();
                    }
                    fork(|_| new_work(token.slot)).ends_well();
                }
            }));
            done.store(true, Ordering::Relaxed);
            threads.into_iter().for_each(|thread| thread.join().unwrap());
            forked.unwrap();
        });
        assert_eq!(session.find(&template![CKA_LABEL => "child"]).unwrap().len(), FORKS * 4);
        assert_eq!(session.find(&template![CKA_LABEL => "busy"]).unwrap().len(), 0);
    });
}

#[test]
fn a_child_that_ends_at_once_harms_nothing() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        session.create(&private_data("before")).unwrap();
        let sha = Mechanism::plain(CKM_SHA256);
        let whole = session.digest(&sha, b"one two").unwrap();
        session.digest_init(&sha).unwrap();
        session.digest_update(b"one ").unwrap();
        fork(|_| ()).ends_well();
        // By exit(), which runs what a library has left for the end of the process.
        let pid = unsafe { libc::fork() };
        if pid == 0 {
            unsafe { libc::exit(0) };
        }
        let mut status = 1;
        assert_eq!(unsafe { libc::waitpid(pid, &mut status, 0) }, pid);
        assert_eq!(status, 0);
        session.digest_update(b"two").unwrap();
        assert_eq!(session.digest_final().unwrap(), whole, "the operation was disturbed");
        session.create(&private_data("after")).unwrap();
        assert_eq!(labels(session), HashSet::from(["before".to_owned(), "after".to_owned()]));
        // Another process still waits its turn: the file locks are in order.
        let slot = token.slot;
        fork(|_| new_work(slot)).ends_well();
        session.create(&private_data("last")).unwrap();
    });
}

#[test]
fn a_grandchild_starts_from_nothing_too() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let slot = token.slot;
        let child = fork(|_| {
            // The first grandchild of a child that uses nothing, the second of one at work.
            fork(|_| new_work(slot)).ends_well();
            module().initialize().unwrap();
            let session = module().open(slot, CKF_RW_SESSION).unwrap();
            session.login(CKU_USER, USER_PIN).unwrap();
            session.create(&private_data("child")).unwrap();
            fork(|_| {
                session.info().refused(CKR_CRYPTOKI_NOT_INITIALIZED);
                new_work(slot);
            })
            .ends_well();
            assert_eq!(session.info().unwrap().state, CKS_RW_USER_FUNCTIONS);
            assert_eq!(session.find(&template![CKA_LABEL => "child"]).unwrap().len(), 9);
        });
        child.ends_well();
        assert_eq!(session.find(&template![CKA_LABEL => "child"]).unwrap().len(), 9);
        sign(session);
    });
}
