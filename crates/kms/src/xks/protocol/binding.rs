//! What the tag of an encryption covers, and the value by which KMS knows that its copy is whole.

use super::limits::METADATA_BYTES;
use openssl::sha::Sha256;

/// The additional authenticated data for the key manager: the caller's and the metadata, each after its length, so that neither
/// passes for the other (specification, Encrypt, `ciphertextMetadata`). `None` if one of them is too long to be written so.
pub fn bound_aad(aad: &[u8], metadata: &[u8]) -> Option<Vec<u8>> {
    let aad_length = u16::try_from(aad.len()).ok()?;
    let metadata_length = u8::try_from(metadata.len()).ok().filter(|_| metadata.len() <= METADATA_BYTES)?;
    Some([&aad_length.to_be_bytes()[..], aad, &[metadata_length], metadata].concat())
}

/// The ciphertext data integrity value by `SHA_256` (specification, appendix C). Parts that are absent are empty.
pub fn integrity_value(aad: &[u8], metadata: &[u8], iv: &[u8], ciphertext: &[u8], tag: &[u8]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in [aad, metadata, iv, ciphertext, tag] {
        hash.update(part);
    }
    hash.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;

    #[test]
    fn aad_and_metadata_are_bound_with_their_lengths() {
        assert_eq!(bound_aad(b"", b"").unwrap(), [0, 0, 0]);
        assert_eq!(bound_aad(b"ab", b"c").unwrap(), *b"\0\x02ab\x01c");
        assert_ne!(bound_aad(b"", b"c"), bound_aad(b"c", b""));
        let long = bound_aad(&[7; 8192], &[9; 20]).unwrap();
        assert_eq!((long.len(), &long[..2], long[2 + 8192]), (2 + 8192 + 1 + 20, &[0x20, 0][..], 20));
        assert_eq!(bound_aad(&vec![0; 65536], b""), None);
        assert_eq!(bound_aad(b"", &[0; 21]), None);
    }

    #[test]
    fn the_integrity_value_is_that_of_the_specification() {
        let decode = |text: &str| STANDARD.decode(text).unwrap();
        let value = integrity_value(
            b"project=nile,department=marketing",
            &decode("a2V5X3ZlcnNpb249MQ=="),
            &decode("HMrlRw85cAJUd5Ax"),
            &decode("ghxkK1txeDNn3q8Y"),
            &decode("vBxN2ncH1oEkR8WVXpmyYQ=="),
        );
        assert_eq!(STANDARD.encode(value), "qHA/ImC9h5HsLRXqCyPmWgYx7tzyoTplzILbP0fPXsc=");
    }
}
