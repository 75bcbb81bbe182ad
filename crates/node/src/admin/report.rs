//! What a node says of itself, and what it knows of the others. Reports travel between nodes and to the command line.

use crate::raft::status::{Member, Part, Status};
use crate::raft::types::NodeId;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;
use std::str::FromStr;

/// A node's id as people see it: 16 hexadecimal digits. (Many readers of JSON have no room for all of a 64-bit number.)
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Id(pub NodeId);

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// The text is no id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoId;

impl fmt::Display for NoId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a node's id has 16 hexadecimal digits")
    }
}

impl FromStr for Id {
    type Err = NoId;

    fn from_str(text: &str) -> Result<Id, NoId> {
        if text.len() != 16 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(NoId);
        }
        NodeId::from_str_radix(text, 16).map(Id).map_err(|_| NoId)
    }
}

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match serializer.is_human_readable() {
            true => serializer.collect_str(self),
            false => serializer.serialize_u64(self.0),
        }
    }
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Id, D::Error> {
        match deserializer.is_human_readable() {
            true => String::deserialize(deserializer)?.parse().map_err(de::Error::custom),
            false => u64::deserialize(deserializer).map(Id),
        }
    }
}

/// A node's part in consensus.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// It leads.
    Leader,
    /// It votes, and follows a leader.
    Voter,
    /// It votes, and knows of no leader.
    Candidate,
    /// It receives everything and does not vote.
    Learner,
    /// It is no member.
    Outsider,
    /// Consensus has stopped on it.
    Stopped,
}

impl Role {
    /// Every role.
    pub const ALL: [Role; 6] =
        [Role::Leader, Role::Voter, Role::Candidate, Role::Learner, Role::Outsider, Role::Stopped];

    /// In a word.
    pub fn name(self) -> &'static str {
        match self {
            Role::Leader => "leader",
            Role::Voter => "voter",
            Role::Candidate => "candidate",
            Role::Learner => "learner",
            Role::Outsider => "outsider",
            Role::Stopped => "stopped",
        }
    }

    /// The part of the node whose view of the cluster this is.
    pub fn of(status: &Status) -> Role {
        if status.stopped.is_some() {
            return Role::Stopped;
        }
        match status.member(status.id).map(|own| own.part) {
            None => Role::Outsider,
            Some(Part::Learner) => Role::Learner,
            Some(Part::Voter) if status.leader == Some(status.id) => Role::Leader,
            Some(Part::Voter) if status.leader.is_none() => Role::Candidate,
            Some(Part::Voter) => Role::Voter,
        }
    }
}

/// How far a member is behind its leader.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lag {
    /// The member's id.
    pub id: Id,
    /// Its name.
    pub name: String,
    /// Entries that it has yet to receive.
    pub entries: u64,
}

impl Lag {
    /// Of all members that the leader knows it of; none where another leads.
    pub fn of(status: &Status) -> Vec<Lag> {
        let lag = |member: &Member| {
            Some(Lag { id: Id(member.id), name: member.node.name.clone(), entries: member.lag? })
        };
        status.members.iter().filter_map(lag).collect()
    }
}

/// What a node says of itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NodeReport {
    /// Its id.
    pub id: Id,
    /// Its name.
    pub name: String,
    /// The version of the program.
    pub software: String,
    /// The version of the protocol between nodes.
    pub protocol: u32,
    /// Where other nodes reach it.
    pub sync_address: String,
    /// Where clients reach it.
    pub client_address: String,
    /// Seconds since it started.
    pub uptime: u64,
    /// Its part in consensus.
    pub role: Role,
    /// Who leads, if it knows.
    pub leader: Option<Id>,
    /// The term of consensus.
    pub term: u64,
    /// The last entry in its log.
    pub last: Option<u64>,
    /// The last entry applied to its token.
    pub applied: Option<u64>,
    /// How far members are behind; told by the leader only.
    pub lags: Vec<Lag>,
    /// Objects in its token.
    pub objects: u64,
    /// Users of its token.
    pub users: u64,
    /// Clients connected.
    pub connections: u64,
    /// Calls answered since it started.
    pub operations: u64,
    /// Calls answered a second, of late.
    pub rate: f64,
    /// Why it does not serve clients; `None` if it does.
    pub not_serving: Option<String>,
    /// Its clock: milliseconds since 1970.
    pub clock: u64,
    /// The label of its token, if that is initialised.
    pub token: Option<String>,
    /// Until when its certificate and its CA's hold: seconds since 1970.
    pub certified_until: u64,
}

