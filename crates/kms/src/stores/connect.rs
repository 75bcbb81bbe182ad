//! ConnectCustomKeyStore and DisconnectCustomKeyStore.

use serde::{Deserialize, Serialize};

use super::attempt::{self, Asked};
use super::record::{Connection, StoreRecord};
use super::rules::invalid_state;
use crate::api::error::Result;
use crate::service::{Ask, Call};

/// The request of ConnectCustomKeyStore, DisconnectCustomKeyStore and DeleteCustomKeyStore.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs, reason = "the API model explains its members")]
pub struct StoreRequest {
    pub custom_key_store_id: String,
}

/// An answer without members.
#[derive(Serialize)]
pub struct Done {}

/// ConnectCustomKeyStore: begins to; DescribeCustomKeyStores tells how it went. A store that is connected stays so.
pub fn connect_custom_key_store(call: &Call, request: StoreRequest) -> Result<Done> {
    call.authorize_without_key(&Ask::to("ConnectCustomKeyStore"))?;
    let store = call.store(&request.custom_key_store_id)?.value;
    let begun = call.service.stores.change(&store.label(), |record| match &record.connection {
        Connection::Failed { .. } => Err(invalid_state(record, "disconnect it before you connect it again.")),
        Connection::Connected { .. } => Ok(None),
        Connection::Connecting { .. } if !is_abandoned(call, record) => Ok(None),
        Connection::Connecting { .. } | Connection::Disconnected => Ok(Some(begin(record))),
    })?;
    start(call, &store, begun)
}

/// DisconnectCustomKeyStore: at once, for all fronts. What is under way with its keys may still end well.
pub fn disconnect_custom_key_store(call: &Call, request: StoreRequest) -> Result<Done> {
    call.authorize_without_key(&Ask::to("DisconnectCustomKeyStore"))?;
    let store = call.store(&request.custom_key_store_id)?.value;
    call.service.stores.change(&store.label(), |record| match record.connection {
        Connection::Disconnected => Err(invalid_state(record, "it can't be disconnected again.")),
        _ => {
            record.connection = Connection::Disconnected;
            Ok(())
        }
    })?;
    call.service.stores.forget(&store.label());
    Ok(Done {})
}

/// Goes on with an attempt to connect whose front has died.
pub fn take_over(call: &Call, store: &StoreRecord) -> Result<()> {
    if !is_abandoned(call, store) {
        return Ok(());
    }
    let begun = call
        .service
        .stores
        .change(&store.label(), |record| Ok(is_abandoned(call, record).then(|| begin(record))))?;
    start(call, store, begun).map(|_| ())
}

/// Whether the front that was connecting this store has died.
fn is_abandoned(call: &Call, store: &StoreRecord) -> bool {
    match &store.connection {
        Connection::Connecting { attempt } => call.service.is_left_behind(&store.label(), attempt),
        _ => {
            call.service.is_done(&store.label());
            false
        }
    }
}

fn begin(record: &mut StoreRecord) -> String {
    let (connection, attempt) = attempt::begin();
    record.connection = connection;
    attempt
}

fn start(call: &Call, store: &StoreRecord, attempt: Option<String>) -> Result<Done> {
    if let Some(attempt) = attempt {
        let asked = Asked { principal: call.caller.arn.clone(), request: call.request_id.to_owned() };
        attempt::start(&call.service.stores, store.label(), attempt, asked)?;
    }
    Ok(Done {})
}
