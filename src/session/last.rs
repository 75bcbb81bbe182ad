//! The session that a thread used last: most threads use one only. To find it again takes no lock, and no counter that several threads change.
//!
//! What is remembered may have been closed since, or belong to a library that has ended, also in the parent of a fork. Such a session has
//! nothing in it any more, and is not answered.

use super::{Handle, Library, Session};
use crate::error::Result;
use std::cell::Cell;
use std::sync::Arc;

/// What one thread remembers.
pub struct Last(Cell<Option<Remembered>>);

struct Remembered {
    /// Number of the library that it is a session of.
    library: u64,
    session: Arc<Session>,
}

impl Default for Last {
    fn default() -> Self {
        Last::new()
    }
}

impl Last {
    /// Nothing yet.
    pub const fn new() -> Self {
        Last(Cell::new(None))
    }

    /// Runs `body` with an open session of `library`, or answers `SessionHandleInvalid`.
    pub fn with_session<R>(
        &self,
        library: &Library,
        handle: Handle,
        body: impl FnOnce(&Session) -> Result<R>,
    ) -> Result<R> {
        // Out of its place while it is used: a call from within a call finds none.
        let remembered = match self.0.take() {
            Some(last) if last.is(library, handle) => last,
            _ => Remembered { library: library.number(), session: library.session(handle)? },
        };
        let result = body(&remembered.session);
        self.0.set(Some(remembered));
        result
    }

    /// Remembers nothing any more.
    pub fn forget(&self) {
        self.0.set(None);
    }
}

impl Remembered {
    fn is(&self, library: &Library, handle: Handle) -> bool {
        self.library == library.number() && self.session.handle == handle && !self.session.is_closed()
    }
}
