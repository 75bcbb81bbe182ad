//! Digests whose length is chosen, copies of digests in progress, and contexts used again, for which the `openssl` crate has no call.

use super::param::{Param, check, with_params};
use crate::error::Error;
use foreign_types::{ForeignType, ForeignTypeRef};
use openssl::error::ErrorStack;
use openssl::md::MdRef;
use openssl::md_ctx::MdCtx;
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

/// A digest in progress.
pub struct Context {
    inner: MdCtx,
    md: &'static MdRef,
    /// Bytes of the algorithm's own digests.
    room: usize,
    /// Bytes of the digest, where they are others.
    size: Option<usize>,
}

impl Context {
    /// Begins; `size`: for algorithms that let it be chosen.
    pub fn new(md: &'static MdRef, size: Option<usize>) -> Result<Self, ErrorStack> {
        let mut context = Context { inner: MdCtx::new()?, md, room: md.size(), size };
        context.restart()?;
        Ok(context)
    }

    /// Begins anew; nothing is left of what it has taken.
    #[inline]
    pub fn restart(&mut self) -> Result<(), ErrorStack> {
        let Some(size) = self.size else { return self.inner.digest_init(self.md) };
        let mut params = [(c"size", Param::Uint(size as c_uint))];
        with_params(&mut params, |array| {
            // SAFETY: context and digest are alive, the array is terminated; OpenSSL copies what it keeps.
            check(unsafe { EVP_DigestInit_ex2(self.inner.as_ptr(), self.md.as_ptr(), array) })
        })
    }

    /// Takes more input.
    #[inline]
    pub fn update(&mut self, input: &[u8]) -> Result<(), ErrorStack> {
        self.inner.digest_update(input)
    }

    /// Writes the digest; `output` has room for the algorithm's own length (`BufferTooSmall`) and keeps what is behind. The context keeps what it has
    /// allocated, for the next digest, as that of the `openssl` crate does not.
    #[inline]
    pub fn finish(&mut self, output: &mut [u8]) -> crate::error::Result<()> {
        if output.len() < self.room {
            return Err(Error::BufferTooSmall);
        }
        let mut written = 0;
        // SAFETY: the context has a digest, for which `output` has room.
        let done = unsafe { ffi::EVP_DigestFinal_ex(self.inner.as_ptr(), output.as_mut_ptr(), &mut written) };
        check(done).map_err(super::super::unexpected)
    }

    /// Another one that has come as far as this one.
    pub fn duplicate(&self) -> Result<Self, ErrorStack> {
        let inner = MdCtx::new()?;
        // SAFETY: both are valid contexts, and the copy is new: nothing else refers to it.
        check(unsafe { ffi::EVP_MD_CTX_copy_ex(inner.as_ptr(), self.inner.as_ptr()) })?;
        Ok(Context { inner, ..*self })
    }
}
