//! What is said over `admin.sock`, in JSON.

use super::report::{ClusterReport, Id};
use serde::{Deserialize, Serialize};

/// What is asked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Request {
    /// What is known of the cluster.
    Status,
    /// Remove a member.
    Remove {
        /// Its id.
        id: Id,
    },
}

/// What is answered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Answer {
    /// To [`Request::Status`].
    Status(ClusterReport),
    /// To [`Request::Remove`]: it is no member any more.
    Removed,
    /// It was not done, and why.
    Refused(String),
}
