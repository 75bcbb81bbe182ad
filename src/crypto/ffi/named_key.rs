//! Key pairs that OpenSSL knows by the name of their parameter set alone (`ML-DSA-65`), in and out by their parts; and
//! the encapsulation of secrets with them.

use super::param::{Param, check, with_params};
use crate::attribute::Bytes;
use foreign_types::{ForeignType, ForeignTypeRef};
use openssl::error::ErrorStack;
use openssl::pkey::{PKey, PKeyRef, Private, Public};
use openssl::pkey_ctx::{PkeyCtx, PkeyCtxRef};
use openssl_sys as ffi;
use std::ffi::{CStr, c_char, c_int, c_uchar};
use std::ptr;

type Result<T> = std::result::Result<T, ErrorStack>;

// <openssl/evp.h>; not in `openssl-sys`.
unsafe extern "C" {
    fn EVP_PKEY_get0_type_name(key: *const ffi::EVP_PKEY) -> *const c_char;
    fn EVP_PKEY_get_octet_string_param(
        key: *const ffi::EVP_PKEY,
        name: *const c_char,
        buffer: *mut c_uchar,
        room: usize,
        length: *mut usize,
    ) -> c_int;
    fn EVP_PKEY_set1_encoded_public_key(
        key: *mut ffi::EVP_PKEY,
        point: *const c_uchar,
        length: usize,
    ) -> c_int;
}

/// <openssl/evp.h>: the parts that make a public key, and those that make a pair.
const EVP_PKEY_PUBLIC_KEY: c_int = 0x86;
const EVP_PKEY_KEYPAIR: c_int = 0x87;

/// The parts of a key, by OpenSSL's names.
const GROUP: &CStr = c"group";
const PUBLIC: &CStr = c"pub";
const PRIVATE: &CStr = c"priv";
const SEED: &CStr = c"seed";

/// A context that is for no key yet.
pub type Context = PkeyCtx<()>;

/// A context that makes one new pair of that name after the other.
pub fn begin_generation(name: &CStr) -> Result<Context> {
    let mut ctx = context(name)?;
    ctx.keygen_init()?;
    Ok(ctx)
}

/// A public key from its encoding.
pub fn public_key(name: &CStr, encoding: &[u8]) -> Result<PKey<Public>> {
    let key = from_parts(name, EVP_PKEY_PUBLIC_KEY, &mut [(PUBLIC, Param::Octets(encoding))])?;
    // SAFETY: `from_parts` gives a key that nobody else frees; it has its public half.
    Ok(unsafe { PKey::from_ptr(key) })
}

/// A public key on a curve, by OpenSSL's name of it, from its point. One that is not on the curve, or infinity, is an error; whether that is of the
/// right order is not asked.
pub fn curve_point(curve: &CStr, point: &[u8]) -> Result<PKey<Public>> {
    let parts = &mut [(GROUP, Param::Text(curve)), (PUBLIC, Param::Octets(point))];
    let key = from_parts(c"EC", EVP_PKEY_PUBLIC_KEY, parts)?;
    // SAFETY: as above.
    Ok(unsafe { PKey::from_ptr(key) })
}

/// Gives a public key another point on its curve, or other bytes that are its key. What is no point on the curve is an error, after which the key is
/// good for nothing; whether that is of the right order is not asked.
pub fn set_point(key: &mut PKey<Public>, point: &[u8]) -> Result<()> {
    // SAFETY: the key is alive; whoever else holds on to it by OpenSSL's own count sees its new point, and looks at it only when told to agree with it.
    check(unsafe { EVP_PKEY_set1_encoded_public_key(key.as_ptr(), point.as_ptr(), point.len()) })
}

/// Names the other side of an agreement. Nothing is asked of its point beyond what was asked when it was set.
pub fn set_peer(ctx: &mut PkeyCtxRef<Private>, peer: &PKeyRef<Public>) -> Result<()> {
    // SAFETY: context and key are alive, and the context takes a reference of its own.
    check(unsafe { ffi::EVP_PKEY_derive_set_peer_ex(ctx.as_ptr(), peer.as_ptr(), 0) })
}

/// A private key from its seed, its encoding or both, which must agree.
pub fn private_key(name: &CStr, seed: Option<&[u8]>, encoding: Option<&[u8]>) -> Result<PKey<Private>> {
    let parts = [(SEED, seed), (PRIVATE, encoding)];
    let given = parts.into_iter().filter_map(|(part, value)| Some((part, Param::Octets(value?))));
    let mut params: Vec<_> = given.collect();
    let key = from_parts(name, EVP_PKEY_KEYPAIR, &mut params)?;
    // SAFETY: `from_parts` gives a key that nobody else frees; it has its private half.
    Ok(unsafe { PKey::from_ptr(key) })
}

/// The encoding of a public key, of `length` bytes.
pub fn public_encoding<T>(key: &PKeyRef<T>, length: usize) -> Result<Bytes> {
    part(key, PUBLIC, length)
}

/// The encoding of a private key, of `length` bytes.
pub fn private_encoding(key: &PKeyRef<Private>, length: usize) -> Result<Bytes> {
    part(key, PRIVATE, length)
}

