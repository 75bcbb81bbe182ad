//! KMS's side of external key stores: what it asks of an XKS proxy, and how its keys are encrypted twice.

mod check;
mod failure;
mod line;
mod outer;
mod tls;

pub use check::{check, check_key};
pub use failure::{Failure, Row};
pub use line::{Asker, Line, Proxies};
pub use outer::{open, seal};
