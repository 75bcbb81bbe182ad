//! What a node knows of its cluster at the moment.

use openraft::RaftMetrics;

use super::types::{Node, NodeId};

/// What a member is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// It votes.
    Voter,
    /// It receives everything and does not vote.
    Learner,
}

/// A member of the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its id.
    pub id: NodeId,
    /// Its address and name.
    pub node: Node,
    /// Whether it votes.
    pub part: Part,
    /// How many entries it is behind; known to the leader only, and only once it has answered.
    pub lag: Option<u64>,
}

/// A node's view of its cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// The node whose view this is.
    pub id: NodeId,
    /// The leader, if one is known.
    pub leader: Option<NodeId>,
    /// The leader's term.
    pub term: u64,
    /// The last entry in the log, if any.
    pub last: Option<u64>,
    /// The last entry applied to the machine, if any.
    pub applied: Option<u64>,
    /// The members, by id.
    pub members: Vec<Member>,
    /// If it leads: milliseconds since a majority has last confirmed that.
    pub confirmed: Option<u64>,
    /// Why the node has stopped, if it has.
    pub stopped: Option<String>,
}

impl Status {
    pub(crate) fn of(metrics: &RaftMetrics<NodeId, Node>) -> Status {
        let members = metrics.membership_config.membership();
        let voters: Vec<NodeId> = members.voter_ids().collect();
        let lag = |id: NodeId| {
            let matched = metrics.replication.as_ref()?.get(&id)?.as_ref()?;
            Some(metrics.last_log_index?.saturating_sub(matched.index))
        };
        let member = |(id, node): (&NodeId, &Node)| Member {
            id: *id,
            node: node.clone(),
            part: if voters.contains(id) { Part::Voter } else { Part::Learner },
            lag: lag(*id),
        };
        Status {
            id: metrics.id,
            leader: metrics.current_leader,
            term: metrics.current_term,
            last: metrics.last_log_index,
            applied: metrics.last_applied.map(|applied| applied.index),
            members: members.nodes().map(member).collect(),
            confirmed: metrics.millis_since_quorum_ack,
            stopped: metrics.running_state.as_ref().err().map(|fatal| fatal.to_string()),
        }
    }

    /// How many members vote.
    pub fn voters(&self) -> usize {
        self.members.iter().filter(|member| member.part == Part::Voter).count()
    }

    /// The member with this id.
    pub fn member(&self, id: NodeId) -> Option<&Member> {
        self.members.iter().find(|member| member.id == id)
    }
}
