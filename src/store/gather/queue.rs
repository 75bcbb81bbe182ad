//! Threads of one process that wait to have something written.

use super::super::counter::Moved;
use super::super::error::{Result, Step};
use super::super::keys::TokenKey;
use super::super::objects::Lot;
use super::super::record::Row;
use super::super::settle::SOON;
use super::super::writer::Writer;
use parking_lot::{Condvar, Mutex};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

/// Most changes of one process in one transaction: other processes wait for its end.
const MOST: usize = 64;

/// Work that may be done by another thread than the one that waits for it.
type Work = Box<dyn Fn(&Writer<'_>) -> Step<()> + Send>;

/// What waits.
#[derive(Default)]
pub(in super::super) struct Queue(Mutex<Waiting>);

#[derive(Default)]
struct Waiting {
    jobs: VecDeque<Job>,
    /// Somebody leads, and sees to it that somebody else does as long as there are jobs.
    is_led: bool,
}

/// When it is the turn of one who has joined.
pub(super) enum Place {
    /// Now: he leads.
    Leader,
    /// Next.
    Next,
    /// Others come before.
    Later,
}

impl Queue {
    /// Leaves a job there.
    pub(super) fn join(&self, job: Job) -> Place {
        let mut waiting = self.0.lock();
        waiting.jobs.push_back(job);
        match std::mem::replace(&mut waiting.is_led, true) {
            false => Place::Leader,
            true if waiting.jobs.len() == 1 => Place::Next,
            true => Place::Later,
        }
    }

    /// Takes what waits, for who leads.
    pub(super) fn take(&self) -> Vec<Job> {
        let jobs = &mut self.0.lock().jobs;
        let most = jobs.len().min(MOST);
        jobs.drain(..most).collect()
    }

    /// Adds to what comes `late` to who leads with `jobs` what has come since, as far as it only adds objects under this token key; whether that is all.
    pub(super) fn take_new(&self, key: &TokenKey, jobs: usize, late: &mut Vec<Job>) -> bool {
        let waiting = &mut self.0.lock().jobs;
        let new = waiting.iter().take_while(|job| job.new_under(key).is_some()).count();
        let room = MOST.saturating_sub(jobs.saturating_add(late.len()));
        late.extend(waiting.drain(..new.min(room)));
        waiting.is_empty()
    }

    /// Calls the next to lead, if somebody waits.
    pub(super) fn pass_on(&self) {
        let mut waiting = self.0.lock();
        match waiting.jobs.front() {
            Some(next) => next.caller.inbox.put(Call::Lead),
            None => waiting.is_led = false,
        }
    }

    /// How many wait.
    #[cfg(test)]
    pub(in super::super) fn len(&self) -> usize {
        self.0.lock().jobs.len()
    }
}

/// What one who waits is told.
pub(super) enum Call {
    /// Do the work that waits, your own too.
    Lead,
    /// Your work is about to be on the disk.
    Soon,
    /// What your work has come to.
    Done(Result<Option<Moved>>),
    /// The call that did your work has failed.
    Dropped,
}

/// Where one who waits is told something: the last that was said.
#[derive(Default)]
pub(super) struct Inbox {
    call: Mutex<Option<Call>>,
    news: Condvar,
}

impl Inbox {
    fn put(&self, call: Call) {
        *self.call.lock() = Some(call);
        self.news.notify_one();
    }

    /// What is said next.
    pub(super) fn take(&self) -> Call {
        let mut call = self.call.lock();
        loop {
            if let Some(call) = call.take() {
                return call;
            }
            self.news.wait(&mut call);
        }
    }

    /// The same for who is about to be told: he stays awake for a while.
    pub(super) fn take_awake(&self) -> Call {
        let began = Instant::now();
        while began.elapsed() < SOON {
            if let Some(call) = self.call.lock().take() {
                return call;
            }
            std::thread::yield_now();
        }
        self.take()
    }
}

/// What somebody wants to have written.
pub(super) struct Job {
    work: Work,
    /// What another process needs to do it, and what this one needs to do others'.
    pub(super) lot: Option<Lot>,
    caller: Caller,
}

impl Job {
    /// One whose caller looks in that inbox.
    pub(super) fn new(
        lot: Option<Lot>,
        work: impl Fn(&Writer<'_>) -> Step<()> + Send + 'static,
        inbox: Arc<Inbox>,
    ) -> Self {
        Job { work: Box::new(work), lot, caller: Caller { inbox, is_answered: false } }
    }

    /// Does it.
    pub(super) fn work(&self, writer: &Writer<'_>) -> Step<()> {
        (self.work)(writer)
    }

    /// The rows that it adds, if that is all that it does.
    pub(super) fn new_rows(&self) -> Option<&Arc<[Row]>> {
        self.lot.as_ref()?.new.as_ref()
    }

    /// The same, if they are for who has this token key. A login with another one is over, or this one is: which, its own work tells.
    pub(super) fn new_under(&self, key: &TokenKey) -> Option<&Arc<[Row]>> {
        self.lot.as_ref().filter(|lot| lot.key.id() == key.id())?.new.as_ref()
    }

    /// Wakes its caller: it is about to be on the disk.
    pub(super) fn stir(&self) {
        self.caller.inbox.put(Call::Soon);
    }

    /// Tells its caller what it has come to.
    pub(super) fn tell(self, done: Result<Option<Moved>>) {
        let Job { work, lot, mut caller } = self;
        // Before its caller goes on: they hold the caller's keys.
        drop((work, lot));
        caller.is_answered = true;
        caller.inbox.put(Call::Done(done));
    }
}

/// Who waits for a job. He is told of its end even if a panic has brought it about, which takes nobody else with it.
struct Caller {
    inbox: Arc<Inbox>,
    is_answered: bool,
}

impl Drop for Caller {
    fn drop(&mut self) {
        if !self.is_answered {
            self.inbox.put(Call::Dropped);
        }
    }
}
