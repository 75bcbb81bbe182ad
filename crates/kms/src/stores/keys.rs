//! Keys in custom key stores: what CreateKey asks of the store, and what differs from other keys.

use std::sync::Arc;

use super::members;
use super::record::{Backing, StoreRecord};
use super::rules::{ACTIVE, invalid, invalid_state, too_few};
use super::xks::{self, Asker};
use crate::api::error::{Code, Fault, Result};
use crate::hsm::{Token, Trouble};
use crate::keys::metadata::KeyMetadata;
use crate::keys::record::{KeyRecord, Origin};
use crate::keys::spec::{Spec, Usage};
use crate::keys::state::State;
use crate::service::{Call, Key};

/// Where CreateKey is asked to make a key.
pub struct Wanted<'a> {
    /// `Origin`.
    pub origin: Origin,
    /// `CustomKeyStoreId`.
    pub store: Option<&'a str>,
    /// `XksKeyId`.
    pub xks_key: Option<&'a str>,
    /// `KeySpec`.
    pub spec: &'static Spec,
    /// `KeyUsage`.
    pub usage: Usage,
    /// `MultiRegion`.
    pub multi_region: bool,
}

/// Where a new key is to be: in a custom key store that has room for it, or, with none, in the default one.
pub struct Place(Option<Arc<StoreRecord>>);

impl Place {
    /// Looks at what is wanted, and at the cluster or the external key that would keep it.
    ///
    /// # Errors
    ///
    /// `ValidationException` and `UnsupportedOperationException` for members that don't go together; `CustomKeyStoreNotFoundException`,
    /// `CustomKeyStoreInvalidStateException`, `CloudHsmClusterInvalidConfigurationException` and the `XksKey...` errors for the store.
    pub fn of(call: &Call, wanted: &Wanted) -> Result<Self> {
        let Some(id) = store_of(wanted)? else { return Ok(Self(None)) };
        let store = call.store(id)?.value;
        match (&store.backing, wanted.origin) {
            (Backing::CloudHsm(_), Origin::CloudHsm) | (Backing::External(_), Origin::ExternalKeyStore) => {}
            _ => {
                return Err(Code::UnsupportedOperationException
                    .because(format!("Origin {} is not that of keys in {id}.", wanted.origin.name())));
            }
        }
        must_be_plain(wanted)?;
        must_be_connected(&store)?;
        match &store.backing {
            Backing::CloudHsm(cluster) => must_be_active(call, &store, &cluster.cluster)?,
            Backing::External(external) => {
                let key = wanted.xks_key.unwrap_or_default();
                xks::check_key(&call.service.stores.proxies, external, key, &Asker::of(call, call.operation))
                    .map_err(|failure| {
                        tracing::warn!(store = %store.id, key, %failure, "an external key isn't fit");
                        failure.row().create_key.because(failure.to_string())
                    })?;
            }
        }
        Ok(Self(Some(store)))
    }

    /// The default key store.
    pub fn default_store() -> Self {
        Self(None)
    }

    /// The store's id.
    pub fn store(&self) -> Option<String> {
        self.0.as_ref().map(|store| store.id.clone())
    }

    /// The token that the key's material is made in.
    ///
    /// # Errors
    ///
    /// `CustomKeyStoreInvalidStateException`.
    pub fn token(&self, call: &Call) -> Result<Arc<Token>> {
        match &self.0 {
            Some(store) if store.cluster().is_some() => call.store_token(&store.id),
            _ => Ok(call.service.token.clone()),
        }
    }

    /// Notes that `key` comes to the store. Before the key is made: a store with such a note can't be deleted.
    ///
    /// # Errors
    ///
    /// `XksKeyAlreadyInUseException`; `CustomKeyStoreInvalidStateException` if the store was disconnected meanwhile.
    pub fn claim(&self, call: &Call, key: &KeyRecord) -> Result<()> {
        let Some(store) = &self.0 else { return Ok(()) };
        members::claim(call, store, &key.id, key.xks_key.as_deref())?;
        // If the note can't be removed now, it counts for a minute.
        call.store(&store.id).and_then(|store| must_be_connected(&store.value)).inspect_err(|_| {
            let _ = members::release(call.service, key);
        })
    }
}

