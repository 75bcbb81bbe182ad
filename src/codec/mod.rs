//! Values as bytes: the only place that knows the encoding (bincode 1.3, fixed-width little-endian integers).
//!
//! The first byte is the version of what is encoded. Attributes are encoded in a form of their own, see [`form`].

mod form;

use bincode::Options;
use serde::Serialize;
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

/// The value can't be encoded: too many bytes, or templates nested too deep.
#[derive(Debug, PartialEq, Eq)]
pub struct TooLarge;

/// One kind of encoded values.
pub struct Codec {
    version: u8,
    limit: u64,
}

impl Codec {
    /// Values of this version, of at most `limit` bytes without the version.
    pub const fn new(version: u8, limit: u64) -> Codec {
        Codec { version, limit }
    }

    /// Encodes a value; the bytes may be secret.
    pub fn encode(&self, value: &impl Serialize) -> Result<Zeroizing<Vec<u8>>, TooLarge> {
        let size = self.options().serialized_size(value).map_err(|_| TooLarge)?;
        // All room at once: a vector that grows leaves unwiped copies behind.
        let mut bytes = Zeroizing::new(Vec::with_capacity(size as usize + 1));
        bytes.push(self.version);
        self.options().serialize_into(&mut *bytes, value).map_err(|_| TooLarge)?;
        Ok(bytes)
    }

    /// Decodes a value; `None` for bytes that [`Codec::encode`] can't have made.
    pub fn decode<T: DeserializeOwned>(&self, bytes: &[u8]) -> Option<T> {
        let (version, body) = bytes.split_first()?;
        if *version != self.version {
            return None;
        }
        self.options().deserialize(body).ok()
    }

    fn options(&self) -> impl Options {
        bincode::DefaultOptions::new().with_fixint_encoding().reject_trailing_bytes().with_limit(self.limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attribute::{Attributes, Bytes, Value};

    const CODEC: Codec = Codec::new(1, 1 << 20);

    fn nested(depth: usize) -> Attributes {
        let mut attributes = Attributes::from_iter([(1, true)]);
        for _ in 0..depth {
            let mut outer = Attributes::new();
            outer.set(2, Value::Template(attributes));
            attributes = outer;
        }
        attributes
    }

    #[test]
    fn every_kind_of_value_comes_back() {
        let mut attributes = nested(3);
        attributes.set(3, 7u64);
        attributes.set(4, vec![1u8, 2, 3]);
        attributes.set(5, Value::Mechanisms(vec![1, u64::MAX]));
        assert_eq!(CODEC.decode(&CODEC.encode(&attributes).unwrap()), Some(attributes));
    }

    #[test]
    fn what_is_too_large_or_too_deep_is_refused() {
        assert_eq!(CODEC.encode(&nested(4)), Err(TooLarge));
        assert_eq!(CODEC.encode(&Bytes::zeroed(1 << 20)), Err(TooLarge));
    }

    #[test]
    fn bytes_that_nobody_encoded_are_refused() {
        let good = CODEC.encode(&Attributes::from_iter([(1, 1u64), (2, 2)])).unwrap();
        let read = |bytes: &[u8]| CODEC.decode::<Attributes>(bytes);
        assert!(read(&good).is_some());
        for length in 0..good.len() {
            assert_eq!(read(&good[..length]), None, "cut to {length} bytes");
        }
        let changed = |change: &dyn Fn(&mut Vec<u8>)| {
            let mut bytes = good.to_vec();
            change(&mut bytes);
            read(&bytes)
        };
        assert_eq!(changed(&|bytes| bytes.push(0)), None, "a byte too many");
        assert_eq!(changed(&|bytes| bytes[0] = 2), None, "of another version");
        assert_eq!(changed(&|bytes| bytes[9] = 2), None, "a type twice");
        assert_eq!(changed(&|bytes| bytes[1..9].fill(0xff)), None, "more attributes than bytes");
    }
}
