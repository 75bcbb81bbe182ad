//! Records: read, made, replaced, removed.

use std::any::Any;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

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
use crate::clock::Ticks;
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

/// How often a record is looked for that goes while it is read.
const SWAPPED_AT_MOST: usize = 8;

/// All records of one token.
pub struct Book {
    token: Arc<Token>,
    cache: Cache<String, Cached>,
    pub(super) directory: Mutex<Directory>,
    pub(super) busy: super::latch::Busy,
    pub(super) met: super::claims::Met,
    /// What latches are timed by.
    pub(super) ticks: Arc<Ticks>,
    /// Whether the token has said that it lets no value be changed.
    fixed: AtomicBool,
    /// Whether it refused a trial, for whichever reason; none before it was tried.
    tried: OnceLock<bool>,
}

impl Book {
    /// The records in `token`.
    pub fn new(token: Arc<Token>) -> Self {
        Self::timed_by(token, Arc::default())
    }

    /// The same for a test that drives the time by which latches go.
    pub fn timed_by(token: Arc<Token>, ticks: Arc<Ticks>) -> Self {
        Self {
            token,
            cache: Cache::new(CACHED),
            directory: Mutex::default(),
            busy: super::latch::Busy::default(),
            met: super::claims::Met::default(),
            ticks,
            fixed: AtomicBool::new(false),
            tried: OnceLock::new(),
        }
    }

    /// The token they are in.
    pub fn token(&self) -> &Arc<Token> {
        &self.token
    }

    /// The record called `label`, as the token has it now.
    pub fn read<R: Record>(&self, label: &str) -> Result<Option<Kept<R>>> {
        let cached = self.cache.get(label);
        // Where records are swapped, what a front died over leaves the old object beside the new one: being there doesn't make it the record.
        if let Some(cached) = cached.as_ref().filter(|_| !self.swaps())
            && let Some(bytes) = self.value(cached.object)?
        {
            return self.refresh(label, cached.object, bytes, Some(cached)).map(Some);
        }
        // A record may be swapped for its next object between the two questions: then there is another to ask for.
        for _ in 0..SWAPPED_AT_MOST {
            let Some(object) = self.newest(label)? else { break };
            if let Some(bytes) = self.value(object)? {
                let known = cached.as_ref().filter(|cached| cached.object == object);
                return self.refresh(label, object, bytes, known).map(Some);
            }
        }
        self.cache.remove(label);
        Ok(None)
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
        let attributes = made(label, &bytes);
        let object = self.token.with(|session| session.create_object(&attributes))?;
        self.came(label, object)?;
        Ok(object)
    }

    /// Puts new content into the record. Who read it first must hold its latch in between. Gives the object that is the record now.
    pub fn replace<R: Record>(&self, label: &str, object: ObjectHandle, record: &R) -> Result<ObjectHandle> {
        let bytes = self.bytes(label, record)?;
        if !self.fixed.load(Ordering::Relaxed) {
            match self
                .token
                .with(|session| session.update_attributes(object, &[Attribute::Value(bytes.to_vec())]))
            {
                Ok(()) => return Ok(object),
                Err(Trouble::Fixed) => self.fixed.store(true, Ordering::Relaxed),
                Err(trouble) => return Err(trouble),
            }
        }
        self.swap(label, object, &bytes)
    }

    /// For tokens that let no value be changed, SoftHSM for one: the new object is made first, with the next number, then the old ones go. In
    /// between, and after a crash there, the one with the highest number is the record.
    fn swap(&self, label: &str, object: ObjectHandle, bytes: &[u8]) -> Result<ObjectHandle> {
        let number = self.number(object)?.ok_or(Trouble::NoObject)?.saturating_add(1);
        let older = self.token.find(&template(label))?;
        let mut attributes = made(label, bytes);
        attributes.push(Attribute::ObjectId(number.to_be_bytes().to_vec()));
        let fresh = self.token.with(|session| session.create_object(&attributes))?;
        self.came(label, fresh)?;
        for old in older {
            self.remove(label, old)?;
        }
        Ok(fresh)
    }

