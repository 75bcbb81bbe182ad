//! Import tokens: which parameters, for which key, until when. Sealed by a key that is in the HSM for this alone, so that nobody else can make one.

use serde::{Deserialize, Serialize};

use crate::api::error::{Code, Result};
use crate::clock::Moment;
use crate::crypto::{aead, material};
use crate::hsm::Trouble;
use crate::service::Service;

/// CKA_ID and CKA_LABEL of the key that seals tokens, and the name under which fronts take turns to make it.
const SEALER: &str = "kms/import-token";

/// What tokens are told from other things by.
const PURPOSE: &[u8] = b"kms import token, format 1";

/// What a token says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportToken {
    /// The parameters' id: `kms/import/<id>`.
    pub id: String,
    /// The ARN of the key they are for.
    pub key: String,
    /// Until when they can be used. Said here too: an expired token is told from a foreign one after its parameters are forgotten.
    pub expires: Moment,
}

impl ImportToken {
    /// As callers carry it.
    pub fn seal(&self, service: &Service) -> Result<Vec<u8>> {
        let text = serde_json::to_vec(self).map_err(|e| Code::KMSInternalException.because(e.to_string()))?;
        Ok(aead::seal(&service.token, sealer(service)?, PURPOSE, &text)?)
    }

    /// Reads one.
    ///
    /// # Errors
    ///
    /// `InvalidImportTokenException` for what this service hasn't made.
    pub fn open(service: &Service, sealed: &[u8]) -> Result<Self> {
        match aead::open(&service.token, sealer(service)?, PURPOSE, sealed) {
            Ok(text) => serde_json::from_slice(&text).map_err(|_| invalid()),
            Err(Trouble::BadData) => Err(invalid()),
            Err(trouble) => Err(trouble.into()),
        }
    }
}

/// The one answer to a token that isn't ours, is for another key, or was used.
pub fn invalid() -> crate::api::error::Fault {
    Code::InvalidImportTokenException.because("The import token is invalid, or belongs to another KMS key.")
}

/// The sealing key; made when it is first needed, once for all fronts.
fn sealer(service: &Service) -> std::result::Result<cryptoki::object::ObjectHandle, Trouble> {
    let object = hex::encode(SEALER);
    if let Some(found) = material::find(&service.token, &object)? {
        return Ok(found);
    }
    let latch = service.book.latch(SEALER)?;
    if let Some(found) = material::find(&service.token, &object)? {
        return Ok(found);
    }
    latch.still_held()?;
    material::generate_aes(&service.token, SEALER.as_bytes(), SEALER)
}
