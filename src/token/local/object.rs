//! An object opened: its attributes in both halves, and the key made of them once it is used.

use super::told;
use crate::attribute::{AttributeType, Attributes};
use crate::error::{Error, Result};
use crate::mechanism::{Key, Material};
use crate::object::schema;
use crate::object::template::Cast;
use crate::store::Record;
use crate::token::{HeldObject, ObjectId, ObjectInfo, ObjectRef};
use cryptoki_sys as ck;
use once_cell::sync::OnceCell;
use std::any::Any;
use std::sync::Arc;

/// An object in memory. Wiped when the last user lets go of it.
pub(super) struct LocalObject {
    /// The object's name in the token.
    pub id: ObjectId,
    /// What may be known of it.
    public: Public,
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

/// What may be known of an object.
enum Public {
    /// All of it, as the store has it.
    Told(Arc<ObjectInfo>),
    /// What is left of a cast without the secrets, and all of it once somebody has asked.
    Cast(Cast, OnceCell<Arc<ObjectInfo>>),
}

impl LocalObject {
    /// From a record of the store; `with_key`: whether it was opened with the token key.
    pub fn from_record(record: Record, with_key: bool) -> Self {
        let info = ObjectInfo { id: record.id, attributes: record.public };
        LocalObject {
            id: record.id,
            public: Public::Told(Arc::new(info)),
            secret: record.secret,
            complete: with_key,
            owner: record.owner,
            version: record.version,
            material: OnceCell::new(),
        }
    }

    /// From all attributes of a changed object.
    pub fn from_attributes(id: ObjectId, owner: Option<i64>, version: u64, mut all: Attributes) -> Self {
        let secret = all.take(secrets_of(&all));
        let record = Record { id, version, owner, public: all, secret };
        LocalObject::from_record(record, true)
    }

    /// A new one. What is to be stored is told at once, for the store keeps all of it.
    pub fn from_cast(id: ObjectId, owner: Option<i64>, version: u64, mut cast: Cast) -> Result<Self> {
        let secrets = secrets_of(cast.holding(ck::CKA_CLASS));
        let secret = cast.own_mut().take(secrets);
        if version != 0 {
            let public = told::all_of(id, &cast, &secret)?;
            return Ok(LocalObject::from_record(Record { id, version, owner, public, secret }, true));
        }
        let public = Public::Cast(cast, OnceCell::new());
        Ok(LocalObject { id, public, secret, complete: true, owner, version, material: OnceCell::new() })
    }

    /// What may be known of it; what nobody needs before somebody asks is computed at the first call.
    pub fn info(&self) -> Result<&Arc<ObjectInfo>> {
        match &self.public {
            Public::Told(info) => Ok(info),
            Public::Cast(cast, told) => told.get_or_try_init(|| {
                let attributes = told::all_of(self.id, cast, &self.secret)?;
                Ok(Arc::new(ObjectInfo { id: self.id, attributes }))
            }),
        }
    }

    /// A set of attributes that has the public `kind`, if it has it and it is not one that is computed when it is asked for.
    pub fn holding(&self, kind: u64) -> &Attributes {
        match &self.public {
            Public::Told(info) => &info.attributes,
            Public::Cast(cast, _) => cast.holding(kind),
        }
    }

    /// Whether it is a token object.
    pub fn is_stored(&self) -> bool {
        self.version != 0
    }

    /// How it is spoken of at the seam.
    pub fn reference(self: Arc<Self>) -> ObjectRef {
        if self.is_stored() { ObjectRef::Stored(self.id) } else { ObjectRef::Held(self) }
    }

    /// As the store keeps it.
    pub fn to_record(&self) -> Result<Record> {
        Ok(Record {
            id: self.id,
            version: self.version,
            owner: self.owner,
            public: self.info()?.attributes.clone(),
            secret: self.secret.clone(),
        })
    }

    /// Both halves together, for the token's own use only. `UserNotLoggedIn` where the secret half is sealed
    /// and nobody has brought the token key.
    pub fn all(&self) -> Result<Attributes> {
        let has_secrets = matches!(self.class(), Some(ck::CKO_PRIVATE_KEY | ck::CKO_SECRET_KEY));
        if has_secrets && !self.complete {
            return Err(Error::UserNotLoggedIn);
        }
        let mut all = self.info()?.attributes.clone();
        all.extend(self.secret.clone());
        Ok(all)
    }

    /// The object's class (`CKO_`).
    pub fn class(&self) -> Option<u64> {
        self.holding(ck::CKA_CLASS).ulong(ck::CKA_CLASS)
    }

    /// Whether a boolean attribute is there and true.
    pub fn is_true(&self, kind: u64) -> bool {
        self.holding(kind).is_true(kind)
    }

    /// Whether its value must never be shown.
    pub fn is_closed(&self) -> bool {
        self.is_true(ck::CKA_SENSITIVE) || !self.is_true(ck::CKA_EXTRACTABLE)
    }

    /// The key, ready for use; made at the first call.
    pub fn key(&self) -> Result<Key<'_>> {
        let material = self.material.get_or_try_init(|| Material::from_attributes(&self.all()?))?;
        Ok(Key { attributes: &self.info()?.attributes, material })
    }
}

impl HeldObject for LocalObject {
    fn info(&self) -> Result<&Arc<ObjectInfo>> {
        LocalObject::info(self)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// The secret attributes of objects of the class that `attributes` tell.
fn secrets_of(attributes: &Attributes) -> impl Iterator<Item = AttributeType> + Clone + use<> {
    let class = attributes.ulong(ck::CKA_CLASS).unwrap_or(ck::CK_UNAVAILABLE_INFORMATION);
    schema::secrets_of(class)
}
