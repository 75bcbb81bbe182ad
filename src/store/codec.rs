//! Attributes as bytes, as the store keeps them.

use super::schema::Format;
use crate::attribute::{Attributes, Value};
use crate::codec::Codec;
pub(super) use crate::codec::TooLarge;
use zeroize::Zeroizing;

/// Most bytes of one encoded half of a record.
const MOST: u64 = 16 << 20;

/// Version 1.
const WIDE: Codec = Codec::new(1, MOST);

/// Version 2, for halves in which integers make a difference.
const SHORT: Codec = Codec::short(2, 64 << 10);

/// Encodes attributes; the bytes may be secret.
pub(super) fn encode(attributes: &Attributes, format: Format) -> Result<Zeroizing<Vec<u8>>, TooLarge> {
    match format {
        Format::One => WIDE.encode(attributes),
        Format::Two => SHORT.encode(attributes).or_else(|_| WIDE.encode(attributes)),
    }
}

/// Encodes one value, for its tag, which is the same in every format.
pub(super) fn encode_value(value: &Value) -> Result<Zeroizing<Vec<u8>>, TooLarge> {
    WIDE.encode(value)
}

/// Decodes attributes of whatever version; `None` for bytes that are no encoding of some.
pub(super) fn decode(bytes: &[u8]) -> Option<Attributes> {
    SHORT.decode(bytes).or_else(|| WIDE.decode(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_encodings_are_the_documented_ones() {
        let attributes = Attributes::from_iter([(0x102, Value::from(&b"ab"[..]))]);
        for (format, expected) in [
            (Format::One, "01 0100000000000000 0201000000000000 02000000 0200000000000000 6162"),
            (Format::Two, "02 01 fb0201 02 02 6162"),
        ] {
            let encoded = encode(&attributes, format).unwrap();
            assert_eq!(hex::encode(&*encoded), expected.replace(' ', ""));
            assert_eq!(decode(&encoded), Some(attributes.clone()));
        }
    }

    #[test]
    fn the_limit_is_16_mib_and_what_is_long_is_written_with_whole_integers() {
        for (format, length, version) in [
            (Format::One, 1, Some(1)),
            (Format::Two, 60 << 10, Some(2)),
            (Format::Two, 64 << 10, Some(1)),
            (Format::Two, (16 << 20) - 64, Some(1)),
            (Format::One, 16 << 20, None),
            (Format::Two, 16 << 20, None),
        ] {
            let attributes = Attributes::from_iter([(1, vec![0u8; length])]);
            let encoded = encode(&attributes, format);
            assert_eq!(encoded.as_ref().ok().map(|bytes| bytes[0]), version, "{length}");
            assert_eq!(encoded.ok().and_then(|bytes| decode(&bytes)), version.map(|_| attributes));
        }
    }

    #[test]
    fn short_integers_are_not_read_where_they_would_take_much_memory() {
        let many = [&[2, 1, 1, 3, 252][..], &(70_000u32).to_le_bytes(), &[0; 70_000]].concat();
        assert_eq!(decode(&many), None);
    }
}
