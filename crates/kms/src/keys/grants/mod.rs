//! Grants: leave to use one key, given to one principal, beside all policies.
//!
//! A grant is a record that never changes; those of a key share one name. Each change of them gives the key's record a new
//! `grants_revision`, and fronts keep the grants of a key for as long as that stays the same (`known`). It is odd while a change is under
//! way: what a crash leaves half done is read again each time, and kept by nobody, until the next change ends it.

mod constraints;
mod create;
mod end;
mod fit;
mod known;
mod list;
mod record;
mod terms;
pub mod token;

pub use create::create_grant;
pub use end::{retire_grant, revoke_grant};
pub use known::Known;
pub use list::{list_grants, list_retirable_grants};
pub use record::GrantRecord;
pub use terms::Terms;

use crate::api::error::{Code, Fault, Result};

/// Refuses what can't be a grant's id.
fn check_id(id: &str) -> Result<()> {
    if id.len() == 64 && id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(());
    }
    Err(Code::InvalidGrantIdException.because(format!("Grant ID {id} is not valid")))
}

fn missing(id: &str) -> Fault {
    Code::NotFoundException.because(format!("Grant ID {id} does not exist"))
}
