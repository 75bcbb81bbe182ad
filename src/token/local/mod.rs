//! The token whose keys are in a store on this machine.
//!
//! The very same code serves a program that loads the module and, on a cluster, a node. It keeps no sessions: what it
//! remembers between calls is a cache of opened objects, proved right by the store's change counter.

mod access;
mod cache;
mod derive;
mod encapsulate;
pub mod export;
mod make;
mod moulds;
mod object;
mod objects;
mod operate;
mod ticket;
mod token;
mod told;
mod users;

use crate::apart::Apart;
use crate::config::TokenSettings;
use crate::error::{Error, Result};
use crate::store::Store;
use cache::Cache;
use moulds::Moulds;
use parking_lot::RwLock;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use ticket::Place;

/// A token in a folder or in a cluster's store, initialised or not yet.
pub struct LocalToken {
    home: Home,
    settings: TokenSettings,
    store: Arc<Place>,
    cache: Apart<Cache>,
    moulds: Apart<Moulds>,
}

/// Where the token is.
enum Home {
    /// In this folder, which need not exist.
    Folder {
        path: PathBuf,
        /// Whether this process has seen that there is no token here: when it listed the slot, or when it was asked about it.
        seen_free: AtomicBool,
    },
    /// In a store that nodes keep together. It is there all the time, with a token or without.
    Replica {
        /// Whether the token has been seen: it is made anew at times, but never taken away.
        seen: AtomicBool,
    },
}

impl LocalToken {
    /// The token in `folder`, which need not exist. Nothing is opened before it is needed.
    pub fn new(folder: PathBuf, settings: TokenSettings) -> Self {
        let seen_free = AtomicBool::new(!Store::is_in(&folder));
        let home = Home::Folder { path: folder, seen_free };
        LocalToken {
            home,
            settings,
            store: Arc::default(),
            cache: Apart::default(),
            moulds: Apart::default(),
        }
    }

    /// The token in a store that nodes keep together.
    pub fn replicated(store: Arc<Store>, settings: TokenSettings) -> Self {
        let home = Home::Replica { seen: AtomicBool::new(false) };
        LocalToken {
            home,
            settings,
            store: Arc::new(RwLock::new(Some(store))),
            cache: Apart::default(),
            moulds: Apart::default(),
        }
    }

    /// The store; `TokenNotRecognized` as long as the token is not initialised.
    fn store(&self) -> Result<Arc<Store>> {
        self.store_if_any()?.ok_or(Error::TokenNotRecognized)
    }

    /// Lets go of a store whose file has been replaced or removed, as `look` tells, so that the next call finds what is there now.
    /// For calls that begin something, not for those that use a key.
    fn forget_replaced(&self, look: fn(&Store) -> bool) {
        if let Home::Replica { .. } = self.home {
            return;
        }
        if !self.store.read().as_ref().is_some_and(|store| look(store)) {
            return;
        }
        let mut place = self.store.write();
        if let Some(replaced) = place.take_if(|store| store.is_replaced()) {
            replaced.retire();
            self.cache.clear();
            self.moulds.clear();
        }
    }

    fn store_if_any(&self) -> Result<Option<Arc<Store>>> {
        if let Some(store) = &*self.store.read() {
            return Ok(self.has_token(store)?.then(|| store.clone()));
        }
        let mut place = self.store.write();
        if let (None, Home::Folder { path, seen_free }) = (&*place, &self.home) {
            *place = Store::open(path)?.map(Arc::new);
            // There may have been a file before: one that another process was about to make a token of.
            seen_free.fetch_or(place.is_none(), Ordering::Relaxed);
        }
        Ok(place.clone())
    }

    /// Whether there is a token in the store. One in a folder is opened only when there is.
    fn has_token(&self, store: &Store) -> Result<bool> {
        let Home::Replica { seen } = &self.home else { return Ok(true) };
        if !seen.load(Ordering::Relaxed) {
            seen.store(store.has_token()?, Ordering::Relaxed);
        }
        Ok(seen.load(Ordering::Relaxed))
    }
}
