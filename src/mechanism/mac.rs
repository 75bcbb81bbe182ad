//! HMAC, CMAC and Poly1305, whole or cut to a length (PKCS#11 3.2, sections 6.14, 6.19, 6.22 and 6.60).

use super::{Key, Params, Signer, Verifier};
use crate::crypto::Hash;
use crate::crypto::mac::{self, Algorithm, Mac};
use crate::error::{Error, Result};
use zeroize::Zeroizing;

/// HMAC with one digest. Keys of any length: OpenSSL hashes those that are longer than the digest's block.
pub struct Hmac(pub Hash);

/// CMAC with one block cipher, which has an algorithm for each length of key.
pub struct Cmac {
    /// The algorithms.
    pub algorithms: &'static [Algorithm],
    /// Bytes of a block, and of the whole MAC.
    pub block: usize,
}

/// Poly1305, with a key for one message only.
pub struct Poly1305;

/// Bytes of a Poly1305 tag.
const POLY1305_TAG: usize = 16;

/// What authenticates data, in parts.
pub(super) trait Authenticator: Send {
    /// Takes more input.
    fn update(&mut self, input: &[u8]) -> Result<()>;
    /// Writes the whole MAC; `output` is just as long as it is.
    fn finish(&mut self, output: &mut [u8]) -> Result<()>;
    /// It is over: begins anew, with the same key, for a MAC of any length. `false`: it can't.
    fn restart(&mut self) -> bool {
        false
    }
}

impl Authenticator for Mac {
    fn update(&mut self, input: &[u8]) -> Result<()> {
        Mac::update(self, input)
    }

    fn finish(&mut self, output: &mut [u8]) -> Result<()> {
        Mac::finish(self, output)
    }

    fn restart(&mut self) -> bool {
        Mac::restart(self)
    }
}

/// What makes MACs: for each, how it is made and checked.
pub(super) trait MacFamily: Sync {
    /// Begins a MAC.
    fn begin(&self, key: Key<'_>, params: &Params) -> Result<Macing>;
}

/// A [`MacFamily`] signs and verifies in the same way.
macro_rules! signs_as_it_macs {
    ($($family:ty),*) => {
        $(impl $crate::mechanism::Family for $family {
            fn sign(
                &self,
                key: $crate::mechanism::Key<'_>,
                params: &$crate::mechanism::Params,
            ) -> $crate::error::Result<Box<dyn $crate::mechanism::Signer>> {
                Ok(Box::new($crate::mechanism::mac::MacFamily::begin(self, key, params)?))
            }

            fn verify(
                &self,
                key: $crate::mechanism::Key<'_>,
                params: &$crate::mechanism::Params,
            ) -> $crate::error::Result<Box<dyn $crate::mechanism::Verifier>> {
                Ok(Box::new($crate::mechanism::mac::MacFamily::begin(self, key, params)?))
            }
        })*
    };
}
pub(super) use signs_as_it_macs;

signs_as_it_macs!(Hmac, Cmac, Poly1305);

impl MacFamily for Hmac {
    fn begin(&self, key: Key<'_>, params: &Params) -> Result<Macing> {
        let size = self.0.size();
        let length = length(params, size, size)?;
        Ok(Macing::new(Mac::of(mac::hmac_with(self.0), key.secret_key()?)?, size, length))
    }
}

impl MacFamily for Cmac {
    fn begin(&self, key: Key<'_>, params: &Params) -> Result<Macing> {
        let length = length(params, self.block, self.block)?;
        Ok(Macing::new(Mac::of(self.algorithms, key.secret_key()?)?, self.block, length))
    }
}

impl MacFamily for Poly1305 {
    fn begin(&self, key: Key<'_>, params: &Params) -> Result<Macing> {
        let length = length(params, POLY1305_TAG, POLY1305_TAG)?;
        Ok(Macing::new(Mac::new(&mac::POLY1305, key.secret()?)?, POLY1305_TAG, length))
    }
}

/// Bytes of a MAC that has `whole` at most: what the parameter says, or `usual`.
pub(super) fn length(params: &Params, whole: usize, usual: usize) -> Result<usize> {
    match params {
        Params::None => Ok(usual),
        Params::MacLength(length) if (1..=whole).contains(length) => Ok(*length),
        _ => Err(Error::MechanismParamInvalid),
    }
}

/// A MAC in progress, made or checked.
pub(super) struct Macing {
    mac: Box<dyn Authenticator>,
    /// Bytes of the whole MAC.
    whole: usize,
    /// Bytes that the caller wants or gives, from the start of the whole.
    length: usize,
}

impl Macing {
    /// A MAC of `whole` bytes, of which the first `length` are wanted.
    pub fn new(mac: impl Authenticator + 'static, whole: usize, length: usize) -> Self {
        Macing { mac: Box::new(mac), whole, length }
    }

    /// The whole MAC, in the first bytes.
    fn compute(&mut self) -> Result<Zeroizing<[u8; Hash::MAX_SIZE]>> {
        let mut mac = Zeroizing::new([0; Hash::MAX_SIZE]);
        self.mac.finish(&mut mac[..self.whole])?;
        Ok(mac)
    }

    /// What has restarted takes lengths as HMAC and CMAC do.
    fn renew(&mut self, params: &Params) -> Result<bool> {
        self.length = length(params, self.whole, self.whole)?;
        Ok(true)
    }
}

impl Signer for Macing {
    fn size(&self) -> usize {
        self.length
    }

