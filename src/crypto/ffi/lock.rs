//! A lock for what is mostly used by one thread: to take it costs one atomic operation, to give it back a plain store. Locks that give
//! themselves back by an atomic operation pay it to learn who waits; here who waits says so beside the lock, where the plain store may
//! miss it, and looks again by itself, after a millisecond at the latest.

use parking_lot::lock_api;
use parking_lot::lock_api::RawMutex as _;
use std::hint::spin_loop;
use std::ptr::null;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

/// A value behind such a lock.
pub type Lock<T> = lock_api::Mutex<RawLock, T>;
/// The value behind a lock that is held.
pub type LockGuard<'a, T> = lock_api::MutexGuard<'a, RawLock, T>;
/// A part of it.
pub type MappedLockGuard<'a, T> = lock_api::MappedMutexGuard<'a, RawLock, T>;

/// The lock itself.
///
/// Taking it and asking whether it is taken are sequentially consistent: of a thread that takes it and then looks at some flag, and one that
/// changes the flag and then asks, at least one sees what the other did.
pub struct RawLock {
    /// [`TAKEN`] or [`FREE`].
    state: AtomicU32,
    /// Whether somebody waits for it. Those who come later then wait behind.
    wanted: AtomicBool,
    /// Held by the first who waits.
    line: parking_lot::RawMutex,
}

const FREE: u32 = 0;
const TAKEN: u32 = 1;

/// How often who waits looks before it sleeps: for longer than a plain store takes to be seen, and than the shortest calls.
const LOOKS: usize = 200;

/// How long it sleeps at most, for the case that nobody has seen that it waits.
static NAP: libc::timespec = libc::timespec { tv_sec: 0, tv_nsec: 1_000_000 };

// SAFETY: `state` goes from `FREE` to `TAKEN` by an exchange, in which one thread alone finds `FREE`, and back by `unlock` alone, which only who
// has the lock calls. So nobody has it beside another; exchange and store order what is done while it is held.
unsafe impl lock_api::RawMutex for RawLock {
    #[allow(clippy::declare_interior_mutable_const)] // it is meant to be copied
    const INIT: RawLock = RawLock {
        state: AtomicU32::new(FREE),
        wanted: AtomicBool::new(false),
        line: parking_lot::RawMutex::INIT,
    };

    type GuardMarker = lock_api::GuardNoSend;

    #[inline]
    fn lock(&self) {
        if !self.try_lock() {
            self.wait();
        }
    }

    /// Takes it if it is free and nobody waits.
    #[inline]
    fn try_lock(&self) -> bool {
        !self.wanted.load(Ordering::Relaxed) && self.take()
    }

    #[inline]
    unsafe fn unlock(&self) {
        self.state.store(FREE, Ordering::Release);
        if self.wanted.load(Ordering::Relaxed) {
            self.wake();
        }
    }

    fn is_locked(&self) -> bool {
        self.state.load(Ordering::SeqCst) == TAKEN
    }
}

impl RawLock {
    #[inline]
    fn take(&self) -> bool {
        self.state.swap(TAKEN, Ordering::SeqCst) == FREE
    }

    /// Takes it as soon as it is free, one after the other.
    #[cold]
    #[inline(never)]
    fn wait(&self) {
        self.line.lock();
        self.wanted.store(true, Ordering::SeqCst);
        let has_it = (0..LOOKS).any(|_| {
            spin_loop();
            !self.is_locked() && self.take()
        });
        if !has_it {
            while !self.take() {
                // SAFETY: the kernel reads a number and a time. Whatever it answers, the lock is looked at again.
                unsafe {
                    libc::syscall(
                        libc::SYS_futex,
                        self.state.as_ptr(),
                        libc::FUTEX_WAIT | libc::FUTEX_PRIVATE_FLAG,
                        TAKEN,
                        &raw const NAP,
                    )
                };
            }
        }
        self.wanted.store(false, Ordering::SeqCst);
        // SAFETY: taken above.
        unsafe { self.line.unlock() };
    }

    #[cold]
    #[inline(never)]
    fn wake(&self) {
        let (wake, nobody) = (libc::FUTEX_WAKE | libc::FUTEX_PRIVATE_FLAG, null::<libc::timespec>());
        // SAFETY: the kernel takes the address as a name only.
        unsafe { libc::syscall(libc::SYS_futex, self.state.as_ptr(), wake, 1, nobody) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Barrier;
    use std::sync::atomic::AtomicUsize;

    const ROUNDS: usize = 20_000;

    #[test]
    fn nobody_has_it_beside_another() {
        let counted = Lock::new(0);
        let start = Barrier::new(4);
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let (counted, start) = (&counted, &start);
                scope.spawn(move || {
                    start.wait();
                    for _ in 0..ROUNDS {
                        let mut count = match thread % 2 {
                            0 => counted.lock(),
                            _ => counted.try_lock().unwrap_or_else(|| counted.lock()),
                        };
                        // Not atomic: two at once would lose counts.
                        let before = *count;
                        spin_loop();
                        *count = before + 1;
                    }
                });
            }
        });
        assert_eq!(*counted.lock(), 4 * ROUNDS);
    }

    #[test]
    fn who_waits_has_it_next_however_often_another_takes_it() {
        let lock = Lock::new(());
        let (start, had) = (Barrier::new(2), AtomicBool::new(false));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                start.wait();
                drop(lock.lock());
                had.store(true, Ordering::SeqCst);
            });
            start.wait();
            // Holds it nearly all of the time, and ends only because the other has had it.
            while !had.load(Ordering::SeqCst) {
                let _held = lock.lock();
                (0..2_000).for_each(|_| spin_loop());
            }
        });
    }

    #[test]
    fn who_waits_for_long_is_woken_or_wakes_up() {
        let lock = Lock::new(());
        let waiting = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            let held = lock.lock();
            for _ in 0..3 {
                scope.spawn(|| {
                    waiting.fetch_add(1, Ordering::SeqCst);
                    drop(lock.lock());
                });
            }
            // SAFETY: only looks.
            let wanted = || unsafe { lock.raw() }.wanted.load(Ordering::SeqCst);
            while waiting.load(Ordering::SeqCst) < 3 || !wanted() {
                std::thread::yield_now();
            }
            assert!(lock.try_lock().is_none() && lock.is_locked());
            drop(held);
        });
        assert!(!lock.is_locked() && lock.try_lock().is_some());
    }

    #[test]
    fn of_one_that_takes_it_and_looks_and_one_that_says_stop_and_asks_one_sees_the_other() {
        for round in 0..2_000 {
            let (lock, stop, start) = (Lock::new(()), AtomicBool::new(false), Barrier::new(2));
            let (went_on, was_free) = std::thread::scope(|scope| {
                let taking = scope.spawn(|| {
                    start.wait();
                    let held = lock.lock();
                    let went_on = !stop.load(Ordering::SeqCst);
                    std::mem::forget(held);
                    went_on
                });
                start.wait();
                stop.store(true, Ordering::SeqCst);
                let was_free = !lock.is_locked();
                (taking.join().unwrap(), was_free)
            });
            assert!(!(went_on && was_free), "round {round}");
        }
    }
}
