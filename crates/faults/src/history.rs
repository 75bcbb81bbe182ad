//! What clients asked and were told, and when: all that the checker goes by.

use cloister::error::Error;
use parking_lot::Mutex;
use std::time::{Duration, Instant};

/// A moment of the run; one clock for all clients, and no two events at the same.
pub type Moment = u64;

/// When an operation ends whose end was never seen.
pub const NEVER: Moment = Moment::MAX;

/// A value that was written: no two writes of a run write the same.
pub type Version = u64;

/// What was asked of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// Make it, with this value.
    Create(Version),
    /// Write this value.
    Set(Version),
    /// Destroy it.
    Destroy,
    /// Read its value.
    Read,
    /// Search it by its label.
    Find,
    /// Use it, or read what never changes in it.
    Use,
    /// Read its value when all is over, from one node alone: this much of the history is linearizable with any setting.
    Look {
        /// The node's place.
        place: usize,
    },
}

impl Action {
    /// Whether it changes the object.
    pub fn changes(self) -> bool {
        matches!(self, Action::Create(_) | Action::Set(_) | Action::Destroy)
    }

    /// What it writes.
    pub fn version(self) -> Option<Version> {
        match self {
            Action::Create(version) | Action::Set(version) => Some(version),
            _ => None,
        }
    }
}

/// What was answered.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// It is done.
    Done,
    /// The object is there, with this value.
    Value(Version),
    /// The object is there; under so many ids.
    There(usize),
    /// There is no such object.
    Gone,
    /// There is, and it is not as it was made.
    Spoilt(String),
    /// It may be done or not, now or later.
    Unknown,
    /// It is not done, for a reason that no fault explains.
    Refused(Error),
}

/// One question and its answer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Operation {
    /// Who asked.
    pub client: usize,
    /// The object's number.
    pub object: usize,
    /// What was asked.
    pub action: Action,
    /// What was answered.
    pub outcome: Outcome,
    /// When it was asked.
    pub called: Moment,
    /// When the answer came, or the client gave up.
    pub returned: Moment,
}

/// How a login ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Let in.
    In,
    /// `PinIncorrect`.
    Wrong,
    /// `PinLocked`.
    Locked,
    /// It may have counted or not.
    Unknown,
    /// An answer that no login should have.
    Refused(Error),
}

/// A login.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    /// Who asked.
    pub client: usize,
    /// The user.
    pub user: String,
    /// Whether the PIN was right.
    pub right: bool,
    /// How it ended.
    pub verdict: Verdict,
    /// When it was asked.
    pub called: Moment,
    /// When the answer came, or the client gave up.
    pub returned: Moment,
}

/// From when to when no majority of nodes could speak to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Silence {
    /// When the last fault was in place.
    pub from: Moment,
    /// When the first was about to be healed.
    pub to: Moment,
}

/// All that happened in a run.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// On objects, in the order of their answers.
    pub operations: Vec<Operation>,
    /// Logins, in the order of their answers.
    pub logins: Vec<Login>,
    /// When nothing could be acknowledged.
    pub silences: Vec<Silence>,
}

/// Writes a history down while it happens.
pub struct Recorder {
    began: Instant,
    last: Mutex<Moment>,
    history: Mutex<History>,
}

impl Default for Recorder {
    fn default() -> Self {
        Recorder { began: Instant::now(), last: Mutex::default(), history: Mutex::default() }
    }
}

impl Recorder {
    /// Now: nanoseconds since the beginning, later than any moment told before.
    pub fn now(&self) -> Moment {
        let nanoseconds = Moment::try_from(self.began.elapsed().as_nanos()).unwrap_or(NEVER - 1);
        let mut last = self.last.lock();
        *last = nanoseconds.max(last.saturating_add(1));
        *last
    }

    /// Does an operation and writes it down.
    pub fn operation(
        &self,
        client: usize,
        object: usize,
        action: Action,
        work: impl FnOnce() -> Outcome,
    ) -> Outcome {
        let called = self.now();
        let outcome = work();
        let operation =
            Operation { client, object, action, outcome: outcome.clone(), called, returned: self.now() };
        self.history.lock().operations.push(operation);
        outcome
    }

    /// Tries a login and writes it down.
    pub fn login(&self, client: usize, user: &str, right: bool, work: impl FnOnce() -> Verdict) -> Verdict {
        let called = self.now();
        let verdict = work();
        let login = Login { client, user: user.to_owned(), right, verdict, called, returned: self.now() };
        self.history.lock().logins.push(login);
        verdict
    }

    /// No majority could speak since `from`, until now.
    pub fn silence(&self, from: Moment) {
        let silence = Silence { from, to: self.now() };
        self.history.lock().silences.push(silence);
    }

    /// All that was written down so far.
    pub fn history(&self) -> History {
        self.history.lock().clone()
    }
}

/// A moment as seconds since the beginning.
pub fn seconds(moment: Moment) -> String {
    if moment == NEVER {
        return "never".to_owned();
    }
    format!("{:.6}", Duration::from_nanos(moment).as_secs_f64())
}

impl std::fmt::Display for Operation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Operation { client, object, action, outcome, called, returned } = self;
        let (called, returned) = (seconds(*called), seconds(*returned));
        write!(
            f,
            "{called:>12} to {returned:>12}  client {client:<3} object {object:<6} {action:?}: {outcome:?}"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_moments_are_the_same() {
        let recorder = Recorder::default();
        let moments: Vec<Moment> = (0..1000).map(|_| recorder.now()).collect();
        assert!(moments.is_sorted_by(|one, other| one < other));
    }

    #[test]
    fn an_operation_is_written_down_as_it_was() {
        let recorder = Recorder::default();
        recorder.operation(3, 5, Action::Set(7), || Outcome::Gone);
        let operations = recorder.history().operations;
        assert_eq!(
            (operations[0].client, operations[0].object, operations[0].action),
            (3, 5, Action::Set(7))
        );
        assert!(operations[0].outcome == Outcome::Gone && operations[0].called < operations[0].returned);
    }
}
