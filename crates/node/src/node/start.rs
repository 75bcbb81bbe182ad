//! A node's parts, put together.

use super::hub::Hub;
use super::{NodeError, checks, files, keys, tasks};
use crate::admin;
use crate::folder::Folder;
use crate::member::Member;
use crate::metrics::{self as pages, Counters};
use crate::raft::cluster::{Cluster, Settings as RaftSettings};
use crate::raft::neighbour::Neighbourly;
use crate::raft::types::NodeId;
use crate::replica::consensus::Agreement;
use crate::replica::machine::TokenMachine;
use crate::ring::Ring;
use crate::server::listen::Listener;
use crate::server::service::{Lifetimes, Service};
use crate::server::{self, Limits, tls};
use cloister::store::Store;
use cloister::token::local::LocalToken;
use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Instant;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};

/// After how many entries of the log a snapshot is taken.
const SNAPSHOT_EVERY: u64 = 10_000;

/// Threads that may block for clients: more than the calls that a service takes on at once.
const CLIENT_THREADS: usize = 512;

/// A running node. Dropped, it ends; what is on its way is broken off, as when it is killed.
pub struct Node {
    pub(super) cluster: Arc<Cluster>,
    member: Arc<Member>,
    // The last to go: everything runs in them.
    runtimes: Option<Runtimes>,
}

/// Consensus has threads of its own: whatever clients do, heartbeats are in time.
struct Runtimes {
    consensus: Runtime,
    clients: Runtime,
}

impl Runtimes {
    fn new() -> Result<Runtimes, NodeError> {
        let build = |name: &str, blocking: usize| {
            let runtime = Builder::new_multi_thread()
                .worker_threads(2)
                .max_blocking_threads(blocking)
                .thread_name(name)
                .enable_all()
                .build();
            runtime.map_err(|error| NodeError::failed("threads can't be started", error))
        };
        Ok(Runtimes { consensus: build("consensus", 64)?, clients: build("clients", CLIENT_THREADS)? })
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        if let Some(Runtimes { consensus, clients }) = self.runtimes.take() {
            clients.shutdown_background();
            consensus.shutdown_background();
        }
    }
}

/// The store and its machine, and consensus about it.
pub(super) struct Core {
    pub store: Arc<Store>,
    pub machine: Arc<TokenMachine>,
    pub cluster: Arc<Cluster>,
}

impl Core {
    /// In the runtime that it is called in.
    pub async fn start(folder: &Folder, neighbourly: Arc<dyn Neighbourly>) -> Result<Core, NodeError> {
        let settings = folder.settings();
        let listener = bind("sync", &settings.sync).await?;
        checks::owned(folder)?;
        let failed =
            |error: &dyn std::fmt::Display| NodeError::failed("the token's store can't be opened", error);
        let store = Arc::new(Store::open_replica(&folder.token()).map_err(|error| failed(&error))?);
        let machine = Arc::new(TokenMachine::new(store.clone()).map_err(|error| failed(&error))?);
        checks::placed(folder, &machine)?;
        let raft = RaftSettings {
            id: folder.id(),
            folder: folder.raft(),
            ca: folder.ca().clone(),
            identity: folder.identity().clone(),
            source: settings.source,
            timing: settings.timing,
            snapshot_every: SNAPSHOT_EVERY,
        };
        let cluster = Cluster::start(raft, listener, machine.clone(), neighbourly).await;
        let cluster = Arc::new(cluster.map_err(|error| NodeError::configuration(error.to_string()))?);
        Ok(Core { store, machine, cluster })
    }
}

/// Listens at `address`; `key`: where the settings say so.
pub(super) async fn bind(key: &str, address: &str) -> Result<TcpListener, NodeError> {
    TcpListener::bind(address).await.map_err(|error| {
        let advice = match error.kind() {
            ErrorKind::AddrInUse => "another program listens there, maybe this node itself",
            ErrorKind::AddrNotAvailable => "it is no address of this machine",
            _ => "choose another in node.toml",
        };
        NodeError::configuration(format!("can't listen at {key} = \"{address}\" ({error}): {advice}"))
    })
}