/// How long before its end a certificate is worth a word, in days.
pub const EXPIRES_SOON: u64 = 60;

impl NodeReport {
    /// Whether it serves clients.
    pub fn serves(&self) -> bool {
        self.not_serving.is_none()
    }

    /// For how many days its certificate holds, if that is not long any more.
    pub fn expires_soon(&self) -> Option<u64> {
        let days = self.certified_until.saturating_sub(self.clock / 1000) / (24 * 3600);
        (days < EXPIRES_SOON).then_some(days)
    }
}

/// A member of the cluster, as far as the asked node could learn.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MemberReport {
    /// Its id.
    pub id: Id,
    /// Its name.
    pub name: String,
    /// Where other nodes reach it.
    pub address: String,
    /// Whether it votes; a learner doesn't.
    pub votes: bool,
    /// Entries that it is behind the leader, if that is known.
    pub lag: Option<u64>,
    /// What it says of itself; `None` if it was not reached.
    pub report: Option<NodeReport>,
    /// Milliseconds that its clock is ahead of that of the asked node.
    pub skew: Option<i64>,
}

/// What a node knows of its cluster.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClusterReport {
    /// The node that was asked.
    pub asked: Id,
    /// Who leads, if it knows.
    pub leader: Option<Id>,
    /// The term of consensus.
    pub term: u64,
    /// All members, by name.
    pub members: Vec<MemberReport>,
    /// Why the asked node does not serve clients; `None` if it does.
    pub not_serving: Option<String>,
}

/// Another node's report, as it came in.
#[derive(Clone, Debug, PartialEq)]
pub struct Heard {
    /// What it said.
    pub report: NodeReport,
    /// Its [`skew`].
    pub skew: i64,
}

/// How many milliseconds the clock that showed `theirs` is ahead, when this node's clock showed `asked` before and `heard` after: their answer
/// was most likely given half-way. All in milliseconds since 1970.
pub fn skew(theirs: u64, asked: u64, heard: u64) -> i64 {
    let half_way = asked.midpoint(heard);
    let apart = i64::try_from(theirs.abs_diff(half_way));
    if theirs < half_way { apart.map_or(i64::MIN, |apart| -apart) } else { apart.unwrap_or(i64::MAX) }
}

impl ClusterReport {
    /// From the asked node's view of the cluster, its own report, and what the members answered that it reached. How far they are behind is
    /// taken from whoever leads.
    pub fn of(status: &Status, own: NodeReport, heard: Vec<Heard>) -> ClusterReport {
        let not_serving = own.not_serving.clone();
        let own = Heard { report: own, skew: 0 };
        let all: Vec<Heard> = std::iter::once(own).chain(heard).collect();
        let find = |id: NodeId| all.iter().find(|heard| heard.report.id == Id(id));
        let lags = status.leader.and_then(find).map_or(&[][..], |leader| &leader.report.lags);
        let member = |member: &Member| {
            let heard = find(member.id);
            let lag = lags.iter().find(|lag| lag.id == Id(member.id)).map(|lag| lag.entries);
            MemberReport {
                id: Id(member.id),
                name: member.node.name.clone(),
                address: member.node.address.clone(),
                votes: member.part == Part::Voter,
                lag,
                report: heard.map(|heard| heard.report.clone()),
                skew: heard.map(|heard| heard.skew),
            }
        };
        let mut members: Vec<MemberReport> = status.members.iter().map(member).collect();
        members.sort_by(|one, other| (&one.name, one.id).cmp(&(&other.name, other.id)));
        let leader = status.leader.map(Id);
        ClusterReport { asked: Id(status.id), leader, term: status.term, members, not_serving }
    }

