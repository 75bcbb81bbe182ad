//! A node's place among the others: whether it may serve a call here and now, and who may if it may not.

use crate::chronicle;
use crate::metrics::Counters;
use crate::neighbours::{Question, Reply};
use crate::raft::cluster::{Cluster, LONGEST_QUESTION};
use crate::raft::status::{Part, Status};
use crate::raft::types::NodeId;
use crate::replica::machine::TokenMachine;
use crate::ring::Ring;
use crate::settings::{KeyAvailability, Reads, Settings};
use crate::touch::{self, GRACE, Touch};
use cloister::error::{Error, Result};
use cloister::proto::message::Request;
use cloister::proto::needs::Needs;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::time::timeout;

/// How long a call waits until it is known what is current.
const PATIENCE: Duration = Duration::from_secs(4);
/// How long a call waits for the node to come to what its client has seen: about a heartbeat. Then another node may be further on.
const BEHIND: Duration = Duration::from_millis(150);
/// How long a call waits for a leader: longer than it takes to elect one. A node that then knows of none is cut off from the others, most likely.
const LEADERLESS: Duration = Duration::from_millis(1500);
/// Calls on their way to the leader at once; others wait.
const FORWARDS: usize = 64;
/// How long a new key may take to come to all nodes it must be on.
const SPREADING: Duration = Duration::from_secs(10);

/// Where a call is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// By this node.
    Here,
    /// By the leader.
    Forward(NodeId),
}

/// A node among others.
pub struct Member {
    /// Consensus.
    pub cluster: Arc<Cluster>,
    /// The state that is agreed on.
    pub machine: Arc<TokenMachine>,
    /// The keys that all nodes have.
    pub ring: Arc<Ring>,
    /// What is counted.
    pub counters: Arc<Counters>,
    reads: Reads,
    serve_alone: bool,
    key_availability: KeyAvailability,
    barrier: mpsc::Sender<oneshot::Sender<bool>>,
    /// Places for calls on their way to the leader.
    forwards: Semaphore,
    touch: Arc<Touch>,
}

impl Member {
    /// In the runtime that it is called in, its tasks run until it is dropped.
    pub fn start(
        cluster: Arc<Cluster>,
        machine: Arc<TokenMachine>,
        ring: Arc<Ring>,
        counters: Arc<Counters>,
        settings: &Settings,
    ) -> Arc<Member> {
        let (barrier, waiting) = mpsc::channel(1024);
        let member = Arc::new(Member {
            reads: settings.reads,
            serve_alone: settings.serve_alone,
            key_availability: settings.key_availability,
            barrier,
            forwards: Semaphore::new(FORWARDS),
            touch: Arc::new(Touch::new(Instant::now())),
            cluster,
            machine,
            ring,
            counters,
        });
        tokio::spawn(share_barriers(member.cluster.clone(), waiting));
        tokio::spawn(touch::keep(Arc::downgrade(&member.touch), member.cluster.clone()));
        tokio::spawn(chronicle::write(Arc::downgrade(&member), member.cluster.watch()));
        member
    }

    /// Why this node does not serve clients; `None` if it does.
    pub fn not_serving(&self) -> Option<String> {
        let status = self.cluster.status();
        let waits = |what: &str| Some(format!("it {what}"));
        if let Some(why) = &status.stopped {
            return Some(format!("it has stopped: {why}"));
        }
        if self.cluster.is_removed() {
            return waits("was removed from the cluster: delete its data folder");
        }
        match status.member(self.cluster.id()).map(|own| own.part) {
            None if status.members.is_empty() => return waits("has not heard of the cluster yet"),
            None => return waits("is not a member of the cluster (any more)"),
            Some(Part::Learner) => return waits("is still catching up with the others"),
            Some(Part::Voter) => {}
        }
        if self.ring.is_empty() {
            return waits("has not got the cluster keys yet");
        }
        if self.is_out_of_touch(&status) && !self.serve_alone {
            return waits("does not reach a majority of the nodes");
        }
        None
    }

    /// What readers see.
    pub fn reads(&self) -> Reads {
        self.reads
    }

    /// Whether the token can be changed, as far as this node can tell: a majority is in reach.
    pub fn can_change(&self) -> bool {
        !self.is_out_of_touch(&self.cluster.status())
    }

    /// Where to do `request`. An error is for the client: `DeviceRemoved` sends it to another node.
    pub async fn way(&self, request: &Request, forwarded: bool) -> Result<Way> {
        let needs = request.call.needs();
        // What brings an id changes something: if nothing else, a confirmation is used up. Only leaders draft changes, or those of others would come first.
        if needs == Needs::Leader || request.id.is_some() {
            return self.way_to_leader(forwarded).await;
        }
        if let Some(why) = self.not_serving() {
            tracing::debug!("a call is refused: {why}");
            return Err(Error::DeviceRemoved);
        }
        if needs == Needs::Current && self.wants_current(request.seen) && !self.is_current().await {
            return Err(Error::DeviceRemoved);
        }
        if self.machine.index() >= request.seen {
            return Ok(Way::Here);
        }
        match timeout(BEHIND, self.cluster.wait_applied(request.seen)).await {
            Ok(Ok(())) => Ok(Way::Here),
            // All that was acknowledged to anyone is here: what the client has seen is of a history that was lost, and the cluster was begun anew.
            _ if self.is_current().await => Ok(Way::Here),
            _ => Err(Error::DeviceRemoved),
        }
    }

