//! Attributes: the words every object is described in (PKCS#11 3.2, section 4).
//!
//! Values are kept in a form that is the same on every machine, so that records and messages can
//! carry them: numbers are 64 bits wide, whatever `CK_ULONG` is.

mod late;

pub use late::{Late, Parts};
use serde::de::Visitor;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::Zeroize;

/// A `CKA_` number.
pub type AttributeType = u64;

/// Bytes that may be a secret: wiped when dropped, and never printed.
#[derive(Clone, PartialEq, Eq, Hash, Default)]
pub struct Bytes(Vec<u8>);

impl Bytes {
    /// Takes the bytes over.
    pub fn new(bytes: Vec<u8>) -> Self {
        Bytes(bytes)
    }

    /// `length` zero bytes, to be filled in by the caller.
    #[allow(clippy::slow_vector_initialization)] // memory asked for as zeroed is not what the thread has just let go of
    pub fn zeroed(length: usize) -> Self {
        let mut bytes = Vec::with_capacity(length);
        bytes.resize(length, 0);
        Bytes(bytes)
    }

    /// Shortens to the first `length` bytes and wipes the rest.
    pub fn truncate(&mut self, length: usize) {
        if length < self.0.len() {
            self.0[length..].zeroize();
            self.0.truncate(length);
        }
    }
}

impl std::ops::Deref for Bytes {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl std::ops::DerefMut for Bytes {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.0
    }
}

impl From<Vec<u8>> for Bytes {
    fn from(bytes: Vec<u8>) -> Self {
        Bytes(bytes)
    }
}

impl From<&[u8]> for Bytes {
    fn from(bytes: &[u8]) -> Self {
        Bytes(bytes.to_vec())
    }
}

impl Drop for Bytes {
    fn drop(&mut self) {
        // The spare room too: more may have been there. Written as one piece, not byte by byte, and nobody may leave it out.
        self.0.clear();
        self.0.resize(self.0.capacity(), 0);
        zeroize::optimization_barrier(&self.0[..]);
    }
}

impl std::fmt::Debug for Bytes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "<{} bytes>", self.0.len())
    }
}

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

/// Taken over whole: read byte by byte into a vector that grows, a secret would leave copies behind.
impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Whole;
        impl Visitor<'_> for Whole {
            type Value = Bytes;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("bytes")
            }
            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Bytes, E> {
                Ok(bytes.into())
            }
            fn visit_byte_buf<E>(self, bytes: Vec<u8>) -> Result<Bytes, E> {
                Ok(bytes.into())
            }
        }
        deserializer.deserialize_byte_buf(Whole)
    }
}

/// The value of one attribute.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Value {
    /// `CK_BBOOL`.
    Bool(bool),
    /// `CK_ULONG` and all that is one: classes, types, lengths.
    Ulong(u64),
    /// Byte arrays, big integers, strings and `CK_DATE` (8 digits, or empty).
    Bytes(Bytes),
    /// `CKA_ALLOWED_MECHANISMS`.
    Mechanisms(Vec<u64>),
    /// `CKA_WRAP_TEMPLATE` and its kin.
    Template(Attributes),
}

impl Value {
    /// Bytes of the value as `C_GetAttributeValue` gives it; of a template, as [`Attributes::size`] counts.
    pub fn size(&self) -> u64 {
        match self {
            Value::Bool(_) => 1,
            Value::Ulong(_) => 8,
            Value::Bytes(bytes) => bytes.len() as u64,
            Value::Mechanisms(list) => 8 * list.len() as u64,
            Value::Template(template) => template.size(),
        }
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Value::Bool(value)
    }
}

impl From<u64> for Value {
    fn from(value: u64) -> Self {
        Value::Ulong(value)
    }
}

impl From<&[u8]> for Value {
    fn from(value: &[u8]) -> Self {
        Value::Bytes(value.into())
    }
}

impl From<Vec<u8>> for Value {
    fn from(value: Vec<u8>) -> Self {
        Value::Bytes(value.into())
    }
}

impl From<Bytes> for Value {
    fn from(value: Bytes) -> Self {
        Value::Bytes(value)
    }
}

/// Attributes that an object has at most, mostly.
const LIKELY: usize = 64;

/// A set of attributes, each type at most once, in ascending order of type.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Attributes(Vec<(AttributeType, Value)>);

impl Attributes {
    /// The empty set.
    pub fn new() -> Self {
        Self::default()
    }

