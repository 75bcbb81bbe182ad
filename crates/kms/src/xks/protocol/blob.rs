//! Bytes as the API writes them: standard Base64 with padding (RFC 4648, section 4).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::ops::Deref;
use zeroize::Zeroizing;

/// Bytes that are Base64 in JSON. They may be plaintext: wiped when dropped, and never shown.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Blob(Zeroizing<Vec<u8>>);

impl Blob {
    /// The bytes, without a copy.
    pub fn into_inner(self) -> Zeroizing<Vec<u8>> {
        self.0
    }
}

impl From<Vec<u8>> for Blob {
    fn from(bytes: Vec<u8>) -> Self {
        Blob(Zeroizing::new(bytes))
    }
}

impl From<Zeroizing<Vec<u8>>> for Blob {
    fn from(bytes: Zeroizing<Vec<u8>>) -> Self {
        Blob(bytes)
    }
}

impl Deref for Blob {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Blob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Blob({} bytes)", self.0.len())
    }
}

impl Serialize for Blob {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&Zeroizing::new(STANDARD.encode(&*self.0)))
    }
}

impl<'de> Deserialize<'de> for Blob {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Base64;

        impl Visitor<'_> for Base64 {
            type Value = Blob;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a Base64 string")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Blob, E> {
                // What was wrong with it is not said: the error would show a part of it.
                STANDARD.decode(text).map(Blob::from).map_err(|_| E::custom("not standard Base64"))
            }
        }

        deserializer.deserialize_str(Base64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_standard_base64_with_padding_both_ways() {
        let blob: Blob = serde_json::from_str("\"+/8=\"").unwrap();
        assert_eq!(&*blob, [0xfb, 0xff]);
        assert_eq!(serde_json::to_string(&blob).unwrap(), "\"+/8=\"");
        for wrong in ["\"-_8=\"", "\"+/8\"", "\"+/8=\\n\"", "\"+/9=\"", "7", "null"] {
            assert!(serde_json::from_str::<Blob>(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn bytes_are_not_shown() {
        assert_eq!(format!("{:?}", Blob::from(b"secret".to_vec())), "Blob(6 bytes)");
        let error = serde_json::from_str::<Blob>("\"sec ret\"").unwrap_err().to_string();
        assert!(!error.contains("sec"), "{error}");
    }
}
