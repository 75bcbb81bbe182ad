//! Object handles of one slot: the same for all sessions of this process.

use super::Handle;
use crate::error::{Error, Result};
use crate::token::{Found, HeldObject, ObjectId, ObjectRef};
use parking_lot::RwLock;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Handles are never used again in a process: a stale one can only be invalid, not another object's.
static NEXT: AtomicU64 = AtomicU64::new(1);

struct Entry {
    object: ObjectRef,
    /// A session object dies with the session that made it.
    session: Option<Handle>,
    /// A private object's handle dies at logout.
    private: bool,
}

#[derive(Default)]
struct Tables {
    entries: HashMap<Handle, Entry>,
    stored: HashMap<ObjectId, Handle>,
}

/// Which handle stands for which object.
#[derive(Default)]
pub(super) struct Handles(RwLock<Tables>);

impl Handles {
    /// The object behind a handle, or `ObjectHandleInvalid`.
    pub fn get(&self, handle: Handle) -> Result<ObjectRef> {
        let tables = self.0.read();
        tables.entries.get(&handle).map(|entry| entry.object.clone()).ok_or(Error::ObjectHandleInvalid)
    }

    /// A handle for a new object that `session` made.
    pub fn add(&self, object: ObjectRef, session: Handle, private: bool) -> Handle {
        match object {
            ObjectRef::Stored(id) => self.of_found(Found { id, private }),
            ObjectRef::Held(_) => {
                let handle = NEXT.fetch_add(1, Ordering::Relaxed);
                let entry = Entry { object, session: Some(session), private };
                self.0.write().entries.insert(handle, entry);
                handle
            }
        }
    }

    /// The handle of a token object, made if it has none yet.
    pub fn of_found(&self, found: Found) -> Handle {
        if let Some(handle) = self.0.read().stored.get(&found.id) {
            return *handle;
        }
        let mut tables = self.0.write();
        if let Some(handle) = tables.stored.get(&found.id) {
            return *handle;
        }
        let handle = NEXT.fetch_add(1, Ordering::Relaxed);
        let entry = Entry { object: ObjectRef::Stored(found.id), session: None, private: found.private };
        tables.entries.insert(handle, entry);
        tables.stored.insert(found.id, handle);
        handle
    }

    /// Another object behind the same handle: its attributes have changed.
    pub fn replace(&self, handle: Handle, object: ObjectRef) {
        if let Some(entry) = self.0.write().entries.get_mut(&handle) {
            entry.object = object;
        }
    }

    /// Forgets one handle.
    pub fn remove(&self, handle: Handle) {
        self.forget_if(|at, _| at == handle);
    }

    /// Forgets the session objects that `session` made.
    pub fn drop_session(&self, session: Handle) {
        self.forget_if(|_, entry| entry.session == Some(session));
    }

    /// Forgets all private objects: nobody is logged in any more.
    pub fn drop_private(&self) {
        self.forget_if(|_, entry| entry.private);
    }

    /// All session objects.
    pub fn held(&self) -> Vec<(Handle, Arc<dyn HeldObject>)> {
        let tables = self.0.read();
        let held = |(handle, entry): (&Handle, &Entry)| match &entry.object {
            ObjectRef::Held(object) => Some((*handle, object.clone())),
            ObjectRef::Stored(_) => None,
        };
        tables.entries.iter().filter_map(held).collect()
    }

    fn forget_if(&self, gone: impl Fn(Handle, &Entry) -> bool) {
        let mut tables = self.0.write();
        let Tables { entries, stored } = &mut *tables;
        entries.retain(|handle, entry| {
            let keep = !gone(*handle, entry);
            if let (false, ObjectRef::Stored(id)) = (keep, &entry.object) {
                stored.remove(id);
            }
            keep
        });
    }
}
