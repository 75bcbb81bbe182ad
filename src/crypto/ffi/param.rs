//! Named parameters, as OpenSSL 3 takes them.

use openssl::error::ErrorStack;
use openssl_sys as ffi;
use std::ffi::{CStr, c_char, c_int, c_uint};
use std::ptr::{null, null_mut};

// <openssl/params.h>; `openssl-sys` lacks this one of its family.
unsafe extern "C" {
    fn OSSL_PARAM_construct_utf8_string(
        key: *const c_char,
        buf: *mut c_char,
        bsize: usize,
    ) -> ffi::OSSL_PARAM;
}

/// `OSSL_PARAM_OCTET_STRING` of <openssl/core.h>: bytes.
const OCTET_STRING: c_uint = 5;
/// `OSSL_PARAM_UNMODIFIED` of <openssl/params.h>: nothing has been answered yet.
const UNMODIFIED: usize = usize::MAX;

/// One parameter of an OpenSSL operation, borrowed from its owner for one call.
pub enum Param<'a> {
    /// A number.
    Uint(c_uint),
    /// A name.
    Text(&'a CStr),
    /// Bytes.
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

/// A terminated array of one parameter, in which OpenSSL answers bytes: good as long as `place` is.
pub(super) fn room_for(key: &'static CStr, place: &mut [u8]) -> [ffi::OSSL_PARAM; 2] {
    octets(key, place.as_mut_ptr(), place.len())
}

/// A terminated array of one parameter that OpenSSL reads: good as long as `bytes` are.
pub(super) fn bytes_of(key: &'static CStr, bytes: &[u8]) -> [ffi::OSSL_PARAM; 2] {
    // Nobody writes to what is set.
    octets(key, bytes.as_ptr().cast_mut(), bytes.len())
}

/// What OpenSSL's constructors make, but made where it stays: to move what was just written makes the processor wait.
#[inline]
fn octets(key: &'static CStr, place: *mut u8, length: usize) -> [ffi::OSSL_PARAM; 2] {
    let bytes = ffi::OSSL_PARAM {
        key: key.as_ptr(),
        data_type: OCTET_STRING,
        data: place.cast(),
        data_size: length,
        return_size: UNMODIFIED,
    };
    let end = ffi::OSSL_PARAM { key: null(), data_type: 0, data: null_mut(), data_size: 0, return_size: 0 };
    [bytes, end]
}

/// OpenSSL's convention: 1 is success, all else has left its reason in the error queue.
pub(super) fn check(status: c_int) -> Result<(), ErrorStack> {
    if status == 1 { Ok(()) } else { Err(ErrorStack::get()) }
}
