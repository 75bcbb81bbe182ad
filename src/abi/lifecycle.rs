//! What lives between `C_Initialize` and `C_Finalize`, for any number of threads and rounds.
//!
//! Who can do without the thing itself, since what it needs of it lives on and is waited for, need not enter: it looks at the number of what has begun.
//!
//! Entering costs one atomic operation, on a cache line that the thread has for itself: it counts itself in, looks
//! whether there is something, and counts itself out when it leaves. Only when there are very many threads do some of them share one. Only if
//! there is nothing does it wait, for a beginning, end or fork under way. The end takes the thing away first; it is freed once every counter has been
//! seen at zero after that, at the latest by a later start or end. Nothing is ever freed under a thread that is
//! still inside.
//!
//! A fork takes the thing away too, waits until all threads have left, and puts it back afterwards: no lock of any
//! layer below, OpenSSL's included, is then held by a thread that the child does not have.
//!
//! `std::sync::Mutex`, not `parking_lot`: its locks share one table of waiters, which a fork could copy half
//! changed.

use super::seat::SEATS;
use super::thread::Thread;
use crate::apart::Apart;
use crate::error::{Error, Result};
use crate::session::Library;
use std::marker::PhantomData;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicPtr, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The library of this process.
pub(super) static LIBRARY: Lifecycle<Library> = Lifecycle::new();

/// How long a fork waits for the calls under way: longer than any takes but the making of the largest RSA keys. The thread
/// that forks may itself be inside, in a signal handler, and would wait for ever.
const PATIENCE: Duration = Duration::from_secs(10);

/// One counter for each seat, and one for those who have none.
const LANES: usize = SEATS + 1;

/// A value that begins and ends while threads use it.
pub(super) struct Lifecycle<T> {
    current: AtomicPtr<T>,
    /// Its number, and 0 while there is none. Changed with it, by who holds the lock.
    number: AtomicU64,
    lanes: [Apart<Lane>; LANES],
    /// What has ended and may still be in use. Held while something begins, ends or forks: one at a time.
    ended: Mutex<Vec<Ended<T>>>,
}

/// What has numbers, of which none comes twice in a process and none is 0.
pub(super) trait Numbered {
    /// This one's.
    fn number(&self) -> u64;
}

impl Numbered for Library {
    fn number(&self) -> u64 {
        Library::number(self)
    }
}

/// How many threads are inside, of those that count here.
struct Lane(AtomicUsize);

/// Made by `Box::into_raw`, no longer reachable for those who enter.
struct Ended<T>(*mut T);

// SAFETY: owns its T, which may be used and dropped on any thread.
unsafe impl<T: Send + Sync> Send for Ended<T> {}

/// A thread inside: as long as this lives, so does the value. It leaves where it came in.
pub(super) struct Entered<'a, T> {
    value: &'a T,
    _inside: Inside<'a>,
}

/// A thread that has counted itself in.
struct Inside<'a> {
    lane: &'a Lane,
    /// Whether nobody else counts there.
    alone: bool,
    /// It counts itself out on the same thread.
    _thread: PhantomData<*const ()>,
}

/// Nothing begins or ends and nobody enters while this lives; taken for a fork.
pub(super) struct Still<'a, T> {
    of: &'a Lifecycle<T>,
    /// What had begun, out of reach of those who would enter.
    current: *mut T,
    number: u64,
    ended: MutexGuard<'a, Vec<Ended<T>>>,
}

impl<T: Numbered + Send + Sync> Lifecycle<T> {
    /// Nothing has begun yet.
    pub(super) const fn new() -> Self {
        Lifecycle {
            current: AtomicPtr::new(null_mut()),
            number: AtomicU64::new(0),
            lanes: [const { Apart::new(Lane(AtomicUsize::new(0))) }; LANES],
            ended: Mutex::new(Vec::new()),
        }
    }

