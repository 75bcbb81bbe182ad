//! Nodes on loopback, each with a runtime of its own, so that one can be taken away at once.

use std::future::Future;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use cloister::proto::peer::Role;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use super::machine::KeyValue;
use crate::pki::{self, Identity};
use crate::raft::cluster::{Cluster, Settings, Timing};
use crate::raft::log::Owner;
use crate::raft::neighbour::Silent;
use crate::raft::status::Status;
use crate::raft::types::{Node, NodeId, new_node_id};

/// Far more than anything here takes on a machine that is not stuck.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// So slow that a busy machine does not make leaders come and go.
const TIMING: Timing = Timing {
    heartbeat: Duration::from_millis(250),
    election: (Duration::from_millis(800), Duration::from_millis(1600)),
    patience: PATIENCE,
};

pub(super) struct TestNode {
    pub(super) id: NodeId,
    pub(super) node: Node,
    pub(super) machine: Arc<KeyValue>,
    pub(super) ca: Identity,
    identity: Identity,
    folder: TempDir,
    snapshot_every: u64,
    running: Option<(Runtime, Arc<Cluster>)>,
}

fn machine(folder: &Path) -> Arc<KeyValue> {
    Arc::new(KeyValue::open(&folder.join("state.db")))
}

impl TestNode {
    /// Starts a new node; it waits to be taken in.
    pub(super) fn start(ca: &Identity, name: &str, snapshot_every: u64) -> TestNode {
        let id = new_node_id().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let mut node = TestNode {
            id,
            node: Node { address: "127.0.0.1:0".to_owned(), name: name.to_owned() },
            machine: machine(folder.path()),
            ca: ca.clone(),
            identity: ca.issue(&Role::Node(id)).unwrap(),
            folder,
            snapshot_every,
            running: None,
        };
        node.restart();
        node
    }

    /// Starts it again on the same folder and port, as a new process would.
    pub(super) fn restart(&mut self) {
        assert!(self.running.is_none());
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        self.machine = machine(self.folder.path());
        let settings = Settings {
            id: self.id,
            folder: self.folder.path().join("raft"),
            ca: self.ca.certificate.clone(),
            identity: self.identity.clone(),
            timing: TIMING,
            source: None,
            snapshot_every: self.snapshot_every,
        };
        let cluster = runtime.block_on(async {
            let listener = TcpListener::bind(&self.node.address).await.unwrap();
            self.node.address = listener.local_addr().unwrap().to_string();
            Cluster::start(settings, listener, self.machine.clone(), Arc::new(Silent)).await.unwrap()
        });
        self.running = Some((runtime, Arc::new(cluster)));
    }

    /// Takes the node away: its tasks end wherever they are, its connections break.
    pub(super) fn kill(&mut self) {
        let (runtime, cluster) = self.running.take().unwrap();
        drop(cluster);
        runtime.shutdown_timeout(PATIENCE);
    }

    pub(super) fn cluster(&self) -> &Arc<Cluster> {
        &self.running.as_ref().unwrap().1
    }

    pub(super) fn run<T>(&self, work: impl Future<Output = T>) -> T {
        self.running.as_ref().unwrap().0.block_on(work)
    }

    pub(super) fn set(&self, pair: &str) -> u64 {
        self.run(self.cluster().propose(pair.as_bytes().to_vec())).unwrap().0
    }

    /// What a reader that asks this node sees now.
    pub(super) fn get(&self, key: &str) -> Option<String> {
        self.run(self.cluster().read_barrier()).unwrap();
        self.machine.get(key)
    }

    pub(super) fn wait(&self, wanted: impl Fn(&Status) -> bool) -> Status {
        self.run(self.cluster().wait_until(PATIENCE, wanted)).unwrap()
    }

    /// Takes `other` in as a learner.
    pub(super) fn add(&self, other: &TestNode) {
        self.run(self.cluster().add_learner(other.id, other.node.clone())).unwrap();
    }

    /// Who may open its log.
    pub(super) fn owner(&self) -> Owner {
        Owner { node: self.id, cluster: pki::fingerprint(&self.ca.certificate).unwrap() }
    }

    /// The path of a file in its folder of consensus.
    pub(super) fn file(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join("raft").join(name)
    }
}

/// One node that has founded a cluster and leads it.
pub(super) fn founder(ca: &Identity, snapshot_every: u64) -> TestNode {
    let node = TestNode::start(ca, "n1", snapshot_every);
    node.run(node.cluster().found(node.node.clone())).unwrap();
    node.wait(|status| status.leader == Some(node.id));
    node
}

/// Three voters; the first of them leads.
pub(super) fn three(ca: &Identity) -> Vec<TestNode> {
    let mut nodes = vec![founder(ca, 10_000)];
    for name in ["n2", "n3"] {
        let node = TestNode::start(ca, name, 10_000);
        nodes[0].add(&node);
        nodes[0].run(nodes[0].cluster().promote(node.id)).unwrap();
        nodes.push(node);
    }
    nodes
}
