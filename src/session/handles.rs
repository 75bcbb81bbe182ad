//! Object handles of one slot: the same for all sessions of this process.

use super::Handle;
use super::by_handle::ByHandle;
use crate::error::{Error, Result};
use crate::token::{Found, HeldObject, ObjectId, ObjectRef};
use parking_lot::RwLock;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Handles are never used again in a process: a stale one can only be invalid, not another object's.
static NEXT: AtomicU64 = AtomicU64::new(1);

/// A handle that nothing has had yet.
pub(super) fn fresh() -> Handle {
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// A session object. It dies with the session that made it.
struct Held {
    object: Arc<dyn HeldObject>,
    session: Handle,
    private: bool,
    /// Where it stands among those of its session.
    place: usize,
}

/// What is known of handles. Everything but a logout finds its entries by key.
#[derive(Default)]
struct Tables {
    stored: ByHandle<Found>,
    by_id: HashMap<ObjectId, Handle>,
    /// Session objects.
    held: ByHandle<Held>,
    /// Those of each session, in no order.
    by_session: ByHandle<Vec<Handle>>,
}

/// Which handle stands for which object.
#[derive(Default)]
pub(super) struct Handles(RwLock<Tables>);

impl Handles {
    /// The object behind a handle, or `ObjectHandleInvalid`.
    pub fn get(&self, handle: Handle) -> Result<ObjectRef> {
        let tables = self.0.read();
        if let Some(found) = tables.stored.get(&handle) {
            return Ok(ObjectRef::Stored(found.id));
        }
        let held = tables.held.get(&handle).ok_or(Error::ObjectHandleInvalid)?;
        Ok(ObjectRef::Held(held.object.clone()))
    }

    /// A handle for a new object that `session` made.
    pub fn add(&self, object: ObjectRef, session: Handle, private: bool) -> Handle {
        match object {
            ObjectRef::Stored(id) => self.of_found(Found { id, private }),
            ObjectRef::Held(object) => {
                let handle = fresh();
                let mut tables = self.0.write();
                let siblings = tables.by_session.entry(session).or_default();
                let place = siblings.len();
                siblings.push(handle);
                tables.held.insert(handle, Held { object, session, private, place });
                handle
            }
        }
    }

    /// The handle of a token object, made if it has none yet.
    pub fn of_found(&self, found: Found) -> Handle {
        if let Some(handle) = self.0.read().by_id.get(&found.id) {
            return *handle;
        }
        let mut tables = self.0.write();
        if let Some(handle) = tables.by_id.get(&found.id) {
            return *handle;
        }
        let handle = fresh();
        tables.stored.insert(handle, found);
        tables.by_id.insert(found.id, handle);
        handle
    }

    /// Puts a changed session object behind its handle, unless another change was quicker: then `false`.
    pub fn replace(&self, handle: Handle, old: &Arc<dyn HeldObject>, new: Arc<dyn HeldObject>) -> bool {
        let mut tables = self.0.write();
        match tables.held.get_mut(&handle) {
            Some(held) if Arc::ptr_eq(&held.object, old) => {
                held.object = new;
                true
            }
            _ => false,
        }
    }

    /// Forgets one handle.
    pub fn remove(&self, handle: Handle) {
        let mut tables = self.0.write();
        if let Some(found) = tables.stored.remove(&handle) {
            tables.by_id.remove(&found.id);
        }
        let gone = tables.forget_held(handle);
        drop(tables);
        drop(gone);
    }

    /// Forgets the session objects that `session` made.
    pub fn drop_session(&self, session: Handle) {
        let mut tables = self.0.write();
        let handles = tables.by_session.remove(&session).unwrap_or_default();
        let gone: Vec<_> = handles.iter().filter_map(|handle| tables.held.remove(handle)).collect();
        drop(tables);
        drop(gone);
    }

    /// Forgets all private objects: nobody is logged in any more.
    pub fn drop_private(&self) {
        let mut tables = self.0.write();
        let Tables { stored, by_id, held, .. } = &mut *tables;
        stored.retain(|_, found| {
            if found.private {
                by_id.remove(&found.id);
            }
            !found.private
        });
        let private = held.iter().filter(|(_, held)| held.private).map(|(handle, _)| *handle);
        let private: Vec<_> = private.collect();
        let gone: Vec<_> = private.into_iter().filter_map(|handle| tables.forget_held(handle)).collect();
        drop(tables);
        drop(gone);
    }

    /// All session objects, in no order.
    pub fn held(&self) -> Vec<(Handle, Arc<dyn HeldObject>)> {
        self.0.read().held.iter().map(|(handle, held)| (*handle, held.object.clone())).collect()
    }
}

impl Tables {
    /// Takes a session object out, for its key to be freed when the tables are free again.
    fn forget_held(&mut self, handle: Handle) -> Option<Held> {
        let held = self.held.remove(&handle)?;
        if let Some(siblings) = self.by_session.get_mut(&held.session) {
            // The last one takes its place.
            siblings.swap_remove(held.place);
            if let Some(moved) = siblings.get(held.place).and_then(|moved| self.held.get_mut(moved)) {
                moved.place = held.place;
            }
        }
        Some(held)
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

    #[test]
    fn the_objects_of_a_session_go_with_it_and_no_others_whichever_were_removed_before() {
        for removed in 0..5 {
            let handles = Handles::default();
            let add = |session| handles.add(ObjectRef::Held(Arc::new(Nothing)), session, false);
            let (mine, others): (Vec<_>, Vec<_>) = (0..5).map(|_| (add(1), add(2))).unzip();
            handles.remove(mine[removed]);
            handles.remove(mine[4 - removed]);
            handles.remove(others[removed]);
            let last = add(1);
            handles.drop_session(1);
            assert!(mine.iter().chain([&last]).all(|handle| handles.get(*handle).is_err()));
            let left = others.iter().filter(|handle| handles.get(**handle).is_ok());
            assert_eq!((left.count(), handles.held().len()), (4, 4));
            handles.drop_session(2);
            assert!(handles.held().is_empty());
        }
    }
}
