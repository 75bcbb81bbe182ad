//! `cloister cluster force-new-cluster`.

use super::Data;
use crate::error::{Error, Result};
use crate::render::{Answer, printable};
use clap::Args;
use cloister_node::folder::Folder;
use cloister_node::node::Alone;
use serde_json::json;
use std::io::{IsTerminal, Write};

pub const EXAMPLE: &str = "\
Example:
  cloister cluster force-new-cluster --data /var/lib/cloister/n1

Only for the day that more than half of the nodes are lost for good, with this node stopped and no other running.
docs/operations.md has the whole procedure.";

const LOST: &str = "What only the lost nodes had is lost: keys made last, and what was changed last (a PIN, a user deleted, a key destroyed) may be as it was before.";

#[derive(Args, Debug)]
pub struct ForceNewCluster {
    #[command(flatten)]
    data: Data,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

impl ForceNewCluster {
    pub fn run(&self) -> Result<Answer> {
        let folder = Folder::open(&self.data.folder)?;
        let alone = Alone::look(&folder)?;
        let others: Vec<String> = alone
            .others()
            .iter()
            .map(|node| format!("{} ({})", printable(&node.name), printable(&node.address)))
            .collect();
        if !others.is_empty() {
            self.confirm(&folder.settings().name, alone.end(), &others)?;
        }
        alone.begin()?;
        let (name, shown) = (&folder.settings().name, folder.path().display());
        let text = format!(
            "{name} is the only member of the cluster. The other nodes can't come back: delete their data folders.\n\
             Next: `cloister node run --data {shown}`, then let new nodes join (`cloister cluster invite`). All programs have to log in again."
        );
        Answer::text(text, json!({ "name": name, "left": others }))
    }

    fn confirm(&self, name: &str, (term, index): (u64, u64), others: &[String]) -> Result<()> {
        if self.yes {
            return Ok(());
        }
        let end = format!("The log of {name} ends at term {term}, entry {index}.");
        let others = others.join(", ");
        if !std::io::stdin().is_terminal() {
            return Err(Error::input(format!(
                "give --yes to make {name} the only member, for good without {others}. {end} {LOST}"
            )));
        }
        eprint!(
            "{name} is to be the only member, for good without {others}. {end} {LOST}\nType the name {name} to go on: "
        );
        let mut typed = String::new();
        let read = std::io::stderr().flush().and_then(|()| std::io::stdin().read_line(&mut typed));
        match read {
            Ok(_) if typed.trim() == name => Ok(()),
            _ => Err(Error::input("nothing was changed")),
        }
    }
}
