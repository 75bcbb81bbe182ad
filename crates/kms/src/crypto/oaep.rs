//! RSAES-OAEP (RFC 8017, section 7.1): encryption with the public key here, decryption in the HSM. KMS uses the algorithm's hash for the mask too.

use cryptoki::mechanism::rsa::{PkcsMgfType, PkcsOaepParams, PkcsOaepSource};
use cryptoki::mechanism::{Mechanism, MechanismType};
use cryptoki::object::ObjectHandle;
use openssl::error::ErrorStack;
use openssl::md::{Md, MdRef};
use openssl::pkey::{PKeyRef, Public};
use openssl::pkey_ctx::PkeyCtx;
use openssl::rsa::Padding;
use zeroize::Zeroizing;

use super::{explained, from_openssl};
use crate::hsm::{Token, Trouble};

/// One of the algorithms.
pub struct Oaep {
    name: &'static str,
    hash: fn() -> &'static MdRef,
    hash_mechanism: MechanismType,
    mask: PkcsMgfType,
}

static ALGORITHMS: &[Oaep] = &[
    Oaep {
        name: "RSAES_OAEP_SHA_1",
        hash: Md::sha1,
        hash_mechanism: MechanismType::SHA1,
        mask: PkcsMgfType::MGF1_SHA1,
    },
    Oaep {
        name: "RSAES_OAEP_SHA_256",
        hash: Md::sha256,
        hash_mechanism: MechanismType::SHA256,
        mask: PkcsMgfType::MGF1_SHA256,
    },
];

impl Oaep {
    /// The algorithm of that name.
    pub fn named(name: &str) -> Option<&'static Self> {
        ALGORITHMS.iter().find(|algorithm| algorithm.name == name)
    }

    /// The most bytes that a key of `modulus` bytes encrypts.
    pub fn limit(&self, modulus: usize) -> usize {
        modulus.saturating_sub(2 * (self.hash)().size() + 2)
    }

    /// Encrypts up to [`Self::limit`] bytes.
    pub fn seal(&self, key: &PKeyRef<Public>, plaintext: &[u8]) -> Result<Vec<u8>, ErrorStack> {
        let mut context = PkeyCtx::new(key)?;
        context.encrypt_init()?;
        context.set_rsa_padding(Padding::PKCS1_OAEP)?;
        context.set_rsa_oaep_md((self.hash)())?;
        context.set_rsa_mgf1_md((self.hash)())?;
        let mut ciphertext = Vec::new();
        context.encrypt_to_vec(plaintext, &mut ciphertext)?;
        Ok(ciphertext)
    }

    /// Decrypts in the HSM; `public` is the key's other half.
    ///
    /// # Errors
    ///
    /// `BadData` for what the key's public half didn't make.
    pub fn open(
        &self,
        token: &Token,
        key: ObjectHandle,
        public: &PKeyRef<Public>,
        ciphertext: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, Trouble> {
        explained(self.decrypt(token, key, ciphertext), || {
            let probe = self.seal(public, b"probe").map_err(from_openssl)?;
            self.decrypt(token, key, &probe)
        })
    }

    /// What the HSM is told.
    pub fn mechanism(&self) -> Mechanism<'static> {
        Mechanism::RsaPkcsOaep(PkcsOaepParams::new(self.hash_mechanism, self.mask, PkcsOaepSource::empty()))
    }

    fn decrypt(
        &self,
        token: &Token,
        key: ObjectHandle,
        ciphertext: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, Trouble> {
        token.with(|session| session.decrypt(&self.mechanism(), key, ciphertext).map(Zeroizing::new))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn k5_the_limits_are_those_of_each_size_and_hash() {
        let limits =
            |name| [256, 384, 512].map(|modulus| Oaep::named(name).expect("an algorithm").limit(modulus));
        assert_eq!(limits("RSAES_OAEP_SHA_1"), [214, 342, 470]);
        assert_eq!(limits("RSAES_OAEP_SHA_256"), [190, 318, 446]);
    }
}
