//! The change counter: tells a process that nothing has been written since it last looked, for one load from memory.
//!
//! It is the first of five counters of eight bytes in the file `token.seq` that each process maps. A writer, while it holds SQLite's write lock, makes it odd
//! before its commit and even after. Even and unmoved therefore proves that no commit has come between.
//!
//! The rule for readers: sample the counter, then read rows; what was read is good for as long as the counter is `Some` and
//! the same as the sample. A sample of `None` proves nothing, and what is read after it must not be kept.
//!
//! Two others tell which changes are on the disk; [`super::settle`] is about them. The last two tell since when only objects have been changed; [`super::steady`] is about
//! these.

use crate::crypto::ffi::mapping::SharedCounters;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Name of the file in the token's folder.
const FILE: &str = "token.seq";

/// The change counter.
pub(super) const CHANGES: usize = 0;
/// All commits that had left the change counter at this value or below are on the disk.
pub(super) const SETTLED: usize = 1;
/// Raised each time the disk has refused what was written; 0 again when all is on the disk nevertheless.
pub(super) const REFUSED: usize = 2;
/// Between these two values of the change counter only objects have been changed.
pub(super) const SINCE: usize = 3;
pub(super) const UNTIL: usize = 4;

/// How long to wait at most before looking whether the write lock is free: who held it may have been killed.
const MOMENT: Duration = Duration::from_millis(5);

/// What is mapped of the file.
pub(super) type Mapped = SharedCounters<5>;

/// A token's counters; without a mapping they never prove anything.
pub struct Counter {
    file: PathBuf,
    mapped: Option<Mapped>,
    /// Set once its store was let go of, since the file was replaced: nobody moves the old one any more.
    retired: AtomicBool,
}

impl Counter {
    /// Maps the counters in `folder`, which are made if they can be. If neither works, reading rows is the only way to know.
    pub(super) fn open(folder: &Path) -> Self {
        let file = folder.join(FILE);
        let mapped = map_writable(&file).or_else(|_| map_read_only(&file)).ok();
        if let Some(counters) = &mapped {
            doubt(counters);
        }
        Counter { file, mapped, retired: AtomicBool::new(false) }
    }

    /// The file's path.
    pub(super) fn path(&self) -> &Path {
        &self.file
    }

    /// All of them, if they could be mapped.
    pub(super) fn mapped(&self) -> Option<&Mapped> {
        self.mapped.as_ref()
    }

    /// The value, if it proves something.
    pub fn value(&self) -> Option<u64> {
        if self.is_retired() {
            return None;
        }
        self.mapped.as_ref().map(|counters| counters.load(CHANGES)).filter(|value| value % 2 == 0)
    }

    /// From now on it proves nothing.
    pub(super) fn retire(&self) {
        self.retired.store(true, Ordering::Relaxed);
    }

    /// Whether it proves nothing any more.
    pub(super) fn is_retired(&self) -> bool {
        self.retired.load(Ordering::Relaxed)
    }

    /// Whether a writer is at work, or has died at it.
    pub(super) fn is_odd(&self) -> bool {
        self.mapped.as_ref().is_some_and(|counters| counters.load(CHANGES) % 2 == 1)
    }

    /// The value, whatever it proves; for waiting.
    pub(super) fn raw(&self) -> u64 {
        self.mapped.as_ref().map_or(0, |counters| counters.load(CHANGES))
    }

    /// Waits until a writer has let go of SQLite's write lock since the counter was sampled as `seen`, or just for a moment.
    pub(super) fn await_writer(&self, seen: u64) {
        match &self.mapped {
            Some(counters) => counters.wait(CHANGES, seen, MOMENT),
            None => std::thread::sleep(MOMENT),
        }
    }

    /// Lets one who waits for SQLite's write lock try again, when it is let go of without a commit.
    pub(super) fn call_next(&self) {
        if let Some(counters) = &self.mapped {
            counters.wake(CHANGES, 1);
        }
    }

    /// Makes the counter odd until the answer is dropped. The caller holds SQLite's write lock, and lets go of it (by its commit)
    /// before it drops the answer. `None`: the counter can't be moved, so nothing may be committed; another process would believe
    /// its cache.
    pub(super) fn begin(&self) -> Option<Moving<'_>> {
        let counters = self.mapped.as_ref().filter(|counters| counters.is_writable())?;
        loop {
            let now = counters.load(CHANGES);
            // Odd already: the writer before us has died, or is about to make it even. A new odd value takes that from it.
            let odd = now.wrapping_add(if now % 2 == 0 { 1 } else { 2 });
            if counters.exchange(CHANGES, now, odd) {
                return Some(Moving { counters, odd, from: Some(now).filter(|now| now % 2 == 0) });
            }
        }
    }
}

/// How a commit has moved the change counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moved {
    /// Where it stood before, if it proved something then: nothing else has changed between.
    pub from: Option<u64>,
    /// Who sees this value, or a higher one, sees it after the commit.
    pub to: u64,
}

impl Moved {
    /// What each of so many may be told who have committed together: the others have changed something too.
    pub(super) fn shared_by(self, count: usize) -> Moved {
        Moved { from: self.from.filter(|_| count == 1), ..self }
    }
}

