//! Reads policy documents: the grammar of IAM's policies, with KMS's rules for key policies (KMS guide, "Creating a key policy").

use crate::api::error::{Code, Fault, Result};

use super::condition::{Conditions, Line, Operator};
use super::document::{Effect, MAX_KEY_POLICY, Selection, Statement};
use super::json::Json;
use super::key::Named;
use super::operator::Operand;
use super::pattern::{Pattern, Reading};
use super::principal::{Principal, Principals};

/// What KMS answers about principals it doesn't know; clients match on it.
const INVALID_PRINCIPALS: &str = "Policy contains a statement with one or more invalid principals.";

/// Which of the two kinds of policy is read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Key,
    Identity,
}

/// The statements of a key policy.
pub(super) fn key_policy(text: &str) -> Result<Vec<Statement>> {
    if text.len() > MAX_KEY_POLICY {
        let message = format!("The key policy is longer than {MAX_KEY_POLICY} bytes.");
        return Err(Code::LimitExceededException.because(message));
    }
    document(text, Kind::Key)
}

/// The statements of an identity policy.
pub(super) fn identity_policy(text: &str) -> Result<Vec<Statement>> {
    document(text, Kind::Identity)
}

fn malformed(message: impl Into<String>) -> Fault {
    Code::MalformedPolicyDocumentException.because(message)
}

fn document(text: &str, kind: Kind) -> Result<Vec<Statement>> {
    let json: Json = serde_json::from_str(text)
        .map_err(|error| malformed(format!("This policy contains invalid Json: {error}.")))?;
    let Json::Object(members) = &json else {
        return Err(malformed("A policy document must be a JSON object."));
    };
    let mut variables = false;
    let mut statements = None;
    for (name, value) in members {
        match name.as_str() {
            "Version" => variables = version(value)?,
            "Id" => drop(string("Id", value)?),
            "Statement" => statements = Some(value.one_or_many()),
            other => return Err(malformed(format!("Unknown field {other} in the policy document."))),
        }
    }
    match statements {
        None | Some([]) => Err(malformed("A policy document must contain at least one statement.")),
        Some(list) => {
            let reader = Reader { kind, variables };
            let read = list.iter().map(|value| reader.statement(value)).collect::<Result<Vec<_>>>()?;
            if kind == Kind::Identity {
                unique_sids(list)?
            }
            Ok(read)
        }
    }
}

/// Whether the version has variables.
fn version(value: &Json) -> Result<bool> {
    match string("Version", value)? {
        "2012-10-17" => Ok(true),
        "2008-10-17" => Ok(false),
        other => Err(malformed(format!("The policy version {other} is not supported."))),
    }
}

fn string<'a>(element: &str, value: &'a Json) -> Result<&'a str> {
    match value {
        Json::Text(text) => Ok(text),
        _ => Err(malformed(format!("The value of {element} must be a string."))),
    }
}

/// The texts of an element that may be written as one or as a list.
fn strings<'a>(element: &str, value: &'a Json) -> Result<Vec<&'a str>> {
    let texts = value.one_or_many().iter().map(|value| string(element, value)).collect::<Result<Vec<_>>>()?;
    if texts.is_empty() {
        return Err(malformed(format!("{element} must not be empty.")));
    }
    Ok(texts)
}

/// IAM tells the statements of an identity policy apart by their ids; key policies may repeat theirs.
fn unique_sids(statements: &[Json]) -> Result<()> {
    let mut seen = Vec::new();
    for statement in statements {
        let Json::Object(members) = statement else { continue };
        let sid = members.iter().find_map(|(name, value)| (name == "Sid").then_some(value));
        if sid.is_some_and(|sid| seen.contains(&sid)) {
            return Err(malformed("Statement IDs (SID) in a single policy must be unique."));
        }
        seen.extend(sid);
    }
    Ok(())
}

struct Reader {
    kind: Kind,
    variables: bool,
}

/// The elements of a statement as far as they were read.
#[derive(Default)]
struct Parts {
    effect: Option<Effect>,
    principals: Option<Principals>,
    actions: Option<Selection>,
    resources: Option<Selection>,
    conditions: Conditions,
}

impl Reader {
    fn statement(&self, value: &Json) -> Result<Statement> {
        let Json::Object(members) = value else {
            return Err(malformed("A statement must be a JSON object."));
        };
        let mut parts = Parts::default();
        for (name, value) in members {
            self.element(name, value, &mut parts)?;
        }
        self.complete(parts)
    }

    fn element(&self, name: &str, value: &Json, parts: &mut Parts) -> Result<()> {
        match name {
            "Sid" => self.sid(value),
            "Effect" => once(name, &mut parts.effect, effect(value)?),
            "Principal" => once(name, &mut parts.principals, Principals::Only(principals(value)?)),
            "NotPrincipal" => once(name, &mut parts.principals, Principals::AllBut(principals(value)?)),
            "Action" => once(name, &mut parts.actions, Selection::Any(actions(name, value)?)),
            "NotAction" => once(name, &mut parts.actions, Selection::AllBut(actions(name, value)?)),
            "Resource" => once(name, &mut parts.resources, Selection::Any(self.resources(name, value)?)),
            "NotResource" => {
                once(name, &mut parts.resources, Selection::AllBut(self.resources(name, value)?))
            }
            "Condition" => {
                parts.conditions = self.conditions(value)?;
                Ok(())
            }
            other => Err(malformed(format!("Unknown field {other} in a statement."))),
        }
    }

