//! Initialisation vectors and nonces: few bytes, for which no memory is asked for.

use serde::{Deserialize, Serialize, Serializer};
use std::fmt;
use std::ops::{Deref, DerefMut};

/// Bytes that are no secret, and mostly few. Serialised as a `Vec<u8>` is.
#[derive(Clone, Deserialize)]
#[serde(from = "Vec<u8>")]
pub struct Short(Place);

/// The longest that is kept in place, in bytes.
const IN_PLACE: usize = 16;

#[derive(Clone)]
enum Place {
    Here(Here),
    Elsewhere(Vec<u8>),
}

/// Aligned, so that it is moved in whole words: processors are slow to read back together what was written apart.
#[derive(Clone)]
#[repr(align(8))]
struct Here {
    bytes: [u8; IN_PLACE],
    length: u8,
}

impl From<&[u8]> for Short {
    #[inline]
    fn from(given: &[u8]) -> Self {
        let mut bytes = [0; IN_PLACE];
        // Most are of one of the first two lengths. Twelve bytes are put together in registers, for the same reason as below.
        if let Ok(given) = <&[u8; 12]>::try_from(given) {
            bytes = twelve(given);
        } else if let Ok(given) = <[u8; IN_PLACE]>::try_from(given) {
            bytes = given;
        } else if let Some(place) = bytes.get_mut(..given.len()) {
            place.copy_from_slice(given);
        } else {
            return Short(Place::Elsewhere(given.to_vec()));
        }
        Short(Place::Here(Here { bytes, length: given.len() as u8 }))
    }
}

/// They, and nothing behind them.
#[inline]
fn twelve(given: &[u8; 12]) -> [u8; IN_PLACE] {
    let [a, b, c, d, e, f, g, h, i, j, k, l] = *given;
    let (first, last) = (u64::from_le_bytes([a, b, c, d, e, f, g, h]), u32::from_le_bytes([i, j, k, l]));
    (u128::from(first) | u128::from(last) << u64::BITS).to_le_bytes()
}

impl From<Vec<u8>> for Short {
    fn from(given: Vec<u8>) -> Self {
        given.as_slice().into()
    }
}

impl Deref for Short {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        match &self.0 {
            Place::Here(Here { bytes, length }) => &bytes[..usize::from(*length)],
            Place::Elsewhere(bytes) => bytes,
        }
    }
}

impl DerefMut for Short {
    fn deref_mut(&mut self) -> &mut [u8] {
        match &mut self.0 {
            Place::Here(Here { bytes, length }) => &mut bytes[..usize::from(*length)],
            Place::Elsewhere(bytes) => bytes,
        }
    }
}

impl PartialEq for Short {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Short {}

impl fmt::Debug for Short {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl Serialize for Short {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (**self).serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_of_any_length_come_back_and_travel_as_a_vector_does() {
        for length in [0, 1, 12, 15, 16, 17, 256] {
            let bytes: Vec<u8> = (0..length).map(|at| at as u8).collect();
            let mut short = Short::from(bytes.clone());
            assert_eq!(*short, bytes[..]);
            let encoded = bincode::serialize(&short).unwrap();
            assert_eq!(encoded, bincode::serialize(&bytes).unwrap());
            assert_eq!(bincode::deserialize::<Short>(&encoded).unwrap(), short);
            if let Some(first) = short.first_mut() {
                *first = 0xff;
                assert_ne!(short, Short::from(bytes));
            }
        }
    }
}
