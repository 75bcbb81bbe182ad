//! From the file of facts to shapes: names resolved, patterns compiled, exceptions applied.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use regex::Regex;
use serde::Deserialize;

use super::exceptions::{FURTHER_PATTERNS, JAVA_CLASSES, PRINTED_ORDERS};
use super::shape::{Constraint, Kind, Member, Scalar, Shape};
use super::{Model, Operation};
use crate::api::error::Code;

/// The file as it is written by `scripts/kms-model`.
#[derive(Deserialize)]
struct Facts {
    operations: BTreeMap<String, OperationFacts>,
    shapes: BTreeMap<String, ShapeFacts>,
}

#[derive(Deserialize)]
struct OperationFacts {
    input: Option<String>,
    output: Option<String>,
    errors: Vec<String>,
}

#[derive(Deserialize)]
struct ShapeFacts {
    r#type: String,
    #[serde(default)]
    sensitive: bool,
    min: Option<i64>,
    max: Option<i64>,
    pattern: Option<String>,
    r#enum: Option<Vec<String>>,
    #[serde(default)]
    required: BTreeSet<String>,
    #[serde(default)]
    members: BTreeMap<String, String>,
    member: Option<String>,
    key: Option<String>,
    value: Option<String>,
}

/// Reads the model.
///
/// # Errors
/// What it does not understand: a file that was written by another version of the script.
pub(super) fn read(text: &str) -> Result<Model, String> {
    let facts: Facts = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let mut shapes = Shapes { facts: &facts.shapes, built: BTreeMap::new(), open: BTreeSet::new() };
    let operations = facts.operations.iter().map(|(name, facts)| operation(&mut shapes, name, facts));
    Ok(Model { operations: operations.collect::<Result<_, _>>()? })
}

fn operation(shapes: &mut Shapes<'_>, name: &str, facts: &OperationFacts) -> Result<Operation, String> {
    Ok(Operation {
        name: name.into(),
        errors: facts.errors.iter().map(|error| code(error)).collect::<Result<_, _>>()?,
        input: facts.input.as_deref().map(|shape| shapes.get(shape)).transpose()?,
        output: facts.output.as_deref().map(|shape| shapes.get(shape)).transpose()?,
    })
}

fn code(name: &str) -> Result<Code, String> {
    let known = Code::ALL.iter().copied().find(|code| code.name() == name);
    known.ok_or_else(|| format!("error {name} is unknown"))
}

struct Shapes<'a> {
    facts: &'a BTreeMap<String, ShapeFacts>,
    built: BTreeMap<&'a str, Arc<Shape>>,
    /// Those being built, to see shapes that contain themselves.
    open: BTreeSet<&'a str>,
}

impl<'a> Shapes<'a> {
    fn get(&mut self, name: &str) -> Result<Arc<Shape>, String> {
        let (name, facts) = self.facts.get_key_value(name).ok_or_else(|| format!("no shape {name}"))?;
        if let Some(shape) = self.built.get(name.as_str()) {
            return Ok(Arc::clone(shape));
        }
        if !self.open.insert(name) {
            return Err(format!("shape {name} contains itself"));
        }
        let kind = self.kind(facts)?;
        let constraints = constraints(name, &kind, facts)?;
        let shape = Arc::new(Shape { kind, sensitive: facts.sensitive, constraints });
        self.open.remove(name.as_str());
        self.built.insert(name, Arc::clone(&shape));
        Ok(shape)
    }

    fn kind(&mut self, facts: &ShapeFacts) -> Result<Kind, String> {
        Ok(match facts.r#type.as_str() {
            "structure" => Kind::Structure(self.members(facts)?),
            "list" => Kind::List(self.part(facts.member.as_ref())?),
            "map" => {
                Kind::Map { key: self.part(facts.key.as_ref())?, value: self.part(facts.value.as_ref())? }
            }
            "blob" => Kind::Scalar(Scalar::Blob),
            "boolean" => Kind::Scalar(Scalar::Boolean),
            "integer" => Kind::Scalar(Scalar::Integer),
            "long" => Kind::Scalar(Scalar::Long),
            "string" => Kind::Scalar(Scalar::Text),
            "timestamp" => Kind::Scalar(Scalar::Timestamp),
            other => return Err(format!("type {other} is unknown")),
        })
    }

    fn members(&mut self, facts: &ShapeFacts) -> Result<Box<[Member]>, String> {
        let member = |(name, shape): (&String, &String)| {
            let required = facts.required.contains(name);
            Ok(Member { name: name.as_str().into(), required, shape: self.get(shape)? })
        };
        facts.members.iter().map(member).collect()
    }

    fn part(&mut self, name: Option<&String>) -> Result<Arc<Shape>, String> {
        self.get(name.ok_or("a list or map that does not say of what")?)
    }
}

