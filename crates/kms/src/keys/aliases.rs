//! CreateAlias, UpdateAlias, DeleteAlias, ListAliases.
//!
//! An alias's own record says where it points. So that the aliases of one key are found without looking through all of them, each key's record
//! lists the names that point to it. A name is put there before the alias's record is written and taken out after: whatever a crash leaves,
//! the list has every alias of the key, and what it has beyond these is recognised by the alias's record. The list is also what the limit of
//! aliases is counted by, under the latch of the key, on every front the same.
//!
//! Latches: first the alias's, then the key's, one key at a time.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::alias::AliasRecord;
use super::arn::{AliasArn, KeyArn};
use super::managed;
use super::record::KeyRecord;
use super::spec::{Spec, Usage};
use super::state::Need;
use crate::api::error::{Code, Result};
use crate::api::page::{Page, Paged};
use crate::book::label;
use crate::clock::{Moment, as_seconds_if_any};
use crate::service::{Ask, Call, Key};

/// How many aliases may point to a key (KMS guide, "Quotas").
const MOST: usize = 50;

/// The most that a page holds.
const PAGE: usize = 100;

/// The request of CreateAlias and UpdateAlias.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs, reason = "the API model explains its members")]
pub struct PointAliasRequest {
    pub alias_name: String,
    pub target_key_id: String,
}

/// CreateAlias.
pub fn create_alias(call: &Call, request: PointAliasRequest) -> Result<()> {
    let alias = here(call, request.alias_name)?;
    check_new(&alias.name)?;
    let ask = Ask::to("CreateAlias");
    call.authorize_alias(&ask, &alias)?;
    let key = call.open(&request.target_key_id, &ask, Need::Alive)?;
    let label = label::alias(&alias.account, &alias.region, &alias.name);
    let latch = call.service.book.latch(&label)?;
    if call.service.book.read::<AliasRecord>(&label)?.is_some() {
        return Err(
            Code::AlreadyExistsException.because(format!("An alias with the name {alias} already exists"))
        );
    }
    call.enlist(&key, &alias.name)?;
    latch.still_held()?;
    let record =
        AliasRecord { name: alias.name, target: key.record.id.clone(), created: call.now, updated: call.now };
    call.service.book.create(&label, &record)?;
    Ok(())
}

/// UpdateAlias. The key that the alias leaves may be in any state.
pub fn update_alias(call: &Call, request: PointAliasRequest) -> Result<()> {
    let alias = here(call, request.alias_name)?;
    let ask = Ask::to("UpdateAlias");
    call.authorize_alias(&ask, &alias)?;
    let label = label::alias(&alias.account, &alias.region, &alias.name);
    let latch = call.service.book.latch(&label)?;
    let kept = call.service.book.read::<AliasRecord>(&label)?.ok_or_else(|| missing(&alias))?;
    let before = call.left(&kept.value, &ask)?;
    let key = call.open(&request.target_key_id, &ask, Need::Alive)?;
    if let Some(before) = &before {
        must_be_alike(&before.record, &key.record)?;
    }
    call.enlist(&key, &alias.name)?;
    latch.still_held()?;
    let record =
        AliasRecord { target: key.record.id.clone(), updated: call.now, ..AliasRecord::clone(&kept.value) };
    call.service.book.replace(&label, kept.object, &record)?;
    match before.filter(|before| before.arn != key.arn) {
        Some(before) => call.strike(&before, &alias.name),
        None => Ok(()),
    }
}

/// The request of DeleteAlias.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs, reason = "the API model explains its members")]
pub struct DeleteAliasRequest {
    pub alias_name: String,
}

/// DeleteAlias, whatever the state of the key.
pub fn delete_alias(call: &Call, request: DeleteAliasRequest) -> Result<()> {
    let alias = here(call, request.alias_name)?;
    let ask = Ask::to("DeleteAlias");
    call.authorize_alias(&ask, &alias)?;
    let label = label::alias(&alias.account, &alias.region, &alias.name);
    let latch = call.service.book.latch(&label)?;
    let kept = call.service.book.read::<AliasRecord>(&label)?.ok_or_else(|| missing(&alias))?;
    let key = call.left(&kept.value, &ask)?;
    latch.still_held()?;
    call.service.book.remove(&label, kept.object)?;
    key.map_or(Ok(()), |key| call.strike(&key, &alias.name))
}

/// The request of ListAliases.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs, reason = "the API model explains its members")]
pub struct ListAliasesRequest {
    pub key_id: Option<String>,
    pub limit: Option<usize>,
    pub marker: Option<String>,
}

