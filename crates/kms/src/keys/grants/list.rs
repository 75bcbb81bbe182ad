//! ListGrants and ListRetirableGrants.

use serde::{Deserialize, Serialize};

use super::{GrantRecord, Terms, check_id};
use crate::api::error::{Code, Result};
use crate::api::page::{Page, Paged};
use crate::book::label;
use crate::clock::{Moment, as_seconds};
use crate::keys::arn::KeyArn;
use crate::keys::state::Need;
use crate::policy::Principal;
use crate::service::{Ask, Call};

/// The most that a page holds, and what it holds unless told.
const PAGE: usize = 100;
const USUAL: usize = 50;

/// The request of ListGrants.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs, reason = "the API model explains its members")]
pub struct ListGrantsRequest {
    pub key_id: String,
    pub grant_id: Option<String>,
    pub grantee_principal: Option<String>,
    pub grantee_service_principal: Option<String>,
    pub limit: Option<usize>,
    pub marker: Option<String>,
}

/// The answer of both.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs, reason = "the API model explains its members")]
pub struct ListGrantsResponse {
    pub grants: Vec<GrantListEntry>,
    #[serde(flatten)]
    pub paged: Paged,
}

/// One grant of the list.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs, reason = "the API model explains its members")]
pub struct GrantListEntry {
    pub key_id: String,
    pub grant_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(serialize_with = "as_seconds")]
    pub creation_date: Moment,
    pub issuing_account: String,
    #[serde(flatten)]
    pub terms: Terms,
}

/// ListGrants: by their ids.
pub fn list_grants(call: &Call, request: ListGrantsRequest) -> Result<ListGrantsResponse> {
    if request.grantee_principal.is_some() && request.grantee_service_principal.is_some() {
        let text = "You cannot specify both GranteePrincipal and GranteeServicePrincipal";
        return Err(Code::ValidationException.because(text));
    }
    request.grant_id.as_deref().map_or(Ok(()), check_id)?;
    let key = call.open(&request.key_id, &Ask::to("ListGrants"), Need::Anything)?;
    let wanted = |grant: &GrantRecord| {
        let terms = &grant.terms;
        request.grant_id.as_ref().is_none_or(|id| *id == grant.id)
            && (request.grantee_principal.is_none() || request.grantee_principal == terms.grantee_principal)
            && (request.grantee_service_principal.is_none()
                || request.grantee_service_principal == terms.grantee_service_principal)
    };
    let page = page(request.limit, request.marker.as_deref())?;
    let grants = call.grants(&key.record)?;
    let wanted = grants.0.values().map(|grant| &grant.record).filter(|grant| wanted(grant)).collect();
    let (grants, paged) = page.cut_all(wanted, |grant| grant.id.clone())?;
    Ok(ListGrantsResponse { grants: grants.into_iter().map(|grant| entry(&key.arn, grant)).collect(), paged })
}

/// The request of ListRetirableGrants.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs, reason = "the API model explains its members")]
pub struct ListRetirableGrantsRequest {
    pub retiring_principal: Option<String>,
    pub retiring_service_principal: Option<String>,
    pub limit: Option<usize>,
    pub marker: Option<String>,
}

/// ListRetirableGrants: of all keys in the Region, whosever they are; by key and id. A principal of another account has none to show.
pub fn list_retirable_grants(call: &Call, request: ListRetirableGrantsRequest) -> Result<ListGrantsResponse> {
    let wanted = Terms {
        retiring_principal: request.retiring_principal,
        retiring_service_principal: request.retiring_service_principal,
        ..Terms::default()
    };
    let principal = match (&wanted.retiring_principal, &wanted.retiring_service_principal) {
        (Some(principal), None) | (None, Some(principal)) => principal,
        _ => {
            let text = "You must specify either RetiringPrincipal or RetiringServicePrincipal, but not both";
            return Err(Code::ValidationException.because(text));
        }
    };
    let ours = wanted.retiring()?.is_some_and(|parsed| is_of(&parsed, &call.caller.account));
    call.authorize_at_home(&Ask::to("ListRetirableGrants"), principal)?;
    let page = page(request.limit, request.marker.as_deref())?;
    let mut found = Vec::new();
    if ours {
        for arn in granted_keys(call)? {
            let Some(key) = call.record(&arn)? else { continue };
            let retirable = |grant: &&GrantRecord| {
                grant.terms.retiring_principal == wanted.retiring_principal
                    && grant.terms.retiring_service_principal == wanted.retiring_service_principal
            };
            let grants = call.grants(&key.value)?;
            found.extend(
                grants
                    .0
                    .values()
                    .map(|grant| &*grant.record)
                    .filter(retirable)
                    .map(|grant| entry(&arn, grant)),
            );
        }
    }
    let (grants, paged) = page.cut_all(found, |grant| format!("{} {}", grant.key_id, grant.grant_id))?;
    Ok(ListGrantsResponse { grants, paged })
}

/// The keys in the caller's Region that have grants, in the order of their ARNs.
fn granted_keys(call: &Call) -> Result<Vec<KeyArn>> {
    let prefix = label::grants_of_all();
    let names = call.service.book.names(prefix, None, usize::MAX)?;
    let mut keys: Vec<KeyArn> = names
        .iter()
        .filter_map(|name| {
            let mut parts = name.strip_prefix(prefix)?.split('/').map(str::to_owned);
            Some(KeyArn { account: parts.next()?, region: parts.next()?, id: parts.next()? })
        })
        .filter(|arn| arn.region == call.caller.region)
        .collect();
    keys.sort();
    Ok(keys)
}

/// Whether a principal is one of the account's.
fn is_of(principal: &Principal, account: &str) -> bool {
    match principal {
        Principal::Account(of) | Principal::Role { account: of, .. } => **of == *account,
        Principal::Identity(arn) => arn.split(':').nth(4) == Some(account),
        Principal::Everyone | Principal::Service(_) => false,
    }
}

fn page(limit: Option<usize>, marker: Option<&str>) -> Result<Page> {
    Page::of(limit.map(|limit| limit.min(PAGE)), marker, USUAL)
}

fn entry(key: &KeyArn, grant: &GrantRecord) -> GrantListEntry {
    GrantListEntry {
        key_id: key.to_string(),
        grant_id: grant.id.clone(),
        name: grant.name.clone(),
        creation_date: grant.created,
        issuing_account: format!("arn:aws:iam::{}:root", grant.issuer),
        terms: grant.terms.clone(),
    }
}
