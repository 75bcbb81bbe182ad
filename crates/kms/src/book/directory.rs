//! Which records there are: the names of all, sorted, for lists and counts.
//!
//! PKCS#11 can't list by the beginning of a name, so a front walks all data objects once and remembers their names. What it adds and removes
//! itself it notes at once, and tells the others by its [`Mark`], a record of its own. What they tell, it looks up name by name, so a change takes as long
//! with many records as with few. When marks don't tell all, the objects are walked again, and only those that weren't there before are
//! asked for their name.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Bound;
use std::time::{Duration, Instant};

use cryptoki::object::{Attribute, AttributeType, ObjectClass, ObjectHandle};

use super::label;
use super::mark::{Mark, Seen};
use super::records::{Book, made, template};
use crate::hsm::error::{Result, Trouble};

/// After so long, others' changes lead to a walk again: a front that died may have left what its mark doesn't tell.
const WALKED_AGAIN: Duration = Duration::from_secs(10 * 60);

/// The names of all records.
#[derive(Default)]
pub struct Directory {
    /// This front's own mark, and the object that holds it; none before the first change.
    own: Option<(Mark, Option<ObjectHandle>)>,
    /// What the others' marks have told, and when all objects were walked last; none before the first walk.
    seen: Option<(Seen, Instant)>,
    /// Each name, and the objects that share it (the grants of a key do).
    names: BTreeMap<String, HashSet<u64>>,
    /// How many names each folder has: what they begin with, up to the last slash.
    folders: HashMap<String, usize>,
    known: HashMap<u64, Option<String>>,
}

impl Directory {
    fn note(&mut self, name: &str, object: u64) {
        if self.known.insert(object, Some(name.to_owned())).is_none() {
            self.enter(name, object);
        }
    }

    fn enter(&mut self, name: &str, object: u64) {
        let objects = self.names.entry(name.to_owned()).or_default();
        objects.insert(object);
        if objects.len() == 1 {
            *self.folders.entry(folder(name).to_owned()).or_default() += 1;
        }
    }

    fn forget(&mut self, name: &str, object: u64) {
        if self.known.remove(&object).is_none() {
            return;
        }
        if let Some(objects) = self.names.get_mut(name) {
            objects.remove(&object);
            if objects.is_empty() {
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

    /// Walks all objects now, whatever the marks tell: claims are told by none.
    pub(super) fn walk_again(&self) -> Result<()> {
        let mut directory = self.directory.lock();
        directory.seen = None;
        self.bring_up(&mut directory)
    }

    /// Notes a record that this front has made, and tells the others.
    pub(super) fn came(&self, name: &str, object: ObjectHandle) -> Result<()> {
        let mut directory = self.directory.lock();
        directory.note(name, object.handle());
        self.tell(&mut directory, name)
    }

    /// Notes a record that this front has removed, and tells the others.
    pub(super) fn went(&self, name: &str, object: ObjectHandle) -> Result<()> {
        let mut directory = self.directory.lock();
        directory.forget(name, object.handle());
        self.tell(&mut directory, name)
    }

    /// Removes this front's mark, when it stops in good order.
    pub fn leave(&self) -> Result<()> {
        match self.directory.lock().own.take() {
            Some((_, Some(object))) => self.token().with(|session| session.destroy_object(object)),
            _ => Ok(()),
        }
    }

    /// What can't be told now is told with the next change.
    fn tell(&self, directory: &mut Directory, name: &str) -> Result<()> {
        let (mark, object) = match &mut directory.own {
            Some(own) => own,
            none => {
                let life = hex::encode(self.token().with(|session| session.generate_random_vec(16))?);
                none.insert((Mark::new(life), None))
            }
        };
        mark.tell(name);
        let bytes = self.bytes(label::MARK, &*mark)?;
        let older = match *object {
            None => None,
            Some(kept) => {
                let value = [Attribute::Value(bytes.to_vec())];
                match self.token().with(|session| session.update_attributes(kept, &value)) {
                    Ok(()) => return Ok(()),
                    // A token that lets no value be changed gets another mark, before the older goes.
                    Err(Trouble::Fixed) => Some(kept),
                    Err(Trouble::NoObject) => None,
                    Err(trouble) => return Err(trouble),
                }
            }
        };
        let attributes = made(label::MARK, &bytes);
        *object = Some(self.token().with(|session| session.create_object(&attributes))?);
        older.map_or(Ok(()), |older| self.token().with(|session| session.destroy_object(older)))
    }

    /// The marks are read before the objects: what comes in between is seen now and once more, never not at all.
    fn bring_up(&self, directory: &mut Directory) -> Result<()> {
        let marks = self.others(directory)?;
        let fresh = Seen::of(&marks);
        let walked = match &directory.seen {
            Some((seen, _)) if *seen == fresh => return Ok(()),
            Some((seen, walked)) if walked.elapsed() < WALKED_AGAIN => {
                seen.news(&marks).map(|names| (names, *walked))
            }
            _ => None,
        };
        let walked = match walked {
            Some((names, walked)) => {
                names.iter().try_for_each(|name| self.look_up(directory, name))?;
                walked
            }
            None => {
                let begun = Instant::now();
                self.walk(directory)?;
                begun
            }
        };
        directory.seen = Some((fresh, walked));
        Ok(())
    }

    fn others(&self, directory: &Directory) -> Result<Vec<Mark>> {
        let own = directory.own.as_ref().and_then(|(_, object)| *object);
        let template = template(label::MARK);
        let mut marks = Vec::new();
        for object in self.token().find(&template)? {
            if Some(object) != own
                && let Some(value) = self.value(object)?
            {
                marks.push(Mark::read(&value));
            }
        }
        Ok(marks)
    }

    /// Learns which objects have that name now.
    fn look_up(&self, directory: &mut Directory, name: &str) -> Result<()> {
        let objects = self.token().find(&template(name))?;
        let there: HashSet<u64> = objects.iter().map(|object| object.handle()).collect();
        let known = directory.names.get(name).into_iter().flatten();
        let gone: Vec<u64> = known.filter(|object| !there.contains(object)).copied().collect();
        gone.into_iter().for_each(|object| directory.forget(name, object));
        there.into_iter().for_each(|object| directory.note(name, object));
        Ok(())
    }

    fn walk(&self, directory: &mut Directory) -> Result<()> {
        // By the class alone: a token would open every object to find out whose application's it is, and once more to tell its name.
        let objects = self.token().find(&[Attribute::Class(ObjectClass::DATA)])?;
        let there: HashSet<u64> = objects.iter().map(|object| object.handle()).collect();
        directory.known.retain(|object, _| there.contains(object));
        for object in objects {
            if let Entry::Vacant(unknown) = directory.known.entry(object.handle()) {
                unknown.insert(self.name(object)?);
            }
        }
        directory.names.clear();
        directory.folders.clear();
        let known = directory.known.iter();
        let names: Vec<(u64, String)> =
            known.filter_map(|(object, name)| Some((*object, name.clone()?))).collect();
        names.iter().for_each(|(object, name)| directory.enter(name, *object));
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
