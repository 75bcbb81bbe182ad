//! Claims: objects named after a record, each made by a front that wants to change that record, or is at it. And those that nobody will remove, for
//! the front that made them has died.

use std::time::Duration;

use cryptoki::object::{Attribute, AttributeType, ObjectHandle};
use parking_lot::Mutex;

use super::label;
use super::records::{Book, of_ours, template, value};
use crate::hsm::error::{Result, Trouble};
use crate::watch::Watch;

/// How long a claim must have been watched without a change before it counts as left behind.
const ABANDONED: Duration = Duration::from_secs(15);

/// Who meets a claim for so long suspects that its front has died, and looks for others that it left.
const SUSPECT: Duration = Duration::from_secs(2);

/// A claim that is met again is removed long before it has been watched for so long; one that isn't has gone.
const FORGOTTEN: Duration = Duration::from_secs(10 * 60);

/// How many names of claims are looked at at once.
const CLEARED: usize = 100;

/// The claims of others that this front has met, whoever met them: who waits for one later needn't watch it all over.
#[derive(Default)]
pub(super) struct Met {
    /// By the name and the claim's nonce.
    watched: Mutex<Watch<(String, Vec<u8>), ()>>,
    /// When all claims were looked for last.
    searched: Mutex<Option<Duration>>,
}

impl Met {
    /// How long each claim of that name has been watched, `nonces` being all that there are.
    fn watched(&self, label: &str, nonces: &[&[u8]], now: Duration) -> Vec<Duration> {
        let mut watched = self.watched.lock();
        watched.retain(|(name, nonce), since| {
            if name == label { nonces.contains(&&nonce[..]) } else { now.saturating_sub(since) < FORGOTTEN }
        });
        let since = nonces.iter().map(|nonce| watched.since((label.to_owned(), nonce.to_vec()), (), now));
        since.map(|since| now.saturating_sub(since)).collect()
    }
}

/// A claim object in the token. Removed when dropped.
pub(super) struct Claim<'a> {
    pub(super) book: &'a Book,
    pub(super) object: ObjectHandle,
    label: String,
    /// Random: tells this claim from any other.
    nonce: Vec<u8>,
}

impl Claim<'_> {
    pub(super) fn is_there(&self) -> Result<bool> {
        // A handle may have been given to another object since.
        Ok(self.book.value(self.object)?.is_some_and(|nonce| **nonce == *self.nonce))
    }
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        // If it can't be removed now, others will in a while.
        let _ = self.book.destroy_claim(self.object, &self.label, &self.nonce);
    }
}

/// Another's claim, and what tells it from any other.
type Foreign = (ObjectHandle, Vec<u8>);

impl Book {
    pub(super) fn claim(&self, label: &str) -> Result<Claim<'_>> {
        let nonce = self.token().with(|session| session.generate_random_vec(16))?;
        let attributes = of_ours(label, &nonce);
        let object = self.token().with(|session| session.create_object(&attributes))?;
        Ok(Claim { book: self, object, label: label.to_owned(), nonce })
    }

    /// Destroys a claim; it may be gone already. When a login was lost, its handle may have been given to another object since: the session that destroys it
    /// looks first.
    fn destroy_claim(&self, object: ObjectHandle, label: &str, nonce: &[u8]) -> Result<()> {
        let destroyed = self.token().with(|session| {
            let there = session.get_attributes(object, &[AttributeType::Label, AttributeType::Value])?;
            let is_named = there.contains(&Attribute::Label(label.as_bytes().to_vec()));
            if is_named && (nonce.is_empty() || there.contains(&Attribute::Value(nonce.to_vec()))) {
                session.destroy_object(object)?;
            }
            Ok(())
        });
        match destroyed {
            Err(Trouble::NoObject) => Ok(()),
            destroyed => destroyed,
        }
    }

    /// The claims of that name, but for ours.
    pub(super) fn claims(&self, label: &str, ours: Option<ObjectHandle>) -> Result<Vec<Foreign>> {
        let mut claims = Vec::new();
        for object in self.token().find(&template(label))? {
            if Some(object) == ours {
                continue;
            }
            match self.token().with(|session| value(session, object)) {
                Ok(nonce) => claims.push((object, nonce.map(|nonce| nonce.to_vec()).unwrap_or_default())),
                Err(Trouble::NoObject) => {}
                Err(trouble) => return Err(trouble),
            }
        }
        Ok(claims)
    }

    /// Watches others' claims of that name, `met` just now: all that there are. Removes those that were left behind; how many. When one may have been
    /// left behind, all claims are watched from then on, so that the waits for what dead fronts left don't add up.
    pub(super) fn watch(&self, label: &str, met: &[Foreign]) -> Result<usize> {
        let (longest, cleared) = self.clear_abandoned(label, met)?;
        if longest > SUSPECT && self.may_search() {
            self.walk_again()?;
            self.clear_claims()?;
        }
        Ok(cleared)
    }

    /// Removes claims that were left behind and that nobody may be waiting for: those that the directory's last walk has met. How many.
    pub fn clear_claims(&self) -> Result<usize> {
        let mut cleared = 0;
        for label in self.names(label::LATCHES, None, CLEARED)? {
            cleared += self.clear_abandoned(&label, &self.claims(&label, None)?)?.1;
        }
        Ok(cleared)
    }

    /// Whether all claims weren't looked for lately. Those that were found then are watched already.
    fn may_search(&self) -> bool {
        let now = self.ticks.now();
        let mut searched = self.met.searched.lock();
        let due = searched.is_none_or(|at| now.saturating_sub(at) > ABANDONED);
        if due {
            *searched = Some(now);
        }
        due
    }

    /// How long the longest known of the claims has been watched, and how many were removed.
    fn clear_abandoned(&self, label: &str, met: &[Foreign]) -> Result<(Duration, usize)> {
        let nonces: Vec<&[u8]> = met.iter().map(|(_, nonce)| &nonce[..]).collect();
        let watched = self.met.watched(label, &nonces, self.ticks.now());
        let mut cleared = 0;
        for ((object, nonce), _) in met.iter().zip(&watched).filter(|(_, watched)| **watched > ABANDONED) {
            self.destroy_claim(*object, label, nonce)?;
            cleared += 1;
        }
        Ok((watched.into_iter().max().unwrap_or_default(), cleared))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_met_again_is_not_remembered_for_ever() {
        let at = Duration::from_secs;
        let met = Met::default();
        assert_eq!(met.watched("a", &[b"1", b"2"], at(0)), [at(0), at(0)]);
        assert_eq!(met.watched("b", &[b"1"], at(20)), [at(0)]);
        assert_eq!(met.watched("a", &[b"2"], at(30)), [at(30)]);
        assert_eq!(met.watched("a", &[b"1"], at(40)), [at(0)], "it was gone");
        assert!(met.watched("c", &[], at(20) + FORGOTTEN).is_empty());
        assert_eq!(met.watched("b", &[b"1"], at(21) + FORGOTTEN), [at(0)], "nobody has asked for it");
        assert_eq!(met.watched("a", &[b"1"], at(30) + FORGOTTEN), [at(30) + FORGOTTEN - at(40)]);
    }
}
