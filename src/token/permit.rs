//! How to see, without asking a token, that it would say again what it has said.

use std::sync::Arc;

/// Something that tells whether anything has changed.
pub trait Watch: Send + Sync {
    /// A number that is another one after each change; `None`: only looking tells.
    fn value(&self) -> Option<u64>;
}

/// Holds as long as nothing has changed since the token looked: whoever might begin an operation then may begin it again.
pub struct Permit {
    watch: Arc<dyn Watch>,
    seen: u64,
}

impl Permit {
    /// `seen`: what `watch` told before the token looked.
    pub fn new(watch: Arc<dyn Watch>, seen: u64) -> Self {
        Permit { watch, seen }
    }

    /// Whether it still holds.
    pub fn holds(&self) -> bool {
        self.watch.value() == Some(self.seen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    struct Told(Mutex<Option<u64>>);

    impl Watch for Told {
        fn value(&self) -> Option<u64> {
            *self.0.lock().unwrap()
        }
    }

    #[test]
    fn a_permit_holds_while_its_watch_proves_that_nothing_has_changed() {
        let watch = Arc::new(Told(Mutex::new(Some(4))));
        let permit = Permit::new(watch.clone(), 4);
        for (told, holds) in [(Some(4), true), (None, false), (Some(6), false), (Some(4), true)] {
            *watch.0.lock().unwrap() = told;
            assert_eq!(permit.holds(), holds, "{told:?}");
        }
    }
}
