//! May the caller do this? Gathers what policies may ask about, and asks them.

use std::collections::BTreeMap;

use time::OffsetDateTime;

use super::facts::Facts;
use super::{Call, Key, reach};
use crate::api::error::{Code, Result};
use crate::clock::Moment;
use crate::keys::arn::{AliasArn, KeyArn};
use crate::keys::grants::{Terms, token};
use crate::keys::tags::Tag;
use crate::policy::{self, Decision, Document, Guarded, Request};

/// What an operation asks leave for. Built up by the operation, read by policies, grants and the audit trail.
#[derive(Clone, Debug, Default)]
pub struct Ask<'a> {
    /// The action without its `kms:`, if it isn't the operation's name (ReEncryptFrom, ReEncryptTo).
    pub action: &'static str,
    /// The encryption context.
    pub context: Option<&'a BTreeMap<String, String>>,
    /// The grant tokens that came along.
    pub tokens: &'a [String],
    /// The tags that came along.
    pub tags: &'a [Tag],
    /// The grant that is to be made.
    pub grant: Option<&'a Terms>,
    /// Further condition keys with their values (`kms:SigningAlgorithm`, ...).
    pub conditions: Vec<(&'static str, Vec<String>)>,
}

impl<'a> Ask<'a> {
    /// For `action`, named without its `kms:`.
    pub fn to(action: &'static str) -> Self {
        Self { action, ..Self::default() }
    }

    /// With an encryption context.
    pub fn context(mut self, context: Option<&'a BTreeMap<String, String>>) -> Self {
        self.context = context;
        self
    }

    /// With grant tokens.
    pub fn tokens(mut self, tokens: &'a [String]) -> Self {
        self.tokens = tokens;
        self
    }

    /// With tags (`aws:RequestTag`, `aws:TagKeys`).
    pub fn tags(mut self, tags: &'a [Tag]) -> Self {
        self.tags = tags;
        self
    }

    /// With the terms of the grant that is to be made.
    pub fn grant(mut self, terms: &'a Terms) -> Self {
        self.grant = Some(terms);
        self
    }

    /// With a further fact for conditions.
    pub fn fact(mut self, key: &'static str, value: impl Into<String>) -> Self {
        self.conditions.push((key, vec![value.into()]));
        self
    }

    /// With a further fact of several values.
    pub fn facts(mut self, key: &'static str, values: impl IntoIterator<Item = String>) -> Self {
        self.conditions.push((key, values.into_iter().collect()));
        self
    }
}

/// What a request is about.
#[derive(Clone, Copy)]
struct About<'a> {
    /// The ARN that identity policies may name.
    resource: &'a str,
    /// The key whose policy has a say.
    guarded: Option<Guarded<'a>>,
    /// What conditions learn of the key; none of one that is yet to be made.
    key: Option<&'a Key>,
}

impl Call<'_> {
    /// Whether the caller may do this to `key`.
    ///
    /// # Errors
    ///
    /// `AccessDeniedException` in AWS's words; `InvalidGrantTokenException`.
    pub fn authorize(&self, key: &Key, ask: &Ask) -> Result<()> {
        for text in ask.tokens {
            token::read(text)?;
        }
        if !reach::crosses_accounts(self.operation) {
            self.must_own(key, ask)?;
        }
        let resource = key.arn.to_string();
        let guarded = Guarded { account: &key.arn.account, policy: key.record.policy.document()? };
        let about = About { resource: &resource, guarded: Some(guarded), key: Some(key) };
        match self.judge(ask, about, policy::authorize)? {
            // Another account's caller learns nothing of the key, nor which policy is missing.
            Err(fault) => self.must_own(key, ask).and(Err(fault)),
            Ok(()) => Ok(()),
        }
    }

    /// Refuses a key of another account.
    ///
    /// # Errors
    ///
    /// `AccessDeniedException`, the same as for a key that doesn't exist.
    pub fn must_own(&self, key: &Key, ask: &Ask) -> Result<()> {
        if key.arn.account == self.caller.account {
            return Ok(());
        }
        Err(reach::out_of_reach(self.caller, ask.action))
    }

    /// Whether the caller may do what concerns no key (`CreateKey`, `ListKeys`, `GenerateRandom`, key stores).
    ///
    /// # Errors
    ///
    /// `AccessDeniedException` in AWS's words.
    pub fn authorize_without_key(&self, ask: &Ask) -> Result<()> {
        self.authorize_at_home(ask, "*")
    }

    /// Whether the caller may do this to an alias: the half that identity policies decide.
    pub fn authorize_alias(&self, ask: &Ask, alias: &AliasArn) -> Result<()> {
        if alias.account != self.caller.account {
            return Err(reach::out_of_reach(self.caller, ask.action));
        }
        self.authorize_at_home(ask, &alias.to_string())
    }

    /// Whether the caller's identity policies alone let it do this to `resource`.
    pub fn authorize_at_home(&self, ask: &Ask, resource: &str) -> Result<()> {
        self.judge(ask, About { resource, guarded: None, key: None }, policy::authorize)?
    }

    /// What the caller's identity policies say of doing this to `resource`.
    pub fn decide_at_home(&self, ask: &Ask, resource: &str) -> Result<Decision> {
        self.judge(ask, About { resource, guarded: None, key: None }, policy::decide)
    }

    /// Refuses a key policy under which the caller couldn't put the next one. `key` is the key, if it exists already.
    ///
    /// # Errors
    ///
    /// `MalformedPolicyDocumentException`.
    pub fn check_lockout(&self, policy: &Document, arn: &KeyArn, key: Option<&Key>) -> Result<()> {
        let resource = arn.to_string();
        let about =
            About { resource: &resource, guarded: Some(Guarded { account: &arn.account, policy }), key };
        let ask = Ask::to("PutKeyPolicy").fact("kms:PolicyName", crate::keys::policy::NAME);
        self.judge(&ask, about, |request| policy::lockout_check(policy, request))?
    }

    /// Puts a request together and has it judged. Fails where something that a policy asked for couldn't be looked up.
    fn judge<T>(&self, ask: &Ask, about: About, judge: impl FnOnce(&Request) -> T) -> Result<T> {
        let facts = Facts::new(self, about.key, ask);
        let grant_allows = || match about.key {
            Some(key) => facts.noting(self.granted(key, ask)),
            None => false,
        };
        let judged = judge(&Request {
            caller: self.caller,
            action: &format!("kms:{}", ask.action),
            resource: about.resource,
            key: about.guarded,
            identity: self.service.identities.policies(&self.caller.arn),
            grant_allows: &grant_allows,
            context: &facts,
            now: date(self.now)?,
        });
        facts.all_known()?;
        Ok(judged)
    }
}

fn date(moment: Moment) -> Result<OffsetDateTime> {
    OffsetDateTime::from_unix_timestamp(moment.0.div_euclid(1000))
        .map_err(|_| Code::KMSInternalException.because("The clock shows a time beyond all dates."))
}
