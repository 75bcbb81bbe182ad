//! What is remembered of a grant.

use serde::{Deserialize, Serialize};

use super::terms::Terms;
use crate::clock::Moment;

/// A grant as the token remembers it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct GrantRecord {
    /// The format, 1.
    pub format: u8,
    /// Its id: 64 hexadecimal digits.
    pub id: String,
    /// The name by which its maker recognises it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// When it was made.
    pub created: Moment,
    /// The account in which it was made.
    pub issuer: String,
    /// What it allows to whom.
    pub terms: Terms,
}
