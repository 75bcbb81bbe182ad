//! Policy documents: what a text says, compiled for evaluation.

use crate::api::error::Result;

use super::condition::Conditions;
use super::pattern::{Case, NoVariables, Pattern, Variables};
use super::principal::Principals;
use super::reader;

/// The longest key policy, in bytes (KMS guide, "Quotas").
pub const MAX_KEY_POLICY: usize = 32_768;

/// A policy, parsed. Immutable: keep it in an `Arc`.
#[derive(Debug)]
pub struct Document {
    text: String,
    statements: Vec<Statement>,
}

impl Document {
    /// Parses a key policy: every statement has principals, and `Resource` is the key, mostly as `*`.
    ///
    /// `MalformedPolicyDocumentException` if it isn't one, `LimitExceededException` if it is longer than [`MAX_KEY_POLICY`].
    pub fn parse(text: &str) -> Result<Self> {
        let statements = reader::key_policy(text)?;
        Ok(Self { text: text.to_owned(), statements })
    }

    /// Parses an identity policy: the principal is whoever it is attached to.
    pub fn parse_identity(text: &str) -> Result<Self> {
        let statements = reader::identity_policy(text)?;
        Ok(Self { text: text.to_owned(), statements })
    }

    /// The text as it was put.
    pub fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn statements(&self) -> &[Statement] {
        &self.statements
    }
}

/// What a statement does when it applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    Allow,
    Deny,
}

/// One statement.
#[derive(Debug)]
pub(super) struct Statement {
    pub(super) effect: Effect,
    /// `None` in identity policies.
    pub(super) principals: Option<Principals>,
    pub(super) actions: Selection,
    pub(super) resources: Selection,
    pub(super) conditions: Conditions,
}

/// `Action` or `NotAction`, `Resource` or `NotResource`.
#[derive(Debug)]
pub(super) enum Selection {
    Any(Vec<Pattern>),
    AllBut(Vec<Pattern>),
}

impl Selection {
    /// Whether an action is selected; case doesn't matter.
    pub(super) fn has_action(&self, action: &str) -> bool {
        self.has(action, Case::Ignored, &NoVariables)
    }

    /// Whether a resource is selected; the ARNs may hold variables.
    pub(super) fn has_resource(&self, arn: &str, variables: &dyn Variables) -> bool {
        self.has(arn, Case::Matters, variables)
    }

    fn has(&self, text: &str, case: Case, variables: &dyn Variables) -> bool {
        let listed = |list: &[Pattern]| list.iter().any(|pattern| pattern.matches(text, case, variables));
        match self {
            Selection::Any(list) => listed(list),
            Selection::AllBut(list) => !listed(list),
        }
    }
}
