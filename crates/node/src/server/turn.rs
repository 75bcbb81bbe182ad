//! A call's turn at the processors: as many calls work at once as is good for those. One that waits for other nodes gives its turn up.

use std::cell::RefCell;
use tokio::sync::OwnedSemaphorePermit;

thread_local! {
    static TURN: RefCell<Option<OwnedSemaphorePermit>> = const { RefCell::new(None) };
}

/// Works with `turn`, which ends with the work or before.
pub(super) fn with<T>(turn: OwnedSemaphorePermit, work: impl FnOnce() -> T) -> T {
    /// Ends the turn also when the work panics.
    struct End;
    impl Drop for End {
        fn drop(&mut self) {
            give_up();
        }
    }
    TURN.set(Some(turn));
    let _end = End;
    work()
}

/// The calling thread's work is to wait now: its turn is another's.
pub(crate) fn give_up() {
    drop(TURN.take());
}
