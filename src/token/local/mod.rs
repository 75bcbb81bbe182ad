//! The token whose keys are in a store on this machine.
//!
//! The very same code serves a program that loads the module and, on a cluster, a node. It keeps no sessions: what it
//! remembers between calls is a cache of opened objects, proved right by the store's change counter.

mod access;
mod cache;
pub mod export;
mod make;
mod object;
mod objects;
mod operate;
mod ticket;
mod token;
mod users;

use crate::config::TokenSettings;
use crate::error::{Error, Result};
use crate::store::Store;
use cache::Cache;
use parking_lot::RwLock;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A token in a folder, initialised or not yet.
pub struct LocalToken {
    folder: PathBuf,
    settings: TokenSettings,
    store: Arc<RwLock<Option<Arc<Store>>>>,
    /// Whether this process has seen that there is no token here: when it listed the slot, or when it was asked about it.
    seen_free: AtomicBool,
    cache: Cache,
}

impl LocalToken {
    /// The token in `folder`, which need not exist. Nothing is opened before it is needed.
    pub fn new(folder: PathBuf, settings: TokenSettings) -> Self {
        let seen_free = AtomicBool::new(!Store::is_in(&folder));
        LocalToken { folder, settings, store: Arc::default(), seen_free, cache: Cache::default() }
    }

    /// The store; `TokenNotRecognized` as long as the token is not initialised.
    fn store(&self) -> Result<Arc<Store>> {
        self.store_if_any()?.ok_or(Error::TokenNotRecognized)
    }

    /// Lets go of a store whose file has been replaced or removed, so that the next call finds what is there now. Costs a
    /// system call: for calls that begin something, not for those that use a key.
    fn forget_replaced(&self) {
        let is_replaced =
            |place: &Option<Arc<Store>>| place.as_ref().is_some_and(|store| store.is_replaced());
        if !is_replaced(&self.store.read()) {
            return;
        }
        let mut place = self.store.write();
        if is_replaced(&place) {
            *place = None;
            self.cache.clear();
        }
    }

    fn store_if_any(&self) -> Result<Option<Arc<Store>>> {
        if let Some(store) = &*self.store.read() {
            return Ok(Some(store.clone()));
        }
        let mut place = self.store.write();
        if place.is_none() {
            *place = Store::open(&self.folder)?.map(Arc::new);
            // There may have been a file before: one that another process was about to make a token of.
            self.seen_free.fetch_or(place.is_none(), Ordering::Relaxed);
        }
        Ok(place.clone())
    }
}
