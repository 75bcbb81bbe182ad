//! Records: read, made, replaced, removed.

use std::any::Any;
use std::sync::Arc;

use cryptoki::error::{Error, RvError};
use cryptoki::object::{Attribute, AttributeType, ObjectClass, ObjectHandle};
use cryptoki::session::Session;
use parking_lot::Mutex;
use quick_cache::sync::Cache;
use serde::Serialize;
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use super::directory::Directory;
use super::label;
use crate::hsm::Token;
use crate::hsm::error::{Result, Trouble};

/// What may be kept: anything that is JSON. Secrets inside wipe themselves.
pub trait Record: Serialize + DeserializeOwned + Send + Sync + 'static {}

impl<T: Serialize + DeserializeOwned + Send + Sync + 'static> Record for T {}

/// A record as it was read: its content, and which object it is.
pub struct Kept<R> {
    /// The content.
    pub value: Arc<R>,
    /// The object in the token.
    pub object: ObjectHandle,
}

impl<R> Clone for Kept<R> {
    fn clone(&self) -> Self {
        Self { value: self.value.clone(), object: self.object }
    }
}

/// A record as the cache has it: the bytes it was parsed from tell whether it still holds.
#[derive(Clone)]
struct Cached {
    object: ObjectHandle,
    bytes: Arc<Zeroizing<Vec<u8>>>,
    parsed: Arc<dyn Any + Send + Sync>,
}

/// How many records the cache keeps parsed. The cache saves searching and parsing, never asking.
const CACHED: usize = 20_000;

/// All records of one token.
pub struct Book {
    token: Arc<Token>,
    cache: Cache<String, Cached>,
    pub(super) directory: Mutex<Directory>,
    pub(super) busy: super::latch::Busy,
}

impl Book {
    /// The records in `token`.
    pub fn new(token: Arc<Token>) -> Self {
        Self {
            token,
            cache: Cache::new(CACHED),
            directory: Mutex::default(),
            busy: super::latch::Busy::default(),
        }
    }

    /// The token they are in.
    pub fn token(&self) -> &Arc<Token> {
        &self.token
    }

    /// The record called `label`, as the token has it now.
    pub fn read<R: Record>(&self, label: &str) -> Result<Option<Kept<R>>> {
        if let Some(cached) = self.cache.get(label)
            && let Some(kept) = self.refresh(label, &cached)?
        {
            return Ok(Some(kept));
        }
        let template = template(label);
        let Some(object) = self.token.find(&template)?.first().copied() else {
            return Ok(None);
        };
        let Some(bytes) = self.value(object)? else { return Ok(None) };
        self.keep(label, object, bytes).map(Some)
    }

    /// All records that share the name `label`.
    pub fn all<R: Record>(&self, label: &str) -> Result<Vec<Kept<R>>> {
        self.all_but(label, |_| None)
    }

    /// The same, where `known` has those that were read before and never change.
    pub fn all_but<R: Record>(
        &self,
        label: &str,
        known: impl Fn(ObjectHandle) -> Option<Arc<R>>,
    ) -> Result<Vec<Kept<R>>> {
        let template = template(label);
        let objects = self.token.find(&template)?;
        let mut all = Vec::with_capacity(objects.len());
        for object in objects {
            if let Some(value) = known(object) {
                all.push(Kept { value, object });
            } else if let Some(bytes) = self.value(object)? {
                all.push(Kept { value: Arc::new(parse(label, &bytes)?), object });
            }
        }
        Ok(all)
    }

    /// Makes a record. Names of single records are made unique by whoever holds the latch of that name, or by chance (key ids).
    pub fn create<R: Record>(&self, label: &str, record: &R) -> Result<ObjectHandle> {
        let bytes = self.bytes(label, record)?;
        let mut attributes = template(label);
        attributes.extend([
            Attribute::Token(true),
            Attribute::Private(true),
            Attribute::Modifiable(true),
            Attribute::Value(bytes.to_vec()),
        ]);
        let object = self.token.with(|session| session.create_object(&attributes))?;
        self.came(label, object)?;
        Ok(object)
    }

