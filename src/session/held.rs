//! Session objects by handle: a part of those of one slot.

use super::Handle;
use super::by_handle::ByHandle;
use crate::token::HeldObject;
use parking_lot::RwLock;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A session object. It dies with the session that made it.
struct Held {
    object: Arc<dyn HeldObject>,
    session: Handle,
    private: bool,
    /// Where it stands among those of its session.
    place: usize,
}

/// The objects of some sessions.
#[derive(Default)]
pub(super) struct HeldObjects {
    tables: RwLock<Tables>,
    /// As many as there are in the tables, for those who look through them all.
    count: AtomicUsize,
}

#[derive(Default)]
struct Tables {
    by_handle: ByHandle<Held>,
    /// Those of each session, in no order.
    by_session: ByHandle<Vec<Handle>>,
}

impl HeldObjects {
    /// The object behind a handle.
    pub fn get(&self, handle: Handle) -> Option<Arc<dyn HeldObject>> {
        self.tables.read().by_handle.get(&handle).map(|held| held.object.clone())
    }

    /// Puts an object that `session` made behind a handle that nothing has had.
    pub fn add(&self, handle: Handle, object: Arc<dyn HeldObject>, session: Handle, private: bool) {
        self.change(|tables| {
            let siblings = tables.by_session.entry(session).or_default();
            let place = siblings.len();
            siblings.push(handle);
            tables.by_handle.insert(handle, Held { object, session, private, place });
        });
    }

    /// Puts a changed object behind its handle, unless another change was quicker: then `false`.
    pub fn replace(&self, handle: Handle, old: &Arc<dyn HeldObject>, new: Arc<dyn HeldObject>) -> bool {
        self.change(|tables| match tables.by_handle.get_mut(&handle) {
            Some(held) if Arc::ptr_eq(&held.object, old) => {
                held.object = new;
                true
            }
            _ => false,
        })
    }

    /// Forgets one handle.
    pub fn remove(&self, handle: Handle) {
        drop(self.change(|tables| tables.forget(handle)));
    }

    /// Forgets the objects that `session` made.
    pub fn drop_session(&self, session: Handle) {
        drop(self.change(|tables| {
            let handles = tables.by_session.remove(&session).unwrap_or_default();
            handles.iter().filter_map(|handle| tables.by_handle.remove(handle)).collect::<Vec<_>>()
        }));
    }

    /// Forgets all private objects.
    pub fn drop_private(&self) {
        drop(self.change(|tables| {
            let private = tables.by_handle.iter().filter(|(_, held)| held.private);
            let private: Vec<_> = private.map(|(handle, _)| *handle).collect();
            private.into_iter().filter_map(|handle| tables.forget(handle)).collect::<Vec<_>>()
        }));
    }

    /// All objects with their handles, in no order.
    pub fn all(&self) -> Vec<(Handle, Arc<dyn HeldObject>)> {
        // Who has heard of an object sees that there is one.
        if self.count.load(Ordering::Acquire) == 0 {
            return Vec::new();
        }
        let tables = self.tables.read();
        tables.by_handle.iter().map(|(handle, held)| (*handle, held.object.clone())).collect()
    }

    /// Changes the tables. What is taken out and answered is freed by the caller, when they are free again: a key takes its time.
    fn change<T>(&self, change: impl FnOnce(&mut Tables) -> T) -> T {
        let mut tables = self.tables.write();
        let answer = change(&mut tables);
        self.count.store(tables.by_handle.len(), Ordering::Release);
        answer
    }
}

impl Tables {
    fn forget(&mut self, handle: Handle) -> Option<Held> {
        let held = self.by_handle.remove(&handle)?;
        if let Some(siblings) = self.by_session.get_mut(&held.session) {
            // The last one takes its place.
            siblings.swap_remove(held.place);
            if let Some(moved) = siblings.get(held.place).and_then(|moved| self.by_handle.get_mut(moved)) {
                moved.place = held.place;
            }
        }
        Some(held)
    }
}
