//! Tickets opened lately: a client brings the same one with each request, and opening it costs more than a small operation.
//!
//! This is no memory of logins: whatever is forgotten here is opened again when it comes again, by this node or another.

use cloister::token::local::export::Opened;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Tickets kept at most.
const MOST: usize = 4096;
/// How long one is kept that nobody brings: its token key lies in memory meanwhile.
const UNUSED: Duration = Duration::from_secs(300);

struct Entry {
    opened: Arc<Opened>,
    used: Instant,
}

/// Opened tickets, by SHA-256 of the sealed ones.
#[derive(Default)]
pub(super) struct Tickets(Mutex<HashMap<[u8; 32], Entry>>);

impl Tickets {
    /// One that was opened before and is not void at `now` (seconds since 1970). Whether its user still holds is checked with each use.
    pub fn get(&self, digest: &[u8; 32], now: u64) -> Option<Arc<Opened>> {
        let mut entries = self.0.lock();
        let entry = entries.get_mut(digest)?;
        if now >= entry.opened.expiry {
            entries.remove(digest);
            return None;
        }
        entry.used = Instant::now();
        Some(entry.opened.clone())
    }

    /// Keeps one. Those that are good for one use only are not kept.
    pub fn put(&self, digest: [u8; 32], opened: &Arc<Opened>) {
        if opened.confirmed.is_some() {
            return;
        }
        let mut entries = self.0.lock();
        if entries.len() >= MOST {
            entries.clear();
        }
        entries.insert(digest, Entry { opened: opened.clone(), used: Instant::now() });
    }

    /// Forgets those that nobody has brought for a while.
    pub fn sweep(&self) {
        self.0.lock().retain(|_, entry| entry.used.elapsed() < UNUSED);
    }
}
