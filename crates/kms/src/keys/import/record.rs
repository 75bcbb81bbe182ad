//! What is remembered of an import that was prepared: `kms/import/<id>`.

use serde::{Deserialize, Serialize};

use super::wrapping::Wrapping;
use crate::book::{Kept, label};
use crate::clock::Moment;
use crate::hsm::error::Result;
use crate::keys::hold::destroy;
use crate::service::Service;

/// The parameters that GetParametersForImport gave out. The record is there before its wrapping key and goes after it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ImportRecord {
    /// CKA_ID of the wrapping key in the HSM, hexadecimal.
    pub object: String,
    /// How material is wrapped with it.
    #[serde(with = "super::wrapping::by_name")]
    pub wrapping: &'static Wrapping,
    /// Bytes of its modulus.
    pub modulus: usize,
    /// Until when they can be used.
    pub expires: Moment,
}

impl Service {
    /// Destroys a wrapping key and forgets its parameters.
    pub fn clear_import(&self, id: &str) -> Result<()> {
        let name = label::import(id);
        let Some(Kept { value, object }) = self.book.read::<ImportRecord>(&name)? else { return Ok(()) };
        destroy(&self.token, &value.object)?;
        self.book.remove(&name, object)
    }
}