    /// Goes in, with the calling thread; `CryptokiNotInitialized` if nothing has begun.
    #[inline]
    pub(super) fn enter(&self, thread: &Thread) -> Result<Entered<'_, T>> {
        loop {
            if let Some(entered) = self.try_enter(thread) {
                return Ok(entered);
            }
            // Taken away for a fork? That holds the lock.
            let ended = self.lock();
            if self.current.load(Ordering::SeqCst).is_null() {
                return Err(Error::CryptokiNotInitialized);
            }
            drop(ended);
        }
    }

    /// The number of what has begun and has neither ended nor been taken away for a fork; 0 if there is nothing.
    #[inline]
    pub(super) fn number(&self) -> u64 {
        self.number.load(Ordering::SeqCst)
    }

    #[inline]
    fn try_enter(&self, thread: &Thread) -> Option<Entered<'_, T>> {
        let inside = match thread.seat() {
            Some(seat) => self.lanes[seat].count_in_alone(),
            None => self.lanes[SEATS].count_in(),
        };
        let current = self.current.load(Ordering::SeqCst);
        // SAFETY: NULL or from `Box::into_raw`. It was current after this thread counted itself in; `free_unused` frees
        // it only when it has seen this lane at zero after taking it away, which is after the thread has left.
        unsafe { current.as_ref() }.map(|value| Entered { value, _inside: inside })
    }

    /// Begins with what `make` makes, unless something has begun already (`CryptokiAlreadyInitialized`). Of several
    /// threads one wins, the others wait for its outcome.
    pub(super) fn begin(&self, make: impl FnOnce() -> Result<T>) -> Result<()> {
        let mut ended = self.lock();
        if !self.current.load(Ordering::SeqCst).is_null() {
            return Err(Error::CryptokiAlreadyInitialized);
        }
        self.free_unused(&mut ended);
        let made = Box::new(make()?);
        let number = made.number();
        self.current.store(Box::into_raw(made), Ordering::SeqCst);
        self.number.store(number, Ordering::SeqCst);
        Ok(())
    }

    /// Ends what has begun: nobody enters any more, `close` runs, and those still inside finish in peace.
    pub(super) fn end(&self, close: impl FnOnce(&T)) -> Result<()> {
        let mut ended = self.lock();
        self.number.store(0, Ordering::SeqCst);
        let last = self.current.swap(null_mut(), Ordering::SeqCst);
        // SAFETY: NULL or from `Box::into_raw`; freed by `free_unused` alone, which needs the lock we hold.
        let value = unsafe { last.as_ref() }.ok_or(Error::CryptokiNotInitialized)?;
        ended.push(Ended(last));
        close(value);
        self.free_unused(&mut ended);
        Ok(())
    }

    /// Waits until nothing begins or ends, and keeps it so; who would enter waits.
    pub(super) fn hold_still(&self) -> Still<'_, T> {
        let ended = self.lock();
        let number = self.number.swap(0, Ordering::SeqCst);
        Still { of: self, current: self.current.swap(null_mut(), Ordering::SeqCst), number, ended }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Ended<T>>> {
        // A panic in `make` or `close` leaves nothing half changed here.
        self.ended.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether each counter was at zero at some time since the call.
    fn is_empty(&self) -> bool {
        self.lanes.iter().all(|lane| lane.0.load(Ordering::SeqCst) == 0)
    }

    /// Frees what has ended, if nobody can be inside it: each counter was at zero at some time after the end.
    fn free_unused(&self, ended: &mut Vec<Ended<T>>) {
        if !self.is_empty() {
            return;
        }
        for Ended(value) in ended.drain(..) {
            // SAFETY: from `Box::into_raw`, taken out of `current` before the counters were read, and dropped once.
            drop(unsafe { Box::from_raw(value) });
        }
    }
}

