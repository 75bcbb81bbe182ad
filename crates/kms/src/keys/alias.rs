//! Aliases: names that point to keys of the same account and Region.

use serde::{Deserialize, Serialize};

use crate::clock::Moment;

/// What is remembered of an alias.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AliasRecord {
    /// The name, with `alias/`.
    pub name: String,
    /// The id of the key it points to.
    pub target: String,
    /// When it was made.
    pub created: Moment,
    /// When it was last pointed elsewhere.
    pub updated: Moment,
}
