//! Whether a history keeps the promises of a cluster, object by object.
//!
//! Labels, values and ids are never used twice in a run, so each answer tells which write it comes from, and objects can be looked at one by one:
//! a history is linearizable if that of each object is.
//!
//! - [`spot`]: what is wrong in itself, whatever else happened
//! - [`session`]: what each client sees is in one order with the writes and never goes back (the default of `reads`)
//! - [`ends`]: what is left when all is healed, node by node
//! - [`linear`]: linearizability, by the algorithm of Wing, Gong and Lowe
//! - [`logins`]: guesses at PINs

mod ends;
mod linear;
mod logins;
mod session;
mod spot;

use crate::history::{History, Operation, Outcome, seconds};
use std::collections::BTreeMap;

/// What a cluster promises of reads: the setting `reads` of its nodes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reads {
    /// Each client sees its own writes and never goes back in time.
    #[default]
    Session,
    /// Each read sees all that was acknowledged before it began.
    Current,
}

impl Reads {
    /// As `node.toml` has it.
    pub fn word(self) -> &'static str {
        match self {
            Reads::Session => "session",
            Reads::Current => "current",
        }
    }
}

/// A promise that was not kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breach {
    /// In a few words, what a user has lost by it.
    pub promise: &'static str,
    /// What happened.
    pub story: String,
    /// The object it happened to, if it was one.
    pub object: Option<usize>,
}

impl Breach {
    fn of(object: usize, promise: &'static str, story: impl Into<String>) -> Breach {
        Breach { promise, story: story.into(), object: Some(object) }
    }
}

/// Every promise that this history breaks, one for each object at most. `tries`: the wrong PINs that lock a user.
pub fn check(history: &History, reads: Reads, tries: usize) -> Vec<Breach> {
    let mut objects: BTreeMap<usize, Vec<&Operation>> = BTreeMap::new();
    for operation in &history.operations {
        objects.entry(operation.object).or_default().push(operation);
    }
    let mut breaches = Vec::new();
    for (object, mut operations) in objects {
        operations.sort_by_key(|operation| operation.called);
        breaches.extend(check_object(object, &operations, reads));
    }
    breaches.extend(silence(history));
    breaches.extend(logins::check(&history.logins, tries));
    breaches
}

/// The first promise broken, in the order in which they are easily understood.
fn check_object(object: usize, operations: &[&Operation], reads: Reads) -> Option<Breach> {
    spot::check(object, operations)
        .or_else(|| ends::check(object, operations))
        .or_else(|| session::check(object, operations))
        .or_else(|| linear::check(object, operations, reads))
}

/// While no majority can speak, nothing is acknowledged.
fn silence(history: &History) -> Option<Breach> {
    let done = history
        .operations
        .iter()
        .filter(|operation| operation.action.changes() && operation.outcome == Outcome::Done);
    for operation in done {
        let within = history
            .silences
            .iter()
            .find(|silence| silence.from < operation.called && operation.returned < silence.to);
        if let Some(silence) = within {
            let (from, to) = (seconds(silence.from), seconds(silence.to));
            let story =
                format!("acknowledged while no majority could speak, from {from} to {to}: {operation}");
            return Some(Breach::of(operation.object, "what is acknowledged is on a majority", story));
        }
    }
    None
}

#[cfg(test)]
mod simulated;
#[cfg(test)]
mod tests;
