//! Changes drafted. While one command is on its way through the log, those who want to change something wait; then all of them draft, each on
//! what the one before has left, and the last one sends all their changes as one command. So the time for disks and network is paid once for all.

use super::{Command, Replica, Verdict, encode, memory, sequence};
use crate::store::errand;
use crate::store::error::{Error, Result, Step};
use crate::store::schema::Format;
use crate::store::statement::{FORGET_REQUESTS, NOTE_REQUEST};
use crate::store::together::{self, in_savepoint};
use crate::store::writer::{Bound, Change, Writer};
use parking_lot::MutexGuard;
use rusqlite::Connection;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// How often a change is drafted anew because another node's has come first.
const TRIES: usize = 32;

/// Most bytes of the changes in a command.
const LONGEST: usize = super::LONGEST_COMMAND - 1024;

/// A batch that has become this long is sent at once.
const LONG: usize = LONGEST / 4;

/// Requests remembered.
const REMEMBERED: i64 = 1 << 16;

/// Where changes are drafted: one connection, one transaction at a time.
pub(super) struct Desk {
    pub(super) connection: Connection,
    batch: Option<Batch>,
    /// A command is on its way.
    sent: bool,
}

/// Changes drafted on one another, in a transaction that is still open.
struct Batch {
    base: i64,
    changes: Vec<Change>,
    bytes: usize,
    fate: Arc<Fate>,
}

/// What becomes of a batch: the verdict, or why there is none.
type Fate = together::Fate<std::result::Result<Verdict, String>>;

/// What a draft has come to.
enum Drafted<T> {
    /// A result; what it changes is in the batch.
    Done(T),
    /// There is no room for it in the batch.
    Later,
}

/// One caller's draft, and what is to become of it.
struct Turn<T> {
    drafted: Step<Drafted<T>>,
    /// Of the batch that it was drafted on, if anything in it changes: then the result may come from another's draft, and is true only
    /// once that is made. So is a refusal.
    fate: Option<Arc<Fate>>,
    /// The batch, if this caller is to send it.
    batch: Option<Batch>,
}

impl Replica {
    /// Runs `work`, and returns when what it changes is agreed on and made. It is run again when something else has come first.
    pub(in crate::store) fn write<T>(&self, path: &Path, work: impl Fn(&Writer<'_>) -> Step<T>) -> Result<T> {
        if let Some(consensus) = self.consensus.get() {
            consensus.about_to_wait();
        }
        for _ in 0..TRIES {
            let Turn { drafted, fate, batch } = self.draft(&work);
            if let Some(batch) = batch {
                self.send(batch);
            }
            match fate.map_or(Ok(Verdict::Made), |fate| fate.wait()) {
                Ok(Verdict::Made) => {}
                Ok(Verdict::Stale) => continue,
                Err(why) => return Err(Error::Unavailable(why)),
            }
            match drafted.map_err(|fault| fault.at(path))? {
                Drafted::Done(value) => return Ok(value),
                Drafted::Later => {}
            }
        }
        Err(Error::Busy(path.to_path_buf()))
    }

    /// The desk, when no command is on its way.
    fn come(&self) -> MutexGuard<'_, Desk> {
        self.coming.fetch_add(1, Ordering::AcqRel);
        let mut desk = self.desk.lock();
        while desk.sent {
            self.freed.wait(&mut desk);
        }
        self.coming.fetch_sub(1, Ordering::AcqRel);
        desk
    }

    /// The desk, with no transaction open on it.
    pub(super) fn free_desk(&self) -> MutexGuard<'_, Desk> {
        let mut desk = self.desk.lock();
        while desk.batch.is_some() {
            self.freed.wait(&mut desk);
        }
        desk
    }

    /// Drafts, and takes the batch away if this caller is to send it: the last one who was coming, or who has made it long.
    fn draft<T>(&self, work: &impl Fn(&Writer<'_>) -> Step<T>) -> Turn<T> {
        let mut desk = self.come();
        let drafted = Draft { desk: &mut desk, replica: self }.run(work);
        let is_later = matches!(drafted, Ok(Drafted::Later));
        let changing = desk.batch.as_ref().filter(|batch| !is_later && !batch.changes.is_empty());
        let fate = changing.map(|batch| batch.fate.clone());
        let is_long = is_later || desk.batch.as_ref().is_some_and(|batch| batch.bytes > LONG);
        if !is_long && self.coming.load(Ordering::Acquire) > 0 {
            return Turn { drafted, fate, batch: None };
        }
        let batch = desk.close().filter(|batch| !batch.changes.is_empty());
        desk.sent = batch.is_some();
        if batch.is_none() {
            self.freed.notify_all();
        }
        Turn { drafted, fate, batch }
    }

    fn send(&self, batch: Batch) {
        let Batch { base, changes, fate, .. } = batch;
        let sent = match (encode(&Command { base, changes }), self.consensus.get()) {
            (Ok(command), Some(consensus)) => consensus.agree(command),
            (Err(_), _) => Err("the change is longer than an entry of the log may be".to_owned()),
            (_, None) => Err("the node has not begun to take part".to_owned()),
        };
        self.desk.lock().sent = false;
        self.freed.notify_all();
        fate.decide(sent);
    }
}

