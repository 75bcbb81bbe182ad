//! A node's part in its cluster: the face of this module for the rest of the node.

use std::net::IpAddr;
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use cloister::attribute::Bytes;
use cloister::proto::peer::Role;
use openraft::error::{
    ChangeMembershipError, ClientWriteError, Fatal, ForwardToLeader, InitializeError, RaftError,
};
use openraft::{ChangeMembers, Config, SnapshotPolicy};
use openssl::x509::X509;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::error::{ClusterError, StartError};
use super::heir::Heir;
use super::in_turn::InTurn;
use super::leader::Leader;
use super::log::{self, LogStore, Owner};
use super::machine::Machine;
use super::message::{Answer, Refusal, Request};
use super::neighbour::Neighbourly;
use super::network::{CallError, Network, Peers};
pub use super::proposer::LONGEST_COMMAND;
use super::proposer::Proposer;
use super::snapshot::Snapshots;
use super::state_machine::StateMachine;
use super::status::{Member, Status};
use super::sync_socket::{self, Host};
use super::ties;
use super::tls::Tls;
use super::types::{LogId, Node, NodeId, Raft};
use super::unfinished;
use super::vouchers::Vouchers;
use crate::pki::{self, Identity};

/// The most entries a learner may miss to become a voter.
const NEARLY: u64 = 100;

/// Between two tries to change the members.
const AGAIN: Duration = Duration::from_millis(20);

/// The pieces of a snapshot on its way.
const PIECE: u64 = 1 << 20;

/// The most bytes of a question that [`Cluster::ask`] can send.
pub const LONGEST_QUESTION: usize = super::frame::LONGEST as usize - 64;

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
    /// The address to call other nodes from, if it matters.
    pub source: Option<IpAddr>,
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
        Timing::of_heartbeat(Duration::from_millis(120))
    }
}

