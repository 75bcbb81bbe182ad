//! The digests of the module, by name.

use super::{start, unexpected};
use crate::error::Result;
use once_cell::sync::OnceCell;
use openssl::md::{Md, MdRef};
use serde::{Deserialize, Serialize};
use std::ffi::CStr;

/// A digest algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[allow(missing_docs)] // the names are those of the standards
pub enum Hash {
    Sha1,
    Sha224,
    Sha256,
    Sha384,
    Sha512,
    Sha512_224,
    Sha512_256,
    Sha3_224,
    Sha3_256,
    Sha3_384,
    Sha3_512,
    Blake2b512,
    Md5,
    Ripemd160,
}

struct Row {
    hash: Hash,
    name: &'static CStr,
    size: usize,
    fetched: OnceCell<Md>,
}

/// In the order of [`Hash`].
static ROWS: [Row; 14] = [
    row(Hash::Sha1, c"SHA1", 20),
    row(Hash::Sha224, c"SHA224", 28),
    row(Hash::Sha256, c"SHA256", 32),
    row(Hash::Sha384, c"SHA384", 48),
    row(Hash::Sha512, c"SHA512", 64),
    row(Hash::Sha512_224, c"SHA512-224", 28),
    row(Hash::Sha512_256, c"SHA512-256", 32),
    row(Hash::Sha3_224, c"SHA3-224", 28),
    row(Hash::Sha3_256, c"SHA3-256", 32),
    row(Hash::Sha3_384, c"SHA3-384", 48),
    row(Hash::Sha3_512, c"SHA3-512", 64),
    row(Hash::Blake2b512, c"BLAKE2B-512", 64),
    row(Hash::Md5, c"MD5", 16),
    row(Hash::Ripemd160, c"RIPEMD160", 20),
];

const fn row(hash: Hash, name: &'static CStr, size: usize) -> Row {
    Row { hash, name, size, fetched: OnceCell::new() }
}

impl Hash {
    /// Bytes of the longest digest.
    pub const MAX_SIZE: usize = 64;

    /// Every digest, each once.
    pub fn all() -> impl Iterator<Item = Hash> {
        ROWS.iter().map(|row| row.hash)
    }

    /// Bytes of the digest.
    pub fn size(self) -> usize {
        self.row().size
    }

    /// OpenSSL's name for it.
    pub fn name(self) -> &'static CStr {
        self.row().name
    }

    /// OpenSSL's algorithm, fetched at first use.
    pub fn md(self) -> Result<&'static MdRef> {
        let fetch = || {
            start();
            Md::fetch(None, &self.name().to_string_lossy(), None).map_err(unexpected)
        };
        Ok(self.row().fetched.get_or_try_init(fetch)?)
    }

    fn row(self) -> &'static Row {
        &ROWS[self as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_digest_is_in_its_row_and_has_the_size_openssl_tells() {
        for (at, hash) in Hash::all().enumerate() {
            assert_eq!(hash as usize, at);
            assert_eq!(hash.md().unwrap().size(), hash.size(), "{hash:?}");
            assert!(hash.size() <= Hash::MAX_SIZE);
        }
    }
}
