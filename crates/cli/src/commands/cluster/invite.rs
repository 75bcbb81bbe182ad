//! `cloister cluster invite`.

use super::{CaKey, Data, address};
use crate::error::Result;
use crate::render::Answer;
use clap::Args;
use cloister_node::clock;
use cloister_node::folder::Folder;
use cloister_node::join_token::JoinToken;
use cloister_node::node;
use serde_json::json;
use std::path::PathBuf;

pub const EXAMPLE: &str = "\
Examples:
  cloister cluster invite --data n1 --out n2.token
  cloister cluster invite --data n1 --hours 1 --via n1.example:7421,n2.example:7421 > n3.token

Who has the token first can be the new node: hand it over as you would a password.";

#[derive(Args, Debug)]
pub struct Invite {
    #[command(flatten)]
    data: Data,
    #[command(flatten)]
    ca_key: CaKey,
    /// For how long the node may join
    #[arg(long, value_name = "N", default_value_t = 24, value_parser = clap::value_parser!(u64).range(1..=8760))]
    hours: u64,
    /// Sync addresses of members that the new node is to ask [default: those of all that this node knows]
    #[arg(long, value_name = "HOST:PORT", value_delimiter = ',', value_parser = address)]
    via: Vec<String>,
    /// Write the token into this new file, for its owner only [default: standard output]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// How members are reached: first the node whose folder it is, then the others, of which any will do if that one is gone by then.
fn addresses(folder: &Folder) -> Vec<String> {
    let own = folder.settings().advertise.clone();
    let others = node::known_members(folder).into_iter().map(|(_, node)| node.address);
    let others: Vec<String> = others.filter(|address| *address != own).collect();
    [vec![own], others].concat()
}

impl Invite {
    pub fn run(&self) -> Result<Answer> {
        let folder = Folder::look(&self.data.folder)?;
        let ca = folder.ca_with_key(self.ca_key.file.as_deref())?;
        let via = match self.via.as_slice() {
            [] => addresses(&folder),
            given => given.to_vec(),
        };
        let until = clock::now().saturating_add(self.hours.saturating_mul(3600));
        let token = JoinToken::invite(&ca, via, until)?;
        let mut facts = json!({ "node": format!("{:016x}", token.id), "until": until, "via": token.via });
        match &self.out {
            Some(file) => {
                token.write(file)?;
                facts["file"] = json!(file);
                let file = file.display();
                let text = format!(
                    "{file} lets one new node join within {} hours; it holds the node's private key, a secret also after that.\n\
                     Next, where the node is to be: `cloister cluster join --token-file {file} ...`",
                    self.hours
                );
                Answer::text(text, facts)
            }
            None => {
                let text = token.to_text()?;
                facts["token"] = json!(text.as_str());
                Answer::text(text.as_str(), facts)
            }
        }
    }
}
