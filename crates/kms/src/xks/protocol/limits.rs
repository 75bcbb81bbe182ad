//! Sizes and alphabets of the specification.

use std::ops::RangeInclusive;

/// Of the path that a key store is configured with: `[/prefix]/kms/xks/v1`.
pub const URI_PATH_CHARACTERS: usize = 128;
/// Of a whole URI, from `https://` on.
pub const URI_CHARACTERS: usize = 256;
/// Of an external key's id.
pub const KEY_ID_CHARACTERS: usize = 128;
/// Of plaintext and ciphertext, in bytes: what a proxy must take, and ours takes no more.
pub const PLAINTEXT_BYTES: usize = 4300;
/// Of additional authenticated data, in bytes: the same.
pub const AAD_BYTES: usize = 8192;
/// Of ciphertext metadata, before Base64.
pub const METADATA_BYTES: usize = 20;
/// Of an initialization vector: one of these.
pub const IV_BYTES: [usize; 2] = [12, 16];
/// Of an authentication tag.
pub const TAG_BYTES: usize = 16;
/// Of any ARN.
pub const ARN_CHARACTERS: usize = 2048;
/// Of an error message: less than 512.
pub const ERROR_MESSAGE_CHARACTERS: usize = 511;
/// Usages that a key's metadata may list.
pub const KEY_USAGES: usize = 10;
/// External key managers that a health status may list; at least one.
pub const FLEET_DETAILS: usize = 10;
/// Of an access key id.
pub const ACCESS_KEY_ID_CHARACTERS: RangeInclusive<usize> = 20..=30;
/// Of a secret access key.
pub const SECRET_ACCESS_KEY_CHARACTERS: RangeInclusive<usize> = 43..=64;
/// Between the clocks of the two sides, in seconds.
pub const CLOCK_SKEW_SECONDS: u64 = 300;
/// For an answer, in milliseconds: then KMS hangs up.
pub const ANSWER_MILLISECONDS: u64 = 250;

/// Whether this can be an external key's id.
pub fn is_key_id(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    (1..=KEY_ID_CHARACTERS).contains(&text.len()) && text.bytes().all(allowed)
}

/// Whether a key store can be configured with this path: `[/prefix]/kms/xks/v1`.
pub fn is_uri_path(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'-' | b'_');
    text.starts_with('/')
        && text.ends_with(super::BASE)
        && text.len() <= URI_PATH_CHARACTERS
        && !text.contains("//")
        && text.bytes().all(allowed)
}

/// Whether KMS takes this as an access key id.
pub fn is_access_key_id(text: &str) -> bool {
    let allowed = |byte: u8| matches!(byte, b'A'..=b'Z' | b'2'..=b'7');
    ACCESS_KEY_ID_CHARACTERS.contains(&text.len()) && text.bytes().all(allowed)
}

/// Whether KMS takes this as a secret access key.
pub fn is_secret_access_key(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'+' | b'=');
    SECRET_ACCESS_KEY_CHARACTERS.contains(&text.len()) && text.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_ids_are_up_to_128_letters_digits_hyphens_periods_underscores() {
        for right in ["a", "A-z.0_9", &"k".repeat(128)] {
            assert!(is_key_id(right), "{right}");
        }
        for wrong in ["", "a/b", "a b", "a%20", "ä", &"k".repeat(129)] {
            assert!(!is_key_id(wrong), "{wrong}");
        }
    }

    #[test]
    fn uri_paths_end_in_the_base_and_have_up_to_128_characters() {
        let of_length = |length: usize| format!("/{}{}", "p".repeat(length - 12), crate::xks::protocol::BASE);
        for right in ["/kms/xks/v1", "/a-b/C_d/kms/xks/v1", &of_length(128)] {
            assert!(is_uri_path(right), "{right}");
        }
        for wrong in ["", "kms/xks/v1", "/a.b/kms/xks/v1", "/a//kms/xks/v1", "/kms/xks/v1/", &of_length(129)]
        {
            assert!(!is_uri_path(wrong), "{wrong}");
        }
    }

    #[test]
    fn k81_credentials_have_the_alphabets_and_lengths_that_kms_takes() {
        for (id, right) in [
            ("A2".repeat(10), true),
            ("A2".repeat(15), true),
            ("A".repeat(19), false),
            ("A".repeat(31), false),
            ("A1".repeat(10), false),
            ("a2".repeat(10), false),
        ] {
            assert_eq!(is_access_key_id(&id), right, "{id}");
        }
        for (length, right) in [(42, false), (43, true), (64, true), (65, false)] {
            assert_eq!(is_secret_access_key(&"aZ0/+=".repeat(11)[..length]), right, "{length}");
        }
        assert!(!is_secret_access_key(&"_".repeat(43)));
    }
}
