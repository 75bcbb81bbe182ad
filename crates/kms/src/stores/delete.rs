//! DeleteCustomKeyStore.

use super::connect::{Done, StoreRequest};
use super::members;
use super::record::Connection;
use super::rules::{REGISTER, invalid_state};
use crate::api::error::{Code, Result};
use crate::service::{Ask, Call};

/// DeleteCustomKeyStore: only a disconnected store without keys. The cluster or the proxy isn't touched.
pub fn delete_custom_key_store(call: &Call, request: StoreRequest) -> Result<Done> {
    call.authorize_without_key(&Ask::to("DeleteCustomKeyStore"))?;
    let register = call.service.book.latch(REGISTER)?;
    let label = call.store(&request.custom_key_store_id)?.value.label();
    let latch = call.service.book.latch(&label)?;
    let store = call.store(&request.custom_key_store_id)?;
    if store.value.connection != Connection::Disconnected {
        return Err(invalid_state(&store.value, "only a disconnected one can be deleted."));
    }
    if members::any(call, &store.value)? {
        return Err(Code::CustomKeyStoreHasCMKsException
            .because(format!("Custom key store {} contains KMS keys.", store.value.id)));
    }
    register.still_held()?;
    latch.still_held()?;
    call.service.book.remove(&label, store.object)?;
    call.service.stores.forget(&label);
    members::clear(call, &store.value)?;
    Ok(Done {})
}