    /// Whether records may be swapped in this token. A front that only reads must know it, too: it tries with an object of a session's own.
    fn swaps(&self) -> bool {
        if self.fixed.load(Ordering::Relaxed) {
            return true;
        }
        if let Some(refused) = self.tried.get() {
            return *refused;
        }
        let tried = self.token.with(|session| {
            let object = session.create_object(&trial())?;
            let changed = session.update_attributes(object, &[Attribute::Value(vec![1])]);
            session.destroy_object(object)?;
            changed
        });
        if matches!(tried, Err(Trouble::Fixed)) {
            self.fixed.store(true, Ordering::Relaxed);
        }
        match tried {
            Err(trouble) if trouble.is_passing() => true,
            tried => *self.tried.get_or_init(|| tried.is_err()),
        }
    }

    /// The object that is the record of that name.
    fn newest(&self, label: &str) -> Result<Option<ObjectHandle>> {
        let found = self.token.find(&template(label))?;
        if found.len() < 2 {
            return Ok(found.first().copied());
        }
        let mut newest = None;
        for object in found {
            // One that has gone meanwhile is an older one.
            if let Some(number) = self.number(object)?
                && newest.is_none_or(|(highest, _)| number > highest)
            {
                newest = Some((number, object));
            }
        }
        Ok(newest.map(|(_, object)| object))
    }

    /// How often the record had been swapped when this object was made; none if it is gone.
    fn number(&self, object: ObjectHandle) -> Result<Option<u64>> {
        let attributes =
            match self.token.with(|session| session.get_attributes(object, &[AttributeType::ObjectId])) {
                Ok(attributes) => attributes,
                Err(Trouble::NoObject) => return Ok(None),
                Err(trouble) => return Err(trouble),
            };
        let number = attributes.into_iter().find_map(|attribute| match attribute {
            Attribute::ObjectId(bytes) => Some(u64::from_be_bytes(bytes.try_into().ok()?)),
            _ => None,
        });
        Ok(Some(number.unwrap_or(0)))
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

    /// What the cache has, if the token still says the same; parsed again if it says something else.
    fn refresh<R: Record>(
        &self,
        label: &str,
        object: ObjectHandle,
        bytes: Zeroizing<Vec<u8>>,
        cached: Option<&Cached>,
    ) -> Result<Kept<R>> {
        let same = cached.filter(|cached| *cached.bytes == bytes);
        match same.and_then(|cached| cached.parsed.clone().downcast().ok()) {
            Some(value) => Ok(Kept { value, object }),
            None => self.keep(label, object, bytes),
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

    pub(super) fn bytes<R: Record>(&self, label: &str, record: &R) -> Result<Zeroizing<Vec<u8>>> {
        serde_json::to_vec(record)
            .map(Zeroizing::new)
            .map_err(|e| Trouble::Other(format!("record {label}: {e}")))
    }
}

/// What a record is made of.
pub(super) fn made(label: &str, bytes: &[u8]) -> Vec<Attribute> {
    let mut attributes = of_ours(label, bytes);
    attributes.push(Attribute::Modifiable(true));
    attributes
}

/// What any object of the book is made of: private, and with the name of this application, for people who look into the token.
pub(super) fn of_ours(label: &str, value: &[u8]) -> Vec<Attribute> {
    let mut attributes = template(label);
    attributes.extend([
        Attribute::Application(label::APPLICATION.as_bytes().to_vec()),
        Attribute::Token(true),
        Attribute::Private(true),
        Attribute::Value(value.to_vec()),
    ]);
    attributes
}

/// An object that is nobody's record, to be tried out.
fn trial() -> Vec<Attribute> {
    vec![
        Attribute::Class(ObjectClass::DATA),
        Attribute::Token(false),
        Attribute::Private(true),
        Attribute::Modifiable(true),
        Attribute::Value(vec![0]),
    ]
}

/// What finds a record by its name. Tokens index classes and labels; by anything else they would have to open each object to know.
pub(super) fn template(label: &str) -> Vec<Attribute> {
    vec![Attribute::Class(ObjectClass::DATA), Attribute::Label(label.as_bytes().to_vec())]
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_looked_for_by_what_tokens_index() {
        let kinds: Vec<_> = template("kms/a").iter().map(Attribute::attribute_type).collect();
        assert_eq!(kinds, [AttributeType::Class, AttributeType::Label]);
    }
}
