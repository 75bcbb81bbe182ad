//! A digest in progress, copied.

use foreign_types::{ForeignType, ForeignTypeRef};
use openssl::error::ErrorStack;
use openssl::md_ctx::{MdCtx, MdCtxRef};

/// Another context that has come as far as this one.
pub fn copy(context: &MdCtxRef) -> Result<MdCtx, ErrorStack> {
    let copy = MdCtx::new()?;
    // SAFETY: both are valid contexts, and `copy` is new: nothing else refers to it.
    let done = unsafe { openssl_sys::EVP_MD_CTX_copy_ex(copy.as_ptr(), context.as_ptr()) };
    if done == 1 { Ok(copy) } else { Err(ErrorStack::get()) }
}
