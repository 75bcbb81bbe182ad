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
use super::together::in_savepoint;
use super::tray::{Lead, Taken, Tray};
use super::writer::Writer;
use rusqlite::{Connection, ErrorCode};
use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::time::{Duration, Instant};

mod others;
mod queue;

#[cfg(test)]
mod tests;

pub(super) use queue::Queue;
use queue::{Call, Inbox, Job, Place};

/// What a transaction changes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Objects, and nothing that a login rests on.
    Objects,
    Any,
}

/// Who comes while a transaction is open, and is served in it.
#[derive(Default)]
struct Along<'a> {
    /// Threads of this process.
    late: Vec<Job>,
    /// Other processes.
    served: Vec<Taken<'a>>,
    /// Somebody of this process has come who can't be served in it.
    is_held_up: bool,
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
        let inbox = Arc::new(Inbox::default());
        let place = self.queue.join(Job::new(lot, work, inbox.clone()));
        if matches!(place, Place::Leader) {
            self.lead();
        }
        let mut is_soon = matches!(place, Place::Next);
        loop {
            match if is_soon { inbox.take_awake() } else { inbox.take() } {
                Call::Lead => self.lead(),
                Call::Soon => is_soon = true,
                Call::Done(done) => return done,
                Call::Dropped => {
                    let why = "a call that shared the transaction has failed, and it may be kept or lost"
                        .to_owned();
                    return Err(Error::Failed(self.path().to_path_buf(), why));
                }
            }
        }
    }

    /// Does what waits, and calls the next leader when it is the disk's turn.
    fn lead(&self) {
        let led = Led { queue: &self.queue, is_over: Cell::new(false) };
        let mut jobs = self.queue.take();
        let done = self.do_together(&mut jobs, &|| led.pass_on());
        drop(led);
        jobs.into_iter().zip(done).for_each(|(job, done)| job.tell(done));
    }

    /// What each of the jobs has come to, and of those that have been added to them, when all are on the disk. `begins`: it is their turn to be synced.
    fn do_together(&self, jobs: &mut Vec<Job>, begins: &dyn Fn()) -> Vec<Result<Option<Moved>>> {
        let tray = self.tray();
        let mut lead = tray.and_then(Tray::lead);
        if let (Some(tray), None) = (tray, &lead) {
            if let [job] = &jobs[..]
                && let Some(done) = self.leave(tray, job)
            {
                return vec![done];
            }
            lead = Some(tray.lead_anyway());
        }
        let pass_on = || {
            // First: a thread of this process that leads next is to find nobody leading, or another process.
            if let Some(lead) = &lead {
                lead.pass_on();
            }
            begins();
        };
        self.do_here(jobs, lead.as_ref(), &pass_on)
    }

    /// The same by this process, with what others have left.
    fn do_here(
        &self,
        jobs: &mut Vec<Job>,
        lead: Option<&Lead<'_>>,
        begins: &dyn Fn(),
    ) -> Vec<Result<Option<Moved>>> {
        if jobs.len() > 1 && !jobs.iter().all(|job| job.new_rows().is_some()) {
            return self.do_apart(jobs, begins);
        }
        let along = RefCell::default();
        let work = |writer: &Writer<'_>| self.do_all(writer, jobs, lead, &along);
        let tell = || along.borrow().served.iter().for_each(Taken::committed);
        let done = self.transact(Kind::Objects, work, tell);
        let Along { late, served, .. } = along.into_inner();
        jobs.extend(late);
        let count = jobs.len().saturating_add(served.len());
        match done {
            Ok(committed) => {
                self.expect_again(jobs.len(), served.len().saturating_add(1));
                let kept = self.settle_together(&committed, jobs, &served, begins);
                if kept.is_ok() {
                    served.into_iter().for_each(Taken::done);
                }
                vec![kept.map(|()| Some(committed.moved.shared_by(count))); jobs.len()]
            }
            // Nothing has changed. What can't be done together may be possible one by one; but nobody waits for the write lock twice.
            Err(fault) => match fault.at(self.path()) {
                error if count == 1 || matches!(error, Error::Busy(_)) => self.refuse(jobs, error),
                _ => {
                    drop(served);
                    self.do_apart(jobs, begins)
                }
            },
        }
    }

    /// The same where each may be refused by itself, and without what others have left.
    fn do_apart(&self, jobs: &[Job], begins: &dyn Fn()) -> Vec<Result<Option<Moved>>> {
        let tell = |fault: Fault| fault.at(self.path());
        match self.transact(Kind::Objects, |writer| do_each(writer, jobs), || ()) {
            Ok(committed) => {
                self.expect_again(0, 0);
                let kept = self.settle_together(&committed, jobs, &[], begins);
                let kept = kept.map(|()| Some(committed.moved.shared_by(jobs.len())));
                let told = |done: Step<()>| kept.clone().and_then(|kept| done.map(|()| kept).map_err(tell));
                committed.value.into_iter().map(told).collect()
            }
            Err(fault) => match tell(fault) {
                error if jobs.len() == 1 || matches!(error, Error::Busy(_)) => self.refuse(jobs, error),
                _ => jobs.chunks(1).flat_map(|job| self.do_apart(job, &|| ())).collect(),
            },
        }
    }

    /// Returns when what several have committed is on the disk.
    fn settle_together<T>(
        &self,
        committed: &Committed<T>,
        jobs: &[Job],
        served: &[Taken<'_>],
        begins: &dyn Fn(),
    ) -> Result<()> {
        if jobs.len().saturating_add(served.len()) > 1 {
            // They get up while the disk is at work, not after it.
            self.begin_settling(&committed.log)?;
            served.iter().for_each(Taken::stir);
            jobs.iter().for_each(Job::stir);
        }
        self.settle(committed.moved.to, &committed.log, begins)
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
        let mut slot = self.take_slot();
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
        let one = in_savepoint(writer, || job.work(writer));
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

/// The caller leads the threads of this process, until it is dropped.
struct Led<'a> {
    queue: &'a Queue,
    is_over: Cell<bool>,
}

impl Led<'_> {
    /// Calls the next leader, if there is anything to do.
    fn pass_on(&self) {
        if !self.is_over.replace(true) {
            self.queue.pass_on();
        }
    }
}

impl Drop for Led<'_> {
    fn drop(&mut self) {
        self.pass_on();
    }
}
