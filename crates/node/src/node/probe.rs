//! Whether the members of a cluster answer the node in a folder, which need not be running.

use super::NodeError;
use super::checks::known_members;
use crate::admin::skew;
use crate::clock;
use crate::folder::Folder;
use crate::neighbours::{Question, Reply};
use crate::raft::network::ask_stranger;
use crate::raft::types::{Node, NodeId};
use std::time::Duration;
use tokio::runtime::Builder;
use tokio::time::timeout;

/// How long a member may take to answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// A member, and what came of asking it.
pub struct Probed {
    /// Its id.
    pub id: NodeId,
    /// Its name and address.
    pub node: Node,
    /// Milliseconds that its clock is ahead of this machine's; or why it did not say.
    pub answer: Result<i64, String>,
}

/// Asks all members that the node in this folder knows, itself among them.
pub fn probe(folder: &Folder) -> Result<Vec<Probed>, NodeError> {
    cloister::crypto::start();
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| NodeError::failed("threads can't be started", error))?;
    runtime.block_on(async {
        let mut probed = Vec::new();
        for (id, node) in known_members(folder) {
            let answer = ask(folder, id, &node).await;
            probed.push(Probed { id, node, answer });
        }
        Ok(probed)
    })
}

async fn ask(folder: &Folder, id: NodeId, node: &Node) -> Result<i64, String> {
    let asked = clock::now_ms();
    let question = Question::Clock.to_bytes();
    let answer = timeout(PATIENCE, ask_stranger(folder.ca(), folder.identity(), &node.address, question));
    let answer = answer.await.map_err(|_| "it takes too long to answer".to_owned())?;
    let (who, answer) = answer.map_err(|error| error.to_string())?;
    if who != id {
        return Err(format!("another node answers there: {who:016x}"));
    }
    match Reply::from_bytes(&answer) {
        Some(Reply::Clock(theirs)) => Ok(skew(theirs, asked, clock::now_ms())),
        _ => Err("it is of another version".to_owned()),
    }
}
