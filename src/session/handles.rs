//! Object handles of one slot: the same for all sessions of this process.

use super::Handle;
use super::by_handle::ByHandle;
use super::held::HeldObjects;
use crate::apart::Apart;
use crate::error::{Error, Result};
use crate::token::{Found, HeldObject, ObjectId, ObjectRef};
use parking_lot::RwLock;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Session objects are split so that threads with sessions of their own, who make keys and destroy them, don't meet at one lock.
const SHARDS: usize = 8;

/// Where token objects are numbered, after the shards.
const STORED: usize = SHARDS;

/// Handles count up in steps of this, so that each tells where it was numbered.
const STEP: u64 = 16;

/// Handles are never used again in a process: a stale one can only be invalid, not another object's.
static NEXT: [Apart<AtomicU64>; SHARDS + 1] = [const { Apart::new(AtomicU64::new(1)) }; SHARDS + 1];

/// A handle that nothing has had yet, for a token object.
pub(super) fn fresh() -> Handle {
    fresh_in(STORED)
}

fn fresh_in(place: usize) -> Handle {
    NEXT[place].fetch_add(1, Ordering::Relaxed) * STEP + place as u64
}

/// Where a handle was numbered, or nowhere.
fn place_of(handle: Handle) -> usize {
    (handle % STEP) as usize
}

/// The shard of a session's objects.
fn shard_of(session: Handle) -> usize {
    session as usize % SHARDS
}

/// Token objects that this process has seen. Everything but a logout finds its entries by key.
#[derive(Default)]
struct Stored {
    by_handle: ByHandle<Found>,
    by_id: HashMap<ObjectId, Handle>,
}

/// Which handle stands for which object.
#[derive(Default)]
pub(super) struct Handles {
    stored: Apart<RwLock<Stored>>,
    held: [Apart<HeldObjects>; SHARDS],
}

impl Handles {
    /// The object behind a handle, or `ObjectHandleInvalid`.
    pub fn get(&self, handle: Handle) -> Result<ObjectRef> {
        let object = match self.held.get(place_of(handle)) {
            Some(shard) => shard.get(handle).map(ObjectRef::Held),
            None => self.stored.read().by_handle.get(&handle).map(|found| ObjectRef::Stored(found.id)),
        };
        object.ok_or(Error::ObjectHandleInvalid)
    }

    /// A handle for a new object that `session` made.
    pub fn add(&self, object: ObjectRef, session: Handle, private: bool) -> Handle {
        match object {
            ObjectRef::Stored(id) => self.of_found(Found { id, private }),
            ObjectRef::Held(object) => {
                let shard = shard_of(session);
                let handle = fresh_in(shard);
                self.held[shard].add(handle, object, session, private);
                handle
            }
        }
    }

    /// The handle of a token object, made if it has none yet.
    pub fn of_found(&self, found: Found) -> Handle {
        if let Some(handle) = self.stored.read().by_id.get(&found.id) {
            return *handle;
        }
        let mut stored = self.stored.write();
        if let Some(handle) = stored.by_id.get(&found.id) {
            return *handle;
        }
        let handle = fresh();
        stored.by_handle.insert(handle, found);
        stored.by_id.insert(found.id, handle);
        handle
    }

    /// Puts a changed session object behind its handle, unless another change was quicker: then `false`.
    pub fn replace(&self, handle: Handle, old: &Arc<dyn HeldObject>, new: Arc<dyn HeldObject>) -> bool {
        self.held.get(place_of(handle)).is_some_and(|shard| shard.replace(handle, old, new))
    }

    /// Forgets one handle.
    pub fn remove(&self, handle: Handle) {
        if let Some(shard) = self.held.get(place_of(handle)) {
            return shard.remove(handle);
        }
        let mut stored = self.stored.write();
        if let Some(found) = stored.by_handle.remove(&handle) {
            stored.by_id.remove(&found.id);
        }
    }

    /// Forgets the session objects that `session` made.
    pub fn drop_session(&self, session: Handle) {
        self.held[shard_of(session)].drop_session(session);
    }

    /// Forgets all private objects: nobody is logged in any more.
    pub fn drop_private(&self) {
        let mut stored = self.stored.write();
        let Stored { by_handle, by_id } = &mut *stored;
        by_handle.retain(|_, found| {
            if found.private {
                by_id.remove(&found.id);
            }
            !found.private
        });
        drop(stored);
        self.held.iter().for_each(|shard| shard.drop_private());
    }

    /// All session objects, in no order.
    pub fn held(&self) -> Vec<(Handle, Arc<dyn HeldObject>)> {
        self.held.iter().flat_map(|shard| shard.all()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::ObjectInfo;
    use std::any::Any;

    struct Nothing;

    impl HeldObject for Nothing {
        fn info(&self) -> Result<&Arc<ObjectInfo>> {
            unreachable!("nobody asks")
        }
        fn as_any(&self) -> &dyn Any {
            self
        }
    }

    fn object() -> Arc<dyn HeldObject> {
        Arc::new(Nothing)
    }

    #[test]
    fn the_objects_of_a_session_go_with_it_and_no_others_whichever_were_removed_before() {
        let in_the_same_shard = 1 + SHARDS as Handle;
        for (removed, other) in (0..5).flat_map(|removed| [(removed, 2), (removed, in_the_same_shard)]) {
            let handles = Handles::default();
            let add = |session| handles.add(ObjectRef::Held(object()), session, false);
            let (mine, others): (Vec<_>, Vec<_>) = (0..5).map(|_| (add(1), add(other))).unzip();
            handles.remove(mine[removed]);
            handles.remove(mine[4 - removed]);
            handles.remove(others[removed]);
            let last = add(1);
            handles.drop_session(1);
            assert!(mine.iter().chain([&last]).all(|handle| handles.get(*handle).is_err()));
            let left = others.iter().filter(|handle| handles.get(**handle).is_ok());
            assert_eq!((left.count(), handles.held().len()), (4, 4));
            handles.drop_session(other);
            assert!(handles.held().is_empty());
        }
    }

    #[test]
    fn private_objects_go_with_the_login_in_all_shards() {
        let handles = Handles::default();
        let sessions = 1..=2 * SHARDS as Handle;
        let add = |session, private| handles.add(ObjectRef::Held(object()), session, private);
        let (private, public): (Vec<_>, Vec<_>) =
            sessions.map(|session| (add(session, true), add(session, false))).unzip();
        let found = |number, private| handles.of_found(Found { id: ObjectId([number; 16]), private });
        let (private_found, public_found) = (found(1, true), found(2, false));
        handles.drop_private();
        let is_there = |handle: &Handle| handles.get(*handle).is_ok();
        assert!(!private.iter().chain([&private_found]).any(is_there));
        assert!(public.iter().chain([&public_found]).all(is_there));
        assert_eq!(found(2, false), public_found);
        assert!(![private_found, public_found].contains(&found(1, true)), "a handle is never used again");
    }

    #[test]
    fn handles_that_nobody_was_given_are_invalid() {
        let handles = Handles::default();
        let given = handles.add(ObjectRef::Held(object()), 1, false);
        for handle in (0..3 * STEP).chain(given - STEP..=given + STEP).filter(|handle| *handle != given) {
            assert_eq!(handles.get(handle).err(), Some(Error::ObjectHandleInvalid), "{handle}");
            assert!(!handles.replace(handle, &object(), object()));
            handles.remove(handle);
        }
        assert!(handles.get(given).is_ok());
    }
}
