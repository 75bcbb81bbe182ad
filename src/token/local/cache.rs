//! Objects opened before. An entry is right as long as the store's change counter stands where it stood when
//! the entry was read; when the counter has moved, a look at the record's version tells.

use super::object::LocalObject;
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

/// Opened objects by id.
#[derive(Default)]
pub(super) struct Cache(RwLock<HashMap<ObjectId, Entry>>);

impl Cache {
    /// The object, and whether it is known to be current at `counter`.
    pub fn get(&self, id: ObjectId, counter: Option<u64>) -> Option<(Arc<LocalObject>, bool)> {
        let entries = self.0.read();
        let entry = entries.get(&id)?;
        Some((entry.object.clone(), counter == Some(entry.seen)))
    }

    /// Keeps an object that was current when the counter stood at `counter`.
    pub fn put(&self, object: &Arc<LocalObject>, counter: Option<u64>) {
        let Some(seen) = counter else { return };
        let mut entries = self.0.write();
        if entries.len() >= MOST {
            entries.clear();
        }
        entries.insert(object.info.id, Entry { object: object.clone(), seen });
    }

    /// Forgets one object.
    pub fn remove(&self, id: ObjectId) {
        self.0.write().remove(&id);
    }

    /// Forgets all.
    pub fn clear(&self) {
        self.0.write().clear();
    }
}