    /// The member with this id.
    pub fn member(&self, id: Id) -> Option<&MemberReport> {
        self.members.iter().find(|member| member.id == id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::raft::types::Node;
    use cloister::codec::Codec;

    fn member(id: NodeId, part: Part, lag: Option<u64>) -> Member {
        Member { id, node: Node { address: format!("host:{id}"), name: format!("node{id}") }, part, lag }
    }

    /// A leader, a voter and a learner, as the first sees them.
    fn status() -> Status {
        Status {
            id: 1,
            leader: Some(1),
            term: 4,
            last: Some(9),
            applied: Some(8),
            members: vec![
                member(1, Part::Voter, Some(0)),
                member(2, Part::Voter, Some(5)),
                member(3, Part::Learner, None),
            ],
            confirmed: None,
            stopped: None,
        }
    }

    fn report(status: &Status) -> NodeReport {
        NodeReport {
            id: Id(status.id),
            name: format!("node{}", status.id),
            software: "1.0.0".to_owned(),
            protocol: 1,
            sync_address: "host:1".to_owned(),
            client_address: "host:2".to_owned(),
            uptime: 1,
            role: Role::of(status),
            leader: status.leader.map(Id),
            term: status.term,
            last: status.last,
            applied: status.applied,
            lags: Lag::of(status),
            objects: 2,
            users: 3,
            connections: 4,
            operations: 5,
            rate: 0.1,
            not_serving: Some("it is a test".to_owned()),
            clock: u64::MAX,
            token: None,
            certified_until: 0,
        }
    }

    #[test]
    fn a_report_is_the_same_after_a_journey_in_both_encodings() {
        let cluster = ClusterReport::of(&status(), report(&status()), Vec::new());
        let json = serde_json::to_vec(&cluster).unwrap();
        assert_eq!(serde_json::from_slice::<ClusterReport>(&json).unwrap(), cluster);
        let codec = Codec::new(1, 1 << 20);
        assert_eq!(codec.decode::<ClusterReport>(&codec.encode(&cluster).unwrap()), Some(cluster));
    }

    #[test]
    fn the_end_of_a_certificate_is_told_sixty_days_before() {
        const DAY: u64 = 24 * 3600;
        let at = |day: u64| {
            let clock = day * DAY * 1000;
            NodeReport { clock, certified_until: 100 * DAY, ..report(&status()) }.expires_soon()
        };
        assert_eq!([at(0), at(40), at(41), at(99), at(101)], [None, None, Some(59), Some(1), Some(0)]);
    }

    #[test]
    fn an_id_is_read_as_it_is_shown_and_no_other_text_is_one() {
        for id in [0, 1, u64::MAX, 0x0f3a_5c7e_91b2_d4f6] {
            assert_eq!(Id(id).to_string().parse(), Ok(Id(id)));
        }
        for text in ["", "1", "+000000000000001", "000000000000000g", "00000000000000001", "0x00000000000001"]
        {
            assert_eq!(text.parse::<Id>(), Err(NoId), "{text}");
        }
    }

    #[test]
    fn a_nodes_part_is_told_from_its_view_of_the_cluster() {
        let seen = |id, leader, stopped: Option<&str>| {
            Role::of(&Status { id, leader, stopped: stopped.map(str::to_owned), ..status() })
        };
        assert_eq!(seen(1, Some(1), None), Role::Leader);
        assert_eq!(seen(2, Some(1), None), Role::Voter);
        assert_eq!(seen(2, None, None), Role::Candidate);
        assert_eq!(seen(3, None, None), Role::Learner);
        assert_eq!(seen(4, Some(1), None), Role::Outsider);
        assert_eq!(seen(1, Some(1), Some("the disk is full")), Role::Stopped);
    }

    #[test]
    fn how_far_members_are_behind_is_the_leaders_to_say() {
        let led = status();
        let follower = Status { id: 2, members: led.members.iter().map(unknowing).collect(), ..led.clone() };
        let asked = |heard| {
            let cluster = ClusterReport::of(&follower, report(&follower), heard);
            cluster.members.iter().map(|member| member.lag).collect::<Vec<_>>()
        };
        let leader = Heard { report: report(&led), skew: 12 };
        assert_eq!(asked(vec![leader]), [Some(0), Some(5), None]);
        assert_eq!(asked(Vec::new()), [None; 3]);
    }

    fn unknowing(member: &Member) -> Member {
        Member { lag: None, ..member.clone() }
    }

    #[test]
    fn a_clock_is_held_against_the_middle_of_question_and_answer() {
        assert_eq!(skew(1500, 1000, 2000), 0);
        assert_eq!(skew(1400, 1000, 2000), -100);
        assert_eq!(skew(u64::MAX, 0, 0), i64::MAX);
        assert_eq!(skew(0, u64::MAX, u64::MAX), i64::MIN);
    }
}