    fn update(&mut self, input: &[u8]) -> Result<()> {
        self.mac.update(input)
    }

    fn finish(&mut self, output: &mut [u8]) -> Result<usize> {
        if self.length == self.whole {
            self.mac.finish(&mut output[..self.whole])?;
        } else {
            output[..self.length].copy_from_slice(&self.compute()?[..self.length]);
        }
        Ok(self.length)
    }

    fn rest(&mut self) -> bool {
        self.mac.restart()
    }

    fn renew(&mut self, params: &Params) -> Result<bool> {
        Macing::renew(self, params)
    }
}

impl Verifier for Macing {
    fn size(&self) -> usize {
        self.length
    }

    fn update(&mut self, input: &[u8]) -> Result<()> {
        self.mac.update(input)
    }

    fn finish(&mut self, signature: &[u8]) -> Result<()> {
        let mac = self.compute()?;
        if signature.len() != self.length {
            return Err(Error::SignatureLenRange);
        }
        if openssl::memcmp::eq(&mac[..self.length], signature) {
            Ok(())
        } else {
            Err(Error::SignatureInvalid)
        }
    }

    fn rest(&mut self) -> bool {
        self.mac.restart()
    }

    fn renew(&mut self, params: &Params) -> Result<bool> {
        Macing::renew(self, params)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mechanism::testing::{hex, mac};
    use cryptoki_sys as ck;

    /// RFC 2202 and RFC 4231, test cases 1 and 2; the key of the second is shorter than any digest.
    #[test]
    fn known_hmacs() {
        let (key, data) = ([0x0b; 20], b"Hi There");
        let sha1 = mac(ck::CKM_SHA_1_HMAC, &key, Params::None, data).unwrap();
        assert_eq!(sha1, hex("b617318655057264e28bc0b6fb378c8ef146be00"));
        let sha256 = mac(ck::CKM_SHA256_HMAC, &key, Params::None, data).unwrap();
        assert_eq!(sha256, hex("b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"));
        let (key, data) = (b"Jefe", b"what do ya want for nothing?");
        let sha256 = mac(ck::CKM_SHA256_HMAC, key, Params::None, data).unwrap();
        assert_eq!(sha256, hex("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"));
        let sha512 = mac(ck::CKM_SHA512_HMAC_GENERAL, key, Params::MacLength(16), data).unwrap();
        assert_eq!(sha512, hex("164b7a7bfcf819e2e395fbe73b56e0a3"));
    }

    #[test]
    fn hmac_keys_may_have_any_length() {
        let mut seen = Vec::new();
        for length in [1, 19, 20, 63, 64, 65, 200, 10_000] {
            seen.push(mac(ck::CKM_SHA256_HMAC, &vec![7; length], Params::None, b"data").unwrap());
        }
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), 8);
    }

    /// RFC 4493, section 4.
    #[test]
    fn known_aes_cmacs() {
        let key = hex("2b7e151628aed2a6abf7158809cf4f3c");
        let data = hex("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46a35ce411");
        for (length, expected) in [
            (0, "bb1d6929e95937287fa37d129b756746"),
            (16, "070a16b46b4d4144f79bdd9dd04a287c"),
            (40, "dfa66747de9ae63030ca32611497c827"),
        ] {
            let whole = mac(ck::CKM_AES_CMAC, &key, Params::None, &data[..length]).unwrap();
            assert_eq!(whole, hex(expected));
            let cut = mac(ck::CKM_AES_CMAC_GENERAL, &key, Params::MacLength(8), &data[..length]).unwrap();
            assert_eq!(cut, whole[..8]);
        }
    }

    /// SP 800-38B, appendix D: three keys, and two.
    #[test]
    fn known_triple_des_cmacs() {
        let key = hex("8aa83bf8cbda10620bc1bf19fbb6cd58bc313d4a371ca8b5");
        assert_eq!(mac(ck::CKM_DES3_CMAC, &key, Params::None, b"").unwrap(), hex("b7a688e122ffaf95"));
        let key = hex("4cf15134a2850dd58a3d10ba80570d38");
        assert_eq!(mac(ck::CKM_DES3_CMAC, &key, Params::None, b"").unwrap(), hex("bd2ebf9a3ba00361"));
    }

    /// RFC 8439, section 2.5.2.
    #[test]
    fn known_poly1305() {
        let key = hex("85d6be7857556d337f4452fe42d506a80103808afb0db2fd4abff6af4149f51b");
        let tag = mac(ck::CKM_POLY1305, &key, Params::None, b"Cryptographic Forum Research Group").unwrap();
        assert_eq!(tag, hex("a8061dc1305136c6c22b8baf0c0127a9"));
    }

    #[test]
    fn a_mac_of_no_bytes_or_of_too_many_is_refused() {
        for (id, key, too_many) in [
            (ck::CKM_SHA_1_HMAC_GENERAL, &[1; 16][..], 21),
            (ck::CKM_SHA3_512_HMAC_GENERAL, &[1; 16], 65),
            (ck::CKM_AES_CMAC_GENERAL, &[1; 32], 17),
            (ck::CKM_DES3_CMAC_GENERAL, &[1; 24], 9),
        ] {
            assert_eq!(mac(id, key, Params::MacLength(too_many - 1), b"x").unwrap().len(), too_many - 1);
            for length in [0, too_many, usize::MAX] {
                let result = mac(id, key, Params::MacLength(length), b"x");
                assert_eq!(result, Err(Error::MechanismParamInvalid), "{id:#x}");
            }
        }
    }
}