/// A commit is under way.
pub(super) struct Moving<'a> {
    counters: &'a Mapped,
    odd: u64,
    from: Option<u64>,
}

impl Moving<'_> {
    /// All counters.
    pub(super) fn counters(&self) -> &Mapped {
        self.counters
    }

    /// What will be true of the commit.
    pub(super) fn moved(&self) -> Moved {
        Moved { from: self.from, to: self.odd.wrapping_add(1) }
    }
}

impl Drop for Moving<'_> {
    fn drop(&mut self) {
        // Only if the value is still ours: the next writer may have come between our commit and this.
        self.counters.exchange(CHANGES, self.odd, self.odd.wrapping_add(1));
        self.counters.wake(CHANGES, 1);
    }
}

/// Makes the counter's file if it is missing, and holds its advisory lock until the answer is dropped: a token is made by
/// one process at a time.
pub(super) fn lock(folder: &Path) -> io::Result<File> {
    let file = open(&folder.join(FILE), true)?;
    file.lock()?;
    Ok(file)
}

/// Nothing that is yet to come is on the disk. A crash of the machine may have left it so: the file's page was being written out while the counters moved.
fn doubt(counters: &Mapped) {
    // In this order: where all is well, what is settled never overtakes the changes.
    let settled = counters.load(SETTLED);
    if settled > counters.load(CHANGES) {
        counters.exchange(SETTLED, settled, 0);
    }
    // One above is that of a commit under way.
    let until = counters.load(UNTIL);
    if until > counters.load(CHANGES).saturating_add(1) {
        counters.store(SINCE, u64::MAX);
        counters.store(UNTIL, 0);
    }
}

/// Maps the first words of a file that processes share, for its owner only, and makes it if it is missing.
pub(super) fn map_writable<const N: usize>(path: &Path) -> io::Result<SharedCounters<N>> {
    let file = open(path, true)?;
    if file.metadata()?.len() < SharedCounters::<N>::SIZE as u64 {
        // Two processes must not both lengthen it: the second's zeros would take back what the first has counted.
        file.lock()?;
    }
    let counters = SharedCounters::map(&file);
    // Closing would not do: the mapping keeps the open file, and the lock with it.
    file.unlock()?;
    counters
}

fn map_read_only(path: &Path) -> io::Result<Mapped> {
    Mapped::map_read_only(&open(path, false)?)
}

fn open(path: &Path, write: bool) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(write).create(write).mode(0o600).truncate(false);
    options.open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_moves_the_counter_and_hides_it_meanwhile() {
        let folder = tempfile::tempdir().unwrap();
        let (writer, reader) = (Counter::open(folder.path()), Counter::open(folder.path()));
        let before = reader.value().unwrap();
        let moving = writer.begin();
        assert_eq!(reader.value(), None);
        drop(moving);
        assert_ne!(reader.value().unwrap(), before);
    }

    #[test]
    fn a_writer_that_died_is_passed_by_the_next() {
        let folder = tempfile::tempdir().unwrap();
        let (dying, next) = (Counter::open(folder.path()), Counter::open(folder.path()));
        let before = next.value().unwrap();
        std::mem::forget(dying.begin());
        assert!(next.is_odd() && next.value().is_none());
        drop(next.begin());
        assert!(next.value().is_some_and(|value| value > before));
    }

    #[test]
    fn a_writer_late_to_finish_does_not_end_the_next_ones_commit() {
        let folder = tempfile::tempdir().unwrap();
        let (late, next) = (Counter::open(folder.path()), Counter::open(folder.path()));
        let first = late.begin(); // has committed, has not made it even
        let second = next.begin();
        drop(first);
        assert_eq!(next.value(), None, "the second writer's commit is still under way");
        drop(second);
        assert!(next.value().is_some());
    }

    #[test]
    fn what_is_yet_to_come_is_not_believed_to_be_on_the_disk() {
        let folder = tempfile::tempdir().unwrap();
        let settled = |counter: &Counter| counter.mapped().unwrap().load(SETTLED);
        let before = Counter::open(folder.path());
        drop(before.begin());
        before.mapped().unwrap().raise(SETTLED, 2);
        assert_eq!(settled(&Counter::open(folder.path())), 2);
        before.mapped().unwrap().raise(SETTLED, 4);
        assert_eq!(settled(&Counter::open(folder.path())), 0);
    }

    #[test]
    fn what_is_yet_to_come_is_not_believed_to_change_objects_only() {
        let folder = tempfile::tempdir().unwrap();
        let before = Counter::open(folder.path());
        before.mapped().unwrap().raise(UNTIL, 2);
        let after = Counter::open(folder.path());
        drop(after.begin());
        assert_eq!((after.value(), after.steady_since(0)), (Some(2), None));
    }

    #[test]
    fn without_a_file_nothing_is_proved() {
        let counter = Counter::open(Path::new("/nonexistent/folder"));
        assert!(counter.begin().is_none());
        assert_eq!(counter.value(), None);
    }
}
