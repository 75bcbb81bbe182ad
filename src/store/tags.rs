//! Blind tags: what makes an object findable by its most asked-for attributes without being opened.
//!
//! A tag is HMAC-SHA256, cut to 16 bytes, of whose object it is, attribute and value. A private object's tags are made under K; equal tags say
//! only that two objects of one owner have an equal value. A public object's are made under a key that lies open in the file.

use super::codec;
use super::error::Step;
use super::keys::TokenKey;
use super::seal::{self, MacKey};
use crate::attribute::{AttributeType, Attributes, Value};
use cryptoki_sys as ck;
use parking_lot::RwLock;
use std::collections::HashMap;

/// A tag.
pub(super) type Tag = [u8; 16];

/// The attributes that have tags, and their columns; the most selective first.
pub(super) const TAGGED: [(AttributeType, &str); 4] = [
    (ck::CKA_ID, "id_tag"),
    (ck::CKA_LABEL, "label_tag"),
    (ck::CKA_KEY_TYPE, "type_tag"),
    (ck::CKA_CLASS, "class_tag"),
];

/// How many of these tell few objects from many, and have an index each.
pub(super) const SELECTIVE: usize = 2;

/// Tags of private objects that are numbers, classes and types of keys, by owner, attribute and value: there are few, and each object has two.
#[derive(Default)]
pub(super) struct KnownTags(RwLock<HashMap<(i64, AttributeType, u64), Tag>>);

impl KnownTags {
    /// Known at most: far more than there are classes and types.
    const MOST: usize = 256;

    fn tag(&self, of: (i64, AttributeType, u64), compute: impl FnOnce() -> Step<Tag>) -> Step<Tag> {
        if let Some(tag) = self.0.read().get(&of) {
            return Ok(*tag);
        }
        let tag = compute()?;
        let mut known = self.0.write();
        if known.len() < Self::MOST {
            known.insert(of, tag);
        }
        Ok(tag)
    }
}

/// Whose objects are tagged.
#[derive(Clone, Copy)]
pub(super) enum Scope<'a> {
    /// Public ones, with the token's open key.
    Public(&'a MacKey),
    /// A user's private ones.
    Private(&'a TokenKey, i64),
}

/// Whether an attribute with this value has a tag. An empty id or label tells nothing apart: it is not worth a page that every change would have to write.
pub(super) fn is_tagged(kind: AttributeType, value: &Value) -> bool {
    let is_empty = matches!(value, Value::Bytes(bytes) if bytes.is_empty());
    !is_empty && TAGGED.iter().any(|(tagged, _)| *tagged == kind)
}

impl Scope<'_> {
    /// The tag of one value.
    pub(super) fn tag(self, kind: AttributeType, value: &Value) -> Step<Tag> {
        match (self, value) {
            (Scope::Private(key, owner), Value::Ulong(number)) => {
                key.known_tags().tag((owner, kind, *number), || self.compute(kind, value))
            }
            _ => self.compute(kind, value),
        }
    }

    fn compute(self, kind: AttributeType, value: &Value) -> Step<Tag> {
        let value = codec::encode_value(value)?;
        let kind = kind.to_le_bytes();
        let mac = match self {
            Scope::Public(key) => seal::mac(key, &[b"tag", &kind, &value])?,
            Scope::Private(key, owner) => seal::mac(key.tags(), &[&owner.to_le_bytes(), &kind, &value])?,
        };
        Ok(std::array::from_fn(|at| mac[at]))
    }

    /// All tags of an object, in the order of [`TAGGED`].
    pub(super) fn tags(self, attributes: &Attributes) -> Step<[Option<Tag>; 4]> {
        let mut tags = [None; 4];
        for (tag, (kind, _)) in tags.iter_mut().zip(TAGGED) {
            let value = attributes.get(kind).filter(|value| is_tagged(kind, value));
            *tag = value.map(|value| self.tag(kind, value)).transpose()?;
        }
        Ok(tags)
    }
}
