//! `cloister cluster`.

mod members;
mod remove;
mod status;

use crate::error::Result;
use crate::render::Answer;
use clap::{Args, Subcommand};
use cloister_node::admin::Client;
use std::path::PathBuf;

#[derive(Subcommand, Debug)]
pub enum Verb {
    /// How the cluster and its nodes are
    #[command(
        after_help = "Examples:\n  cloister cluster status --data /var/lib/cloister/node\n  cloister cluster status --data node1 --json | jq -r .leader"
    )]
    Status(status::Status),
    /// Who belongs to the cluster
    #[command(after_help = "Example:\n  cloister cluster members --data /var/lib/cloister/node")]
    Members(members::Members),
    /// Remove a node from the cluster, for good
    #[command(
        after_help = "Examples:\n  cloister cluster remove node3 --data /var/lib/cloister/node\n  cloister cluster remove 0f3a5c7e91b2d4f6 --data /var/lib/cloister/node"
    )]
    Remove(remove::Remove),
}

impl Verb {
    pub fn run(&self) -> Result<Answer> {
        match self {
            Verb::Status(verb) => verb.run(),
            Verb::Members(verb) => verb.run(),
            Verb::Remove(verb) => verb.run(),
        }
    }
}

/// A running node on this machine, to ask.
#[derive(Args, Debug)]
struct RunningNode {
    /// The data folder of a node that runs on this machine
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
}

impl RunningNode {
    fn connect(&self) -> Result<Client> {
        Ok(Client::connect(&self.data)?)
    }
}
