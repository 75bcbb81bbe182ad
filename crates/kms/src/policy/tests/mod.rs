//! The engine's promises, as tables of cases.

mod conditions;
mod decisions;
mod documents;
mod presets;
mod values;

use std::cell::Cell;
use std::sync::Arc;

use time::OffsetDateTime;

use super::{Decision, Document, Facts, Guarded, Request, decide};
use crate::auth::caller::Caller;

const HOME: &str = "111122223333";
const ABROAD: &str = "444455556666";
const KEY: &str = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
const ALICE: &str = "arn:aws:iam::111122223333:user/Alice";
const BOB: &str = "arn:aws:iam::111122223333:user/team/Bob";
const ROOT: &str = "arn:aws:iam::111122223333:root";
const SESSION: &str = "arn:aws:sts::111122223333:assumed-role/Admin/monday";
const FOREIGNER: &str = "arn:aws:iam::444455556666:user/Carol";
const FOREIGN_ROOT: &str = "arn:aws:iam::444455556666:root";

/// Whoever has `arn`.
fn caller(arn: &str) -> Caller {
    Caller {
        account: arn.split(':').nth(4).unwrap_or(HOME).to_owned(),
        arn: arn.to_owned(),
        access_key: String::new(),
        via_service: None,
        region: "us-east-1".to_owned(),
        source: "192.0.2.7".parse().ok(),
        tls: true,
    }
}

/// A request to be decided: Alice decrypts with a key of her account, unless a test says otherwise.
struct Ask {
    caller: Caller,
    action: &'static str,
    resource: &'static str,
    policy: Option<Document>,
    identity: Vec<Arc<Document>>,
    grant: bool,
    grant_asked: Cell<bool>,
    facts: Facts<'static>,
    now: OffsetDateTime,
}

impl Ask {
    fn of(arn: &str) -> Self {
        Self {
            caller: caller(arn),
            action: "kms:Decrypt",
            resource: KEY,
            policy: None,
            identity: Vec::new(),
            grant: false,
            grant_asked: Cell::new(false),
            facts: Facts::default(),
            now: OffsetDateTime::from_unix_timestamp(1_700_000_000).unwrap(),
        }
    }

    /// With a key policy of these statements.
    fn key_policy(mut self, statements: &str) -> Self {
        self.policy = Some(Document::parse(&document(statements)).unwrap());
        self
    }

    /// With one more identity policy of these statements.
    fn identity_policy(mut self, statements: &str) -> Self {
        self.identity.push(Arc::new(Document::parse_identity(&document(statements)).unwrap()));
        self
    }

    fn with<R>(&self, then: impl FnOnce(&Request<'_>) -> R) -> R {
        let grant_allows = || {
            self.grant_asked.set(true);
            self.grant
        };
        then(&Request {
            caller: &self.caller,
            action: self.action,
            resource: self.resource,
            key: self.policy.as_ref().map(|policy| Guarded { account: HOME, policy }),
            identity: &self.identity,
            grant_allows: &grant_allows,
            context: &self.facts,
            now: self.now,
        })
    }

    fn decide(&self) -> Decision {
        self.with(decide)
    }
}

/// A document of these statements, written with `'` for `"`.
fn document(statements: &str) -> String {
    format!("{{'Version': '2012-10-17', 'Statement': [{statements}]}}").replace('\'', "\"")
}

/// A statement with a principal (as JSON) and an action.
fn statement(effect: &str, principal: &str, action: &str) -> String {
    conditional(effect, principal, action, "{}")
}

/// The same under a condition (as JSON).
fn conditional(effect: &str, principal: &str, action: &str, condition: &str) -> String {
    format!(
        "{{'Effect': '{effect}', 'Principal': {principal}, 'Action': '{action}', 'Resource': '*', 'Condition': {condition}}}"
    )
}

/// `{'AWS': ...}`.
fn aws(principal: &str) -> String {
    format!("{{'AWS': '{principal}'}}")
}

/// An identity policy's statement on all resources.
fn own(effect: &str, action: &str) -> String {
    format!("{{'Effect': '{effect}', 'Action': '{action}', 'Resource': '*'}}")
}
