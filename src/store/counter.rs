//! The change counter: tells a process that nothing has been written since it last looked, for one load from memory.
//!
//! It is eight bytes of the file `token.seq` that each process maps. A writer, while it holds SQLite's write lock, makes it odd
//! before its commit and even after. Even and unmoved therefore proves that no commit has come between.
//!
//! The rule for readers: sample the counter, then read rows; what was read is good for as long as the counter is `Some` and
//! the same as the sample. A sample of `None` proves nothing, and what is read after it must not be kept.

use crate::crypto::ffi::mapping::SharedCounter;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

/// Name of the file in the token's folder.
const FILE: &str = "token.seq";

/// A token's change counter; without a mapping it never proves anything.
pub struct Counter {
    file: PathBuf,
    mapped: Option<SharedCounter>,
    /// Set once its store was let go of, since the file was replaced: nobody moves the old one any more.
    retired: AtomicBool,
}

impl Counter {
    /// Maps the counter in `folder`, which is made if it can be. If neither works, reading rows is the only way to know.
    pub(super) fn open(folder: &Path) -> Self {
        let mapped = map_writable(folder).or_else(|_| map_read_only(folder)).ok();
        Counter { file: folder.join(FILE), mapped, retired: AtomicBool::new(false) }
    }

    /// The file's path.
    pub(super) fn path(&self) -> &Path {
        &self.file
    }

    /// The value, if it proves something.
    pub fn value(&self) -> Option<u64> {
        if self.retired.load(Ordering::Relaxed) {
            return None;
        }
        self.mapped.as_ref().map(SharedCounter::load).filter(|value| value % 2 == 0)
    }

    /// From now on it proves nothing.
    pub(super) fn retire(&self) {
        self.retired.store(true, Ordering::Relaxed);
    }

    /// Whether a writer is at work, or has died at it.
    pub(super) fn is_odd(&self) -> bool {
        self.mapped.as_ref().is_some_and(|counter| counter.load() % 2 == 1)
    }

    /// Makes the counter odd until the answer is dropped. The caller holds SQLite's write lock, and lets go of it (by its commit)
    /// before it drops the answer. `None`: the counter can't be moved, so nothing may be committed; another process would believe
    /// its cache.
    pub(super) fn begin(&self) -> Option<Moving<'_>> {
        let counter = self.mapped.as_ref().filter(|counter| counter.is_writable())?;
        loop {
            let now = counter.load();
            // Odd already: the writer before us has died, or is about to make it even. A new odd value takes that from it.
            let odd = now.wrapping_add(if now % 2 == 0 { 1 } else { 2 });
            if counter.exchange(now, odd) {
                return Some(Moving { counter, odd });
            }
        }
    }
}

/// A commit is under way.
pub(super) struct Moving<'a> {
    counter: &'a SharedCounter,
    odd: u64,
}

impl Drop for Moving<'_> {
    fn drop(&mut self) {
        // Only if the value is still ours: the next writer may have come between our commit and this.
        self.counter.exchange(self.odd, self.odd.wrapping_add(1));
    }
}

/// Makes the counter's file if it is missing, and holds its advisory lock until the answer is dropped: a token is made by
/// one process at a time.
pub(super) fn lock(folder: &Path) -> io::Result<File> {
    let file = open(folder, true)?;
    file.lock()?;
    Ok(file)
}

fn map_writable(folder: &Path) -> io::Result<SharedCounter> {
    let file = open(folder, true)?;
    if file.metadata()?.len() < SharedCounter::SIZE {
        // Two processes must not both lengthen it: the second's zeros would take back what the first has counted.
        file.lock()?;
    }
    let counter = SharedCounter::map(&file);
    // Closing would not do: the mapping keeps the open file, and the lock with it.
    file.unlock()?;
    counter
}

fn map_read_only(folder: &Path) -> io::Result<SharedCounter> {
    SharedCounter::map_read_only(&open(folder, false)?)
}

fn open(folder: &Path, write: bool) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(write).create(write).mode(0o600).truncate(false);
    options.open(folder.join(FILE))
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
    fn without_a_file_nothing_is_proved() {
        let counter = Counter::open(Path::new("/nonexistent/folder"));
        assert!(counter.begin().is_none());
        assert_eq!(counter.value(), None);
    }
}
