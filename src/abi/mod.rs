//! The C edge: the only code that touches a caller's pointers.
//!
//! [`table`] lists every function of PKCS#11 3.2 once, with the safe function that does its work; `guard` is the
//! way in and out of each; `args`, `template` and `params` turn what a caller points at into owned or borrowed
//! values. The other files follow the chapters of the standard and hold no policy: they read arguments, call a
//! method of [`crate::session`] and write the answer.
#![allow(unsafe_code)]

mod args;
mod chacha_params;
mod derivation;
mod foreign;
mod fork;
mod general;
mod guard;
mod kdf_params;
mod key;
mod lifecycle;
mod mechanism;
mod message;
mod object;
mod operation;
mod params;
mod random;
mod seat;
mod session;
mod signature_params;
mod slot;
pub mod table;
mod template;
mod thread;
mod wrap_params;

// The vocabulary counts in 64 bits, and so must `CK_ULONG`: lengths, handles and numbers cross the edge unchanged.
const _: () = assert!(size_of::<cryptoki_sys::CK_ULONG>() == 8);
