//! An object opened: its attributes in both halves, and the key made of them once it is used.

use super::told;
use crate::attribute::Attributes;
use crate::error::{Error, Result};
use crate::mechanism::{Key, Material};
use crate::object::schema;
use crate::object::template::Cast;
use crate::store::Record;
use crate::token::{HeldObject, ObjectId, ObjectInfo, ObjectRef};
use cryptoki_sys as ck;
use once_cell::sync::OnceCell;
use openssl::pkey::{PKey, Private};
use std::any::Any;
use std::sync::Arc;

/// An object in memory. Wiped when the last user lets go of it.
pub(super) struct LocalObject {
    /// The object's name in the token.
    pub id: ObjectId,
    contents: Contents,
    /// Whether the secret half was opened, if there is one.
    pub complete: bool,
    /// The user it belongs to; `None`: public.
    pub owner: Option<i64>,
    /// The record's version; 0 for a session object.
    pub version: u64,
    /// A private key as it was made, if it was kept.
    key: Option<PKey<Private>>,
    material: OnceCell<Material>,
}

enum Contents {
    /// All of it, as the store has it.
    Told(Told),
    /// What was made, and all of it once somebody has asked.
    Cast(Cast, OnceCell<Told>),
}

/// All of an object.
struct Told {
    /// What may be known of it.
    info: Arc<ObjectInfo>,
    /// What may not. Empty too where the record was opened without the token key.
    secret: Attributes,
}

impl LocalObject {
    /// From a record of the store; `with_key`: whether it was opened with the token key.
    pub fn from_record(record: Record, with_key: bool) -> Self {
        LocalObject {
            id: record.id,
            contents: Contents::Told(Told::new(record.id, record.public, record.secret)),
            complete: with_key,
            owner: record.owner,
            version: record.version,
            key: None,
            material: OnceCell::new(),
        }
    }

    /// From all attributes of a changed object.
    pub fn from_attributes(id: ObjectId, owner: Option<i64>, version: u64, all: Attributes) -> Self {
        LocalObject::new(id, owner, version, Contents::Told(Told::of(id, all)))
    }

    /// A new one. What is to be stored is told at once, for the store keeps all of it.
    pub fn from_cast(id: ObjectId, owner: Option<i64>, version: u64, cast: Cast) -> Result<Self> {
        if version != 0 {
            return Ok(LocalObject::from_attributes(id, owner, version, told::all_of(id, &cast)?));
        }
        Ok(LocalObject::new(id, owner, version, Contents::Cast(cast, OnceCell::new())))
    }

    fn new(id: ObjectId, owner: Option<i64>, version: u64, contents: Contents) -> Self {
        LocalObject { id, contents, complete: true, owner, version, key: None, material: OnceCell::new() }
    }

    /// The same, at work with a private key that was kept as it was made. What is stored works with what was stored.
    pub fn with_key(self, key: Option<PKey<Private>>) -> Self {
        let key = key.filter(|_| !self.is_stored());
        LocalObject { key, ..self }
    }

    /// The same under another id, for an object that is to be stored.
    pub fn renamed(&self, id: ObjectId) -> Result<Self> {
        let mut record = Record { id, ..self.to_record()? };
        record.public.set(ck::CKA_UNIQUE_ID, id.to_hex().into_bytes());
        Ok(LocalObject::from_record(record, self.complete))
    }

    /// What may be known of it; what nobody needs before somebody asks is computed at the first call.
    pub fn info(&self) -> Result<&Arc<ObjectInfo>> {
        Ok(&self.told()?.info)
    }

    /// What may not be known of it.
    pub fn secret(&self) -> Result<&Attributes> {
        Ok(&self.told()?.secret)
    }

    fn told(&self) -> Result<&Told> {
        match &self.contents {
            Contents::Told(told) => Ok(told),
            Contents::Cast(cast, told) => {
                told.get_or_try_init(|| told::all_of(self.id, cast).map(|all| Told::of(self.id, all)))
            }
        }
    }

    /// A set of attributes that has the public `kind`, if it has it and it is not one that is computed when it is asked for.
    pub fn holding(&self, kind: u64) -> &Attributes {
        match &self.contents {
            Contents::Told(told) => &told.info.attributes,
            Contents::Cast(cast, _) => cast.holding(kind),
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
            secret: self.secret()?.clone(),
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
        all.extend(self.secret()?.clone());
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
        let material = self.material.get_or_try_init(|| match &self.key {
            Some(kept) => Ok(Material::Private(kept.clone().into())),
            None => Material::from_attributes(&self.all()?),
        })?;
        Ok(Key { attributes: &self.info()?.attributes, material })
    }
}

impl Told {
    fn new(id: ObjectId, attributes: Attributes, secret: Attributes) -> Told {
        Told { info: Arc::new(ObjectInfo { id, attributes }), secret }
    }

    /// From all attributes of an object.
    fn of(id: ObjectId, mut all: Attributes) -> Told {
        let class = all.ulong(ck::CKA_CLASS).unwrap_or(ck::CK_UNAVAILABLE_INFORMATION);
        let secret = all.take(schema::secrets_of(class));
        Told::new(id, all, secret)
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
