//! Writing to a store of one machine: one transaction at a time, synced when the write lock is free again.
//!
//! Callers who come together share a transaction and the wait for the disk: they leave their work in a queue, and one of them, the leader, does all of it. As soon as the
//! disk begins with that, the next leader begins with what has come meanwhile, so that processor and disk work at the same time. Each succeeds or is refused by itself.
//! No thread is needed for that but the callers'. Processes do the same for each other, as far as they add objects ([`others`]).

use super::connection::{Database, PATIENCE, Slot};
use super::counter::Moved;
use super::error::{Error, Fault, Result, Step};
use super::objects::Lot;
use super::settle::Log;
use super::together::{Fate, in_savepoint};
use super::tray::{Taken, Tray};
use super::writer::Writer;
use parking_lot::Mutex;
use rusqlite::{Connection, ErrorCode};
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

mod others;

#[cfg(test)]
mod tests;

/// Most changes in one transaction: other processes wait for its end.
const MOST: usize = 64;

/// What a transaction changes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Objects, and nothing that a login rests on.
    Objects,
    Any,
}

/// Work that may be done by another thread than the one that waits for it.
type Work = Box<dyn Fn(&Writer<'_>) -> Step<()> + Send>;

/// The work of those who wait.
#[derive(Default)]
pub(super) struct Queue(Mutex<Waiting>);

#[derive(Default)]
struct Waiting {
    jobs: VecDeque<Job>,
    /// Somebody leads, and sees to it that somebody else does as long as there are jobs.
    is_led: bool,
}

struct Job {
    work: Work,
    /// What another process needs to do it, and what this one needs to do others'.
    lot: Option<Lot>,
    fate: Arc<Fate<Call>>,
}

/// What one who waits is told.
#[derive(Clone)]
enum Call {
    /// Do the work that waits, your own too.
    Lead,
    /// What your work has come to.
    Done(Result<Option<Moved>>),
}

/// A transaction that is committed, and not yet on the disk.
struct Committed<T> {
    value: T,
    moved: Moved,
    log: Arc<Log>,
}

impl Database {
    /// Writes: `work` runs under SQLite's write lock, and all of it is durable afterwards, or nothing. In a store that is one of several it may
    /// run more than once, and all of it is agreed on.
    pub(super) fn write<T>(&self, work: impl Fn(&Writer<'_>) -> Step<T>) -> Result<T> {
        if let Some(replica) = &self.replica {
            return replica.write(self.path(), work);
        }
        match self.transact(Kind::Any, |writer| work(writer), || ()) {
            Ok(Committed { value, moved, log }) => self.settle(moved.to, &log, || ()).map(|()| value),
            // A refusal too rests on what was read.
            Err(fault) => self.settle_seen().and(Err(fault.at(self.path()))),
        }
    }

    /// Changes objects, and nothing else, together with others who come at the same time. `work` may run more than once, and in another thread; or another
    /// process adds the new objects of the `lot`. Answers how that has moved the change counter; `None`: nobody knows.
    pub(super) fn write_together(
        &self,
        lot: Option<Lot>,
        work: impl Fn(&Writer<'_>) -> Step<()> + Send + 'static,
    ) -> Result<Option<Moved>> {
        if let Some(replica) = &self.replica {
            return replica.write(self.path(), work).map(|()| None);
        }
        let fate = Arc::new(Fate::default());
        let is_first = {
            let mut waiting = self.queue.0.lock();
            waiting.jobs.push_back(Job { work: Box::new(work), lot, fate: fate.clone() });
            !std::mem::replace(&mut waiting.is_led, true)
        };
        if is_first {
            self.lead();
        }
        loop {
            match fate.wait() {
                Call::Lead => self.lead(),
                Call::Done(done) => return done,
            }
        }
    }

    /// Does what waits, and calls the next leader when it is the disk's turn.
    fn lead(&self) {
        let jobs: Vec<Job> = {
            let mut waiting = self.queue.0.lock();
            let most = waiting.jobs.len().min(MOST);
            waiting.jobs.drain(..most).collect()
        };
        let led = Led { database: self, jobs: &jobs, is_over: Cell::new(false) };
        let done = self.do_together(&jobs, &|| led.pass_on());
        drop(led);
        for (Job { work, lot, fate }, done) in jobs.into_iter().zip(done) {
            // Before its caller goes on: they hold the caller's keys.
            drop((work, lot));
            fate.decide(Call::Done(done));
        }
    }

    /// What each of the jobs has come to, when all of them are on the disk. `committed`: they are, and it is their turn to be synced.
    fn do_together(&self, jobs: &[Job], committed: &dyn Fn()) -> Vec<Result<Option<Moved>>> {
        let tray = self.tray();
        let mut lead = tray.and_then(Tray::lead);
        if lead.is_some() {
            tray.into_iter().for_each(Tray::let_others_come);
        }
        if let (Some(tray), None) = (tray, &lead) {
            if let [job] = jobs
                && let Some(done) = self.leave(tray, job)
            {
                return vec![done];
            }
            lead = Some(tray.lead_anyway());
        }
        let pass_on = || {
            committed();
            if let Some(lead) = &lead {
                lead.pass_on();
            }
        };
        self.do_here(jobs, &pass_on)
    }

    /// The same by this process, with what others have left.
    fn do_here(&self, jobs: &[Job], committed: &dyn Fn()) -> Vec<Result<Option<Moved>>> {
        let is_new = |job: &Job| job.lot.as_ref().is_some_and(|lot| lot.new.is_some());
        if jobs.len() > 1 && !jobs.iter().all(is_new) {
            return self.do_apart(jobs, committed);
        }
        let served = RefCell::default();
        let work = |writer: &Writer<'_>| self.do_all(writer, jobs, &served);
        let tell = || served.borrow().iter().for_each(Taken::committed);
        let done = self.transact(Kind::Objects, work, tell);
        let served: Vec<Taken<'_>> = served.into_inner();
        let count = jobs.len().saturating_add(served.len());
        match done {
            Ok(Committed { moved, log, .. }) => {
                let begun = if served.is_empty() { Ok(()) } else { self.begin_settling(&log) };
                let kept = begun.and_then(|()| {
                    // They get up while the disk is at work, not after it.
                    served.iter().for_each(Taken::stir);
                    self.settle(moved.to, &log, committed)
                });
                if let (Some(tray), false) = (self.tray(), served.is_empty()) {
                    tray.note_shared();
                }
                if kept.is_ok() {
                    served.into_iter().for_each(Taken::done);
                }
                vec![kept.map(|()| Some(moved.shared_by(count))); jobs.len()]
            }
            // Nothing has changed. What can't be done together may be possible one by one; but nobody waits for the write lock twice.
            Err(fault) => match fault.at(self.path()) {
                error if count == 1 || matches!(error, Error::Busy(_)) => self.refuse(jobs, error),
                _ => {
                    drop(served);
                    self.do_apart(jobs, committed)
                }
            },
        }
    }

    /// The same where each may be refused by itself, and without what others have left.
    fn do_apart(&self, jobs: &[Job], committed: &dyn Fn()) -> Vec<Result<Option<Moved>>> {
        let tell = |fault: Fault| fault.at(self.path());
        match self.transact(Kind::Objects, |writer| do_each(writer, jobs), || ()) {
            Ok(Committed { value, moved, log }) => {
                let kept = self.settle(moved.to, &log, committed).map(|()| Some(moved.shared_by(jobs.len())));
                let told = |done: Step<()>| kept.clone().and_then(|kept| done.map(|()| kept).map_err(tell));
                value.into_iter().map(told).collect()
            }
            Err(fault) => match tell(fault) {
                error if jobs.len() == 1 || matches!(error, Error::Busy(_)) => self.refuse(jobs, error),
                _ => jobs.chunks(1).flat_map(|job| self.do_apart(job, &|| ())).collect(),
            },
        }
    }

    /// A refusal too rests on what was read.
    fn refuse(&self, jobs: &[Job], error: Error) -> Vec<Result<Option<Moved>>> {
        vec![self.settle_seen().and(Err(error)); jobs.len()]
    }

    /// `committed` is told of it before anybody is who waits for the write lock.
    fn transact<T>(
        &self,
        kind: Kind,
        work: impl FnOnce(&Writer<'_>) -> Step<T>,
        committed: impl FnOnce(),
    ) -> Step<Committed<T>> {
        let mut slot = self.slot.lock();
        self.make_ready(&mut slot)?;
        if self.is_read_only() {
            return Err(Error::ReadOnly(self.path().to_path_buf()).into());
        }
        self.mend(slot.connection()?)?;
        let transaction = self.begin(&mut slot)?;
        let log = transaction.log()?;
        let connection = transaction.slot.connection()?;
        let value = work(&Writer::new(connection, self.format_on(connection)?))?;
        let moved = transaction.commit(kind)?;
        committed();
        if let Some(connection) = &slot.open {
            self.tidy(connection, slot.commits);
        }
        slot.commits = slot.commits.wrapping_add(1);
        Ok(Committed { value, moved, log })
    }

    /// Begins a transaction that may write.
    fn begin<'a>(&'a self, slot: &'a mut Slot) -> Step<Transaction<'a>> {
        self.take_write_lock(slot.connection()?)?;
        let transaction = Transaction { database: self, slot };
        self.answer_unanswered(transaction.slot.connection()?)?;
        Ok(transaction)
    }

    /// SQLite's own way to wait for another process is to sleep for longer and longer.
    fn take_write_lock(&self, connection: &Connection) -> Step<()> {
        let end = Instant::now() + PATIENCE;
        connection.busy_timeout(Duration::ZERO)?;
        let begun = loop {
            let seen = self.counter().raw();
            let begun = connection.prepare_cached("BEGIN IMMEDIATE")?.execute(());
            let is_busy =
                |error: &rusqlite::Error| error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy);
            if !begun.as_ref().is_err_and(is_busy) || Instant::now() >= end {
                break begun;
            }
            self.counter().await_writer(seen);
        };
        connection.busy_timeout(PATIENCE)?;
        Ok(begun.map(|_| ())?)
    }
}

/// What each of the jobs has come to in a transaction; an error if that can't stand.
fn do_each(writer: &Writer<'_>, jobs: &[Job]) -> Step<Vec<Step<()>>> {
    let mut done = Vec::with_capacity(jobs.len());
    for job in jobs {
        let one = in_savepoint(writer, || (job.work)(writer));
        if writer.is_autocommit() {
            // SQLite has ended the whole transaction by itself.
            return Err(one.err().unwrap_or(Fault::Told(Error::Gone)));
        }
        done.push(one);
    }
    Ok(done)
}

/// A transaction, taken back when it is dropped.
struct Transaction<'a> {
    database: &'a Database,
    slot: &'a mut Slot,
}

impl Transaction<'_> {
    /// The log that it will be in.
    fn log(&self) -> Step<Arc<Log>> {
        let missing = || Fault::Damaged("there is no log".to_owned());
        self.slot.log(self.database.path())?.ok_or_else(missing)
    }

    /// Ends it.
    fn commit(self, kind: Kind) -> Step<Moved> {
        let counter = self.database.counter();
        let unmoved = || Fault::Told(Error::ReadOnly(counter.path().to_path_buf()));
        let moving = counter.begin().ok_or_else(unmoved)?;
        if kind == Kind::Objects {
            moving.stays_steady();
        }
        self.slot.connection()?.prepare_cached("COMMIT")?.execute(())?;
        Ok(moving.moved())
    }
}

impl Drop for Transaction<'_> {
    fn drop(&mut self) {
        let Some(connection) = self.slot.open.as_ref().filter(|connection| !connection.is_autocommit())
        else {
            return;
        };
        if let Err(error) = connection.execute_batch("ROLLBACK") {
            log::error!("a change can't be taken back: {error}");
        }
        self.database.counter().call_next();
    }
}

/// Jobs that are being done. Dropped when they are, or by a panic, whose call takes nobody else with it.
struct Led<'a> {
    database: &'a Database,
    jobs: &'a [Job],
    /// Somebody else leads, or nobody.
    is_over: Cell<bool>,
}

impl Led<'_> {
    /// Calls the next leader, if there is anything to do.
    fn pass_on(&self) {
        if self.is_over.replace(true) {
            return;
        }
        let mut waiting = self.database.queue.0.lock();
        match waiting.jobs.front() {
            Some(next) => next.fate.decide(Call::Lead),
            None => waiting.is_led = false,
        }
    }
}

impl Drop for Led<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let path = self.database.path().to_path_buf();
            let why = "a call that shared the transaction has failed".to_owned();
            let failed = Call::Done(Err(Error::Failed(path, why)));
            self.jobs.iter().for_each(|job| job.fate.decide(failed.clone()));
        }
        self.pass_on();
    }
}

#[cfg(test)]
impl Queue {
    /// How many wait.
    pub(super) fn len(&self) -> usize {
        self.0.lock().jobs.len()
    }
}