    /// Puts new content into the record. Who read it first must hold its latch in between.
    pub fn replace<R: Record>(&self, label: &str, object: ObjectHandle, record: &R) -> Result<()> {
        let bytes = self.bytes(label, record)?;
        self.token.with(|session| session.update_attributes(object, &[Attribute::Value(bytes.to_vec())]))
    }

    /// Removes the record; it may be gone already.
    pub fn remove(&self, label: &str, object: ObjectHandle) -> Result<()> {
        self.cache.remove(label);
        match self.token.with(|session| session.destroy_object(object)) {
            Ok(()) => self.went(label, object),
            Err(Trouble::NoObject) => Ok(()),
            Err(trouble) => Err(trouble),
        }
    }

    /// The value of an object; none if the object is gone.
    pub(super) fn value(&self, object: ObjectHandle) -> Result<Option<Zeroizing<Vec<u8>>>> {
        match self.token.with(|session| value(session, object)) {
            Err(Trouble::NoObject) => Ok(None),
            result => result,
        }
    }

    /// What the cache has, if the token still says the same; parsed again if it says something else; none if the object is gone.
    fn refresh<R: Record>(&self, label: &str, cached: &Cached) -> Result<Option<Kept<R>>> {
        match self.value(cached.object)? {
            Some(bytes) if bytes == *cached.bytes => match cached.parsed.clone().downcast() {
                Ok(value) => Ok(Some(Kept { value, object: cached.object })),
                Err(_) => self.keep(label, cached.object, bytes).map(Some),
            },
            Some(bytes) => self.keep(label, cached.object, bytes).map(Some),
            None => {
                self.cache.remove(label);
                Ok(None)
            }
        }
    }

    fn keep<R: Record>(
        &self,
        label: &str,
        object: ObjectHandle,
        bytes: Zeroizing<Vec<u8>>,
    ) -> Result<Kept<R>> {
        let value: Arc<R> = Arc::new(parse(label, &bytes)?);
        self.cache.insert(label.to_owned(), Cached { object, bytes: Arc::new(bytes), parsed: value.clone() });
        Ok(Kept { value, object })
    }

    fn bytes<R: Record>(&self, label: &str, record: &R) -> Result<Zeroizing<Vec<u8>>> {
        serde_json::to_vec(record)
            .map(Zeroizing::new)
            .map_err(|e| Trouble::Other(format!("record {label}: {e}")))
    }
}

/// What finds a record by its name.
pub(super) fn template(label: &str) -> Vec<Attribute> {
    vec![
        Attribute::Class(ObjectClass::DATA),
        Attribute::Label(label.as_bytes().to_vec()),
        Attribute::Application(label::APPLICATION.as_bytes().to_vec()),
    ]
}

/// How often a value is asked for whose length changes between the question for that and the question for itself: other fronts write too.
const TRIES: usize = 16;

pub(super) fn value(
    session: &Session,
    object: ObjectHandle,
) -> std::result::Result<Option<Zeroizing<Vec<u8>>>, Error> {
    let ask = || session.get_attributes(object, &[AttributeType::Value]);
    let grew = |answer: &std::result::Result<_, Error>| {
        matches!(answer, Err(Error::Pkcs11(RvError::BufferTooSmall, _)))
    };
    let mut answer = ask();
    for _ in 1..TRIES {
        if !grew(&answer) {
            break;
        }
        answer = ask();
    }
    Ok(answer?.into_iter().find_map(|attribute| match attribute {
        Attribute::Value(bytes) => Some(Zeroizing::new(bytes)),
        _ => None,
    }))
}

fn parse<R: Record>(label: &str, bytes: &[u8]) -> Result<R> {
    // The text of a parse error may quote the record; its place is enough.
    serde_json::from_slice(bytes).map_err(|e| {
        Trouble::Other(format!("record {label} can't be read (line {}, column {})", e.line(), e.column()))
    })
}
