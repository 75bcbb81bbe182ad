//! Digests whose length is chosen, and copies of digests in progress, for which the `openssl` crate has no call.

use super::param::{Param, check, with_params};
use foreign_types::{ForeignType, ForeignTypeRef};
use openssl::error::ErrorStack;
use openssl::md::MdRef;
use openssl::md_ctx::{MdCtx, MdCtxRef};
use openssl_sys as ffi;
use std::ffi::{c_int, c_uint};

// <openssl/evp.h>; `openssl-sys` lacks it.
unsafe extern "C" {
    fn EVP_DigestInit_ex2(
        ctx: *mut ffi::EVP_MD_CTX,
        md: *const ffi::EVP_MD,
        params: *const ffi::OSSL_PARAM,
    ) -> c_int;
}

/// Begins a digest of `size` bytes.
pub fn init_with_size(context: &mut MdCtxRef, md: &MdRef, size: usize) -> Result<(), ErrorStack> {
    let mut params = [(c"size", Param::Uint(size as c_uint))];
    with_params(&mut params, |array| {
        // SAFETY: context and digest are alive, the array is terminated; OpenSSL copies what it keeps.
        check(unsafe { EVP_DigestInit_ex2(context.as_ptr(), md.as_ptr(), array) })
    })
}

/// Another context that has come as far as this one.
pub fn copy(context: &MdCtxRef) -> Result<MdCtx, ErrorStack> {
    let copy = MdCtx::new()?;
    // SAFETY: both are valid contexts, and `copy` is new: nothing else refers to it.
    let done = unsafe { ffi::EVP_MD_CTX_copy_ex(copy.as_ptr(), context.as_ptr()) };
    if done == 1 { Ok(copy) } else { Err(ErrorStack::get()) }
}
