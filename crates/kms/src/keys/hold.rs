//! A key's record in one pair of hands: read under its latch, changed step by step, each step kept in the token.
//!
//! Objects in the HSM come and go by the same three steps everywhere, so that none is ever there unknown: the record notes it as loose; the HSM
//! makes or destroys it; the record takes it up as material or forgets it. Whoever holds the latch and finds a loose object destroys it.

use cryptoki::object::{Attribute, AttributeType, ObjectClass, ObjectHandle};

use super::arn::KeyArn;
use super::create::random;
use super::record::KeyRecord;
use crate::book::{Kept, Latch, label};
use crate::hsm::Token;
use crate::hsm::error::{Result, Trouble};
use crate::service::Service;

impl KeyArn {
    /// The name of the key's record.
    pub fn label(&self) -> String {
        label::key(&self.account, &self.region, &self.id)
    }

    /// What is latched while the key changes: its own name, or that of its family if it is a multi-Region key.
    pub fn latch_name(&self) -> String {
        if self.id.starts_with("mrk-") { label::family(&self.account, &self.id) } else { self.label() }
    }

    /// The same key in another Region.
    pub fn in_region(&self, region: &str) -> Self {
        Self { region: region.to_owned(), ..self.clone() }
    }
}

/// A record that nobody else changes meanwhile.
pub struct Held<'a> {
    service: &'a Service,
    latch: Latch<'a>,
    object: ObjectHandle,
    /// As the token has it.
    kept: KeyRecord,
    /// As it is to be: [`Held::keep`] writes it.
    pub record: KeyRecord,
}

impl Service {
    /// Waits for the key's latch and reads its record, a draft too. None if there is no such record.
    pub fn hold(&self, arn: &KeyArn) -> Result<Option<Held<'_>>> {
        let latch = self.book.latch(&arn.latch_name())?;
        let kept = self.book.read::<KeyRecord>(&arn.label())?;
        Ok(kept.map(|Kept { value, object }| Held {
            service: self,
            latch,
            object,
            kept: KeyRecord::clone(&value),
            record: KeyRecord::clone(&value),
        }))
    }
}

