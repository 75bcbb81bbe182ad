//! Objects opened before. An entry is right as long as the store's change counter stands where it stood when
//! the entry was read; when the counter has moved, a look at the record's version tells.

use super::object::LocalObject;
use crate::store::Moved;
use crate::token::ObjectId;
use parking_lot::RwLock;
use std::collections::HashMap;
use std::sync::Arc;

/// What is seen of the store's counter where that is not known: it proves nothing while it is odd, so the object's version tells.
const UNPROVED: u64 = 1;

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
    /// The same, for a new object whose commit has moved the store's counter: nobody else knew of it, and so it is as that commit has left it.
    pub fn after_making(self, moved: Option<Moved>) -> Moment {
        Moment { counter: Some(moved.map_or(UNPROVED, |moved| moved.to)), ..self }
    }

    /// The same, for an object that was changed: others who have committed together with that may have destroyed it.
    pub fn after_changing(self, moved: Option<Moved>) -> Moment {
        match moved {
            Some(Moved { from: Some(_), .. }) => self.after_making(moved),
            _ => Moment { counter: None, ..self },
        }
    }
}

impl Cache {
    /// Now, for an object that nobody has to read: the commit that makes it tells the counter ([`Moment::after_making`]).
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
        entries.by_id.insert(object.id, Entry { object: object.clone(), seen });
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attribute::Attributes;

    #[test]
    fn a_changed_object_is_kept_only_where_no_other_can_have_destroyed_it_in_the_same_commit() {
        let cache = Cache::default();
        let id = ObjectId([1; 16]);
        let object = Arc::new(LocalObject::from_attributes(id, None, 2, Attributes::new()));
        let is_kept = |moment: Moment| {
            cache.remove(id);
            cache.put(&object, moment);
            cache.look(id, Some(6)).1.is_some_and(|(_, current)| current)
        };
        let (alone, shared) = (Some(Moved { from: Some(4), to: 6 }), Some(Moved { from: None, to: 6 }));
        let moment = cache.moment();
        assert!(is_kept(moment.after_changing(alone)));
        assert!(!is_kept(moment.after_changing(shared)) && !is_kept(moment.after_changing(None)));
        assert!(is_kept(moment.after_making(shared)));
    }

    #[test]
    fn a_new_object_is_there_to_be_looked_at_again_where_nobody_knows_when_it_was_committed() {
        let (cache, id) = (Cache::default(), ObjectId([1; 16]));
        let object = Arc::new(LocalObject::from_attributes(id, None, 1, Attributes::new()));
        cache.put(&object, cache.moment().after_making(None));
        for counter in [None, Some(0), Some(2)] {
            let is_current = cache.look(id, counter).1.map(|(_, is_current)| is_current);
            assert_eq!(is_current, Some(false), "{counter:?}");
        }
    }
}