impl Node {
    /// Starts the node in `folder`, which is its own.
    pub fn start(folder: Folder) -> Result<Node, NodeError> {
        cloister::crypto::start();
        let runtimes = Runtimes::new()?;
        let folder = Arc::new(folder);
        let limits = files::fitting(&folder.settings().limits)?;
        let (hub, hub_later) = Hub::empty();
        // A node whose other ports are taken should not take part and then go.
        let ports = runtimes.clients.block_on(Ports::bind(&folder))?;
        let core = runtimes.consensus.block_on(async {
            checks::neighbours(&folder).await?;
            Core::start(&folder, hub).await
        })?;
        let counters = Arc::<Counters>::default();
        let runtime = runtimes.consensus.handle().clone();
        let agreement = Agreement::new(core.cluster.clone(), runtime, counters.clone());
        core.store.agree_by(Arc::new(agreement));
        let Core { store, machine, cluster } = core;
        let member = runtimes.clients.block_on(async {
            let settings = folder.settings();
            let member =
                Member::start(cluster.clone(), machine, Arc::<Ring>::default(), counters.clone(), settings);
            let token = LocalToken::replicated(store.clone(), settings.token.clone());
            let workers = settings.limits.workers;
            let service =
                Arc::new(Service::new(token, store.clone(), member.clone(), Lifetimes::default(), workers));
            let parts =
                hub_later.fill(folder.clone(), store, member.clone(), service.clone(), Instant::now());
            let Ports { client, metrics } = ports;
            serve_clients(&folder, client, &service, limits, &counters)?;
            serve_operators(&folder, metrics, &parts, &counters)?;
            tokio::spawn(keys::keep_keys(member.clone()));
            tokio::spawn(tasks::promote_learners(cluster.clone()));
            tokio::spawn(tasks::keep_in_touch(Arc::downgrade(&member)));
            tokio::spawn(tasks::sweep(Arc::downgrade(&service)));
            Ok::<_, NodeError>(member)
        })?;
        Ok(Node { cluster, member, runtimes: Some(runtimes) })
    }

    /// What it counts.
    pub fn counters(&self) -> Arc<Counters> {
        self.member.counters.clone()
    }

    /// Why it does not serve clients; `None` if it does.
    pub fn not_serving(&self) -> Option<String> {
        self.member.not_serving()
    }

    /// The leader, if this node hears one.
    pub fn leader(&self) -> Option<NodeId> {
        self.cluster.status().leader
    }

    /// Waits for `ends`, which runs where clients are served.
    pub(super) fn block_on<T>(&self, ends: impl Future<Output = T>) -> Option<T> {
        self.runtimes.as_ref().map(|runtimes| runtimes.clients.block_on(ends))
    }

    /// Ends in order: what is on its way has a moment to be done.
    pub fn end(mut self) {
        if let Some(Runtimes { consensus, clients }) = self.runtimes.take() {
            clients.shutdown_timeout(std::time::Duration::from_secs(2));
            consensus.shutdown_timeout(std::time::Duration::from_secs(2));
        }
    }
}

/// The ports besides the sync socket.
struct Ports {
    client: Option<TcpListener>,
    metrics: Option<TcpListener>,
}

impl Ports {
    async fn bind(folder: &Folder) -> Result<Ports, NodeError> {
        let listen = async |key, address: &Option<String>| match address {
            Some(address) => bind(key, address).await.map(Some),
            None => Ok(None),
        };
        let settings = folder.settings();
        let client = listen("client", &settings.client).await?;
        Ok(Ports { client, metrics: listen("metrics", &settings.metrics).await? })
    }
}

/// In the runtime that it is called in.
fn serve_clients(
    folder: &Folder,
    port: Option<TcpListener>,
    service: &Arc<Service>,
    limits: Limits,
    counters: &Arc<Counters>,
) -> Result<(), NodeError> {
    let settings = folder.settings();
    let path = &settings.client_socket;
    let unix = Listener::unix(path, settings.client_socket_mode).map_err(|error| {
        NodeError::configuration(format!("can't listen at client-socket = \"{}\": {error}", path.display()))
    })?;
    let mut listeners = vec![unix];
    if let Some(port) = port {
        let identity = folder.identity();
        let context = tls::context(folder.ca(), &identity.certificate, &identity.key);
        let context = context.map_err(|error| NodeError::failed("TLS for clients", error))?;
        listeners.push(Listener::Tls(port, context));
    }
    for listener in listeners {
        tokio::spawn(server::serve(listener, service.clone(), limits.clone(), counters.clone()));
    }
    Ok(())
}

/// In the runtime that it is called in.
fn serve_operators(
    folder: &Folder,
    metrics: Option<TcpListener>,
    hub: &Arc<super::hub::Parts>,
    counters: &Arc<Counters>,
) -> Result<(), NodeError> {
    let listener = admin::listen(folder.path());
    let listener = listener.map_err(|error| NodeError::failed("the administration socket", error))?;
    tokio::spawn(admin::serve(listener, hub.clone()));
    if let Some(listener) = metrics {
        tokio::spawn(pages::serve(listener, hub.clone(), counters.clone()));
    }
    Ok(())
}
