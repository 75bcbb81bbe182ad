//! The API model as data: which operations there are, what they take and answer, and what a value must satisfy.
//!
//! The facts are those of botocore's `kms/2014-11-01`, written to `crates/kms/model` by `scripts/kms-model`; where the
//! service is known to differ from them, [`exceptions`] has a row. [`validate`] is the only place that judges shapes.

mod base64_length;
mod check;
mod exceptions;
mod load;
mod shape;
#[cfg(test)]
mod tests;
mod wording;

use std::sync::{Arc, LazyLock};

use serde_json::Value;

use super::error::{Code, Result};
pub use shape::Shape;

const FACTS: &str = include_str!("../../../model/kms-2014-11-01.json");

/// All operations of the API.
#[derive(Debug)]
pub struct Model {
    /// Sorted by name.
    operations: Box<[Operation]>,
}

/// One operation: `TrentService.<name>`.
#[derive(Debug)]
pub struct Operation {
    /// Its name on the wire, such as `GenerateDataKey`.
    pub name: Box<str>,
    /// The errors that the model lists for it. Those that every operation may answer are not among them.
    pub errors: Box<[Code]>,
    input: Option<Arc<Shape>>,
    output: Option<Arc<Shape>>,
}

/// The model, read at the first call.
pub fn model() -> &'static Model {
    static MODEL: LazyLock<Model> = LazyLock::new(|| {
        // invariant: the text is part of the program, and a test reads it.
        load::read(FACTS).expect("the API model")
    });
    &MODEL
}

impl Model {
    /// The operation of that name, as it is written in `X-Amz-Target` after the dot.
    pub fn operation(&self, name: &str) -> Option<&Operation> {
        let found = self.operations.binary_search_by(|each| (*each.name).cmp(name)).ok()?;
        self.operations.get(found)
    }

    /// All operations, by name.
    pub fn operations(&self) -> &[Operation] {
        &self.operations
    }
}

impl Operation {
    /// What a request holds.
    pub fn input(&self) -> Option<&Shape> {
        self.input.as_deref()
    }

    /// What an answer holds; none for operations that answer with an empty body.
    pub fn output(&self) -> Option<&Shape> {
        self.output.as_deref()
    }
}

/// Judges a request by its shape. Members that the model does not know are ignored, as are those that are `null`.
///
/// # Errors
/// `SerializationException` for the first value of another type than the model has; else `ValidationException` with
/// everything that is missing, too short, too long, too small, too large or not of the pattern or the enumeration. The
/// text never holds a sensitive value or a blob.
pub fn validate(shape: &Shape, value: &Value) -> Result<()> {
    check::check(shape, value, check::Unknown::Ignored).and_then(wording::fault)
}

/// Judges an answer of ours as [`validate`] judges requests; a member that the model does not know is a mistake here.
///
/// # Errors
/// What is wrong with it.
pub fn check_answer(operation: &Operation, answer: &Value) -> std::result::Result<(), String> {
    let Some(shape) = operation.output() else {
        let empty = answer.is_null() || answer.as_object().is_some_and(serde_json::Map::is_empty);
        return if empty { Ok(()) } else { Err(format!("{} answers nothing", operation.name)) };
    };
    check::check(shape, answer, check::Unknown::Refused)
        .and_then(wording::fault)
        .map_err(|fault| format!("{}: {fault}", operation.name))
}
