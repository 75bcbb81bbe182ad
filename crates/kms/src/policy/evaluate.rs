//! The decision (KMS guide, "Troubleshooting AWS KMS permissions"; IAM guide, "Policy evaluation logic").

use std::borrow::Cow;
use std::sync::Arc;

use time::OffsetDateTime;

use crate::auth::caller::Caller;

use super::condition::Answers;
use super::document::{Document, Effect, Statement};
use super::key::{Context, Key, Named};
use super::pattern::Variables;
use super::principal::{Meets, role_of, session_of};
use super::value::date_text;

/// A request, with everything that has a say in whether it may be.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// Who asks.
    pub caller: &'a Caller,
    /// `kms:Decrypt`.
    pub action: &'a str,
    /// The ARN of the key or alias, or `*` for operations that are about none.
    pub resource: &'a str,
    /// The key whose policy decides; `None` for operations that aren't about a key, and for the alias half of those about both.
    pub key: Option<Guarded<'a>>,
    /// The identity policies of the caller.
    pub identity: &'a [Arc<Document>],
    /// Whether a grant of the key lets the caller do this. Asked last, if nothing else decides.
    pub grant_allows: &'a dyn Fn() -> bool,
    /// What conditions may ask of the front.
    pub context: &'a dyn Context,
    /// `aws:CurrentTime`.
    pub now: OffsetDateTime,
}

/// A key as access control sees it.
#[derive(Clone, Copy)]
pub struct Guarded<'a> {
    /// The account it belongs to.
    pub account: &'a str,
    /// Its key policy.
    pub policy: &'a Document,
}

/// Whether a request may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It may.
    Allow,
    /// Nothing allows it: what is missing.
    ImplicitDeny(Side),
    /// A statement denies it: where.
    ExplicitDeny(Side),
}

/// One of the two kinds of policies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The caller's identity policies.
    Identity,
    /// The key policy.
    Resource,
}

/// Decides about a request.
///
/// An explicit deny anywhere ends it. Then the key policy speaks: naming the caller, it allows by itself in the key's own account; naming the
/// caller's account, it lets the caller's identity policies decide. From another account both must allow. A grant allows by itself.
pub fn decide(request: &Request<'_>) -> Decision {
    let own = request.identity.iter().fold(Finding::Nothing, |so_far, policy| so_far.and(policy, request));
    if own == Finding::Denied {
        return Decision::ExplicitDeny(Side::Identity);
    }
    let allowed_at_home = own != Finding::Nothing || request.caller.is_root();
    let Some(key) = request.key else {
        return if allowed_at_home { Decision::Allow } else { Decision::ImplicitDeny(Side::Identity) };
    };
    let (allowed, missing) = match Finding::Nothing.and(key.policy, request) {
        Finding::Denied => return Decision::ExplicitDeny(Side::Resource),
        Finding::Nothing => (false, Side::Resource),
        Finding::Delegated => (allowed_at_home, Side::Identity),
        Finding::Allowed => (allowed_at_home || request.caller.account == key.account, Side::Identity),
    };
    if allowed || (request.grant_allows)() { Decision::Allow } else { Decision::ImplicitDeny(missing) }
}

/// Whether `policy` alone, as a key policy, would neither deny the request nor leave it out: it allows it, or lets identity policies do so.
pub(super) fn admits(policy: &Document, request: &Request<'_>) -> bool {
    matches!(Finding::Nothing.and(policy, request), Finding::Delegated | Finding::Allowed)
}

/// What policies say of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Finding {
    Nothing,
    /// Allowed to the caller's account.
    Delegated,
    /// Allowed to the caller.
    Allowed,
    Denied,
}

impl Finding {
    /// Adds what one more policy says. A denial ends the search, an Allow that adds nothing isn't evaluated.
    fn and(self, policy: &Document, request: &Request<'_>) -> Finding {
        let mut finding = self;
        for statement in policy.statements() {
            if finding == Finding::Denied {
                break;
            }
            if statement.effect == Effect::Deny || finding < Finding::Allowed {
                finding = finding.max(find(statement, request));
            }
        }
        finding
    }
}

