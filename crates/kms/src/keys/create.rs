//! CreateKey. The record comes first, as a draft; then the material; then the record is made whole. Whatever a crash leaves is a draft, which the
//! front's housekeeping undoes with all its material, so there is no key in the HSM that no record knows of.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::hold::Held;
use super::metadata::KeyMetadata;
use super::policy::{self, KeyPolicy};
use super::record::{Cause, Draft, KeyRecord, Material, Origin};
use super::regions::alone_in;
use super::spec::{Spec, Usage};
use super::state::State;
use super::tags::{self, Tag};
use crate::api::error::{Code, Fault, Result};
use crate::book::label;
use crate::clock::elapsed;
use crate::crypto::material;
use crate::service::{Ask, Call};
use crate::stores::keys::{Place, Wanted, not_made};
use crate::stores::members;

/// The request.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs, reason = "the API model explains its members")]
pub struct CreateKeyRequest {
    pub policy: Option<String>,
    #[serde(default)]
    pub description: String,
    pub key_usage: Option<Usage>,
    pub customer_master_key_spec: Option<String>,
    pub key_spec: Option<String>,
    pub origin: Option<Origin>,
    pub custom_key_store_id: Option<String>,
    #[serde(default)]
    pub bypass_policy_lockout_safety_check: bool,
    #[serde(default)]
    pub tags: Vec<Tag>,
    #[serde(default)]
    pub multi_region: bool,
    pub xks_key_id: Option<String>,
}

/// The answer.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs, reason = "the API model explains its members")]
pub struct CreateKeyResponse {
    pub key_metadata: KeyMetadata,
}

/// CreateKey.
pub fn create_key(call: &Call, request: CreateKeyRequest) -> Result<CreateKeyResponse> {
    let (spec, usage) = kind(&request)?;
    let origin = request.origin.unwrap_or(Origin::Kms);
    let bypass = request.bypass_policy_lockout_safety_check;
    let kind = request.multi_region.then_some("PRIMARY");
    call.authorize_without_key(&ask_to_create((spec, usage, origin), kind, bypass, &request.tags))?;
    must_have_room(call, &call.caller.region)?;
    let wanted = Wanted {
        origin,
        store: request.custom_key_store_id.as_deref(),
        xks_key: request.xks_key_id.as_deref(),
        spec,
        usage,
        multi_region: request.multi_region,
    };
    let place = Place::of(call, &wanted)?;
    let draft = draft(call, request.multi_region, spec, usage, origin);
    let arn = draft.arn();
    let record = KeyRecord {
        description: request.description,
        policy: policy::of_new_key(call, &arn, request.policy.as_deref(), bypass)?,
        tags: tags::of_new_key(call, &arn, &request.tags)?,
        store: place.store(),
        xks_key: request.xks_key_id,
        ..draft
    };
    place.claim(call, &record)?;
    let record = bring_to_life(call, record, &place)?;
    call.touch(record.arn());
    Ok(CreateKeyResponse { key_metadata: call.describe(&record, State::of(&record, call.now, true))? })
}

/// What policies may ask about a key that is to be made. `multi_region`: `PRIMARY` or `REPLICA`, if it is to be one of several Regions.
pub fn ask_to_create<'a>(
    (spec, usage, origin): (&Spec, Usage, Origin),
    multi_region: Option<&'static str>,
    bypass: bool,
    tags: &'a [Tag],
) -> Ask<'a> {
    Ask::to("CreateKey")
        .fact("kms:KeySpec", spec.name)
        .fact("kms:CustomerMasterKeySpec", spec.name)
        .fact("kms:KeyUsage", usage.name())
        .fact("kms:CustomerMasterKeyUsage", usage.name())
        .fact("kms:KeyOrigin", origin.name())
        .fact("kms:MultiRegion", multi_region.is_some().to_string())
        .facts("kms:MultiRegionKeyType", multi_region.map(str::to_owned))
        .fact("kms:BypassPolicyLockoutSafetyCheck", bypass.to_string())
        .tags(tags)
}

/// The record of a key that is being made, as little as there is to say of every key.
pub fn draft(
    call: &Call,
    multi_region: bool,
    spec: &'static Spec,
    usage: Usage,
    origin: Origin,
) -> KeyRecord {
    KeyRecord {
        format: 1,
        draft: Some(Draft::Making(call.now)),
        account: call.caller.account.clone(),
        region: call.caller.region.clone(),
        id: new_id(multi_region),
        created: call.now,
        description: String::new(),
        spec,
        usage,
        origin,
        managed_by_aws: false,
        enabled: true,
        deletion: None,
        store: None,
        xks_key: None,
        policy: KeyPolicy::default(),
        tags: BTreeMap::new(),
        aliases: Vec::new(),
        multi_region: multi_region.then(|| alone_in(&call.caller.region)),
        materials: Vec::new(),
        loose: Vec::new(),
        rotation: None,
        public_key: None,
        grants_revision: 0,
    }
}

