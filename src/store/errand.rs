//! On whose errand a thread is: the request of a cluster's client that its calls are made for.
//!
//! It travels beside the calls, as the span of a log line does, and not through the seam: nothing between the node and the store has to know that there are
//! requests. The store remembers with a change which request has asked for it, so that asking again doesn't make it again.

use std::cell::Cell;

/// A request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Errand {
    /// Its id, drawn by the client.
    pub id: [u8; 16],
    /// SHA-256 of all of it: an id guessed or overheard brings nobody another's answer.
    pub digest: [u8; 32],
}

thread_local! {
    static CURRENT: Cell<Option<Errand>> = const { Cell::new(None) };
}

/// Does `work` on that errand.
pub fn on<T>(errand: Option<Errand>, work: impl FnOnce() -> T) -> T {
    /// Puts back what was before, also when `work` panics.
    struct Before(Option<Errand>);
    impl Drop for Before {
        fn drop(&mut self) {
            CURRENT.set(self.0);
        }
    }
    let _before = Before(CURRENT.replace(errand));
    work()
}

/// The errand this thread is on.
pub(super) fn current() -> Option<Errand> {
    CURRENT.get()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_errand_ends_with_its_work_however_that_ends() {
        let errand = |id| Some(Errand { id: [id; 16], digest: [0; 32] });
        on(errand(1), || {
            assert_eq!(current(), errand(1));
            let panicked = std::panic::catch_unwind(|| on(errand(2), || panic!("on purpose")));
            assert!(panicked.is_err());
            assert_eq!(current(), errand(1));
        });
        assert_eq!(current(), None);
    }
}