/// The store that is wanted, if one is.
fn store_of<'a>(wanted: &Wanted<'a>) -> Result<Option<&'a str>> {
    match (wanted.origin, wanted.store, wanted.xks_key) {
        (Origin::Kms | Origin::External, None, None) => Ok(None),
        (Origin::ExternalKeyStore, Some(store), Some(_)) => Ok(Some(store)),
        (Origin::CloudHsm, Some(store), None) => Ok(Some(store)),
        (Origin::ExternalKeyStore, Some(_), None) => {
            Err(invalid("XksKeyId is required for a key with Origin EXTERNAL_KEY_STORE."))
        }
        (Origin::CloudHsm | Origin::ExternalKeyStore, None, _) => {
            Err(invalid(format!("CustomKeyStoreId is required for Origin {}.", wanted.origin.name())))
        }
        (Origin::Kms | Origin::External, Some(_), _) => Err(Code::UnsupportedOperationException
            .because(format!("Origin {} is not that of keys in a custom key store.", wanted.origin.name()))),
        (_, _, Some(_)) => Err(invalid("XksKeyId is valid only for a key with Origin EXTERNAL_KEY_STORE.")),
    }
}

/// Only symmetric encryption keys of one Region are in custom key stores.
fn must_be_plain(wanted: &Wanted) -> Result<()> {
    if wanted.spec.is_symmetric() && wanted.usage == Usage::EncryptDecrypt && !wanted.multi_region {
        return Ok(());
    }
    Err(unsupported("Keys in a custom key store are symmetric encryption keys of a single Region."))
}

fn must_be_connected(store: &StoreRecord) -> Result<()> {
    if store.connection.is_connected() {
        Ok(())
    } else {
        Err(invalid_state(store, "keys can only be used in a connected one."))
    }
}

fn must_be_active(call: &Call, store: &StoreRecord, id: &str) -> Result<()> {
    let clusters = &call.service.stores.clusters;
    let away = || invalid_state(store, "its CloudHSM cluster can't be reached.");
    let cluster = clusters.find(id).ok_or_else(away)?;
    match clusters.active(cluster) {
        Ok(0) | Err(Trouble::Unreachable(_) | Trouble::NoToken(_)) => Err(away()),
        Ok(active) if active >= ACTIVE => Ok(()),
        Ok(active) => Err(too_few(id, active)),
        Err(trouble) => Err(trouble.into()),
    }
}

fn unsupported(text: &str) -> Fault {
    Code::UnsupportedOperationException.because(text)
}

/// What CreateKey answers when the HSM that is to make the key fails.
pub fn not_made(key: &KeyRecord, trouble: Trouble) -> Fault {
    match &key.store {
        Some(store) if key.origin == Origin::CloudHsm && no_login(&trouble) => {
            tracing::warn!(%store, %trouble, "a key can't be made in a custom key store");
            Code::CustomKeyStoreInvalidStateException
                .because(format!("Custom key store {store} can't be reached."))
        }
        _ => trouble.into(),
    }
}

/// What a use of a key answers when its HSM fails. The default key store's trouble is the service's. A custom one's is its owner's, who must act, so
/// that there is no use in trying again, unless its HSM has no session left (developer guide, "Troubleshooting CloudHSM key stores").
pub fn refused(key: &KeyRecord, trouble: Trouble) -> Fault {
    if key.origin != Origin::CloudHsm {
        return trouble.into();
    }
    match trouble {
        Trouble::NoSession => Code::KMSInternalException
            .because("The key store's HSM has no session left. The request can be retried."),
        trouble if no_login(&trouble) => {
            tracing::warn!(key = %key.arn(), %trouble, "a custom key store can't serve");
            let why = "is unavailable: its custom key store can't be reached.";
            Code::KMSInvalidStateException.because(format!("{} {why}", key.arn()))
        }
        trouble => trouble.into(),
    }
}

fn no_login(trouble: &Trouble) -> bool {
    matches!(
        trouble,
        Trouble::Unreachable(_)
            | Trouble::NoToken(_)
            | Trouble::ReadOnly(_)
            | Trouble::WrongPin
            | Trouble::Locked
            | Trouble::NoUser
            | Trouble::OtherUser
    )
}

