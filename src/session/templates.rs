//! Templates of keys read lately: who makes many keys makes most of them by the same one, and it need not be read again.

use crate::attribute::{AttributeType, Attributes, Value};
use crate::object::schema;
use crate::ring::Ring;
use parking_lot::RwLock;
use std::sync::Arc;

/// Templates kept at most.
const MOST: usize = 8;

/// Bytes of the longest template that is kept.
const LONGEST: u64 = 1 << 12;

/// A template that was read.
struct Known {
    template: Arc<Attributes>,
    /// Where each attribute of the caller's, in its order, stands in it.
    places: Vec<u8>,
}

/// Templates by what a caller has written. None holds a secret.
#[derive(Default)]
pub struct Templates(RwLock<Ring<Known, MOST>>);

impl Templates {
    /// The template of a caller who has written `count` attributes, if it is known. `says`: whether its attribute of this index has
    /// this type and value.
    pub fn find(
        &self,
        count: usize,
        says: impl Fn(usize, AttributeType, &Value) -> bool,
    ) -> Option<Arc<Attributes>> {
        let ring = self.0.read();
        let found = ring.iter().find(|known| known.is_written(count, &says))?;
        Some(found.template.clone())
    }

    /// Keeps a template whose attributes have been written in this order, if each was written once and all are anybody's to keep.
    pub fn keep(&self, template: &Arc<Attributes>, order: impl Iterator<Item = AttributeType>) {
        let secret = template.iter().any(|(kind, _)| schema::may_be_secret(kind));
        if secret || template.size() > LONGEST {
            return;
        }
        if let Some(places) = places_of(template, order) {
            self.0.write().keep(Known { template: template.clone(), places });
        }
    }

    /// Forgets all.
    pub fn clear(&self) {
        *self.0.write() = Ring::default();
    }
}

impl Known {
    fn is_written(&self, count: usize, says: impl Fn(usize, AttributeType, &Value) -> bool) -> bool {
        let is_said = |(index, place): (usize, &u8)| {
            self.template.at(usize::from(*place)).is_some_and(|(kind, value)| says(index, kind, value))
        };
        // Templates that differ mostly do so in names, and those mostly come last.
        self.places.len() == count && self.places.iter().enumerate().rev().all(is_said)
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

    fn find(templates: &Templates, written: Written<'_>) -> Option<Arc<Attributes>> {
        templates.find(written.len(), |index, kind, value| written[index] == (kind, value.clone()))
    }

    fn keep(templates: &Templates, written: Written<'_>) -> Arc<Attributes> {
        let template = Arc::new(written.iter().cloned().collect());
        templates.keep(&template, written.iter().map(|(kind, _)| *kind));
        template
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
