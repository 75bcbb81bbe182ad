//! The only room that speaks PKCS#11. A [`Token`] is one slot with one login and a pool of sessions; its errors are the few
//! that the rooms above tell apart.

pub mod error;
mod module;
mod token;

pub use error::Trouble;
pub use module::Module;
pub use token::{Login, Logins, Token};
