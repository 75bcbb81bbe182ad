//! OpenSSL's `EVP_MAC`, which the `openssl` crate does not wrap.

use openssl::error::ErrorStack;
use openssl_sys as sys;
use std::ffi::{CStr, c_int};
use std::ptr::{self, NonNull};

type Result<T> = std::result::Result<T, ErrorStack>;

/// <openssl/core.h>.
const OSSL_PARAM_UTF8_STRING: u32 = 4;

/// A MAC with its algorithm and key.
pub struct Context(NonNull<sys::EVP_MAC_CTX>);

// SAFETY: a context belongs to no thread, and what several may do at once through a shared reference (`with_key`) only
// reads it; OpenSSL counts references to what is shared with the copy atomically.
unsafe impl Send for Context {}
// SAFETY: as above.
unsafe impl Sync for Context {}

impl Drop for Context {
    fn drop(&mut self) {
        // SAFETY: made by EVP_MAC_CTX_new or _dup, and freed only here. OpenSSL wipes the key.
        unsafe { sys::EVP_MAC_CTX_free(self.0.as_ptr()) }
    }
}

impl Context {
    /// A new context of the algorithm `name`, with at most one parameter: its name and value.
    pub fn new(name: &CStr, parameter: Option<(&CStr, &CStr)>, key: &[u8]) -> Result<Self> {
        let text = |(key, value): (&CStr, &CStr)| sys::OSSL_PARAM {
            key: key.as_ptr(),
            data_type: OSSL_PARAM_UTF8_STRING,
            data: value.as_ptr().cast_mut().cast(),
            data_size: value.to_bytes().len(),
            return_size: 0,
        };
        // SAFETY: takes nothing, answers the mark at the end of a list.
        let end = || unsafe { sys::OSSL_PARAM_construct_end() };
        let parameters = [parameter.map_or_else(end, text), end()];
        // SAFETY: `name` ends with NUL; NULL means the default library context and no properties.
        let algorithm = unsafe { sys::EVP_MAC_fetch(ptr::null_mut(), name.as_ptr(), ptr::null()) };
        let algorithm = NonNull::new(algorithm).ok_or_else(ErrorStack::get)?;
        // SAFETY: `algorithm` was just fetched; the context takes a reference of its own.
        let context = unsafe { sys::EVP_MAC_CTX_new(algorithm.as_ptr()) };
        // SAFETY: gives back the reference that the fetch answered.
        unsafe { sys::EVP_MAC_free(algorithm.as_ptr()) };
        let context = Context(NonNull::new(context).ok_or_else(ErrorStack::get)?);
        context.init(key, parameters.as_ptr())?;
        Ok(context)
    }

    /// A copy with another key.
    pub fn with_key(&self, key: &[u8]) -> Result<Self> {
        // SAFETY: `self` is a whole context, which is only read.
        let copy = unsafe { sys::EVP_MAC_CTX_dup(self.0.as_ptr()) };
        let copy = Context(NonNull::new(copy).ok_or_else(ErrorStack::get)?);
        copy.init(key, ptr::null())?;
        Ok(copy)
    }

    /// Takes more input.
    pub fn update(&mut self, input: &[u8]) -> Result<()> {
        // SAFETY: `input` is valid for its length.
        check(unsafe { sys::EVP_MAC_update(self.0.as_ptr(), input.as_ptr(), input.len()) })
    }

    /// Writes the MAC; an `output` too short for it is an error.
    pub fn finish(&mut self, output: &mut [u8]) -> Result<()> {
        let mut written = 0;
        // SAFETY: `output` is valid for its length, which OpenSSL is told.
        check(unsafe { sys::EVP_MAC_final(self.0.as_ptr(), output.as_mut_ptr(), &mut written, output.len()) })
    }

    /// Begins anew with the same key.
    pub fn restart(&mut self) -> Result<()> {
        // SAFETY: a whole context that has a key; a NULL key means that one.
        check(unsafe { sys::EVP_MAC_init(self.0.as_ptr(), ptr::null(), 0, ptr::null()) })
    }

    /// `parameters`: a list with its end mark, or NULL.
    fn init(&self, key: &[u8], parameters: *const sys::OSSL_PARAM) -> Result<()> {
        // SAFETY: `key` is valid for its length (OpenSSL copies it) and never NULL; only `new` and `with_key` call
        // this, before anybody else has the context.
        check(unsafe { sys::EVP_MAC_init(self.0.as_ptr(), key.as_ptr(), key.len(), parameters) })
    }
}

fn check(answer: c_int) -> Result<()> {
    if answer == 1 { Ok(()) } else { Err(ErrorStack::get()) }
}
