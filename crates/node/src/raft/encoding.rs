//! Everything this module writes to disk or to a peer, as bytes: the encoding of [`cloister::codec`], with the version told
//! from what is damaged.

use cloister::codec::Codec;
use serde::Serialize;
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

/// The version of entries on disk and in snapshots that this node writes and reads.
pub(crate) const VERSION: u8 = 1;

/// Why bytes could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecodeError {
    /// Nothing there.
    Empty,
    /// Written by another version, whose number this is.
    Version(u8),
    /// Not what was expected.
    Malformed,
}

impl std::fmt::Display for DecodeError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            DecodeError::Empty => f.write_str("a record is empty"),
            DecodeError::Version(found) => {
                write!(f, "a record is of version {found}, this program reads version {VERSION}")
            }
            DecodeError::Malformed => f.write_str("a record is damaged"),
        }
    }
}

impl std::error::Error for DecodeError {}

/// A value as a version byte and its encoding; wiped, for what nodes ask each other holds PINs and keys.
pub(crate) fn encode<T: Serialize>(value: &T) -> Zeroizing<Vec<u8>> {
    // invariant: our types hold no maps of unknown length, and no value in memory passes the limit.
    Codec::new(VERSION, u64::MAX).encode(value).expect("encoding to memory")
}

/// The value that [`encode`] made these bytes of.
pub(crate) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, DecodeError> {
    match bytes.split_first() {
        None => Err(DecodeError::Empty),
        // The limit keeps a length inside the bytes from asking for more memory than the bytes themselves.
        Some((&VERSION, body)) => {
            Codec::new(VERSION, body.len() as u64).decode(bytes).ok_or(DecodeError::Malformed)
        }
        Some((&other, _)) => Err(DecodeError::Version(other)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_of_another_version_are_named_and_not_guessed_at() {
        let mut bytes = encode(&7u64);
        assert_eq!(decode::<u64>(&bytes), Ok(7));
        bytes[0] = 9;
        assert_eq!(decode::<u64>(&bytes), Err(DecodeError::Version(9)));
        assert_eq!(decode::<u64>(&[]), Err(DecodeError::Empty));
    }

    #[test]
    fn a_length_that_promises_more_than_is_there_is_malformed() {
        let mut bytes = encode(&vec![1u8; 4]);
        bytes[1..9].copy_from_slice(&(1u64 << 60).to_le_bytes());
        assert_eq!(decode::<Vec<u8>>(&bytes), Err(DecodeError::Malformed));
        bytes = encode(&7u64);
        bytes.push(0);
        assert_eq!(decode::<u64>(&bytes), Err(DecodeError::Malformed));
    }
}
