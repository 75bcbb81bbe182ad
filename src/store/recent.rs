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
#[derive(Default)]
pub(super) struct Ahead(Mutex<VecDeque<(u64, Row)>>);

impl Ahead {
    /// Rows kept of one search at most.
    pub(super) const MOST_FOUND: usize = 2;

    /// Rows kept at most: some for each thread that may be between its search and its use.
    const MOST: usize = 16;

    /// Bytes of a row that is kept.
    const MOST_BYTES: usize = 16 << 10;

    /// Keeps rows that were read after the counter was seen at `counter`.
    pub(super) fn put(&self, counter: Option<u64>, rows: Vec<Row>) {
        let Some(counter) = counter else { return };
        let mut kept = self.0.lock();
        for row in rows.into_iter().filter(|row| row.size() <= Self::MOST_BYTES) {
            if kept.len() >= Self::MOST {
                kept.pop_front();
            }
            kept.push_back((counter, row));
        }
    }

    /// Takes an object's row out, if it is there and the counter, which is at `counter` now, stands where it stood.
    pub(super) fn take(&self, counter: Option<u64>, id: ObjectId) -> Option<Row> {
        let counter = counter?;
        let mut kept = self.0.lock();
        let at = kept.iter().position(|(seen, row)| *seen == counter && row.name.id == id)?;
        kept.remove(at).map(|(_, row)| row)
    }
}
