//! Linearizability of one object: its operations happen at once, each somewhere between question and answer.
//!
//! The search is that of `todc-utils` (Wing and Gong, with Lowe's memory of states seen). An operation whose outcome was never told is
//! one that ends after all others, and does nothing where it can't do what was asked.

use super::{Breach, Reads};
use crate::history::{Action, NEVER, Operation, Outcome, Version};
use std::collections::HashSet;
use todc_utils::Action::{Call, Response};
use todc_utils::linearizability::WGLChecker;
use todc_utils::{History, Specification};

const PROMISE: &str = "there is one order of what happened to an object";

/// An object, one operation at a time.
struct Object;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum State {
    NotYet,
    Is(Version),
    Gone,
}

impl Specification for Object {
    type State = State;
    type Operation = (Action, Outcome);

    fn init() -> State {
        State::NotYet
    }

    fn apply((action, outcome): &(Action, Outcome), state: &State) -> (bool, State) {
        let after = match (action, state) {
            (Action::Create(version), State::NotYet) => Some(State::Is(*version)),
            (Action::Set(version), State::Is(_)) => Some(State::Is(*version)),
            (Action::Destroy, State::Is(_)) => Some(State::Gone),
            _ => None,
        };
        match (outcome, after) {
            (Outcome::Done, Some(after)) => (true, after),
            (Outcome::Done, None) => (false, state.clone()),
            (Outcome::Unknown, after) => (true, after.unwrap_or_else(|| state.clone())),
            (Outcome::Gone, _) => (!matches!(state, State::Is(_)), state.clone()),
            (Outcome::Value(version), _) => (*state == State::Is(*version), state.clone()),
            (Outcome::There(_), _) => (matches!(state, State::Is(_)), state.clone()),
            (Outcome::Spoilt(_) | Outcome::Refused(_), _) => (true, state.clone()),
        }
    }
}

pub(super) fn check(object: usize, operations: &[&Operation], reads: Reads) -> Option<Breach> {
    let told = telling(operations, reads);
    if told.is_empty() || WGLChecker::<Object>::is_linearizable(events(&told)) {
        return None;
    }
    let story = format!("none fits the {} operations that count with reads = {:?}", told.len(), reads.word());
    Some(Breach::of(object, PROMISE, story))
}

/// The operations that bind: with `Session`, what changes the object and what is left of it in the end.
fn telling<'a>(operations: &[&'a Operation], reads: Reads) -> Vec<&'a Operation> {
    let binds = |operation: &&&'a Operation| match reads {
        // To use a key takes no look at other nodes with either setting.
        Reads::Current => operation.action != Action::Use,
        Reads::Session => {
            let done = matches!(operation.outcome, Outcome::Done | Outcome::Unknown);
            matches!(operation.action, Action::Look { .. }) || operation.action.changes() && done
        }
    };
    let bound: Vec<&Operation> = operations.iter().filter(binds).copied().collect();
    let seen: HashSet<Version> = bound.iter().filter_map(|operation| value(operation)).collect();
    let matters = |operation: &&Operation| match (operation.action, &operation.outcome) {
        // Nobody saw it: whether it was done or not, all else is as it is. Each of these would double the search.
        (Action::Set(version), Outcome::Unknown) => seen.contains(&version),
        (action, Outcome::Unknown) => action.changes(),
        (_, outcome) => !matches!(outcome, Outcome::Refused(_) | Outcome::Spoilt(_)),
    };
    bound.into_iter().filter(matters).collect()
}

fn value(operation: &Operation) -> Option<Version> {
    match operation.outcome {
        Outcome::Value(version) => Some(version),
        _ => None,
    }
}

/// Questions and answers in the order of time. Each operation is a process of its own: what binds is time alone.
fn events(operations: &[&Operation]) -> History<(Action, Outcome)> {
    let mut events = Vec::new();
    for (at, operation) in operations.iter().enumerate() {
        let what = (operation.action, operation.outcome.clone());
        let end = if operation.outcome == Outcome::Unknown { NEVER } else { operation.returned };
        events.push((operation.called, (at, Call(what.clone()))));
        events.push((end, (at, Response(what))));
    }
    events.sort_by_key(|(moment, _)| *moment);
    History::from_actions(events.into_iter().map(|(_, event)| event).collect())
}
