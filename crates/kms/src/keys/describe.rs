//! DescribeKey and ListKeys.

use serde::{Deserialize, Serialize};

use super::arn::KeyArn;
use super::metadata::KeyMetadata;
use super::state::Need;
use crate::api::error::Result;
use crate::api::page::{Page, Paged};
use crate::book::label;
use crate::service::{Ask, Call};

/// The request of DescribeKey.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs, reason = "the API model explains its members")]
pub struct DescribeKeyRequest {
    pub key_id: String,
    #[serde(default)]
    pub grant_tokens: Vec<String>,
}

/// The answer of DescribeKey.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs, reason = "the API model explains its members")]
pub struct DescribeKeyResponse {
    pub key_metadata: KeyMetadata,
}

/// DescribeKey.
pub fn describe_key(call: &Call, request: DescribeKeyRequest) -> Result<DescribeKeyResponse> {
    let key =
        call.open(&request.key_id, &Ask::to("DescribeKey").tokens(&request.grant_tokens), Need::Anything)?;
    Ok(DescribeKeyResponse { key_metadata: call.describe(&key.record, key.state)? })
}

/// The request of ListKeys.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs, reason = "the API model explains its members")]
pub struct ListKeysRequest {
    pub limit: Option<usize>,
    pub marker: Option<String>,
}

/// The answer of ListKeys.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs, reason = "the API model explains its members")]
pub struct ListKeysResponse {
    pub keys: Vec<KeyListEntry>,
    #[serde(flatten)]
    pub paged: Paged,
}

/// One key of the list.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs, reason = "the API model explains its members")]
pub struct KeyListEntry {
    pub key_id: String,
    pub key_arn: String,
}

/// ListKeys: 100 a page unless told, 1,000 at most.
pub fn list_keys(call: &Call, request: ListKeysRequest) -> Result<ListKeysResponse> {
    call.authorize_without_key(&Ask::to("ListKeys"))?;
    let (account, region) = (&call.caller.account, &call.caller.region);
    let prefix = label::keys_of(account, region);
    let page = Page::of(request.limit, request.marker.as_deref(), 100)?;
    let mut keys = Vec::new();
    let (names, paged) = page.cut(
        |after, count| {
            Ok(call.service.book.names(
                &prefix,
                after.map(|after| format!("{prefix}{after}")).as_deref(),
                count,
            )?)
        },
        |name| name.strip_prefix(&prefix).unwrap_or(name).to_owned(),
    )?;
    for name in names {
        let id = name.strip_prefix(&prefix).unwrap_or(&name).to_owned();
        let arn = KeyArn { region: region.clone(), account: account.clone(), id };
        // Drafts have a name but aren't keys yet.
        if call.record(&arn)?.is_some() {
            keys.push(KeyListEntry { key_arn: arn.to_string(), key_id: arn.id });
        }
    }
    Ok(ListKeysResponse { keys, paged })
}
