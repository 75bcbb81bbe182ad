//! A node as a whole: founding a cluster, joining one, running.
//!
//! - [`start`]: a node's parts put together; [`run`]: one that runs until it is told to end
//! - [`found`] and [`join`]: how a node comes to be a member; [`Alone`]: one that goes on without all others
//! - `checks`: what is looked at before a node takes part; `probe`: whether the others answer; `files`: how many clients there is room for
//! - `hub`: what other nodes ask; `removal`: whether a member can go; `report`: what it says of itself; `keys`: how it comes by the cluster
//!   keys; `tasks`: what else it sees to by itself

mod alone;
mod checks;
mod files;
mod found;
mod hub;
mod join;
mod keys;
mod probe;
mod removal;
mod report;
mod run;
pub mod start;
mod tasks;

pub use alone::Alone;
pub use checks::known_members;
pub use found::found;
pub use join::join;
pub use probe::{Probed, probe};
pub use run::run;
pub use start::Node;

use crate::raft::types;

/// Why a node does not do what it was asked.
#[derive(Debug)]
pub enum NodeError {
    /// Its settings, its folder or the cluster it was sent to are not right: the text says what to do.
    Configuration(String),
    /// Something failed on the way.
    Failed(String),
}

impl NodeError {
    fn configuration(text: impl Into<String>) -> NodeError {
        NodeError::Configuration(text.into())
    }

    fn failed(what: &str, error: impl std::fmt::Display) -> NodeError {
        NodeError::Failed(format!("{what}: {error}"))
    }
}

impl std::fmt::Display for NodeError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            NodeError::Configuration(text) | NodeError::Failed(text) => f.write_str(text),
        }
    }
}

impl std::error::Error for NodeError {}

/// How other nodes reach the node with these settings.
fn address(settings: &crate::settings::Settings) -> types::Node {
    types::Node { address: settings.advertise.clone(), name: settings.name.clone() }
}
