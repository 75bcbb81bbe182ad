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
    /// One that has taken nothing, once there is use for it.
    fresh: Option<MdCtx>,
}

impl Context {
    /// Begins; `size`: for algorithms that let it be chosen.
    pub fn new(md: &'static MdRef, size: Option<usize>) -> Result<Self, ErrorStack> {
        Ok(Context { inner: begun(md, size)?, md, room: md.size(), size, fresh: None })
    }

    /// Begins anew; nothing is left of what it has taken. A state is copied over it that has taken nothing: OpenSSL looks for engines each time that it
    /// makes one.
    #[inline]
    pub fn restart(&mut self) -> Result<(), ErrorStack> {
        match &self.fresh {
            Some(fresh) => copy(fresh, &mut self.inner),
            None => self.restart_first(),
        }
    }

    #[cold]
    fn restart_first(&mut self) -> Result<(), ErrorStack> {
        let fresh = begun(self.md, self.size)?;
        copy(&fresh, &mut self.inner)?;
        self.fresh = Some(fresh);
        Ok(())
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
        let mut inner = MdCtx::new()?;
        copy(&self.inner, &mut inner)?;
        Ok(Context { inner, md: self.md, room: self.room, size: self.size, fresh: None })
    }
}

/// One that has taken nothing.
fn begun(md: &MdRef, size: Option<usize>) -> Result<MdCtx, ErrorStack> {
    let mut context = MdCtx::new()?;
    let Some(size) = size else { return context.digest_init(md).map(|()| context) };
    let mut params = [(c"size", Param::Uint(size as c_uint))];
    with_params(&mut params, |array| {
        // SAFETY: context and digest are alive, the array is terminated; OpenSSL copies what it keeps.
        check(unsafe { EVP_DigestInit_ex2(context.as_ptr(), md.as_ptr(), array) })
    })?;
    Ok(context)
}

/// Makes `to` what `from` is; what it was is written over.
#[inline]
fn copy(from: &MdCtx, to: &mut MdCtx) -> Result<(), ErrorStack> {
    // SAFETY: both are contexts of our own, of which the first is only read.
    check(unsafe { ffi::EVP_MD_CTX_copy_ex(to.as_ptr(), from.as_ptr()) })
}
