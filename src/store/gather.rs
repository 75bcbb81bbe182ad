//! Writing to a store of one machine: callers who come together change it in one transaction, and wait for the disk once.
//!
//! While one batch is on its way to the disk, those who want to change something wait. Then each in turn does its work in one open transaction, and the last
//! of them commits and has it synced for all. Each succeeds or is refused by itself, in a savepoint of its own. No thread is needed for that but the callers'.

use super::connection::{Database, PATIENCE, Slot};
use super::error::{Error, Fault, Result, Step};
use super::settle::Log;
use super::together::{Fate, in_savepoint};
use super::writer::Writer;
use parking_lot::{Condvar, MutexGuard};
use rusqlite::{Connection, ErrorCode};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Most callers in one transaction: other processes wait for its end.
const MOST: usize = 64;

/// Callers on their way to the connection.
#[derive(Default)]
pub(super) struct Queue {
    coming: AtomicUsize,
    /// A batch has been closed, or has reached the disk.
    pub(super) freed: Condvar,
}

/// A transaction that is still open, and those who have done their work in it.
pub(super) struct Batch {
    /// Those who have had their turn.
    members: usize,
    log: Arc<Log>,
    fate: Arc<Fate<Verdict>>,
}

/// What has become of a batch.
#[derive(Clone)]
enum Verdict {
    /// It is on the disk: each hears what its work has come to.
    Kept,
    /// It could not be committed, and nothing has changed. Each is to try again, alone.
    Again,
    /// It could not be committed, or is not known to be on the disk.
    Failed(Error),
}

/// What one caller's turn has come to.
struct Turn<T> {
    /// `None`: what it did was taken back with what others did.
    done: Step<Option<T>>,
    /// That of the batch it is in. Its result may come from what another has changed there, and is true only once that is on the disk; so is a refusal.
    fate: Option<Arc<Fate<Verdict>>>,
    /// The batch, if this caller has closed it and is to have it synced, and the mark of its commit.
    closed: Option<(Batch, Step<u64>)>,
}

impl Database {
    /// Writes: `work` runs under SQLite's write lock, and all of it is durable afterwards, or nothing. It may run more than once. In a store that is
    /// one of several all of it is agreed on.
    pub(super) fn write<T>(&self, work: impl Fn(&Writer<'_>) -> Step<T>) -> Result<T> {
        if let Some(replica) = &self.replica {
            return replica.write(self.path(), work);
        }
        let mut alone = false;
        loop {
            let Turn { done, fate, closed } = self.take_turn(&work, alone);
            if let Some((batch, committed)) = closed {
                self.finish(batch, committed);
            }
            match fate.map(|fate| fate.wait()) {
                Some(Verdict::Kept) => {}
                Some(Verdict::Failed(error)) => return Err(error),
                Some(Verdict::Again) => {
                    alone = true;
                    continue;
                }
                // Refused, by what was there before.
                None => self.settle_seen()?,
            }
            match done.map_err(|fault| fault.at(self.path()))? {
                Some(value) => return Ok(value),
                None => alone = true,
            }
        }
    }

    /// The place of the connection, when no batch is on its way to the disk; for who wants to be alone, when none is open either.
    fn come(&self, alone: bool) -> MutexGuard<'_, Slot> {
        if alone {
            return self.slot_when(|slot| slot.batch.is_none() && !slot.is_on_its_way);
        }
        self.queue.coming.fetch_add(1, Ordering::AcqRel);
        let slot = self.slot_when(|slot| !slot.is_on_its_way);
        self.queue.coming.fetch_sub(1, Ordering::AcqRel);
        slot
    }

