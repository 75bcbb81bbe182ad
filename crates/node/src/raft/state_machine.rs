//! A [`Machine`] as openraft wants it: its blocking work on threads made for that, its copies as snapshot files.

use std::fs::File;
use std::io;
use std::sync::Arc;

use openraft::storage::{RaftStateMachine, Snapshot};
use openraft::{AnyError, EntryPayload, OptionalSend, RaftSnapshotBuilder, StorageIOError};
use tokio::io::AsyncWriteExt;

use super::machine::{Machine, MachineError};
use super::snapshot::{SnapshotError, Snapshots};
use super::types::{
    Answers, Applied, Committed, Entry, LogId, Membership, Node, NodeId, SnapshotMeta, StorageError, Types,
};

/// The machine and its snapshots; a clone is the builder of the next one.
#[derive(Clone)]
pub(crate) struct StateMachine {
    machine: Arc<dyn Machine>,
    snapshots: Arc<Snapshots>,
}

/// Why the machine or its snapshots can't go on.
#[derive(Debug)]
enum Failure {
    Machine(MachineError),
    Snapshot(SnapshotError),
    /// The machine answered this many of that many entries.
    Answers(usize, usize),
    /// A snapshot says of itself something else than the leader that sent it.
    OtherSnapshot,
    /// The work was broken off: the machine panicked, or the runtime ends.
    BrokenOff,
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Failure::Machine(error) => error.fmt(f),
            Failure::Snapshot(error) => error.fmt(f),
            Failure::Answers(got, of) => write!(f, "the machine answered {got} of {of} entries"),
            Failure::OtherSnapshot => f.write_str("a received snapshot is not the one that was announced"),
            Failure::BrokenOff => f.write_str("work on the state was broken off"),
        }
    }
}

impl std::error::Error for Failure {}

impl From<MachineError> for Failure {
    fn from(error: MachineError) -> Failure {
        Failure::Machine(error)
    }
}

impl From<SnapshotError> for Failure {
    fn from(error: SnapshotError) -> Failure {
        Failure::Snapshot(error)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Failure {
        Failure::Snapshot(error.into())
    }
}

fn reading(failure: Failure) -> StorageError {
    StorageIOError::read_state_machine(AnyError::new(&failure)).into()
}

fn writing(failure: Failure) -> StorageError {
    StorageIOError::write_state_machine(AnyError::new(&failure)).into()
}

impl StateMachine {
    pub(crate) fn new(machine: Arc<dyn Machine>, snapshots: Snapshots) -> StateMachine {
        StateMachine { machine, snapshots: Arc::new(snapshots) }
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&dyn Machine, &Snapshots) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        let StateMachine { machine, snapshots } = self.clone();
        tokio::task::spawn_blocking(move || work(&*machine, &snapshots))
            .await
            .unwrap_or(Err(Failure::BrokenOff))
    }
}

fn build(machine: &dyn Machine, snapshots: &Snapshots) -> Result<(SnapshotMeta, File), Failure> {
    let part = snapshots.part();
    let Applied { last, membership } = machine.snapshot(&part)?;
    let mut salt = [0; 8];
    openssl::rand::rand_bytes(&mut salt).map_err(io::Error::from)?;
    let index = last.map_or(0, |last| last.index);
    let meta = SnapshotMeta {
        last_log_id: last,
        last_membership: membership,
        snapshot_id: format!("{index}-{:016x}", u64::from_be_bytes(salt)),
    };
    let file = snapshots.keep(&part, &meta)?;
    tracing::info!(index, "a snapshot is taken");
    Ok((meta, file))
}

fn install(
    machine: &dyn Machine,
    snapshots: &Snapshots,
    announced: &SnapshotMeta,
    mut file: File,
) -> Result<(), Failure> {
    let (meta, part) = snapshots.unpack(&mut file)?;
    if meta != *announced {
        return Err(Failure::OtherSnapshot);
    }
    machine.install(&part, &Applied { last: meta.last_log_id, membership: meta.last_membership.clone() })?;
    snapshots.keep(&part, &meta)?;
    let index = meta.last_log_id.map_or(0, |last| last.index);
    tracing::info!(index, "a snapshot from the leader is installed");
    Ok(())
}

