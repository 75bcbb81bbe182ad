//! Answers that are wrong in themselves.

use super::Breach;
use crate::history::{Operation, Outcome};

pub(super) fn check(object: usize, operations: &[&Operation]) -> Option<Breach> {
    operations.iter().find_map(|operation| {
        let promise = match &operation.outcome {
            Outcome::There(copies) if *copies != 1 => "no request makes two objects",
            Outcome::Spoilt(_) => "an object stays as it was made",
            Outcome::Refused(_) => "a fault is told as one, and nothing else is refused",
            _ => return None,
        };
        Some(Breach::of(object, promise, operation.to_string()))
    })
}
