//! The log on disk, as openraft wants it: entries, vote, committed and purged positions in one SQLite file.

mod file;
mod survivor;
#[cfg(test)]
mod tests;
mod thread;

use std::fmt::Debug;
use std::io;
use std::ops::{Bound, RangeBounds};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use openraft::storage::{LogFlushed, RaftLogStorage};
use openraft::{AnyError, LogState, OptionalSend, RaftLogReader, StorageIOError};
use tokio::sync::watch;

use file::LogFile;
pub use file::Owner;
pub use survivor::Survivor;
use thread::LogThread;

use super::encoding::DecodeError;
use super::types::{Applied, Entry, LogId, NodeId, StorageError, Types, Vote};

/// The log's file in the folder of consensus.
pub(crate) const FILE: &str = "raft.db";

/// The most bytes of entries read for one message to a peer; one entry may be larger than what is left of it.
const MOST_READ: usize = 4 << 20;

/// What can go wrong with the log's file.
#[derive(Debug)]
pub enum LogError {
    /// Another process has it open.
    InUse(PathBuf),
    /// It could not be opened.
    Open {
        /// The file.
        path: PathBuf,
        /// SQLite's reason.
        error: rusqlite::Error,
    },
    /// Its folder could not be made durable.
    Folder(io::Error),
    /// A newer program wrote it.
    Newer(PathBuf),
    /// It belongs to a node of another cluster.
    OtherCluster(PathBuf),
    /// It belongs to another node of this cluster.
    OtherNode {
        /// The file.
        path: PathBuf,
        /// Whose it is.
        node: NodeId,
    },
    /// There is a state, and its log is gone.
    Lost,
    /// There is a log, and the state that its forgotten entries made is gone.
    StateLost,
    /// SQLite failed to read or write.
    Sqlite(rusqlite::Error),
    /// A record can't be read.
    Decode(DecodeError),
    /// A position no log gets to.
    Position(u64),
    /// The thread that owns the file could not be started.
    Thread(io::Error),
    /// The log is closed.
    Closed,
}

impl std::fmt::Display for LogError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            LogError::InUse(path) => {
                write!(f, "{} is in use: does another node run on this data folder?", path.display())
            }
            LogError::Open { path, error } => write!(f, "{} can't be opened: {error}", path.display()),
            LogError::Folder(error) => write!(f, "the folder of the log can't be synced: {error}"),
            LogError::Newer(path) => write!(f, "{} was written by a newer version", path.display()),
            LogError::OtherCluster(path) => {
                write!(f, "{} belongs to another cluster (its CA is another)", path.display())
            }
            LogError::OtherNode { path, node } => write!(f, "{} belongs to node {node:016x}", path.display()),
            LogError::Lost => f.write_str(
                "the log is gone, and with it this node's votes: remove the node from the cluster, and add a new one",
            ),
            LogError::StateLost => f.write_str(
                "the state is gone that the log goes on from: remove the node from the cluster, and add a new one",
            ),
            LogError::Sqlite(error) => write!(f, "the log can't be read or written: {error}"),
            LogError::Decode(error) => write!(f, "the log can't be read: {error}"),
            LogError::Position(index) => write!(f, "no log has a position {index}"),
            LogError::Thread(error) => write!(f, "the log's thread can't be started: {error}"),
            LogError::Closed => f.write_str("the log is closed"),
        }
    }
}

impl std::error::Error for LogError {}

impl From<rusqlite::Error> for LogError {
    fn from(error: rusqlite::Error) -> LogError {
        LogError::Sqlite(error)
    }
}

impl From<DecodeError> for LogError {
    fn from(error: DecodeError) -> LogError {
        LogError::Decode(error)
    }
}

/// The log of one node.
#[derive(Clone)]
pub struct LogStore {
    thread: LogThread,
    is_new: bool,
    purged: Option<LogId>,
    votes: Arc<watch::Sender<Option<Vote>>>,
}

impl LogStore {
    /// Opens the log in the file `path`, or makes it, for `owner` alone.
    pub fn open(path: &Path, owner: Owner) -> Result<LogStore, LogError> {
        let (file, is_new) = LogFile::open(path, owner)?;
        let purged = file.purged()?;
        let thread = LogThread::start(file).map_err(LogError::Thread)?;
        Ok(LogStore { thread, is_new, purged, votes: Arc::default() })
    }

    /// The last vote of this process, told before the disk has it: consensus answers nothing, and its status does not change, until then.
    pub fn votes(&self) -> watch::Receiver<Option<Vote>> {
        self.votes.subscribe()
    }

