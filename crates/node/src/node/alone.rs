//! A cluster begun anew by one node, for the day that a majority is lost for good.

use super::found::{PATIENCE, briefly};
use super::{NodeError, address, checks};
use crate::folder::Folder;
use crate::neighbours::Question;
use crate::raft::log::{Owner, Survivor};
use crate::raft::network::ask_stranger;
use crate::raft::status::Status;
use crate::raft::types::{Applied, Node, NodeId};
use cloister::store::Store;
use tokio::runtime::Builder;
use tokio::task::JoinSet;

/// The node that is to be all of the cluster; it does not run.
pub struct Alone<'a> {
    folder: &'a Folder,
    log: Survivor,
    end: (u64, u64),
}

impl<'a> Alone<'a> {
    /// Looks whether the node in `folder`, which is this process's, can go on alone: it has a vote, and no other member answers.
    pub fn look(folder: &'a Folder) -> Result<Alone<'a>, NodeError> {
        cloister::crypto::start();
        let applied = applied(folder)?;
        checks::owned(folder)?;
        let cluster = folder.cluster().map_err(|error| NodeError::configuration(error.to_string()))?;
        let owner = Owner { node: folder.id(), cluster };
        let log = Survivor::open(&folder.raft(), owner, &applied);
        let log = log.map_err(|error| NodeError::configuration(error.to_string()))?;
        if !log.votes() {
            return Err(NodeError::configuration(
                "this node had no vote in the cluster when it last ran, and may lack much of what was kept: choose one that had",
            ));
        }
        nobody_answers(folder, log.others())?;
        let end = log.end().map_err(|error| NodeError::configuration(error.to_string()))?;
        let end = end.map_or((0, 0), |end| (end.leader_id.term, end.index));
        Ok(Alone { folder, log, end })
    }

    /// The members that are to be none any more; nobody: this node is the only one already.
    pub fn others(&self) -> Vec<Node> {
        self.log.others().into_iter().map(|(_, node)| node).collect()
    }

    /// Term and position of the last entry that it has.
    pub fn end(&self) -> (u64, u64) {
        self.end
    }

    /// Makes this node the only member, for good, and applies all that it has in its log.
    pub fn begin(self) -> Result<(), NodeError> {
        let failed =
            |error: &dyn std::fmt::Display| NodeError::failed("the cluster can't be begun anew", error);
        if !self.log.others().is_empty() {
            self.log.stand_alone(address(self.folder.settings())).map_err(|error| failed(&error))?;
        }
        // Its file is to be opened again.
        drop(self.log);
        let is_done = |status: &Status| {
            status.leader == Some(status.id) && status.applied == status.last && status.members.len() == 1
        };
        briefly(self.folder, async |cluster| {
            cluster.wait_until(PATIENCE, is_done).await.map_err(|error| failed(&error))?;
            cluster.forget().await.map_err(|error| failed(&error))
        })
    }
}

/// How far the node's store has come.
fn applied(folder: &Folder) -> Result<Applied, NodeError> {
    let token = folder.token();
    if !token.exists() {
        return Err(NodeError::configuration(format!(
            "{} has never run: it holds nothing",
            folder.path().display()
        )));
    }
    let failed =
        |error: &dyn std::fmt::Display| NodeError::failed("the token's store can't be opened", error);
    let store = Store::open_replica(&token).map_err(|error| failed(&error))?;
    match store.applied().map_err(|error| failed(&error))?.as_slice() {
        [] => Ok(Applied::default()),
        bytes => Applied::from_bytes(bytes).map_err(|error| failed(&error)),
    }
}

/// No other member can be reached: what two clusters of one token would keep could never be brought together again.
fn nobody_answers(folder: &Folder, others: Vec<(NodeId, Node)>) -> Result<(), NodeError> {
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| NodeError::failed("threads can't be started", error))?;
    let (ca, identity) = (folder.ca().clone(), folder.identity().clone());
    let ask = |(id, node): (NodeId, Node)| {
        let (ca, identity) = (ca.clone(), identity.clone());
        async move {
            let asked = ask_stranger(&ca, &identity, &node.address, Question::Clock.to_bytes()).await;
            asked.is_ok_and(|(found, _)| found == id).then_some(node)
        }
    };
    let answered = runtime.block_on(async {
        let asked: JoinSet<Option<Node>> = others.into_iter().map(ask).collect();
        asked.join_all().await.into_iter().flatten().next()
    });
    match answered {
        Some(Node { name, address }) => Err(NodeError::configuration(format!(
            "{name} still runs at {address}: if a majority is left, start its nodes instead; if not, stop {name} for good and delete its data folder, then try again"
        ))),
        None => Ok(()),
    }
}
