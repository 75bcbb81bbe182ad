//! The thread that owns the log's file. It takes whatever is queued into one transaction, so that many writes share
//! one wait for the disk, and answers only after the commit.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use tokio::sync::oneshot;

use super::LogError;
use super::file::LogFile;

/// The most jobs in one transaction, so that the first of them does not wait forever.
const MOST_JOBS: usize = 256;

type Shared<T> = Result<T, Arc<LogError>>;

/// Told, after the commit, how it went.
type Finish = Box<dyn FnOnce(Shared<()>) + Send>;

/// Works on the file inside the transaction, or hears why that can't be; answers in [`Finish`].
type Job = Box<dyn FnOnce(Shared<&LogFile>) -> (Shared<()>, Finish) + Send>;

/// A queue to the thread. The thread ends, and closes the file, when the last queue is dropped.
#[derive(Clone)]
pub(super) struct LogThread {
    jobs: Sender<Job>,
}

impl LogThread {
    pub(super) fn start(file: LogFile) -> io::Result<LogThread> {
        let (jobs, queue) = channel();
        thread::Builder::new().name("raft-log".to_owned()).spawn(move || run(file, queue))?;
        Ok(LogThread { jobs })
    }

    /// Queues `work`; `done` has its result after the commit.
    pub(super) fn queue<T: Send + 'static>(
        &self,
        work: impl FnOnce(&LogFile) -> Result<T, LogError> + Send + 'static,
        done: impl FnOnce(Shared<T>) + Send + 'static,
    ) {
        let job: Job = Box::new(move |file| {
            let result = file.and_then(|file| work(file).map_err(Arc::new));
            let worked = result.as_ref().map(|_| ()).map_err(Arc::clone);
            (worked, Box::new(move |committed| done(committed.and(result))))
        });
        if let Err(unsent) = self.jobs.send(job) {
            let (_, finish) = unsent.0(Err(Arc::new(LogError::Closed)));
            finish(Err(Arc::new(LogError::Closed)));
        }
    }

    /// Queues `work` and waits for its commit.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&LogFile) -> Result<T, LogError> + Send + 'static,
    ) -> Shared<T> {
        let (sender, answer) = oneshot::channel();
        self.queue(work, move |result| {
            // Nobody waits for it any more: nothing to tell.
            let _ = sender.send(result);
        });
        answer.await.unwrap_or_else(|_| Err(Arc::new(LogError::Closed)))
    }
}

fn run(file: LogFile, queue: Receiver<Job>) {
    let mut broken: Option<Arc<LogError>> = None;
    while let Ok(first) = queue.recv() {
        let jobs = std::iter::once(first).chain(queue.try_iter()).take(MOST_JOBS);
        if let Err(error) = transaction(&file, jobs, broken.clone()) {
            // After a failed write nobody knows what the file holds: no more of it is believed.
            broken.get_or_insert(error);
        }
    }
    if broken.is_none()
        && let Err(error) = file.settle()
    {
        tracing::warn!(%error, "the last committed position could not be written to the log at its end");
    }
}

fn transaction(file: &LogFile, jobs: impl Iterator<Item = Job>, broken: Option<Arc<LogError>>) -> Shared<()> {
    let mut state = match broken {
        Some(error) => Err(error),
        None => file.begin().map_err(Arc::new),
    };
    let mut finishes = Vec::new();
    for job in jobs {
        let (worked, finish) = job(state.clone().map(|()| file));
        state = state.and(worked);
        finishes.push(finish);
    }
    // Without a commit the transaction ends with the connection: nothing of it stays.
    let state = state.and_then(|()| file.commit().map_err(Arc::new));
    for finish in finishes {
        finish(state.clone());
    }
    state
}
