//! The grants of keys as a front knows them, and the one way to change them.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use cryptoki::object::ObjectHandle;
use quick_cache::sync::Cache;

use super::record::GrantRecord;
use crate::api::error::Result;
use crate::book::{Book, Kept, label};
use crate::keys::change::missing;
use crate::keys::create::random;
use crate::keys::record::KeyRecord;
use crate::keys::state::{self, Need, State};
use crate::policy::{Decision, Meets, Principal};
use crate::service::{Ask, Call, Key};

/// Of how many keys a front keeps the grants.
const KEYS: usize = 10_000;

/// The grants of keys, each with the revision of its key that they were read at.
pub struct Known(Cache<String, (u64, Arc<Grants>)>);

impl Default for Known {
    fn default() -> Self {
        Self(Cache::new(KEYS))
    }
}

impl Known {
    /// Keeps what was read, unless a change was under way.
    fn note(&self, label: String, revision: u64, grants: &Arc<Grants>) {
        if settled(revision) {
            self.0.insert(label, (revision, grants.clone()));
        }
    }
}

/// The grants of one key, by their ids.
#[derive(Clone, Default)]
pub struct Grants(pub(super) BTreeMap<String, Arc<Grant>>);

/// One grant, ready for questions.
pub struct Grant {
    pub(super) record: Arc<GrantRecord>,
    pub(super) object: ObjectHandle,
    grantee: Option<Principal>,
    retiring: Option<Principal>,
}

impl Grant {
    /// A grant whose principals can't be read lets nobody do anything.
    fn new(kept: Kept<GrantRecord>) -> Self {
        let terms = &kept.value.terms;
        let (grantee, retiring) = (terms.grantee().unwrap_or_default(), terms.retiring().unwrap_or_default());
        Self { grantee, retiring, record: kept.value, object: kept.object }
    }

    /// How its grantee meets the caller.
    fn meets_grantee(&self, call: &Call) -> Meets {
        self.grantee.as_ref().map_or(Meets::No, |grantee| grantee.meets(call.caller))
    }

    /// Whether the caller may retire it: its retiring principal; its grantee, if its operations say so; the account in which it was made
    /// (KMS guide, "Retiring and revoking grants"). Where an account may, `at_home` tells whether it lets the caller.
    pub(super) fn may_be_retired(&self, call: &Call, at_home: bool) -> bool {
        let own = match self.retiring.as_ref().map_or(Meets::No, |retiring| retiring.meets(call.caller)) {
            Meets::Caller => true,
            Meets::Account => at_home,
            Meets::No => false,
        };
        let as_grantee = self.record.terms.allow(&Ask::to("RetireGrant"))
            && match self.meets_grantee(call) {
                Meets::Caller => true,
                Meets::Account => at_home,
                Meets::No => false,
            };
        own || as_grantee || (self.record.issuer == call.caller.account && at_home)
    }
}

/// What a change of a key's grants does.
pub(super) enum Change {
    /// Makes one.
    Add(Box<GrantRecord>),
    /// Removes the one of that id.
    Remove(String),
    /// Nothing: it is as it should be.
    Nothing,
}

