//! Forks: the parent goes on as if nothing had happened, the child starts from nothing.
//!
//! A fork waits until the calls under way have ended, and new ones wait for it: the child then holds no lock of a
//! thread that it does not have, OpenSSL's and SQLite's included. It answers `CKR_CRYPTOKI_NOT_INITIALIZED` until it
//! calls `C_Initialize`, and never touches what the parent had open.

use super::lifecycle::{LIBRARY, Still};
use super::thread;
use crate::crypto;
use crate::error::{Error, Result};
use crate::logging;
use crate::session::Library;
use std::any::Any;
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::OnceLock;

/// All that rests while the process forks. Fields are let go in this order.
struct Rest {
    log: logging::Held,
    store: Option<Box<dyn Any>>,
    library: Still<'static, Library>,
}

thread_local! {
    /// Between the two sides of a fork, which run on the same thread.
    static REST: RefCell<Option<Rest>> = const { RefCell::new(None) };
}

/// Registers the handlers, once in the life of a process; children inherit them.
pub(super) fn watch() -> Result<()> {
    static DONE: OnceLock<bool> = OnceLock::new();
    let done = DONE.get_or_init(|| {
        // SAFETY: three functions of this module, which is never unmapped (build.rs).
        unsafe { libc::pthread_atfork(Some(before), Some(after_in_parent), Some(after_in_child)) == 0 }
    });
    if *done { Ok(()) } else { Err(Error::HostMemory) }
}

extern "C" fn before() {
    let library = LIBRARY.hold_still();
    library.wait_until_empty(Library::is_at_rest);
    // A panic must not end the host: the fork then finds the store as it is.
    let pause = || library.current().map(Library::pause);
    let store = catch_unwind(AssertUnwindSafe(pause)).ok().flatten();
    let rest = Rest { log: logging::hold(), store, library };
    // Without thread-local storage the thread is about to end; `rest` is let go before the fork.
    let _ = REST.try_with(|place| place.replace(Some(rest)));
}

extern "C" fn after_in_parent() {
    let end = || drop(take_rest());
    let _ = catch_unwind(AssertUnwindSafe(end));
}

extern "C" fn after_in_child() {
    thread::others_are_gone();
    crypto::forget_drawn();
    match take_rest() {
        Some(Rest { log, store, mut library }) => {
            // The parent's database connection: closing it here would also drop the parent's file locks.
            std::mem::forget(store);
            thread::with(|thread| library.forget_all(thread));
            drop(log);
        }
        None => thread::with(|thread| LIBRARY.hold_still().forget_all(thread)),
    }
}

fn take_rest() -> Option<Rest> {
    REST.try_with(|place| place.take()).ok().flatten()
}

#[cfg(test)]
mod tests {
    use super::super::guard;
    use super::*;
    use crate::config::{Config, TokenSettings};
    use cryptoki_sys as ck;
    use std::sync::atomic::{AtomicBool, Ordering};

    /// What a child does: all that could be locked, and out; a child that waits for ever is ended by the kernel.
    fn child() -> ! {
        // SAFETY: plain system calls.
        unsafe { libc::alarm(20) };
        drop(LIBRARY.hold_still());
        drop(logging::hold());
        // SAFETY: ends the child without running what belongs to the parent.
        unsafe { libc::_exit(i32::from(thread::with(|thread| LIBRARY.enter(thread).is_ok()))) }
    }

    /// Forks, and answers with the child's status.
    fn forked() -> i32 {
        // SAFETY: the child only does what `child` says.
        let pid = unsafe { libc::fork() };
        if pid == 0 {
            child();
        }
        let mut status = -1;
        // SAFETY: our own child, and a place for its status.
        unsafe { libc::waitpid(pid, &raw mut status, 0) };
        status
    }

