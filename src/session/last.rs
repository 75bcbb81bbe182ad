//! The session that a thread used last: most threads use one only. To find it again takes no lock, and no counter that several threads change.
//!
//! What is remembered may have been closed since, or belong to a library that has ended, also in the parent of a fork. Such a session has
//! nothing in it any more, and is not answered.

use super::{Handle, Session};
use std::cell::Cell;
use std::ops::Deref;
use std::sync::Arc;

/// A session during one call; the thread remembers it afterwards.
pub struct InUse(Option<Remembered>);

struct Remembered {
    /// Number of the library that it is a session of.
    library: u64,
    session: Arc<Session>,
}

thread_local! {
    static LAST: Cell<Option<Remembered>> = const { Cell::new(None) };
}

/// The open session with that handle, if this thread used no other since.
pub(super) fn recall(library: u64, handle: Handle) -> Option<InUse> {
    // Out of its place while it is used: a call from within a call finds none.
    let last = LAST.try_with(Cell::take).ok().flatten()?;
    let found = last.library == library && last.session.handle == handle && !last.session.is_closed();
    found.then_some(InUse(Some(last)))
}

impl InUse {
    /// A session that was looked up.
    pub(super) fn new(library: u64, session: Arc<Session>) -> Self {
        InUse(Some(Remembered { library, session }))
    }
}

impl Deref for InUse {
    type Target = Session;
    fn deref(&self) -> &Session {
        // invariant: taken out only when it is dropped.
        &self.0.as_ref().expect("a session in use").session
    }
}

impl Drop for InUse {
    fn drop(&mut self) {
        // Without thread-local storage the thread is about to end, and remembers nothing.
        let _ = LAST.try_with(|last| last.set(self.0.take()));
    }
}