    /// The value of `kind`, if it is there.
    pub fn get(&self, kind: AttributeType) -> Option<&Value> {
        self.position(kind).ok().map(|at| &self.0[at].1)
    }

    /// The one in this place, in ascending order of type.
    pub fn at(&self, place: usize) -> Option<(AttributeType, &Value)> {
        self.0.get(place).map(|(kind, value)| (*kind, value))
    }

    /// The place of `kind`, if it is there.
    pub fn place_of(&self, kind: AttributeType) -> Option<usize> {
        self.position(kind).ok()
    }

    /// The value of a boolean attribute; absent or of another form: `None`.
    pub fn bool(&self, kind: AttributeType) -> Option<bool> {
        match self.get(kind) {
            Some(Value::Bool(value)) => Some(*value),
            _ => None,
        }
    }

    /// Whether a boolean attribute is there and true.
    pub fn is_true(&self, kind: AttributeType) -> bool {
        self.bool(kind) == Some(true)
    }

    /// The value of a numeric attribute.
    pub fn ulong(&self, kind: AttributeType) -> Option<u64> {
        match self.get(kind) {
            Some(Value::Ulong(value)) => Some(*value),
            _ => None,
        }
    }

    /// The value of a byte attribute.
    pub fn bytes(&self, kind: AttributeType) -> Option<&[u8]> {
        match self.get(kind) {
            Some(Value::Bytes(value)) => Some(value),
            _ => None,
        }
    }

    /// The value of a template attribute.
    pub fn template(&self, kind: AttributeType) -> Option<&Attributes> {
        match self.get(kind) {
            Some(Value::Template(value)) => Some(value),
            _ => None,
        }
    }

    /// Whether `kind` is there.
    pub fn contains(&self, kind: AttributeType) -> bool {
        self.position(kind).is_ok()
    }

    /// Sets `kind`, replacing what was there.
    #[inline]
    pub fn set(&mut self, kind: AttributeType, value: impl Into<Value>) {
        // They mostly come in order.
        if self.0.last().is_none_or(|(last, _)| *last < kind) {
            self.0.push((kind, value.into()));
        } else {
            self.put(kind, value.into());
        }
    }

    fn put(&mut self, kind: AttributeType, value: Value) {
        match self.position(kind) {
            Ok(at) => self.0[at].1 = value,
            Err(at) => self.0.insert(at, (kind, value)),
        }
    }

    /// Sets `kind` only where it is missing.
    pub fn set_default(&mut self, kind: AttributeType, value: impl Into<Value>) {
        if let Err(at) = self.position(kind) {
            self.0.insert(at, (kind, value.into()));
        }
    }

    /// Adds `kind` where it is missing; whether it has this value then.
    pub fn agree(&mut self, kind: AttributeType, value: Value) -> bool {
        match self.position(kind) {
            Ok(at) => self.0[at].1 == value,
            Err(at) => {
                self.0.insert(at, (kind, value));
                true
            }
        }
    }

    /// Takes `kind` out.
    pub fn remove(&mut self, kind: AttributeType) -> Option<Value> {
        self.position(kind).ok().map(|at| self.0.remove(at).1)
    }

    /// Adds all of `other`, which wins where both have a type.
    pub fn extend(&mut self, other: Attributes) {
        let room = self.0.capacity().max(self.0.len() + other.0.len());
        let mut mine = std::mem::replace(&mut self.0, Vec::with_capacity(room)).into_iter();
        for (kind, value) in other.0 {
            let lower = mine.as_slice().iter().take_while(|(mine, _)| *mine < kind).count();
            self.0.extend(mine.by_ref().take(lower));
            if mine.as_slice().first().is_some_and(|(mine, _)| *mine == kind) {
                mine.next();
            }
            self.0.push((kind, value));
        }
        self.0.extend(mine);
    }

    /// The same, with room for so many more.
    pub fn copy_with_room(&self, more: usize) -> Attributes {
        let mut copy = Vec::with_capacity(self.0.len() + more);
        copy.extend_from_slice(&self.0);
        Attributes(copy)
    }

    /// Takes those of `kinds` out, which are few and come in ascending order.
    pub fn take(&mut self, kinds: impl Iterator<Item = AttributeType> + Clone) -> Attributes {
        if self.0.iter().all(|(kind, _)| kinds.clone().any(|taken| taken == *kind)) {
            return std::mem::take(self);
        }
        Attributes(kinds.filter_map(|kind| Some((kind, self.remove(kind)?))).collect())
    }

