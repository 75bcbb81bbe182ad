//! libcrypto's ciphers, MACs, digests and random numbers, as a C program that cares calls them: algorithms fetched once, contexts kept
//! with their key set up, and only the IV set anew.

use super::mechanism::count;
use openssl::error::ErrorStack;
use openssl_sys as ffi;
use std::ffi::{CStr, c_char, c_int};
use std::ptr::{null, null_mut};

type Answer<T> = std::result::Result<T, ErrorStack>;

// What openssl-sys does not declare (openssl/params.h).
unsafe extern "C" {
    fn OSSL_PARAM_construct_utf8_string(
        key: *const c_char,
        text: *mut c_char,
        size: usize,
    ) -> ffi::OSSL_PARAM;
}

/// A key of ciphers, MACs, and whatever: it keeps no secret.
const KEY: [u8; 32] = [0x5a; 32];

/// What functions of libcrypto answer: 1 if it was done.
pub(super) fn done(answer: c_int) -> Answer<()> {
    if answer == 1 { Ok(()) } else { Err(ErrorStack::get()) }
}

/// A pointer that is there.
pub(super) fn there<T>(pointer: *mut T) -> Answer<*mut T> {
    if pointer.is_null() { Err(ErrorStack::get()) } else { Ok(pointer) }
}

fn length(bytes: &[u8]) -> c_int {
    // Nothing here has more than a few MiB; what had would be refused by libcrypto.
    c_int::try_from(bytes.len()).unwrap_or(-1)
}

/// An encryption context with its key.
pub struct Cipher {
    context: *mut ffi::EVP_CIPHER_CTX,
    cipher: *mut ffi::EVP_CIPHER,
    iv: Vec<u8>,
    tag: bool,
}

impl Cipher {
    /// AES-256-GCM, an IV of 12 bytes counted up, a tag of 16.
    pub fn gcm() -> Answer<Cipher> {
        Cipher::new(c"AES-256-GCM", 12, true)
    }

    /// AES-256-CBC without padding.
    pub fn cbc() -> Answer<Cipher> {
        Cipher::new(c"AES-256-CBC", 16, false)
    }

    /// AES-256 key wrap (RFC 3394).
    pub fn wrap() -> Answer<Cipher> {
        Cipher::new(c"AES-256-WRAP", 0, false)
    }

