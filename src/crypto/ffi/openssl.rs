//! The calls of OpenSSL that the `openssl` crate lacks.

use std::sync::Once;

// <openssl/crypto.h>; `openssl-sys` declares only OPENSSL_init_ssl.
unsafe extern "C" {
    fn OPENSSL_init_crypto(options: u64, settings: *const std::ffi::c_void) -> std::ffi::c_int;
}
const OPENSSL_INIT_NO_LOAD_CONFIG: u64 = 0x0000_0080;
const OPENSSL_INIT_NO_ATEXIT: u64 = 0x0008_0000;

/// Initialises OpenSSL without reading `openssl.cnf` and without exit handlers.
///
/// The host's configuration may be what loads this very module: reading it again from here would
/// wait for itself. And an exit handler that runs before or after the host's own is the classic crash of
/// software tokens at exit.
pub fn start() {
    static STARTED: Once = Once::new();
    STARTED.call_once(|| {
        // SAFETY: takes flags and an optional settings pointer; NULL means defaults.
        let done = unsafe {
            OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_NO_ATEXIT, std::ptr::null())
        };
        if done != 1 {
            log::error!("OpenSSL could not be initialised");
        }
    });
}

/// Mixes bytes into the random generator without crediting any entropy; at most 1 MiB.
pub fn add_seed(seed: &[u8]) {
    let length = std::ffi::c_int::try_from(seed.len()).unwrap_or(0);
    // SAFETY: `seed` is readable for `length` bytes; RAND_add copies from it.
    unsafe { openssl_sys::RAND_add(seed.as_ptr().cast(), length, 0.0) }
}