impl<T: Numbered + Send + Sync> Still<'_, T> {
    /// What has begun, if anything.
    pub(super) fn current(&self) -> Option<&T> {
        // SAFETY: NULL or from `Box::into_raw`; nothing ends while `self` lives.
        unsafe { self.current.as_ref() }
    }

    /// Waits until all threads that were inside have left, and those that did not enter are done, but no longer than [`PATIENCE`]. `is_at_rest`: whether
    /// none of the latter is at work.
    pub(super) fn wait_until_empty(&self, is_at_rest: impl Fn(&T) -> bool) {
        let start = Instant::now();
        let is_over = || self.of.is_empty() && self.current().is_none_or(&is_at_rest);
        while !is_over() && start.elapsed() < PATIENCE {
            // Nobody tells when it leaves, which would make every call dearer for the sake of the rare fork.
            std::thread::sleep(Duration::from_micros(20));
        }
    }

    /// In a child after a fork: nothing has begun here. What the parent had is left alone, its threads do not exist
    /// here and may have left it in any state. The thread that forked keeps its own count: it may be inside, in a signal handler, and is to
    /// count itself out of what it has counted itself in.
    pub(super) fn forget_all(&mut self, thread: &Thread) {
        (self.current, self.number) = (null_mut(), 0);
        self.ended.clear();
        let own = thread.seat_taken();
        for (_, lane) in self.of.lanes.iter().enumerate().filter(|(seat, _)| Some(*seat) != own) {
            lane.0.store(0, Ordering::SeqCst);
        }
    }
}

impl<T> Drop for Still<'_, T> {
    fn drop(&mut self) {
        self.of.current.store(self.current, Ordering::SeqCst);
        self.of.number.store(self.number, Ordering::SeqCst);
    }
}

impl<T> std::ops::Deref for Entered<'_, T> {
    type Target = T;
    fn deref(&self) -> &T {
        self.value
    }
}

impl Lane {
    /// Counts this thread in, which has this lane for itself. A signal handler may come in and leave between load and store: it leaves the
    /// number as it was.
    #[inline]
    fn count_in_alone(&self) -> Inside<'_> {
        // Who takes the value away looks at the lanes afterwards: either it sees this number, or this thread sees that the value is gone.
        // An exchange, since a store and a fence take longer.
        self.0.swap(self.0.load(Ordering::Relaxed).wrapping_add(1), Ordering::SeqCst);
        Inside { lane: self, alone: true, _thread: PhantomData }
    }

    /// Counts this thread in beside others.
    fn count_in(&self) -> Inside<'_> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Inside { lane: self, alone: false, _thread: PhantomData }
    }
}