impl Key {
    /// Refuses a key in a custom key store for an operation that isn't for those.
    ///
    /// # Errors
    ///
    /// `UnsupportedOperationException`.
    pub fn must_be_in_default_store(&self, operation: &str) -> Result<()> {
        match self.record.store {
            None => Ok(()),
            Some(_) => Err(unsupported(&format!(
                "{} is in a custom key store, which {operation} does not support.",
                self.arn
            ))),
        }
    }
}

impl Call<'_> {
    /// The token of a connected store on a cluster, by the store's id: for GenerateRandom.
    ///
    /// # Errors
    ///
    /// `CustomKeyStoreNotFoundException`, `CustomKeyStoreInvalidStateException`, `UnsupportedOperationException` for an external one.
    pub fn store_token(&self, id: &str) -> Result<Arc<Token>> {
        let store = self.store(id)?.value;
        if store.external().is_some() {
            return Err(unsupported(&format!("{id} is an external key store.")));
        }
        must_be_connected(&store)?;
        self.service.stores.token(&store).map_err(|trouble| {
            tracing::warn!(store = id, %trouble, "a custom key store can't serve");
            invalid_state(&store, "its CloudHSM cluster can't be reached.")
        })
    }

    /// What the API tells of a key.
    pub fn describe(&self, key: &KeyRecord, state: State) -> Result<KeyMetadata> {
        let store = match (&key.store, key.origin) {
            (Some(store), Origin::CloudHsm) => self.service.stores.find(&key.account, &key.region, store)?,
            _ => None,
        };
        let cluster = store.and_then(|store| store.value.cluster().map(|cluster| cluster.cluster.clone()));
        Ok(KeyMetadata::of(key, state, cluster))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(origin: Origin, store: bool, xks_key: bool) -> Wanted<'static> {
        let spec = Spec::named("SYMMETRIC_DEFAULT").expect("a spec");
        Wanted {
            origin,
            store: store.then_some("cks-1"),
            xks_key: xks_key.then_some("k"),
            spec,
            usage: Usage::EncryptDecrypt,
            multi_region: false,
        }
    }

    #[test]
    fn k66_the_origin_says_which_kind_of_store_a_key_is_made_in() {
        use Code::{UnsupportedOperationException as Unsupported, ValidationException as Validation};
        for (origin, store, xks_key, answer) in [
            (Origin::Kms, false, false, Ok(None)),
            (Origin::External, false, false, Ok(None)),
            (Origin::Kms, false, true, Err(Validation)),
            (Origin::Kms, true, false, Err(Unsupported)),
            (Origin::External, true, false, Err(Unsupported)),
            (Origin::CloudHsm, true, false, Ok(Some("cks-1"))),
            (Origin::CloudHsm, false, false, Err(Validation)),
            (Origin::CloudHsm, true, true, Err(Validation)),
            (Origin::ExternalKeyStore, true, true, Ok(Some("cks-1"))),
            (Origin::ExternalKeyStore, true, false, Err(Validation)),
            (Origin::ExternalKeyStore, false, true, Err(Validation)),
        ] {
            assert_eq!(
                store_of(&wanted(origin, store, xks_key)).map_err(|fault| fault.code),
                answer,
                "{origin:?} {store} {xks_key}"
            );
        }
    }

    #[test]
    fn k65_only_symmetric_keys_of_one_region_are_made_in_stores() {
        let plain = wanted(Origin::CloudHsm, true, false);
        assert!(must_be_plain(&plain).is_ok());
        let rsa = Wanted {
            spec: Spec::named("RSA_2048").expect("a spec"),
            ..wanted(Origin::CloudHsm, true, false)
        };
        let hmac = Wanted {
            spec: Spec::named("HMAC_256").expect("a spec"),
            usage: Usage::GenerateVerifyMac,
            ..wanted(Origin::CloudHsm, true, false)
        };
        for other in [Wanted { multi_region: true, ..plain }, rsa, hmac] {
            assert_eq!(
                must_be_plain(&other).map_err(|fault| fault.code),
                Err(Code::UnsupportedOperationException)
            );
        }
    }
}
