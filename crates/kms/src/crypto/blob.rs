//! Ciphertext blobs: they name their key, and everything in them is authenticated.
//!
//! | bytes | what |
//! |---|---|
//! | 1 | format, 1 |
//! | 1 | flags: 1 = a multi-Region key |
//! | 6 | account, as a number |
//! | 16 | key id without its punctuation |
//! | 32 | key material id |
//! | rest | what the key store's cipher made |
//!
//! The header is part of the associated data: a blob whose header was changed belongs to no key, or fails to decrypt.

use crate::api::error::{Code, Result};

const FORMAT: u8 = 1;
const MULTI_REGION: u8 = 1;

/// Accounts have twelve digits.
const LAST_ACCOUNT: u64 = 999_999_999_999;

/// Bytes before the ciphertext.
pub const HEADER: usize = 56;

/// A blob taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blob<'a> {
    /// The account of the key.
    pub account: String,
    /// The key id.
    pub key: String,
    /// The material's id, 64 hexadecimal digits.
    pub material: String,
    /// The header as it stands in the blob.
    pub header: &'a [u8],
    /// What the cipher made.
    pub body: &'a [u8],
}

/// The header of blobs made by this material of this key; nothing if an id isn't one of ours.
pub fn header(account: &str, key: &str, material: &str) -> Option<Vec<u8>> {
    let multi_region = key.strip_prefix("mrk-");
    let id = uuid::Uuid::try_parse(multi_region.unwrap_or(key)).ok()?;
    let account: u64 = account.parse().ok()?;
    let mut bytes = Vec::with_capacity(HEADER);
    bytes.push(FORMAT);
    bytes.push(if multi_region.is_some() { MULTI_REGION } else { 0 });
    bytes.extend_from_slice(account.to_be_bytes().get(2..)?);
    bytes.extend_from_slice(id.as_bytes());
    bytes.extend_from_slice(&hex::decode(material).ok()?);
    (bytes.len() == HEADER).then_some(bytes)
}

/// Takes a blob apart.
///
/// # Errors
///
/// `InvalidCiphertextException` for what isn't one.
pub fn parse(blob: &[u8]) -> Result<Blob<'_>> {
    take_apart(blob).ok_or_else(invalid)
}

fn take_apart(blob: &[u8]) -> Option<Blob<'_>> {
    let (header, body) = blob.split_at_checked(HEADER)?;
    let (&[format, flags], rest) = header.split_first_chunk::<2>()?;
    let (account, rest) = rest.split_first_chunk::<6>()?;
    let (id, material) = rest.split_first_chunk::<16>()?;
    if format != FORMAT || flags & !MULTI_REGION != 0 {
        return None;
    }
    let account = account.iter().fold(0u64, |number, byte| number << 8 | u64::from(*byte));
    if account > LAST_ACCOUNT {
        return None;
    }
    let id = uuid::Uuid::from_bytes(*id);
    let key =
        if flags & MULTI_REGION == 0 { id.hyphenated().to_string() } else { format!("mrk-{}", id.simple()) };
    Some(Blob { account: format!("{account:012}"), key, material: hex::encode(material), header, body })
}

/// The one answer to a ciphertext that isn't ours, was changed, or has another context: it doesn't tell which.
pub fn invalid() -> crate::api::error::Fault {
    Code::InvalidCiphertextException.because("The ciphertext is invalid.")
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "1234abcd-12ab-34cd-56ef-1234567890ab";
    const MULTI: &str = "mrk-1234abcd12ab34cd56ef1234567890ab";

    #[test]
    fn a_blob_names_its_key() {
        let material = "ab".repeat(32);
        for key in [KEY, MULTI] {
            let mut bytes = header("000000000042", key, &material).expect("ids");
            bytes.extend_from_slice(b"body");
            let blob = parse(&bytes).expect("a blob");
            assert_eq!(
                (blob.account.as_str(), blob.key.as_str(), blob.material.as_str(), blob.body),
                ("000000000042", key, material.as_str(), &b"body"[..])
            );
        }
    }

    #[test]
    fn what_is_no_blob_is_refused() {
        let mut bytes = header("000000000042", KEY, &"ab".repeat(32)).expect("ids");
        assert!(parse(&bytes[..HEADER - 1]).is_err());
        bytes[0] = 2;
        assert!(parse(&bytes).is_err());
        bytes[0] = 1;
        bytes[1] = 2;
        assert!(parse(&bytes).is_err());
        bytes[1] = 0;
        bytes[2] = 0xff;
        assert!(parse(&bytes).is_err());
        assert!(
            header("x", KEY, &"ab".repeat(32)).is_none()
                && header("1", "no-key", &"ab".repeat(32)).is_none()
                && header("1", KEY, "ab").is_none()
        );
    }
}
