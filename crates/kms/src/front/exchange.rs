//! One exchange: who asks, for which operation, is the request well-formed, what is the answer. Synchronous; the HSM's calls block.

use http::request::Parts;
use serde_json::{Value, json};

use crate::api::error::{Code, Fault, Result};
use crate::api::model::{model, validate};
use crate::api::operations::Operation;
use crate::auth::caller::Caller;
use crate::service::{Call, Service};

/// What goes back over the wire.
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The request's id (`x-amzn-RequestId`).
    pub request_id: String,
    /// The error's name, if it is one.
    pub error: Option<&'static str>,
    /// JSON.
    pub body: Vec<u8>,
}

/// What names the operation.
const TARGET: &str = "x-amz-target";
const TARGET_PREFIX: &str = "TrentService.";

/// Answers one request.
pub fn exchange(service: &Service, parts: &Parts, body: &[u8]) -> Answer {
    let request_id = uuid::Builder::from_random_bytes(crate::keys::create::random()).into_uuid().hyphenated().to_string();
    match answer(service, parts, body, &request_id) {
        Ok(value) => Answer { status: 200, request_id, error: None, body: serde_json::to_vec(&value).unwrap_or_default() },
        Err(fault) => refuse(fault, request_id),
    }
}

fn answer(service: &Service, parts: &Parts, body: &[u8], request_id: &str) -> Result<Value> {
    let caller = caller(service, parts);
    let operation = operation(parts)?;
    let request = read(body)?;
    if let Some(shape) = model().operation(operation.name).and_then(|operation| operation.input()) {
        validate(shape, &request)?;
    }
    let call = Call::new(service, &caller, operation.name, request_id);
    (operation.run)(&call, request)
}

fn caller(service: &Service, _parts: &Parts) -> Caller {
    let account = service.settings.account.clone();
    Caller {
        arn: format!("arn:aws:iam::{account}:root"),
        account,
        access_key: String::new(),
        via_service: None,
        region: service.settings.default_region().to_owned(),
        source: None,
        tls: false,
    }
}

fn operation(parts: &Parts) -> Result<&'static Operation> {
    let target = parts.headers.get(TARGET).and_then(|target| target.to_str().ok());
    let name = target.and_then(|target| target.strip_prefix(TARGET_PREFIX));
    name.and_then(Operation::named).ok_or_else(|| Code::UnknownOperationException.because(""))
}

fn read(body: &[u8]) -> Result<Value> {
    match serde_json::from_slice(body) {
        Ok(value @ Value::Object(_)) => Ok(value),
        Ok(_) => Err(Code::SerializationException.because("Start of structure or map found where not expected.")),
        Err(_) if body.is_empty() => Ok(json!({})),
        Err(_) => Err(Code::SerializationException.because("The request body is not JSON.")),
    }
}

/// An error on the wire: its name in `__type`, its text in `message`, as SDKs of this protocol read them.
fn refuse(fault: Fault, request_id: String) -> Answer {
    let body = json!({ "__type": fault.code.name(), "message": fault.message });
    Answer { status: fault.code.status(), request_id, error: Some(fault.code.name()), body: serde_json::to_vec(&body).unwrap_or_default() }
}
