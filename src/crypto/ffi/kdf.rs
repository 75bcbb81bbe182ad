//! OpenSSL's `EVP_KDF`, which the `openssl` crate does not wrap.

pub use super::param::Param;

use super::param::{check, with_params};
use openssl::error::ErrorStack;
use openssl_sys as ffi;
use std::ffi::CStr;

/// Fills `output` by the key derivation function that OpenSSL calls `name`, with these parameters.
pub fn derive(name: &CStr, params: &mut [(&CStr, Param<'_>)], output: &mut [u8]) -> Result<(), ErrorStack> {
    // SAFETY: fetches by name from the default library context; the context takes its own reference, so the
    // method is let go at once. Both frees accept NULL.
    let ctx = unsafe {
        let kdf = ffi::EVP_KDF_fetch(std::ptr::null_mut(), name.as_ptr(), std::ptr::null());
        let ctx = if kdf.is_null() { std::ptr::null_mut() } else { ffi::EVP_KDF_CTX_new(kdf) };
        ffi::EVP_KDF_free(kdf);
        ctx
    };
    if ctx.is_null() {
        return Err(ErrorStack::get());
    }
    with_params(params, |array| {
        // SAFETY: `ctx` is not NULL and ours, `output` is writable for the length told, the array is
        // terminated. The context wipes its copies of secrets when it is freed.
        unsafe {
            let status = ffi::EVP_KDF_derive(ctx, output.as_mut_ptr(), output.len(), array);
            let result = check(status);
            ffi::EVP_KDF_CTX_free(ctx);
            result
        }
    })
}
