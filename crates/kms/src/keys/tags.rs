//! Tags.

use serde::{Deserialize, Serialize};

/// A tag on the wire.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs, reason = "the API model explains its members")]
pub struct Tag {
    pub tag_key: String,
    pub tag_value: String,
}
