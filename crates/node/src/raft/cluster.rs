//! A node's part in its cluster: the face of this module for the rest of the node.

use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use openraft::error::{
    ChangeMembershipError, CheckIsLeaderError, ClientWriteError, Fatal, ForwardToLeader, InitializeError,
    RaftError,
};
use openraft::{ChangeMembers, Config, SnapshotPolicy};
use openssl::x509::X509;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout, timeout_at};

use super::error::{ClusterError, StartError};
use super::log::{LogStore, Owner};
use super::machine::Machine;
use super::message::{Answer, Refusal, Request};
use super::network::{CallError, Network, Peers};
use super::pki::{self, Identity, Role};
use super::proposer::{LocalError, Proposer};
use super::snapshot::Snapshots;
use super::state_machine::StateMachine;
use super::status::{Member, Status};
use super::sync_socket::{self, Service};
use super::tls::Tls;
use super::types::{Node, NodeId, Raft};

/// The longest command.
pub const LONGEST_COMMAND: usize = 1 << 20;

/// The most entries a learner may miss to become a voter.
const NEARLY: u64 = 100;

/// The pieces of a snapshot on its way.
const PIECE: u64 = 1 << 20;

/// What a node needs to take part.
pub struct Settings {
    /// The node's id, the one in its certificate.
    pub id: NodeId,
    /// The folder of log and snapshots, this node's alone.
    pub folder: PathBuf,
    /// The certificate of the cluster's CA.
    pub ca: X509,
    /// The node's certificate and key.
    pub identity: Identity,
    /// How patient the node is.
    pub timing: Timing,
    /// After how many entries to take a snapshot, and to forget entries that are in one.
    pub snapshot_every: u64,
}

/// How patient a node is.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    /// Between two heartbeats of a leader; also how long a peer may take to write entries and answer.
    pub heartbeat: Duration,
    /// Without heartbeats, a follower stands for election after `election.1` and a random part of `election`.
    pub election: (Duration, Duration),
    /// How long a caller waits for a leader and a majority.
    pub patience: Duration,
}

