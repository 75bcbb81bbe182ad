//! The custom key stores as this front has them: their records, which all fronts share, and its own logins.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::{Mutex, RwLock};

use super::Service;
use crate::api::error::{Code, Fault, Result};
use crate::book::{Book, Kept, Latch, label};
use crate::hsm::error::Result as HsmResult;
use crate::hsm::{Lately, Login, Logins, Token, Trouble};
use crate::keys::record::{KeyRecord, Origin};
use crate::settings::Settings;
use crate::stores::cluster::{Clusters, KMSUSER};
use crate::stores::record::{CloudHsm, Connection, StoreRecord};
use crate::stores::xks::Proxies;

/// The custom key stores.
pub struct Stores {
    book: Arc<Book>,
    /// The clusters that stores may be on.
    pub clusters: Clusters,
    /// The lines to external key store proxies.
    pub proxies: Proxies,
    held: RwLock<HashMap<String, Held>>,
    /// Held by whoever opens a token: two logins of one program to one token would meet. With the tokens that could not be opened.
    opening: Mutex<HashMap<String, Lately>>,
}

/// A store's record that nobody else changes meanwhile.
pub struct HeldStore<'a> {
    book: &'a Book,
    latch: Latch<'a>,
    /// As the token has it.
    kept: Kept<StoreRecord>,
    /// As it is to be: [`HeldStore::keep`] writes it.
    pub record: StoreRecord,
}

impl HeldStore<'_> {
    /// Writes the record, if it has changed.
    ///
    /// # Errors
    ///
    /// `Unreachable` if others may have taken the latch; after it was written, too: then either's change may hold.
    pub fn keep(&mut self) -> HsmResult<()> {
        if self.record == *self.kept.value {
            return Ok(());
        }
        self.latch.still_held()?;
        let object = self.book.replace(&self.record.label(), self.kept.object, &self.record)?;
        self.kept = Kept { value: Arc::new(self.record.clone()), object };
        self.latch.still_claimed()
    }
}

/// A login, and the attempt to connect that it belongs to.
struct Held {
    attempt: String,
    token: Arc<Token>,
}

impl Stores {
    /// The stores that `book` tells of.
    pub fn new(settings: &Settings, book: Arc<Book>) -> Self {
        Self {
            book,
            clusters: Clusters::new(settings),
            proxies: Proxies::new(settings),
            held: RwLock::default(),
            opening: Mutex::default(),
        }
    }

    /// The store of that id.
    pub fn find(&self, account: &str, region: &str, id: &str) -> HsmResult<Option<Kept<StoreRecord>>> {
        self.book.read(&label::store(account, region, id))
    }

    /// All stores whose labels begin with `prefix`.
    pub fn all(&self, prefix: &str) -> HsmResult<Vec<Arc<StoreRecord>>> {
        let names = self.book.names(prefix, None, usize::MAX)?;
        let read = names.iter().map(|name| Ok(self.book.read::<StoreRecord>(name)?.map(|kept| kept.value)));
        read.filter_map(HsmResult::transpose).collect()
    }

    /// Changes a store's record: `change` sees it as it is now, and what it leaves is written. If it fails, nothing is.
    pub fn change<T>(&self, label: &str, change: impl FnOnce(&mut StoreRecord) -> Result<T>) -> Result<T> {
        let mut store = self.hold(label)?;
        let result = change(&mut store.record)?;
        store.keep()?;
        Ok(result)
    }

    /// A store's record under its latch, for changes of several steps.
    pub fn hold(&self, label: &str) -> Result<HeldStore<'_>> {
        let latch = self.book.latch(label)?;
        let kept = self.book.read::<StoreRecord>(label)?.ok_or_else(missing)?;
        Ok(HeldStore { book: &self.book, latch, record: StoreRecord::clone(&kept.value), kept })
    }

    /// The token of a connected store on a cluster. Logs in at its first use after the store was connected, by whichever front.
    ///
    /// # Errors
    ///
    /// `Unreachable` when the store isn't connected any more; what the HSM says otherwise.
    pub fn token(&self, store: &StoreRecord) -> HsmResult<Arc<Token>> {
        let (Connection::Connected { attempt }, Some(cluster)) = (&store.connection, store.cluster()) else {
            self.forget(&store.label());
            return Err(Trouble::Unreachable(format!("key store {} is not connected", store.id)));
        };
        let label = store.label();
        let held = || {
            self.held
                .read()
                .get(&label)
                .filter(|held| held.attempt == *attempt)
                .map(|held| held.token.clone())
        };
        if let Some(token) = held() {
            return Ok(token);
        }
        let mut opening = self.opening.lock();
        if let Some(token) = held() {
            return Ok(token);
        }
        let away = opening.entry(label.clone()).or_default();
        away.check()?;
        self.forget(&label);
        let logins = self.logins(label.clone(), attempt.clone());
        let token = self.clusters.token(cluster, logins).inspect_err(|trouble| away.note(trouble))?;
        let token = Arc::new(token);
        self.held.write().insert(label, Held { attempt: attempt.clone(), token: token.clone() });
        Ok(token)
    }

    /// Ends this front's login to a store, if it has one.
    pub fn forget(&self, label: &str) {
        let held = self.held.write().remove(label);
        if let Some(held) = held {
            held.token.log_out();
        }
    }

    /// Whom to log in as, asked at each login: another front may have changed kmsuser's password in between.
    fn logins(&self, label: String, attempt: String) -> Box<Logins> {
        let book = self.book.clone();
        Box::new(move || {
            let kept = book.read::<StoreRecord>(&label)?;
            let connected = |store: &&StoreRecord| matches!(&store.connection, Connection::Connected { attempt: now } if *now == attempt);
            let store = kept.as_ref().map(|kept| &*kept.value).filter(connected);
            let cluster = store
                .and_then(StoreRecord::cluster)
                .ok_or_else(|| Trouble::Unreachable("its key store was disconnected".to_owned()))?;
            Ok(logins_of(cluster))
        })
    }
}

impl Service {
    /// The token that a key's material is in; none if its custom key store isn't connected. Of a key in an external key store, the inner material
    /// is in the default key store.
    pub fn token_of(&self, key: &KeyRecord) -> HsmResult<Option<Arc<Token>>> {
        let Some(store) = key.store.as_ref().filter(|_| key.origin == Origin::CloudHsm) else {
            return Ok(Some(self.token.clone()));
        };
        match self.stores.find(&key.account, &key.region, store)? {
            Some(store) if store.value.connection.is_connected() => self.stores.token(&store.value).map(Some),
            _ => Ok(None),
        }
    }
}

/// The logins that may be right, the likelier first.
fn logins_of(cluster: &CloudHsm) -> Vec<Login> {
    cluster.passwords().map(|password| Login::named(KMSUSER, password.expose())).collect()
}

/// The refusal of a store that isn't there.
pub fn missing() -> Fault {
    Code::CustomKeyStoreNotFoundException.because("The custom key store does not exist.")
}