fn find(statement: &Statement, request: &Request<'_>) -> Finding {
    if !statement.actions.has_action(request.action) {
        return Finding::Nothing;
    }
    let meets = statement.principals.as_ref().map_or(Meets::Caller, |who| who.meets(request.caller));
    let applies = meets != Meets::No
        && statement.resources.has_resource(request.resource, request)
        && statement.conditions.hold(request);
    match (applies, statement.effect, meets) {
        (false, ..) => Finding::Nothing,
        (_, Effect::Deny, _) => Finding::Denied,
        (_, Effect::Allow, Meets::Account) => Finding::Delegated,
        (_, Effect::Allow, _) => Finding::Allowed,
    }
}

impl Variables for Request<'_> {
    fn single(&self, key: &Named) -> Option<String> {
        match self.all(key).as_slice() {
            [value] => Some(value.to_string()),
            _ => None,
        }
    }
}

impl Answers for Request<'_> {
    fn all(&self, named: &Named) -> Vec<Cow<'_, str>> {
        let Some(key) = named.key else { return Vec::new() };
        match self.engine(key) {
            Some(value) => value.into_iter().collect(),
            None => self.context.values(key, &named.part),
        }
    }

    fn variables(&self) -> &dyn Variables {
        self
    }
}

impl Request<'_> {
    /// The keys of [`Source::Engine`](super::Source::Engine): the outer `None` is for all others.
    fn engine(&self, key: Key) -> Option<Option<Cow<'_, str>>> {
        let caller = self.caller;
        let text = |text| Some(Cow::Borrowed(text));
        let flag = |flag| text(if flag { "true" } else { "false" });
        Some(match key {
            Key::CallerAccount => self.key.and_then(|_| text(&caller.account)),
            Key::CurrentTime => Some(Cow::Owned(date_text(self.now))),
            Key::EpochTime => Some(Cow::Owned(self.now.unix_timestamp().to_string())),
            Key::PrincipalAccount => text(&caller.account),
            Key::PrincipalArn => Some(principal_arn(caller)),
            Key::PrincipalType => text(principal_type(caller)),
            Key::RequestedRegion => text(&caller.region),
            Key::SecureTransport => flag(caller.tls),
            // An IPv4 address that came over an IPv6 socket is an IPv4 address.
            Key::SourceIp => caller.source.map(|address| Cow::Owned(address.to_canonical().to_string())),
            Key::UserId => Some(Cow::Owned(user_id(caller))),
            Key::UserName => name_of_user(caller).map(Cow::Borrowed),
            Key::ViaAwsService => flag(caller.via_service.is_some()),
            Key::ViaService => caller.via_service.as_deref().map(Cow::Borrowed),
            _ => return None,
        })
    }
}

fn principal_arn(caller: &Caller) -> Cow<'_, str> {
    let partition = caller.arn.split(':').nth(1).unwrap_or("aws");
    match role_of(caller) {
        Some(role) => Cow::Owned(format!("arn:{partition}:iam::{}:role/{role}", caller.account)),
        None => Cow::Borrowed(&caller.arn),
    }
}

fn principal_type(caller: &Caller) -> &'static str {
    let kind = caller.arn.splitn(6, ':').nth(5).and_then(|resource| resource.split('/').next());
    match kind {
        Some("root") => "Account",
        Some("assumed-role") => "AssumedRole",
        Some("federated-user") => "FederatedUser",
        Some(_) => "User",
        None => "Service",
    }
}

fn user_id(caller: &Caller) -> String {
    match (session_of(caller), name_of_user(caller)) {
        (Some(session), _) => session.replace('/', ":"),
        (None, Some(user)) => user.to_owned(),
        (None, None) => caller.account.clone(),
    }
}

/// The name of a user, without its path.
fn name_of_user(caller: &Caller) -> Option<&str> {
    caller.arn.splitn(6, ':').nth(5)?.strip_prefix("user/")?.rsplit('/').next()
}