impl Timing {
    /// By the time between two heartbeats, all else in proportion: a leader is given up when two have not come.
    pub fn of_heartbeat(heartbeat: Duration) -> Timing {
        Timing {
            heartbeat,
            election: (heartbeat * 25 / 12, heartbeat * 10 / 3),
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

/// Why another node did not answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotAnswered {
    /// Whether it may have heard the question.
    pub heard: bool,
    /// In words.
    pub why: String,
}

/// News of the cluster.
pub struct Watch(tokio::sync::watch::Receiver<openraft::RaftMetrics<NodeId, Node>>);

impl Watch {
    /// The next state; `None` when the node has ended. States between two calls are passed over.
    pub async fn next(&mut self) -> Option<Status> {
        self.0.changed().await.ok()?;
        Some(Status::of(&self.0.borrow_and_update()))
    }
}

/// A running node. Dropped, it lets go of its port and files, though not at once; [`Cluster::shutdown`] waits for it.
pub struct Cluster {
    id: NodeId,
    raft: Raft,
    leader: Arc<Leader>,
    proposer: Proposer,
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
        neighbourly: Arc<dyn Neighbourly>,
    ) -> Result<Cluster, StartError> {
        let config = config(&settings)?;
        let Settings { id, folder, ca, identity, timing, .. } = settings;
        if Role::of(&identity.certificate) != Some(Role::Node(id)) {
            return Err(StartError::NotItsCertificate(id));
        }
        let tls = Tls::new(&ca, &identity).map_err(pki::PkiError::from)?;
        let owner = Owner { node: id, cluster: pki::fingerprint(&ca)? };
        let opened = Arc::clone(&machine);
        let (log, state) = blocking(move || open(folder, owner, opened)).await?;
        let peers = Peers::new(tls.clone(), settings.source);
        let network = Network { peers: Arc::clone(&peers) };
        let votes = log.votes();
        let raft = Raft::new(id, Arc::new(config), network, log, state).await;
        let raft = raft.map_err(|fatal| StartError::Consensus(fatal.to_string()))?;
        let leader = Arc::new(Leader { id, raft: raft.clone(), peers, patience: timing.patience });
        let (proposer, gathering) = Proposer::start(Arc::clone(&leader));
        let heir = Heir::new(id, raft.clone(), votes.clone(), timing.election.1);
        let vouchers = Vouchers::new(Arc::clone(&leader));
        let entries = InTurn::new();
        let host = Host { leader: Arc::clone(&leader), heir, neighbourly, vouchers, machine, entries };
        let serving = tokio::spawn(sync_socket::serve(listener, tls, Arc::new(host)));
        let watching = tokio::spawn(tell_of_the_end(raft.clone()));
        let heeding = tokio::spawn(heed_removal(Arc::clone(&leader)));
        let longest = timing.election.0 + timing.election.1;
        let holding = ties::hold_back(raft.clone(), id, votes, longest, leader.peers.removed());
        let holding = tokio::spawn(holding);
        let finishing = tokio::spawn(unfinished::finish(raft.clone(), id, timing.patience));
        Ok(Cluster {
            id,
            raft,
            leader,
            proposer,
            patience: timing.patience,
            tasks: vec![gathering, serving, watching, heeding, holding, finishing],
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
                RaftError::Fatal(fatal) => ClusterError::stopped(&fatal),
            })
    }

    /// Has the cluster apply `command`, through whichever node leads; answers the log index and the machine's answer
    /// once a majority holds it and the leader applied it. After [`ClusterError::Unknown`] it may be applied or not.
    pub async fn propose(&self, command: Vec<u8>) -> Result<(u64, Vec<u8>), ClusterError> {
        self.proposer.propose(command).await
    }

    /// Asks another member something that is not about consensus. A call that is dropped takes its connection with it; how long to wait is for
    /// the caller to say.
    pub async fn ask(&self, id: NodeId, question: Bytes) -> Result<Bytes, NotAnswered> {
        let node =
            self.member(id).map_err(|error| NotAnswered { heard: false, why: error.to_string() })?.node;
        match self.leader.peers.call(id, &node, &Request::Node(question)).await {
            Ok(Answer::Node(answer)) => Ok(answer),
            Ok(_) => Err(NotAnswered { heard: true, why: "it answered something else".to_owned() }),
            Err(error) => {
                Err(NotAnswered { heard: !matches!(error, CallError::Unreached(_)), why: error.to_string() })
            }
        }
    }

    /// This node's id.
    pub fn id(&self) -> NodeId {
        self.id
    }

    /// Whether this node has been told that the others have removed it.
    pub fn is_removed(&self) -> bool {
        *self.leader.peers.removed().borrow()
    }

    /// What this node knows of the cluster, each time that changes; the receiver is told of the present state first.
    pub fn watch(&self) -> Watch {
        let mut metrics = self.raft.metrics();
        metrics.mark_changed();
        Watch(metrics)
    }

    /// Waits until this node has applied everything that was acknowledged to anyone before this call; answers the
    /// index it has at least applied. What is read from the machine after it is current.
    pub async fn read_barrier(&self) -> Result<u64, ClusterError> {
        let index = self.leader.read_index().await?;
        self.wait_applied(index).await?;
        Ok(index)
    }

    /// Whether a majority followed the leader at some time since this call, as the leader says.
    pub async fn is_led(&self) -> bool {
        self.leader.read_index().await.is_ok()
    }

    /// Waits until this node has applied the entry at `index`.
    pub async fn wait_applied(&self, index: u64) -> Result<(), ClusterError> {
        let mut metrics = self.raft.metrics();
        let applied = metrics.wait_for(|metrics| {
            metrics.running_state.is_err()
                || metrics.last_applied.is_some_and(|applied| applied.index >= index)
        });
        match timeout(self.patience, applied).await {
            Ok(Ok(metrics)) => metrics.running_state.as_ref().map_err(ClusterError::stopped).copied(),
            Ok(Err(_)) => Err(ClusterError::stopped(&Fatal::Stopped)),
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
            Ok(Err(_)) => Err(ClusterError::stopped(&Fatal::Stopped)),
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
        self.change(id, ChangeMembers::AddNodes([(id, node)].into())).await
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
        self.change(id, ChangeMembers::AddVoterIds([id].into())).await
    }

    /// Removes a member. Only the leader can; if it removes itself, it leads until that is agreed on, and the others elect another.
    pub async fn remove(&self, id: NodeId) -> Result<(), ClusterError> {
        let member = self.member(id)?;
        let ids = [id].into();
        let change = match member.part {
            super::status::Part::Voter => ChangeMembers::RemoveVoters(ids),
            super::status::Part::Learner => ChangeMembers::RemoveNodes(ids),
        };
        self.change(id, change).await
    }

    /// Takes a snapshot now and waits until it covers everything applied so far.
    pub async fn snapshot(&self) -> Result<(), ClusterError> {
        let applied = self.raft.metrics().borrow().last_applied;
        let taken = timeout(self.patience, self.snapshot_of(applied)).await;
        taken.unwrap_or(Err(ClusterError::TimedOut))
    }

    /// openraft takes no second snapshot beside one that is being taken, and tells nobody that it was asked to. So one that turns out to be of an
    /// earlier state is followed by another.
    async fn snapshot_of(&self, applied: Option<LogId>) -> Result<(), ClusterError> {
        let mut metrics = self.raft.metrics();
        loop {
            let last = metrics.borrow().snapshot;
            if last >= applied {
                return Ok(());
            }
            self.raft.trigger().snapshot().await.map_err(|fatal| ClusterError::stopped(&fatal))?;
            let next = metrics.wait_for(|metrics| metrics.running_state.is_err() || metrics.snapshot != last);
            let next = next.await.map_err(|_| ClusterError::stopped(&Fatal::Stopped))?;
            next.running_state.as_ref().map_err(ClusterError::stopped)?;
        }
    }

    /// Takes a snapshot and drops all of the log that is in it: who joins from now on hears of nothing before.
    pub async fn forget(&self) -> Result<(), ClusterError> {
        self.snapshot().await?;
        let Some(taken) = self.raft.metrics().borrow().snapshot else { return Ok(()) };
        self.raft.trigger().purge_log(taken.index).await.map_err(|fatal| ClusterError::stopped(&fatal))?;
        let mut metrics = self.raft.metrics();
        let purged = metrics.wait_for(|metrics| metrics.purged >= Some(taken));
        match timeout(self.patience, purged).await {
            Ok(purged) => purged.map(|_| ()).map_err(|_| ClusterError::stopped(&Fatal::Stopped)),
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

    /// Changes the members, after a change that is under way.
    async fn change(&self, id: NodeId, change: ChangeMembers<NodeId, Node>) -> Result<(), ClusterError> {
        let deadline = Instant::now() + self.patience;
        loop {
            let changed = self.raft.change_membership(change.clone(), false);
            let Ok(changed) = timeout_at(deadline, changed).await else {
                return Err(ClusterError::Unknown);
            };
            match changed.map(|_| ()).map_err(|error| change_failed(id, error)) {
                Err(ClusterError::ChangeUnderWay) if Instant::now() < deadline => sleep(AGAIN).await,
                changed => return changed,
            }
        }
    }
}

fn change_failed(id: NodeId, error: RaftError<NodeId, ClientWriteError<NodeId, Node>>) -> ClusterError {
    match error {
        RaftError::APIError(ClientWriteError::ForwardToLeader(leader)) => not_leader(leader),
        RaftError::APIError(ClientWriteError::ChangeMembershipError(error)) => match error {
            ChangeMembershipError::InProgress(_) => ClusterError::ChangeUnderWay,
            ChangeMembershipError::LearnerNotFound(_) => ClusterError::NotAMember(id),
            ChangeMembershipError::EmptyMembership(_) => ClusterError::LastVoter,
        },
        RaftError::Fatal(fatal) => ClusterError::stopped(&fatal),
    }
}

#[cfg(test)]
impl Cluster {
    /// Has this node stand for election.
    pub(crate) async fn stand(&self) {
        self.raft.trigger().elect().await.expect("a running node");
    }

    /// Returns when this node has been told that it was removed.
    pub(crate) async fn removed(&self) {
        // An end without that news is not waited for either.
        let _ = self.leader.peers.removed().wait_for(|removed| *removed).await;
    }

    /// How many proposals wait to be gathered.
    pub(crate) fn waiting(&self) -> usize {
        self.proposer.waiting()
    }
}

fn open(
    folder: PathBuf,
    owner: Owner,
    machine: Arc<dyn Machine>,
) -> Result<(LogStore, StateMachine), StartError> {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder).map_err(StartError::Folder)?;
    // The log first: its lock keeps another node out of the snapshots too.
    let log = LogStore::open(&folder.join(log::FILE), owner)?;
    let snapshots = Snapshots::open(folder.join("snapshots"));
    let snapshots = snapshots.map_err(|error| StartError::Snapshots(error.to_string()))?;
    log.fits(&machine.applied()?)?;
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

/// A node that was removed stands for no election any more: it can't win one, and would only disturb.
async fn heed_removal(leader: Arc<Leader>) {
    if leader.peers.removed().wait_for(|removed| *removed).await.is_ok() {
        leader.raft.runtime_config().elect(false);
        tracing::error!("{}", Refusal::Removed);
    }
}

fn not_leader(leader: ForwardToLeader<NodeId, Node>) -> ClusterError {
    ClusterError::NotLeader(leader.leader_id.zip(leader.leader_node))
}
