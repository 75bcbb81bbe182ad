//! A node to look after, without any consensus behind it.

use cloister_node::admin::{Administration, ClusterReport, Heard, Id, Lag, NodeReport, Refused, Role};
use cloister_node::raft::status::{Member, Part, Status};
use cloister_node::raft::types::{Node, NodeId};
use parking_lot::Mutex;

/// The node that is asked, which leads.
pub const ONE: NodeId = 0xfedc_ba98_7654_3210;
/// A voter that answers, three entries behind and with a clock that is late.
pub const TWO: NodeId = 2;
/// A learner that does not answer.
pub const THREE: NodeId = 3;

/// What the node says, and what it was asked to do.
pub struct Fake {
    pub report: Mutex<NodeReport>,
    pub removed: Mutex<Vec<NodeId>>,
}

impl Default for Fake {
    fn default() -> Fake {
        Fake { report: Mutex::new(report(ONE, "one")), removed: Mutex::default() }
    }
}

/// What a healthy node of this cluster says.
pub fn report(id: NodeId, name: &str) -> NodeReport {
    let status = status();
    NodeReport {
        id: Id(id),
        name: name.to_owned(),
        software: "1.2.3".to_owned(),
        protocol: 1,
        sync_address: format!("{name}:7001"),
        client_address: format!("{name}:7002"),
        uptime: 86_400,
        role: Role::of(&Status { id, ..status.clone() }),
        leader: Some(Id(ONE)),
        term: 7,
        last: Some(120),
        applied: Some(119),
        lags: if id == ONE { Lag::of(&status) } else { Vec::new() },
        objects: 42,
        users: 3,
        connections: 5,
        operations: 1_000_000,
        rate: 12.5,
        not_serving: None,
        clock: 1_700_000_000_250,
        token: Some("payments".to_owned()),
        certified_until: 2_000_000_000,
    }
}

/// What consensus says on the first node.
pub fn status() -> Status {
    let member = |id, name: &str, part, lag| Member {
        id,
        node: Node { address: format!("{name}:7001"), name: name.to_owned() },
        part,
        lag,
    };
    Status {
        id: ONE,
        leader: Some(ONE),
        term: 7,
        last: Some(120),
        applied: Some(119),
        members: vec![
            member(TWO, "two", Part::Voter, Some(3)),
            member(THREE, "three", Part::Learner, None),
            member(ONE, "one", Part::Voter, Some(0)),
        ],
        confirmed: None,
        stopped: None,
    }
}

impl Administration for Fake {
    fn report(&self) -> NodeReport {
        self.report.lock().clone()
    }

    async fn cluster(&self) -> ClusterReport {
        let two = Heard { report: report(TWO, "two"), skew: -250 };
        ClusterReport::of(&status(), self.report(), vec![two])
    }

    async fn remove(&self, id: NodeId) -> Result<(), Refused> {
        if id == ONE {
            return Err(Refused("the leader can't remove itself".to_owned()));
        }
        self.removed.lock().push(id);
        Ok(())
    }
}