impl Call<'_> {
    /// The grants of a key, as its record has them.
    pub(super) fn grants(&self, key: &KeyRecord) -> Result<Arc<Grants>> {
        let (label, revision) = (label_of(key), key.grants_revision);
        if revision == NEVER {
            return Ok(Arc::default());
        }
        let cached = self.service.grants.0.get(&label);
        if let Some((at, grants)) = &cached
            && *at == revision
            && settled(revision)
        {
            return Ok(grants.clone());
        }
        let before: HashMap<u64, Arc<GrantRecord>> = cached
            .iter()
            .flat_map(|(_, grants)| grants.0.values())
            .map(|grant| (grant.object.handle(), grant.record.clone()))
            .collect();
        let all = self.service.book.all_but(&label, |object| before.get(&object.handle()).cloned())?;
        let all = all.into_iter().map(|kept| (kept.value.id.clone(), Arc::new(Grant::new(kept))));
        let grants = Arc::new(Grants(all.collect()));
        self.service.grants.note(label, revision, &grants);
        Ok(grants)
    }

    /// Whether a grant of `key` allows what is asked. A grant to an account leaves it to the account's identity policies.
    pub fn granted(&self, key: &Key, ask: &Ask) -> Result<bool> {
        let grants = self.grants(&key.record)?;
        let mut of_account = false;
        for grant in grants.0.values().filter(|grant| grant.record.terms.allow(ask)) {
            match grant.meets_grantee(self) {
                Meets::Caller => return Ok(true),
                Meets::Account => of_account = true,
                Meets::No => {}
            }
        }
        Ok(of_account && self.decide_at_home(ask, &key.arn.to_string())? == Decision::Allow)
    }

    /// Changes the grants of `key`: `plan` sees them as they are now.
    pub(super) fn change_grants<T>(
        &self,
        key: &Key,
        need: Need,
        plan: impl FnOnce(&Grants) -> Result<(Change, T)>,
    ) -> Result<T> {
        let book = &self.service.book;
        let latch = book.latch(&key.arn.latch_name())?;
        let Kept { value, object } = self.record(&key.arn)?.ok_or_else(|| missing(&key.arn))?;
        state::check(need, State::of(&value, self.now, self.reachable(&value)), &key.arn.to_string())?;
        let before = self.grants(&value)?;
        let (change, result) = plan(&before)?;
        if matches!(change, Change::Nothing) {
            return Ok(result);
        }
        let mut record = KeyRecord::clone(&value);
        record.grants_revision = draw() | UNDER_WAY;
        latch.still_held()?;
        let object = book.replace(&record.label(), object, &record)?;
        let label = label_of(&record);
        let after = carry_out(book, &label, Grants::clone(&before), change)?;
        record.grants_revision = draw() & !UNDER_WAY;
        latch.still_held()?;
        book.replace(&record.label(), object, &record)?;
        self.service.grants.note(label, record.grants_revision, &Arc::new(after));
        Ok(result)
    }
}

/// Does what is planned; the grants as they are then.
fn carry_out(book: &Book, label: &str, mut grants: Grants, change: Change) -> Result<Grants> {
    match change {
        Change::Add(record) => {
            let object = book.create(label, &*record)?;
            let grant = Grant::new(Kept { value: Arc::from(record), object });
            grants.0.insert(grant.record.id.clone(), Arc::new(grant));
        }
        Change::Remove(id) => {
            if let Some(grant) = grants.0.remove(&id) {
                book.remove(label, grant.object)?;
            }
        }
        Change::Nothing => {}
    }
    Ok(grants)
}

fn label_of(key: &KeyRecord) -> String {
    label::grants(&key.account, &key.region, &key.id)
}

/// The revision of a key that never had a grant.
const NEVER: u64 = 0;

/// The bit of a revision that tells that a change is under way.
const UNDER_WAY: u64 = 1;

/// Whether no change is under way.
fn settled(revision: u64) -> bool {
    revision & UNDER_WAY == 0
}

/// A revision that no front has seen. Drawn rather than counted: a replica that is made anew has the id of the one before, and must not come
/// upon revisions of that one's grants.
fn draw() -> u64 {
    // Never zero, and within what every reader of JSON takes for a whole number.
    u64::from_le_bytes(random()) >> 12 | 1 << 51
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn k39_a_change_under_way_is_told_from_one_that_is_done_and_none_of_either_comes_twice() {
        let drawn: std::collections::HashSet<u64> = (0..1000).map(|_| draw() & !UNDER_WAY).collect();
        assert_eq!(drawn.len(), 1000);
        for revision in drawn {
            assert!(settled(revision) && !settled(revision | UNDER_WAY) && revision != NEVER);
        }
    }
}
