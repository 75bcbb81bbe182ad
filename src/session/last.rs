//! The session that a thread used last: most threads use one only. To find it again takes no lock, and no counter that several threads change.
//!
//! What is remembered may have been closed since, or belong to a library that has ended, also in the parent of a fork. Such a session has
//! nothing in it any more, and is not answered.

use super::{Handle, Library, Session, Turn};
use crate::error::Result;
use std::cell::{RefCell, RefMut};
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{Ordering, compiler_fence};

/// What one thread remembers. It stays in its place while calls use it, and a signal handler that calls in meanwhile finds it borrowed: it may use it too,
/// but changes it only if no call is there.
pub struct Last(RefCell<Option<Remembered>>);

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
        Last(RefCell::new(None))
    }

    /// Runs `body` with an open session of `library`, or answers `SessionHandleInvalid`.
    pub fn with_session<R>(
        &self,
        library: &Library,
        handle: Handle,
        body: impl FnOnce(&Session) -> Result<R>,
    ) -> Result<R> {
        // A call from within a call remembers nothing.
        let Some(mut place) = self.place() else { return body(&*library.session(handle)?) };
        let remembered = match place.0.take() {
            Some(last) if last.is(library, handle) => last,
            _ => Remembered { library: library.number(), session: library.session(handle)? },
        };
        body(&place.0.insert(remembered).session)
    }

    /// Runs `body` with the turn of an open session. If it is the one remembered, and nobody else has its turn, then without a `Library`: all that the
    /// session needs lives as long as it does, and who ends the library, or lets the process fork, waits for the turns of its sessions. Those
    /// who wait have seen to it before that `current` is another number. Every other case is for who enters.
    ///
    /// `current`: the number of the library of the moment that it is asked, sequentially consistent. `enter`: goes into the library, or
    /// answers why not.
    #[inline]
    pub fn with_turn<L: Deref<Target = Library>, R>(
        &self,
        handle: Handle,
        current: impl FnOnce() -> u64,
        enter: impl FnOnce() -> Result<L>,
        body: impl FnOnce(&mut Turn<'_>) -> Result<R>,
    ) -> Result<R> {
        let Ok(place) = self.0.try_borrow().map(Fenced::new) else {
            return self.with_turn_inside(handle, enter, body);
        };
        let Some(mut turn) = place.0.as_ref().and_then(|last| last.try_turn(handle, current)) else {
            drop(place);
            return self.with_turn_inside(handle, enter, body);
        };
        body(&mut turn)
    }

    /// What is remembered, for this call to change; `None` if it is one from within another.
    fn place(&self) -> Option<Fenced<RefMut<'_, Option<Remembered>>>> {
        self.0.try_borrow_mut().ok().map(Fenced::new)
    }

    #[cold]
    fn with_turn_inside<L: Deref<Target = Library>, R>(
        &self,
        handle: Handle,
        enter: impl FnOnce() -> Result<L>,
        body: impl FnOnce(&mut Turn<'_>) -> Result<R>,
    ) -> Result<R> {
        self.with_session(&*enter()?, handle, |session| body(&mut session.turn()?))
    }

    /// Remembers nothing any more.
    pub fn forget(&self) {
        if let Some(mut place) = self.place() {
            *place.0 = None;
        }
    }
}

/// What is borrowed, in the eyes of a signal handler too: the compiler moves no look at it and no change out of the time between. Every way out
/// of a call goes by the end of this.
struct Fenced<B>(B);

impl<B> Fenced<B> {
    #[inline]
    fn new(borrowed: B) -> Self {
        compiler_fence(Ordering::SeqCst);
        Fenced(borrowed)
    }
}

impl<B> Drop for Fenced<B> {
    #[inline]
    fn drop(&mut self) {
        // Given back behind this.
        compiler_fence(Ordering::SeqCst);
    }
}

