//! Writing together with other processes, by way of the [`Tray`].

use super::super::connection::Database;
use super::super::counter::Moved;
use super::super::error::{Error, Result, Step};
use super::super::keys::TokenKey;
use super::super::objects::{Lot, are_there, put_all};
use super::super::place;
use super::super::record::Row;
use super::super::schema::Format;
use super::super::tray::letter::{self, Address};
use super::super::tray::{Lead, Outcome, Tray};
use super::super::writer::Writer;
use super::Along;
use super::queue::Job;
use crate::crypto::ffi::clock::coarse_milliseconds;
use rusqlite::Connection;
use std::cell::RefCell;
use std::sync::Arc;
use std::time::{Duration, Instant};

impl Database {
    /// The tray, if there can be one. Without it each process writes what is its own.
    pub(super) fn tray(&self) -> Option<&Tray> {
        let open = || {
            let tray = self.path().parent().map_or(Ok(None), Tray::open);
            tray.unwrap_or_else(|error| {
                log::warn!("{}: processes can't write together: {error}", self.path().display());
                None
            })
        };
        self.tray.get_or_init(open).as_ref()
    }

    /// Has a job done by the process that is about to write. `None`: it can't be, or it has not been.
    pub(super) fn leave(&self, tray: &Tray, job: &Job) -> Option<Result<Option<Moved>>> {
        let Some(Lot { key, new: Some(rows) }) = &job.lot else { return None };
        let address = Address::new(self.identity()?, self.format().ok()?);
        let left = tray.leave(|claim| letter::write(claim, address, key, rows)).ok()??;
        // Where the commit has moved the counter is not told: what the tray says is not that good.
        match left.outcome(|| self.settle_unanswered()) {
            Ok(Outcome::Done) => Some(Ok(None)),
            Ok(Outcome::Committed) => Some(self.settle_seen().map(|()| None)),
            Ok(Outcome::Own) => None,
            Ok(Outcome::Unknown) => Some(Err(self.untold("the store could not be read"))),
            Ok(Outcome::Forgotten) => Some(Err(self.untold("it was stopped for long"))),
            Err(fault) => Some(Err(self.untold(&fault.at(self.path()).to_string()))),
        }
    }

    fn untold(&self, why: &str) -> Error {
        let why = format!("another process was writing this too, and it may be kept or lost: {why}");
        Error::Failed(self.path().to_path_buf(), why)
    }

    /// Takes SQLite's write lock to see what has become of what a process took, that was stopped or killed.
    fn settle_unanswered(&self) -> Step<()> {
        let mut slot = self.take_slot();
        self.make_ready(&mut slot)?;
        self.begin(&mut slot).map(drop)
    }

    /// Answers those whose rows were taken into the transaction before this one: what came of that is in the store. The caller has SQLite's write lock.
    pub(super) fn answer_unanswered(&self, connection: &Connection) -> Step<()> {
        let Some(tray) = self.tray() else { return Ok(()) };
        for taken in tray.unanswered() {
            let rows = letter::peek(&taken.bytes()).unwrap_or_default();
            let found = self.format_on(connection).and_then(|format| are_there(connection, format, &rows));
            match found {
                Ok(true) => taken.found(),
                Ok(false) => drop(taken),
                // Refused, they would be made a second time under other ids, if they are there.
                Err(fault) => {
                    taken.unknown();
                    return Err(fault);
                }
            }
        }
        tray.sweep();
        Ok(())
    }

    /// Does jobs in a transaction, which are one or all of them new objects, and with them what other threads and processes have left or leave meanwhile, who come
    /// `along`. Where anything of it can't be done, nothing is.
    pub(super) fn do_all<'a>(
        &'a self,
        writer: &Writer<'_>,
        jobs: &[Job],
        lead: Option<&Lead<'_>>,
        along: &RefCell<Along<'a>>,
    ) -> Step<()> {
        let Some(key) = jobs.iter().find_map(|job| Some(&job.lot.as_ref()?.key)) else {
            return jobs.iter().try_for_each(|job| job.work(writer));
        };
        let expected = Expected::now(self.tray());
        let take = || self.take(writer.format(), key, jobs.len(), along);
        let left = take();
        let own: Option<Vec<_>> = jobs.iter().map(|job| job.new_under(key)).collect();
        if own.is_none() {
            jobs.iter().try_for_each(|job| job.work(writer))?;
        }
        let lots = own.iter().flatten().copied().chain(&left);
        let mut rows: Vec<&Row> = lots.flat_map(|rows| rows.iter()).collect();
        // As they will lie: SQLite fills a page before it begins another.
        rows.sort_unstable_by_key(|row| place::of(row.name.id));
        let is_held_up =
            || along.borrow().is_held_up || self.is_slot_wanted() || !lead.is_none_or(Lead::is_alone);
        // It ends: who leaves something waits until it is done.
        put_all(writer, key, rows.into_iter(), || {
            loop {
                let more = take();
                if !more.is_empty() || !expected.are_missing(jobs.len(), &along.borrow()) || is_held_up() {
                    return more;
                }
                std::thread::yield_now();
            }
        })
    }

    /// What was done by so many threads of this process, and by so many processes, is done: they are likely to come again together.
    pub(super) fn expect_again(&self, threads: usize, processes: usize) {
        if let Some(tray) = self.tray() {
            tray.note_together(threads, processes);
        }
    }

    /// The rows that have been left for who has this key, and leads with so many jobs; whose they are comes `along`. What can't be opened is theirs to do.
    fn take<'a>(
        &'a self,
        format: Format,
        key: &TokenKey,
        jobs: usize,
        along: &RefCell<Along<'a>>,
    ) -> Vec<Arc<[Row]>> {
        let Along { late, served, is_held_up } = &mut *along.borrow_mut();
        let known = late.len();
        *is_held_up = !self.queue.take_new(key, jobs, late);
        let mut left: Vec<_> = late.iter().skip(known).filter_map(|job| job.new_rows().cloned()).collect();
        let (Some(tray), Some(file)) = (self.tray(), self.identity()) else { return left };
        let (address, now) = (Address::new(file, format), coarse_milliseconds());
        for taken in tray.take() {
            if let Some(rows) = letter::open(&taken.bytes(), taken.claim(), now, address, key) {
                left.push(rows.into());
                served.push(taken);
            }
        }
        left
    }
}

/// How many are likely to come to a transaction, and until when.
struct Expected {
    /// Of this process.
    threads: usize,
    processes: usize,
    began: Instant,
    most: Duration,
}

impl Expected {
    fn now(tray: Option<&Tray>) -> Self {
        let (threads, processes) = tray.map_or((0, 0), Tray::expected);
        let most = tray.map_or(Duration::ZERO, Tray::patience);
        Expected { threads, processes, began: Instant::now(), most }
    }

    /// Whether others than those who are there may come yet.
    fn are_missing(&self, jobs: usize, along: &Along<'_>) -> bool {
        let threads = jobs.saturating_add(along.late.len());
        let processes = along.served.len().saturating_add(1);
        (threads < self.threads || processes < self.processes) && self.began.elapsed() < self.most
    }
}
