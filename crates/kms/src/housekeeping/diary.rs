//! When something is due with which key.

use std::collections::{BTreeMap, BTreeSet};

use crate::clock::Moment;
use crate::keys::arn::KeyArn;
use crate::keys::record::{Draft, KeyRecord, Origin};

/// When something is due next with the key; none if nothing is.
pub fn next_due(record: &KeyRecord, now: Moment) -> Option<Moment> {
    match record.draft {
        // One that is being made is watched.
        Some(Draft::Making(_) | Draft::Removing(_)) => return Some(now),
        None => {}
    }
    let loose = (!record.loose.is_empty()).then_some(now);
    let deletion = record.deletion.as_ref().and_then(|deletion| deletion.at);
    [loose, deletion, expiry(record), rotation(record)].into_iter().flatten().min()
}

/// When imported material of the key expires first.
pub fn expiry(record: &KeyRecord) -> Option<Moment> {
    let here = record.materials.iter().filter(|material| material.object.is_some());
    here.filter_map(|material| material.import.as_ref()?.expires).min()
}

/// When KMS is to rotate the key. A key that is disabled or waits for its deletion doesn't rotate, and the primary does it for its replicas.
pub fn rotation(record: &KeyRecord) -> Option<Moment> {
    let may = record.enabled
        && record.deletion.is_none()
        && record.origin == Origin::Kms
        && record.rotates()
        && !record.is_replica();
    record.rotation.as_ref().filter(|rotation| may && rotation.enabled).map(|rotation| rotation.next)
}

/// The days and keys, both ways round, so that a key has one entry.
#[derive(Default)]
pub struct Diary {
    days: BTreeSet<(Moment, KeyArn)>,
    keys: BTreeMap<KeyArn, Moment>,
    expiring: BTreeMap<KeyArn, Moment>,
}

impl Diary {
    /// Enters what is due next with the key, instead of what was entered before.
    pub fn note(&mut self, record: &KeyRecord, now: Moment) {
        let arn = record.arn();
        self.strike(&arn);
        if let Some(at) = expiry(record) {
            self.expiring.insert(arn.clone(), at);
        }
        if let Some(at) = next_due(record, now) {
            self.enter(arn, at);
        }
    }

    /// Enters the key, unless something is due with it before.
    pub fn remind(&mut self, arn: KeyArn, at: Moment) {
        if self.keys.get(&arn).is_none_or(|entered| *entered > at) {
            if let Some(entered) = self.keys.remove(&arn) {
                self.days.remove(&(entered, arn.clone()));
            }
            self.enter(arn, at);
        }
    }

    /// Takes out the keys with which something is due, the longest overdue first.
    pub fn take_due(&mut self, now: Moment) -> Vec<KeyArn> {
        let mut due = Vec::new();
        while let Some((at, arn)) = self.days.first().cloned().filter(|(at, _)| *at <= now) {
            self.days.remove(&(at, arn.clone()));
            self.keys.remove(&arn);
            due.push(arn);
        }
        due
    }

    /// Forgets the key.
    pub fn strike(&mut self, arn: &KeyArn) {
        if let Some(at) = self.keys.remove(arn) {
            self.days.remove(&(at, arn.clone()));
        }
        self.expiring.remove(arn);
    }

    /// The keys with imported material that expires, and when.
    pub fn expiring(&self) -> Vec<(KeyArn, Moment)> {
        self.expiring.iter().map(|(arn, at)| (arn.clone(), *at)).collect()
    }

    fn enter(&mut self, arn: KeyArn, at: Moment) {
        self.days.insert((at, arn.clone()));
        self.keys.insert(arn, at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::record::{Deletion, Rotation};
    use crate::keys::testing::record;

    const NOW: Moment = Moment(1_000_000_000);

    #[test]
    fn what_comes_first_is_due_first() {
        let mut key = record("1");
        assert_eq!(next_due(&key, NOW), None);
        key.rotation = Some(Rotation { enabled: true, period: 90, next: NOW.plus(5) });
        assert_eq!(next_due(&key, NOW), Some(NOW.plus(5)));
        key.enabled = false;
        assert_eq!(next_due(&key, NOW), None, "a disabled key doesn't rotate");
        key.deletion = Some(Deletion { at: Some(NOW.plus(9)), window: 7 });
        key.enabled = true;
        assert_eq!(next_due(&key, NOW), Some(NOW.plus(9)), "nor one that waits for its deletion");
        key.loose.push("object".to_owned());
        assert_eq!(next_due(&key, NOW), Some(NOW), "what a crash left is destroyed at once");
        key.draft = Some(Draft::Making(NOW));
        assert_eq!(next_due(&key, NOW), Some(NOW), "and what is half made is watched");
    }

    #[test]
    fn a_key_has_one_entry() {
        let mut diary = Diary::default();
        let mut key = record("1");
        for days in [30, 7, 20] {
            key.deletion = Some(Deletion { at: Some(NOW.plus(days)), window: 7 });
            diary.note(&key, NOW);
        }
        assert!(diary.take_due(NOW.plus(19)).is_empty());
        assert_eq!(diary.take_due(NOW.plus(20)), [key.arn()]);
        assert!(diary.take_due(NOW.plus(100)).is_empty());
        key.deletion = None;
        diary.remind(key.arn(), NOW.plus(3));
        diary.remind(key.arn(), NOW.plus(1));
        diary.remind(key.arn(), NOW.plus(2));
        assert_eq!(diary.take_due(NOW.plus(1)), [key.arn()]);
        assert!(diary.take_due(NOW.plus(100)).is_empty());
    }
}