    #[test]
    fn a_child_forked_while_threads_are_busy_finds_nothing_locked_and_nothing_begun() {
        watch().unwrap();
        let done = AtomicBool::new(false);
        let statuses: Vec<i32> = std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    while !done.load(Ordering::Relaxed) {
                        drop(LIBRARY.hold_still());
                        drop(logging::hold());
                    }
                });
            }
            let statuses = (0..50).map(|_| forked()).collect();
            done.store(true, Ordering::Relaxed);
            statuses
        });
        assert_eq!(statuses, [0; 50]);
    }

    #[test]
    fn a_fork_waits_for_who_has_a_turn_without_having_entered() {
        watch().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let token = TokenSettings { argon2_memory_kib: 8, argon2_passes: 1, ..TokenSettings::default() };
        let config = Config { token, ..Config::with_data_dir(folder.path().to_owned()) };
        LIBRARY.begin(|| Library::new(config)).unwrap();
        let session = thread::with(|thread| {
            let library = LIBRARY.enter(thread).unwrap();
            library.slot(0).unwrap().init_token(b"officer-pin", "test").unwrap();
            library.open_session(0, true).unwrap()
        });
        let (inside, left) = (AtomicBool::new(false), AtomicBool::new(false));
        let status = std::thread::scope(|scope| {
            scope.spawn(|| {
                // The next call is on the session that was used last.
                assert_eq!(guard::turn("C_Test", session, |_| Ok(())), ck::CKR_OK);
                let rv = guard::turn("C_Test", session, |_| {
                    inside.store(true, Ordering::SeqCst);
                    while LIBRARY.number() != 0 {
                        std::thread::yield_now();
                    }
                    // A fork has begun. One that does not wait is over before this is.
                    std::thread::sleep(std::time::Duration::from_millis(50));
                    left.store(true, Ordering::SeqCst);
                    Ok(())
                });
                assert_eq!(rv, ck::CKR_OK);
            });
            while !inside.load(Ordering::SeqCst) {
                std::thread::yield_now();
            }
            // SAFETY: the child looks at one flag and ends, without running what belongs to the parent.
            let pid = unsafe { libc::fork() };
            if pid == 0 {
                // SAFETY: as above.
                unsafe { libc::_exit(i32::from(!left.load(Ordering::SeqCst))) };
            }
            let mut status = -1;
            // SAFETY: our own child, and a place for its status.
            unsafe { libc::waitpid(pid, &raw mut status, 0) };
            status
        });
        LIBRARY.end(Library::close).unwrap();
        assert_eq!(status, 0, "the child was forked in the middle of a call");
    }

    #[test]
    fn a_child_is_given_other_names_and_secrets_than_its_parent() {
        const NAME: usize = 16;
        const SECRET: usize = 32;
        let draw = || {
            let (mut secret, mut name) = ([0; SECRET], [0; NAME]);
            let _ = (crypto::random(&mut name), crypto::random_secret(&mut secret));
            (name, secret)
        };
        watch().unwrap();
        draw();
        let mut ends = [0; 2];
        // SAFETY: room for both ends.
        assert_eq!(unsafe { libc::pipe(ends.as_mut_ptr()) }, 0);
        // SAFETY: the child draws a name and a secret, writes them and ends.
        let pid = unsafe { libc::fork() };
        if pid == 0 {
            let (name, secret) = draw();
            // SAFETY: so many bytes are there; nothing of the parent's is run at the end.
            unsafe {
                libc::write(ends[1], name.as_ptr().cast(), NAME);
                libc::write(ends[1], secret.as_ptr().cast(), SECRET);
                libc::_exit(0)
            }
        }
        let (mut name, mut secret) = ([0; NAME], [0; SECRET]);
        // SAFETY: room for what the child writes; our own ends, and our own child.
        unsafe {
            assert_eq!(libc::read(ends[0], name.as_mut_ptr().cast(), NAME), NAME as isize);
            assert_eq!(libc::read(ends[0], secret.as_mut_ptr().cast(), SECRET), SECRET as isize);
            libc::waitpid(pid, std::ptr::null_mut(), 0);
            libc::close(ends[0]);
            libc::close(ends[1]);
        }
        let ours: Vec<_> = (0..64).map(|_| draw()).collect();
        assert!(name != [0; NAME] && ours.iter().all(|(own, _)| *own != name));
        assert!(secret != [0; SECRET] && ours.iter().all(|(_, own)| *own != secret));
    }
}
