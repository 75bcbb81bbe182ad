//! The grants of keys as a front knows them, and the one way to change them.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use cryptoki::object::ObjectHandle;
use quick_cache::sync::Cache;

use super::record::GrantRecord;
use crate::api::error::Result;
use crate::book::{Book, Kept, label};
use crate::keys::change::missing;
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

/// The grants of one key, by their ids.
#[derive(Default)]
pub struct Grants(pub(super) BTreeMap<String, Grant>);

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
    /// Removes one.
    Remove(ObjectHandle),
    /// Nothing: it is as it should be.
    Nothing,
}

impl Call<'_> {
    /// The grants of a key, as its record has them.
    pub(super) fn grants(&self, key: &KeyRecord) -> Result<Arc<Grants>> {
        let label = label::grants(&key.account, &key.region, &key.id);
        let revision = key.grants_revision;
        let cached = self.service.grants.0.get(&label);
        match &cached {
            Some((at, grants)) if *at == revision && settled(revision) => return Ok(grants.clone()),
            None if revision == 0 => return Ok(Arc::default()),
            _ => {}
        }
        let before: HashMap<u64, Arc<GrantRecord>> = cached
            .iter()
            .flat_map(|(_, grants)| grants.0.values())
            .map(|grant| (grant.object.handle(), grant.record.clone()))
            .collect();
        let all = self.service.book.all_but(&label, |object| before.get(&object.handle()).cloned())?;
        let grants = Grants(all.into_iter().map(|kept| (kept.value.id.clone(), Grant::new(kept))).collect());
        let grants = Arc::new(grants);
        if settled(revision) {
            self.service.grants.0.insert(label, (revision, grants.clone()));
        }
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
        let latch = book.latch(&key.record.latch_name())?;
        let Kept { value, object } = self.record(&key.arn)?.ok_or_else(|| missing(&key.arn))?;
        state::check(need, State::of(&value, self.now, self.reachable(&value)), &key.arn.to_string())?;
        let (change, result) = plan(&*self.grants(&value)?)?;
        if matches!(change, Change::Nothing) {
            return Ok(result);
        }
        let mut record = KeyRecord::clone(&value);
        record.grants_revision = under_way(record.grants_revision);
        latch.still_held()?;
        book.replace(&record.label(), object, &record)?;
        carry_out(book, &label::grants(&record.account, &record.region, &record.id), change)?;
        record.grants_revision = record.grants_revision.wrapping_add(1);
        latch.still_held()?;
        book.replace(&record.label(), object, &record)?;
        Ok(result)
    }
}

fn carry_out(book: &Book, label: &str, change: Change) -> Result<()> {
    match change {
        Change::Add(record) => book.create(label, &*record).map(|_| ())?,
        Change::Remove(object) => book.remove(label, object)?,
        Change::Nothing => {}
    }
    Ok(())
}

/// Whether no change is under way.
fn settled(revision: u64) -> bool {
    revision.is_multiple_of(2)
}

/// The revision of a change that begins; one that a crash left stands for the next as well.
fn under_way(revision: u64) -> u64 {
    revision | 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn k39_a_change_that_a_crash_left_half_done_is_never_taken_for_settled() {
        assert!(settled(0) && settled(2) && !settled(1));
        assert_eq!(under_way(2), 3);
        assert_eq!(under_way(3), 3);
        assert!(settled(under_way(3).wrapping_add(1)));
    }
}
