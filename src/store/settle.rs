//! Which changes are on the disk.
//!
//! SQLite commits without waiting for the disk (`synchronous=NORMAL`), lets go of its write lock, and only then its log is synced here: so the next writer,
//! of this process or another, commits while the disk is at work, and a sync takes along all that was committed before it began. Nobody, neither who
//! wrote nor who only read, is answered before what the answer rests on is on the disk. docs/store.md tells why that holds.

use super::connection::Database;
use super::counter::{CHANGES, Mapped, REFUSED, SETTLED};
use super::error::{Error, Fault, Result, Step};
use crate::crypto::ffi::disk;
use rusqlite::Connection;
use std::fs::{File, TryLockError};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// How long to stay awake for what is about to be on the disk: about what a quick one takes. Only to wake somebody takes a tenth of that, and more.
pub(super) const SOON: Duration = Duration::from_micros(100);
/// How long to wait for another process's sync.
const LONG: Duration = Duration::from_millis(20);

/// SQLite's log beside a database. Its locks are on the database and on `-shm`, so opening and closing this file takes none away.
pub(super) struct Log {
    file: File,
    /// What a test has happen at each sync.
    #[cfg(test)]
    pub(super) hook: parking_lot::Mutex<Option<Hook>>,
}

#[cfg(test)]
pub(super) type Hook = Box<dyn FnMut() -> io::Result<()> + Send>;

