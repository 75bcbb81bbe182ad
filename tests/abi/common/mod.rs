//! What all tests stand on: the module loaded as any program would load it, a token of its own for each
//! test, and a process of its own for each test.

pub mod cases;
pub mod functions;
mod isolated;
pub mod keys;
mod limit;
mod mechanism;
pub mod message;
mod module;
mod rv;
mod session;
mod template;
mod token;

pub use cryptoki_sys::*;
pub use isolated::{Part, Process, isolated};
pub use limit::{PARTS_OF_A_COMMIT, limit_size_of_files};
pub use mechanism::{Mechanism, random_data};
pub use module::{Module, module, note, output};
pub(crate) use module::{invoke, raw, raw_3_2};
pub use rv::{Answer, CODES, Refused, Rv, answer, name_of};
pub use session::{Handle, Session};
pub(crate) use template::template;
pub use template::{Template, Value};
pub use token::{CHEAP_PINS, Folder, SO_PIN, Token, USER_PIN};
