//! One exchange: who asks, for which operation, is the request well-formed, what is the answer. Synchronous; the HSM's calls block.

use std::sync::Arc;
use std::time::SystemTime;

use http::request::Parts;
use serde_json::{Value, json};

use crate::api::error::{Code, Fault, Result};
use crate::api::model::{model, validate};
use crate::api::operations::Operation;
use crate::auth::access::{self, Access, Connection};
use crate::auth::caller::Caller;
use crate::auth::recorded::Named;
use crate::auth::sigv4::{Claim, Expected};
use crate::service::{Call, Service};
use crate::settings;

/// What goes back over the wire.
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The request's id (`x-amzn-RequestId`).
    pub request_id: String,
    /// The operation that was asked for, if there is one of that name.
    pub operation: Option<&'static str>,
    /// The error's name, if it is one.
    pub error: Option<&'static str>,
    /// JSON.
    pub body: Vec<u8>,
}

/// What names the operation.
const TARGET: &str = "x-amz-target";
const TARGET_PREFIX: &str = "TrentService.";

/// Answers one request.
pub fn exchange(service: &Service, connection: &Connection, parts: &Parts, body: &[u8]) -> Answer {
    let request_id =
        uuid::Builder::from_random_bytes(crate::keys::create::random()).into_uuid().hyphenated().to_string();
    let operation = operation(parts);
    let name = operation.as_ref().ok().map(|operation| operation.name);
    let (status, error, body) = match operation
        .and_then(|operation| answer(service, connection, operation, parts, body, &request_id))
    {
        Ok(value) => (200, None, value),
        Err(fault) => (fault.code.status(), Some(fault.code.name()), refusal(&fault)),
    };
    Answer { status, request_id, operation: name, error, body: serde_json::to_vec(&body).unwrap_or_default() }
}

fn answer(
    service: &Service,
    connection: &Connection,
    operation: &'static Operation,
    parts: &Parts,
    body: &[u8],
    request_id: &str,
) -> Result<Value> {
    let caller = caller(service, connection, parts, body)?;
    let request = read(body)?;
    if let Some(shape) = model().operation(operation.name).and_then(|operation| operation.input()) {
        validate(shape, &request)?;
    }
    let call = Call::new(service, &caller, operation.name, request_id);
    (operation.run)(&call, request)
}

/// What signatures must be for.
const KMS: Expected = Expected { services: &["kms"] };

/// Who asks, as the settings want it proved. Signatures are judged by the real time, whatever tests have made of the keys' clock.
fn caller(service: &Service, connection: &Connection, parts: &Parts, body: &[u8]) -> Result<Caller> {
    let access = match service.settings.access {
        settings::Access::Open => Access::Open { account: service.settings.account.clone() },
        settings::Access::Signed => {
            let named = Claim::read(parts).map(|claim| claim.access_key).unwrap_or_default();
            Access::Signed(Arc::new(Named::find(&service.book, &named)?))
        }
    };
    let proof = access.check(parts, body, &KMS, SystemTime::now())?;
    let caller = access::caller(&proof, connection);
    if !service.settings.regions.contains(&caller.region) {
        return Err(Code::ValidationException.because(format!("Region {} is not served here", caller.region)));
    }
    Ok(caller)
}

fn operation(parts: &Parts) -> Result<&'static Operation> {
    let target = parts.headers.get(TARGET).and_then(|target| target.to_str().ok());
    let name = target.and_then(|target| target.strip_prefix(TARGET_PREFIX));
    name.and_then(Operation::named).ok_or_else(|| Code::UnknownOperationException.because(""))
}

fn read(body: &[u8]) -> Result<Value> {
    match serde_json::from_slice(body) {
        Ok(value @ Value::Object(_)) => Ok(value),
        Ok(_) => {
            Err(Code::SerializationException.because("Start of structure or map found where not expected."))
        }
        Err(_) if body.is_empty() => Ok(json!({})),
        Err(_) => Err(Code::SerializationException.because("The request body is not JSON.")),
    }
}

/// An error on the wire: its name in `__type`, its text in `message`, as SDKs of this protocol read them.
fn refusal(fault: &Fault) -> Value {
    json!({ "__type": fault.code.name(), "message": fault.message })
}
