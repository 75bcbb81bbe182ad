//! Templates checked lately: who makes many keys makes most of them by the same one.

use super::LocalToken;
use super::access::{self, Who};
use super::ticket::Known;
use crate::attribute::Attributes;
use crate::error::Result;
use crate::object::template::{Defaults, Fixed, Mould, Origin};
use cryptoki_sys as ck;
use parking_lot::RwLock;
use std::sync::Arc;

/// Moulds kept at most.
const MOST: usize = 8;

/// Bytes of the longest template that is kept.
const LONGEST: u64 = 1 << 12;

/// All that a mould depends on, but for the token's own settings.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Asked {
    origin: Origin,
    who: Who,
    fixed: Fixed,
}

struct Entry {
    asked: Asked,
    template: Attributes,
    mould: Arc<Mould>,
}

/// The moulds made last, and the place of the next.
#[derive(Default)]
struct Ring {
    entries: Vec<Entry>,
    next: usize,
}

/// Moulds by what was asked for. None was made of secrets.
#[derive(Default)]
pub(super) struct Moulds(RwLock<Ring>);

impl Moulds {
    fn find(&self, asked: Asked, template: &Attributes) -> Option<Arc<Mould>> {
        let ring = self.0.read();
        let found = ring.entries.iter().find(|entry| entry.asked == asked && entry.template == *template);
        found.map(|entry| entry.mould.clone())
    }

    /// Keeps one in the place of the eldest, unless its values are nobody's to keep, or it is not likely to be asked for again.
    fn keep(&self, asked: Asked, template: &Attributes, mould: &Arc<Mould>) {
        if asked.origin == Origin::Create || mould.has_secrets() || template.size() > LONGEST {
            return;
        }
        let entry = Entry { asked, template: template.clone(), mould: mould.clone() };
        let mut ring = self.0.write();
        let next = ring.next;
        ring.next = (next + 1) % MOST;
        match ring.entries.get_mut(next) {
            Some(place) => *place = entry,
            None => ring.entries.push(entry),
        }
    }

    /// Forgets all.
    pub fn clear(&self) {
        *self.0.write() = Ring::default();
    }
}

impl LocalToken {
    /// Checks a template, and whether the caller may make such an object at all, before anything is computed.
    pub(super) fn mould(
        &self,
        origin: Origin,
        known: Known<'_>,
        fixed: Fixed,
        template: &Attributes,
    ) -> Result<Arc<Mould>> {
        let asked = Asked { origin, who: known.who(), fixed };
        if let Some(mould) = self.moulds.find(asked, template) {
            return Ok(mould);
        }
        let defaults = Defaults { usage: self.settings.usage_default };
        let mould = Arc::new(Mould::new(origin, known.role(), defaults, fixed, template)?);
        let common = mould.common();
        access::check_making(known.who(), common.ulong(ck::CKA_CLASS), common.bool(ck::CKA_PRIVATE))?;
        self.moulds.keep(asked, template, &mould);
        Ok(mould)
    }
}
