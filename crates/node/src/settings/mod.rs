//! A node's settings: the file `node.toml` in its data folder. `docs/operations.md` has every key.

mod new;
mod written;

pub use new::NewSettings;

use crate::raft::types::NodeId;
use crate::server::Limits;
use cloister::config::file::{File, read_text};
use cloister::config::{Problem, TokenSettings, host_and_port};
use std::net::IpAddr;
use std::path::{Path, PathBuf};

/// The whole of a node's settings. All paths are absolute.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What people call the node.
    pub name: String,
    /// Its id, the one in its certificate.
    pub id: NodeId,
    /// Host and port that it listens on for other nodes.
    pub sync: String,
    /// Host and port by which other nodes reach it.
    pub advertise: String,
    /// The address that it calls other nodes from, if that is not left to the machine.
    pub source: Option<IpAddr>,
    /// Host and port that it listens on for clients that come by TLS, if it does.
    pub client: Option<String>,
    /// The Unix socket for clients.
    pub client_socket: PathBuf,
    /// Permissions of that socket.
    pub client_socket_mode: u32,
    /// Host and port of metrics and health, if they are served.
    pub metrics: Option<String>,
    /// On how many nodes a new key has to be before it may be used.
    pub key_availability: KeyAvailability,
    /// What readers see.
    pub reads: Reads,
    /// Whether the only node left may go on to serve what changes nothing.
    pub serve_alone: bool,
    /// What new tokens get.
    pub token: TokenSettings,
    /// What clients may take of the node.
    pub limits: Limits,
}

/// On how many nodes a new key has to be before it may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyAvailability {
    /// On more than half of those that vote.
    Majority,
    /// On all members.
    All,
    /// On so many.
    Nodes(u32),
}

/// What readers see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reads {
    /// All that the same client has seen or done before.
    Session,
    /// All that anybody has done before.
    Current,
}

impl Settings {
    /// Reads and checks the file.
    pub fn read(path: &Path) -> Result<Settings, Problem> {
        let path =
            std::path::absolute(path).map_err(|error| Problem(format!("{}: {error}", path.display())))?;
        Settings::of_text(&path, &read_text(&path, "Make this file readable for the user who runs the node")?)
    }

    /// The same, of a text that is or will be in the file at `path`, which is absolute.
    pub fn of_text(path: &Path, text: &str) -> Result<Settings, Problem> {
        written::check(File { path, text })
    }
}

/// Whether others can be told to come to this address: `<host>:<port>`, the host not one that stands for all of a machine's addresses.
pub fn is_reachable(address: &str) -> bool {
    let any = |host: &str| host.parse().is_ok_and(|host: std::net::IpAddr| host.is_unspecified());
    host_and_port(address).is_some_and(|(host, _)| !any(host))
}
