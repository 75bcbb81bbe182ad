//! What is known of token objects, for deciding early whether a key may be used. It is right as long as no answer has told of a change since;
//! and where it is not, the node decides otherwise.

use crate::token::{ObjectId, ObjectInfo};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;

/// Objects kept at most; beyond it the cache starts afresh.
const MOST: usize = 4096;

#[derive(Default)]
struct Known {
    /// With the log index they were read at.
    read: HashMap<ObjectId, (Arc<ObjectInfo>, u64)>,
    /// Objects just made: their maker asks what they are, once.
    made: HashMap<ObjectId, Arc<ObjectInfo>>,
}

/// Attributes by object.
#[derive(Default)]
pub(super) struct Infos(Mutex<Known>);

impl Infos {
    /// What is known, if nothing has changed since up to the log index `seen`.
    pub fn get(&self, id: ObjectId, seen: u64) -> Option<Arc<ObjectInfo>> {
        let known = self.0.lock();
        known.read.get(&id).filter(|(_, at)| *at == seen && seen != 0).map(|(info, _)| info.clone())
    }

    /// Keeps what was read at the log index `seen`.
    pub fn put(&self, info: &Arc<ObjectInfo>, seen: u64) {
        let mut known = self.0.lock();
        if known.read.len() >= MOST {
            known.read.clear();
        }
        known.read.insert(info.id, (info.clone(), seen));
    }

    /// Forgets one object.
    pub fn remove(&self, id: ObjectId) {
        let mut known = self.0.lock();
        known.read.remove(&id);
        known.made.remove(&id);
    }

    /// Forgets all.
    pub fn clear(&self) {
        *self.0.lock() = Known::default();
    }

    /// An object has just been made or changed.
    pub fn note_made(&self, info: Arc<ObjectInfo>) {
        let mut known = self.0.lock();
        known.read.remove(&info.id);
        if known.made.len() >= MOST {
            known.made.clear();
        }
        known.made.insert(info.id, info);
    }

    /// What was just made, for the first who asks.
    pub fn take_made(&self, id: ObjectId) -> Option<Arc<ObjectInfo>> {
        self.0.lock().made.remove(&id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attribute::Attributes;

    fn info() -> Arc<ObjectInfo> {
        Arc::new(ObjectInfo { id: ObjectId([1; 16]), attributes: Attributes::new() })
    }

    #[test]
    fn what_was_read_is_good_until_the_log_moves() {
        let (infos, info) = (Infos::default(), info());
        infos.put(&info, 4);
        assert!(infos.get(info.id, 4).is_some());
        assert!(infos.get(info.id, 6).is_none());
    }

    #[test]
    fn without_a_log_index_nothing_is_known() {
        let (infos, info) = (Infos::default(), info());
        infos.put(&info, 0);
        assert!(infos.get(info.id, 0).is_none());
    }

    #[test]
    fn what_was_made_is_told_once() {
        let (infos, info) = (Infos::default(), info());
        infos.put(&info, 4);
        infos.note_made(info.clone());
        assert!(infos.get(info.id, 4).is_none());
        assert!(infos.take_made(info.id).is_some());
        assert!(infos.take_made(info.id).is_none());
    }
}
