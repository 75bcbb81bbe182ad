//! Foreign calls, with a thin safe face: the functions of a PKCS#11 module as its list has them, and libcrypto's own. Nothing here
//! allocates or locks between the caller's clock and the function called. All unsafe code of this program stands here.

#![allow(unsafe_code)]

mod environment;
mod functions;
mod mechanism;
mod module;
mod pkey;
mod secret;
mod symmetric;
mod template;

pub use environment::set as set_environment;
pub use functions::{Object, Session, User};
pub use mechanism::{Mechanism, Parameter};
pub use module::{Module, Rv};
pub use pkey::{Generator, Key, Kind, Use};
pub use secret::Secrets;
pub use symmetric::{Cipher, Digest, Mac, random};
pub use template::Attribute;
