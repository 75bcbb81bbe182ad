//! `cloister cluster`.

mod client;
mod force;
mod init;
mod invite;
mod join;
mod members;
mod remove;
mod status;

use crate::error::{Error, Result};
use crate::render::Answer;
use clap::{Args, Subcommand};
use cloister::config::host_and_port;
use cloister::proto::peer::{LONGEST_NAME, is_name};
use cloister_node::admin;
use cloister_node::settings::{NewSettings, is_reachable};
use std::path::PathBuf;

#[derive(Subcommand, Debug)]
pub enum Verb {
    /// Found a cluster: its own CA, and its first node
    #[command(after_help = init::EXAMPLE)]
    Init(init::Init),
    /// Make a token with which one new node may join
    #[command(after_help = invite::EXAMPLE)]
    Invite(invite::Invite),
    /// Join a cluster as a new node
    #[command(after_help = join::EXAMPLE)]
    Join(join::Join),
    /// Make the certificate of a client
    #[command(after_help = client::EXAMPLE)]
    Client(client::Client),
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
    /// Go on with one node alone, when more than half of all are lost for good
    #[command(after_help = force::EXAMPLE)]
    ForceNewCluster(force::ForceNewCluster),
}

impl Verb {
    pub fn run(&self) -> Result<Answer> {
        cloister::crypto::start();
        match self {
            Verb::Init(init) => init.run(),
            Verb::Invite(invite) => invite.run(),
            Verb::Join(join) => join.run(),
            Verb::Client(client) => client.run(),
            Verb::Status(status) => status.run(),
            Verb::Members(members) => members.run(),
            Verb::Remove(remove) => remove.run(),
            Verb::ForceNewCluster(force) => force.run(),
        }
    }
}

/// The node that a command is about.
#[derive(Args, Debug)]
pub struct Data {
    /// The node's data folder
    #[arg(long = "data", value_name = "DIR")]
    pub folder: PathBuf,
}

/// A running node on this machine, to ask.
#[derive(Args, Debug)]
struct RunningNode {
    /// The data folder of a node that runs on this machine
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
}

impl RunningNode {
    fn connect(&self) -> Result<admin::Client> {
        Ok(admin::Client::connect(&self.data)?)
    }
}

/// Where the CA's private key is.
#[derive(Args, Debug)]
pub struct CaKey {
    /// The private key of the cluster's CA [default: ca.key in the data folder]
    #[arg(long = "ca-key", value_name = "FILE")]
    pub file: Option<PathBuf>,
}

/// Who a new node is, and where it listens.
#[derive(Args, Debug)]
pub struct NewNode {
    /// What people call the node
    #[arg(long, value_parser = name)]
    name: String,
    /// Where it listens for other nodes
    #[arg(long, value_name = "HOST:PORT", value_parser = address)]
    sync: String,
    /// How other nodes reach it [default: as --sync says]
    #[arg(long, value_name = "HOST:PORT", value_parser = address)]
    advertise: Option<String>,
    /// Where it listens for clients that come by TLS [default: nowhere]
    #[arg(long, value_name = "HOST:PORT", value_parser = address)]
    client: Option<String>,
    /// Where it serves metrics and health [default: nowhere]
    #[arg(long, value_name = "HOST:PORT", value_parser = address)]
    metrics: Option<String>,
}

impl NewNode {
    /// The settings of the node with this id.
    fn settings(&self, id: u64) -> Result<NewSettings> {
        if self.advertise.is_none() && !is_reachable(&self.sync) {
            return Err(Error::input(format!(
                "--sync {} is no address that other nodes could call: give --advertise HOST:PORT too, at which they reach this node",
                self.sync
            )));
        }
        Ok(NewSettings {
            name: self.name.clone(),
            id,
            sync: self.sync.clone(),
            advertise: self.advertise.clone(),
            client: self.client.clone(),
            metrics: self.metrics.clone(),
        })
    }
}

/// For clap: the name of a node or client.
fn name(text: &str) -> std::result::Result<String, String> {
    match is_name(text) {
        true => Ok(text.to_owned()),
        false => Err(format!("a name has 1 to {LONGEST_NAME} letters, digits, '-', '_' or '.'")),
    }
}

/// For clap: a TCP address.
fn address(text: &str) -> std::result::Result<String, String> {
    match host_and_port(text) {
        Some(_) => Ok(text.to_owned()),
        None => Err("write <host>:<port>, an IPv6 address in brackets, a port from 1 to 65535".to_owned()),
    }
}
