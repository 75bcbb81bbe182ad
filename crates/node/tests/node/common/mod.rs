//! Nodes inside the test's own process, as `cloister node run` runs them, and what it takes to reach them.

pub mod administration;
pub mod certificates;
pub mod client;
pub mod module;
pub mod secrets;
pub mod strangers;

use certificates::Certificates;
use cloister::proto::peer::Role;
use cloister_node::clock;
use cloister_node::folder::{Folder, NewFolder};
use cloister_node::join_token::JoinToken;
use cloister_node::metrics::Counters;
use cloister_node::node::{self, NodeError};
use cloister_node::raft::types::{NodeId, new_node_id};
use cloister_node::settings::NewSettings;
use std::io::Write;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Only a test that fails waits so long.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Logins that cost next to nothing.
const CHEAP: &str = "[token]\nargon2_memory_kib = 8\nargon2_passes = 1\n";

/// An address of this machine that nobody listens on. Its port is none of those that connections begin at, which are above, and nobody else in this process is given it.
pub fn free_address() -> SocketAddr {
    static GIVEN: AtomicU32 = AtomicU32::new(0);
    loop {
        let number = std::process::id().wrapping_mul(64).wrapping_add(GIVEN.fetch_add(1, Ordering::Relaxed));
        let address = SocketAddr::from(([127, 0, 0, 1], 10_000 + (number % 20_000) as u16));
        if TcpListener::bind(address).is_ok() {
            return address;
        }
    }
}

/// Asks again until there is an answer.
pub fn wait_for<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(began.elapsed() < PATIENCE, "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A node, running or killed.
pub struct Node {
    id: NodeId,
    folder: TempDir,
    certificates: Certificates,
    sync: SocketAddr,
    client: SocketAddr,
    running: Option<node::Node>,
}

impl Node {
    /// The only node of a new cluster, which serves.
    pub fn new() -> Node {
        Node::limited("")
    }

    /// The same, with these `[limits]`.
    pub fn limited(limits: &str) -> Node {
        Node::founded(&Certificates::new(), &format!("[limits]\n{limits}\n"))
    }

    /// The only node of a new cluster with this CA, and with more settings than it takes.
    pub fn founded(certificates: &Certificates, more: &str) -> Node {
        let id = new_node_id().unwrap();
        let identity = certificates.issue(&Role::Node(id));
        let mut node = Node::placed(id, certificates);
        let new =
            NewFolder::create(&node.data(), &node.settings("n1"), &certificates.ca.certificate, identity)
                .unwrap();
        new.keep_ca_key(&certificates.ca).unwrap();
        node::found(new.folder()).unwrap();
        new.keep().unwrap();
        node.add_settings(more);
        node.start();
        node
    }

    /// A node that has joined the cluster of this one, and serves.
    pub fn joined(&self, name: &str) -> Node {
        let until = clock::now() + 3600;
        let token = JoinToken::invite(&self.certificates.ca, vec![self.sync.to_string()], until).unwrap();
        let mut node = Node::placed(token.id, &self.certificates);
        let settings = node.settings(name);
        let new = NewFolder::create(&node.data(), &settings, &token.ca, token.identity).unwrap();
        node::join(new.folder(), &token.via).unwrap();
        new.keep().unwrap();
        node.add_settings("");
        node.start();
        node
    }

    fn placed(id: NodeId, certificates: &Certificates) -> Node {
        let folder = TempDir::new().unwrap();
        let (sync, client) = (free_address(), free_address());
        Node { id, folder, certificates: certificates.clone(), sync, client, running: None }
    }

    fn settings(&self, name: &str) -> NewSettings {
        NewSettings {
            name: name.to_owned(),
            id: self.id,
            sync: self.sync.to_string(),
            advertise: None,
            client: Some(self.client.to_string()),
            metrics: None,
        }
    }

    fn add_settings(&self, more: &str) {
        let file = std::fs::File::options().append(true).open(self.data().join("node.toml"));
        write!(file.unwrap(), "{CHEAP}{more}").unwrap();
    }

    /// Its id.
    pub fn id(&self) -> NodeId {
        self.id
    }

    /// Its data folder.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("node")
    }

    /// The CA of its cluster.
    pub fn certificates(&self) -> &Certificates {
        &self.certificates
    }

    /// Its Unix socket.
    pub fn path(&self) -> PathBuf {
        self.data().join("client.sock")
    }

    /// Its TCP address for clients.
    pub fn address(&self) -> SocketAddr {
        self.client
    }

    /// Its address for other nodes.
    pub fn sync(&self) -> SocketAddr {
        self.sync
    }

    /// Why it does not serve clients; `None` if it does.
    pub fn not_serving(&self) -> Option<String> {
        self.running.as_ref().expect("a running node").not_serving()
    }

    /// The leader that it hears.
    pub fn leader(&self) -> Option<NodeId> {
        self.running.as_ref().expect("a running node").leader()
    }

    /// What it counts.
    pub fn counters(&self) -> Arc<Counters> {
        self.running.as_ref().expect("a running node").counters()
    }

    /// Starts it, with what is in its folder, and waits until it serves.
    pub fn start(&mut self) {
        // The one before it may not have let go of everything yet.
        self.running = Some(wait_for("the node starts", || match run(&self.data()) {
            Ok(node) => Some(node),
            Err(error)
                if error.contains("another process runs the node")
                    || error.contains("in use")
                    || error.contains("runs already") =>
            {
                None
            }
            Err(error) => panic!("{error}"),
        }));
        self.wait_until_it_serves();
    }

    /// Waits until it serves.
    pub fn wait_until_it_serves(&self) {
        let running = self.running.as_ref().expect("a running node");
        wait_for("the node serves", || running.not_serving().is_none().then_some(()));
    }

    /// Ends it with all its connections and all it remembers.
    pub fn kill(&mut self) {
        if let Some(running) = self.running.take() {
            running.end();
        }
    }

    /// Ends it and starts another on the same folder.
    pub fn restart(&mut self) {
        self.kill();
        self.start();
    }
}

/// Three nodes of one cluster; the first has founded it.
pub fn three(certificates: &Certificates) -> Vec<Node> {
    let first = Node::founded(certificates, "");
    let [second, third] = ["n2", "n3"].map(|name| first.joined(name));
    vec![first, second, third]
}

/// Runs the node in a folder.
pub fn run(data: &Path) -> Result<node::Node, String> {
    let folder = Folder::open(data).map_err(|error| error.to_string())?;
    node::Node::start(folder).map_err(|error: NodeError| error.to_string())
}
