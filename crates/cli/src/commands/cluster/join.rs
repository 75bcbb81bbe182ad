//! `cloister cluster join`.

use super::{Data, NewNode, address};
use crate::error::Result;
use crate::render::Answer;
use clap::Args;
use cloister_node::folder::NewFolder;
use cloister_node::join_token::JoinToken;
use cloister_node::node;
use serde_json::json;
use std::io;
use std::path::{Path, PathBuf};

pub const EXAMPLE: &str = "\
Example:
  cloister cluster join --data n2 --token-file n2.token --name n2 --sync n2.example:7421 --client 0.0.0.0:7420";

#[derive(Args, Debug)]
pub struct Join {
    #[command(flatten)]
    data: Data,
    /// The file with the token that `cloister cluster invite` wrote
    #[arg(long, value_name = "FILE")]
    token_file: PathBuf,
    /// Sync addresses of members to ask [default: those in the token]
    #[arg(long, value_name = "HOST:PORT", value_delimiter = ',', value_parser = address)]
    via: Vec<String>,
    #[command(flatten)]
    node: NewNode,
}

impl Join {
    pub fn run(&self) -> Result<Answer> {
        let JoinToken { ca, identity, id, via, .. } = JoinToken::read(&self.token_file)?;
        let settings = self.node.settings(id)?;
        let via = if self.via.is_empty() { via } else { self.via.clone() };
        let new = NewFolder::create(&self.data.folder, &settings, &ca, identity)?;
        // If that fails, the folder goes with `new`: there is no half-joined node.
        node::join(new.folder(), &via)?;
        let shown = new.folder().path().display().to_string();
        new.keep()?;
        let file = self.token_file.display();
        let deleted = delete(&self.token_file);
        let token = match &deleted {
            Ok(()) => {
                format!("{file}, which has the node's private key too, is deleted: delete any copy as well.")
            }
            Err(error) => {
                format!("{file} could not be deleted ({error}): do that, it has the node's private key too.")
            }
        };
        let text = format!(
            "Node {} ({id:016x}) is a member of the cluster; all it keeps is in {shown}.\n\
             {token}\n\
             Next: `cloister node run --data {shown}` runs the node, which then catches up.",
            settings.name,
        );
        Answer::text(
            text,
            json!({
                "node": format!("{id:016x}"),
                "name": settings.name,
                "folder": shown,
                "via": via,
                "token_deleted": deleted.is_ok(),
            }),
        )
    }
}

/// Deletes a file; not what is none, as `/dev/stdin`.
fn delete(file: &Path) -> io::Result<()> {
    match file.symlink_metadata()?.is_file() {
        true => std::fs::remove_file(file),
        false => Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file")),
    }
}