    /// Whether log and state can be of one node. A state without its log, and so without its votes, could vote twice
    /// in one term; a state behind what the log has forgotten has a gap.
    pub fn fits(&self, applied: &Applied) -> Result<(), LogError> {
        check_fit(self.is_new, self.purged, applied)
    }
}

fn check_fit(is_new: bool, purged: Option<LogId>, applied: &Applied) -> Result<(), LogError> {
    if is_new && applied.last.is_some() {
        return Err(LogError::Lost);
    }
    if applied.last < purged {
        return Err(LogError::StateLost);
    }
    Ok(())
}

fn unread(error: Arc<LogError>) -> StorageError {
    StorageIOError::read_logs(AnyError::new(&*error)).into()
}

fn unwritten(error: Arc<LogError>) -> StorageError {
    StorageIOError::write_logs(AnyError::new(&*error)).into()
}

impl RaftLogReader<Types> for LogStore {
    async fn try_get_log_entries<RB: RangeBounds<u64> + Clone + Debug + OptionalSend>(
        &mut self,
        range: RB,
    ) -> Result<Vec<Entry>, StorageError> {
        let from = match range.start_bound() {
            Bound::Included(from) => *from,
            Bound::Excluded(before) => before.saturating_add(1),
            Bound::Unbounded => 0,
        };
        let until = match range.end_bound() {
            Bound::Included(last) => last.saturating_add(1),
            Bound::Excluded(until) => *until,
            Bound::Unbounded => u64::MAX,
        };
        self.thread.run(move |file| file.entries(from, until, usize::MAX)).await.map_err(unread)
    }

    async fn limited_get_log_entries(&mut self, start: u64, end: u64) -> Result<Vec<Entry>, StorageError> {
        self.thread.run(move |file| file.entries(start, end, MOST_READ)).await.map_err(unread)
    }
}

impl RaftLogStorage<Types> for LogStore {
    type LogReader = LogStore;

    async fn get_log_state(&mut self) -> Result<LogState<Types>, StorageError> {
        let read = |file: &LogFile| {
            let purged = file.purged()?;
            Ok(LogState { last_purged_log_id: purged, last_log_id: file.last()?.or(purged) })
        };
        self.thread.run(read).await.map_err(unread)
    }

    async fn get_log_reader(&mut self) -> LogStore {
        self.clone()
    }

    async fn save_vote(&mut self, vote: &Vote) -> Result<(), StorageError> {
        let vote = *vote;
        self.votes.send_replace(Some(vote));
        if vote.is_committed() {
            let follow = move |file: &LogFile| {
                file.follow(vote);
                Ok(())
            };
            self.thread.queue(follow, |_| {});
            return Ok(());
        }
        self.thread
            .run(move |file| file.give_vote(vote))
            .await
            .map_err(|error| StorageIOError::write_vote(AnyError::new(&*error)).into())
    }

    async fn read_vote(&mut self) -> Result<Option<Vote>, StorageError> {
        self.thread
            .run(LogFile::vote)
            .await
            .map_err(|error| StorageIOError::read_vote(AnyError::new(&*error)).into())
    }

    async fn save_committed(&mut self, committed: Option<LogId>) -> Result<(), StorageError> {
        // Not waited for: it is written along with the next entry, and a restart finds it in the leader's log anyway.
        self.thread.queue(
            move |file| {
                file.set_committed(committed);
                Ok(())
            },
            |_| {},
        );
        Ok(())
    }

    async fn read_committed(&mut self) -> Result<Option<LogId>, StorageError> {
        self.thread.run(LogFile::committed).await.map_err(unread)
    }

    async fn append<I>(&mut self, entries: I, callback: LogFlushed<Types>) -> Result<(), StorageError>
    where
        I: IntoIterator<Item = Entry> + OptionalSend,
        I::IntoIter: OptionalSend,
    {
        let entries: Vec<Entry> = entries.into_iter().collect();
        // Whoever reads is queued behind this, so the entries can be read from here on.
        self.thread.queue(
            move |file| file.append(&entries),
            |result| callback.log_io_completed(result.map_err(io::Error::other)),
        );
        Ok(())
    }

    async fn truncate(&mut self, log_id: LogId) -> Result<(), StorageError> {
        self.thread.run(move |file| file.truncate(log_id.index)).await.map_err(unwritten)
    }

    async fn purge(&mut self, log_id: LogId) -> Result<(), StorageError> {
        self.thread.run(move |file| file.purge(log_id)).await.map_err(unwritten)
    }
}
