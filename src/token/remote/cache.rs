//! What is known of token objects, for deciding early whether a key may be used.
//!
//! Each answer tells which objects have changed since the log index that its request told; these are forgotten, and the others are known on. So what
//! is known is right up to the last answer; and where that is not enough, the node decides otherwise.

use crate::proto::message::Changed;
use crate::token::{ObjectId, ObjectInfo};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long what was read stands for what there is, where nodes allow it: `C_GetAttributeValue` for each attribute of one object.
const MOMENT: Duration = Duration::from_millis(100);
/// Objects kept at most; beyond it the cache starts afresh.
const MOST: usize = 4096;

#[derive(Default)]
struct Known {
    /// The log index up to which every change has been heeded.
    heeded: u64,
    read: HashMap<ObjectId, Arc<ObjectInfo>>,
    /// Objects just made: their maker asks what they are, once.
    made: HashMap<ObjectId, Arc<ObjectInfo>>,
    /// The object that was asked about last, and when: most often it is asked about again at once, attribute by attribute.
    last: Option<(ObjectId, Instant)>,
}

/// Attributes by object.
#[derive(Default)]
pub(super) struct Infos(Mutex<Known>);

impl Infos {
    /// What is known of an object.
    pub fn get(&self, id: ObjectId) -> Option<Arc<ObjectInfo>> {
        self.0.lock().read.get(&id).cloned()
    }

    /// A node has just told of this object, and that it may be kept for a moment.
    pub fn note_read(&self, info: &ObjectInfo) {
        self.0.lock().last = Some((info.id, Instant::now()));
    }

    /// What a node has told of this object a moment ago, if it was the last to be asked about and nothing is heard of a change since.
    pub fn just_read(&self, id: ObjectId) -> Option<Arc<ObjectInfo>> {
        let known = self.0.lock();
        let (last, when) = known.last?;
        if last != id || when.elapsed() > MOMENT {
            return None;
        }
        known.read.get(&id).cloned()
    }

    /// An answer has come: at the log index `seen`, where `changed` is all that has changed since an index heeded before.
    pub fn advance(&self, seen: u64, changed: &Changed) {
        let mut known = self.0.lock();
        if seen <= known.heeded {
            return;
        }
        known.heeded = seen;
        match changed {
            Changed::Only(ids) => ids.iter().for_each(|id| known.forget(*id)),
            Changed::Any => known.forget_all(),
        }
    }

    /// Forgets all, and which changes were heeded.
    pub fn restart(&self) {
        *self.0.lock() = Known::default();
    }

    /// Keeps what was read at the log index `seen`; unless more has been heeded since, of which it may not know.
    pub fn put(&self, info: &Arc<ObjectInfo>, seen: u64) {
        let mut known = self.0.lock();
        if seen == known.heeded && seen != 0 {
            insert(&mut known.read, info.clone());
        }
    }

    /// Forgets one object.
    pub fn remove(&self, id: ObjectId) {
        self.0.lock().forget(id);
    }

    /// Forgets all.
    pub fn clear(&self) {
        self.0.lock().forget_all();
    }

    /// An object has just been made, at the log index `seen`.
    pub fn note_made(&self, info: Arc<ObjectInfo>, seen: u64) {
        self.put(&info, seen);
        insert(&mut self.0.lock().made, info);
    }

    /// What was just made, for the first who asks.
    pub fn take_made(&self, id: ObjectId) -> Option<Arc<ObjectInfo>> {
        self.0.lock().made.remove(&id)
    }
}

impl Known {
    fn forget(&mut self, id: ObjectId) {
        self.read.remove(&id);
        self.made.remove(&id);
    }

    fn forget_all(&mut self) {
        self.last = None;
        self.read.clear();
        self.made.clear();
    }
}

fn insert(infos: &mut HashMap<ObjectId, Arc<ObjectInfo>>, info: Arc<ObjectInfo>) {
    if infos.len() >= MOST {
        infos.clear();
    }
    infos.insert(info.id, info);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attribute::Attributes;

    fn info(number: u8) -> Arc<ObjectInfo> {
        Arc::new(ObjectInfo { id: ObjectId([number; 16]), attributes: Attributes::new() })
    }

    /// Two objects, read at index 4.
    fn two() -> (Infos, ObjectId, ObjectId) {
        let (infos, one, other) = (Infos::default(), info(1), info(2));
        infos.advance(4, &Changed::Any);
        infos.put(&one, 4);
        infos.put(&other, 4);
        (infos, one.id, other.id)
    }

    fn known(infos: &Infos, ids: [ObjectId; 2]) -> [bool; 2] {
        ids.map(|id| infos.get(id).is_some())
    }

    #[test]
    fn what_is_known_stays_known_while_others_are_changed() {
        let (infos, one, other) = two();
        infos.advance(5, &Changed::Only(vec![other]));
        infos.advance(6, &Changed::Only(Vec::new()));
        assert_eq!(known(&infos, [one, other]), [true, false]);
    }

    #[test]
    fn when_anything_may_have_changed_nothing_is_known() {
        let (infos, one, other) = two();
        infos.advance(4, &Changed::Any);
        assert_eq!(known(&infos, [one, other]), [true, true], "nothing new");
        infos.advance(5, &Changed::Any);
        assert_eq!(known(&infos, [one, other]), [false, false]);
    }

    #[test]
    fn what_was_read_before_the_last_answer_is_not_kept() {
        let infos = Infos::default();
        infos.advance(6, &Changed::Only(vec![info(1).id]));
        infos.put(&info(1), 5);
        assert!(infos.get(info(1).id).is_none(), "it is the object before its change");
        infos.put(&info(1), 6);
        assert!(infos.get(info(1).id).is_some());
    }

    #[test]
    fn without_a_log_index_nothing_is_known() {
        let infos = Infos::default();
        infos.put(&info(1), 0);
        assert!(infos.get(info(1).id).is_none());
    }

    #[test]
    fn what_was_made_is_told_once_and_known_on() {
        let infos = Infos::default();
        infos.advance(4, &Changed::Any);
        infos.note_made(info(1), 4);
        assert!(infos.take_made(info(1).id).is_some());
        assert!(infos.take_made(info(1).id).is_none());
        assert!(infos.get(info(1).id).is_some());
    }

    #[test]
    fn what_was_made_and_then_changed_by_others_is_not_told() {
        let infos = Infos::default();
        infos.advance(4, &Changed::Any);
        infos.note_made(info(1), 4);
        infos.advance(5, &Changed::Only(vec![info(1).id]));
        assert!(infos.take_made(info(1).id).is_none());
    }

    #[test]
    fn what_was_just_read_is_told_again_until_a_change_or_another_object() {
        let (infos, one, other) = two();
        assert!(infos.just_read(one).is_none(), "no node has allowed it");
        infos.note_read(&info(1));
        assert!(infos.just_read(one).is_some() && infos.just_read(other).is_none());
        infos.advance(5, &Changed::Only(vec![one]));
        assert!(infos.just_read(one).is_none(), "it has changed");
        infos.note_read(&info(2));
        infos.clear();
        assert!(infos.just_read(other).is_none(), "all is forgotten");
    }
}
