//! Choices of public-key operations, and a key derivation, that the `openssl` crate has no calls for.

use openssl::error::ErrorStack;
use openssl::pkey_ctx::PkeyCtxRef;
use openssl_sys as ffi;
use std::ffi::{CStr, c_char, c_int, c_uint};

use foreign_types::ForeignTypeRef;

// <openssl/params.h>; `openssl-sys` lacks this one of its family.
unsafe extern "C" {
    fn OSSL_PARAM_construct_utf8_string(
        key: *const c_char,
        buf: *mut c_char,
        bsize: usize,
    ) -> ffi::OSSL_PARAM;
}

/// One parameter of an OpenSSL operation, borrowed from its owner for one call.
pub(super) enum Param<'a> {
    Uint(c_uint),
    Text(&'a CStr),
    Octets(&'a [u8]),
}

/// Runs `call` with `params` as the terminated array OpenSSL reads.
///
/// The array points into `params` and is good only during the call. No parameter of this kind is written to.
pub(super) fn with_params<R>(
    params: &mut [(&CStr, Param<'_>)],
    call: impl FnOnce(*const ffi::OSSL_PARAM) -> R,
) -> R {
    let mut array: Vec<ffi::OSSL_PARAM> = Vec::with_capacity(params.len() + 1);
    for (key, param) in params {
        // SAFETY: the constructors only store the pointers, which `params` keeps alive until `call` has
        // returned; a text's size of 0 tells OpenSSL to take the length of the terminated string.
        array.push(unsafe {
            match param {
                Param::Uint(value) => ffi::OSSL_PARAM_construct_uint(key.as_ptr(), value),
                Param::Text(text) => {
                    OSSL_PARAM_construct_utf8_string(key.as_ptr(), text.as_ptr().cast_mut(), 0)
                }
                Param::Octets(octets) => ffi::OSSL_PARAM_construct_octet_string(
                    key.as_ptr(),
                    octets.as_ptr().cast_mut().cast(),
                    octets.len(),
                ),
            }
        });
    }
    // SAFETY: takes nothing and returns a value.
    array.push(unsafe { ffi::OSSL_PARAM_construct_end() });
    call(array.as_ptr())
}

/// OpenSSL's convention: 1 is success, all else has left its reason in the error queue.
pub(super) fn check(status: c_int) -> Result<(), ErrorStack> {
    if status == 1 { Ok(()) } else { Err(ErrorStack::get()) }
}

fn set<T>(ctx: &mut PkeyCtxRef<T>, params: &mut [(&CStr, Param<'_>)]) -> Result<(), ErrorStack> {
    // SAFETY: the context is alive and the array is terminated; OpenSSL copies what it keeps.
    with_params(params, |array| check(unsafe { ffi::EVP_PKEY_CTX_set_params(ctx.as_ptr(), array) }))
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

/// The key derivation of ANSI X9.63 from a shared `secret` and `info`; fills `output`. `digest`: OpenSSL's
/// name of it.
pub fn x963_kdf(digest: &CStr, secret: &[u8], info: &[u8], output: &mut [u8]) -> Result<(), ErrorStack> {
    // SAFETY: fetches by name from the default library context; the context takes its own reference, so the
    // method is let go at once. Both frees accept NULL.
    let ctx = unsafe {
        let kdf = ffi::EVP_KDF_fetch(std::ptr::null_mut(), c"X963KDF".as_ptr(), std::ptr::null());
        let ctx = if kdf.is_null() { std::ptr::null_mut() } else { ffi::EVP_KDF_CTX_new(kdf) };
        ffi::EVP_KDF_free(kdf);
        ctx
    };
    if ctx.is_null() {
        return Err(ErrorStack::get());
    }
    let params = &mut [
        (c"digest", Param::Text(digest)),
        (c"key", Param::Octets(secret)),
        (c"info", Param::Octets(info)),
    ];
    with_params(params, |array| {
        // SAFETY: `ctx` is not NULL and ours, `output` is writable for the length told, the array is
        // terminated. The context wipes its copy of the secret when it is freed.
        unsafe {
            let status = ffi::EVP_KDF_derive(ctx, output.as_mut_ptr(), output.len(), array);
            let result = check(status);
            ffi::EVP_KDF_CTX_free(ctx);
            result
        }
    })
}
