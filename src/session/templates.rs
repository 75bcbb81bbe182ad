//! Templates of keys read lately: who makes many keys makes most of them by the same one, and it need not be read again.

use crate::attribute::{AttributeType, Attributes, Value};
use crate::object::schema;
use crate::ring::Ring;
use crate::token::Template;
use parking_lot::RwLock;
use std::ops::Deref;
use std::sync::Arc;

/// Templates kept at most.
const MOST: usize = 8;

/// Bytes of the longest template that is kept.
const LONGEST: u64 = 1 << 12;

/// A template that was read.
pub struct KnownTemplate {
    template: Template,
    /// Where each attribute of the caller's, in its order, stands in it; `None`: it is not to be kept.
    places: Option<Vec<u8>>,
}

/// Templates by what a caller has written. None holds a secret.
#[derive(Default)]
pub struct Templates(RwLock<Ring<Arc<KnownTemplate>, MOST>>);

/// The templates that a session used last: a secret key's or a public one's, and a private one's. They are known again without a lock, and taken out while
/// they are in use.
#[derive(Default)]
pub(super) struct LastTemplates([Option<Arc<KnownTemplate>>; 2]);

impl Templates {
    /// The template of a caller who has written `count` attributes, if it is known. `says`: whether its attribute of this index has
    /// this type and value.
    pub fn find(
        &self,
        count: usize,
        says: impl Fn(usize, AttributeType, &Value) -> bool,
    ) -> Option<Arc<KnownTemplate>> {
        self.0.read().iter().find(|known| known.is_written(count, &says)).cloned()
    }

    /// Keeps a template whose attributes have been written in this order, if each was written once and all are anybody's to keep.
    pub fn keep(
        &self,
        template: Attributes,
        order: impl Iterator<Item = AttributeType>,
    ) -> Arc<KnownTemplate> {
        let secret = template.iter().any(|(kind, _)| schema::may_be_secret(kind));
        let places = if secret || template.size() > LONGEST { None } else { places_of(&template, order) };
        let known = Arc::new(KnownTemplate { template: template.into(), places });
        if known.places.is_some() {
            self.0.write().keep(known.clone());
        }
        known
    }

    /// Forgets all.
    pub fn clear(&self) {
        *self.0.write() = Ring::default();
    }
}

impl LastTemplates {
    /// Takes the one of this place out, if it is what a caller has written.
    pub fn take(
        &mut self,
        place: usize,
        count: usize,
        says: impl Fn(usize, AttributeType, &Value) -> bool,
    ) -> Option<Arc<KnownTemplate>> {
        self.0[place].take_if(|known| known.is_written(count, says))
    }

    /// Puts one there, if it may be kept.
    pub fn put(&mut self, place: usize, template: Arc<KnownTemplate>) {
        if template.places.is_some() {
            self.0[place] = Some(template);
        }
    }
}

impl Deref for KnownTemplate {
    type Target = Template;
    fn deref(&self) -> &Template {
        &self.template
    }
}

impl KnownTemplate {
    fn is_written(&self, count: usize, says: impl Fn(usize, AttributeType, &Value) -> bool) -> bool {
        let Some(places) = &self.places else { return false };
        let is_said = |(index, place): (usize, &u8)| {
            self.template.at(usize::from(*place)).is_some_and(|(kind, value)| says(index, kind, value))
        };
        // Templates that differ mostly do so in names, and those mostly come last.
        places.len() == count && places.iter().enumerate().rev().all(is_said)
    }
}

/// Where attributes of these types stand in the template, if they are all of it, each once.
fn places_of(template: &Attributes, order: impl Iterator<Item = AttributeType>) -> Option<Vec<u8>> {
    let mut places = Vec::with_capacity(template.len());
    for kind in order {
        places.push(u8::try_from(template.place_of(kind)?).ok()?);
    }
    let mut sorted = (0..=u8::MAX).take(template.len());
    let all = places.len() == template.len() && sorted.all(|place| places.contains(&place));
    all.then_some(places)
}

#[cfg(test)]
mod tests {
    use super::*;
    use cryptoki_sys as ck;

    /// What a caller has written.
    type Written<'a> = &'a [(AttributeType, Value)];

    fn find(templates: &Templates, written: Written<'_>) -> Option<Arc<KnownTemplate>> {
        templates.find(written.len(), |index, kind, value| written[index] == (kind, value.clone()))
    }

    fn keep(templates: &Templates, written: Written<'_>) -> Arc<KnownTemplate> {
        templates.keep(written.iter().cloned().collect(), written.iter().map(|(kind, _)| *kind))
    }

    fn label(text: &[u8]) -> (AttributeType, Value) {
        (ck::CKA_LABEL, Value::from(text))
    }

    const LENGTH: (AttributeType, Value) = (ck::CKA_VALUE_LEN, Value::Ulong(32));

    #[test]
    fn a_template_is_found_by_what_was_written_and_by_nothing_else() {
        let templates = Templates::default();
        let kept = keep(&templates, &[LENGTH, label(b"one")]);
        assert!(Arc::ptr_eq(&kept, &find(&templates, &[LENGTH, label(b"one")]).unwrap()));
        let others: [Written<'_>; 6] = [
            &[],
            &[LENGTH],
            &[label(b"one"), LENGTH],
            &[LENGTH, label(b"two")],
            &[LENGTH, LENGTH],
            &[LENGTH, label(b"one"), (ck::CKA_ID, Value::from(&b""[..]))],
        ];
        assert!(others.iter().all(|other| find(&templates, other).is_none()));
        templates.clear();
        assert!(find(&templates, &[LENGTH, label(b"one")]).is_none());
    }

    #[test]
    fn a_session_takes_its_last_template_out_when_it_is_written_again_and_only_then() {
        let (templates, mut last) = (Templates::default(), LastTemplates::default());
        let take = |last: &mut LastTemplates, place, written: Written<'_>| {
            last.take(place, written.len(), |index, kind, value| written[index] == (kind, value.clone()))
        };
        let (one, two) = (keep(&templates, &[LENGTH, label(b"one")]), keep(&templates, &[label(b"two")]));
        last.put(0, one.clone());
        last.put(1, two);
        assert!(take(&mut last, 0, &[LENGTH, label(b"two")]).is_none(), "another");
        assert!(take(&mut last, 1, &[LENGTH, label(b"one")]).is_none(), "in another place");
        let taken = take(&mut last, 0, &[LENGTH, label(b"one")]).unwrap();
        assert!(Arc::ptr_eq(&taken, &one));
        assert!(take(&mut last, 0, &[LENGTH, label(b"one")]).is_none(), "in use");
        last.put(0, taken);
        assert!(take(&mut last, 0, &[LENGTH, label(b"one")]).is_some());
        let secret: Written<'_> = &[(ck::CKA_VALUE, Value::from(&[7; 32][..]))];
        last.put(0, keep(&templates, secret));
        assert!(take(&mut last, 0, secret).is_none(), "nobody keeps secrets");
    }

    #[test]
    fn neither_secrets_nor_long_templates_nor_repetitions_are_kept() {
        let templates = Templates::default();
        let long = vec![b'a'; LONGEST as usize];
        let cases: [Written<'_>; 3] = [
            &[LENGTH, (ck::CKA_VALUE, Value::from(&[7; 32][..]))],
            &[LENGTH, label(&long)],
            &[LENGTH, LENGTH],
        ];
        for written in cases {
            keep(&templates, written);
            assert!(find(&templates, written).is_none());
        }
    }
}
