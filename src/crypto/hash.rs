//! The digests of the module, by name.

use openssl::md::{Md, MdRef};
use serde::{Deserialize, Serialize};

/// A digest algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[allow(missing_docs)]
pub enum Hash {
    Sha1,
    Sha224,
    Sha256,
    Sha384,
    Sha512,
    Sha3_224,
    Sha3_256,
    Sha3_384,
    Sha3_512,
}

impl Hash {
    /// OpenSSL's digest.
    pub fn md(self) -> &'static MdRef {
        match self {
            Hash::Sha1 => Md::sha1(),
            Hash::Sha224 => Md::sha224(),
            Hash::Sha256 => Md::sha256(),
            Hash::Sha384 => Md::sha384(),
            Hash::Sha512 => Md::sha512(),
            Hash::Sha3_224 => Md::sha3_224(),
            Hash::Sha3_256 => Md::sha3_256(),
            Hash::Sha3_384 => Md::sha3_384(),
            Hash::Sha3_512 => Md::sha3_512(),
        }
    }

    /// Bytes of a digest.
    pub fn size(self) -> usize {
        self.md().size()
    }
}
