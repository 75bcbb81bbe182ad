//! One request as CloudTrail would tell of it (event record contents, version 1.11).

use std::time::SystemTime;

use openssl::error::ErrorStack;
use serde::Serialize;
use serde_json::Value;
use time::OffsetDateTime;

use super::members::{Recorded, row};
use crate::api::error::Fault;
use crate::auth::access::Connection;
use crate::auth::caller::Caller;

/// The longest line, in bytes, that shows all members of parameters and answer; a longer one shows only those that aren't [`LONG`].
const LONGEST: usize = 256 * 1024;
/// The longest member that is shown where the line is too long, in bytes of JSON; encryption contexts are shown in any case.
const LONG: usize = 8 * 1024;
/// The longest error message that is shown, in bytes.
const LONGEST_MESSAGE: usize = 1024;
/// The longest user agent that is shown, in bytes.
const LONGEST_AGENT: usize = 1024;

/// What is to be told of one request.
#[derive(Clone, Copy, Debug)]
pub struct Event<'a> {
    /// The id that the answer carries.
    pub request_id: &'a str,
    /// When it was answered, by the front's clock.
    pub time: SystemTime,
    /// The operation, as the API calls it.
    pub operation: &'a str,
    /// Whether it leaves everything as it was, as the table of operations says.
    pub read_only: bool,
    /// Whose request it was.
    pub who: Who<'a>,
    /// The `User-Agent` header.
    pub user_agent: Option<&'a str>,
    /// The TLS connection, where it is one.
    pub tls: Option<Tls<'a>>,
    /// The request. Of a caller's, only the members that the table allows are shown; of the service's own acts, all.
    pub request: &'a Value,
    /// The answer, shown as the table allows; or the refusal.
    pub outcome: Result<&'a Value, &'a Fault>,
    /// The ARNs of the keys that were used.
    pub keys: &'a [&'a str],
}

/// Whose act an event tells of.
#[derive(Clone, Copy, Debug)]
pub enum Who<'a> {
    /// A caller that has shown who it is.
    Caller(&'a Caller),
    /// Somebody who has not.
    Stranger(&'a Connection),
    /// The service itself: rotation, deletion when its day has come, expiry of imported material.
    Service {
        /// The account of the key; empty where it is about none.
        account: &'a str,
        /// Its Region.
        region: &'a str,
    },
}

/// What CloudTrail tells of a TLS connection.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Tls<'a> {
    /// `TLSv1.3`.
    pub tls_version: &'a str,
    /// `TLS_AES_256_GCM_SHA384`.
    pub cipher_suite: &'a str,
    /// The host that the client asked for.
    pub client_provided_host_header: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Line<'a> {
    event_version: &'static str,
    user_identity: Identity<'a>,
    event_time: String,
    event_source: &'static str,
    event_name: &'a str,
    aws_region: &'a str,
    #[serde(rename = "sourceIPAddress")]
    source_ip_address: String,
    user_agent: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_code: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_message: Option<&'a str>,
    request_parameters: Option<Recorded<'a>>,
    response_elements: Option<Recorded<'a>>,
    #[serde(rename = "requestID")]
    request_id: &'a str,
    #[serde(rename = "eventID")]
    event_id: String,
    read_only: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    resources: Vec<Resource<'a>>,
    event_type: &'static str,
    management_event: bool,
    recipient_account_id: Option<&'a str>,
    event_category: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    service_event_details: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tls_details: Option<Tls<'a>>,
}

#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Identity<'a> {
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    principal_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    arn: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    account_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    access_key_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    invoked_by: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Resource<'a> {
    account_id: Option<&'a str>,
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(rename = "ARN")]
    arn: &'a str,
}

/// Why an event could not be put into words: no random number for its id, or a broken value.
#[derive(Debug)]
pub(super) struct Unwritten;

impl From<ErrorStack> for Unwritten {
    fn from(_: ErrorStack) -> Self {
        Self
    }
}

impl From<serde_json::Error> for Unwritten {
    fn from(_: serde_json::Error) -> Self {
        Self
    }
}

