//! Who may do what: policy documents, their conditions, and the decision that AWS KMS would take. Pure code: no I/O, no clock, no state.
//!
//! - [`Document`]: a key policy or an identity policy, parsed once and kept in an `Arc`.
//! - [`Key`]: the table of condition keys, with who supplies each; [`Context`] is how the front supplies its own.
//! - [`decide`]: the decision over identity policies, key policy and grants; [`authorize`] words its refusals.
//! - [`default_policy`] and [`lockout_check`]: what CreateKey and PutKeyPolicy need besides.

mod condition;
mod document;
mod evaluate;
mod json;
mod key;
mod operator;
mod pattern;
mod preset;
mod principal;
mod reader;
mod value;
mod wording;

#[cfg(test)]
mod tests;

pub use document::{Document, MAX_KEY_POLICY};
pub use evaluate::{Decision, Guarded, Request, Side, decide};
pub use key::{Context, Facts, Key, Source, same_but_case};
pub use preset::{default_policy, lockout_check, service_policy};
pub use principal::{Meets, Principal};
pub use wording::authorize;
