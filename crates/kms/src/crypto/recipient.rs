//! `Recipient`: answers for attested environments only, encrypted to a key that an attestation document proves.

use serde::Deserialize;

use crate::api::error::{Code, Result};

/// What a request says of the environment it comes from. Nothing in it is read: there is no root of attestation that it could be checked against.
#[derive(Deserialize)]
pub struct Recipient {}

/// Refuses a request that asks for an answer for an attested environment: giving it in the clear would break what was asked.
pub fn refuse(recipient: Option<&Recipient>) -> Result<()> {
    match recipient {
        Some(_) => Err(Code::ValidationException.because("The attestation document in the Recipient parameter can't be verified: attested environments are not supported.")),
        None => Ok(()),
    }
}
