//! `cloister cluster members`.

use super::RunningNode;
use crate::error::Result;
use crate::render::Answer;
use clap::Args;
use cloister_node::admin::{Id, MemberReport};
use serde::Serialize;

#[derive(Args, Debug)]
pub struct Members {
    #[command(flatten)]
    node: RunningNode,
}

/// A member as it is listed.
#[derive(Serialize)]
struct Listed<'a> {
    name: &'a str,
    id: Id,
    address: &'a str,
    votes: bool,
    leads: bool,
}

impl Members {
    pub fn run(&self) -> Result<Answer> {
        let cluster = self.node.connect()?.status()?;
        let listed = |member| listed(member, cluster.leader);
        let members: Vec<Listed> = cluster.members.iter().map(listed).collect();
        let rows: Vec<Vec<String>> = members.iter().map(Listed::row).collect();
        Answer::table(&["NAME", "ID", "ADDRESS", "PART"], &rows, "The node is in no cluster.", &members)
    }
}

fn listed(member: &MemberReport, leader: Option<Id>) -> Listed<'_> {
    let MemberReport { name, id, address, votes, .. } = member;
    Listed { name, id: *id, address, votes: *votes, leads: leader == Some(*id) }
}

impl Listed<'_> {
    fn row(&self) -> Vec<String> {
        let part = match (self.leads, self.votes) {
            (true, _) => "leader",
            (false, true) => "voter",
            (false, false) => "learner",
        };
        vec![self.name.to_owned(), self.id.to_string(), self.address.to_owned(), part.to_owned()]
    }
}
