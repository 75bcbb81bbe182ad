//! Which records there are: the names of all, sorted, for lists and counts.
//!
//! PKCS#11 can't list by the beginning of a name, so a front walks all data objects once and remembers their names. What it adds and removes
//! itself it notes at once. What others do it learns from their marks: each front keeps one record of its own, to which it gives a new
//! random value whenever it has made a record or removed one. While the others' marks stand still, so does the list; after one has moved, the
//! objects are walked again, and only those that weren't there before are asked for their name.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Bound;

use cryptoki::object::{Attribute, AttributeType, ObjectClass, ObjectHandle};
use zeroize::Zeroizing;

use super::label;
use super::records::{Book, made, template};
use crate::hsm::error::{Result, Trouble};

/// What a mark was when it was last looked at.
type Seen = HashMap<u64, Zeroizing<Vec<u8>>>;

/// The names of all records.
#[derive(Default)]
pub struct Directory {
    /// This front's own mark.
    own: Option<ObjectHandle>,
    /// The others' marks at the last walk; none before the first.
    seen: Option<Seen>,
    /// Each name, and how many objects share it (the grants of a key do).
    names: BTreeMap<String, usize>,
    /// How many names each folder has: what they begin with, up to the last slash.
    folders: HashMap<String, usize>,
    known: HashMap<u64, Option<String>>,
}

impl Directory {
    fn note(&mut self, name: &str, object: ObjectHandle) {
        if self.known.insert(object.handle(), Some(name.to_owned())).is_none() {
            self.enter(name);
        }
    }

    fn enter(&mut self, name: &str) {
        let count = self.names.entry(name.to_owned()).or_default();
        *count += 1;
        if *count == 1 {
            *self.folders.entry(folder(name).to_owned()).or_default() += 1;
        }
    }

    fn forget(&mut self, name: &str, object: ObjectHandle) {
        if self.known.remove(&object.handle()).is_none() {
            return;
        }
        if let Some(count) = self.names.get_mut(name) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.names.remove(name);
                if let Some(names) = self.folders.get_mut(folder(name)) {
                    *names = names.saturating_sub(1);
                }
            }
        }
    }
}

impl Book {
    /// Up to `limit` names that begin with `prefix`, in order, after the name `after`.
    pub fn names(&self, prefix: &str, after: Option<&str>, limit: usize) -> Result<Vec<String>> {
        let mut directory = self.directory.lock();
        self.bring_up(&mut directory)?;
        Ok(range(&directory, prefix, after).take(limit).cloned().collect())
    }

    /// How many names begin with `prefix`.
    pub fn count(&self, prefix: &str) -> Result<usize> {
        let mut directory = self.directory.lock();
        self.bring_up(&mut directory)?;
        Ok(range(&directory, prefix, None).count())
    }

    /// How many names are in a folder (`kms/key/<account>/<region>/`), not counting those in folders below. It takes as long with many as with few.
    pub fn count_in(&self, folder: &str) -> Result<usize> {
        let mut directory = self.directory.lock();
        self.bring_up(&mut directory)?;
        Ok(directory.folders.get(folder).copied().unwrap_or(0))
    }

    /// Notes a record that this front has made, and tells the others.
    pub(super) fn came(&self, name: &str, object: ObjectHandle) -> Result<()> {
        let mut directory = self.directory.lock();
        directory.note(name, object);
        self.move_mark(&mut directory)
    }

    /// Notes a record that this front has removed, and tells the others.
    pub(super) fn went(&self, name: &str, object: ObjectHandle) -> Result<()> {
        let mut directory = self.directory.lock();
        directory.forget(name, object);
        self.move_mark(&mut directory)
    }

    /// Removes this front's mark, when it stops in good order.
    pub fn leave(&self) -> Result<()> {
        match self.directory.lock().own.take() {
            Some(own) => self.token().with(|session| session.destroy_object(own)),
            None => Ok(()),
        }
    }

    fn move_mark(&self, directory: &mut Directory) -> Result<()> {
        let fresh = self.token().with(|session| session.generate_random_vec(16))?;
        if let Some(own) = directory.own.take() {
            match self
                .token()
                .with(|session| session.update_attributes(own, &[Attribute::Value(fresh.clone())]))
            {
                Ok(()) => {
                    directory.own = Some(own);
                    return Ok(());
                }
                // A token that lets no value be changed gets another mark.
                Err(Trouble::Fixed) => self.token().with(|session| session.destroy_object(own))?,
                Err(Trouble::NoObject) => {}
                Err(trouble) => return Err(trouble),
            }
        }
        let attributes = made(label::MARK, &fresh);
        directory.own = Some(self.token().with(|session| session.create_object(&attributes))?);
        Ok(())
    }

    /// The marks are read before the walk: what comes in between is seen now and once more, never not at all.
    fn bring_up(&self, directory: &mut Directory) -> Result<()> {
        let marks = self.others(directory)?;
        if directory.seen.as_ref() != Some(&marks) {
            self.walk(directory)?;
            directory.seen = Some(marks);
        }
        Ok(())
    }

    fn others(&self, directory: &Directory) -> Result<Seen> {
        let template = template(label::MARK);
        let mut marks = Seen::new();
        for object in self.token().find(&template)? {
            if Some(object) != directory.own
                && let Some(value) = self.value(object)?
            {
                marks.insert(object.handle(), value);
            }
        }
        Ok(marks)
    }

    fn walk(&self, directory: &mut Directory) -> Result<()> {
        let template = [
            Attribute::Class(ObjectClass::DATA),
            Attribute::Application(label::APPLICATION.as_bytes().to_vec()),
        ];
        let objects = self.token().find(&template)?;
        let there: HashSet<u64> = objects.iter().map(|object| object.handle()).collect();
        directory.known.retain(|object, _| there.contains(object));
        for object in objects {
            if let Entry::Vacant(unknown) = directory.known.entry(object.handle()) {
                unknown.insert(self.name(object)?);
            }
        }
        directory.names.clear();
        directory.folders.clear();
        let names: Vec<String> = directory.known.values().flatten().cloned().collect();
        names.iter().for_each(|name| directory.enter(name));
        Ok(())
    }

    fn name(&self, object: ObjectHandle) -> Result<Option<String>> {
        let attributes =
            match self.token().with(|session| session.get_attributes(object, &[AttributeType::Label])) {
                Ok(attributes) => attributes,
                Err(Trouble::NoObject) => return Ok(None),
                Err(trouble) => return Err(trouble),
            };
        Ok(attributes.into_iter().find_map(|attribute| match attribute {
            Attribute::Label(label) => {
                String::from_utf8(label).ok().filter(|label| label.starts_with(label::PREFIX))
            }
            _ => None,
        }))
    }
}

fn folder(name: &str) -> &str {
    name.rfind('/').and_then(|slash| name.get(..=slash)).unwrap_or_default()
}

fn range<'a>(
    directory: &'a Directory,
    prefix: &'a str,
    after: Option<&str>,
) -> impl Iterator<Item = &'a String> {
    let from = match after {
        Some(after) if after >= prefix => Bound::Excluded(after.to_owned()),
        _ => Bound::Included(prefix.to_owned()),
    };
    directory
        .names
        .range::<String, _>((from, Bound::Unbounded))
        .map(|(name, _)| name)
        .take_while(move |name| name.starts_with(prefix))
}
