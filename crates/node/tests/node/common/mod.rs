//! Nodes inside the test's own process, and what it takes to reach them.

pub mod administration;
pub mod certificates;
pub mod module;

use certificates::{Certificates, NODE};
use cloister::config::TokenSettings;
use cloister::token::local::LocalToken;
use cloister::token::local::export::ClusterKey;
use cloister_node::metrics::Counters;
use cloister_node::pki::Identity;
use cloister_node::server::listen::Listener;
use cloister_node::server::service::{Lifetimes, Service};
use cloister_node::server::{Limits, serve, tls};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use zeroize::Zeroizing;

/// A token that costs next to nothing to log in to.
fn cheap() -> TokenSettings {
    TokenSettings { argon2_memory_kib: 8, argon2_passes: 1, ..TokenSettings::default() }
}

/// Where a node listens.
enum Socket {
    Unix(PathBuf),
    Tls(SocketAddr, Identity, Certificates),
}

/// A node, running or killed.
pub struct Node {
    folder: TempDir,
    socket: Socket,
    limits: Limits,
    counters: Arc<Counters>,
    running: Option<Runtime>,
}

impl Node {
    /// On a Unix socket.
    pub fn unix(limits: Limits) -> Node {
        let folder = TempDir::new().unwrap();
        let socket = Socket::Unix(folder.path().join("node.sock"));
        Node::started(folder, socket, limits)
    }

    /// On TLS over TCP, with a node's certificate.
    pub fn tls(limits: Limits, certificates: &Certificates) -> Node {
        Node::tls_as(limits, certificates, certificates.issue(&NODE))
    }

    /// The same, with another certificate.
    pub fn tls_as(limits: Limits, certificates: &Certificates, identity: Identity) -> Node {
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let socket = Socket::Tls(address, identity, certificates.clone());
        Node::started(TempDir::new().unwrap(), socket, limits)
    }

    fn started(folder: TempDir, socket: Socket, limits: Limits) -> Node {
        let counters = Arc::default();
        let mut node = Node { folder, socket, limits, counters, running: None };
        node.start();
        node
    }

    /// Its Unix socket.
    pub fn path(&self) -> &Path {
        match &self.socket {
            Socket::Unix(path) => path,
            Socket::Tls(..) => panic!("not on a Unix socket"),
        }
    }

    /// What it counts.
    pub fn counters(&self) -> Arc<Counters> {
        self.counters.clone()
    }

    /// Its TCP address.
    pub fn address(&self) -> SocketAddr {
        match &self.socket {
            Socket::Tls(address, ..) => *address,
            Socket::Unix(_) => panic!("not on TCP"),
        }
    }

    /// Starts it: all it knows is what is in its folder, and the cluster key.
    pub fn start(&mut self) {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let cluster = ClusterKey::new(&Zeroizing::new([9; 32])).unwrap();
        let token = LocalToken::new(self.folder.path().join("token"), cheap());
        let service = Arc::new(Service::new(token, cluster, Lifetimes::default()));
        let _inside = runtime.enter();
        let listener = match &self.socket {
            Socket::Unix(path) => Listener::unix(path, 0o600).unwrap(),
            Socket::Tls(address, identity, certificates) => {
                let listener = TcpListener::bind(address).unwrap();
                listener.set_nonblocking(true).unwrap();
                let context =
                    tls::context(&certificates.ca.certificate, &identity.certificate, &identity.key).unwrap();
                Listener::Tls(tokio::net::TcpListener::from_std(listener).unwrap(), context)
            }
        };
        runtime.spawn(serve(listener, service, self.limits.clone(), self.counters()));
        drop(_inside);
        self.running = Some(runtime);
    }

    /// Ends it with all its connections and all it remembers.
    pub fn kill(&mut self) {
        if let Some(runtime) = self.running.take() {
            runtime.shutdown_timeout(std::time::Duration::from_secs(10));
        }
    }

    /// Ends it and starts another on the same folder.
    pub fn restart(&mut self) {
        self.kill();
        self.start();
    }
}
