//! One exchange: who asks, for which operation, is the request well-formed, what is the answer. Synchronous; the HSM's calls block.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::SystemTime;

use http::request::Parts;
use serde_json::{Value, json};

use crate::api::context;
use crate::api::error::{Code, Fault, Result};
use crate::api::model::{model, validate};
use crate::api::operations::Operation;
use crate::audit::{Event, Who};
use crate::auth::access::{self, Access, Connection};
use crate::auth::caller::Caller;
use crate::auth::recorded::Named;
use crate::auth::sigv4::{Claim, Expected};
use crate::keys::arn::KeyArn;
use crate::service::{Call, Service};
use crate::{quota, settings};

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

/// Answers one request, and tells the audit trail. What can't be told isn't answered, if the settings want it so.
pub fn exchange(service: &Service, connection: &Connection, parts: &Parts, body: &[u8]) -> Answer {
    let request_id =
        uuid::Builder::from_random_bytes(crate::keys::create::random()).into_uuid().hyphenated().to_string();
    let named = operation(parts);
    let name = named.as_ref().ok().map(|operation| operation.name);
    let outcome = named.and_then(|operation| {
        if let Some(trail) = &service.trail {
            trail.ready()?;
        }
        let mut told = Told::default();
        let outcome =
            unless_panics(|| answer(service, connection, operation, parts, body, &request_id, &mut told));
        told.record(service, connection, operation, parts, &request_id, outcome)
    });
    let (status, error, body) = match &outcome {
        Ok(value) => (200, None, serde_json::to_vec(value)),
        Err(fault) => (fault.code.status(), Some(fault.code.name()), serde_json::to_vec(&refusal(fault))),
    };
    Answer { status, request_id, operation: name, error, body: body.unwrap_or_default() }
}

/// What `work` answers; a panic in it is an error of the service's own, and told of like any other answer. Locks are not poisoned by it, and what it
/// held it has given back.
fn unless_panics(work: impl FnOnce() -> Result<Value>) -> Result<Value> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
        tracing::error!("a request ended in a panic");
        Err(Fault::internal())
    })
}

fn answer(
    service: &Service,
    connection: &Connection,
    operation: &'static Operation,
    parts: &Parts,
    body: &[u8],
    request_id: &str,
    told: &mut Told,
) -> Result<Value> {
    let caller = &*told.caller.insert(caller(service, connection, parts, body)?);
    let request = &*told.request.insert(read(body)?);
    if let Some(shape) = model().operation(operation.name).and_then(|operation| operation.input()) {
        validate(shape, request)?;
    }
    context::must_be_short(request)?;
    let call = Call::new(service, caller, operation.name, request_id);
    if service.quotas.is_some() {
        call.count_against(operation.name, &quota::of_account(&caller.account, &caller.region))?;
    }
    let outcome = (operation.run)(&call, request);
    told.keys = call.touched();
    outcome
}

/// What has become known of a request on its way, for the audit trail.
#[derive(Default)]
struct Told {
    caller: Option<Caller>,
    request: Option<Value>,
    keys: Vec<KeyArn>,
}

impl Told {
    fn record(
        self,
        service: &Service,
        connection: &Connection,
        operation: &Operation,
        parts: &Parts,
        request_id: &str,
        outcome: Result<Value>,
    ) -> Result<Value> {
        let Some(trail) = &service.trail else { return outcome };
        let keys: Vec<String> = self.keys.iter().map(KeyArn::to_string).collect();
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        trail.record(&Event {
            request_id,
            time: SystemTime::now(),
            operation: operation.name,
            read_only: operation.read_only,
            who: self.caller.as_ref().map_or(Who::Stranger(connection), Who::Caller),
            user_agent: parts.headers.get("user-agent").and_then(|agent| agent.to_str().ok()),
            tls: None,
            request: self.request.as_ref().unwrap_or(&Value::Null),
            outcome: outcome.as_ref(),
            keys: &keys,
        })?;
        outcome
    }
}

/// What signatures must be for.
const KMS: Expected = Expected { services: &["kms"] };

/// Who asks, as the settings want it proved. Signatures are judged by the real time, whatever tests have made of the keys' clock.
fn caller(service: &Service, connection: &Connection, parts: &Parts, body: &[u8]) -> Result<Caller> {
    let access = match service.settings.access {
        settings::Access::Open => Access::Open { account: service.settings.account.clone() },
        settings::Access::Signed => {
            let named = Claim::read(parts).map(|claim| claim.access_key).unwrap_or_default();
            Access::Signed(Arc::new(Named::find(&service.book, &service.strangers, &named)?))
        }
    };
    let proof = access.check(parts, body, &KMS, SystemTime::now())?;
    let caller = access::caller(&proof, connection);
    if !service.settings.regions.contains(&caller.region) {
        return Err(Code::ValidationException.because(format!("Region {} is not served here", caller.region)));
    }
    Ok(caller)
}

/// The operation that the request names.
pub(super) fn operation(parts: &Parts) -> Result<&'static Operation> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_internal_error_and_not_the_end_of_the_request() {
        let fault = unless_panics(|| panic!("a defect")).unwrap_err();
        assert_eq!(fault.code, Code::KMSInternalException);
        assert_eq!(unless_panics(|| Ok(json!(1))), Ok(json!(1)));
    }
}