impl Event<'_> {
    /// The event as a JSON object without its closing brace: the chain is still to come.
    pub(super) fn open_line(&self) -> Result<Vec<u8>, Unwritten> {
        let mut line = self.line()?;
        let mut bytes = serde_json::to_vec(&line)?;
        if bytes.len() > LONGEST {
            for shown in [&mut line.request_parameters, &mut line.response_elements] {
                *shown = shown.map(|members| members.without_members_over(LONG));
            }
            bytes = serde_json::to_vec(&line)?;
        }
        bytes.pop();
        Ok(bytes)
    }

    fn line(&self) -> Result<Line<'_>, Unwritten> {
        let (row, by_service) = (row(self.operation), matches!(self.who, Who::Service { .. }));
        let (region, source) = match self.who {
            Who::Caller(caller) => (caller.region.as_str(), caller.source),
            Who::Stranger(connection) => (connection.default_region.as_str(), connection.source),
            Who::Service { region, .. } => (region, None),
        };
        let names = if by_service { &[] } else { row.request };
        let identity = identity(self.who);
        Ok(Line {
            event_version: "1.11",
            event_time: timestamp(self.time),
            event_source: "kms.amazonaws.com",
            event_name: self.operation,
            aws_region: region,
            source_ip_address: source.map_or_else(|| "unknown".to_owned(), |address| address.to_string()),
            user_agent: self.user_agent.map(|agent| shortened(agent, LONGEST_AGENT)),
            error_code: self.outcome.err().map(|fault| fault.code.name()),
            error_message: self.outcome.err().map(|fault| shortened(&fault.message, LONGEST_MESSAGE)),
            request_parameters: Recorded::of(names, self.request),
            response_elements: self.outcome.ok().and_then(|answer| Recorded::of(row.response, answer)),
            request_id: self.request_id,
            event_id: event_id()?,
            read_only: self.read_only,
            resources: self.keys.iter().map(|arn| resource(arn)).collect(),
            event_type: if by_service { "AwsServiceEvent" } else { "AwsApiCall" },
            management_event: true,
            recipient_account_id: identity.account_id,
            event_category: "Management",
            service_event_details: by_service.then_some(self.request),
            tls_details: self.tls,
            user_identity: identity,
        })
    }
}

/// Principal ids are AWS's own numbers for users and roles; here, where there are none, names stand for them.
fn identity(who: Who<'_>) -> Identity<'_> {
    let caller = match who {
        Who::Caller(caller) => caller,
        Who::Stranger(_) => return Identity { kind: Some("Unknown"), ..Identity::default() },
        Who::Service { account, .. } => {
            return Identity {
                account_id: Some(account),
                invoked_by: Some("AWS Internal"),
                ..Identity::default()
            };
        }
    };
    let resource = caller.arn.splitn(6, ':').nth(5).unwrap_or_default();
    let (kind, name) = match resource.split_once('/') {
        Some(("user", path)) => ("IAMUser", path.rsplit('/').next()),
        Some(("role", path)) => ("Role", path.rsplit('/').next()),
        Some(("assumed-role", session)) => ("AssumedRole", Some(session)),
        _ if caller.is_root() => ("Root", None),
        _ => ("Unknown", None),
    };
    Identity {
        kind: Some(kind),
        principal_id: Some(name.unwrap_or(&caller.account).replace('/', ":")),
        arn: Some(&caller.arn),
        account_id: Some(&caller.account),
        access_key_id: Some(caller.access_key.as_str()).filter(|key| !key.is_empty()),
        user_name: name.filter(|_| kind == "IAMUser"),
        invoked_by: caller.via_service.as_deref(),
    }
}

fn resource(arn: &str) -> Resource<'_> {
    Resource { account_id: arn.split(':').nth(4), kind: "AWS::KMS::Key", arn }
}

fn event_id() -> Result<String, ErrorStack> {
    let mut bytes = [0; 16];
    openssl::rand::rand_bytes(&mut bytes)?;
    Ok(uuid::Builder::from_random_bytes(bytes).into_uuid().to_string())
}

/// `2024-02-29T23:59:58Z`.
fn timestamp(time: SystemTime) -> String {
    let time = OffsetDateTime::from(time);
    let (year, month, day) = (time.year(), u8::from(time.month()), time.day());
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", time.hour(), time.minute(), time.second())
}

/// As much of the text as fits in `longest` bytes.
fn shortened(text: &str, longest: usize) -> &str {
    if text.len() <= longest {
        return text;
    }
    (0..=longest).rev().find_map(|end| text.get(..end)).unwrap_or_default()
}