    fn new(name: &CStr, iv: usize, tag: bool) -> Answer<Cipher> {
        ffi::init();
        // SAFETY: a name that ends with NUL; null is the default library context, and no properties.
        let cipher = there(unsafe { ffi::EVP_CIPHER_fetch(null_mut(), name.as_ptr(), null()) })?;
        // SAFETY: takes nothing.
        let context = unsafe { ffi::EVP_CIPHER_CTX_new() };
        let made = Cipher { context, cipher, iv: vec![0; iv], tag };
        there(context)?;
        // SAFETY: the context and the cipher are there, the key has 32 bytes as all ciphers here take, the IV as many as the mode takes.
        // Wrapping must be allowed beforehand; other modes have no such flag.
        unsafe {
            ffi::EVP_CIPHER_CTX_set_flags(context, ffi::EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
            done(ffi::EVP_EncryptInit_ex(context, cipher, null_mut(), KEY.as_ptr(), made.iv_or_null()))?;
            done(ffi::EVP_CIPHER_CTX_set_padding(context, 0))?;
        }
        Ok(made)
    }

    fn iv_or_null(&self) -> *const u8 {
        if self.iv.is_empty() { null() } else { self.iv.as_ptr() }
    }

    /// Encrypts with the next IV, and a tag after it where there is one. `out` must have 16 bytes more than `data`, or gets an error.
    pub fn encrypt(&mut self, data: &[u8], out: &mut [u8]) -> Answer<usize> {
        if out.len() < data.len() + 16 {
            return Err(ErrorStack::get());
        }
        count(&mut self.iv);
        let (mut written, mut last) = (0, 0);
        // SAFETY: the context has its cipher and key; the output has room for the data, a block, or a tag, as was checked above.
        unsafe {
            done(ffi::EVP_EncryptInit_ex(self.context, null(), null_mut(), null(), self.iv_or_null()))?;
            let first = out.as_mut_ptr();
            done(ffi::EVP_EncryptUpdate(self.context, first, &mut written, data.as_ptr(), length(data)))?;
            done(ffi::EVP_EncryptFinal_ex(self.context, first.add(written as usize), &mut last))?;
            written += last;
            if self.tag {
                let tag = first.add(written as usize);
                done(ffi::EVP_CIPHER_CTX_ctrl(self.context, ffi::EVP_CTRL_GCM_GET_TAG, 16, tag.cast()))?;
                written += 16;
            }
        }
        Ok(written as usize)
    }
}

impl Drop for Cipher {
    fn drop(&mut self) {
        // SAFETY: both are this value's own, or null, which is let be.
        unsafe {
            ffi::EVP_CIPHER_CTX_free(self.context);
            ffi::EVP_CIPHER_free(self.cipher);
        }
    }
}

/// HMAC-SHA-256 with its key.
pub struct Mac {
    context: *mut ffi::EVP_MAC_CTX,
    mac: *mut ffi::EVP_MAC,
}

impl Mac {
    /// With a key of 32 bytes.
    pub fn new() -> Answer<Mac> {
        ffi::init();
        // SAFETY: as in `Cipher::new`.
        let mac = there(unsafe { ffi::EVP_MAC_fetch(null_mut(), c"HMAC".as_ptr(), null()) })?;
        // SAFETY: the algorithm is there.
        let made = Mac { context: unsafe { ffi::EVP_MAC_CTX_new(mac) }, mac };
        there(made.context)?;
        // SAFETY: parameters that end as they must, over text that lives until they were read; a key with its length.
        unsafe {
            let digest =
                OSSL_PARAM_construct_utf8_string(c"digest".as_ptr(), c"SHA256".as_ptr().cast_mut(), 0);
            let parameters = [digest, ffi::OSSL_PARAM_construct_end()];
            done(ffi::EVP_MAC_init(made.context, KEY.as_ptr(), KEY.len(), parameters.as_ptr()))?;
        }
        Ok(made)
    }

    /// The MAC of `data`.
    pub fn sign(&mut self, data: &[u8], out: &mut [u8]) -> Answer<usize> {
        let mut written = 0;
        // SAFETY: the context has its key, which stays for the next init without one; input and output with their lengths.
        unsafe {
            done(ffi::EVP_MAC_init(self.context, null(), 0, null()))?;
            done(ffi::EVP_MAC_update(self.context, data.as_ptr(), data.len()))?;
            done(ffi::EVP_MAC_final(self.context, out.as_mut_ptr(), &mut written, out.len()))?;
        }
        Ok(written)
    }
}

impl Drop for Mac {
    fn drop(&mut self) {
        // SAFETY: as for `Cipher`.
        unsafe {
            ffi::EVP_MAC_CTX_free(self.context);
            ffi::EVP_MAC_free(self.mac);
        }
    }
}

/// SHA-256.
pub struct Digest {
    context: *mut ffi::EVP_MD_CTX,
    digest: *mut ffi::EVP_MD,
}

impl Digest {
    /// With its algorithm fetched.
    pub fn new() -> Answer<Digest> {
        ffi::init();
        // SAFETY: as in `Cipher::new`.
        let digest = there(unsafe { ffi::EVP_MD_fetch(null_mut(), c"SHA256".as_ptr(), null()) })?;
        // SAFETY: takes nothing.
        let made = Digest { context: unsafe { ffi::EVP_MD_CTX_new() }, digest };
        there(made.context)?;
        Ok(made)
    }

