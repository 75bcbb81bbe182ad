//! The key stores this front is connected to, by their ids.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::RwLock;

use crate::hsm::Token;

/// The tokens of connected custom key stores.
#[derive(Default)]
pub struct Stores {
    connected: RwLock<HashMap<String, Arc<Token>>>,
}

impl Stores {
    /// The token of a store, if this front is connected to it.
    pub fn token(&self, id: &str) -> Option<Arc<Token>> {
        self.connected.read().get(id).cloned()
    }

    /// Remembers a store's token; the one before, if any.
    pub fn connect(&self, id: &str, token: Arc<Token>) -> Option<Arc<Token>> {
        self.connected.write().insert(id.to_owned(), token)
    }

    /// Forgets a store's token.
    pub fn disconnect(&self, id: &str) -> Option<Arc<Token>> {
        self.connected.write().remove(id)
    }
}