impl Held<'_> {
    /// Writes the record as it is now; if it changed what the Regions of a family share, the others' records too, this one first.
    ///
    /// # Errors
    ///
    /// `Unreachable` if the latch was held for so long that others may have taken it; then nothing is written. Also if they have taken it while it was
    /// written: then either's change may hold.
    pub fn keep(&mut self) -> Result<()> {
        self.latch.still_held()?;
        let shared = self.record.shares_otherwise_than(&self.kept);
        if let Some(multi) = self.record.multi_region.as_mut().filter(|_| shared) {
            multi.revision = multi.revision.saturating_add(1);
        }
        self.object = self.service.book.replace(&self.record.label(), self.object, &self.record)?;
        self.kept = self.record.clone();
        self.service.house.note(&self.record, self.service.clock.now());
        self.latch.still_claimed()?;
        if !shared {
            return Ok(());
        }
        // If the others can't be told now, housekeeping will.
        self.tell_relatives()
            .inspect_err(|_| self.service.house.remind(self.record.arn(), self.service.clock.now()))
    }

    /// Removes the record.
    pub fn remove(self) -> Result<()> {
        self.latch.still_held()?;
        self.service.book.remove(&self.record.label(), self.object)
    }

    /// Changes the record of the same key in another Region, which this one's latch covers. Nothing happens if there is none.
    pub fn change_relative(&self, region: &str, change: impl FnOnce(&mut KeyRecord)) -> Result<()> {
        let label = self.record.arn().in_region(region).label();
        let Some(Kept { value, object }) = self.service.book.read::<KeyRecord>(&label)? else {
            return Ok(());
        };
        let mut record = KeyRecord::clone(&value);
        change(&mut record);
        if record == *value {
            return Ok(());
        }
        self.latch.still_held()?;
        self.service.book.replace(&label, object, &record)?;
        self.service.house.note(&record, self.service.clock.now());
        Ok(())
    }

    /// The records of the same key in other Regions.
    pub fn relatives(&self) -> Result<Vec<KeyRecord>> {
        self.service.relatives(&self.record)
    }

    /// Destroys what is loose, then notes a fresh object as loose: the HSM may make it now. Its CKA_ID, hexadecimal.
    pub fn announce(&mut self) -> Result<String> {
        self.destroy_loose()?;
        let object = hex::encode(random::<16>());
        self.record.loose.push(object.clone());
        self.keep()?;
        Ok(object)
    }

    /// The announced object was made: it is no longer loose. What takes it up must be kept with it.
    pub fn take_up(&mut self, object: &str) {
        self.record.loose.retain(|loose| loose != object);
    }

    /// Destroys in the HSM what is loose, and forgets it. A custom key store that can't be reached keeps what it has: AWS, too, only tries.
    pub fn destroy_loose(&mut self) -> Result<()> {
        if self.record.loose.is_empty() {
            return Ok(());
        }
        let home = self.service.token_of(&self.record)?;
        // What is loose in a record that others have changed since may be in use.
        self.latch.still_held()?;
        for object in &self.record.loose {
            match &home {
                Some(token) => destroy(token, object)?,
                None => {
                    tracing::warn!(key = %self.record.arn(), object, "a key stays behind in a custom key store that isn't connected")
                }
            }
        }
        self.record.loose.clear();
        self.keep()
    }

    /// After a failure: destroys what was being made, as well as can be. What is left, housekeeping finds.
    pub fn undo(&mut self) {
        self.record = self.kept.clone();
        if let Err(trouble) = self.destroy_loose() {
            tracing::warn!(key = %self.record.arn(), %trouble, "an object that was not taken up is destroyed later");
            self.service.house.note(&self.record, self.service.clock.now());
        }
    }

    /// Brings the records of a family together after a change that was cut short: the highest revision is right. Whether they were apart.
    pub fn heal(&mut self) -> Result<bool> {
        let relatives = self.relatives()?;
        let alive = || relatives.iter().filter(|relative| relative.draft.is_none());
        if !alive().any(|relative| relative.shares_otherwise_than(&self.record)) {
            return Ok(false);
        }
        match alive()
            .max_by_key(|relative| relative.revision())
            .filter(|newest| newest.revision() > self.record.revision())
        {
            Some(newest) => {
                self.record.adopt(newest);
                self.keep()?;
            }
            None => self.tell_relatives()?,
        }
        Ok(true)
    }

    fn tell_relatives(&self) -> Result<()> {
        let Some(multi) = &self.record.multi_region else { return Ok(()) };
        for region in multi.regions.iter().filter(|region| **region != self.record.region) {
            self.change_relative(region, |relative| relative.adopt(&self.record))?;
        }
        Ok(())
    }
}

/// Destroys every key with that CKA_ID, hexadecimal: both halves of a pair. None is fine.
pub fn destroy(token: &Token, object: &str) -> Result<()> {
    let id = hex::decode(object).map_err(|_| Trouble::Other("a record names no object id".to_owned()))?;
    for found in token.find_any(&[Attribute::Id(id.clone())])? {
        if is_key(token, found)? {
            match token.with(|session| session.destroy_object(found)) {
                Ok(()) | Err(Trouble::NoObject) => {}
                Err(trouble) => return Err(trouble),
            }
        }
    }
    Ok(())
}

fn is_key(token: &Token, object: ObjectHandle) -> Result<bool> {
    let attributes = match token.with(|session| session.get_attributes(object, &[AttributeType::Class])) {
        Err(Trouble::NoObject) => return Ok(false),
        result => result?,
    };
    let keys = [ObjectClass::SECRET_KEY, ObjectClass::PRIVATE_KEY, ObjectClass::PUBLIC_KEY];
    Ok(attributes
        .iter()
        .any(|attribute| matches!(attribute, Attribute::Class(class) if keys.contains(class))))
}
