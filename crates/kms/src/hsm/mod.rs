//! The only room that speaks PKCS#11. A [`Token`] is one slot with one login and a pool of sessions; its errors are the few
//! that the rooms above tell apart.

pub mod error;
mod lately;
mod module;
mod token;

pub use error::Trouble;
pub use lately::Lately;
pub use module::Module;
pub use token::{Login, Logins, Token};
