//! CreateGrant.

use serde::{Deserialize, Serialize};

use super::known::Change;
use super::{GrantRecord, Terms, token};
use crate::api::error::{Code, Result};
use crate::keys::create::random;
use crate::keys::state::Need;
use crate::service::{Ask, Call};

/// How many grants a key may have (KMS guide, "Quotas").
const MOST: usize = 50_000;

/// The request.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs, reason = "the API model explains its members")]
pub struct CreateGrantRequest {
    pub key_id: String,
    #[serde(flatten)]
    pub terms: Terms,
    #[serde(default)]
    pub grant_tokens: Vec<String>,
    pub name: Option<String>,
    pub dry_run: Option<bool>,
}

/// The answer.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs, reason = "the API model explains its members")]
pub struct CreateGrantResponse {
    pub grant_token: String,
    pub grant_id: String,
}

/// CreateGrant. With a name, asking again for the same gives the same grant, with another token.
pub fn create_grant(call: &Call, request: CreateGrantRequest) -> Result<CreateGrantResponse> {
    let terms = request.terms;
    let key = call.open(&request.key_id, &ask(&terms, &request.grant_tokens), Need::Grantable)?;
    terms.check(&key.record)?;
    call.dry_run(request.dry_run)?;
    let grant_id = call.change_grants(&key, Need::Grantable, |grants| {
        let same = |grant: &&GrantRecord| {
            request.name.is_some() && grant.name == request.name && grant.terms == terms
        };
        if let Some(grant) = grants.0.values().map(|grant| &*grant.record).find(same) {
            return Ok((Change::Nothing, grant.id.clone()));
        }
        if grants.0.len() >= MOST {
            return Err(Code::LimitExceededException
                .because(format!("{} has {MOST} grants; it can't have more", key.arn)));
        }
        let (id, issuer) = (hex::encode(random::<32>()), call.caller.account.clone());
        let record = GrantRecord {
            format: 1,
            id: id.clone(),
            name: request.name.clone(),
            created: call.now,
            issuer,
            terms: terms.clone(),
        };
        Ok((Change::Add(Box::new(record)), id))
    })?;
    Ok(CreateGrantResponse { grant_token: token::make(&key.arn, &grant_id), grant_id })
}

fn ask<'a>(terms: &'a Terms, tokens: &'a [String]) -> Ask<'a> {
    let grantee = terms.grantee_principal.iter().chain(&terms.grantee_service_principal);
    let retiring = terms.retiring_principal.iter().chain(&terms.retiring_service_principal);
    let constraint = terms.constraints.iter().filter_map(|constraints| constraints.kind());
    Ask::to("CreateGrant")
        .tokens(tokens)
        .grant(terms)
        .facts("kms:GrantOperations", terms.operations.iter().cloned())
        .facts("kms:GranteePrincipal", grantee.cloned())
        .facts("kms:RetiringPrincipal", retiring.cloned())
        .facts("kms:GrantConstraintType", constraint.map(str::to_owned))
}
