//! Calls that change something, done lately: asked again with the same id, they are answered as they were.
//!
//! This is the memory of one node, for what it is doing just now; what has been done is remembered in the store, by all nodes.

use super::turn;
use parking_lot::Mutex;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use zeroize::Zeroizing;

/// An answer as it was sent.
pub(super) type Sent = Arc<Zeroizing<Vec<u8>>>;

/// Calls remembered at most, and bytes of their answers.
const MOST_CALLS: usize = 4096;
const MOST_BYTES: usize = 64 << 20;

/// One call; who asks it again meanwhile waits for its end.
struct Done {
    /// SHA-256 of the whole request: an id guessed or overheard brings nobody another's answer.
    request: [u8; 32],
    answer: Mutex<Option<Sent>>,
}

#[derive(Default)]
struct Calls {
    by_id: HashMap<[u8; 16], Arc<Done>>,
    /// Oldest first, with the bytes of the answer.
    ended: VecDeque<([u8; 16], usize)>,
    bytes: usize,
}

/// The calls.
#[derive(Default)]
pub(super) struct Recent(Mutex<Calls>);

impl Recent {
    /// Does a call, unless it has been done: then its answer. `None` if the id was another request's. `run` tells, too, whether its answer is the
    /// last word; if not, the call is done again when it is asked again.
    pub fn once(
        &self,
        id: [u8; 16],
        request: [u8; 32],
        run: impl FnOnce() -> (Zeroizing<Vec<u8>>, bool),
    ) -> Option<Sent> {
        let new = || Arc::new(Done { request, answer: Mutex::new(None) });
        let done = self.0.lock().by_id.entry(id).or_insert_with(new).clone();
        if done.request != request {
            return None;
        }
        if answer_is_awaited(&done) {
            // The same call is at work: waiting for it takes no processor.
            turn::give_up();
        }
        let mut answer = done.answer.lock();
        if let Some(sent) = &*answer {
            return Some(sent.clone());
        }
        let (sent, is_final) = run();
        let sent = Arc::new(sent);
        if !is_final {
            self.0.lock().by_id.remove(&id);
            return Some(sent);
        }
        *answer = Some(sent.clone());
        self.0.lock().end(id, sent.len());
        Some(sent)
    }
}

fn answer_is_awaited(done: &Done) -> bool {
    done.answer.try_lock().is_none()
}

impl Calls {
    fn end(&mut self, id: [u8; 16], bytes: usize) {
        self.ended.push_back((id, bytes));
        self.bytes = self.bytes.saturating_add(bytes);
        while self.ended.len() > MOST_CALLS || (self.bytes > MOST_BYTES && self.ended.len() > 1) {
            let Some((oldest, bytes)) = self.ended.pop_front() else { return };
            self.by_id.remove(&oldest);
            self.bytes -= bytes;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    fn answer(text: &str) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(text.as_bytes().to_vec())
    }

    #[test]
    fn a_call_asked_twice_is_done_once() {
        let recent = Recent::default();
        let first = recent.once([1; 16], [2; 32], || (answer("first"), true)).unwrap();
        let again = recent.once([1; 16], [2; 32], || panic!("done twice")).unwrap();
        assert_eq!(first, again);
        assert_ne!(recent.once([3; 16], [2; 32], || (answer("other"), true)).unwrap(), first);
    }

    #[test]
    fn a_call_asked_again_while_it_is_at_work_is_done_once() {
        let (recent, done) = (Recent::default(), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    recent.once([1; 16], [2; 32], || {
                        done.fetch_add(1, Ordering::Relaxed);
                        (answer("x"), true)
                    })
                });
            }
        });
        assert_eq!(done.into_inner(), 1);
    }

    #[test]
    fn an_answer_that_is_not_the_last_word_is_not_remembered() {
        let recent = Recent::default();
        recent.once([1; 16], [2; 32], || (answer("not here"), false));
        let again = recent.once([1; 16], [2; 32], || (answer("done"), true)).unwrap();
        assert_eq!(*again, answer("done"));
    }

    #[test]
    fn an_id_of_another_request_brings_no_answer() {
        let recent = Recent::default();
        recent.once([1; 16], [2; 32], || (answer("secret"), true));
        assert_eq!(recent.once([1; 16], [3; 32], || panic!("done")), None);
    }

    #[test]
    fn the_oldest_are_forgotten_before_there_are_too_many() {
        let recent = Recent::default();
        let id = |number: usize| (number as u128).to_be_bytes();
        for number in 0..=MOST_CALLS {
            recent.once(id(number), [0; 32], || (answer("x"), true));
        }
        let calls = recent.0.lock();
        assert_eq!((calls.by_id.len(), calls.bytes), (MOST_CALLS, MOST_CALLS));
        assert!(!calls.by_id.contains_key(&id(0)));
    }
}