/// The commands of all `entries` one by one, and how many steps each entry became.
fn steps(entries: impl Iterator<Item = Entry>) -> (Vec<Committed>, Vec<Option<usize>>) {
    let (mut steps, mut lengths) = (Vec::new(), Vec::new());
    for entry in entries {
        let log_id = entry.log_id;
        let none = Committed { log_id, membership: None, command: None };
        match entry.payload {
            EntryPayload::Normal(commands) if !commands.0.is_empty() => {
                lengths.push(Some(commands.0.len()));
                steps.extend(
                    commands
                        .0
                        .into_iter()
                        .map(|command| Committed { command: Some(command), ..none.clone() }),
                );
                continue;
            }
            EntryPayload::Blank | EntryPayload::Normal(_) => steps.push(none),
            EntryPayload::Membership(members) => {
                let membership = Some(Membership::new(Some(log_id), members));
                steps.push(Committed { membership, ..none });
            }
        }
        lengths.push(None);
    }
    (steps, lengths)
}

/// The answers to the steps, entry by entry again.
fn gathered(answers: Vec<Vec<u8>>, lengths: Vec<Option<usize>>) -> Vec<Answers> {
    let mut answers = answers.into_iter();
    lengths
        .into_iter()
        .map(|length| match length {
            Some(length) => Answers(answers.by_ref().take(length).collect()),
            None => {
                answers.next();
                Answers::default()
            }
        })
        .collect()
}

impl RaftSnapshotBuilder<Types> for StateMachine {
    async fn build_snapshot(&mut self) -> Result<Snapshot<Types>, StorageError> {
        let (meta, file) = self.blocking(build).await.map_err(reading)?;
        Ok(Snapshot { meta, snapshot: Box::new(file.into()) })
    }
}

impl RaftStateMachine<Types> for StateMachine {
    type SnapshotBuilder = StateMachine;

    async fn applied_state(
        &mut self,
    ) -> Result<(Option<LogId>, openraft::StoredMembership<NodeId, Node>), StorageError> {
        let applied = self.blocking(|machine, _| Ok(machine.applied()?)).await.map_err(reading)?;
        Ok((applied.last, applied.membership))
    }

    async fn apply<I>(&mut self, entries: I) -> Result<Vec<Answers>, StorageError>
    where
        I: IntoIterator<Item = Entry> + OptionalSend,
        I::IntoIter: OptionalSend,
    {
        let (steps, lengths) = steps(entries.into_iter());
        self.blocking(move |machine, _| {
            let answers = machine.apply(&steps)?;
            if answers.len() != steps.len() {
                return Err(Failure::Answers(answers.len(), steps.len()));
            }
            Ok(gathered(answers, lengths))
        })
        .await
        .map_err(writing)
    }

    async fn get_snapshot_builder(&mut self) -> StateMachine {
        self.clone()
    }

    async fn begin_receiving_snapshot(&mut self) -> Result<Box<tokio::fs::File>, StorageError> {
        let file = self.blocking(|_, snapshots| Ok(snapshots.receiving()?)).await.map_err(writing)?;
        Ok(Box::new(file.into()))
    }

    async fn install_snapshot(
        &mut self,
        meta: &SnapshotMeta,
        mut snapshot: Box<tokio::fs::File>,
    ) -> Result<(), StorageError> {
        snapshot.flush().await.map_err(|error| writing(error.into()))?;
        let file = snapshot.into_std().await;
        let meta = meta.clone();
        self.blocking(move |machine, snapshots| install(machine, snapshots, &meta, file))
            .await
            .map_err(writing)
    }

    async fn get_current_snapshot(&mut self) -> Result<Option<Snapshot<Types>>, StorageError> {
        let current = self.blocking(|_, snapshots| Ok(snapshots.current()?)).await.map_err(reading)?;
        Ok(current.map(|(meta, file)| Snapshot { meta, snapshot: Box::new(file.into()) }))
    }
}
