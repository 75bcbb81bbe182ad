//! What is left when all is healed: the same on every node, with nothing lost and nothing back from the dead.

use super::Breach;
use crate::history::{Action, Operation, Outcome};

pub(super) fn check(object: usize, operations: &[&Operation]) -> Option<Breach> {
    let is_look = |operation: &&&Operation| matches!(operation.action, Action::Look { .. });
    let looks: Vec<&&Operation> = operations.iter().filter(is_look).collect();
    let created = has(operations, |action| matches!(action, Action::Create(_)), &[Outcome::Done]);
    let destroyed = has(operations, is_destroy, &[Outcome::Done]);
    let may_be_destroyed = has(operations, is_destroy, &[Outcome::Done, Outcome::Unknown]);
    for look in &looks {
        let promise = match look.outcome {
            Outcome::Gone if created && !may_be_destroyed => "no acknowledged object is lost",
            Outcome::Value(_) | Outcome::There(_) if destroyed => "no destroyed object comes back",
            Outcome::Unknown => "when all is healed, every node serves",
            _ => continue,
        };
        return Some(Breach::of(object, promise, look.to_string()));
    }
    let (first, rest) = looks.split_first()?;
    let other = rest.iter().find(|look| look.outcome != first.outcome)?;
    Some(Breach::of(object, "all nodes end with the same", format!("{first}\n{other}")))
}

fn is_destroy(action: Action) -> bool {
    action == Action::Destroy
}

fn has(operations: &[&Operation], which: impl Fn(Action) -> bool, outcomes: &[Outcome]) -> bool {
    operations.iter().any(|operation| which(operation.action) && outcomes.contains(&operation.outcome))
}
