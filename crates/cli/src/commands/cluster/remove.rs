//! `cloister cluster remove`.

use super::RunningNode;
use crate::error::{Error, Result};
use crate::render::{Answer, printable};
use clap::Args;
use cloister_node::admin::{ClusterReport, MemberReport};
use serde_json::json;

#[derive(Args, Debug)]
pub struct Remove {
    /// The node to remove, by its name or id
    node: String,
    #[command(flatten)]
    asked: RunningNode,
}

impl Remove {
    pub fn run(&self) -> Result<Answer> {
        let mut client = self.asked.connect()?;
        let cluster = client.status()?;
        let member = self.find(&cluster)?;
        client.remove(member.id)?;
        let name = printable(&member.name);
        let text = format!(
            "{name} ({}) belongs to the cluster no more. Its data folder can't be used again: delete it, and have the node join anew.",
            member.id
        );
        Answer::text(text, json!({ "removed": member.id, "name": member.name }))
    }

    /// The one member meant: an id is always one, a name may be given twice.
    fn find<'a>(&self, cluster: &'a ClusterReport) -> Result<&'a MemberReport> {
        if let Some(member) = self.node.parse().ok().and_then(|id| cluster.member(id)) {
            return Ok(member);
        }
        let named: Vec<&MemberReport> =
            cluster.members.iter().filter(|member| member.name == self.node).collect();
        let node = printable(&self.node);
        match named[..] {
            [member] => Ok(member),
            [] => Err(Error::input(format!(
                "there is no member {node}: `cloister cluster members` shows those there are"
            ))),
            _ => {
                let ids: Vec<String> = named.iter().map(|member| member.id.to_string()).collect();
                Err(Error::input(format!("several members are called {node}; use an id: {}", ids.join(", "))))
            }
        }
    }
}
