//! No false alarms: what clients of a right cluster, simulated with delays, lost answers and late nodes, are told breaks no promise.

use super::*;
use crate::history::{Action, Version};
use fastrand::Rng;

const CLIENTS: usize = 6;
const OPERATIONS: usize = 12;

/// An operation on its way, before it is known what it finds.
struct Asked {
    client: usize,
    action: Action,
    called: u64,
    /// When it happens; never, if its request is lost.
    happens: Option<u64>,
    returned: u64,
    /// Whether the client gives up before the answer comes.
    is_lost: bool,
}

/// What the clients ask of one object, which is made first.
fn asked(random: &mut Rng) -> Vec<Asked> {
    let create = Asked {
        client: 0,
        action: Action::Create(1),
        called: 0,
        happens: Some(5),
        returned: 9,
        is_lost: false,
    };
    let mut asked = vec![create];
    for client in 0..CLIENTS {
        let mut moment = if client == 0 { 10 } else { random.u64(0..40) };
        for step in 0..OPERATIONS {
            let version = (client * OPERATIONS + step + 2) as Version;
            let action = match random.u32(..12) {
                0..=3 => Action::Set(version),
                4 if step > OPERATIONS / 2 => Action::Destroy,
                5 | 6 => Action::Find,
                _ => Action::Read,
            };
            let called = moment + random.u64(1..30);
            let returned = called + random.u64(2..60);
            let is_lost = random.u32(..6) == 0;
            // What was given up may still happen, much later, or never.
            let latest = if is_lost { returned + 100 } else { returned };
            let happens = (!is_lost || random.bool()).then(|| random.u64(called + 1..latest));
            asked.push(Asked { client, action, called, happens, returned, is_lost });
            moment = returned;
        }
    }
    asked.sort_by_key(|asked| asked.happens);
    asked
}

/// What a cluster answers that keeps its promise of reads.
fn answered(random: &mut Rng, reads: Reads) -> Vec<Operation> {
    // Each state that the object was in, with its index; clients remember the highest they were told of.
    let mut states: Vec<Option<Version>> = vec![None];
    let mut seen = [0; CLIENTS];
    let mut operations = Vec::new();
    for Asked { client, action, called, happens, returned, is_lost } in asked(random) {
        let mut outcome = Outcome::Unknown;
        if happens.is_some() {
            let current = states[states.len() - 1];
            let last = states.len() - 1;
            let after = match (action, current) {
                (Action::Create(version), None) => Some(Some(version)),
                (Action::Set(version), Some(_)) => Some(Some(version)),
                (Action::Destroy, Some(_)) => Some(None),
                _ => None,
            };
            states.extend(after);
            let at = match reads {
                Reads::Session if !action.changes() => random.usize(seen[client]..=last),
                _ => states.len() - 1,
            };
            outcome = match (action, after, states[at]) {
                (_, Some(_), _) => Outcome::Done,
                (Action::Find, _, Some(_)) => Outcome::There(1),
                (Action::Read, _, Some(version)) => Outcome::Value(version),
                _ => Outcome::Gone,
            };
            if !is_lost {
                seen[client] = at;
            }
        }
        let outcome = if is_lost { Outcome::Unknown } else { outcome };
        // Moments are never the same twice.
        let unique = |moment: u64| moment * 1000 + operations.len() as u64;
        let (called, returned) = (unique(called), unique(returned));
        operations.push(Operation { client, object: 1, action, outcome, called, returned });
    }
    operations
}

#[test]
fn a_right_cluster_is_never_blamed() {
    for seed in 0..300 {
        for reads in [Reads::Session, Reads::Current] {
            let operations = answered(&mut Rng::with_seed(seed), reads);
            let history = History { operations, ..History::default() };
            let breaches = check(&history, reads, 5);
            assert!(breaches.is_empty(), "seed {seed}, {reads:?}: {breaches:#?}");
        }
    }
}

#[test]
fn late_nodes_are_blamed_where_reads_are_to_be_current() {
    let blamed = (0..50).filter(|seed| {
        let operations = answered(&mut Rng::with_seed(*seed), Reads::Session);
        !check(&History { operations, ..History::default() }, Reads::Current, 5).is_empty()
    });
    assert!(blamed.count() > 40);
}