    /// Whether a client that has come to the log index `seen` is to see all that anybody has been told of. One that begins is: the program before it
    /// may have made what it looks for.
    fn wants_current(&self, seen: u64) -> bool {
        match self.reads {
            Reads::Current => true,
            Reads::Session => {
                seen == 0 && !(self.serve_alone && self.is_out_of_touch(&self.cluster.status()))
            }
        }
    }

    async fn way_to_leader(&self, forwarded: bool) -> Result<Way> {
        let known = |status: &Status| status.stopped.is_some() || status.leader.is_some();
        let leader = match self.cluster.wait_until(LEADERLESS, known).await {
            Ok(status) => status.leader,
            Err(_) => None,
        };
        match leader {
            Some(leader) if leader == self.cluster.id() => match self.is_current().await {
                true if !self.ring.is_empty() => Ok(Way::Here),
                _ => Err(self.nobody_leads()),
            },
            Some(leader) if !forwarded => Ok(Way::Forward(leader)),
            Some(_) => Err(Error::DeviceRemoved),
            None => Err(self.nobody_leads()),
        }
    }

    /// Where the only node left may serve, it says that nothing can be changed; else it sends the client to another node.
    fn nobody_leads(&self) -> Error {
        if self.serve_alone { Error::TokenWriteProtected } else { Error::DeviceRemoved }
    }

    /// The leader's answer to a client's request.
    pub async fn forward(&self, leader: NodeId, message: &[u8]) -> Result<Vec<u8>> {
        let question = Question::Client(message.into()).to_bytes();
        if question.len() > LONGEST_QUESTION {
            // The leader would say the same of what is so much longer than an entry of the log.
            return Err(Error::DeviceMemory);
        }
        self.counters.forwarded();
        // They take places at the leader that consensus needs too.
        let _place = self.forwards.acquire().await.map_err(|_| Error::DeviceRemoved)?;
        let asked = tokio::select! {
            asked = self.cluster.ask(leader, question) => asked,
            () = self.is_led_by_another(leader) => return Err(Error::DeviceRemoved),
        };
        match asked.map(|answer| Reply::from_bytes(&answer)) {
            Ok(Some(Reply::Client(answer))) => Ok(answer.to_vec()),
            Ok(_) => Err(Error::DeviceRemoved),
            Err(error) => {
                tracing::debug!("the leader does not answer: {}", error.why);
                // It may take a moment until another leads: the client need not ask all nodes meanwhile.
                let _ = timeout(GRACE, self.is_led_by_another(leader)).await;
                Err(Error::DeviceRemoved)
            }
        }
    }

    /// Returns when another node leads, or none.
    async fn is_led_by_another(&self, leader: NodeId) {
        let mut news = self.cluster.watch();
        while let Some(status) = news.next().await {
            if status.leader != Some(leader) || status.stopped.is_some() {
                return;
            }
        }
    }

    /// Waits until this node has applied all that was acknowledged to anyone before; `false` if that can't be known now.
    pub async fn is_current(&self) -> bool {
        let (done, heard) = oneshot::channel();
        if self.barrier.send(done).await.is_err() {
            return false;
        }
        timeout(PATIENCE, heard).await.is_ok_and(|heard| heard.unwrap_or(false))
    }

    /// Whether this is the only node left of a cluster that had more, and nobody has said that a key on one node is enough: then none is made.
    pub fn is_last(&self) -> bool {
        self.cluster.status().voters() == 1
            && self.key_availability == KeyAvailability::Majority
            && self.machine.had_others()
    }

    /// Waits until a key made at `index` is on as many nodes as the settings want; `None`: only the leader can tell, and this node leads no more.
    pub async fn is_available(&self, index: u64) -> Option<bool> {
        let status = self.cluster.status();
        let voters = status.voters();
        let wanted = match self.key_availability {
            KeyAvailability::Majority => voters / 2 + 1,
            KeyAvailability::All => status.members.len(),
            KeyAvailability::Nodes(nodes) => nodes as usize,
        };
        if wanted <= voters / 2 + 1 {
            return Some(true);
        }
        let own = self.cluster.id();
        let held = |status: &Status| {
            let has = |lag: u64| status.last.unwrap_or(0).saturating_sub(lag) >= index;
            status.members.iter().filter(|member| member.id == own || member.lag.is_some_and(has)).count()
        };
        let enough = |status: &Status| held(status) >= wanted || status.leader != Some(own);
        let status =
            self.cluster.wait_until(SPREADING, enough).await.unwrap_or_else(|_| self.cluster.status());
        (status.leader == Some(own)).then(|| held(&status) >= wanted)
    }

    /// Whether no majority has been in reach for too long.
    fn is_out_of_touch(&self, status: &Status) -> bool {
        self.touch.is_lost(status, Instant::now())
    }
}

/// Read barriers cost a round to a majority: all who come while one is under way share the next.
async fn share_barriers(cluster: Arc<Cluster>, mut waiting: mpsc::Receiver<oneshot::Sender<bool>>) {
    while let Some(first) = waiting.recv().await {
        let mut sharing = vec![first];
        while let Ok(next) = waiting.try_recv() {
            sharing.push(next);
        }
        let passed = match cluster.read_barrier().await {
            Ok(_) => true,
            Err(error) => {
                tracing::debug!("what is current can't be known: {error}");
                false
            }
        };
        for done in sharing {
            // Who no longer waits need not know.
            let _ = done.send(passed);
        }
    }
}
