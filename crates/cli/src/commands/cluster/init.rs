//! `cloister cluster init`.

use super::{Data, NewNode};
use crate::error::Result;
use crate::render::Answer;
use clap::Args;
use cloister::proto::peer::Role;
use cloister_node::folder::NewFolder;
use cloister_node::node;
use cloister_node::pki::{Identity, PkiError};
use cloister_node::raft::types::new_node_id;
use serde_json::json;

pub const EXAMPLE: &str = "\
Examples:
  cloister cluster init --data n1 --name n1 --sync n1.example:7421 --client 0.0.0.0:7420
  cloister cluster init --data n1 --name n1 --sync 0.0.0.0:7421 --advertise n1.example:7421";

#[derive(Args, Debug)]
pub struct Init {
    #[command(flatten)]
    data: Data,
    #[command(flatten)]
    node: NewNode,
}

impl Init {
    pub fn run(&self) -> Result<Answer> {
        let id = new_node_id().map_err(PkiError::from)?;
        let settings = self.node.settings(id)?;
        // A CA without a cluster's name: it is known by its certificate, and names would be taken twice.
        let ca = Identity::new_ca(&format!("Cloister {id:016x}"))?;
        let identity = ca.issue(&Role::Node(id))?;
        let new = NewFolder::create(&self.data.folder, &settings, &ca.certificate, identity)?;
        new.keep_ca_key(&ca)?;
        node::found(new.folder())?;
        let shown = new.folder().path().display().to_string();
        new.keep()?;
        let text = format!(
            "Node {} ({id:016x}) has founded a cluster; all it keeps is in {shown}.\n\
             {shown}/ca.key makes nodes and clients: back it up, and keep it from others.\n\
             Next: `cloister node run --data {shown}` runs the node.",
            settings.name
        );
        Answer::text(text, json!({ "node": format!("{id:016x}"), "name": settings.name, "folder": shown }))
    }
}
