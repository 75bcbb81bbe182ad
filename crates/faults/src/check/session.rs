//! What each client sees of an object fits one order of its writes, and never goes back in it.
//!
//! Values are never written twice, so each answer names the write it comes from. The writes are then ordered by time (one was answered before the
//! other was asked), by nature (first the creation, last the destruction) and by what each client saw one after another; if these
//! orders agree, that is, have no cycle, there is a single order in which every client only moves forward.

use super::Breach;
use crate::history::{Action, Moment, NEVER, Operation, Outcome, Version};
use std::collections::{BTreeMap, HashMap, HashSet};

const BACK: &str = "no client goes back in time";
const INVENTED: &str = "what is read was written before";
const LOST: &str = "no acknowledged object is lost";
const RESURRECTED: &str = "no destroyed object comes back";

/// A write, or the end of the object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Source {
    Created(Version),
    Set(Version),
    End,
}

/// When a write was asked and answered.
type Span = (Moment, Moment);

pub(super) fn check(object: usize, operations: &[&Operation]) -> Option<Breach> {
    let writes = writes(operations);
    let mut seen: HashMap<usize, (Source, &Operation)> = HashMap::new();
    let mut known: HashMap<usize, bool> = HashMap::new();
    let mut edges = Vec::new();
    for operation in operations.iter().filter(|operation| !matches!(operation.action, Action::Look { .. })) {
        let knows = known.entry(operation.client).or_default();
        let last = seen.get(&operation.client).copied();
        let source = match source(operation, &writes, *knows) {
            Ok(Some(source)) => source,
            Ok(None) => {
                if let (Outcome::There(_), Some((Source::End, gone))) = (&operation.outcome, last) {
                    return Some(Breach::of(object, RESURRECTED, format!("{gone}\n{operation}")));
                }
                *knows |= matches!(operation.outcome, Outcome::There(_) | Outcome::Done);
                continue;
            }
            Err(promise) => return Some(Breach::of(object, promise, operation.to_string())),
        };
        *knows = true;
        if let Some((before, saw)) = last
            && before != source
        {
            if goes_back(before, source, &writes) {
                let promise = if before == Source::End { RESURRECTED } else { BACK };
                return Some(Breach::of(object, promise, format!("{saw}\n{operation}")));
            }
            edges.push((before, source));
        }
        seen.insert(operation.client, (source, operation));
    }
    (!agree(&writes, edges)).then(|| {
        Breach::of(object, BACK, "no order of the writes fits what the clients saw one after another")
    })
}

/// All writes that were done, or that may have been and whose traces were seen.
fn writes(operations: &[&Operation]) -> BTreeMap<Source, Span> {
    let values = operations.iter().filter_map(|operation| match operation.outcome {
        Outcome::Value(version) => Some(version),
        _ => None,
    });
    let seen: HashSet<Version> = values.collect();
    let mut writes = BTreeMap::new();
    let mut destroyed: Option<Span> = None;
    for operation in operations {
        let end = match operation.outcome {
            Outcome::Done => operation.returned,
            Outcome::Unknown => NEVER,
            _ => continue,
        };
        let span = (operation.called, end);
        match operation.action {
            Action::Create(version) => writes.extend([(Source::Created(version), span)]),
            Action::Set(version) if end != NEVER || seen.contains(&version) => {
                writes.extend([(Source::Set(version), span)]);
            }
            // One that was acknowledged did it; else the first that may have.
            Action::Destroy if end != NEVER || destroyed.is_none() => destroyed = Some(span),
            _ => {}
        }
    }
    writes.extend(destroyed.map(|span| (Source::End, span)));
    writes
}

/// The write that an answer comes from, if it tells; else the promise it breaks. `knows`: the client has seen the object before.
fn source(
    operation: &Operation,
    writes: &BTreeMap<Source, Span>,
    knows: bool,
) -> Result<Option<Source>, &'static str> {
    let asked_before = |source: &Source| writes.get(source).is_some_and(|span| span.0 < operation.returned);
    match (operation.action, &operation.outcome) {
        (Action::Create(version), Outcome::Done) => Ok(Some(Source::Created(version))),
        (Action::Set(version), Outcome::Done) => Ok(Some(Source::Set(version))),
        (Action::Destroy, Outcome::Done) => Ok(Some(Source::End)),
        (_, Outcome::Value(version)) => {
            let source = [Source::Created(*version), Source::Set(*version)].into_iter().find(asked_before);
            source.map(Some).ok_or(INVENTED)
        }
        // Who has never seen it may be where it is not yet made.
        (_, Outcome::Gone) if !knows => Ok(None),
        (_, Outcome::Gone) => Some(Source::End).filter(asked_before).map(Some).ok_or(LOST),
        _ => Ok(None),
    }
}

/// Whether `later` certainly happened before `earlier`, which the client saw first.
fn goes_back(earlier: Source, later: Source, writes: &BTreeMap<Source, Span>) -> bool {
    let by_nature = earlier == Source::End || matches!(later, Source::Created(_));
    by_nature || writes[&later].1 < writes[&earlier].0
}

/// Whether the orders by time, by nature and by what was seen have no cycle: writes that nothing precedes are taken away until none is left.
fn agree(writes: &BTreeMap<Source, Span>, seen: Vec<(Source, Source)>) -> bool {
    let mut after: HashMap<Source, Vec<Source>> = HashMap::new();
    let mut before: HashMap<Source, usize> = HashMap::new();
    let by_rule = writes.keys().flat_map(|one| writes.keys().map(move |other| (*one, *other)));
    let by_rule = by_rule.filter(|(one, other)| one != other && goes_back(*other, *one, writes));
    for (one, other) in by_rule.chain(seen) {
        after.entry(one).or_default().push(other);
        *before.entry(other).or_default() += 1;
    }
    let mut free: Vec<Source> = writes.keys().filter(|write| !before.contains_key(write)).copied().collect();
    let mut taken = 0;
    while let Some(write) = free.pop() {
        taken += 1;
        for next in after.remove(&write).unwrap_or_default() {
            if let Some(count) = before.get_mut(&next) {
                *count -= 1;
                if *count == 0 {
                    free.push(next);
                }
            }
        }
    }
    taken == writes.len()
}
