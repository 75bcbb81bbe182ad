//! The cluster keys, under which the nodes seal what clients keep for them: in memory only, and the same on all nodes.
//!
//! A node that starts asks the others for theirs; only when no node has any, because all were down at once, the leader draws a new one. Then
//! the logins of before are over, as they are when any HSM has lost power.

use cloister::attribute::Bytes;
use cloister::error::{Error, Result};
use cloister::token::local::export::ClusterKey;
use parking_lot::RwLock;
use std::sync::Arc;
use zeroize::Zeroizing;

/// Keys kept at most; there is more than one only when nodes that could not hear of each other have drawn them.
const MOST: usize = 8;

/// One key, as nodes tell each other of it and as it is used.
struct Entry {
    master: Zeroizing<[u8; 32]>,
    key: Arc<ClusterKey>,
}

/// The keys, that in use first.
#[derive(Default)]
pub struct Ring(RwLock<Vec<Entry>>);

impl Ring {
    /// The keys that may have sealed something, that in use first; none: this node can't serve yet.
    pub fn keys(&self) -> Vec<Arc<ClusterKey>> {
        self.0.read().iter().map(|entry| entry.key.clone()).collect()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.read().is_empty()
    }

    /// For another node.
    pub fn masters(&self) -> Vec<Bytes> {
        self.0.read().iter().map(|entry| entry.master[..].into()).collect()
    }

    /// Takes over what another node has. `leads`: it leads, and its first is the one in use.
    pub fn adopt(&self, masters: &[Bytes], leads: bool) -> Result<()> {
        for (at, master) in masters.iter().enumerate() {
            if let Ok(master) = <[u8; 32]>::try_from(&master[..]) {
                self.insert(Zeroizing::new(master), leads && at == 0)?;
            }
        }
        Ok(())
    }

    /// Draws the first key, if there is none.
    pub fn draw(&self) -> Result<()> {
        if self.is_empty() {
            let mut master = Zeroizing::new([0; 32]);
            openssl::rand::rand_priv_bytes(&mut master[..]).map_err(|_| Error::FunctionFailed)?;
            self.insert(master, true)?;
        }
        Ok(())
    }

    fn insert(&self, master: Zeroizing<[u8; 32]>, first: bool) -> Result<()> {
        let key = Arc::new(ClusterKey::new(&master)?);
        let mut entries = self.0.write();
        let known = entries.iter().position(|entry| openssl::memcmp::eq(&entry.master[..], &master[..]));
        let entry = match known {
            Some(0) => return Ok(()),
            Some(_) if !first => return Ok(()),
            Some(at) => entries.remove(at),
            None => Entry { master, key },
        };
        let at = if first { 0 } else { entries.len() };
        entries.insert(at, entry);
        entries.truncate(MOST);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masters(numbers: &[u8]) -> Vec<Bytes> {
        numbers.iter().map(|number| vec![*number; 32].into()).collect()
    }

    #[test]
    fn what_another_node_has_is_taken_over_once_and_the_leaders_first_is_used() {
        let ring = Ring::default();
        ring.adopt(&masters(&[1, 2]), false).unwrap();
        assert_eq!(ring.masters(), masters(&[1, 2]));
        ring.adopt(&masters(&[2, 3, 1]), true).unwrap();
        assert_eq!(ring.masters(), masters(&[2, 1, 3]));
        ring.adopt(&[vec![4; 31].into()], true).unwrap();
        ring.draw().unwrap();
        assert_eq!(ring.keys().len(), 3, "neither what is no key, nor one more where there are some");
    }

    #[test]
    fn it_does_not_grow_without_end() {
        let ring = Ring::default();
        for number in 0..=255 {
            ring.adopt(&masters(&[number]), true).unwrap();
        }
        assert_eq!(ring.masters().len(), MOST);
        assert_eq!(ring.masters()[0], masters(&[255])[0]);
    }
}
