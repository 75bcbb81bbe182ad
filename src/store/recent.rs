//! What searches have read: answers, rows, and a key that they all take. Each is right as long as the store's change counter stands where it stood
//! before it was read.

use super::Viewer;
use super::error::Result;
use super::record::Row;
use super::seal::MacKey;
use crate::attribute::Attributes;
use crate::token::{Found, ObjectId};
use parking_lot::{Mutex, RwLock};
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// Answers kept at most; beyond it they are all forgotten.
const MOST: usize = 4096;

/// Objects in an answer that is worth keeping: what is asked for again and again is one key.
const MOST_FOUND: usize = 8;

/// Bytes of a template that is kept, as [`Attributes::size`] counts.
const MOST_BYTES: u64 = 256;

/// Who has asked: a user's number, and which token key it came with.
type Asker = Option<(i64, [u8; 16])>;

#[derive(Default)]
struct Answers {
    /// The counter's value that they are good for.
    counter: u64,
    count: usize,
    by_asker: HashMap<Asker, HashMap<Attributes, Vec<Found>>>,
}

/// Recent answers by who asked and for what.
#[derive(Default)]
pub(super) struct Recent(RwLock<Answers>);

impl Recent {
    /// The answer, if it is known and the counter stands where it stood. `counter`: now.
    pub(super) fn get(
        &self,
        counter: Option<u64>,
        viewer: Option<Viewer<'_>>,
        template: &Attributes,
    ) -> Option<Vec<Found>> {
        let answers = self.0.read();
        if counter != Some(answers.counter) {
            return None;
        }
        answers.by_asker.get(&asker(viewer))?.get(template).cloned()
    }

    /// Keeps an answer that was read after the counter was seen at `counter`, unless it is large.
    pub(super) fn put(
        &self,
        counter: Option<u64>,
        viewer: Option<Viewer<'_>>,
        template: &Attributes,
        found: &[Found],
    ) {
        let Some(counter) = counter else { return };
        if found.len() > MOST_FOUND || template.size() > MOST_BYTES {
            return;
        }
        let mut answers = self.0.write();
        if answers.counter != counter || answers.count >= MOST {
            *answers = Answers { counter, ..Answers::default() };
        }
        let known = answers.by_asker.entry(asker(viewer)).or_default();
        if known.insert(template.clone(), found.to_vec()).is_none() {
            answers.count += 1;
        }
    }

    /// Forgets what `viewer` has asked and was told: its labels and names of objects.
    pub(super) fn forget(&self, viewer: Viewer<'_>) {
        let mut answers = self.0.write();
        let gone = answers.by_asker.remove(&asker(Some(viewer)));
        answers.count -= gone.map_or(0, |gone| gone.len());
    }
}

fn asker(viewer: Option<Viewer<'_>>) -> Asker {
    viewer.map(|viewer| (viewer.user, *viewer.key.id()))
}

/// The key of public objects' tags, which every search takes.
#[derive(Default)]
pub(super) struct OpenKey(RwLock<Option<(u64, Arc<MacKey>)>>);

impl OpenKey {
    /// The key, read if the counter, which is at `counter` now, has moved since it was.
    pub(super) fn get(
        &self,
        counter: Option<u64>,
        read: impl FnOnce() -> Result<MacKey>,
    ) -> Result<Arc<MacKey>> {
        if let (Some((seen, key)), Some(now)) = (&*self.0.read(), counter)
            && *seen == now
        {
            return Ok(key.clone());
        }
        let key = Arc::new(read()?);
        *self.0.write() = counter.map(|counter| (counter, key.clone()));
        Ok(key)
    }
}

/// Rows that a search for few objects has read, still sealed: whoever looks for a key mostly uses it next. A row is right as long as the change
/// counter stands where it stood before it was read.
pub(super) struct Ahead {
    rows: Mutex<VecDeque<(u64, Row)>>,
    /// Raised when a row is wanted, lowered when one is read ahead: at zero nobody seems to want them.
    wanted: AtomicU32,
}

impl Default for Ahead {
    fn default() -> Self {
        Ahead { rows: Mutex::default(), wanted: AtomicU32::new(Self::PATIENCE) }
    }
}

