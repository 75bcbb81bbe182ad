//! What is looked at before a node takes part: a node that is not what its cluster thinks it is must not run.

use super::NodeError;
use crate::admin::skew;
use crate::clock;
use crate::folder::Folder;
use crate::neighbours::{Question, Reply};
use crate::pki;
use crate::raft::machine::Machine;
use crate::raft::message::Refusal;
use crate::raft::network::{CallError, ask_stranger};
use crate::raft::types::{Applied, Node, NodeId};
use crate::replica::machine::TokenMachine;
use std::io::ErrorKind;

/// How far a clock may be off, in milliseconds: tickets and certificates end by it.
const FAR_OFF: u64 = 60_000;

/// The file beside the store that says whose it is.
const MARK: &str = "node";

/// The store is this node's own, and not one of another node or cluster that was put in its place.
pub(super) fn owned(folder: &Folder) -> Result<(), NodeError> {
    let path = folder.token().join(MARK);
    let cluster = folder.cluster().map_err(|error| NodeError::configuration(error.to_string()))?;
    let cluster: String = cluster.iter().map(|byte| format!("{byte:02x}")).collect();
    let own = format!("{cluster} {:016x}\n", folder.id());
    match std::fs::read_to_string(&path) {
        Ok(found) if found == own => Ok(()),
        Err(error) if error.kind() == ErrorKind::NotFound && !has_begun(folder) => {
            let written = pki::write_new(&path, own.as_bytes(), 0o600);
            written.map_err(|error| NodeError::failed("the store can't be marked as this node's", error))
        }
        found => {
            let whose = match found {
                Ok(found) if found.starts_with(&cluster) => "belongs to another node of this cluster",
                Ok(_) => "belongs to another cluster",
                Err(_) => "does not say whose it is",
            };
            Err(NodeError::configuration(format!(
                "{} {whose}: put this node's own back, or remove the node and let it join anew",
                folder.token().display()
            )))
        }
    }
}

/// Whether the store has taken part in anything.
fn has_begun(folder: &Folder) -> bool {
    let store = cloister::store::Store::open_replica(&folder.token());
    !store.and_then(|store| store.applied()).is_ok_and(|applied| applied.is_empty())
}

/// The store knows this node where its settings say it is, if it knows it at all.
pub(super) fn placed(folder: &Folder, machine: &TokenMachine) -> Result<(), NodeError> {
    let Ok(Applied { membership, .. }) = machine.applied() else { return Ok(()) };
    let settings = folder.settings();
    let known = membership.nodes().find(|(id, _)| **id == folder.id()).map(|(_, node)| node);
    match known {
        Some(node) if node.address != settings.advertise => Err(NodeError::configuration(format!(
            "the cluster knows this node at {}, but node.toml says {}: put that back, or remove the node and let it join anew at the new address",
            node.address, settings.advertise
        ))),
        _ => Ok(()),
    }
}

/// Nobody else is this node, and its clock is right as far as other nodes can tell.
pub(super) async fn neighbours(folder: &Folder) -> Result<(), NodeError> {
    let own = &folder.settings().advertise;
    let answered = ask_stranger(folder.ca(), folder.identity(), own, Question::Clock.to_bytes()).await;
    if let Ok((id, _)) = answered
        && id == folder.id()
    {
        return Err(NodeError::configuration(format!(
            "another process runs this node already, at {own}: a data folder is never to be copied; let a second node join with a token of its own"
        )));
    }
    let others = known_members(folder).into_iter().filter(|(id, _)| *id != folder.id());
    let others: Vec<String> = others.map(|(_, node)| node.address).collect();
    clocks(folder, &others).await
}

/// The members of the cluster as the node in this folder last knew them; none, if it never did. A process may be running it.
pub fn known_members(folder: &Folder) -> Vec<(NodeId, Node)> {
    let token = folder.token();
    if !token.exists() {
        return Vec::new();
    }
    let Ok(store) = cloister::store::Store::open_replica(&token) else { return Vec::new() };
    let applied = store.applied().ok().and_then(|applied| Applied::from_bytes(&applied).ok());
    let Some(applied) = applied else { return Vec::new() };
    applied.membership.nodes().map(|(id, node)| (*id, node.clone())).collect()
}

/// This machine's clock is not far from those of the nodes at `addresses`, of which one that does not answer has no say.
pub(super) async fn clocks(folder: &Folder, addresses: &[String]) -> Result<(), NodeError> {
    let mut apart = Vec::new();
    for address in addresses {
        let asked = clock::now_ms();
        let answer = ask_stranger(folder.ca(), folder.identity(), address, Question::Clock.to_bytes()).await;
        let answer = match answer {
            Ok((_, answer)) => answer,
            Err(CallError::Refused(removed @ Refusal::Removed)) => {
                return Err(NodeError::configuration(removed.to_string()));
            }
            Err(_) => continue,
        };
        if let Some(Reply::Clock(theirs)) = Reply::from_bytes(&answer) {
            apart.push((address, skew(theirs, asked, clock::now_ms())));
        }
    }
    let is_far = |apart: i64| apart.unsigned_abs() > FAR_OFF;
    match apart.first() {
        Some((address, first)) if apart.iter().all(|(_, apart)| is_far(*apart)) => {
            Err(NodeError::configuration(format!(
                "this machine's clock is {} s {} that of the node at {address}: set the clocks right (with NTP), and start again",
                first.unsigned_abs() / 1000,
                if *first > 0 { "behind" } else { "ahead of" },
            )))
        }
        _ => Ok(()),
    }
}