/// The seed of a private key, of `length` bytes; `None` for a key that came without.
pub fn seed(key: &PKeyRef<Private>, length: usize) -> Option<Bytes> {
    part(key, SEED, length).ok()
}

/// OpenSSL's name for the key's type, its parameter set included.
pub fn type_name<T>(key: &PKeyRef<T>) -> Option<&CStr> {
    // SAFETY: the key is alive; the name, if there is one, lives as long as the key's implementation, which the key
    // holds on to.
    unsafe {
        let name = EVP_PKEY_get0_type_name(key.as_ptr());
        if name.is_null() { None } else { Some(CStr::from_ptr(name)) }
    }
}

/// Whether the two halves of a pair belong together, for keys whose making does not tell.
pub fn is_consistent(key: &PKeyRef<Private>) -> bool {
    let Ok(ctx) = PkeyCtx::new(key) else { return false };
    // SAFETY: the context is alive.
    let consistent = unsafe { ffi::EVP_PKEY_check(ctx.as_ptr()) } == 1;
    if !consistent {
        drop(ErrorStack::get());
    }
    consistent
}

/// Sets a context up for [`encapsulate`].
pub fn begin_encapsulation(ctx: &mut PkeyCtxRef<Public>) -> Result<()> {
    // SAFETY: the context is alive; NULL means no parameters.
    check(unsafe { ffi::EVP_PKEY_encapsulate_init(ctx.as_ptr(), ptr::null()) })
}

/// Sets a context up for [`decapsulate`].
pub fn begin_decapsulation(ctx: &mut PkeyCtxRef<Private>) -> Result<()> {
    // SAFETY: as above.
    check(unsafe { ffi::EVP_PKEY_decapsulate_init(ctx.as_ptr(), ptr::null()) })
}

/// A new shared secret of `length` bytes; its ciphertext fills the place for it.
pub fn encapsulate(ctx: &mut PkeyCtxRef<Public>, ciphertext: &mut [u8], length: usize) -> Result<Bytes> {
    let mut secret = Bytes::zeroed(length);
    let (mut written, mut secret_written) = (ciphertext.len(), length);
    // SAFETY: the context is alive; both buffers are valid for the lengths told, beyond which OpenSSL refuses to
    // write.
    unsafe {
        check(ffi::EVP_PKEY_encapsulate(
            ctx.as_ptr(),
            ciphertext.as_mut_ptr(),
            &mut written,
            secret.as_mut_ptr(),
            &mut secret_written,
        ))?;
    }
    if (written, secret_written) == (ciphertext.len(), length) { Ok(secret) } else { Err(ErrorStack::get()) }
}

/// The shared secret, of `length` bytes, behind a ciphertext.
pub fn decapsulate(ctx: &mut PkeyCtxRef<Private>, ciphertext: &[u8], length: usize) -> Result<Bytes> {
    let mut secret = Bytes::zeroed(length);
    let mut written = length;
    // SAFETY: the context is alive; both buffers are valid for the lengths told, beyond which OpenSSL refuses to
    // write.
    unsafe {
        check(ffi::EVP_PKEY_decapsulate(
            ctx.as_ptr(),
            secret.as_mut_ptr(),
            &mut written,
            ciphertext.as_ptr(),
            ciphertext.len(),
        ))?;
    }
    if written == length { Ok(secret) } else { Err(ErrorStack::get()) }
}

/// A context for making keys of that parameter set.
fn context(name: &CStr) -> Result<PkeyCtx<()>> {
    // SAFETY: `name` ends with NUL; NULL means the default library context and no properties.
    let ctx = unsafe { ffi::EVP_PKEY_CTX_new_from_name(ptr::null_mut(), name.as_ptr(), ptr::null()) };
    if ctx.is_null() {
        return Err(ErrorStack::get());
    }
    // SAFETY: just made, and nobody else frees it.
    Ok(unsafe { PkeyCtx::from_ptr(ctx) })
}

/// A key made of its parts, for the caller to own.
fn from_parts(name: &CStr, selection: c_int, parts: &mut [(&CStr, Param<'_>)]) -> Result<*mut ffi::EVP_PKEY> {
    let ctx = context(name)?;
    let ctx: &PkeyCtxRef<()> = &ctx;
    let mut key = ptr::null_mut();
    // SAFETY: the context is alive; the parameters are a terminated array, which OpenSSL only reads and whose values
    // it copies; `key` receives a new key on success and stays NULL otherwise.
    unsafe {
        check(ffi::EVP_PKEY_fromdata_init(ctx.as_ptr()))?;
        with_params(parts, |array| {
            check(ffi::EVP_PKEY_fromdata(ctx.as_ptr(), &mut key, selection, array.cast_mut()))
        })?;
    }
    Ok(key)
}

fn part<T>(key: &PKeyRef<T>, name: &CStr, length: usize) -> Result<Bytes> {
    let mut value = Bytes::zeroed(length);
    let mut written = 0;
    // SAFETY: the key is alive, `name` ends with NUL, the buffer is valid for the length told.
    check(unsafe {
        EVP_PKEY_get_octet_string_param(key.as_ptr(), name.as_ptr(), value.as_mut_ptr(), length, &mut written)
    })?;
    if written == length { Ok(value) } else { Err(ErrorStack::get()) }
}