/// The constraints of a shape in the service's order: upper bound, lower bound, pattern, enumeration.
fn constraints(name: &str, kind: &Kind, facts: &ShapeFacts) -> Result<Box<[Constraint]>, String> {
    let mut constraints = Vec::new();
    let (smallest, largest) = match kind {
        Kind::Scalar(Scalar::Integer) => (Some(i32::MIN.into()), Some(i32::MAX.into())),
        Kind::Scalar(Scalar::Long) => (Some(i64::MIN), Some(i64::MAX)),
        _ => (None, None),
    };
    if smallest.is_some() {
        constraints.extend(facts.max.or(largest).map(|max| Constraint::LargestValue(max.into())));
        constraints.extend(facts.min.or(smallest).map(|min| Constraint::SmallestValue(min.into())));
    } else {
        constraints.extend(facts.max.map(|max| Constraint::LongestLength(max.into())));
        constraints.extend(facts.min.map(|min| Constraint::ShortestLength(min.into())));
    }
    let further = FURTHER_PATTERNS.iter().filter(|(shape, _)| *shape == name).map(|(_, pattern)| *pattern);
    for source in facts.pattern.as_deref().into_iter().chain(further) {
        constraints.push(pattern(source)?);
    }
    if let Some(values) = &facts.r#enum {
        constraints.push(Constraint::OneOf(printed_order(name, values)?));
    }
    Ok(constraints.into())
}

fn pattern(source: &str) -> Result<Constraint, String> {
    let translated =
        JAVA_CLASSES.iter().fold(source.to_owned(), |text, (java, class)| text.replace(java, class));
    // Java matches the whole text, wherever the pattern has its own anchors or none.
    let regex = Regex::new(&format!(r"\A(?:{translated})\z")).map_err(|error| error.to_string())?;
    Ok(Constraint::Pattern { source: source.into(), regex })
}

/// The values as the service prints them. The exceptions may only reorder what the model has.
fn printed_order(name: &str, values: &[String]) -> Result<Box<[Box<str>]>, String> {
    let Some((_, order)) = PRINTED_ORDERS.iter().find(|(shape, _)| *shape == name) else {
        return Ok(values.iter().map(|value| value.as_str().into()).collect());
    };
    let same = order.iter().copied().collect::<BTreeSet<_>>() == values.iter().map(String::as_str).collect();
    if !same {
        return Err(format!("the printed order of {name} is not that of the model's values"));
    }
    Ok(order.iter().map(|value| (*value).into()).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::api::model::FACTS;

    /// Errors of `Code` that are every service's, not the model's.
    const COMMON: &[&str] = &[
        "AccessDeniedException",
        "ExpiredTokenException",
        "IncompleteSignatureException",
        "InvalidSignatureException",
        "MissingAuthenticationTokenException",
        "SerializationException",
        "ThrottlingException",
        "UnknownOperationException",
        "UnrecognizedClientException",
        "ValidationException",
    ];

    #[test]
    fn the_errors_are_those_of_the_model_and_the_common_ones() {
        let facts: Value = serde_json::from_str(FACTS).unwrap();
        let shapes = facts["shapes"].as_object().unwrap();
        let exceptions = shapes.iter().filter(|(_, shape)| shape["exception"] == json!(true));
        let mut expected: BTreeSet<&str> = COMMON.iter().copied().collect();
        for (name, shape) in exceptions {
            let code = Code::ALL.iter().find(|code| code.name() == name).expect(name);
            assert_eq!(code.status() == 500, shape["fault"] == json!(true), "{name}");
            expected.insert(name);
        }
        assert_eq!(Code::ALL.iter().map(|code| code.name()).collect::<BTreeSet<_>>(), expected);
    }

    #[test]
    fn the_file_holds_facts_and_no_text_of_the_documentation() {
        let facts: Value = serde_json::from_str(FACTS).unwrap();
        assert_eq!(facts["source"]["package"], "botocore");
        assert!(!FACTS.contains("documentation"));
        // A sentence needs spaces; nothing but patterns could have them.
        assert!(!FACTS.lines().any(|line| line.split_whitespace().count() > 3));
    }

    #[test]
    fn facts_that_are_not_understood_are_refused() {
        let refused = |shapes: Value, errors: Value| {
            let facts = json!({"operations": {"Do": {"input": "A", "errors": errors}}, "shapes": shapes});
            read(&facts.to_string()).map(|_| ()).unwrap_err()
        };
        let none = json!([]);
        assert_eq!(refused(json!({}), none.clone()), "no shape A");
        assert_eq!(
            refused(json!({"A": {"type": "list", "member": "A"}}), none.clone()),
            "shape A contains itself"
        );
        assert_eq!(refused(json!({"A": {"type": "union"}}), none.clone()), "type union is unknown");
        assert!(refused(json!({"A": {"type": "list"}}), none.clone()).starts_with("a list or map"));
        assert!(refused(json!({"A": {"type": "string", "pattern": "(a"}}), none.clone()).contains("regex"));
        assert_eq!(refused(json!({"A": {"type": "blob"}}), json!(["Odd"])), "error Odd is unknown");
        let specs = json!({"type": "string", "enum": ["X"]});
        let mac = json!({"A": {"type": "list", "member": "MacAlgorithmSpec"}, "MacAlgorithmSpec": specs});
        assert!(refused(mac, none).starts_with("the printed order of MacAlgorithmSpec"));
    }

    #[test]
    fn every_exception_names_a_shape_of_the_model() {
        let facts: Value = serde_json::from_str(FACTS).unwrap();
        let further = FURTHER_PATTERNS.iter().map(|(shape, _)| shape);
        for shape in further.chain(PRINTED_ORDERS.iter().map(|(shape, _)| shape)) {
            assert!(facts["shapes"][shape].is_object(), "{shape}");
        }
        // The translation of escapes would take an escaped backslash for the beginning of one.
        assert!(!FACTS.contains(r"\\\\"));
    }
}
