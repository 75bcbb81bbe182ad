//! Searches answered before. An answer is right as long as the store's change counter stands where it stood before the answer was read.

use super::Viewer;
use super::error::Result;
use super::seal::MacKey;
use crate::attribute::Attributes;
use crate::token::Found;
use parking_lot::RwLock;
use std::collections::HashMap;
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