impl Remembered {
    /// Its turn, if it is this one and it can be had at once.
    #[inline]
    fn try_turn(&self, handle: Handle, current: impl FnOnce() -> u64) -> Option<Turn<'_>> {
        if self.session.handle != handle {
            return None;
        }
        let turn = self.session.try_turn()?;
        // Asked while the turn is held: who has changed it before finds the turn taken, and waits.
        (current() == self.library).then_some(turn)
    }

    fn is(&self, library: &Library, handle: Handle) -> bool {
        self.library == library.number() && self.session.handle == handle && !self.session.is_closed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, TokenSettings};
    use crate::error::Error;

    /// A library with a token, and a session of it that was used last.
    fn used(folder: &std::path::Path, last: &Last) -> (Library, Handle) {
        let token = TokenSettings { argon2_memory_kib: 8, argon2_passes: 1, ..TokenSettings::default() };
        let library = Library::new(Config { token, ..Config::with_data_dir(folder.to_owned()) }).unwrap();
        library.slot(0).unwrap().init_token(b"officer-pin", "test").unwrap();
        let session = library.open_session(0, true).unwrap();
        last.with_session(&library, session, |_| Ok(())).unwrap();
        (library, session)
    }

    /// Whether a call got its turn without entering the library, which answers `GeneralError` here.
    fn stays_outside(last: &Last, handle: Handle, current: u64) -> bool {
        match last.with_turn(handle, || current, || Err::<&Library, _>(Error::GeneralError), |_| Ok(())) {
            Ok(()) => true,
            Err(error) => {
                assert_eq!(error, Error::GeneralError);
                false
            }
        }
    }

    #[test]
    fn the_session_used_last_needs_no_library_while_the_number_is_its_own() {
        let (folder, last) = (tempfile::tempdir().unwrap(), Last::new());
        let (library, session) = used(folder.path(), &last);
        assert!(stays_outside(&last, session, library.number()));
        assert!(stays_outside(&last, session, library.number()), "and again");
        for other in [0, library.number() + 1] {
            assert!(!stays_outside(&last, session, other), "ended, forking, or another library");
        }
        assert!(!stays_outside(&last, session + 1, library.number()), "another session");
        assert!(!stays_outside(&Last::new(), session, library.number()), "another thread");
        last.forget();
        assert!(!stays_outside(&last, session, library.number()), "forgotten");
    }

    #[test]
    fn a_session_that_is_closed_or_taken_is_for_who_enters() {
        let (folder, last) = (tempfile::tempdir().unwrap(), Last::new());
        let (library, handle) = used(folder.path(), &last);
        let session = library.session(handle).unwrap();
        let turn = session.turn().unwrap();
        assert!(!stays_outside(&last, handle, library.number()), "taken");
        drop(turn);
        assert!(stays_outside(&last, handle, library.number()));
        library.close_session(handle).unwrap();
        assert!(!stays_outside(&last, handle, library.number()), "closed");
    }

    #[test]
    fn the_number_is_asked_while_the_turn_is_held_and_the_turn_lasts_as_long_as_the_call() {
        let (folder, last) = (tempfile::tempdir().unwrap(), Last::new());
        let (library, handle) = used(folder.path(), &last);
        let current = || {
            assert!(!library.is_at_rest(), "when it is asked");
            library.number()
        };
        let nobody = || Err::<&Library, _>(Error::GeneralError);
        let body = |_: &mut Turn<'_>| {
            assert!(!library.is_at_rest(), "during the call");
            Ok(())
        };
        last.with_turn(handle, current, nobody, body).unwrap();
        assert!(library.is_at_rest(), "after it");
    }

    #[test]
    fn a_call_from_within_a_call_enters_the_library() {
        let (folder, last) = (tempfile::tempdir().unwrap(), Last::new());
        let (library, handle) = used(folder.path(), &last);
        let other = library.open_session(0, true).unwrap();
        let within = |_: &mut Turn<'_>| {
            assert!(!stays_outside(&last, other, library.number()));
            last.with_turn(other, || library.number(), || Ok(&library), |_| Ok(()))
        };
        let nobody = || Err::<&Library, _>(Error::GeneralError);
        last.with_turn(handle, || library.number(), nobody, within).unwrap();
        assert!(stays_outside(&last, handle, library.number()), "the outer call's session is the last one");
    }

    #[test]
    fn a_call_from_within_one_that_may_change_what_is_remembered_is_answered_and_changes_nothing() {
        let (folder, last) = (tempfile::tempdir().unwrap(), Last::new());
        let (library, handle) = used(folder.path(), &last);
        let other = library.open_session(0, true).unwrap();
        let within = |_: &Session| {
            last.forget();
            for called in [handle, other] {
                assert!(!stays_outside(&last, called, library.number()));
                last.with_turn(called, || library.number(), || Ok(&library), |_| Ok(()))?;
                last.with_session(&library, called, |_| Ok(()))?;
            }
            Ok(())
        };
        last.with_session(&library, handle, within).unwrap();
        assert!(stays_outside(&last, handle, library.number()), "still the last one");
        let within = |_: &mut Turn<'_>| {
            last.forget();
            last.with_session(&library, other, |_| Ok(()))
        };
        last.with_turn(handle, || library.number(), || Ok(&library), within).unwrap();
        assert!(stays_outside(&last, handle, library.number()), "and still");
    }

    #[test]
    fn a_call_that_panics_gives_back_what_it_borrowed() {
        let (folder, last) = (tempfile::tempdir().unwrap(), Last::new());
        let (library, handle) = used(folder.path(), &last);
        let caught = |call: &dyn Fn() -> Result<()>| {
            assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(call)).is_err());
        };
        // Unwind as panics do, without their messages.
        let unwind = || std::panic::resume_unwind(Box::new(()));
        caught(&|| last.with_session(&library, handle, |_| unwind()));
        assert!(stays_outside(&last, handle, library.number()));
        let number = || library.number();
        caught(&|| last.with_turn(handle, number, || Ok(&library), |_| unwind()));
        assert!(stays_outside(&last, handle, library.number()) && library.is_at_rest());
        last.forget();
        assert!(!stays_outside(&last, handle, library.number()), "to be changed again");
    }
}