impl Ahead {
    /// Rows kept of one search at most.
    pub(super) const MOST_FOUND: usize = 2;

    /// Rows kept at most: some for each thread that may be between its search and its use.
    const MOST: usize = 16;

    /// Bytes of a row that is kept.
    const MOST_BYTES: usize = 16 << 10;

    /// Rows read ahead that nobody wanted, until no more are.
    const PATIENCE: u32 = 64;

    /// Whether rows that are read ahead are wanted.
    pub(super) fn pays(&self) -> bool {
        self.wanted.load(Ordering::Relaxed) > 0
    }

    /// Keeps rows that were read after the counter was seen at `counter`.
    pub(super) fn put(&self, counter: Option<u64>, rows: Vec<Row>) {
        let Some(counter) = counter else { return };
        let mut kept = self.rows.lock();
        for row in rows.into_iter().filter(|row| row.size() <= Self::MOST_BYTES) {
            self.count(|wanted| wanted.saturating_sub(1));
            if kept.len() >= Self::MOST {
                kept.pop_front();
            }
            kept.push_back((counter, row));
        }
    }

    /// Changes what is counted. It guides only, so nobody need wait for anybody.
    fn count(&self, change: impl FnOnce(u32) -> u32) {
        self.wanted.store(change(self.wanted.load(Ordering::Relaxed)), Ordering::Relaxed);
    }

    /// Takes an object's row out, if it is there and the counter, which is at `counter` now, stands where it stood.
    pub(super) fn take(&self, counter: Option<u64>, id: ObjectId) -> Option<Row> {
        // Two for one: of a search's rows not all are wanted.
        self.count(|wanted| wanted.saturating_add(2).min(Self::PATIENCE));
        let counter = counter?;
        let mut kept = self.rows.lock();
        let at = kept.iter().position(|(seen, row)| *seen == counter && row.name.id == id)?;
        kept.remove(at).map(|(_, row)| row)
    }
}

#[cfg(test)]
mod tests {
    use super::super::record::Name;
    use super::*;

    fn row(id: u8, size: usize) -> Row {
        let name = Name { id: ObjectId([id; 16]), version: 1, owner: None };
        Row { name, tags: [None; 4], public: vec![0; size], public_mac: None, secret: None }
    }

    fn take(ahead: &Ahead, counter: Option<u64>, id: u8) -> Option<u8> {
        ahead.take(counter, ObjectId([id; 16])).map(|row| row.name.id.0[0])
    }

    #[test]
    fn a_row_is_given_once_and_only_while_the_counter_stands_where_it_stood() {
        let ahead = Ahead::default();
        ahead.put(Some(2), vec![row(1, 10), row(2, 10)]);
        ahead.put(None, vec![row(3, 10)]);
        assert_eq!(take(&ahead, Some(2), 1), Some(1));
        assert_eq!(take(&ahead, Some(2), 1), None);
        assert_eq!((take(&ahead, Some(4), 2), take(&ahead, None, 2)), (None, None));
        assert_eq!((take(&ahead, Some(2), 3), take(&ahead, None, 3)), (None, None), "nothing vouches for it");
    }

    #[test]
    fn neither_many_rows_nor_large_ones_are_kept() {
        let ahead = Ahead::default();
        ahead.put(Some(2), vec![row(0, Ahead::MOST_BYTES + 1)]);
        assert_eq!(take(&ahead, Some(2), 0), None);
        for id in 0..=Ahead::MOST as u8 {
            ahead.put(Some(2), vec![row(id, 10)]);
        }
        assert_eq!((take(&ahead, Some(2), 0), take(&ahead, Some(2), 1)), (None, Some(1)));
    }

    #[test]
    fn rows_that_nobody_wants_are_no_longer_read_until_somebody_does() {
        let ahead = Ahead::default();
        for _ in 0..Ahead::PATIENCE {
            assert!(ahead.pays());
            ahead.put(Some(2), vec![row(1, 10)]);
        }
        assert!(!ahead.pays());
        take(&ahead, Some(2), 7);
        assert!(ahead.pays());
        for id in 0..200 {
            ahead.put(Some(2), vec![row(id, 10)]);
            assert_eq!(take(&ahead, Some(2), id), Some(id));
        }
        assert!(ahead.pays(), "each was wanted");
    }
}