/// The answer of ListAliases.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs, reason = "the API model explains its members")]
pub struct ListAliasesResponse {
    pub aliases: Vec<AliasListEntry>,
    #[serde(flatten)]
    pub paged: Paged,
}

/// One alias of the list. Those of AWS services that nobody has used yet have neither key nor dates.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs, reason = "the API model explains its members")]
pub struct AliasListEntry {
    pub alias_name: String,
    pub alias_arn: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_key_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "as_seconds_if_any")]
    pub creation_date: Option<Moment>,
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "as_seconds_if_any")]
    pub last_updated_date: Option<Moment>,
}

/// ListAliases: all of the account in the Region, or those of one key; 50 a page unless told, 100 at most.
pub fn list_aliases(call: &Call, request: ListAliasesRequest) -> Result<ListAliasesResponse> {
    let ask = Ask::to("ListAliases");
    call.authorize_without_key(&ask)?;
    let page = Page::of(request.limit.map(|limit| limit.min(PAGE)), request.marker.as_deref(), 50)?;
    let (aliases, paged) = match &request.key_id {
        Some(name) => {
            let key = call.key(name)?;
            call.must_own(&key, &ask)?;
            let mut aliases = call.aliases_of(&key.record)?;
            aliases.sort_by(|a, b| a.name.cmp(&b.name));
            let (aliases, paged) = page.cut_all(aliases, |alias| alias.name.clone())?;
            (aliases.into_iter().map(|alias| entry(call, alias.name.clone(), Some(alias))).collect(), paged)
        }
        None => {
            let (names, paged) = page.cut(|after, count| names(call, after, count), String::clone)?;
            (names.into_iter().map(|name| named(call, name)).collect::<Result<_>>()?, paged)
        }
    };
    Ok(ListAliasesResponse { aliases, paged })
}

/// The names of the caller's aliases and of those that AWS services have in every account, in order.
fn names(call: &Call, after: Option<&str>, count: usize) -> Result<Vec<String>> {
    let prefix = label::aliases_of(&call.caller.account, &call.caller.region);
    let start = after.map(|after| format!("{prefix}{after}"));
    let own = call.service.book.names(&prefix, start.as_deref(), count)?;
    let own = own.iter().map(|name| name.strip_prefix(&prefix).unwrap_or(name).to_owned());
    let predefined = managed::aliases().filter(|name| after.is_none_or(|after| name.as_str() > after));
    Ok(own.chain(predefined).collect::<BTreeSet<_>>().into_iter().take(count).collect())
}

fn named(call: &Call, name: String) -> Result<AliasListEntry> {
    let label = label::alias(&call.caller.account, &call.caller.region, &name);
    let record = call.service.book.read::<AliasRecord>(&label)?;
    Ok(entry(call, name, record.map(|kept| AliasRecord::clone(&kept.value))))
}

fn entry(call: &Call, name: String, record: Option<AliasRecord>) -> AliasListEntry {
    let (account, region) = (call.caller.account.clone(), call.caller.region.clone());
    AliasListEntry {
        alias_arn: AliasArn { region, account, name: name.clone() }.to_string(),
        alias_name: name,
        creation_date: record.as_ref().map(|record| record.created),
        last_updated_date: record.as_ref().map(|record| record.updated),
        target_key_id: record.map(|record| record.target),
    }
}

impl Call<'_> {
    /// The aliases that point to a key.
    pub fn aliases_of(&self, key: &KeyRecord) -> Result<Vec<AliasRecord>> {
        let mut aliases = Vec::with_capacity(key.aliases.len());
        for name in &key.aliases {
            let record =
                self.service.book.read::<AliasRecord>(&label::alias(&key.account, &key.region, name))?;
            aliases.extend(
                record.map(|kept| AliasRecord::clone(&kept.value)).filter(|alias| alias.target == key.id),
            );
        }
        Ok(aliases)
    }

    /// Puts a name on a key's list. The caller has the alias's latch.
    fn enlist(&self, key: &Key, name: &str) -> Result<()> {
        self.change(key, Need::Alive, |record| {
            if record.aliases.iter().any(|listed| listed == name) {
                return Ok(());
            }
            if record.aliases.len() >= MOST {
                record.aliases = self.aliases_of(record)?.into_iter().map(|alias| alias.name).collect();
            }
            if record.aliases.len() >= MOST {
                return Err(Code::LimitExceededException
                    .because(format!("{} has {MOST} aliases; it can't have more", key.arn)));
            }
            record.aliases.push(name.to_owned());
            Ok(())
        })
    }

    /// Takes a name off a key's list. The caller has the alias's latch.
    fn strike(&self, key: &Key, name: &str) -> Result<()> {
        self.change(key, Need::Anything, |record| {
            record.aliases.retain(|listed| listed != name);
            Ok(())
        })
    }

    /// The key that an alias points to and is about to leave, if it is still there and the caller may.
    fn left(&self, alias: &AliasRecord, ask: &Ask) -> Result<Option<Key>> {
        let (region, account) = (self.caller.region.clone(), self.caller.account.clone());
        let arn = KeyArn { region, account, id: alias.target.clone() };
        if self.record(&arn)?.is_none() {
            return Ok(None);
        }
        self.open(&arn.to_string(), ask, Need::Anything).map(Some)
    }
}

