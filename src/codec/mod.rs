//! Values as bytes: the only place that knows the encoding (bincode 1.3, with integers of fixed width or of few bytes).
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

/// How integers are written: numbers, lengths, counts and kinds.
#[derive(Clone, Copy)]
enum Integers {
    /// Little-endian, each in its whole width.
    Fixed,
    /// In one byte up to 250; larger ones little-endian in 2, 4 or 8 bytes after a byte 251, 252 or 253.
    Short,
}

/// One kind of encoded values.
pub struct Codec {
    version: u8,
    limit: u64,
    integers: Integers,
}

impl Codec {
    /// Values of this version, of at most `limit` bytes without the version.
    pub const fn new(version: u8, limit: u64) -> Codec {
        Codec { version, limit, integers: Integers::Fixed }
    }

    /// The same with short integers. What is decoded may take some twenty times as much memory as bytes, so `limit` is to be small.
    pub const fn short(version: u8, limit: u64) -> Codec {
        Codec { version, limit, integers: Integers::Short }
    }

    /// Encodes a value; the bytes may be secret.
    pub fn encode(&self, value: &impl Serialize) -> Result<Zeroizing<Vec<u8>>, TooLarge> {
        let encoded = match self.integers {
            Integers::Fixed => encode(self.version, self.options().with_fixint_encoding(), value),
            Integers::Short => encode(self.version, self.options(), value),
        };
        encoded.map_err(|_| TooLarge)
    }

    /// Decodes a value; `None` for bytes that are no encoding of one.
    pub fn decode<T: DeserializeOwned>(&self, bytes: &[u8]) -> Option<T> {
        let (version, body) = bytes.split_first()?;
        // bincode asks no limit of bytes that are there.
        if *version != self.version || u64::try_from(body.len()).is_ok_and(|length| length > self.limit) {
            return None;
        }
        let decoded = match self.integers {
            Integers::Fixed => self.options().with_fixint_encoding().deserialize(body),
            Integers::Short => self.options().deserialize(body),
        };
        decoded.ok()
    }

    /// Integers are short unless it is said otherwise.
    fn options(&self) -> impl Options + Copy {
        bincode::DefaultOptions::new().with_varint_encoding().reject_trailing_bytes().with_limit(self.limit)
    }
}

fn encode(
    version: u8,
    options: impl Options + Copy,
    value: &impl Serialize,
) -> bincode::Result<Zeroizing<Vec<u8>>> {
    let size = options.serialized_size(value)?;
    // All room at once: a vector that grows leaves unwiped copies behind.
    let mut bytes =
        Zeroizing::new(Vec::with_capacity(usize::try_from(size).unwrap_or_default().saturating_add(1)));
    bytes.push(version);
    options.serialize_into(&mut *bytes, value)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attribute::{Attributes, Bytes, Value};

    const CODEC: Codec = Codec::new(1, 1 << 20);
    const BOTH: [Codec; 2] = [CODEC, Codec::short(1, 1 << 20)];

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
        attributes.set(5, Value::Mechanisms(vec![1, 250, 251, 1 << 16, 1 << 32, u64::MAX]));
        attributes.set(u64::MAX, false);
        for codec in BOTH {
            assert_eq!(codec.decode(&codec.encode(&attributes).unwrap()), Some(attributes.clone()));
        }
    }

    #[test]
    fn short_integers_take_as_many_bytes_as_they_need() {
        let bytes = |number: u64| hex::encode(&*Codec::short(2, 9).encode(&number).unwrap());
        for (number, expected) in [
            (0, "0200"),
            (250, "02fa"),
            (251, "02fbfb00"),
            (0xffff, "02fbffff"),
            (0x1_0000, "02fc00000100"),
            (1 << 32, "02fd0000000001000000"),
        ] {
            assert_eq!(bytes(number), expected);
        }
    }

    #[test]
    fn what_is_too_large_or_too_deep_is_refused() {
        for codec in BOTH {
            assert_eq!(codec.encode(&nested(4)), Err(TooLarge));
            assert_eq!(codec.encode(&Bytes::zeroed(1 << 20)), Err(TooLarge));
            let long = Codec { limit: 1 << 21, ..codec }.encode(&Bytes::zeroed(1 << 20)).unwrap();
            assert_eq!(codec.decode::<Bytes>(&long), None);
        }
    }

    #[test]
    fn bytes_that_nobody_encoded_are_refused() {
        for (codec, first_type, second_type) in [(&BOTH[0], 9, 29), (&BOTH[1], 2, 5)] {
            let good = codec.encode(&Attributes::from_iter([(1, 1u64), (2, 2)])).unwrap();
            let read = |bytes: &[u8]| codec.decode::<Attributes>(bytes);
            assert!(read(&good).is_some());
            for length in 0..good.len() {
                assert_eq!(read(&good[..length]), None, "cut to {length} bytes");
            }
            let changed = |change: &dyn Fn(&mut Vec<u8>)| {
                let mut bytes = good.to_vec();
                change(&mut bytes);
                read(&bytes)
            };
            assert_eq!((good[first_type], good[second_type]), (1, 2));
            assert_eq!(changed(&|bytes| bytes.push(0)), None, "a byte too many");
            assert_eq!(changed(&|bytes| bytes[0] = 2), None, "of another version");
            assert_eq!(changed(&|bytes| bytes[first_type] = 2), None, "a type twice");
            assert_eq!(changed(&|bytes| bytes[first_type] = 3), None, "types that do not ascend");
            assert_eq!(changed(&|bytes| bytes[1..first_type].fill(0xf0)), None, "more attributes than bytes");
        }
    }

    #[test]
    fn whatever_byte_is_changed_the_answer_is_none_or_attributes_that_can_be_encoded() {
        let mut attributes = nested(2);
        attributes.set(0x101, vec![1u8, 2, 3]);
        attributes.set(0x102, Value::Mechanisms(vec![1, 300]));
        for codec in BOTH {
            let good = codec.encode(&attributes).unwrap();
            for (at, byte) in (0..good.len()).flat_map(|at| (0..=255).map(move |byte| (at, byte))) {
                let mut bytes = good.to_vec();
                bytes[at] = byte;
                if let Some(read) = codec.decode::<Attributes>(&bytes) {
                    let again = codec.encode(&read).unwrap();
                    assert_eq!(codec.decode(&again), Some(read), "byte {at} is {byte}");
                }
            }
        }
    }

    #[test]
    fn a_length_or_count_beyond_the_bytes_is_refused_before_memory_is_asked_for() {
        let codec = Codec::short(2, 1 << 16);
        // One attribute of type 1: bytes, mechanisms or a template of 2^64 - 1, 2^32 - 1 or 65535 pieces.
        for kind in [2, 3, 4] {
            for length in [
                &[253, 255, 255, 255, 255, 255, 255, 255, 255][..],
                &[252, 255, 255, 255, 255],
                &[251, 255, 255],
            ] {
                let bytes = [&[2, 1, 1, kind][..], length, &[0; 8]].concat();
                assert_eq!(codec.decode::<Attributes>(&bytes), None, "{bytes:?}");
            }
        }
        // Wider than any number is.
        assert_eq!(codec.decode::<u64>(&[&[2, 254][..], &[1; 16]].concat()), None);
    }
}
