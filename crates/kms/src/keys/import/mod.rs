//! Imported key material: it comes wrapped under a key that only the HSM has, is unwrapped in the HSM, and is never seen outside of it.

mod fingerprint;
mod forget;
mod material;
mod parameters;
mod place;
mod record;
mod token;
mod wrapping;

pub use forget::{delete_imported_key_material, expire};
pub use material::import_key_material;
pub use parameters::get_parameters_for_import;
pub use record::ImportRecord;

use super::change::unsupported;
use super::record::{KeyRecord, Origin};
use crate::api::error::Result;

/// Refuses keys whose material isn't their owner's to give.
fn must_be_external(record: &KeyRecord) -> Result<()> {
    match record.origin {
        Origin::External => Ok(()),
        origin => Err(unsupported(
            &record.arn(),
            &format!("origin is {} which is not valid for this operation.", origin.name()),
        )),
    }
}