    fn complete(&self, parts: Parts) -> Result<Statement> {
        let effect = parts.effect.ok_or_else(|| malformed("Missing required field Effect."))?;
        match (self.kind, &parts.principals) {
            (Kind::Key, None) => return Err(malformed("Missing required field Principal.")),
            (Kind::Key, Some(Principals::AllBut(_))) if effect == Effect::Allow => {
                return Err(malformed("Allow with NotPrincipal is not allowed."));
            }
            (Kind::Identity, Some(_)) => {
                return Err(malformed("Policy document should not specify a principal."));
            }
            _ => {}
        }
        Ok(Statement {
            effect,
            principals: parts.principals,
            actions: self.required("actions", parts.actions)?,
            resources: self.required("resources", parts.resources)?,
            conditions: parts.conditions,
        })
    }

    /// KMS takes a statement of a key policy without actions or resources, and lets it do nothing (PutKeyPolicy, `Policy`).
    fn required(&self, what: &str, selection: Option<Selection>) -> Result<Selection> {
        match (selection, self.kind) {
            (Some(selection), _) => Ok(selection),
            (None, Kind::Key) => Ok(Selection::Any(Vec::new())),
            (None, Kind::Identity) => Err(malformed(format!("Policy statement must contain {what}."))),
        }
    }

    /// Any text in a key policy, letters and digits in an identity policy.
    fn sid(&self, value: &Json) -> Result<()> {
        let sid = string("Sid", value)?;
        let plain = sid.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if self.kind == Kind::Identity && !plain {
            return Err(malformed("Statement IDs (SID) must be alpha-numeric."));
        }
        Ok(())
    }

    fn resources(&self, name: &str, value: &Json) -> Result<Vec<Pattern>> {
        let reading = Reading { wildcards: true, variables: self.variables };
        let read = |text: &str| {
            let written = text == "*" || text.starts_with("arn:");
            let pattern = written.then(|| Pattern::parse(text, reading)).flatten();
            pattern.ok_or_else(|| malformed(format!("Resource {text} must be in ARN format or \"*\".")))
        };
        strings(name, value)?.into_iter().map(read).collect()
    }

    fn conditions(&self, value: &Json) -> Result<Conditions> {
        let Json::Object(operators) = value else {
            return Err(malformed("Condition must be a JSON object."));
        };
        let mut lines = Vec::new();
        for (name, keys) in operators {
            let operator = Operator::parse(name)
                .ok_or_else(|| malformed(format!("Invalid Condition type : {name}.")))?;
            let Json::Object(keys) = keys else {
                return Err(malformed(format!("The value of {name} must be a JSON object.")));
            };
            for (key, values) in keys {
                lines.push(self.line(operator, key, values)?);
            }
        }
        Ok(Conditions { lines })
    }

    fn line(&self, operator: Operator, key: &str, values: &Json) -> Result<Line> {
        let named = Named::parse(key)
            .ok_or_else(|| malformed(format!("Condition key {key} must be prefaced by a vendor.")))?;
        let invalid = || malformed(format!("Invalid value of condition key {key}."));
        let read = |value: &Json| {
            let text = match value {
                Json::Text(text) | Json::Number(text) => text.as_str(),
                Json::Bool(true) => "true",
                Json::Bool(false) => "false",
                _ => return Err(invalid()),
            };
            Operand::parse(operator.family, text, self.variables).ok_or_else(invalid)
        };
        let operands = values.one_or_many().iter().map(read).collect::<Result<Vec<_>>>()?;
        if operands.is_empty() {
            return Err(invalid());
        }
        Ok(Line { operator, key: named, operands })
    }
}

/// Sets an element that, in either form, a statement has once.
fn once<T>(name: &str, place: &mut Option<T>, value: T) -> Result<()> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(malformed(format!("A statement may contain only one of {name} and its negation."))),
    }
}

fn effect(value: &Json) -> Result<Effect> {
    match string("Effect", value)? {
        "Allow" => Ok(Effect::Allow),
        "Deny" => Ok(Effect::Deny),
        other => Err(malformed(format!("Invalid effect: {other}."))),
    }
}

fn actions(name: &str, value: &Json) -> Result<Vec<Pattern>> {
    let plain = |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric() || b"*?-_".contains(&b));
    let read = |text: &str| {
        let written = text == "*"
            || text.split_once(':').is_some_and(|(vendor, action)| {
                !vendor.is_empty() && !action.is_empty() && plain(vendor) && plain(action)
            });
        let reading = Reading { wildcards: true, variables: false };
        let pattern = written.then(|| Pattern::parse(text, reading)).flatten();
        pattern.ok_or_else(|| malformed(format!("Invalid action: {text}.")))
    };
    strings(name, value)?.into_iter().map(read).collect()
}

fn principals(value: &Json) -> Result<Vec<Principal>> {
    let invalid = || malformed(INVALID_PRINCIPALS);
    let members = match value {
        Json::Text(text) if text == "*" => return Ok(vec![Principal::Everyone]),
        Json::Object(members) => members,
        _ => return Err(invalid()),
    };
    let mut list = Vec::new();
    for (kind, values) in members {
        let parse = match kind.as_str() {
            "AWS" => Principal::parse_aws,
            "Service" => Principal::parse_service,
            _ => return Err(invalid()),
        };
        for text in strings("Principal", values)? {
            list.push(parse(text).ok_or_else(invalid)?);
        }
    }
    if list.is_empty() {
        return Err(invalid());
    }
    Ok(list)
}
