//! Seats: small numbers that threads have for themselves, so that each can count in a place where nobody else does. When all are taken, the
//! others stand.

use std::sync::atomic::{AtomicU32, Ordering};

/// How many seats there are.
pub(super) const SEATS: usize = u32::BITS as usize;

/// A bit for each seat that is free.
static FREE: AtomicU32 = AtomicU32::new(u32::MAX);

/// A seat, below [`SEATS`], for nobody else until it is given back.
pub(super) fn take() -> Option<usize> {
    let without_lowest = |free: u32| (free != 0).then(|| free & (free - 1));
    // What others have counted there before is seen from here on.
    let free = FREE.fetch_update(Ordering::Acquire, Ordering::Relaxed, without_lowest).ok()?;
    Some(free.trailing_zeros() as usize)
}

/// Gives a seat back.
pub(super) fn give_back(seat: usize) {
    FREE.fetch_or(1 << seat, Ordering::Release);
}

/// In a child after a fork: the other threads are not here, and theirs are free.
pub(super) fn free_all_but(seat: Option<usize>) {
    FREE.store(seat.map_or(u32::MAX, |seat| !(1 << seat)), Ordering::Relaxed);
}
