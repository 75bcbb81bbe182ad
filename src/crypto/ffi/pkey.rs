//! Choices of public-key operations that the `openssl` crate has no calls for.

use super::param::{Param, check, with_params};
use openssl::error::ErrorStack;
use openssl::md_ctx::MdCtxRef;
use openssl::pkey::{PKey, PKeyRef, Private, Public};
use openssl::pkey_ctx::PkeyCtxRef;
use openssl_sys as ffi;
use std::ffi::CStr;
use std::ptr;

use foreign_types::{ForeignType, ForeignTypeRef};

// <openssl/evp.h>; `openssl-sys` lacks it.
unsafe extern "C" {
    fn EVP_PKEY_dup(key: *mut ffi::EVP_PKEY) -> *mut ffi::EVP_PKEY;
}

fn set<T>(ctx: &mut PkeyCtxRef<T>, params: &mut [(&CStr, Param<'_>)]) -> Result<(), ErrorStack> {
    // SAFETY: the context is alive and the array is terminated; OpenSSL copies what it keeps.
    with_params(params, |array| check(unsafe { ffi::EVP_PKEY_CTX_set_params(ctx.as_ptr(), array) }))
}

/// A private key seen as the public key that it holds too.
pub fn public_half(key: &PKeyRef<Private>) -> &PKeyRef<Public> {
    // SAFETY: both types are the same key of OpenSSL's, which lives as long as the answer is borrowed; they differ only in
    // what may be asked of it.
    unsafe { PKeyRef::from_ptr(key.as_ptr()) }
}

/// A copy of a key in memory of its own; `None` for keys that OpenSSL can't copy.
pub fn copy<T>(key: &PKeyRef<T>) -> Option<PKey<T>> {
    // SAFETY: the key is alive; the copy has the same halves, and is nobody else's.
    unsafe {
        let copy = EVP_PKEY_dup(key.as_ptr());
        if copy.is_null() {
            drop(ErrorStack::get());
            return None;
        }
        Some(PKey::from_ptr(copy))
    }
}

/// Begins another signature with the key and settings of the one before.
pub fn sign_again(ctx: &mut MdCtxRef) -> Result<(), ErrorStack> {
    // SAFETY: the context is alive; NULL means that all stays as it is.
    check(unsafe {
        ffi::EVP_DigestSignInit(ctx.as_ptr(), ptr::null_mut(), ptr::null(), ptr::null_mut(), ptr::null_mut())
    })
}

/// The same for the check of a signature.
pub fn verify_again(ctx: &mut MdCtxRef) -> Result<(), ErrorStack> {
    // SAFETY: as above.
    check(unsafe {
        ffi::EVP_DigestVerifyInit(
            ctx.as_ptr(),
            ptr::null_mut(),
            ptr::null(),
            ptr::null_mut(),
            ptr::null_mut(),
        )
    })
}

/// Makes PKCS#1 v1.5 decryption fail on a wrong padding, where OpenSSL by itself would answer with random
/// bytes.
pub fn refuse_wrong_padding<T>(ctx: &mut PkeyCtxRef<T>) -> Result<(), ErrorStack> {
    set(ctx, &mut [(c"implicit-rejection", Param::Uint(0))])
}

/// Chooses one of the five EdDSA schemes of RFC 8032 (`Ed25519ctx` and so on) and its context, up to 255
/// bytes.
pub fn set_eddsa_instance<T>(
    ctx: &mut PkeyCtxRef<T>,
    instance: &CStr,
    context: &[u8],
) -> Result<(), ErrorStack> {
    set(ctx, &mut [(c"instance", Param::Text(instance)), (c"context-string", Param::Octets(context))])
}

/// Chooses how ML-DSA or SLH-DSA encodes a message: with this context, up to 255 bytes, and the prefix of the pure form,
/// or, if `encoded`, as one that has its prefix already. `deterministic`: sign without randomness.
pub fn set_message_encoding<T>(
    ctx: &mut PkeyCtxRef<T>,
    context: &[u8],
    encoded: bool,
    deterministic: bool,
) -> Result<(), ErrorStack> {
    let params = &mut [
        (c"context-string", Param::Octets(context)),
        (c"message-encoding", Param::Uint((!encoded).into())),
        (c"deterministic", Param::Uint(deterministic.into())),
    ];
    set(ctx, params)
}
