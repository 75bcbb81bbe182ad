//! The Condition element: all of its lines must hold (IAM guide, "Condition" and "Multivalued context keys").

use std::borrow::Cow;

use super::key::Named;
use super::operator::{Family, OPERATORS, Operand};
use super::pattern::Variables;

/// The `Condition` of a statement; empty holds.
#[derive(Debug, Default)]
pub(super) struct Conditions {
    pub(super) lines: Vec<Line>,
}

/// What conditions ask: the values of keys.
pub(super) trait Answers: Variables {
    /// All values of `key`; none if the request doesn't have it.
    fn all(&self, key: &Named) -> Vec<Cow<'_, str>>;

    /// The same as what variables are read from.
    fn variables(&self) -> &dyn Variables;
}

/// One key of one operator, with the values it is compared with.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) operator: Operator,
    pub(super) key: Named,
    pub(super) operands: Vec<Operand>,
}

/// An operator as the policy wrote it: `ForAllValues:StringNotEqualsIfExists`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Operator {
    pub(super) family: Family,
    negated: bool,
    if_exists: bool,
    values: Values,
}

/// How many of the request's values must hold.
#[derive(Clone, Copy, Debug)]
enum Values {
    /// The key has one; of several, any may match, and a negated operator wants that none does.
    Single,
    /// `ForAllValues:`, which no value at all fulfils.
    All,
    /// `ForAnyValue:`, which needs one.
    Any,
}

impl Operator {
    /// Looks an operator up; `None` if there is no such.
    pub(super) fn parse(name: &str) -> Option<Self> {
        let (values, name) = match name.split_once(':') {
            Some(("ForAllValues", name)) => (Values::All, name),
            Some(("ForAnyValue", name)) => (Values::Any, name),
            Some(_) => return None,
            None => (Values::Single, name),
        };
        let (name, if_exists) = name.strip_suffix("IfExists").map_or((name, false), |name| (name, true));
        let (_, family, negated) = *OPERATORS.iter().find(|(known, ..)| *known == name)?;
        // Null is about existence itself.
        let plain = !if_exists && matches!(values, Values::Single);
        (plain || !matches!(family, Family::Null)).then_some(Self { family, negated, if_exists, values })
    }
}

impl Conditions {
    /// Whether every line holds.
    pub(super) fn hold(&self, answers: &dyn Answers) -> bool {
        self.lines.iter().all(|line| line.holds(answers))
    }
}

impl Line {
    fn holds(&self, answers: &dyn Answers) -> bool {
        let values = answers.all(&self.key);
        if values.is_empty() {
            return self.holds_without_value();
        }
        let matches =
            |value: &Cow<'_, str>| self.operands.iter().any(|o| o.matches(value, answers.variables()));
        let negated = self.operator.negated;
        match self.operator.values {
            Values::Single => values.iter().any(matches) != negated,
            Values::All => values.iter().all(|value| matches(value) != negated),
            Values::Any => values.iter().any(|value| matches(value) != negated),
        }
    }

    /// The key is missing: a comparison fails, its negation holds, and the prefixes and suffixes say otherwise.
    fn holds_without_value(&self) -> bool {
        let absent = self.operands.iter().any(|operand| matches!(operand, Operand::Null(true)));
        match self.operator.values {
            _ if absent || self.operator.if_exists => true,
            Values::Single => self.operator.negated,
            Values::All => true,
            Values::Any => false,
        }
    }
}