impl Drop for Inside<'_> {
    #[inline]
    fn drop(&mut self) {
        let count = &self.lane.0;
        if self.alone {
            count.store(count.load(Ordering::Relaxed).wrapping_sub(1), Ordering::Release);
        } else {
            count.fetch_sub(1, Ordering::Release);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::thread;
    use super::*;
    use std::sync::Arc;
    use std::sync::Barrier;

    /// Counts how many of it live, and knows when it was used after its end.
    struct Thing(Arc<AtomicUsize>);

    impl Thing {
        fn new(living: &Arc<AtomicUsize>) -> Thing {
            living.fetch_add(1, Ordering::SeqCst);
            Thing(living.clone())
        }
    }

    impl Numbered for Thing {
        fn number(&self) -> u64 {
            1
        }
    }

    impl Drop for Thing {
        fn drop(&mut self) {
            self.0.fetch_sub(1, Ordering::SeqCst);
        }
    }

    #[test]
    fn nobody_enters_before_the_beginning_or_after_the_end() {
        let lifecycle = Lifecycle::new();
        let living = Arc::default();
        assert_eq!(thread::with(|thread| lifecycle.enter(thread)).err(), Some(Error::CryptokiNotInitialized));
        assert_eq!(lifecycle.end(|_: &Thing| ()), Err(Error::CryptokiNotInitialized));
        lifecycle.begin(|| Ok(Thing::new(&living))).unwrap();
        assert_eq!(
            lifecycle.begin(|| Ok(Thing::new(&living))),
            Err(Error::CryptokiAlreadyInitialized),
            "a second beginning"
        );
        drop(thread::with(|thread| lifecycle.enter(thread)).unwrap());
        lifecycle.end(|_| ()).unwrap();
        assert_eq!(thread::with(|thread| lifecycle.enter(thread)).err(), Some(Error::CryptokiNotInitialized));
        assert_eq!(living.load(Ordering::SeqCst), 0, "freed at its end");
    }

    #[test]
    fn a_failed_beginning_leaves_nothing_begun() {
        let lifecycle: Lifecycle<Thing> = Lifecycle::new();
        assert_eq!(lifecycle.begin(|| Err(Error::FunctionFailed)), Err(Error::FunctionFailed));
        let living = Arc::default();
        lifecycle.begin(|| Ok(Thing::new(&living))).unwrap();
        lifecycle.end(|_| ()).unwrap();
    }

    #[test]
    fn what_has_ended_lives_until_the_last_thread_has_left() {
        let lifecycle = Lifecycle::new();
        let living = Arc::default();
        lifecycle.begin(|| Ok(Thing::new(&living))).unwrap();
        let inside = thread::with(|thread| lifecycle.enter(thread)).unwrap();
        lifecycle.end(|_| ()).unwrap();
        assert_eq!(inside.0.load(Ordering::SeqCst), 1, "still there for the one inside");
        drop(inside);
        lifecycle.begin(|| Ok(Thing::new(&living))).unwrap();
        assert_eq!(living.load(Ordering::SeqCst), 1, "the first is freed by the next beginning");
        lifecycle.end(|_| ()).unwrap();
    }

    #[test]
    fn rounds_of_begin_and_end_under_threads_that_enter_leave_nothing_behind() {
        let lifecycle: Lifecycle<Thing> = Lifecycle::new();
        let living = Arc::<AtomicUsize>::default();
        let ready = Barrier::new(5);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    ready.wait();
                    for _ in 0..20_000 {
                        if let Ok(thing) = thread::with(|thread| lifecycle.enter(thread)) {
                            assert_ne!(thing.0.load(Ordering::SeqCst), 0);
                        }
                    }
                });
            }
            ready.wait();
            for _ in 0..500 {
                lifecycle.begin(|| Ok(Thing::new(&living))).unwrap();
                lifecycle.end(|_| ()).unwrap();
            }
        });
        lifecycle.begin(|| Ok(Thing::new(&living))).unwrap();
        lifecycle.end(|_| ()).unwrap();
        assert_eq!(living.load(Ordering::SeqCst), 0);
    }

    #[test]
    fn of_many_threads_that_begin_at_once_one_wins() {
        let lifecycle = Lifecycle::new();
        let living = Arc::default();
        let ready = Barrier::new(8);
        let results: Vec<Result<()>> = std::thread::scope(|scope| {
            let begin = || {
                ready.wait();
                lifecycle.begin(|| Ok(Thing::new(&living)))
            };
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(begin)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
        lifecycle.end(|_| ()).unwrap();
    }

    #[test]
    fn a_forked_childs_start_leaves_the_parents_thing_alone() {
        let lifecycle = Lifecycle::new();
        let living = Arc::<AtomicUsize>::default();
        lifecycle.begin(|| Ok(Thing::new(&living))).unwrap();
        let mut still = lifecycle.hold_still();
        still.wait_until_empty(|_| true);
        assert!(still.current().is_some());
        thread::with(|thread| still.forget_all(thread));
        assert!(still.current().is_none());
        drop(still);
        assert_eq!(thread::with(|thread| lifecycle.enter(thread)).err(), Some(Error::CryptokiNotInitialized));
        lifecycle.begin(|| Ok(Thing::new(&living))).unwrap();
        assert_eq!(living.load(Ordering::SeqCst), 2);
        lifecycle.end(|_| ()).unwrap();
        assert_eq!(living.load(Ordering::SeqCst), 1, "the parent's lives on, the child's is freed");
    }

    #[test]
    fn a_thread_that_forked_while_it_was_inside_is_counted_right_in_the_child() {
        if thread::with(Thread::seat).is_none() {
            return; // Other tests have them all. Those who stand can't be told apart.
        }
        let lifecycle = Lifecycle::new();
        let living = Arc::<AtomicUsize>::default();
        let enter = || thread::with(|thread| lifecycle.enter(thread)).unwrap();
        lifecycle.begin(|| Ok(Thing::new(&living))).unwrap();
        let before = enter();
        let mut still = lifecycle.hold_still();
        thread::with(|thread| still.forget_all(thread));
        drop(still);
        drop(before);
        lifecycle.begin(|| Ok(Thing::new(&living))).unwrap();
        let inside = enter();
        lifecycle.end(|_| ()).unwrap();
        assert_eq!(living.load(Ordering::SeqCst), 2, "freed under the one inside");
        drop(inside);
        lifecycle.begin(|| Ok(Thing::new(&living))).unwrap();
        lifecycle.end(|_| ()).unwrap();
        assert_eq!(living.load(Ordering::SeqCst), 1, "only what the parent had is left alone");
    }

    #[test]
    fn nobody_is_inside_while_all_is_still_and_nobody_is_turned_away_for_it() {
        let lifecycle: Lifecycle<Thing> = Lifecycle::new();
        let living = Arc::<AtomicUsize>::default();
        lifecycle.begin(|| Ok(Thing::new(&living))).unwrap();
        let (inside, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    while done.load(Ordering::SeqCst) == 0 {
                        let entered = thread::with(|thread| lifecycle.enter(thread)).unwrap();
                        inside.fetch_add(1, Ordering::SeqCst);
                        std::thread::yield_now();
                        inside.fetch_sub(1, Ordering::SeqCst);
                        drop(entered);
                    }
                });
            }
            for _ in 0..200 {
                let still = lifecycle.hold_still();
                still.wait_until_empty(|_| true);
                assert_eq!(inside.load(Ordering::SeqCst), 0);
            }
            done.store(1, Ordering::SeqCst);
        });
        lifecycle.end(|_| ()).unwrap();
        assert_eq!(living.load(Ordering::SeqCst), 0);
    }

    #[test]
    fn the_number_is_there_while_the_thing_is_and_not_while_a_fork_has_it() {
        let lifecycle = Lifecycle::new();
        let living = Arc::<AtomicUsize>::default();
        assert_eq!(lifecycle.number(), 0);
        lifecycle.begin(|| Ok(Thing::new(&living))).unwrap();
        assert_eq!(lifecycle.number(), 1);
        let still = lifecycle.hold_still();
        assert_eq!(lifecycle.number(), 0, "during a fork");
        drop(still);
        assert_eq!(lifecycle.number(), 1, "in the parent");
        let mut still = lifecycle.hold_still();
        thread::with(|thread| still.forget_all(thread));
        drop(still);
        assert_eq!(lifecycle.number(), 0, "in the child");
        lifecycle.begin(|| Ok(Thing::new(&living))).unwrap();
        lifecycle.end(|_| assert_eq!(lifecycle.number(), 0, "already while it is closed")).unwrap();
        assert_eq!(lifecycle.number(), 0);
    }

    #[test]
    fn a_fork_waits_for_those_who_did_not_enter() {
        let lifecycle = Lifecycle::new();
        lifecycle.begin(|| Ok(Thing::new(&Arc::default()))).unwrap();
        let asked = AtomicUsize::new(0);
        let still = lifecycle.hold_still();
        still.wait_until_empty(|_| asked.fetch_add(1, Ordering::SeqCst) == 4);
        assert_eq!(asked.load(Ordering::SeqCst), 5);
        drop(still);
        lifecycle.end(|_| ()).unwrap();
    }
}