/// One caller's turn at the desk. If it panics, nobody's changes are sent.
struct Draft<'a> {
    desk: &'a mut Desk,
    replica: &'a Replica,
}

impl Draft<'_> {
    fn run<T>(self, work: &impl Fn(&Writer<'_>) -> Step<T>) -> Step<Drafted<T>> {
        let drafted = self.desk.run(work, self.replica.format);
        std::mem::forget(self);
        drafted
    }
}

impl Drop for Draft<'_> {
    fn drop(&mut self) {
        if let Some(batch) = self.desk.close() {
            batch.fate.decide(Err("a call that shared the batch has failed".to_owned()));
        }
        self.replica.freed.notify_all();
    }
}

impl Desk {
    pub(super) fn new(connection: Connection) -> Desk {
        Desk { connection, batch: None, sent: false }
    }

    /// Ends the transaction, in which nothing was ever to stay.
    fn close(&mut self) -> Option<Batch> {
        let batch = self.batch.take()?;
        if !self.connection.is_autocommit()
            && let Err(error) = self.connection.execute_batch("ROLLBACK")
        {
            log::error!("a draft can't be taken back: {error}");
        }
        Some(batch)
    }

    fn run<T>(&mut self, work: &impl Fn(&Writer<'_>) -> Step<T>, format: Format) -> Step<Drafted<T>> {
        if self.batch.is_none() {
            self.batch = Some(Batch::begin(&self.connection)?);
        }
        let drafted = in_savepoint(&self.connection, || draft(&self.connection, work, format));
        // invariant: it was put there above, and nothing has taken it away.
        let Some(batch) = &mut self.batch else { return Ok(Drafted::Later) };
        let drafted = match drafted {
            Ok((value, changes)) if changes.is_empty() => Ok(Drafted::Done(value)),
            Ok((value, changes)) => Ok(batch.take(value, changes)),
            Err(fault) => Err(fault),
        };
        if matches!(drafted, Ok(Drafted::Later)) || self.connection.is_autocommit() {
            // Its rows are in the transaction, or SQLite has ended that by itself: nothing more is drafted on it.
            batch.bytes = usize::MAX;
        }
        drafted
    }
}

#[cfg(test)]
impl Desk {
    /// Whether a command is on its way.
    pub(super) fn is_sent(&self) -> bool {
        self.sent
    }
}

/// One draft: the changes, and the memory of the request they are made for.
fn draft<T>(
    connection: &Connection,
    work: &impl Fn(&Writer<'_>) -> Step<T>,
    format: Format,
) -> Step<(T, Vec<Change>)> {
    let errand = errand::current();
    if let Some(errand) = errand
        && memory::outcome_of(connection, errand)?.is_some()
    {
        return Err(Error::Repeated.into());
    }
    let writer = Writer::keeping(connection, format);
    let value = work(&writer)?;
    let (mut changes, outcome) = writer.finish();
    if let (false, Some(errand), Some(outcome)) = (changes.is_empty(), errand, outcome) {
        let writer = Writer::keeping(connection, format);
        let outcome = memory::encode(&outcome)?;
        writer.execute(NOTE_REQUEST, &[&errand.id, &errand.digest, &&outcome[..]])?;
        writer.execute(FORGET_REQUESTS, &[&REMEMBERED])?;
        changes.append(&mut writer.finish().0);
    }
    if bytes_of(&changes) > LONGEST {
        return Err(Error::TooLarge.into());
    }
    Ok((value, changes))
}

impl Batch {
    fn begin(connection: &Connection) -> Step<Batch> {
        connection.execute_batch("BEGIN IMMEDIATE")?;
        match sequence(connection) {
            Ok(base) => Ok(Batch { base, changes: Vec::new(), bytes: 0, fate: Arc::default() }),
            Err(fault) => {
                connection.execute_batch("ROLLBACK")?;
                Err(fault)
            }
        }
    }

    /// Takes changes in, unless they would make the command too long.
    fn take<T>(&mut self, value: T, mut changes: Vec<Change>) -> Drafted<T> {
        let bytes = bytes_of(&changes).saturating_add(self.bytes);
        if !self.changes.is_empty() && bytes > LONGEST {
            return Drafted::Later;
        }
        self.bytes = bytes;
        self.changes.append(&mut changes);
        Drafted::Done(value)
    }
}

/// Bytes in a command, or somewhat more.
fn bytes_of(changes: &[Change]) -> usize {
    let value = |value: &Bound| match value {
        Bound::Null | Bound::Integer(_) => 12,
        Bound::Text(text) => 12 + text.len(),
        Bound::Blob(blob) => 12 + blob.len(),
    };
    changes.iter().map(|change| 16 + change.values.iter().map(value).sum::<usize>()).sum()
}
