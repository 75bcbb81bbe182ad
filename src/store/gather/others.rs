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
use super::super::tray::{Outcome, Taken, Tray};
use super::super::writer::Writer;
use super::Job;
use crate::crypto::ffi::clock::coarse_milliseconds;
use rusqlite::Connection;
use std::cell::RefCell;

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
            Ok(Outcome::Done) => {
                tray.note_shared();
                Some(Ok(None))
            }
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
        let mut slot = self.slot.lock();
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

    /// Does jobs in a transaction, which are one or all of them new objects, and with them what other processes have left or leave meanwhile, which goes into `served`. Where
    /// anything of it can't be done, nothing is.
    pub(super) fn do_all<'a>(
        &'a self,
        writer: &Writer<'_>,
        jobs: &[Job],
        served: &RefCell<Vec<Taken<'a>>>,
    ) -> Step<()> {
        let Some(key) = jobs.iter().find_map(|job| Some(&job.lot.as_ref()?.key)) else {
            return jobs.iter().try_for_each(|job| (job.work)(writer));
        };
        let take = || {
            let (taken, rows): (Vec<_>, Vec<_>) = self.take(writer.format(), key).into_iter().unzip();
            served.borrow_mut().extend(taken);
            rows.into_iter().flatten().collect::<Vec<Row>>()
        };
        let left = take();
        // A login with another key is over, or this one is: which, its own work tells.
        let same = |lot: &&Lot| lot.key.id() == key.id();
        let new = |job: &Job| Some(job.lot.as_ref().filter(same)?.new.as_ref()?.clone());
        let rows: Option<Vec<_>> = jobs.iter().map(new).collect();
        if rows.is_none() {
            jobs.iter().try_for_each(|job| (job.work)(writer))?;
        }
        let own = rows.iter().flatten().flat_map(|rows| rows.iter());
        let mut all: Vec<&Row> = own.chain(&left).collect();
        // As they will lie: SQLite fills a page before it begins another.
        all.sort_unstable_by_key(|row| place::of(row.name.id));
        // It ends: who leaves something waits until it is done.
        put_all(writer, key, all.into_iter(), || Some(take()).filter(|rows| !rows.is_empty()))
    }

    /// What other processes have left, for who has this key, with its rows. What can't be opened is theirs to do.
    fn take<'a>(&'a self, format: Format, key: &TokenKey) -> Vec<(Taken<'a>, Vec<Row>)> {
        let (Some(tray), Some(file)) = (self.tray(), self.identity()) else { return Vec::new() };
        let (address, now) = (Address::new(file, format), coarse_milliseconds());
        let with_rows = |taken: Taken<'a>| {
            let rows = letter::open(&taken.bytes(), taken.claim(), now, address, key)?;
            Some((taken, rows))
        };
        tray.take().into_iter().filter_map(with_rows).collect()
    }
}
