//! What the log tells of a node's life in its cluster: who leads, who belongs to it, and whether this node serves. One line for each change.

use crate::member::Member;
use crate::raft::cluster::Watch;
use crate::raft::status::{self, Part, Status};
use crate::raft::types::NodeId;
use std::sync::Weak;
use std::time::Duration;
use tokio::time::interval;

/// Between two looks at what no news tells of: that nothing has been heard for some time.
const LOOK: Duration = Duration::from_secs(1);

/// Writes until the node ends.
pub(crate) async fn write(member: Weak<Member>, mut news: Watch) {
    let mut told = Told::default();
    let mut looks = interval(LOOK);
    loop {
        tokio::select! {
            status = news.next() => if status.is_none() { return },
            _ = looks.tick() => {}
        }
        let Some(member) = member.upgrade() else { return };
        let status = member.cluster.status();
        told.leader(&status);
        told.members(&status);
        told.serving(member.not_serving());
    }
}

/// What the log knows already.
#[derive(Default)]
struct Told {
    leader: Option<NodeId>,
    members: Vec<status::Member>,
    /// Why the node does not serve; the outer `None`: not told yet.
    not_serving: Option<Option<String>>,
    has_served: bool,
}

impl Told {
    fn leader(&mut self, status: &Status) {
        if status.leader == self.leader {
            return;
        }
        self.leader = status.leader;
        let term = status.term;
        match status.leader {
            Some(id) => {
                let name = status.member(id).map_or("another node", |leader| leader.node.name.as_str());
                let own = if id == status.id { ", which is this node" } else { "" };
                tracing::info!(leader = %format_args!("{id:016x}"), term, "the leader is {name}{own}");
            }
            None => tracing::warn!(term, "no leader is heard of"),
        }
    }

    fn members(&mut self, status: &Status) {
        let now = &status.members;
        let before = std::mem::replace(&mut self.members, now.clone());
        if before.is_empty() && !now.is_empty() {
            let mut names: Vec<&str> = now.iter().map(|member| member.node.name.as_str()).collect();
            names.sort_unstable();
            tracing::info!("the members of the cluster are {}", names.join(", "));
            return;
        }
        for change in changes(&before, now) {
            let (id, address) = (format_args!("{:016x}", change.member.id), &change.member.node.address);
            tracing::info!(member = %id, address, "{} {}", change.member.node.name, change.what);
        }
    }

    fn serving(&mut self, not_serving: Option<String>) {
        if self.not_serving.as_ref() == Some(&not_serving) {
            return;
        }
        match &not_serving {
            None => tracing::info!("clients are served"),
            // A node that has just started has something to do first.
            Some(why) if !self.has_served => tracing::info!("clients are not served yet: {why}"),
            Some(why) => tracing::warn!("clients are not served: {why}"),
        }
        self.has_served |= not_serving.is_none();
        self.not_serving = Some(not_serving);
    }
}

/// Something that has happened to a member.
#[derive(Debug, PartialEq)]
struct Change<'a> {
    member: &'a status::Member,
    what: &'static str,
}

/// What has become of the members `before`, and who has come.
fn changes<'a>(before: &'a [status::Member], now: &'a [status::Member]) -> Vec<Change<'a>> {
    let find = |members: &'a [status::Member], id| members.iter().find(|member| member.id == id);
    let gone = before.iter().filter(|member| find(now, member.id).is_none());
    let gone = gone.map(|member| Change { member, what: "was removed from the cluster" });
    let came = now.iter().filter_map(|member| {
        let what = match (find(before, member.id).map(|before| before.part), member.part) {
            (Some(before), part) if before == part => return None,
            (None, Part::Learner) => "has joined the cluster, and catches up before it votes",
            (_, Part::Voter) => "votes from now on",
            (Some(_), Part::Learner) => "votes no more",
        };
        Some(Change { member, what })
    });
    gone.chain(came).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::raft::types::Node;

    fn member(id: NodeId, part: Part) -> status::Member {
        status::Member { id, node: Node { address: String::new(), name: id.to_string() }, part, lag: None }
    }

    #[test]
    fn each_change_of_a_member_is_told_once() {
        let before = [member(1, Part::Voter), member(2, Part::Learner), member(3, Part::Voter)];
        let now = [member(1, Part::Voter), member(2, Part::Voter), member(4, Part::Learner)];
        let told: Vec<(NodeId, &str)> =
            changes(&before, &now).iter().map(|change| (change.member.id, change.what)).collect();
        assert_eq!(told.len(), 3);
        assert_eq!((told[0].0, told[1].0, told[2].0), (3, 2, 4));
        assert!(
            told[0].1.contains("removed") && told[1].1.contains("votes from") && told[2].1.contains("joined")
        );
        assert_eq!(changes(&now, &now), []);
    }
}
