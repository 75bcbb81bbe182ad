//! The way in and out of every exported function: is there a library, the panic boundary, the log line, and the
//! number the caller gets.
//!
//! Where several things are wrong with a call, the order is the standard's (section 5.1): no library, then no such
//! session, then the arguments.

use super::lifecycle::LIBRARY;
use super::thread;
use crate::error::{Error, Result};
use crate::session::{Handle, Library, Session, Turn};
use cryptoki_sys as ck;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// A function that may be called before `C_Initialize`.
pub(super) fn open(name: &'static str, body: impl FnOnce() -> Result<()>) -> ck::CK_RV {
    // What a panic leaves behind is consistent: the layers below change their state only when a step has succeeded.
    let result = catch_unwind(AssertUnwindSafe(body));
    leave(name, result.unwrap_or_else(|_| Err(broken(name))))
}

/// A function that needs the library.
pub(super) fn library(name: &'static str, body: impl FnOnce(&Library) -> Result<()>) -> ck::CK_RV {
    open(name, || thread::with(|thread| body(&*LIBRARY.enter(thread)?)))
}

/// A function that works in a session.
pub(super) fn session(
    name: &'static str,
    session: Handle,
    body: impl FnOnce(&Session) -> Result<()>,
) -> ck::CK_RV {
    open(name, || thread::with(|thread| thread.last.with_session(&*LIBRARY.enter(thread)?, session, body)))
}

/// A function all of whose work is done in a session's turn: it need not enter the library if the session is the one that the thread used last.
pub(super) fn turn(
    name: &'static str,
    session: Handle,
    body: impl FnOnce(&mut Turn<'_>) -> Result<()>,
) -> ck::CK_RV {
    open(name, || {
        thread::with(|thread| {
            thread.last.with_turn(session, || LIBRARY.number(), || LIBRARY.enter(thread), body)
        })
    })
}

#[inline]
fn leave(name: &'static str, result: Result<()>) -> ck::CK_RV {
    match result {
        Ok(()) => {
            log::trace!("{name}: CKR_OK");
            ck::CKR_OK
        }
        Err(error) => {
            log::debug!("{name}: {error}");
            error.rv()
        }
    }
}

/// Says that a call panicked, but not with what: the message may hold a value.
#[cold]
fn broken(name: &'static str) -> Error {
    log::error!("{name}: an internal check failed; the call was given up");
    Error::GeneralError
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_a_general_error() {
        // Unwinds as a panic does, without its message.
        let rv = open("C_Test", || std::panic::resume_unwind(Box::new("secret")));
        assert_eq!(rv, ck::CKR_GENERAL_ERROR);
    }

    #[test]
    fn results_become_the_standards_numbers() {
        assert_eq!(open("C_Test", || Ok(())), ck::CKR_OK);
        assert_eq!(open("C_Test", || Err(Error::PinLocked)), ck::CKR_PIN_LOCKED);
    }
}