    /// Keeps those that `keep` holds for; at an error what is left is no longer of use.
    pub fn try_retain<E>(
        &mut self,
        mut keep: impl FnMut(AttributeType, &Value) -> Result<bool, E>,
    ) -> Result<(), E> {
        let mut result = Ok(());
        self.0.retain(|(kind, value)| {
            result.is_ok()
                && keep(*kind, value).unwrap_or_else(|error| {
                    result = Err(error);
                    false
                })
        });
        result
    }

    /// Splits into those `keep` holds for and the others.
    pub fn partition(self, keep: impl Fn(AttributeType) -> bool) -> (Attributes, Attributes) {
        let (mut kept, mut others) = (Vec::with_capacity(self.0.len()), Vec::new());
        for (kind, value) in self.0 {
            if keep(kind) { kept.push((kind, value)) } else { others.push((kind, value)) }
        }
        (Attributes(kept), Attributes(others))
    }

    /// All of them, in ascending order of type.
    pub fn iter(&self) -> impl Iterator<Item = (AttributeType, &Value)> {
        self.0.iter().map(|(kind, value)| (*kind, value))
    }

    /// Bytes of all values, with 8 for each type.
    pub fn size(&self) -> u64 {
        self.0.iter().map(|(_, value)| 8 + value.size()).sum()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Makes room for so many more, if it is a number that objects have.
    pub fn reserve(&mut self, more: usize) {
        self.0.reserve(more.min(LIKELY));
    }

    #[inline]
    fn position(&self, kind: AttributeType) -> Result<usize, usize> {
        // What is asked for most (class, token, private) has the lowest numbers, and every object has all of them.
        let place = kind as usize;
        if self.0.get(place).is_some_and(|(there, _)| *there == kind) {
            return Ok(place);
        }
        self.search(kind)
    }

    fn search(&self, kind: AttributeType) -> Result<usize, usize> {
        if self.0.last().is_none_or(|(last, _)| *last < kind) {
            return Err(self.0.len());
        }
        self.0.binary_search_by_key(&kind, |(kind, _)| *kind)
    }
}

impl IntoIterator for Attributes {
    type Item = (AttributeType, Value);
    type IntoIter = std::vec::IntoIter<Self::Item>;
    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<V: Into<Value>> FromIterator<(AttributeType, V)> for Attributes {
    fn from_iter<I: IntoIterator<Item = (AttributeType, V)>>(items: I) -> Self {
        let items = items.into_iter();
        let mut attributes = Attributes(Vec::with_capacity(items.size_hint().0.min(LIKELY)));
        for (kind, value) in items {
            attributes.set(kind, value);
        }
        attributes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_is_kept_once_and_the_last_value_wins() {
        let attributes: Attributes = [(3, 1u64), (1, 2), (3, 4)].into_iter().collect();
        assert_eq!(attributes.len(), 2);
        assert_eq!(attributes.ulong(3), Some(4));
        assert_eq!(attributes.iter().map(|(kind, _)| kind).collect::<Vec<_>>(), [1, 3]);
    }

    #[test]
    fn of_two_sets_each_type_is_there_once_and_the_other_s_value_wins() {
        let mut one: Attributes = [(1, 1u64), (4, 1), (5, 1), (9, 1)].into_iter().collect();
        let other: Attributes = [(0, 2u64), (4, 2), (6, 2), (10, 2), (11, 2)].into_iter().collect();
        one.extend(other);
        let all: Vec<_> = one.iter().map(|(kind, _)| (kind, one.ulong(kind).unwrap())).collect();
        assert_eq!(all, [(0, 2), (1, 1), (4, 2), (5, 1), (6, 2), (9, 1), (10, 2), (11, 2)]);
        one.extend(Attributes::new());
        assert_eq!(one.len(), all.len());
    }

    #[test]
    fn what_is_taken_out_is_no_longer_there() {
        let mut all: Attributes = [(1, 1u64), (2, 2), (3, 3)].into_iter().collect();
        let taken = all.take([0, 2, 3, 4].into_iter());
        assert_eq!(taken, [(2, 2u64), (3, 3)].into_iter().collect());
        assert_eq!(all, [(1, 1u64)].into_iter().collect());
    }

    #[test]
    fn bytes_are_never_printed() {
        let shown = format!("{:?}", Attributes::from_iter([(17, vec![0xabu8; 3])]));
        assert!(shown.contains("<3 bytes>") && !shown.contains("171"), "{shown}");
    }
}
