//! From what a caller names to a key that may be used.

use std::sync::Arc;

use cryptoki::object::ObjectHandle;

use super::{Ask, Call};
use crate::api::error::{Code, Result};
use crate::book::{Kept, label};
use crate::hsm::Token;
use crate::keys::alias::AliasRecord;
use crate::keys::arn::{KeyArn, KeyName};
use crate::keys::record::{KeyRecord, Material, Origin};
use crate::keys::spec::Usage;
use crate::keys::state::{self, Need, State};
use crate::quota;

/// A key as one request sees it.
pub struct Key {
    /// Its record.
    pub record: Arc<KeyRecord>,
    /// The record's object in the token.
    pub object: ObjectHandle,
    /// Its ARN.
    pub arn: KeyArn,
    /// The alias by which it was named (`kms:RequestAlias`).
    pub alias: Option<String>,
    /// Its state at this request.
    pub state: State,
}

impl Key {
    /// The key's id.
    pub fn id(&self) -> &str {
        &self.record.id
    }

    /// Refuses a key made for another use.
    pub fn must_be_for(&self, usage: Usage, operation: &str) -> Result<()> {
        if self.record.usage == usage {
            return Ok(());
        }
        Err(Code::InvalidKeyUsageException.because(format!(
            "{} key usage is {} which is not valid for {operation}.",
            self.arn,
            self.record.usage.name()
        )))
    }

    /// Refuses an algorithm that the key doesn't have.
    pub fn must_offer(&self, algorithm: &str) -> Result<()> {
        if self.record.spec.algorithms(self.record.usage).contains(&algorithm) {
            return Ok(());
        }
        Err(Code::InvalidKeyUsageException.because(format!(
            "Algorithm {algorithm} is incompatible with key spec {}.",
            self.record.spec.name
        )))
    }

    /// The current material; a key in a usable state has one.
    pub fn current(&self) -> Result<&Material> {
        self.record
            .current()
            .ok_or_else(|| Code::KMSInvalidStateException.because(format!("{} is pending import.", self.arn)))
    }
}

impl Call<'_> {
    /// The key that `name` names: id, ARN, alias or alias ARN. No authorisation, no state.
    ///
    /// # Errors
    ///
    /// `NotFoundException`, `InvalidArnException`.
    pub fn key(&self, name: &str) -> Result<Key> {
        let (arn, alias) = self.name(name)?;
        if arn.region != self.caller.region {
            return Err(Code::NotFoundException.because(format!("Invalid arn {}", arn.region)));
        }
        let missing = || Code::NotFoundException.because(format!("Key '{arn}' does not exist"));
        let Kept { value: record, object } = self.record(&arn)?.ok_or_else(missing)?;
        self.touch(arn.clone());
        let state = State::of(&record, self.now, self.reachable(&record));
        Ok(Key { record, object, arn, alias, state })
    }

    /// The record of a key that exists for callers: drafts and deleted keys don't.
    pub fn record(&self, arn: &KeyArn) -> Result<Option<Kept<KeyRecord>>> {
        let kept = self.service.book.read::<KeyRecord>(&label::key(&arn.account, &arn.region, &arn.id))?;
        // A key whose day has come is gone, whether or not its material has been destroyed yet.
        Ok(kept.filter(|kept| {
            let due = kept
                .value
                .deletion
                .as_ref()
                .and_then(|deletion| deletion.at)
                .is_some_and(|at| at <= self.now);
            kept.value.draft.is_none() && !due
        }))
    }

    /// The key that `name` names, for an operation: it exists, the caller may, its state allows it.
    pub fn open(&self, name: &str, ask: &Ask, need: Need) -> Result<Key> {
        let key = self.key(name)?;
        self.admit(&key, ask, need)?;
        Ok(key)
    }

    /// Whether an operation may use `key`: its quota isn't used up, the caller may, its state allows it.
    pub fn admit(&self, key: &Key, ask: &Ask, need: Need) -> Result<()> {
        if need == Need::Material && self.service.quotas.is_some() {
            let (quota, whose) = quota::of_key(&key.record);
            self.count_against(quota, &whose)?;
        }
        self.authorize(key, ask)?;
        state::check(need, key.state, &key.arn.to_string())
    }

    /// The token that a key's material is in.
    ///
    /// # Errors
    ///
    /// `KMSInvalidStateException` when its custom key store isn't connected.
    pub fn token(&self, key: &KeyRecord) -> Result<Arc<Token>> {
        match &key.store {
            None => Ok(self.service.token.clone()),
            Some(store) => self.service.stores.token(store).ok_or_else(|| {
                let arn = key.arn();
                Code::KMSInvalidStateException
                    .because(format!("{arn} is unavailable because its custom key store is not connected."))
            }),
        }
    }

    /// Whether the key's custom key store is connected; true for keys of the default one.
    pub fn reachable(&self, key: &KeyRecord) -> bool {
        match (&key.store, key.origin) {
            (Some(store), Origin::CloudHsm | Origin::ExternalKeyStore) => {
                self.service.stores.token(store).is_some()
            }
            _ => true,
        }
    }

    fn name(&self, name: &str) -> Result<(KeyArn, Option<String>)> {
        let here =
            |id| KeyArn { region: self.caller.region.clone(), account: self.caller.account.clone(), id };
        match KeyName::parse(name)? {
            KeyName::Id(id) => Ok((here(id), None)),
            KeyName::Arn(arn) => Ok((arn, None)),
            KeyName::Alias(alias) => {
                let arn = here(String::new());
                Ok((self.target(&arn.account, &arn.region, &alias)?, Some(alias)))
            }
            KeyName::AliasArn(alias) => {
                Ok((self.target(&alias.account, &alias.region, &alias.name)?, Some(alias.name)))
            }
        }
    }

    fn target(&self, account: &str, region: &str, name: &str) -> Result<KeyArn> {
        let record = self.service.book.read::<AliasRecord>(&label::alias(account, region, name))?;
        match record {
            Some(alias) => Ok(KeyArn {
                region: region.to_owned(),
                account: account.to_owned(),
                id: alias.value.target.clone(),
            }),
            None => Err(Code::NotFoundException
                .because(format!("Alias arn:aws:kms:{region}:{account}:{name} is not found."))),
        }
    }
}
