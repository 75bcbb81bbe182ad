//! The digests that HashML-DSA and HashSLH-DSA sign, and how a digest is made into what is signed (FIPS 204, section
//! 5.4; FIPS 205, section 10.2.2).

use crate::crypto::Hash;
use crate::crypto::digest::{Digest, Shake, shake};
use crate::error::Result;
use cryptoki_sys as ck;
use serde::{Deserialize, Serialize};

/// A digest that stands for a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)] // the names say it
pub enum Prehash {
    Fixed(Hash),
    /// 32 bytes of SHAKE128.
    Shake128,
    /// 64 bytes of SHAKE256.
    Shake256,
}

struct Row {
    prehash: Prehash,
    /// The digest's own `CKM_` number; the standard has none for SHAKE.
    mechanism: Option<u64>,
    /// The last arc of its object identifier, below [`OID`].
    arc: u8,
}

static ROWS: &[Row] = &[
    row(Prehash::Fixed(Hash::Sha256), Some(ck::CKM_SHA256), 1),
    row(Prehash::Fixed(Hash::Sha384), Some(ck::CKM_SHA384), 2),
    row(Prehash::Fixed(Hash::Sha512), Some(ck::CKM_SHA512), 3),
    row(Prehash::Fixed(Hash::Sha224), Some(ck::CKM_SHA224), 4),
    row(Prehash::Fixed(Hash::Sha512_224), Some(ck::CKM_SHA512_224), 5),
    row(Prehash::Fixed(Hash::Sha512_256), Some(ck::CKM_SHA512_256), 6),
    row(Prehash::Fixed(Hash::Sha3_224), Some(ck::CKM_SHA3_224), 7),
    row(Prehash::Fixed(Hash::Sha3_256), Some(ck::CKM_SHA3_256), 8),
    row(Prehash::Fixed(Hash::Sha3_384), Some(ck::CKM_SHA3_384), 9),
    row(Prehash::Fixed(Hash::Sha3_512), Some(ck::CKM_SHA3_512), 10),
    row(Prehash::Shake128, None, 11),
    row(Prehash::Shake256, None, 12),
];

const fn row(prehash: Prehash, mechanism: Option<u64>, arc: u8) -> Row {
    Row { prehash, mechanism, arc }
}

/// DER of an object identifier under NIST's `hashAlgs`, but for its last arc.
const OID: [u8; 10] = [0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02];

/// The first byte of what is signed: a digest follows, not a message.
const PREHASHED: u8 = 1;

impl Prehash {
    /// The one whose `CKM_` number that is.
    pub fn by_mechanism(number: u64) -> Option<Prehash> {
        ROWS.iter().find(|row| row.mechanism == Some(number)).map(|row| row.prehash)
    }

    /// Bytes of the digest.
    pub fn size(self) -> usize {
        match self {
            Prehash::Fixed(hash) => hash.size(),
            Prehash::Shake128 => 32,
            Prehash::Shake256 => 64,
        }
    }

    /// The digest of a message.
    pub fn digest(self, message: &[u8]) -> Result<Vec<u8>> {
        let mut digest = vec![0; self.size()];
        match self {
            Prehash::Fixed(hash) => {
                let mut digesting = Digest::new(hash)?;
                digesting.update(message)?;
                digesting.finish(&mut digest)?;
            }
            Prehash::Shake128 => shake(Shake::Bits128, message, &mut digest)?,
            Prehash::Shake256 => shake(Shake::Bits256, message, &mut digest)?,
        }
        Ok(digest)
    }

    /// What is signed for a digest: its prefix, the context (at most 255 bytes), and which digest it is. `None` for one that NIST
    /// has no identifier for.
    pub fn represent(self, context: &[u8], digest: &[u8]) -> Option<Vec<u8>> {
        let row = ROWS.iter().find(|row| row.prehash == self)?;
        let length = u8::try_from(context.len()).ok()?;
        Some([&[PREHASHED, length][..], context, &OID, &[row.arc], digest].concat())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use openssl::asn1::Asn1Object;

    fn digest(prehash: Prehash, message: &[u8]) -> String {
        hex::encode(prehash.digest(message).unwrap())
    }

    /// The examples of FIPS 202 for the empty message.
    #[test]
    fn shake_is_read_to_twice_its_strength() {
        assert_eq!(
            digest(Prehash::Shake128, b""),
            "7f9c2ba4e88f827d616045507605853ed73b8093f6efbc88eb1a6eacfa66ef26"
        );
        assert_eq!(
            digest(Prehash::Shake256, b""),
            "46b9dd2b0ba88d13233b3feb743eeb243fcd52ea62b81b82b50c27646ed5762f\
             d75dc4ddd8c0f200cb05019d67b592f6fc821c49479ab48640292eacb3b7c4be"
        );
    }

    #[test]
    fn the_others_are_digested_as_everywhere() {
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(digest(Prehash::Fixed(Hash::Sha256), b"abc"), expected);
    }

    #[test]
    fn each_digest_has_the_identifier_that_openssl_knows_it_by() {
        for row in ROWS {
            let oid = Asn1Object::from_str(&format!("2.16.840.1.101.3.4.2.{}", row.arc)).unwrap();
            let name = match row.prehash {
                Prehash::Fixed(hash) => hash.name().to_string_lossy().to_lowercase(),
                Prehash::Shake128 => "shake128".to_owned(),
                Prehash::Shake256 => "shake256".to_owned(),
            };
            assert_eq!(oid.nid().long_name().unwrap(), name);
        }
    }

    #[test]
    fn a_digest_is_signed_with_its_context_and_its_name() {
        let signed = Prehash::Fixed(Hash::Sha384).represent(b"context", &[7; 48]).unwrap();
        let expected =
            [&b"\x01\x07context\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x02"[..], &[7; 48]].concat();
        assert_eq!(signed, expected);
        assert_eq!(Prehash::Shake128.represent(&[0; 256], b""), None);
        assert_eq!(Prehash::Fixed(Hash::Sha1).represent(b"", b""), None);
    }
}