/// The alias of that name in the caller's account and Region.
fn here(call: &Call, name: String) -> Result<AliasArn> {
    check_name(&name)?;
    Ok(AliasArn { region: call.caller.region.clone(), account: call.caller.account.clone(), name })
}

/// Refuses what is no alias.
fn check_name(name: &str) -> Result<()> {
    let invalid = |text| Err(Code::ValidationException.because(text));
    match name.strip_prefix("alias/") {
        None => invalid(
            "Alias must start with the prefix \"alias/\". Please see https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html",
        ),
        Some("") => invalid("Invalid identifier"),
        Some(_) => Ok(()),
    }
}

/// Refuses what is no name for a new alias.
fn check_new(name: &str) -> Result<()> {
    let refused = |text: &str| Err(Code::InvalidAliasNameException.because(format!("{name} {text}")));
    match name.strip_prefix("alias/") {
        Some(rest) if rest.contains(':') => refused("contains invalid characters for an alias"),
        Some(rest) if rest.starts_with("aws/") => refused("is reserved for AWS managed keys"),
        _ => Ok(()),
    }
}

/// Code that uses an alias relies on the kind of its key (API model, UpdateAlias).
fn must_be_alike(before: &KeyRecord, after: &KeyRecord) -> Result<()> {
    if alike((before.spec, before.usage), (after.spec, after.usage)) {
        return Ok(());
    }
    Err(Code::ValidationException.because(format!(
        "Alias cannot be changed from a {} key for {} to a {} key for {}: both must be of the same type and usage",
        kind(before.spec),
        before.usage.name(),
        kind(after.spec),
        after.usage.name()
    )))
}

fn alike(before: (&Spec, Usage), after: (&Spec, Usage)) -> bool {
    kind(before.0) == kind(after.0) && before.1 == after.1
}

fn kind(spec: &Spec) -> &'static str {
    match (spec.is_symmetric(), spec.is_asymmetric()) {
        (true, _) => "symmetric",
        (_, true) => "asymmetric",
        _ => "HMAC",
    }
}

fn missing(alias: &AliasArn) -> crate::api::error::Fault {
    Code::NotFoundException.because(format!("Alias {alias} is not found."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn k41_names_of_aliases_begin_with_alias_and_new_ones_leave_awss_own_alone() {
        for (name, refused) in [
            ("alias/a", None),
            ("alias/a/b_c-D9", None),
            ("alias/awsome", None),
            ("alias/aws", None),
            ("a", Some(Code::ValidationException)),
            ("alias/", Some(Code::ValidationException)),
            ("Alias/a", Some(Code::ValidationException)),
            ("alias/aws/s3", Some(Code::InvalidAliasNameException)),
            ("alias/a:b", Some(Code::InvalidAliasNameException)),
        ] {
            let judged = check_name(name).and_then(|()| check_new(name));
            assert_eq!(judged.err().map(|fault| fault.code), refused, "{name}");
        }
        check_name("alias/aws/s3").unwrap();
    }

    #[test]
    fn k41_an_alias_moves_between_keys_of_one_type_and_usage() {
        use Usage as U;
        let of = |name, usage| (Spec::named(name).unwrap(), usage);
        for (before, after, expected) in [
            (of("RSA_2048", U::SignVerify), of("ECC_NIST_P256", U::SignVerify), true),
            (of("HMAC_224", U::GenerateVerifyMac), of("HMAC_512", U::GenerateVerifyMac), true),
            (of("RSA_2048", U::SignVerify), of("RSA_2048", U::EncryptDecrypt), false),
            (of("SYMMETRIC_DEFAULT", U::EncryptDecrypt), of("RSA_2048", U::EncryptDecrypt), false),
            (of("SYMMETRIC_DEFAULT", U::EncryptDecrypt), of("HMAC_256", U::GenerateVerifyMac), false),
            (of("ECC_NIST_P256", U::SignVerify), of("ECC_NIST_P256", U::KeyAgreement), false),
        ] {
            assert_eq!(alike(before, after), expected, "{} to {}", before.0.name, after.0.name);
        }
    }
}
