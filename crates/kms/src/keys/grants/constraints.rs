//! Constraints: what must be true of a request besides, so that a grant allows it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::api::error::{Code, Result};
use crate::keys::record::KeyRecord;
use crate::policy::same_but_case;
use crate::service::Ask;

type Context = BTreeMap<String, String>;

/// How many pairs a constraint may have, and how long their values may be (API model, CreateGrant).
const PAIRS: usize = 8;
const VALUE: usize = 384;

/// The constraints of a grant.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
#[allow(missing_docs, reason = "the API model explains its members")]
pub struct Constraints {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encryption_context_subset: Option<Context>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encryption_context_equals: Option<Context>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_arn: Option<String>,
}

impl Constraints {
    /// The name of the encryption context constraint, for `kms:GrantConstraintType`.
    pub fn kind(&self) -> Option<&'static str> {
        match self.on_context() {
            Some(OnContext::Subset(_)) => Some("EncryptionContextSubset"),
            Some(OnContext::Equals(_)) => Some("EncryptionContextEquals"),
            None => None,
        }
    }

    /// Refuses what can't be held against requests for `key`.
    pub fn check(&self, key: &KeyRecord) -> Result<()> {
        let invalid = |text: String| Err(Code::ValidationException.because(text));
        if self.encryption_context_subset.is_some() && self.encryption_context_equals.is_some() {
            return invalid("More than one constraint supplied".to_owned());
        }
        let Some(OnContext::Subset(pairs) | OnContext::Equals(pairs)) = self.on_context() else {
            return Ok(());
        };
        if !key.spec.is_symmetric() {
            return invalid(format!(
                "Encryption context constraints are not supported for grants of {} keys",
                key.spec.name
            ));
        }
        if pairs.len() > PAIRS {
            return invalid(format!(
                "A grant constraint can include at most {PAIRS} encryption context pairs"
            ));
        }
        if pairs.values().any(|value| value.chars().count() > VALUE) {
            return invalid(format!(
                "An encryption context value in a grant constraint can have at most {VALUE} characters"
            ));
        }
        Ok(())
    }

    /// Whether they are true of what is asked.
    pub fn hold(&self, ask: &Ask) -> bool {
        let nothing = Context::new();
        let context = ask.context.unwrap_or(&nothing);
        match (ask.action, &self.source_arn) {
            ("RetireGrant", _) => true,
            // Nothing here is asked on behalf of another resource.
            (_, Some(_)) => false,
            ("DescribeKey", None) => true,
            (_, None) => match self.on_context() {
                None => true,
                Some(OnContext::Subset(pairs)) => includes(context, pairs),
                Some(OnContext::Equals(pairs)) => same(context, pairs),
            },
        }
    }

    /// Whether a grant with `others` is bound at least as closely.
    pub fn no_looser(&self, others: Option<&Self>) -> bool {
        let source = others.and_then(|others| others.source_arn.as_ref());
        if self.source_arn.is_some() && self.source_arn.as_ref() != source {
            return false;
        }
        match (self.on_context(), others.and_then(Self::on_context)) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(OnContext::Subset(own)), Some(OnContext::Subset(pairs) | OnContext::Equals(pairs))) => {
                includes(pairs, own)
            }
            (Some(OnContext::Equals(own)), Some(OnContext::Equals(pairs))) => same(pairs, own),
            (Some(OnContext::Equals(_)), Some(OnContext::Subset(_))) => false,
        }
    }

    fn on_context(&self) -> Option<OnContext<'_>> {
        match (&self.encryption_context_subset, &self.encryption_context_equals) {
            (Some(pairs), _) => Some(OnContext::Subset(pairs)),
            (None, Some(pairs)) => Some(OnContext::Equals(pairs)),
            (None, None) => None,
        }
    }
}

#[derive(Clone, Copy)]
enum OnContext<'a> {
    Subset(&'a Context),
    Equals(&'a Context),
}

/// Whether all `pairs` are in `context`. In constraints the case of keys doesn't count, that of values does (API model, GrantConstraints).
fn includes(context: &Context, pairs: &Context) -> bool {
    pairs.iter().all(|(key, value)| context.iter().any(|(k, v)| same_but_case(k, key) && v == value))
}

fn same(context: &Context, pairs: &Context) -> bool {
    context.len() == pairs.len() && includes(context, pairs) && includes(pairs, context)
}

#[cfg(test)]
mod tests {
    use super::*;

    type Pairs = &'static [(&'static str, &'static str)];

    fn context(pairs: &[(&str, &str)]) -> Context {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    fn equals(pairs: &[(&str, &str)]) -> Constraints {
        Constraints { encryption_context_equals: Some(context(pairs)), ..Constraints::default() }
    }

    fn subset(pairs: &[(&str, &str)]) -> Constraints {
        Constraints { encryption_context_subset: Some(context(pairs)), ..Constraints::default() }
    }

    #[test]
    fn k39_a_context_must_have_the_pairs_of_subset_and_no_others_for_equals() {
        let rows: &[(Constraints, Pairs, bool)] = &[
            (subset(&[("a", "b")]), &[("a", "b")], true),
            (subset(&[("a", "b")]), &[("a", "b"), ("c", "d")], true),
            (subset(&[("a", "b")]), &[("A", "b")], true),
            (subset(&[("a", "b")]), &[("a", "B")], false),
            (subset(&[("a", "b")]), &[("c", "d")], false),
            (subset(&[("a", "b")]), &[], false),
            (subset(&[]), &[("c", "d")], true),
            (equals(&[("a", "b")]), &[("a", "b")], true),
            (equals(&[("a", "b")]), &[("a", "b"), ("c", "d")], false),
            (equals(&[("a", "b"), ("c", "d")]), &[("a", "b")], false),
            (equals(&[]), &[], true),
            (equals(&[]), &[("a", "b")], false),
        ];
        for (constraints, pairs, expected) in rows {
            let context = context(pairs);
            let ask = Ask::to("Decrypt").context(Some(&context));
            assert_eq!(constraints.hold(&ask), *expected, "{constraints:?} of {pairs:?}");
        }
    }

    #[test]
    fn k39_a_source_that_no_request_has_is_never_met() {
        let constraints = Constraints { source_arn: Some("arn:aws:s3:::b".into()), ..Constraints::default() };
        assert!(!constraints.hold(&Ask::to("Decrypt")) && !constraints.hold(&Ask::to("DescribeKey")));
        assert!(constraints.hold(&Ask::to("RetireGrant")));
        assert!(!constraints.no_looser(None) && constraints.no_looser(Some(&constraints)));
    }

    #[test]
    fn k39_what_is_passed_on_is_bound_as_closely() {
        let (one, two) = (&[("a", "b")][..], &[("a", "b"), ("c", "d")][..]);
        let rows = [
            (subset(one), Some(subset(one)), true),
            (subset(one), Some(subset(two)), true),
            (subset(one), Some(equals(two)), true),
            (subset(two), Some(subset(one)), false),
            (subset(one), None, false),
            (equals(one), Some(equals(one)), true),
            (equals(one), Some(equals(two)), false),
            (equals(one), Some(subset(one)), false),
        ];
        for (own, passed_on, expected) in rows {
            assert_eq!(own.no_looser(passed_on.as_ref()), expected, "{own:?} to {passed_on:?}");
        }
    }
}
