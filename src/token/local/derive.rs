//! Derived keys: what `C_DeriveKey` makes, from one key or from several, of which the first is the base.

use super::LocalToken;
use super::access::Act;
use super::make::{complete, imposed, key_error, needs_no_pin, new_object, secret_base, wanted};
use super::object::LocalObject;
use super::operate::Working;
use super::ticket::Known;
use crate::attribute::{Attributes, Bytes, Value};
use crate::error::{Error, Result};
use crate::mechanism::{Heritage, Key, Mechanism, Wanted};
use crate::object::template::{self, Fixed, Mould, Origin};
use crate::token::{Caller, DerivedKeys, ObjectRef};
use cryptoki_sys as ck;
use std::borrow::Cow;
use std::sync::Arc;

impl LocalToken {
    pub(super) fn derive_keys(
        &self,
        caller: Caller<'_>,
        mechanism: &Mechanism,
        keys: &[ObjectRef],
        templates: &[Attributes],
    ) -> Result<DerivedKeys> {
        self.admit(mechanism)?;
        let known = self.recognize(caller)?;
        if keys.len() != mechanism.params.keys().len() + 1 {
            return Err(Error::KeyHandleInvalid);
        }
        let open = |key| self.reach(known, Act::Use, key).map_err(key_error);
        let opened = keys.iter().map(open).collect::<Result<Vec<_>>>()?;
        let sources: Vec<&LocalObject> = opened.iter().map(|opened| &**opened).collect();
        let base = *sources.first().ok_or(Error::KeyHandleInvalid)?;
        for source in &sources {
            Working::new(source, mechanism).check(ck::CKF_DERIVE, ck::CKA_DERIVE).map_err(key_error)?;
            needs_no_pin(source)?;
        }
        let family = mechanism.row.family;
        let origin = origin(&sources);
        let begun = family
            .plan(&mechanism.params, templates)?
            .iter()
            .map(|template| {
                let template = imposed(base, ck::CKA_DERIVE_TEMPLATE, Cow::Borrowed(template))?;
                self.start(origin, known, inherited(family.heritage(), &sources, template)?)
            })
            .collect::<Result<Vec<_>>>()?;
        let wanted = begun.iter().map(|(_, wanted)| *wanted).collect::<Vec<_>>();
        let keys = sources.iter().map(|source| source.key()).collect::<Result<Vec<Key<'_>>>>()?;
        let derived = family.derive_all(&keys, &mechanism.params, &wanted)?;
        if derived.values.len() != begun.len() {
            return Err(Error::FunctionFailed);
        }
        let mut objects = begun
            .into_iter()
            .zip(derived.values)
            .map(|((mould, _), value)| new_object(known, complete(&mould, value_of(value))?))
            .collect::<Result<Vec<_>>>()?;
        self.keep(known, &mut objects)?;
        Ok(DerivedKeys {
            keys: objects.into_iter().map(LocalObject::reference).collect(),
            told: derived.told,
        })
    }

    /// Checks the template of one key to be derived, before anything is computed. A data object is made where the mechanism's plan says
    /// so; it has no length to be given, but the mechanism must know one.
    fn start(
        &self,
        origin: Origin,
        known: Known<'_>,
        template: Cow<'_, Attributes>,
    ) -> Result<(Arc<Mould>, Wanted)> {
        if template.ulong(ck::CKA_CLASS) == Some(ck::CKO_DATA) {
            let mut data = template.into_owned();
            let length = data.ulong(ck::CKA_VALUE_LEN);
            data.remove(ck::CKA_VALUE_LEN);
            data.remove(ck::CKA_KEY_TYPE);
            let mould = self.mould(origin, known, Fixed::default(), &data)?;
            let length = length.map(usize::try_from).transpose().map_err(|_| Error::AttributeValueInvalid)?;
            return Ok((mould, Wanted { key_type: ck::CKK_GENERIC_SECRET, length }));
        }
        let mould = self.mould(origin, known, secret_base(&template), &template)?;
        let wanted = wanted(mould.given())?;
        Ok((mould, wanted))
    }
}

/// What a derivation contributes to one key, or data object. The schema knows the lengths that a value may have.
fn value_of(value: Bytes) -> Attributes {
    let length = Value::Ulong(value.len() as u64);
    let made = [(ck::CKA_VALUE, Value::Bytes(value)), (ck::CKA_VALUE_LEN, length)];
    made.into_iter().collect()
}

/// What all the keys together tell of the past of one derived from them.
fn origin(sources: &[&LocalObject]) -> Origin {
    Origin::Derive {
        always_sensitive: sources.iter().all(|key| key.is_true(ck::CKA_ALWAYS_SENSITIVE)),
        never_extractable: sources.iter().all(|key| key.is_true(ck::CKA_NEVER_EXTRACTABLE)),
    }
}

/// The template with what the key takes over from those it comes from; `TemplateInconsistent` if it wants the contrary.
fn inherited<'a>(
    heritage: Heritage,
    sources: &[&LocalObject],
    mut template: Cow<'a, Attributes>,
) -> Result<Cow<'a, Attributes>> {
    let sensitive = sources.iter().any(|key| key.is_true(ck::CKA_SENSITIVE));
    let extractable = sources.iter().all(|key| key.is_true(ck::CKA_EXTRACTABLE));
    match heritage {
        Heritage::Free => Ok(template),
        Heritage::Default => {
            for (kind, value) in [(ck::CKA_SENSITIVE, sensitive), (ck::CKA_EXTRACTABLE, extractable)] {
                if !template.contains(kind) {
                    template.to_mut().set(kind, value);
                }
            }
            Ok(template)
        }
        Heritage::Closed => {
            let sensitive = sensitive.then_some((ck::CKA_SENSITIVE, true));
            let closed = (!extractable).then_some((ck::CKA_EXTRACTABLE, false));
            template::impose(&sensitive.into_iter().chain(closed).collect(), template)
        }
        Heritage::Same => {
            let both = [(ck::CKA_SENSITIVE, sensitive), (ck::CKA_EXTRACTABLE, extractable)];
            template::impose(&both.into_iter().collect(), template)
        }
    }
}
