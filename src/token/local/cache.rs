//! Objects opened before. An entry is right as long as the store's change counter stands where it stood when
//! the entry was read; when the counter has moved, a look at the record's version tells.

use super::object::LocalObject;
use crate::store::Moved;
use crate::token::ObjectId;
use parking_lot::RwLock;
use std::collections::HashMap;
use std::sync::Arc;

/// Objects kept at most; beyond it the cache starts afresh.
const MOST: usize = 8192;

#[derive(Clone)]
struct Entry {
    object: Arc<LocalObject>,
    /// The store's counter before the entry was read.
    seen: u64,
}

#[derive(Default)]
struct Entries {
    by_id: HashMap<ObjectId, Entry>,
    /// Raised each time all is forgotten.
    generation: u64,
}

/// Opened objects by id.
#[derive(Default)]
pub(super) struct Cache(RwLock<Entries>);

/// What the cache and the store had come to when an object was about to be read.
#[derive(Clone, Copy)]
pub(super) struct Moment {
    counter: Option<u64>,
    generation: u64,
}

impl Moment {
    /// The same, for an object whose commit has moved the store's counter: it is as that commit has left it.
    pub fn after(self, moved: Option<Moved>) -> Moment {
        Moment { counter: moved.map(|moved| moved.to), ..self }
    }
}

impl Cache {
    /// Now, for an object that nobody has to read: the commit that makes it tells the counter ([`Moment::after`]).
    pub fn moment(&self) -> Moment {
        Moment { counter: None, generation: self.0.read().generation }
    }

    /// Now, with the store's counter, which is to be taken before an object is read; and the object, if it is there, with whether it is known to be
    /// current.
    pub fn look(&self, id: ObjectId, counter: Option<u64>) -> (Moment, Option<(Arc<LocalObject>, bool)>) {
        let entries = self.0.read();
        let moment = Moment { counter, generation: entries.generation };
        let known = entries.by_id.get(&id);
        (moment, known.map(|entry| (entry.object.clone(), counter == Some(entry.seen))))
    }

    /// Keeps an object that was read after `moment`, unless all has been forgotten since: what was read for a login must not
    /// come back after its logout.
    pub fn put(&self, object: &Arc<LocalObject>, moment: Moment) {
        let Some(seen) = moment.counter else { return };
        let mut entries = self.0.write();
        if entries.generation != moment.generation {
            return;
        }
        if entries.by_id.len() >= MOST {
            entries.by_id.clear();
        }
        entries.by_id.insert(object.info.id, Entry { object: object.clone(), seen });
    }

    /// Forgets one object.
    pub fn remove(&self, id: ObjectId) {
        self.0.write().by_id.remove(&id);
    }

    /// Forgets all.
    pub fn clear(&self) {
        let mut entries = self.0.write();
        entries.by_id.clear();
        entries.generation = entries.generation.wrapping_add(1);
    }
}
