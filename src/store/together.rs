//! Several callers' changes in one transaction: what the ways to write have in common.

use super::error::Step;
use parking_lot::{Condvar, Mutex};
use rusqlite::Connection;

/// What becomes of what several have done together: decided by one of them, waited for by all.
pub(super) struct Fate<T> {
    decided: Mutex<Option<T>>,
    told: Condvar,
}

impl<T> Default for Fate<T> {
    fn default() -> Self {
        Fate { decided: Mutex::new(None), told: Condvar::new() }
    }
}

impl<T: Clone> Fate<T> {
    /// Decides it, or decides otherwise.
    pub(super) fn decide(&self, verdict: T) {
        *self.decided.lock() = Some(verdict);
        self.told.notify_all();
    }

    /// The verdict, when there is one.
    pub(super) fn wait(&self) -> T {
        let mut decided = self.decided.lock();
        loop {
            if let Some(verdict) = &*decided {
                return verdict.clone();
            }
            self.told.wait(&mut decided);
        }
    }
}

/// Runs `work`; where it fails, nothing of it stays in the transaction.
pub(super) fn in_savepoint<T>(connection: &Connection, work: impl FnOnce() -> Step<T>) -> Step<T> {
    let run = |sql: &str| connection.prepare_cached(sql)?.execute(()).map(|_| ());
    run("SAVEPOINT draft")?;
    match work() {
        Ok(value) => {
            run("RELEASE draft")?;
            Ok(value)
        }
        Err(fault) => {
            // After some failures SQLite has ended the whole transaction itself.
            if !connection.is_autocommit() {
                run("ROLLBACK TO draft")?;
                run("RELEASE draft")?;
            }
            Err(fault)
        }
    }
}
