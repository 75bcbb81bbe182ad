//! What other nodes ask this one, beyond consensus.

use crate::clock;
use crate::folder::Folder;
use crate::member::Member;
use crate::neighbours::{Question, Reply};
use crate::raft::error::ClusterError;
use crate::raft::neighbour::{Answering, Neighbour, Neighbourly};
use crate::raft::types::{Node, NodeId};
use crate::server::service::Service;
use crate::settings::is_reachable;
use cloister::attribute::Bytes;
use cloister::proto::peer::is_name;
use cloister::store::Store;
use std::sync::{Arc, OnceLock};
use std::time::Instant;
use zeroize::Zeroizing;

/// What answers take of a node.
pub struct Parts {
    pub(super) folder: Arc<Folder>,
    pub(super) store: Arc<Store>,
    pub(super) member: Arc<Member>,
    pub(super) service: Arc<Service>,
    pub(super) started: Instant,
    /// One change of members at a time.
    changing: tokio::sync::Mutex<()>,
}

/// Answers other nodes, as soon as there is something to answer with.
pub struct Hub(Arc<OnceLock<Arc<Parts>>>);

/// What makes a hub answer.
pub struct Later(Arc<OnceLock<Arc<Parts>>>);

impl Hub {
    /// One that can't answer yet: consensus takes it before the rest of the node is there.
    pub fn empty() -> (Arc<Hub>, Later) {
        let parts = Arc::<OnceLock<Arc<Parts>>>::default();
        (Arc::new(Hub(parts.clone())), Later(parts))
    }
}

impl Later {
    /// From now on it answers.
    pub fn fill(
        self,
        folder: Arc<Folder>,
        store: Arc<Store>,
        member: Arc<Member>,
        service: Arc<Service>,
        started: Instant,
    ) -> Arc<Parts> {
        let changing = tokio::sync::Mutex::default();
        let parts = Arc::new(Parts { folder, store, member, service, started, changing });
        self.0.get_or_init(|| parts).clone()
    }
}

impl Neighbourly for Hub {
    fn answer(&self, from: Neighbour, question: Bytes) -> Answering {
        let parts = self.0.get().cloned();
        Box::pin(async move {
            let question = Question::from_bytes(&question)?;
            if let Question::Clock = question {
                return Some(Reply::Clock(clock::now_ms()).to_bytes());
            }
            Some(parts?.reply(from, question).await?.to_bytes())
        })
    }
}

impl Parts {
    async fn reply(&self, from: Neighbour, question: Question) -> Option<Reply> {
        match question {
            Question::Clock => Some(Reply::Clock(clock::now_ms())),
            Question::Admit(node) => Some(self.admit(from, node).await),
            _ if !from.member => Some(Reply::Refused("only members of the cluster are told that".to_owned())),
            Question::Client(message) => {
                let answer = self.service.answer(Zeroizing::new(message.to_vec()), true).await?;
                Some(Reply::Client(answer.as_slice().into()))
            }
            Question::Report => Some(Reply::Report(Box::new(self.own_report().await))),
            Question::Keys => Some(Reply::Keys(self.member.ring.masters())),
            Question::Remove(id) => Some(done(self.remove_here(id).await)),
        }
    }

    /// Takes an invited node in, as one that does not vote yet.
    async fn admit(&self, from: Neighbour, node: Node) -> Reply {
        let _alone = self.changing.lock().await;
        let status = self.member.cluster.status();
        if status.leader != Some(self.member.cluster.id()) {
            let leader = status.leader.and_then(|leader| status.member(leader));
            return Reply::Elsewhere(leader.map(|leader| leader.node.address.clone()));
        }
        if !self.member.is_current().await {
            return Reply::Refused("the cluster has no majority at the moment; try again later".to_owned());
        }
        let refused = |why: &str| Reply::Refused(why.to_owned());
        match (from.invited_until, self.had_node(from.id).await) {
            (None, _) => {
                return refused("the node was not invited; make a token with `cloister cluster invite`");
            }
            (Some(until), _) if until < clock::now() => {
                return refused("the invitation has expired; make another with `cloister cluster invite`");
            }
            (_, Err(why)) => return Reply::Refused(why),
            (_, Ok(true)) => {
                return refused(
                    "the token has been used before, and each is good for one node; make another with `cloister cluster invite`",
                );
            }
            (_, Ok(false)) => {}
        }
        if !is_name(&node.name) || !is_reachable(&node.address) {
            return refused("its name or its address is none that other nodes could use");
        }
        let taken = |other: &&crate::raft::status::Member| {
            other.node.address == node.address || other.node.name == node.name
        };
        if let Some(other) = status.members.iter().find(taken) {
            return Reply::Refused(format!(
                "there is a member already with that name or address: {} at {}; choose another, or remove that one first",
                other.node.name, other.node.address
            ));
        }
        done(self.member.cluster.add_learner(from.id, node).await)
    }

    /// Not where consensus runs: the disk may keep that waiting.
    async fn had_node(&self, id: NodeId) -> Result<bool, String> {
        let store = self.store.clone();
        let had = tokio::task::spawn_blocking(move || store.had_node(id)).await;
        had.map_err(|_| "it was broken off".to_owned())?.map_err(|error| error.to_string())
    }

    /// Removes a member, if this node leads.
    pub(super) async fn remove_here(&self, id: NodeId) -> Result<(), ClusterError> {
        let _alone = self.changing.lock().await;
        let cluster = &self.member.cluster;
        let status = cluster.status();
        if status.leader == Some(cluster.id()) {
            if !self.member.is_current().await {
                return Err(ClusterError::NoQuorum);
            }
            super::removal::can_go_on_without(&self.member, &status, id).await?;
        }
        cluster.remove(id).await
    }
}

fn done(result: Result<(), ClusterError>) -> Reply {
    match result {
        Ok(()) => Reply::Done,
        Err(ClusterError::NotLeader(leader)) => Reply::Elsewhere(leader.map(|(_, node)| node.address)),
        Err(error) => Reply::Refused(error.to_string()),
    }
}
