//! What a thread has for itself in this module: its seat, and the session that it used last.
//!
//! One look at thread-local storage for each call, and one that can't fail: what is to be done when the thread ends hangs on a value of its
//! own.

use super::seat;
use crate::session::Last;
use std::cell::Cell;
use std::mem::ManuallyDrop;

/// A thread of the caller's.
pub(super) struct Thread {
    seat: Cell<Seat>,
    /// The session that it used last.
    pub(super) last: ManuallyDrop<Last>,
}

#[derive(Clone, Copy)]
enum Seat {
    /// Never asked for.
    Unknown,
    None,
    Some(usize),
}

thread_local! {
    static THIS: Thread =
        const { Thread { seat: Cell::new(Seat::Unknown), last: ManuallyDrop::new(Last::new()) } };
    static END: End = const { End };
}

/// Dropped when the thread ends.
struct End;

impl Drop for End {
    fn drop(&mut self) {
        with(|thread| {
            if let Seat::Some(seat) = thread.seat.replace(Seat::None) {
                seat::give_back(seat);
            }
            thread.last.forget();
        });
    }
}

/// Runs `body` with the calling thread.
#[inline]
pub(super) fn with<R>(body: impl FnOnce(&Thread) -> R) -> R {
    THIS.with(body)
}

impl Thread {
    /// Its seat; `None` if there was none left.
    #[inline]
    pub(super) fn seat(&self) -> Option<usize> {
        match self.seat.get() {
            Seat::Some(seat) => Some(seat),
            Seat::None => None,
            Seat::Unknown => self.sit_down(),
        }
    }

    /// The seat that it has already.
    pub(super) fn seat_taken(&self) -> Option<usize> {
        match self.seat.get() {
            Seat::Some(seat) => Some(seat),
            Seat::Unknown | Seat::None => None,
        }
    }

    #[cold]
    fn sit_down(&self) -> Option<usize> {
        // Without that value the thread is about to end, and nobody would give the seat back.
        let seat = END.try_with(|_| seat::take()).ok().flatten();
        self.seat.set(seat.map_or(Seat::None, Seat::Some));
        seat
    }
}

/// In a child after a fork: the thread that forked is the only one.
pub(super) fn others_are_gone() {
    with(|thread| seat::free_all_but(thread.seat_taken()));
}

#[cfg(test)]
mod tests {
    use super::seat::SEATS;
    use super::*;
    use std::collections::HashSet;
    use std::sync::Barrier;

    #[test]
    fn no_two_threads_have_the_same_seat_and_those_that_end_give_theirs_back() {
        for round in 0..50 {
            let all_sit = Barrier::new(3);
            let seats: Vec<Option<usize>> = std::thread::scope(|scope| {
                let sit = || {
                    let seat = with(Thread::seat);
                    all_sit.wait();
                    assert_eq!(with(Thread::seat), seat, "for as long as the thread lives");
                    seat
                };
                let threads: Vec<_> = (0..3).map(|_| scope.spawn(sit)).collect();
                threads.into_iter().map(|thread| thread.join().unwrap()).collect()
            });
            // Other tests' threads have some, but never that many for long.
            let taken: Vec<usize> = seats.into_iter().flatten().collect();
            assert!(taken.iter().all(|seat| *seat < SEATS), "round {round}");
            assert_eq!(taken.iter().collect::<HashSet<_>>().len(), taken.len(), "round {round}");
        }
    }

    #[test]
    fn who_finds_no_seat_stands_and_a_seat_given_back_is_taken_again() {
        let mut taken = Vec::new();
        let mut stands = || {
            taken.extend(std::iter::from_fn(seat::take));
            std::thread::spawn(|| with(Thread::seat)).join().unwrap().is_none()
        };
        // Threads of other tests give seats back meanwhile.
        assert!((0..1000).any(|_| stands()));
        assert!(taken.len() <= SEATS && !taken.is_empty());
        taken.into_iter().for_each(seat::give_back);
        assert!(std::thread::spawn(|| with(Thread::seat)).join().unwrap().is_some());
    }
}