impl Default for Timing {
    /// Another leader within a second.
    fn default() -> Timing {
        Timing {
            heartbeat: Duration::from_millis(120),
            election: (Duration::from_millis(250), Duration::from_millis(400)),
            patience: Duration::from_secs(10),
        }
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn config(settings: &Settings) -> Result<Config, StartError> {
    let Timing { heartbeat, election, .. } = settings.timing;
    let config = Config {
        cluster_name: "cloister".to_owned(),
        heartbeat_interval: millis(heartbeat),
        election_timeout_min: millis(election.0),
        election_timeout_max: millis(election.1),
        // A store of many objects takes its time to install; a lost connection is noticed anyway.
        install_snapshot_timeout: 60_000,
        snapshot_max_chunk_size: PIECE,
        snapshot_policy: SnapshotPolicy::LogsSinceLast(settings.snapshot_every),
        replication_lag_threshold: settings.snapshot_every.saturating_mul(2),
        max_in_snapshot_log_to_keep: settings.snapshot_every / 2,
        ..Config::default()
    };
    config.validate().map_err(|error| StartError::Timing(error.to_string()))
}

/// A running node. Dropped, it lets go of its port and files, though not at once; [`Cluster::shutdown`] waits for it.
pub struct Cluster {
    id: NodeId,
    raft: Raft,
    proposer: Proposer,
    peers: Arc<Peers>,
    patience: Duration,
    tasks: Vec<JoinHandle<()>>,
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

impl Cluster {
    /// Starts a node that answers its peers on `listener`. It takes up where it stopped; a new one waits to be found
    /// by [`Self::add_learner`] of another, or founds a cluster by [`Self::found`].
    pub async fn start(
        settings: Settings,
        listener: TcpListener,
        machine: Arc<dyn Machine>,
    ) -> Result<Cluster, StartError> {
        let config = config(&settings)?;
        let Settings { id, folder, ca, identity, timing, .. } = settings;
        if Role::of(&identity.certificate) != Some(Role::Node(id)) {
            return Err(StartError::NotItsCertificate(id));
        }
        let tls = Tls::new(&ca, &identity).map_err(pki::PkiError::from)?;
        let owner = Owner { node: id, cluster: pki::fingerprint(&ca)? };
        let (log, state) = blocking(move || open(folder, owner, machine)).await?;
        let peers = Peers::new(tls.clone());
        let network = Network { peers: Arc::clone(&peers) };
        let raft = Raft::new(id, Arc::new(config), network, log, state).await;
        let raft = raft.map_err(|fatal| StartError::Consensus(fatal.to_string()))?;
        let (proposer, gathering) = Proposer::start(raft.clone(), timing.patience);
        let service = Arc::new(Service { raft: raft.clone(), proposer: proposer.clone() });
        let serving = tokio::spawn(sync_socket::serve(listener, tls, service));
        let watching = tokio::spawn(tell_of_the_end(raft.clone()));
        Ok(Cluster {
            id,
            raft,
            proposer,
            peers,
            patience: timing.patience,
            tasks: vec![gathering, serving, watching],
        })
    }

    /// Founds a cluster of this node alone; `node` is how the others will reach it.
    pub async fn found(&self, node: Node) -> Result<(), ClusterError> {
        self.raft
            .initialize([(self.id, node)].into_iter().collect::<std::collections::BTreeMap<_, _>>())
            .await
            .map_err(|error| match error {
                RaftError::APIError(InitializeError::NotAllowed(_)) => ClusterError::Founded,
                RaftError::APIError(InitializeError::NotInMembers(_)) => ClusterError::NotAMember(self.id),
                RaftError::Fatal(fatal) => stopped(&fatal),
            })
    }

    /// Has the cluster apply `command`, through whichever node leads; answers the log index and the machine's answer
    /// once a majority holds it and the leader applied it. After [`ClusterError::Unknown`] it may be applied or not.
    pub async fn propose(&self, command: Vec<u8>) -> Result<(u64, Vec<u8>), ClusterError> {
        if command.len() > LONGEST_COMMAND {
            return Err(ClusterError::TooLong(LONGEST_COMMAND));
        }
        let request = Request::Propose(command);
        match self.ask_leader(&request).await? {
            Answer::Proposed { index, answer } => Ok((index, answer)),
            _ => Err(ClusterError::Unknown),
        }
    }

    /// Waits until this node has applied everything that was acknowledged to anyone before this call; answers the
    /// index it has at least applied. What is read from the machine after it is current.
    pub async fn read_barrier(&self) -> Result<u64, ClusterError> {
        match self.ask_leader(&Request::ReadIndex).await? {
            Answer::ReadIndex(index) => {
                self.wait_applied(index).await?;
                Ok(index)
            }
            _ => Err(ClusterError::NoLeader),
        }
    }

    /// Waits until this node has applied the entry at `index`.
    pub async fn wait_applied(&self, index: u64) -> Result<(), ClusterError> {
        let mut metrics = self.raft.metrics();
        let applied = metrics.wait_for(|metrics| {
            metrics.running_state.is_err()
                || metrics.last_applied.is_some_and(|applied| applied.index >= index)
        });
        match timeout(self.patience, applied).await {
            Ok(Ok(metrics)) => metrics.running_state.as_ref().map_err(stopped).copied(),
            Ok(Err(_)) => Err(stopped(&Fatal::Stopped)),
            Err(_) => Err(ClusterError::TimedOut),
        }
    }

    /// Waits until what this node knows of the cluster is as `wanted`, for as long as `patience` says.
    pub async fn wait_until(
        &self,
        patience: Duration,
        wanted: impl Fn(&Status) -> bool,
    ) -> Result<Status, ClusterError> {
        let mut metrics = self.raft.metrics();
        match timeout(patience, metrics.wait_for(|metrics| wanted(&Status::of(metrics)))).await {
            Ok(Ok(metrics)) => Ok(Status::of(&metrics)),
            Ok(Err(_)) => Err(stopped(&Fatal::Stopped)),
            Err(_) => Err(ClusterError::TimedOut),
        }
    }

    /// What this node knows of the cluster.
    pub fn status(&self) -> Status {
        Status::of(&self.raft.metrics().borrow())
    }

    /// The members, as far as this node knows.
    pub fn members(&self) -> Vec<Member> {
        self.status().members
    }

    /// Adds a node that does not vote yet and begins to send it everything. Only the leader can.
    pub async fn add_learner(&self, id: NodeId, node: Node) -> Result<(), ClusterError> {
        self.change("add", id, ChangeMembers::AddNodes([(id, node)].into())).await
    }

    /// Lets a learner vote that has caught up. Only the leader can.
    pub async fn promote(&self, id: NodeId) -> Result<(), ClusterError> {
        self.member(id)?;
        let near = |status: &Status| {
            status.member(id).and_then(|member| member.lag).is_some_and(|lag| lag <= NEARLY)
        };
        if self.wait_until(self.patience, near).await.is_err() {
            let status = self.status();
            let missing = status.member(id).and_then(|member| member.lag).or(status.last);
            return Err(ClusterError::Behind(missing.unwrap_or(0)));
        }
        self.change("promote", id, ChangeMembers::AddVoterIds([id].into())).await
    }

    /// Removes a member. Only the leader can, and not itself.
    pub async fn remove(&self, id: NodeId) -> Result<(), ClusterError> {
        let member = self.member(id)?;
        if id == self.id {
            return Err(ClusterError::RemovesItself);
        }
        let ids = [id].into();
        let change = match member.part {
            super::status::Part::Voter => ChangeMembers::RemoveVoters(ids),
            super::status::Part::Learner => ChangeMembers::RemoveNodes(ids),
        };
        self.change("remove", id, change).await
    }

    /// Takes a snapshot now and waits until it covers everything applied so far.
    pub async fn snapshot(&self) -> Result<(), ClusterError> {
        let applied = self.raft.metrics().borrow().last_applied;
        self.raft.trigger().snapshot().await.map_err(|fatal| stopped(&fatal))?;
        let mut metrics = self.raft.metrics();
        let taken = metrics.wait_for(|metrics| metrics.running_state.is_err() || metrics.snapshot >= applied);
        match timeout(self.patience, taken).await {
            Ok(Ok(metrics)) => metrics.running_state.as_ref().map_err(stopped).copied(),
            Ok(Err(_)) => Err(stopped(&Fatal::Stopped)),
            Err(_) => Err(ClusterError::TimedOut),
        }
    }

    /// Returns when the node has stopped, and says why: a storage error, most likely.
    pub async fn stopped(&self) -> String {
        reason_of_the_end(&self.raft).await
    }

    /// Stops the node and waits until it has.
    pub async fn shutdown(mut self) {
        for task in self.tasks.drain(..) {
            task.abort();
            // Aborted on purpose.
            let _ = task.await;
        }
        if let Err(error) = self.raft.shutdown().await {
            tracing::error!(%error, "the node did not stop in order");
        }
    }

    fn member(&self, id: NodeId) -> Result<Member, ClusterError> {
        self.status().member(id).cloned().ok_or(ClusterError::NotAMember(id))
    }

    async fn change(
        &self,
        what: &str,
        id: NodeId,
        change: ChangeMembers<NodeId, Node>,
    ) -> Result<(), ClusterError> {
        let changed = timeout(self.patience, self.raft.change_membership(change, false)).await;
        match changed.map_err(|_| ClusterError::Unknown)? {
            Ok(_) => {
                tracing::info!(node = %format_args!("{id:016x}"), "members changed: {what}");
                Ok(())
            }
            Err(RaftError::APIError(ClientWriteError::ForwardToLeader(leader))) => Err(not_leader(leader)),
            Err(RaftError::APIError(ClientWriteError::ChangeMembershipError(error))) => Err(match error {
                ChangeMembershipError::InProgress(_) => ClusterError::ChangeUnderWay,
                ChangeMembershipError::LearnerNotFound(_) => ClusterError::NotAMember(id),
                ChangeMembershipError::EmptyMembership(_) => ClusterError::RemovesItself,
            }),
            Err(RaftError::Fatal(fatal)) => Err(stopped(&fatal)),
        }
    }

    /// Asks whoever leads, and whoever leads after that, until one answers or the patience is over.
    async fn ask_leader(&self, request: &Request) -> Result<Answer, ClusterError> {
        let deadline = Instant::now() + self.patience;
        let mut metrics = self.raft.metrics();
        loop {
            let known = metrics
                .wait_for(|metrics| metrics.running_state.is_err() || metrics.current_leader.is_some());
            let (leader, node) = match timeout_at(deadline, known).await {
                Ok(Ok(metrics)) => match (&metrics.running_state, metrics.current_leader) {
                    (Err(fatal), _) => return Err(stopped(fatal)),
                    (Ok(()), None) => return Err(ClusterError::NoLeader),
                    (Ok(()), Some(leader)) => {
                        (leader, metrics.membership_config.membership().get_node(&leader).cloned())
                    }
                },
                Ok(Err(_)) => return Err(stopped(&Fatal::Stopped)),
                Err(_) => return Err(ClusterError::NoLeader),
            };
            let answer = match (leader == self.id, node) {
                (true, _) => timeout_at(deadline, self.ask_here(request)).await,
                (false, Some(node)) => timeout_at(deadline, self.ask_there(leader, &node, request)).await,
                (false, None) => Ok(Ok(Answer::NotLeader(None))),
            };
            match answer {
                Err(_) => return Err(ClusterError::Unknown),
                Ok(Ok(Answer::NotLeader(_))) => {}
                Ok(answer) => return answer,
            }
            // Not the leader any more, or not to be reached: look again when something has changed, or soon.
            let _ = timeout(Duration::from_millis(50), metrics.changed()).await;
        }
    }

    async fn ask_here(&self, request: &Request) -> Result<Answer, ClusterError> {
        match request {
            Request::Propose(command) => match self.proposer.propose(command.clone()).await {
                Ok((index, answer)) => Ok(Answer::Proposed { index, answer }),
                Err(LocalError::NotLeader(leader)) => Ok(Answer::NotLeader(leader)),
                Err(LocalError::Unknown) => Err(ClusterError::Unknown),
                Err(LocalError::Stopped) => Err(stopped(&Fatal::Stopped)),
            },
            _ => match self.raft.get_read_log_id().await {
                Ok((read, _)) => Ok(Answer::ReadIndex(read.map_or(0, |read| read.index))),
                Err(RaftError::APIError(CheckIsLeaderError::ForwardToLeader(leader))) => {
                    Ok(Answer::NotLeader(leader.leader_id.zip(leader.leader_node)))
                }
                Err(RaftError::APIError(CheckIsLeaderError::QuorumNotEnough(_))) => {
                    Err(ClusterError::NoQuorum)
                }
                Err(RaftError::Fatal(fatal)) => Err(stopped(&fatal)),
            },
        }
    }

    async fn ask_there(
        &self,
        leader: NodeId,
        node: &Node,
        request: &Request,
    ) -> Result<Answer, ClusterError> {
        match self.peers.call(leader, node, request).await {
            Ok(Answer::Unknown) | Err(CallError::Lost(_)) => Err(ClusterError::Unknown),
            Ok(answer) => Ok(answer),
            Err(CallError::Unreached(_)) => Ok(Answer::NotLeader(None)),
            Err(CallError::Refused(Refusal::NoQuorum)) => Err(ClusterError::NoQuorum),
            // It has stopped, and is no leader for long; or it is of a version that can't be spoken with.
            Err(CallError::Refused(_)) => Ok(Answer::NotLeader(None)),
        }
    }
}

fn open(
    folder: PathBuf,
    owner: Owner,
    machine: Arc<dyn Machine>,
) -> Result<(LogStore, StateMachine), StartError> {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder).map_err(StartError::Folder)?;
    // The log first: its lock keeps another node out of the snapshots too.
    let log = LogStore::open(&folder.join("raft.db"), owner)?;
    let snapshots = Snapshots::open(folder.join("snapshots"));
    let snapshots = snapshots.map_err(|error| StartError::Snapshots(error.to_string()))?;
    machine.applied()?;
    Ok((log, StateMachine::new(machine, snapshots)))
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StartError> + Send + 'static,
) -> Result<T, StartError> {
    let broken_off = || StartError::Consensus("it was broken off".to_owned());
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|_| Err(broken_off()))
}

async fn reason_of_the_end(raft: &Raft) -> String {
    let mut metrics = raft.metrics();
    match metrics.wait_for(|metrics| metrics.running_state.is_err()).await {
        Ok(metrics) => metrics.running_state.as_ref().err().map_or(String::new(), ToString::to_string),
        Err(_) => Fatal::<NodeId>::Stopped.to_string(),
    }
}

async fn tell_of_the_end(raft: Raft) {
    let reason = reason_of_the_end(&raft).await;
    tracing::error!("the node has stopped: {reason}");
}

fn stopped(fatal: &Fatal<NodeId>) -> ClusterError {
    ClusterError::Stopped(fatal.to_string())
}

fn not_leader(leader: ForwardToLeader<NodeId, Node>) -> ClusterError {
    ClusterError::NotLeader(leader.leader_id.zip(leader.leader_node))
}
