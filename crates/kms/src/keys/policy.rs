//! Key policies: GetKeyPolicy, PutKeyPolicy, ListKeyPolicies, and the policy that a new key starts with.

use std::sync::{Arc, OnceLock};

use serde::{Deserialize, Serialize};

use super::arn::KeyArn;
use super::state::Need;
use crate::api::error::{Code, Fault, Result};
use crate::policy::{Document, default_policy};
use crate::service::{Ask, Call};

/// The name of the one policy that a key has.
pub const NAME: &str = "default";

/// The policy that a resource share would bring; there are none here.
const SHARED: &str = "AWS_RAM";

/// A key policy in a record: kept as its text, parsed when it is first asked. Immutable, so that the two can't disagree.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct KeyPolicy {
    text: String,
    parsed: OnceLock<Arc<Document>>,
}

impl KeyPolicy {
    /// The text, as it was put.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What it says.
    ///
    /// # Errors
    ///
    /// `KMSInternalException` if the record has no policy that can be read: then nobody may do anything.
    pub fn document(&self) -> Result<&Arc<Document>> {
        if let Some(document) = self.parsed.get() {
            return Ok(document);
        }
        let document = Document::parse(&self.text).map_err(|fault| {
            tracing::error!(%fault, "a record's key policy can't be read");
            Code::KMSInternalException.because("The key's policy can't be read.")
        })?;
        Ok(self.parsed.get_or_init(|| Arc::new(document)))
    }
}

impl PartialEq for KeyPolicy {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl From<String> for KeyPolicy {
    fn from(text: String) -> Self {
        Self { text, parsed: OnceLock::new() }
    }
}

impl From<Document> for KeyPolicy {
    fn from(document: Document) -> Self {
        Self { text: document.text().to_owned(), parsed: OnceLock::from(Arc::new(document)) }
    }
}

impl From<KeyPolicy> for String {
    fn from(policy: KeyPolicy) -> Self {
        policy.text
    }
}

/// The policy of a key that is being made (CreateKey, ReplicateKey): the one that was `given`, or its account's default.
///
/// # Errors
///
/// `MalformedPolicyDocumentException` for what is no key policy, or one under which the caller couldn't put the next one, unless it asked to
/// `bypass` that check; `LimitExceededException` beyond 32 KB.
pub fn of_new_key(call: &Call, arn: &KeyArn, given: Option<&str>, bypass: bool) -> Result<KeyPolicy> {
    let Some(text) = given else { return Ok(default_policy(&arn.account).into()) };
    let document = Document::parse(text)?;
    if !bypass {
        call.check_lockout(&document, arn, None)?;
    }
    Ok(document.into())
}

/// The request of GetKeyPolicy.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs, reason = "the API model explains its members")]
pub struct GetKeyPolicyRequest {
    pub key_id: String,
    pub policy_name: Option<String>,
}

/// The answer of GetKeyPolicy.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs, reason = "the API model explains its members")]
pub struct GetKeyPolicyResponse {
    pub policy: String,
    pub policy_name: &'static str,
}

/// GetKeyPolicy.
pub fn get_key_policy(call: &Call, request: GetKeyPolicyRequest) -> Result<GetKeyPolicyResponse> {
    let key = call.open(&request.key_id, &named("GetKeyPolicy", &request.policy_name), Need::Anything)?;
    match request.policy_name.as_deref() {
        None | Some(NAME) => {
            Ok(GetKeyPolicyResponse { policy: key.record.policy.text().to_owned(), policy_name: NAME })
        }
        Some(_) => Err(no_such_policy()),
    }
}

/// The request of PutKeyPolicy.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs, reason = "the API model explains its members")]
pub struct PutKeyPolicyRequest {
    pub key_id: String,
    pub policy_name: Option<String>,
    pub policy: String,
    #[serde(default)]
    pub bypass_policy_lockout_safety_check: bool,
}

/// PutKeyPolicy, in any state of the key (KMS guide, "Key states").
pub fn put_key_policy(call: &Call, request: PutKeyPolicyRequest) -> Result<()> {
    let bypass = request.bypass_policy_lockout_safety_check;
    let ask = named("PutKeyPolicy", &request.policy_name)
        .fact("kms:BypassPolicyLockoutSafetyCheck", bypass.to_string());
    let key = call.open(&request.key_id, &ask, Need::Anything)?;
    match request.policy_name.as_deref() {
        None | Some(NAME) => {}
        Some(SHARED) => {
            return Err(Code::ValidationException
                .because("The AWS_RAM policy can only be managed by the RAM service"));
        }
        Some(_) => return Err(no_such_policy()),
    }
    let document = Document::parse(&request.policy)?;
    if !bypass {
        call.check_lockout(&document, &key.arn, Some(&key))?;
    }
    call.change(&key, Need::Anything, |record| {
        record.policy = document.into();
        Ok(())
    })
}

/// The request of ListKeyPolicies. With one policy there is one page, whatever limit or marker is named.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs, reason = "the API model explains its members")]
pub struct ListKeyPoliciesRequest {
    pub key_id: String,
}

/// The answer of ListKeyPolicies.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs, reason = "the API model explains its members")]
pub struct ListKeyPoliciesResponse {
    pub policy_names: [&'static str; 1],
    pub truncated: bool,
}

/// ListKeyPolicies.
pub fn list_key_policies(call: &Call, request: ListKeyPoliciesRequest) -> Result<ListKeyPoliciesResponse> {
    call.open(&request.key_id, &Ask::to("ListKeyPolicies"), Need::Anything)?;
    Ok(ListKeyPoliciesResponse { policy_names: [NAME], truncated: false })
}

fn named(action: &'static str, name: &Option<String>) -> Ask<'static> {
    Ask::to(action).fact("kms:PolicyName", name.as_deref().unwrap_or(NAME))
}

fn no_such_policy() -> Fault {
    Code::NotFoundException.because("No such policy exists")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn k35_a_policy_is_kept_as_its_text_and_parsed_once() {
        let policy = KeyPolicy::from(default_policy("111122223333"));
        let kept: KeyPolicy = serde_json::from_str(&serde_json::to_string(&policy).unwrap()).unwrap();
        assert_eq!(kept.text(), policy.text());
        assert!(Arc::ptr_eq(kept.document().unwrap(), kept.document().unwrap()));
        assert!(Arc::ptr_eq(kept.document().unwrap(), kept.clone().document().unwrap()));
    }

    #[test]
    fn k35_a_record_without_a_policy_allows_nobody() {
        assert_eq!(KeyPolicy::default().document().unwrap_err().code, Code::KMSInternalException);
    }
}