/// Keeps the draft, makes its material if the HSM is to make it, keeps the whole.
pub fn bring_to_life(call: &Call, mut record: KeyRecord, place: &Place) -> Result<KeyRecord> {
    let label = record.label();
    if record.origin != Origin::External {
        record.materials.push(new_material(call.now, Cause::First)?);
    }
    must_be_in_time(call).inspect_err(|_| {
        let _ = members::release(call.service, &record);
    })?;
    record.draft = Some(Draft::Making(call.service.clock.now()));
    let object = call.service.book.create(&label, &record)?;
    call.service.house.note(&record, call.now);
    match make(call, &record, place) {
        Ok(public_key) => finish(call, &record, public_key),
        Err(fault) => {
            // What the HSM refused left nothing there. If the draft can't be removed now, housekeeping will.
            if fault.code == Code::UnsupportedOperationException {
                let _ = call.service.book.remove(&label, object);
                let _ = members::release(call.service, &record);
            }
            Err(fault)
        }
    }
}

/// Makes the draft a key, if nobody has undone it or begun to.
fn finish(call: &Call, draft: &KeyRecord, public_key: Option<String>) -> Result<KeyRecord> {
    let ours = |held: &Held| (&held.record.draft, &held.record.materials) == (&draft.draft, &draft.materials);
    let mut held = call.service.hold(&draft.arn())?.filter(ours).ok_or_else(too_late)?;
    must_be_in_time(call)?;
    held.record.draft = None;
    held.record.public_key = public_key;
    held.keep()?;
    Ok(held.record.clone())
}

/// Others take a draft for left behind that they have watched for a minute; who was held up longer must not bring it to life any more.
fn must_be_in_time(call: &Call) -> Result<()> {
    if elapsed(call.begun) > DRAFTED_AT_MOST { Err(too_late()) } else { Ok(()) }
}

fn too_late() -> Fault {
    Code::DependencyTimeoutException
        .because("The system timed out while trying to fulfill the request. The request can be retried.")
}

/// Makes the material that the record names, if it names one. The public half, hexadecimal.
fn make(call: &Call, record: &KeyRecord, place: &Place) -> Result<Option<String>> {
    let Some(first) = record.materials.first() else { return Ok(None) };
    let token = place.token(call)?;
    let id = first.object.as_deref().and_then(|object| hex::decode(object).ok()).unwrap_or_default();
    let made = material::make(&token, record.spec, record.usage, &id, &record.arn().to_string());
    Ok(made.map_err(|trouble| not_made(record, trouble))?.public_key.map(hex::encode))
}

/// Refuses a key too many in the account and Region. Disabled keys count, AWS's own don't: each of those has one alias.
pub fn must_have_room(call: &Call, region: &str) -> Result<()> {
    let (account, book, limit) =
        (&call.caller.account, &call.service.book, call.service.settings.keys_per_region);
    let all = book.count_in(&label::keys_of(account, region))?;
    if all >= limit
        && all.saturating_sub(book.count_in(&label::alias(account, region, "alias/aws/"))?) >= limit
    {
        return Err(Code::LimitExceededException
            .because(format!("The account has {limit} KMS keys in {region}, which is the limit.")));
    }
    Ok(())
}

/// How long a call may take to make a key, from its beginning.
pub const DRAFTED_AT_MOST: std::time::Duration = std::time::Duration::from_secs(45);

/// The kind and use that are asked for; a use must be named unless the key is a symmetric one.
fn kind(request: &CreateKeyRequest) -> Result<(&'static Spec, Usage)> {
    let invalid = |text: String| Code::ValidationException.because(text);
    let name = match (&request.key_spec, &request.customer_master_key_spec) {
        (Some(_), Some(_)) => return Err(invalid("You cannot specify KeySpec and CustomerMasterKeySpec in the same request. CustomerMasterKeySpec is deprecated.".to_owned())),
        (Some(name), None) | (None, Some(name)) => name.as_str(),
        (None, None) => "SYMMETRIC_DEFAULT",
    };
    let spec = Spec::named(name).ok_or_else(|| invalid(format!("KeySpec {name} is not valid")))?;
    if spec.uses.is_empty() {
        return Err(Code::UnsupportedOperationException
            .because(format!("KeySpec {name} is not supported in this Region")));
    }
    let usage = match (request.key_usage, spec.is_symmetric()) {
        (Some(usage), _) => usage,
        (None, true) => Usage::EncryptDecrypt,
        (None, false) => {
            return Err(invalid(format!(
                "You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys. KeySpec {name} has none."
            )));
        }
    };
    if spec.algorithms(usage).is_empty() {
        return Err(invalid(format!("KeyUsage {} is not compatible with KeySpec {name}", usage.name())));
    }
    Ok((spec, usage))
}

/// A fresh key id.
pub fn new_id(multi_region: bool) -> String {
    let id = uuid::Builder::from_random_bytes(random()).into_uuid();
    if multi_region { format!("mrk-{}", id.simple()) } else { id.hyphenated().to_string() }
}

/// A fresh material, to be made in the HSM.
pub fn new_material(since: crate::clock::Moment, cause: Cause) -> Result<Material> {
    Ok(Material {
        id: hex::encode(random::<32>()),
        object: Some(hex::encode(random::<16>())),
        since,
        cause,
        import: None,
    })
}

/// Random bytes for names. They needn't be secret; where the operating system has none, nothing works.
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    if let Err(error) = openssl::rand::rand_bytes(&mut bytes) {
        tracing::error!(%error, "no random bytes");
        std::process::abort();
    }
    bytes
}

/// What CreateKey says of a parameter that doesn't go with another.
pub fn invalid(text: &str) -> Fault {
    Code::ValidationException.because(text)
}
