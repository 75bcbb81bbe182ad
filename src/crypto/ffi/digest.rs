//! Digests whose length is chosen, copies of digests in progress, and contexts used again, for which the `openssl` crate has no call.

use super::param::{Param, check, with_params};
use crate::error::Error;
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

/// Writes the digest; `output` has room for the algorithm's own length (`BufferTooSmall`) and keeps what is behind. The context keeps what it has allocated, for
/// the next digest, as that of the `openssl` crate does not.
pub fn finish(context: &mut MdCtxRef, output: &mut [u8]) -> crate::error::Result<()> {
    if output.len() < context.size() {
        return Err(Error::BufferTooSmall);
    }
    let mut written = 0;
    // SAFETY: the context has a digest, for which `output` has room.
    let done = unsafe { ffi::EVP_DigestFinal_ex(context.as_ptr(), output.as_mut_ptr(), &mut written) };
    check(done).map_err(super::super::unexpected)
}

/// Another context that has come as far as this one.
pub fn copy(context: &MdCtxRef) -> Result<MdCtx, ErrorStack> {
    let copy = MdCtx::new()?;
    // SAFETY: both are valid contexts, and `copy` is new: nothing else refers to it.
    let done = unsafe { ffi::EVP_MD_CTX_copy_ex(copy.as_ptr(), context.as_ptr()) };
    if done == 1 { Ok(copy) } else { Err(ErrorStack::get()) }
}
