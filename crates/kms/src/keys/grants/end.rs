//! RetireGrant and RevokeGrant: the two ways in which grants end, by those who hold them and by those who rule the key.

use serde::Deserialize;

use super::known::Change;
use super::{check_id, missing, token};
use crate::api::error::{Code, Result};
use crate::keys::state::Need;
use crate::policy::Decision;
use crate::service::{Ask, Call, Key};

/// The request of RetireGrant.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs, reason = "the API model explains its members")]
pub struct RetireGrantRequest {
    pub grant_token: Option<String>,
    pub key_id: Option<String>,
    pub grant_id: Option<String>,
    pub dry_run: Option<bool>,
}

/// RetireGrant. The grant says who may; the identity policies of the caller may forbid it, and decide where the grant names an account. What
/// key policies say of it has no effect (KMS guide, "Permissions reference").
pub fn retire_grant(call: &Call, request: RetireGrantRequest) -> Result<()> {
    let (key, id) = match (request.grant_token, request.key_id, request.grant_id) {
        (Some(text), None, None) => {
            let named = token::read(&text)?;
            (named.key.to_string(), named.id)
        }
        (None, Some(key), Some(id)) => (key, id),
        _ => {
            let text = "You must specify either a grant token, or a key ID and a grant ID, but not both";
            return Err(Code::ValidationException.because(text));
        }
    };
    check_id(&id)?;
    let key = call.key(&key)?;
    may_retire(call, &key, &id)?;
    call.dry_run(request.dry_run)?;
    remove(call, &key, &id)
}

fn may_retire(call: &Call, key: &Key, id: &str) -> Result<()> {
    let resource = key.arn.to_string();
    let decision = call.decide_at_home(&Ask::to("RetireGrant"), &resource)?;
    let grants = call.grants(&key.record)?;
    let grant = grants.0.get(id);
    // Who is a stranger to the key doesn't learn what grants it has.
    if grant.is_none() && key.arn.account == call.caller.account {
        return Err(missing(id));
    }
    let forbidden = matches!(decision, Decision::ExplicitDeny(_));
    if !forbidden && grant.is_some_and(|grant| grant.may_be_retired(call, decision == Decision::Allow)) {
        return Ok(());
    }
    let caller = &call.caller.arn;
    Err(Code::AccessDeniedException.because(format!(
        "User: {caller} is not authorized to perform: kms:RetireGrant on resource: {resource}"
    )))
}

/// The request of RevokeGrant.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs, reason = "the API model explains its members")]
pub struct RevokeGrantRequest {
    pub key_id: String,
    pub grant_id: String,
    pub dry_run: Option<bool>,
}

/// RevokeGrant, as the key's policy allows.
pub fn revoke_grant(call: &Call, request: RevokeGrantRequest) -> Result<()> {
    let key = call.open(&request.key_id, &Ask::to("RevokeGrant"), Need::Anything)?;
    check_id(&request.grant_id)?;
    if !call.grants(&key.record)?.0.contains_key(&request.grant_id) {
        return Err(missing(&request.grant_id));
    }
    call.dry_run(request.dry_run)?;
    remove(call, &key, &request.grant_id)
}

fn remove(call: &Call, key: &Key, id: &str) -> Result<()> {
    call.change_grants(key, Need::Anything, |grants| {
        if !grants.0.contains_key(id) {
            return Err(missing(id));
        }
        Ok((Change::Remove(id.to_owned()), ()))
    })
}
