//! Principals: whom a statement of a key policy is about, and which of them a caller is.

use crate::auth::caller::Caller;

/// One entry of a `Principal` or `NotPrincipal` element.
#[derive(Debug, PartialEq)]
pub enum Principal {
    /// `*`.
    Everyone,
    /// An account, by its number or as `arn:aws:iam::<account>:root`.
    Account(Box<str>),
    /// A role, whoever assumes it. Its path is no part of the ARNs of its sessions, so that only the name is compared.
    Role {
        /// Its account.
        account: Box<str>,
        /// Its name, without its path.
        name: Box<str>,
        /// As it was written.
        arn: Box<str>,
    },
    /// Any other identity, by its whole ARN: a user, a session.
    Identity(Box<str>),
    /// An AWS service, for requests that are its own; its name stands where other callers have an ARN.
    Service(Box<str>),
}

/// How a principal element meets a caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Meets {
    /// It doesn't.
    No,
    /// It names the caller's account: an Allow leaves it to the account's identity policies.
    Account,
    /// It names the caller itself.
    Caller,
}

impl Principal {
    /// Reads an entry under `AWS`; `None` if no principal can be called so.
    pub fn parse_aws(text: &str) -> Option<Self> {
        if text == "*" {
            return Some(Principal::Everyone);
        }
        if is_account(text) {
            return Some(Principal::Account(text.into()));
        }
        let mut parts = text.splitn(6, ':');
        let (arn, partition, service) = (parts.next()?, parts.next()?, parts.next()?);
        let (region, account, name) = (parts.next()?, parts.next()?, parts.next()?);
        let written =
            arn == "arn" && partition.starts_with("aws") && region.is_empty() && is_account(account);
        if !written || text.contains(['*', '?']) {
            return None;
        }
        if (service, name) == ("iam", "root") {
            return Some(Principal::Account(account.into()));
        }
        let (kind, name) = name.split_once('/')?;
        let named = !name.is_empty() && !name.ends_with('/');
        match (service, kind) {
            ("iam", "role") if named => {
                let name = name.rsplit('/').next()?.into();
                Some(Principal::Role { account: account.into(), name, arn: text.into() })
            }
            ("iam", "user") | ("sts", "federated-user") if named => Some(Principal::Identity(text.into())),
            ("sts", "assumed-role") if named && name.matches('/').count() == 1 && !name.starts_with('/') => {
                Some(Principal::Identity(text.into()))
            }
            _ => None,
        }
    }

    /// Reads an entry under `Service`: a DNS name of AWS.
    pub fn parse_service(text: &str) -> Option<Self> {
        let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-'));
        let name = text.strip_suffix(".cn").unwrap_or(text).strip_suffix(".amazonaws.com")?;
        (plain && !name.is_empty()).then(|| Principal::Service(text.into()))
    }

    /// How it meets a caller.
    pub fn meets(&self, caller: &Caller) -> Meets {
        let is = |same: bool| if same { Meets::Caller } else { Meets::No };
        match self {
            Principal::Everyone => Meets::Caller,
            Principal::Account(account) if **account == *caller.account => {
                if caller.is_root() {
                    Meets::Caller
                } else {
                    Meets::Account
                }
            }
            Principal::Account(_) => Meets::No,
            Principal::Role { account, name, arn } => {
                let session = role_of(caller).is_some_and(|role| role == &**name);
                is(**arn == *caller.arn || (session && **account == *caller.account))
            }
            Principal::Identity(arn) | Principal::Service(arn) => is(**arn == *caller.arn),
        }
    }
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The name of the role whose session the caller is.
pub(super) fn role_of(caller: &Caller) -> Option<&str> {
    session_of(caller).and_then(|session| session.split('/').next())
}

/// `role/session` of a caller that is a role's session.
pub(super) fn session_of(caller: &Caller) -> Option<&str> {
    caller.arn.splitn(6, ':').nth(5)?.strip_prefix("assumed-role/")
}

/// The principals of a statement.
#[derive(Debug)]
pub(super) enum Principals {
    /// `Principal`.
    Only(Vec<Principal>),
    /// `NotPrincipal`, which goes with Deny only.
    AllBut(Vec<Principal>),
}

impl Principals {
    /// The closest that any entry meets the caller.
    pub(super) fn meets(&self, caller: &Caller) -> Meets {
        match self {
            Principals::Only(list) => {
                list.iter().map(|principal| principal.meets(caller)).max().unwrap_or(Meets::No)
            }
            Principals::AllBut(list) if spares(list, caller) => Meets::No,
            Principals::AllBut(_) => Meets::Caller,
        }
    }
}

/// Whether a `NotPrincipal` spares the caller. A caller is several principals at once, its account, its role and itself, and is spared only
/// if all of them are (IAM guide, "NotPrincipal").
fn spares(list: &[Principal], caller: &Caller) -> bool {
    let (mut itself, mut role, mut account) = (false, role_of(caller).is_none(), false);
    for principal in list {
        let met = principal.meets(caller);
        match principal {
            Principal::Everyone => return true,
            // A service has neither role nor account.
            Principal::Service(_) if met == Meets::Caller => return true,
            Principal::Service(_) => {}
            Principal::Role { .. } => role |= met == Meets::Caller,
            Principal::Identity(_) => itself |= met == Meets::Caller,
            Principal::Account(_) => {
                account |= met != Meets::No;
                itself |= met == Meets::Caller;
            }
        }
    }
    itself && role && account
}
