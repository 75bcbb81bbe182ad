//! GenerateRandom.

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::recipient::{self, Recipient};
use crate::api::blob::Blob;
use crate::api::error::{Code, Result};
use crate::hsm::{Token, Trouble};
use crate::quota;
use crate::service::{Ask, Call};

/// The request.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs, reason = "the API model explains its members")]
pub struct GenerateRandomRequest {
    pub number_of_bytes: Option<usize>,
    pub custom_key_store_id: Option<String>,
    pub recipient: Option<Recipient>,
}

/// The answer.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs, reason = "the API model explains its members")]
pub struct GenerateRandomResponse {
    pub plaintext: Blob,
}

/// GenerateRandom: from the default key store's HSM, or a custom one's.
pub fn generate_random(call: &Call, request: GenerateRandomRequest) -> Result<GenerateRandomResponse> {
    recipient::refuse(request.recipient.as_ref())?;
    let count = request
        .number_of_bytes
        .ok_or_else(|| Code::ValidationException.because("NumberOfBytes must not be null"))?;
    call.count_against("symmetric", &quota::of_account(&call.caller.account, &call.caller.region))?;
    call.authorize_without_key(&Ask::to("GenerateRandom"))?;
    let plaintext = match request.custom_key_store_id {
        None => bytes(&call.service.token, count)?,
        Some(store) => of_store(call, &store, count)?,
    };
    Ok(GenerateRandomResponse { plaintext: plaintext.into() })
}

fn of_store(call: &Call, store: &str, count: usize) -> Result<Zeroizing<Vec<u8>>> {
    let token = call.store_token(store)?;
    bytes(&token, count).map_err(|trouble| match trouble.is_passing() {
        true => Code::CustomKeyStoreInvalidStateException
            .because(format!("Custom key store {store} can't be reached.")),
        false => trouble.into(),
    })
}

/// So many random bytes of an HSM.
pub fn bytes(token: &Token, count: usize) -> std::result::Result<Zeroizing<Vec<u8>>, Trouble> {
    token.with(|session| {
        let mut bytes = Zeroizing::new(vec![0; count]);
        session.generate_random_slice(&mut bytes)?;
        Ok(bytes)
    })
}