impl Log {
    /// Opens the log of the database in `file`; `None` if there is none. Before anything is written that is to be synced through it: the
    /// kernel tells a descriptor of the failures since it was opened only.
    pub(super) fn open(file: &Path) -> io::Result<Option<Log>> {
        match File::open(beside(file)) {
            Ok(file) => Ok(Some(Log {
                file,
                #[cfg(test)]
                hook: Default::default(),
            })),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Sets the disk to work on what has been written to it.
    fn begin(&self) -> io::Result<()> {
        disk::begin_writing(&self.file)
    }

    /// Returns when all that has been written to it, by whatever process, is on the disk.
    pub(super) fn sync(&self) -> io::Result<()> {
        #[cfg(test)]
        if let Some(hook) = &mut *self.hook.lock() {
            hook()?;
        }
        self.file.sync_data()
    }
}

impl Database {
    /// Returns when all that could be read until now is on the disk.
    pub(super) fn settle_seen(&self) -> Result<()> {
        if self.replica.is_some() {
            // It is in the cluster's log, durably, before it is here.
            return Ok(());
        }
        let seen = self.counter().mapped().map(|counters| counters.load(CHANGES));
        // An odd one: what is being committed may have been seen.
        let mark = seen.map(|seen| seen.saturating_add(seen % 2));
        if self.is_settled(mark) {
            return Ok(());
        }
        let log = self.take_slot().log(self.path())?;
        log.map_or(Ok(()), |log| self.sync(mark, &log, || ()))
    }

    /// Returns when the commit with this mark is on the disk. `begins`: it is its turn, and the next one may be committed.
    pub(super) fn settle(&self, mark: u64, log: &Log, begins: impl FnOnce()) -> Result<()> {
        self.sync(Some(mark), log, begins)
    }

    /// Sets the disk to work on what has been committed, which is to be settled next.
    pub(super) fn begin_settling(&self, log: &Log) -> Result<()> {
        log.begin().map_err(|error| self.refuse_settling(&error))
    }

    /// The disk has refused what was written.
    fn refuse_settling(&self, error: &io::Error) -> Error {
        if let Some(counters) = self.counter().mapped() {
            counters.raise(REFUSED, counters.load(REFUSED).saturating_add(1));
        }
        refused(self.path(), error)
    }

    /// Returns when all that has been committed is on the disk.
    pub(super) fn settle_all(&self, log: &Log) -> Result<()> {
        self.sync(None, log, || ())
    }

    /// Brings all that the log holds into the database, on the disk, and answers the log, which is empty. The kernel tells a descriptor of no failure that
    /// another has been told of before: what the log has held was never synced by the answer's, and what comes is.
    pub(super) fn renew_log(&self) -> Result<Arc<Log>> {
        let mut slot = self.take_slot();
        self.make_ready(&mut slot)?;
        slot.connection()
            .and_then(|connection| self.empty_log(connection))
            .map_err(|fault| fault.at(self.path()))?;
        let missing = || Fault::Damaged("there is no log".to_owned()).at(self.path());
        slot.log(self.path())?.ok_or_else(missing)
    }

    fn is_settled(&self, mark: Option<u64>) -> bool {
        let (Some(mark), Some(counters)) = (mark, self.counter().mapped()) else { return false };
        let settled = counters.load(SETTLED).max(self.settled.load(Ordering::Acquire));
        settled >= mark && counters.load(REFUSED) == 0
    }

    /// Whoever syncs first, in whatever process, does it for all whose commits have come before.
    fn sync(&self, mark: Option<u64>, log: &Log, begins: impl FnOnce()) -> Result<()> {
        let _turn = self.syncing.lock();
        let Some(counters) = self.counter().mapped() else {
            begins();
            return log.sync().map_err(|error| refused(self.path(), &error));
        };
        let turn = self.await_turn(counters, mark, log);
        begins();
        let Some(turn) = turn else { return Ok(()) };
        loop {
            let committed = counters.load(CHANGES);
            if counters.load(REFUSED) == 0
                && let Err(error) = log.sync()
            {
                return Err(self.refuse_settling(&error));
            }
            if counters.load(REFUSED) == 0 {
                turn.end(|| self.settled_at(counters, committed));
                return Ok(());
            }
            // A sync that comes after one that has failed proves nothing: the kernel forgets what it has told.
            self.mend_now()?;
            // Another process may have mended it just now, and the commit have come after that.
            if self.is_settled(mark) {
                return Ok(());
            }
        }
    }

    fn mend_now(&self) -> Result<()> {
        let mut slot = self.take_slot();
        self.make_ready(&mut slot)?;
        slot.connection().and_then(|connection| self.mend(connection)).map_err(|fault| fault.at(self.path()))
    }

    /// The turn among the processes, or `None` if another has synced meanwhile what bears this mark. One that holds its turn for long is stopped, or has a
    /// slow disk: nobody has to wait for it.
    fn await_turn<'a>(&self, counters: &'a Mapped, mark: Option<u64>, log: &'a Log) -> Option<Turn<'a>> {
        let began = Instant::now();
        loop {
            let settled = counters.load(SETTLED);
            if self.is_settled(mark) {
                return None;
            }
            let lock = log.file.try_lock();
            let is_others = matches!(lock, Err(TryLockError::WouldBlock));
            if !is_others || began.elapsed() >= LONG {
                return Some(Turn { counters, log, is_ours: lock.is_ok() });
            }
            if began.elapsed() < SOON {
                std::thread::yield_now();
            } else {
                counters.wait(SETTLED, settled, LONG);
            }
        }
    }

    /// After a sync that has failed: what was committed lies in the log, but perhaps not on the disk, and nothing may be written behind it there. So the log is emptied.
    /// No transaction is open on the connection.
    pub(super) fn mend(&self, connection: &Connection) -> Step<()> {
        match self.counter().mapped() {
            Some(counters) if counters.load(REFUSED) > 0 => self.empty_log(connection),
            _ => Ok(()),
        }
    }

    /// Brings all of the log into the database, which SQLite syncs; the log begins anew. No transaction is open on the connection.
    fn empty_log(&self, connection: &Connection) -> Step<()> {
        let before = self
            .counter()
            .mapped()
            .map(|counters| (counters, counters.load(REFUSED), counters.load(CHANGES)));
        let sql = "PRAGMA wal_checkpoint(TRUNCATE)";
        let is_busy: bool = connection.query_row(sql, (), |row| row.get(0))?;
        if is_busy {
            return Err(Fault::Damaged("the log can't be emptied".to_owned()));
        }
        if let Some((counters, refusals, committed)) = before {
            self.settled_at(counters, committed);
            counters.exchange(REFUSED, refusals, 0);
        }
        Ok(())
    }

    /// What was committed when the change counter stood there, or before, is on the disk.
    fn settled_at(&self, counters: &Mapped, committed: u64) {
        self.settled.fetch_max(committed, Ordering::AcqRel);
        counters.raise(SETTLED, committed);
    }
}

/// One process's turn to sync.
struct Turn<'a> {
    counters: &'a Mapped,
    log: &'a Log,
    is_ours: bool,
}

impl Turn<'_> {
    /// Ends it, then tells what is settled: who were told of that while the turn is taken would find no news to wait for.
    fn end(mut self, tell: impl FnOnce()) {
        self.give_back();
        tell();
    }

    fn give_back(&mut self) {
        if std::mem::take(&mut self.is_ours)
            && let Err(error) = self.log.file.unlock()
        {
            log::error!("the lock on the log can't be given back: {error}");
        }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.give_back();
        self.counters.wake(SETTLED, i32::MAX);
    }
}

/// The disk has not taken what was written.
fn refused(path: &Path, error: &io::Error) -> Error {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Error::Full(path.to_path_buf()),
        _ => {
            let why = format!("the disk has not taken what was written, which may be kept or lost: {error}");
            Error::Failed(path.to_path_buf(), why)
        }
    }
}

/// Where SQLite keeps the log of the database in `file`.
pub(super) fn beside(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push("-wal");
    PathBuf::from(name)
}
