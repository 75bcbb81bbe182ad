//! Places where threads leave what they will want again: contexts and keys of OpenSSL's that cost more to set up than to use.

use crate::apart::Apart;
use parking_lot::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How many things rest at most: as many threads find something at once.
pub const MOST: usize = 8;

/// Things at rest. Each thread begins to look at a place of its own, so that threads don't wait for each other's memory.
pub struct Places<T>([Place<T>; MOST]);

type Place<T> = Apart<Mutex<Option<T>>>;

impl<T> Default for Places<T> {
    fn default() -> Self {
        Places::new()
    }
}

impl<T> Places<T> {
    /// With nothing in them.
    pub const fn new() -> Self {
        Places([const { Apart::new(Mutex::new(None)) }; MOST])
    }

    /// Something that `fits`, for the caller alone.
    pub fn take(&self, fits: impl Fn(&T) -> bool) -> Option<T> {
        self.in_turn().find_map(|place| place.lock().take_if(|resting| fits(resting)))
    }

    /// Leaves something behind, if need be in the place of something else.
    pub fn leave(&self, resting: T) {
        let mut resting = Some(resting);
        for place in self.in_turn() {
            let mut place = place.lock();
            if place.is_none() {
                *place = resting.take();
                return;
            }
        }
        if let Some(own) = self.in_turn().next() {
            // What was there goes when the lock is free again.
            std::mem::swap(&mut *own.lock(), &mut resting);
        }
    }

    /// The places, from the thread's own on.
    fn in_turn(&self) -> impl Iterator<Item = &Mutex<Option<T>>> {
        let own = this_thread() % MOST;
        (own..own + MOST).filter_map(|at| self.0.get(at % MOST)).map(|place| &**place)
    }
}

/// A number of the thread's own: threads are counted as they come here.
pub fn this_thread() -> usize {
    thread_local! {
        static NUMBER: usize = {
            static NEXT: AtomicUsize = AtomicUsize::new(0);
            NEXT.fetch_add(1, Ordering::Relaxed)
        };
    }
    NUMBER.with(|number| *number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_left_is_taken_once_and_only_where_it_fits() {
        let places = Places::new();
        places.leave(1);
        places.leave(2);
        assert_eq!(places.take(|number| *number == 3), None);
        assert_eq!(places.take(|number| *number == 2), Some(2));
        assert_eq!(places.take(|number| *number == 2), None);
        assert_eq!(places.take(|_| true), Some(1));
    }

    #[test]
    fn when_all_places_are_full_the_latest_is_kept() {
        let places = Places::new();
        (0..MOST + 3).for_each(|number| places.leave(number));
        assert_eq!(places.take(|number| *number == MOST + 2), Some(MOST + 2));
        let left = std::iter::from_fn(|| places.take(|_| true)).count();
        assert_eq!(left, MOST - 1);
    }
}
