//! Wrapping keys by an ordinary encryption: the same for all modes but for their errors' names.

use super::Cipher;
use crate::attribute::Bytes;
use crate::error::{Error, Result};
use zeroize::Zeroizing;

/// Encrypts an encoded key, with zero bytes after it up to a multiple of `unit` (1: none).
pub fn wrap(mut encryption: Box<dyn Cipher>, encoded: &[u8], unit: usize) -> Result<Vec<u8>> {
    let length = encoded.len().next_multiple_of(unit);
    let mut padded = Zeroizing::new(Vec::with_capacity(length));
    padded.extend_from_slice(encoded);
    padded.resize(length, 0);
    let mut wrapped = vec![0; encryption.whole_size(padded.len()).bound()];
    let length = encryption.whole(&padded, &mut wrapped).map_err(|error| match error {
        Error::DataLenRange => Error::KeySizeRange,
        other => other,
    })?;
    wrapped.truncate(length);
    Ok(wrapped)
}

/// Decrypts a wrapped key. Zero bytes that [`wrap`] has added are still there.
pub fn unwrap(mut decryption: Box<dyn Cipher>, wrapped: &[u8]) -> Result<Bytes> {
    let mut encoded = Bytes::zeroed(decryption.whole_size(wrapped.len()).bound());
    let length = decryption.whole(wrapped, &mut encoded).map_err(|error| match error {
        Error::EncryptedDataInvalid => Error::WrappedKeyInvalid,
        Error::EncryptedDataLenRange | Error::DataLenRange => Error::WrappedKeyLenRange,
        other => other,
    })?;
    encoded.truncate(length);
    Ok(encoded)
}
