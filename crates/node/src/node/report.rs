//! What a node says of itself and of its cluster, and what its operators may ask of it.

use super::hub::Parts;
use crate::admin::{Administration, ClusterReport, Heard, Id, Lag, NodeReport, Refused, Role, skew};
use crate::clock;
use crate::neighbours::{Question, Reply};
use crate::raft::frame::PROTOCOL;
use crate::raft::types::NodeId;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// How long to wait for another node's report.
const PATIENCE: Duration = Duration::from_secs(3);

impl Parts {
    fn make_report(&self) -> NodeReport {
        let (settings, member) = (self.folder.settings(), &self.member);
        let status = member.cluster.status();
        let label = self.store.has_token().unwrap_or(false).then(|| self.store.meta().ok()).flatten();
        NodeReport {
            id: Id(self.folder.id()),
            name: settings.name.clone(),
            software: env!("CARGO_PKG_VERSION").to_owned(),
            protocol: u32::from(PROTOCOL),
            sync_address: settings.advertise.clone(),
            client_address: match &settings.client {
                Some(address) => address.clone(),
                None => format!("unix:{}", settings.client_socket.display()),
            },
            uptime: self.started.elapsed().as_secs(),
            role: if member.cluster.is_removed() { Role::Outsider } else { Role::of(&status) },
            leader: status.leader.map(Id),
            term: status.term,
            last: status.last,
            applied: status.applied,
            lags: Lag::of(&status),
            objects: self.store.count_objects().unwrap_or(0),
            users: label.as_ref().map_or(0, |_| self.store.users().map_or(0, |users| users.len() as u64)),
            connections: member.counters.connections(),
            operations: member.counters.operations(),
            rate: member.counters.operations_per_second(),
            not_serving: member.not_serving(),
            clock: clock::now_ms(),
            token: label.map(|meta| meta.label),
            certified_until: self.folder.certified_until(),
        }
    }

    /// The same, from a task.
    pub(super) async fn own_report(&self) -> NodeReport {
        tokio::task::block_in_place(|| self.make_report())
    }

    /// Another node's report.
    async fn hear(member: std::sync::Arc<crate::member::Member>, id: NodeId) -> Option<Heard> {
        let asked = clock::now_ms();
        let answer = timeout(PATIENCE, member.cluster.ask(id, Question::Report.to_bytes())).await;
        match Reply::from_bytes(&answer.ok()?.ok()?)? {
            Reply::Report(report) => {
                let skew = skew(report.clock, asked, clock::now_ms());
                Some(Heard { report: *report, skew })
            }
            _ => None,
        }
    }
}

impl Administration for Parts {
    fn report(&self) -> NodeReport {
        self.make_report()
    }

    async fn cluster(&self) -> ClusterReport {
        let own = self.own_report().await;
        let status = self.member.cluster.status();
        let others = status.members.iter().filter(|member| member.id != self.folder.id());
        let asked: JoinSet<_> = others.map(|other| Parts::hear(self.member.clone(), other.id)).collect();
        let heard = asked.join_all().await.into_iter().flatten().collect();
        ClusterReport::of(&status, own, heard)
    }

    async fn remove(&self, id: NodeId) -> Result<(), Refused> {
        let cluster = &self.member.cluster;
        let leader = cluster
            .status()
            .leader
            .ok_or_else(|| Refused("the cluster has no leader at the moment".to_owned()))?;
        if leader == cluster.id() {
            return self.remove_here(id).await.map_err(|error| Refused(error.to_string()));
        }
        match cluster.ask(leader, Question::Remove(id).to_bytes()).await {
            Ok(answer) => match Reply::from_bytes(&answer) {
                Some(Reply::Done) => Ok(()),
                Some(Reply::Refused(why)) => Err(Refused(why)),
                _ => Err(Refused("the leader has just changed: try again".to_owned())),
            },
            Err(error) => Err(Refused(format!("the leader does not answer: {}", error.why))),
        }
    }
}
