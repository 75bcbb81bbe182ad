//! Attributes as bytes, as the store keeps them.

use crate::attribute::{Attributes, Value};
use crate::codec::Codec;
pub(super) use crate::codec::TooLarge;
use zeroize::Zeroizing;

/// Version 1, and most bytes of one encoded half of a record.
const CODEC: Codec = Codec::new(1, 16 << 20);

/// Encodes attributes; the bytes may be secret.
pub(super) fn encode(attributes: &Attributes) -> Result<Zeroizing<Vec<u8>>, TooLarge> {
    CODEC.encode(attributes)
}

/// Encodes one value, for its tag.
pub(super) fn encode_value(value: &Value) -> Result<Zeroizing<Vec<u8>>, TooLarge> {
    CODEC.encode(value)
}

/// Decodes attributes; `None` for bytes that [`encode`] can't have made.
pub(super) fn decode(bytes: &[u8]) -> Option<Attributes> {
    CODEC.decode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_encoding_is_the_documented_one() {
        let attributes = Attributes::from_iter([(0x102, Value::from(&b"ab"[..]))]);
        let expected = "01 0100000000000000 0201000000000000 02000000 0200000000000000 6162".replace(' ', "");
        assert_eq!(hex::encode(&*encode(&attributes).unwrap()), expected);
    }

    #[test]
    fn the_limit_is_16_mib() {
        let attributes = Attributes::from_iter([(1, vec![0u8; 16 << 20])]);
        assert_eq!(encode(&attributes), Err(TooLarge));
    }
}
