//! What a node has handed out: tickets and session objects.

use super::cache::Infos;
use crate::attribute::Bytes;
use crate::error::{Error, Result};
use crate::pin::Role;
use crate::proto::message::{Made, Place};
use crate::token::{HeldObject, ObjectInfo, ObjectRef, Ticket};
use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A login, sealed by a node.
pub(super) struct RemoteTicket {
    pub sealed: Bytes,
    pub user: String,
    pub role: Role,
    /// Good for one operation with a key that asks for the PIN each time.
    pub confirmed: AtomicBool,
}

impl RemoteTicket {
    /// Uses up the confirmation, if there is one.
    pub fn take_confirmation(&self) -> bool {
        self.confirmed.swap(false, Ordering::AcqRel)
    }
}

impl Ticket for RemoteTicket {
    fn user(&self) -> &str {
        &self.user
    }

    fn role(&self) -> Role {
        self.role
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// The ticket behind the seam's view of it.
pub(super) fn ticket_of(ticket: &Arc<dyn Ticket>) -> Result<&RemoteTicket> {
    ticket.as_any().downcast_ref().ok_or(Error::UserNotLoggedIn)
}

/// A session object in its capsule.
pub(super) struct RemoteObject {
    capsule: Bytes,
    info: Arc<ObjectInfo>,
}

impl RemoteObject {
    /// An object that a node has just made or changed.
    pub fn taken(made: Made, known: &Infos) -> ObjectRef {
        let info = Arc::new(made.info);
        match made.place {
            Place::Stored(id) => {
                known.note_made(info);
                ObjectRef::Stored(id)
            }
            Place::Capsule(capsule) => ObjectRef::Held(Arc::new(RemoteObject { capsule, info })),
        }
    }
}

impl HeldObject for RemoteObject {
    fn info(&self) -> &Arc<ObjectInfo> {
        &self.info
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// Where an object is, as a request says it. A session object that another token made is `ObjectHandleInvalid`.
pub(super) fn place(object: &ObjectRef) -> Result<Place> {
    match object {
        ObjectRef::Stored(id) => Ok(Place::Stored(*id)),
        ObjectRef::Held(held) => {
            let object: &RemoteObject = held.as_any().downcast_ref().ok_or(Error::ObjectHandleInvalid)?;
            Ok(Place::Capsule(object.capsule.clone()))
        }
    }
}
