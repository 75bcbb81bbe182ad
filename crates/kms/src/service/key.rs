//! From what a caller names to a key that may be used.

use std::sync::Arc;

use cryptoki::object::ObjectHandle;

use super::{Ask, Call, reach};
use crate::api::error::{Code, Result};
use crate::book::{Kept, label};
use crate::hsm::Token;
use crate::keys::alias::AliasRecord;
use crate::keys::arn::{AliasArn, KeyArn, KeyName};
use crate::keys::record::{KeyRecord, Material};
use crate::keys::spec::Usage;
use crate::keys::state::{self, Need, State};
use crate::quota;
use crate::stores::keys::refused;

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
        let missing = || {
            if arn.account == self.caller.account {
                Code::NotFoundException.because(format!("Key '{arn}' does not exist"))
            } else {
                reach::out_of_reach(self.caller, self.operation)
            }
        };
        let Kept { value: record, object } = self.record(&arn)?.ok_or_else(missing)?;
        self.touch(arn.clone());
        let state = State::of(&record, self.now, self.reachable(&record));
        Ok(Key { record, object, arn, alias, state })
    }

    /// The record of a key that exists for callers: drafts and deleted keys don't.
    pub fn record(&self, arn: &KeyArn) -> Result<Option<Kept<KeyRecord>>> {
        let kept = self.service.book.read::<KeyRecord>(&label::key(&arn.account, &arn.region, &arn.id))?;
        Ok(kept.filter(|kept| kept.value.exists(self.now)))
    }

    /// The key that `name` names, for an operation: it exists, the caller may, its state allows it.
    pub fn open(&self, name: &str, ask: &Ask, need: Need) -> Result<Key> {
        let key = self.key(name)?;
        self.admit(&key, ask, need)?;
        Ok(key)
    }

    /// Whether an operation may use `key`: the caller may, his quota isn't used up, its state allows it.
    pub fn admit(&self, key: &Key, ask: &Ask, need: Need) -> Result<()> {
        self.authorize(key, ask)?;
        if need == Need::Material && self.service.quotas.is_some() {
            let (quota, whose) = quota::of_use(&key.record, self.caller);
            self.count_against(quota, &whose)?;
        }
        state::check(need, key.state, &key.arn.to_string())
    }

    /// The token that a key's material is in. Of a key in an external key store, the inner material is in the default key store.
    ///
    /// # Errors
    ///
    /// `KMSInvalidStateException` when its custom key store isn't connected, or can't be reached.
    pub fn token(&self, key: &KeyRecord) -> Result<Arc<Token>> {
        let away = || {
            let why = "is unavailable because its custom key store is not connected.";
            Code::KMSInvalidStateException.because(format!("{} {why}", key.arn()))
        };
        let token = self.service.token_of(key);
        token.map_err(|trouble| refused(key, trouble))?.ok_or_else(away)
    }

    /// Whether the key's custom key store is connected; true for keys of the default one.
    pub fn reachable(&self, key: &KeyRecord) -> bool {
        let Some(id) = &key.store else { return true };
        match self.service.stores.find(&key.account, &key.region, id) {
            Ok(store) => store.is_some_and(|store| store.value.connection.is_connected()),
            Err(trouble) => {
                tracing::warn!(store = %id, %trouble, "a key store's record can't be read");
                false
            }
        }
    }

    fn name(&self, name: &str) -> Result<(KeyArn, Option<String>)> {
        let (region, account) = (self.caller.region.clone(), self.caller.account.clone());
        match KeyName::parse(name)? {
            KeyName::Id(id) => Ok((KeyArn { region, account, id }, None)),
            KeyName::Arn(arn) => Ok((arn, None)),
            _ if !reach::takes_aliases(self.operation) => {
                Err(Code::NotFoundException.because(format!("Invalid keyId '{name}'")))
            }
            KeyName::Alias(name) => self.target(AliasArn { region, account, name }),
            KeyName::AliasArn(alias) => self.target(alias),
        }
    }

    fn target(&self, alias: AliasArn) -> Result<(KeyArn, Option<String>)> {
        if let Some(arn) = self.managed_key(&alias)? {
            return Ok((arn, Some(alias.name)));
        }
        let record = self.service.book.read::<AliasRecord>(&label::alias(
            &alias.account,
            &alias.region,
            &alias.name,
        ))?;
        let Some(record) = record else {
            return Err(Code::NotFoundException.because(format!("Alias {alias} is not found.")));
        };
        Ok((
            KeyArn { region: alias.region, account: alias.account, id: record.value.target.clone() },
            Some(alias.name),
        ))
    }
}
