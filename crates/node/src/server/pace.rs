//! Which calls are so quick that handing them to another thread would cost more than they do: told by how long their like has taken lately.

use cloister::proto::message::Call;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::time::Duration;

/// What is done at once takes less; nobody else on the thread notices.
const QUICK: Duration = Duration::from_micros(150);
/// Data that is worked on at once.
const SMALL: usize = 4096;
/// How wary one is of a mechanism: each slow call adds, since one may be slow because the thread had to wait for a processor, and each quick one
/// takes away. Those from the limit on go to another thread, and are timed there.
const SLOW: u8 = 8;
const LIMIT: u8 = 16;
const MOST: u8 = 32;

/// For each mechanism that has been used: how wary one is of it.
#[derive(Default)]
pub(super) struct Pace(Mutex<HashMap<u64, u8>>);

impl Pace {
    /// Whether `call` may be done at once. It then waits for no other node, and for no disk but to read a record.
    pub fn is_quick(&self, call: &Call) -> bool {
        kind(call).is_some_and(|kind| self.0.lock().get(&kind).is_some_and(|wary| *wary < LIMIT))
    }

    /// One has been done, and how long it took.
    pub fn done(&self, call: &Call, took: Duration) {
        let Some(kind) = kind(call) else { return };
        let mut kinds = self.0.lock();
        let wary = kinds.entry(kind).or_insert(LIMIT);
        *wary = match took < QUICK {
            true => wary.saturating_sub(1),
            false => wary.saturating_add(SLOW).min(MOST),
        };
    }
}

/// The mechanism of an operation on little data.
fn kind(call: &Call) -> Option<u64> {
    match call {
        Call::Run { mechanism, input, .. } if input.len() <= SMALL => Some(mechanism.id()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cloister::mechanism::{Mechanism, Params, Purpose, registry};
    use cloister::proto::message::Place;
    use cloister::token::ObjectId;
    use cryptoki_sys as ck;

    fn run(mechanism: u64, bytes: usize) -> Call {
        let mechanism = Mechanism { row: registry::find(mechanism).unwrap(), params: Params::None };
        let (key, input) = (Place::Stored(ObjectId([1; 16])), vec![0; bytes].into());
        Call::Run { purpose: Purpose::Sign, mechanism: (&mechanism).into(), key, input, signature: None }
    }

    #[test]
    fn only_what_has_been_quick_lately_is_done_at_once() {
        let (pace, call) = (Pace::default(), run(ck::CKM_ECDSA, 32));
        assert!(!pace.is_quick(&call), "nobody knows");
        pace.done(&call, QUICK / 2);
        assert!(pace.is_quick(&call));
        assert!(!pace.is_quick(&run(ck::CKM_RSA_PKCS, 32)), "another mechanism");
        (0..LIMIT).for_each(|_| pace.done(&call, QUICK / 2));
        pace.done(&call, QUICK);
        assert!(pace.is_quick(&call), "once is no habit");
        (0..100).for_each(|_| pace.done(&call, QUICK));
        for _ in LIMIT..=MOST {
            assert!(!pace.is_quick(&call), "it was slow a moment ago");
            pace.done(&call, QUICK / 2);
        }
        assert!(pace.is_quick(&call));
    }

    #[test]
    fn work_on_much_data_and_calls_of_other_kinds_are_never_done_at_once() {
        let pace = Pace::default();
        for call in [run(ck::CKM_ECDSA, SMALL + 1), Call::Info, Call::Random { length: 1 }] {
            pace.done(&call, Duration::ZERO);
            assert!(!pace.is_quick(&call));
        }
    }
}
