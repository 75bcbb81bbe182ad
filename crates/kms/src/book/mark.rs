//! A front's mark: what it has made and removed lately, for the other fronts on the token to read.

use std::collections::{HashMap, VecDeque};

use serde::{Deserialize, Serialize};

/// How many changes a mark tells. Who looks less often than that walks all objects; about 5 kB are written with each change.
const TOLD: usize = 64;

/// The mark of one front.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// Which front's it is, from its start to its end: random.
    pub life: String,
    /// How many records the front has made or removed.
    at: u64,
    /// The names of the last of them.
    names: VecDeque<String>,
}

/// How many changes of each other front are known, by its life.
#[derive(Debug, PartialEq, Eq)]
pub struct Seen(HashMap<String, u64>);

impl Mark {
    /// Of a front that has changed nothing yet.
    pub fn new(life: String) -> Self {
        Self { life, at: 0, names: VecDeque::new() }
    }

    /// From what a mark holds. One that can't be read tells nothing but that it is another than before.
    pub fn read(bytes: &[u8]) -> Self {
        serde_json::from_slice(bytes).unwrap_or_else(|_| Self { at: 1, ..Self::new(hex::encode(bytes)) })
    }

    /// One change more, to the record of that name.
    pub fn tell(&mut self, name: &str) {
        self.at = self.at.saturating_add(1);
        self.names.push_back(name.to_owned());
        if self.names.len() > TOLD {
            self.names.pop_front();
        }
    }

    /// The names of the changes after the first `known`; none if the mark doesn't tell all of them any more.
    fn since(&self, known: u64) -> Option<impl Iterator<Item = &String>> {
        let new = usize::try_from(self.at.checked_sub(known)?).ok()?;
        let before = self.names.len().checked_sub(new)?;
        Some(self.names.iter().skip(before))
    }
}

impl Seen {
    /// What `marks` tell is known from now on.
    pub fn of(marks: &[Mark]) -> Self {
        let mut seen = HashMap::new();
        for mark in marks {
            let at: &mut u64 = seen.entry(mark.life.clone()).or_default();
            *at = mark.at.max(*at);
        }
        Self(seen)
    }

    /// The names of the records that were made or removed since; none if the marks don't tell all: one has gone, or tells too few.
    pub fn news(&self, marks: &[Mark]) -> Option<Vec<String>> {
        if !self.0.keys().all(|life| marks.iter().any(|mark| mark.life == *life)) {
            return None;
        }
        let mut names = Vec::new();
        for mark in marks {
            let known = self.0.get(&mark.life).copied().unwrap_or(0);
            // A token that lets no value be changed has an older mark beside the newer for a moment.
            if mark.at > known {
                names.extend(mark.since(known)?.cloned());
            }
        }
        names.sort_unstable();
        names.dedup();
        Some(names)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(life: &str, changes: usize) -> Mark {
        let mut mark = Mark::new(life.to_owned());
        (0..changes).for_each(|change| mark.tell(&format!("{life}{change}")));
        Mark::read(&serde_json::to_vec(&mark).unwrap())
    }

    fn news(seen: &[Mark], marks: &[Mark]) -> Option<Vec<String>> {
        Seen::of(seen).news(marks)
    }

    #[test]
    fn a_mark_tells_what_its_front_has_changed_since_it_was_read() {
        let seen = [mark("a", 3), mark("b", 100)];
        assert_eq!(news(&seen, &seen), Some(vec![]));
        let marks = [mark("a", 5), mark("b", 101), mark("c", 1)];
        assert_eq!(news(&seen, &marks).unwrap(), ["a3", "a4", "b100", "c0"]);
        let both = [mark("a", 4), mark("a", 3), mark("b", 100)];
        assert_eq!(news(&seen, &both).unwrap(), ["a3"], "the older of two marks of a front says nothing new");
    }

    #[test]
    fn what_marks_do_not_tell_is_not_taken_for_nothing() {
        let all = u64::try_from(TOLD).unwrap();
        assert_eq!(news(&[mark("a", 3)], &[mark("a", TOLD + 3)]).map(|names| names.len() as u64), Some(all));
        assert_eq!(news(&[mark("a", 3)], &[mark("a", TOLD + 4)]), None, "it tells too few");
        assert_eq!(news(&[], &[mark("a", TOLD + 1)]), None);
        assert_eq!(news(&[mark("a", 3)], &[]), None, "a front has gone: nobody tells what it did last");
        let odd = [Mark::read(b"\x01\x02")];
        assert_eq!(news(&odd, &odd), Some(vec![]));
        assert_eq!(news(&odd, &[Mark::read(b"\x03\x04")]), None);
        assert_eq!(news(&[], &odd), None);
    }
}