    /// The digest of `data`; `out` has at least 32 bytes, or gets an error.
    pub fn of(&mut self, data: &[u8], out: &mut [u8]) -> Answer<usize> {
        if out.len() < 32 {
            return Err(ErrorStack::get());
        }
        let mut written = 0;
        // SAFETY: the context and its algorithm are there; the output has room for a digest, as was checked.
        unsafe {
            done(ffi::EVP_DigestInit_ex(self.context, self.digest, null_mut()))?;
            done(ffi::EVP_DigestUpdate(self.context, data.as_ptr().cast(), data.len()))?;
            done(ffi::EVP_DigestFinal_ex(self.context, out.as_mut_ptr(), &mut written))?;
        }
        Ok(written as usize)
    }
}

impl Drop for Digest {
    fn drop(&mut self) {
        // SAFETY: as for `Cipher`.
        unsafe {
            ffi::EVP_MD_CTX_free(self.context);
            ffi::EVP_MD_free(self.digest);
        }
    }
}

/// `RAND_bytes`.
pub fn random(out: &mut [u8]) -> Answer<()> {
    // SAFETY: a place with its length.
    done(unsafe { ffi::RAND_bytes(out.as_mut_ptr(), length(out)) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use openssl::hash::{MessageDigest, hash};
    use openssl::pkey::PKey;
    use openssl::sign::Signer;
    use openssl::symm;

    #[test]
    fn a_kept_context_does_what_a_fresh_one_does() {
        for data in [&[1; 64][..], &[2; 1024]] {
            let (mut gcm, mut cbc) = (Cipher::gcm().unwrap(), Cipher::cbc().unwrap());
            for call in 1..=3 {
                let (mut out, mut tag, mut iv) = (vec![0; data.len() + 16], [0; 16], [0; 16]);
                iv[11] = call;
                let cipher = symm::Cipher::aes_256_gcm();
                let right = symm::encrypt_aead(cipher, &KEY, Some(&iv[..12]), &[], data, &mut tag).unwrap();
                assert_eq!(gcm.encrypt(data, &mut out).unwrap(), data.len() + 16);
                assert_eq!(out, [&right[..], &tag].concat());

                (iv[11], iv[15]) = (0, call);
                let mut right = symm::encrypt(symm::Cipher::aes_256_cbc(), &KEY, Some(&iv), data).unwrap();
                // The other pads.
                right.truncate(data.len());
                let written = cbc.encrypt(data, &mut out).unwrap();
                assert_eq!(out[..written], right);
            }
        }
    }

    #[test]
    fn a_kept_key_wraps_macs_and_digests_the_same_each_time() {
        let (mut cipher, mut mac, mut digest) =
            (Cipher::wrap().unwrap(), Mac::new().unwrap(), Digest::new().unwrap());
        let key = openssl::aes::AesKey::new_encrypt(&KEY).unwrap();
        let mut right = [0; 40];
        openssl::aes::wrap_key(&key, None, &mut right, &[3; 32]).unwrap();
        let own = PKey::hmac(&KEY).unwrap();
        let signed =
            Signer::new(MessageDigest::sha256(), &own).unwrap().sign_oneshot_to_vec(&[3; 32]).unwrap();
        for _ in 0..3 {
            let mut out = [0; 48];
            assert_eq!(cipher.encrypt(&[3; 32], &mut out).unwrap(), 40);
            assert_eq!(out[..40], right);
            assert_eq!(mac.sign(&[3; 32], &mut out).unwrap(), 32);
            assert_eq!(out[..32], signed);
            assert_eq!(digest.of(&[3; 32], &mut out).unwrap(), 32);
            assert_eq!(out[..32], *hash(MessageDigest::sha256(), &[3; 32]).unwrap());
        }
    }

    #[test]
    fn too_little_room_is_an_error() {
        assert!(Cipher::gcm().unwrap().encrypt(&[0; 64], &mut [0; 64]).is_err());
        assert!(Digest::new().unwrap().of(&[0; 64], &mut [0; 31]).is_err());
        assert!(Mac::new().unwrap().sign(&[0; 64], &mut [0; 31]).is_err());
    }
}
