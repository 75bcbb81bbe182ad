//! An object opened: its attributes in both halves, and the key made of them once it is used.

use crate::attribute::Attributes;
use crate::error::{Error, Result};
use crate::mechanism::{Key, Material};
use crate::object::schema;
use crate::store::Record;
use crate::token::{HeldObject, ObjectId, ObjectInfo};
use cryptoki_sys as ck;
use once_cell::sync::OnceCell;
use std::any::Any;
use std::sync::Arc;

/// An object in memory. Wiped when the last user lets go of it.
pub(super) struct LocalObject {
    /// What may be known of it.
    pub info: Arc<ObjectInfo>,
    /// What may not. Empty too where the record was opened without the token key.
    pub secret: Attributes,
    /// Whether the secret half was opened, if there is one.
    pub complete: bool,
    /// The user it belongs to; `None`: public.
    pub owner: Option<i64>,
    /// The record's version; 0 for a session object.
    pub version: u64,
    material: OnceCell<Material>,
}

impl LocalObject {
    /// From a record of the store; `with_key`: whether it was opened with the token key.
    pub fn from_record(record: Record, with_key: bool) -> Self {
        let info = ObjectInfo { id: record.id, attributes: record.public };
        LocalObject {
            info: Arc::new(info),
            secret: record.secret,
            complete: with_key,
            owner: record.owner,
            version: record.version,
            material: OnceCell::new(),
        }
    }

    /// From all attributes of a new or changed object.
    pub fn from_attributes(id: ObjectId, owner: Option<i64>, version: u64, mut all: Attributes) -> Self {
        let class = all.ulong(ck::CKA_CLASS).unwrap_or(ck::CK_UNAVAILABLE_INFORMATION);
        let secret = all.take(schema::secrets_of(class));
        let record = Record { id, version, owner, public: all, secret };
        LocalObject::from_record(record, true)
    }

    /// As the store keeps it.
    pub fn to_record(&self) -> Record {
        Record {
            id: self.info.id,
            version: self.version,
            owner: self.owner,
            public: self.info.attributes.clone(),
            secret: self.secret.clone(),
        }
    }

    /// Both halves together, for the token's own use only. `UserNotLoggedIn` where the secret half is sealed
    /// and nobody has brought the token key.
    pub fn all(&self) -> Result<Attributes> {
        let has_secrets = matches!(self.class(), Some(ck::CKO_PRIVATE_KEY | ck::CKO_SECRET_KEY));
        if has_secrets && !self.complete {
            return Err(Error::UserNotLoggedIn);
        }
        let mut all = self.info.attributes.clone();
        all.extend(self.secret.clone());
        Ok(all)
    }

    /// The object's class (`CKO_`).
    pub fn class(&self) -> Option<u64> {
        self.info.attributes.ulong(ck::CKA_CLASS)
    }

    /// Whether a boolean attribute is there and true.
    pub fn is_true(&self, kind: u64) -> bool {
        self.info.attributes.is_true(kind)
    }

    /// Whether its value must never be shown.
    pub fn is_closed(&self) -> bool {
        self.is_true(ck::CKA_SENSITIVE) || !self.is_true(ck::CKA_EXTRACTABLE)
    }

    /// The key, ready for use; made at the first call.
    pub fn key(&self) -> Result<Key<'_>> {
        let material = self.material.get_or_try_init(|| Material::from_attributes(&self.all()?))?;
        Ok(Key { attributes: &self.info.attributes, material })
    }
}

impl HeldObject for LocalObject {
    fn info(&self) -> &Arc<ObjectInfo> {
        &self.info
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