    /// Does one caller's work, and closes the batch unless others are coming.
    fn take_turn<T>(&self, work: &impl Fn(&Writer<'_>) -> Step<T>, alone: bool) -> Turn<T> {
        let mut slot = self.come(alone);
        let done = Part { database: self, slot: &mut slot }.take(work);
        let Some(batch) = slot.batch.take() else { return Turn { done, fate: None, closed: None } };
        let fate = Some(batch.fate.clone());
        if !alone && batch.members < MOST && self.queue.coming.load(Ordering::Acquire) > 0 {
            slot.batch = Some(batch);
            return Turn { done, fate, closed: None };
        }
        let committed = self.commit(&slot);
        slot.is_on_its_way = committed.is_ok();
        Turn { done, fate, closed: Some((batch, committed)) }
    }

    /// Ends the transaction; answers the mark by which its sync is known.
    fn commit(&self, slot: &Slot) -> Step<u64> {
        let connection = slot.connection()?;
        let unmoved = || Fault::Told(Error::ReadOnly(self.counter().path().to_path_buf()));
        let committed = self.counter().begin().ok_or_else(unmoved).and_then(|moving| {
            connection.prepare_cached("COMMIT")?.execute(())?;
            Ok(moving.mark())
        });
        if committed.is_err() {
            self.take_back(connection);
        }
        committed
    }

    /// Has a batch synced, and tells all who are in it.
    fn finish(&self, batch: Batch, committed: Step<u64>) {
        let verdict = match committed {
            Ok(mark) => self.settle(mark, &batch.log).map_or_else(Verdict::Failed, |()| Verdict::Kept),
            Err(_) if batch.members > 1 => Verdict::Again,
            Err(fault) => Verdict::Failed(fault.at(self.path())),
        };
        self.slot.lock().is_on_its_way = false;
        self.queue.freed.notify_all();
        batch.fate.decide(verdict);
    }

    /// Begins a transaction; answers the log that it will be in.
    fn begin(&self, slot: &mut Slot) -> Step<Arc<Log>> {
        let connection = slot.connection()?;
        self.mend(connection)?;
        self.take_write_lock(connection)?;
        let log = slot.log(self.path()).map_err(Fault::from);
        let missing = || Fault::Damaged("there is no log".to_owned());
        log.and_then(|log| log.ok_or_else(missing)).inspect_err(|_| {
            if let Some(connection) = &slot.open {
                self.take_back(connection);
            }
        })
    }

    /// SQLite's own way to wait for another process is to sleep for longer and longer.
    fn take_write_lock(&self, connection: &Connection) -> Step<()> {
        let end = Instant::now() + PATIENCE;
        connection.busy_timeout(Duration::ZERO)?;
        let begun = loop {
            let seen = self.counter().raw();
            match connection.prepare_cached("BEGIN IMMEDIATE")?.execute(()) {
                Err(error)
                    if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) && Instant::now() < end =>
                {
                    self.counter().await_writer(seen);
                }
                begun => break begun,
            }
        };
        connection.busy_timeout(PATIENCE)?;
        Ok(begun.map(|_| ())?)
    }

    /// Ends a transaction of which nothing is to stay.
    fn take_back(&self, connection: &Connection) {
        if !connection.is_autocommit()
            && let Err(error) = connection.execute_batch("ROLLBACK")
        {
            log::error!("a change can't be taken back: {error}");
        }
        self.counter().call_next();
    }
}

/// One caller's turn. If it panics, nothing of the batch is kept, and the others try again.
struct Part<'a> {
    database: &'a Database,
    slot: &'a mut Slot,
}

impl Part<'_> {
    fn take<T>(mut self, work: &impl Fn(&Writer<'_>) -> Step<T>) -> Step<Option<T>> {
        let done = self.run(work);
        std::mem::forget(self);
        done
    }

    fn run<T>(&mut self, work: &impl Fn(&Writer<'_>) -> Step<T>) -> Step<Option<T>> {
        self.database.make_ready(self.slot)?;
        if self.database.is_read_only() {
            return Err(Error::ReadOnly(self.database.path().to_path_buf()).into());
        }
        if self.slot.batch.is_none() {
            return self.open_batch(work).map(Some);
        }
        let connection = self.slot.connection()?;
        let done = in_savepoint(connection, || work(&Writer::new(connection)));
        if connection.is_autocommit() {
            // SQLite has ended the transaction by itself, with what the others did.
            self.give_up();
            return Ok(None);
        }
        if let Some(batch) = &mut self.slot.batch {
            batch.members += 1;
        }
        done.map(Some)
    }

    /// Does the work of the first in a batch; there is none if it is refused.
    fn open_batch<T>(&mut self, work: &impl Fn(&Writer<'_>) -> Step<T>) -> Step<T> {
        let log = self.database.begin(self.slot)?;
        let connection = self.slot.connection()?;
        let done = work(&Writer::new(connection));
        match &done {
            Ok(_) => self.slot.batch = Some(Batch { members: 1, log, fate: Arc::default() }),
            Err(_) => self.database.take_back(connection),
        }
        done
    }

    /// Takes back what everybody in the batch did.
    fn give_up(&mut self) {
        if let Some(connection) = &self.slot.open {
            self.database.take_back(connection);
        }
        if let Some(batch) = self.slot.batch.take() {
            batch.fate.decide(Verdict::Again);
        }
        self.database.queue.freed.notify_all();
    }
}

impl Drop for Part<'_> {
    fn drop(&mut self) {
        self.give_up();
    }
}
