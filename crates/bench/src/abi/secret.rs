//! libcrypto's key object of a secret key, made as a C program that cares makes one: the algorithm fetched once, the bytes drawn by the
//! generator for secrets, and wiped where they were drawn. The default provider (OpenSSL 3.6) imports such keys, but generates none.

use super::symmetric::{done, there};
use openssl::error::ErrorStack;
use openssl_sys as ffi;
use std::ffi::{c_char, c_int, c_void};
use std::ptr::{null, null_mut};

type Answer<T> = std::result::Result<T, ErrorStack>;

/// `EVP_SKEYMGMT`: how keys of an algorithm are kept.
enum Manager {}
/// `EVP_SKEY`.
enum Key {}

// What openssl-sys does not declare (openssl/evp.h, openssl/params.h, openssl/crypto.h).
unsafe extern "C" {
    fn EVP_SKEYMGMT_fetch(
        library: *mut ffi::OSSL_LIB_CTX,
        name: *const c_char,
        properties: *const c_char,
    ) -> *mut Manager;
    fn EVP_SKEYMGMT_free(manager: *mut Manager);
    fn EVP_SKEY_import_SKEYMGMT(
        library: *mut ffi::OSSL_LIB_CTX,
        manager: *mut Manager,
        selection: c_int,
        parameters: *const ffi::OSSL_PARAM,
    ) -> *mut Key;
    fn EVP_SKEY_free(key: *mut Key);
    fn OSSL_PARAM_construct_octet_string(
        key: *const c_char,
        bytes: *mut c_void,
        size: usize,
    ) -> ffi::OSSL_PARAM;
    fn OPENSSL_cleanse(bytes: *mut c_void, size: usize);
}

/// `OSSL_SKEYMGMT_SELECT_SECRET_KEY` (openssl/core_dispatch.h).
const SECRET: c_int = 2;
/// Bytes of a key.
const LENGTH: usize = 32;

/// Makes AES-256 keys.
pub struct Secrets(*mut Manager);

/// A secret key.
pub struct Secret(*mut Key);

impl Secrets {
    /// With the algorithm fetched.
    pub fn new() -> Answer<Secrets> {
        ffi::init();
        // SAFETY: a name that ends with NUL; null is the default library context, and no properties.
        Ok(Secrets(there(unsafe { EVP_SKEYMGMT_fetch(null_mut(), c"AES".as_ptr(), null()) })?))
    }

    /// A new key.
    pub fn generate(&mut self) -> Answer<Secret> {
        let mut bytes = [0; LENGTH];
        let place = bytes.as_mut_ptr();
        // SAFETY: a place with its length; parameters over it that end as they must, which are read before they go; the manager is there.
        unsafe {
            done(ffi::RAND_priv_bytes(place, LENGTH as c_int))?;
            let raw = OSSL_PARAM_construct_octet_string(c"raw-bytes".as_ptr(), place.cast(), LENGTH);
            let parameters = [raw, ffi::OSSL_PARAM_construct_end()];
            let made = EVP_SKEY_import_SKEYMGMT(null_mut(), self.0, SECRET, parameters.as_ptr());
            OPENSSL_cleanse(place.cast(), LENGTH);
            Ok(Secret(there(made)?))
        }
    }
}

impl Drop for Secrets {
    fn drop(&mut self) {
        // SAFETY: its own; keys that it made hold it too.
        unsafe { EVP_SKEYMGMT_free(self.0) }
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        // SAFETY: its own.
        unsafe { EVP_SKEY_free(self.0) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    unsafe extern "C" {
        fn EVP_SKEY_get0_raw_key(key: *const Key, bytes: *mut *const u8, length: *mut usize) -> c_int;
    }

    fn value(key: &Secret) -> Vec<u8> {
        let (mut bytes, mut length) = (null(), 0);
        // SAFETY: the key is there; both places are set, to what is the key's for as long as it lives.
        unsafe {
            done(EVP_SKEY_get0_raw_key(key.0, &mut bytes, &mut length)).unwrap();
            std::slice::from_raw_parts(bytes, length).to_vec()
        }
    }

    #[test]
    fn each_key_is_another_and_outlives_who_made_it() {
        let mut secrets = Secrets::new().unwrap();
        let made = [secrets.generate().unwrap(), secrets.generate().unwrap()];
        drop(secrets);
        let [one, another] = made.map(|key| value(&key));
        assert_eq!([one.len(), another.len()], [LENGTH; 2]);
        assert_ne!(one, another);
    }
}
