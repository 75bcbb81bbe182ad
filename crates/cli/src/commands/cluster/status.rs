//! `cloister cluster status`.

use super::RunningNode;
use crate::error::Result;
use crate::render::{Answer, printable, table};
use clap::Args;
use cloister_node::admin::{ClusterReport, MemberReport, NodeReport, Role};

#[derive(Args, Debug)]
pub struct Status {
    #[command(flatten)]
    node: RunningNode,
}

/// What stands for what is not known.
const UNKNOWN: &str = "-";

/// A column of the table, and what a node has in it.
type Column = (&'static str, fn(&MemberReport) -> String);

const COLUMNS: &[Column] = &[
    ("NAME", |member| member.name.clone()),
    ("ID", |member| member.id.to_string()),
    ("ADDRESS", |member| member.address.clone()),
    ("PART", |member| known(member, |node| node.role.name().to_owned())),
    ("SERVES", serves),
    ("APPLIED", |member| known(member, |node| shown(node.applied))),
    ("LAG", |member| shown(member.lag)),
    ("OBJECTS", |member| known(member, |node| node.objects.to_string())),
    ("CLIENTS", |member| known(member, |node| node.connections.to_string())),
    ("OPS/S", |member| known(member, |node| format!("{:.1}", node.rate))),
    ("VERSION", |member| known(member, |node| node.software.clone())),
    ("CLOCK", |member| member.skew.map_or(UNKNOWN.to_owned(), |skew| format!("{skew:+} ms"))),
];

impl Status {
    pub fn run(&self) -> Result<Answer> {
        let cluster = self.node.connect()?.status()?;
        Answer::text(text(&cluster), &cluster)
    }
}

fn text(cluster: &ClusterReport) -> String {
    let columns: Vec<&str> = COLUMNS.iter().map(|(column, _)| *column).collect();
    let row = |member| COLUMNS.iter().map(|(_, cell)| cell(member)).collect();
    let rows: Vec<Vec<String>> = cluster.members.iter().map(row).collect();
    format!("{}\n\n{}{}", leader(cluster), table(&columns, &rows), troubles(cluster))
}

fn leader(cluster: &ClusterReport) -> String {
    let term = cluster.term;
    let asked = cluster.member(cluster.asked).and_then(|asked| asked.report.as_ref());
    let is_member = asked.is_some_and(|asked| asked.role != Role::Outsider);
    if let (false, Some(why)) = (is_member, &cluster.not_serving) {
        return format!("This node is no member: {}\nWhat follows is what it knew last.", printable(why));
    }
    let Some(leader) = cluster.leader else {
        return format!("No leader is known (term {term}): is a majority of the voters running?");
    };
    let member = cluster.member(leader);
    let name = printable(member.map_or(UNKNOWN, |member| &member.name));
    // One that was not reached may well be at work.
    match member.and_then(|member| member.report.as_ref()).is_none_or(NodeReport::serves) {
        true => format!("Leader {name} ({leader}), term {term}"),
        false => {
            format!("Leader {name} ({leader}), term {term}, but it does not serve: nothing can be changed")
        }
    }
}

/// A line for each node that is not as it should be.
fn troubles(cluster: &ClusterReport) -> String {
    let line =
        |member: &MemberReport, reason: &str| format!("\n{}: {}", printable(&member.name), printable(reason));
    let trouble = |member: &MemberReport| match &member.report {
        None => line(member, "was not reached"),
        Some(node) => {
            let reasons = [node.not_serving.clone(), node.expires_soon().map(expires)];
            reasons.iter().flatten().map(|reason| line(member, reason)).collect()
        }
    };
    cluster.members.iter().map(trouble).collect()
}

fn expires(days: u64) -> String {
    format!("its certificate holds for {days} more days: have a new node take its place (docs/operations.md)")
}

fn serves(member: &MemberReport) -> String {
    let word = member.report.as_ref().map(|node| if node.serves() { "yes" } else { "no" });
    word.unwrap_or("not reached").to_owned()
}

fn known(member: &MemberReport, cell: fn(&NodeReport) -> String) -> String {
    member.report.as_ref().map_or(UNKNOWN.to_owned(), cell)
}

fn shown(number: Option<u64>) -> String {
    number.map_or(UNKNOWN.to_owned(), |number| number.to_string())
}
