//! A node as a whole: founding a cluster, joining one, running.

use crate::folder::Folder;

/// Why a node does not do what it was asked.
#[derive(Debug)]
pub enum NodeError {
    /// Its settings, its folder or the cluster it was sent to are not right: the text says what to do.
    Configuration(String),
    /// Something failed on the way.
    Failed(String),
}

impl std::fmt::Display for NodeError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            NodeError::Configuration(text) | NodeError::Failed(text) => f.write_str(text),
        }
    }
}

impl std::error::Error for NodeError {}

/// Founds a cluster whose only member is the node in this folder.
pub fn found(_folder: &Folder) -> Result<(), NodeError> {
    Ok(())
}

/// Has the cluster that is reached at one of the sync addresses `via` take in the node in this folder.
pub fn join(_folder: &Folder, _via: &[String]) -> Result<(), NodeError> {
    Ok(())
}

/// Runs the node until it is told to end.
pub fn run(_folder: Folder) -> Result<(), NodeError> {
    Ok(())
}
