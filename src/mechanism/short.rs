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
        match (given.len(), bytes.get_mut(..given.len())) {
            // Most are of one of these lengths, and a copy of a known length takes no memory.
            (12, _) => bytes[..12].copy_from_slice(&given[..12]),
            (IN_PLACE, _) => bytes.copy_from_slice(given),
            (_, Some(place)) => place.copy_from_slice(given),
            (_, None) => return Short(Place::Elsewhere(given.to_vec())),
        }
        Short(Place::Here(Here { bytes, length: given.len() as u8 }))
    }
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
