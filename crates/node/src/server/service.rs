//! What a request comes to: the seam's call on this node's token.

use super::changes::Changes;
use super::recent::{Recent, Sent};
use super::run;
use cloister::attribute::{Attributes, Bytes};
use cloister::error::{Error, Result};
use cloister::pin::{Credentials, Role};
use cloister::proto::message::{Answer, Call, Changed, Chosen, Made, Origin, Place, Reply, Request};
use cloister::proto::needs::Needs;
use cloister::token::local::LocalToken;
use cloister::token::local::export::{ClusterKey, Opened};
use cloister::token::{Caller, Making, ObjectRef, Ticket, Token};
use openssl::sha::sha256;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Most random bytes of one answer.
const RANDOM_MAX: u32 = 1 << 20;

/// A node's token, for clients.
pub struct Service {
    token: LocalToken,
    cluster: ClusterKey,
    lifetimes: Lifetimes,
    recent: Recent,
    /// What the token's latest changes were.
    changes: Changes,
    /// Confirmations used, with their expiry.
    spent: Mutex<HashMap<[u8; 16], u64>>,
}

/// How long tickets are good.
#[derive(Clone, Debug)]
pub struct Lifetimes {
    /// Of a login.
    pub login: Duration,
    /// Of a confirmation for one operation.
    pub confirmation: Duration,
}

impl Default for Lifetimes {
    fn default() -> Self {
        Lifetimes { login: Duration::from_secs(30 * 24 * 3600), confirmation: Duration::from_secs(120) }
    }
}

impl Service {
    /// Serves `token`; `cluster` seals what clients keep.
    pub fn new(token: LocalToken, cluster: ClusterKey, lifetimes: Lifetimes) -> Self {
        Service {
            token,
            cluster,
            lifetimes,
            recent: Recent::default(),
            changes: Changes::default(),
            spent: Mutex::default(),
        }
    }

    /// To be told of each change as it is made.
    pub fn changes(&self) -> &Changes {
        &self.changes
    }

    /// The answer to a message; `None` if it is no request.
    pub(super) fn answer(&self, message: &[u8]) -> Option<Sent> {
        let request = Request::decode(message)?;
        let run = || {
            // What is read is as it was at least at the index told; what is changed is seen from the index told on.
            let before = self.token.seen();
            let result = self.result(&request);
            let seen = if request.call.needs() == Needs::Leader { self.token.seen() } else { before };
            let changed = self.changes.between(request.seen, seen);
            Answer { seen, changed, result }.encode()
        };
        let Some(id) = request.id else { return Some(Arc::new(run())) };
        let strange = || Answer { seen: 0, changed: Changed::Any, result: Err(Error::ArgumentsBad) }.encode();
        Some(self.recent.once(id, sha256(message), run).unwrap_or_else(|| Arc::new(strange())))
    }

    fn result(&self, request: &Request) -> Result<Reply> {
        let open = |sealed: &Bytes| self.token.import_ticket(sealed, &self.cluster, now());
        let opened = request.ticket.as_ref().map(open).transpose()?;
        Asked { service: self, opened: opened.as_ref() }.reply(&request.call)
    }

    fn seal(&self, ticket: &Arc<dyn Ticket>, lifetime: Duration) -> Result<Reply> {
        let expiry = now().saturating_add(lifetime.as_secs());
        let sealed = self.token.export_ticket(ticket, &self.cluster, expiry)?;
        Ok(Reply::Ticket { sealed, lifetime: lifetime.as_secs() })
    }

    /// Whether a confirmation has not been used on this node yet; now it has.
    fn is_first_use(&self, number: [u8; 16], expiry: u64) -> bool {
        let mut spent = self.spent.lock();
        let now = now();
        spent.retain(|_, expiry| *expiry > now);
        spent.insert(number, expiry).is_none()
    }
}

/// One request, its ticket opened.
struct Asked<'a> {
    service: &'a Service,
    opened: Option<&'a Opened>,
}

impl Asked<'_> {
    fn reply(&self, call: &Call) -> Result<Reply> {
        let (token, caller) = (&self.service.token, self.caller());
        match call {
            Call::Ping => Ok(Reply::Done),
            Call::Info => token.info().map(Reply::Info),
            Call::IsInitialized => token.is_initialized().map(Reply::Flag),
            Call::Initialize { officer, label } => {
                done(token.initialize(&officer.credentials(Role::Officer)?, label))
            }
            Call::Login { role, user } => self.log_in(*role, &user.credentials(*role)?),
            Call::Confirm { password } => self.confirm(password),
            Call::Holds => Ok(Reply::Flag(self.ticket().is_ok_and(|ticket| token.holds(ticket)))),
            Call::Renew => self.renew(),
            Call::InitPin { user } => done(token.init_pin(caller, &user.credentials(Role::User)?)),
            Call::SetPin { role, old, new } => done(token.set_pin(*role, &old.credentials(*role)?, new)),
            Call::Users => token.users(caller).map(Reply::Users),
            Call::CreateUser { role, user } => {
                done(token.create_user(caller, *role, &user.credentials(*role)?))
            }
            Call::DeleteUser { role, name } => done(token.delete_user(caller, *role, name)),
            Call::UnlockUser { role, name } => done(token.unlock_user(caller, *role, name)),
            Call::Find { template } => token.find(caller, template).map(Reply::Found),
            Call::InfoOf { object } => {
                Ok(Reply::Object((*token.info_of(caller, &self.object(object)?)?).clone()))
            }
            Call::Reveal { object, wanted } => {
                token.reveal(caller, &self.object(object)?, wanted).map(Reply::Attributes)
            }
            Call::SizeOf { object } => token.size_of(caller, &self.object(object)?).map(Reply::Size),
            Call::Make { origin, template } => self.make(origin, template),
            Call::MakePair { mechanism, public, private } => {
                let pair = token.make_pair(caller, &mechanism.mechanism()?, public, private)?;
                Ok(Reply::Pair(self.made(pair.0)?, self.made(pair.1)?))
            }
            Call::Derive { mechanism, keys, templates } => self.derive(mechanism, keys, templates),
            Call::Set { object, changes } => {
                self.made(token.set(caller, &self.object(object)?, changes)?).map(Reply::Made)
            }
            Call::Destroy { object } => done(token.destroy(caller, &self.object(object)?)),
            Call::Run { purpose, mechanism, key, input, signature } => {
                self.take_confirmation()?;
                let key = self.object(key).map_err(key_error)?;
                let begun = token.begin(caller, *purpose, &mechanism.mechanism()?, &key)?;
                run::whole(begun, input, signature.as_deref())
            }
            Call::Wrap { mechanism, wrapping, key } => {
                let wrapping = self.object(wrapping).map_err(|error| match error {
                    Error::ObjectHandleInvalid => Error::WrappingKeyHandleInvalid,
                    other => other,
                })?;
                let key = self.object(key).map_err(key_error)?;
                let wrapped = token.wrap(caller, &mechanism.mechanism()?, &wrapping, &key)?;
                Ok(Reply::Bytes(wrapped.into()))
            }
            Call::Random { length } => self.random(*length),
            Call::Seed { seed } => done(token.seed(seed)),
        }
    }

    fn caller(&self) -> Caller<'_> {
        self.opened.map(|opened| &opened.ticket)
    }

    fn ticket(&self) -> Result<&Arc<dyn Ticket>> {
        self.caller().ok_or(Error::UserNotLoggedIn)
    }

    fn log_in(&self, role: Role, user: &Credentials) -> Result<Reply> {
        let ticket = self.service.token.login(role, user)?;
        self.service.seal(&ticket, self.service.lifetimes.login)
    }

    /// The same login for a full lifetime. A confirmation is good for what it was given for, and not renewed.
    fn renew(&self) -> Result<Reply> {
        let opened = self.opened.filter(|opened| opened.confirmed.is_none()).ok_or(Error::UserNotLoggedIn)?;
        self.service.seal(&opened.ticket, self.service.lifetimes.login)
    }

    fn confirm(&self, password: &[u8]) -> Result<Reply> {
        let confirmed = self.service.token.confirm(self.ticket()?, password)?;
        self.service.seal(&confirmed, self.service.lifetimes.confirmation)
    }

    /// A confirmation is good for one operation: used before, it is taken off the ticket.
    fn take_confirmation(&self) -> Result<()> {
        if let Some(opened) = self.opened
            && let Some(number) = opened.confirmed
            && !self.service.is_first_use(number, opened.expiry)
        {
            opened.spend()?;
        }
        Ok(())
    }

    fn object(&self, place: &Place) -> Result<ObjectRef> {
        let Service { token, cluster, .. } = self.service;
        match place {
            Place::Stored(id) => Ok(ObjectRef::Stored(*id)),
            Place::Capsule(capsule) => token.import_object(self.caller(), capsule, cluster),
        }
    }

    fn make(&self, origin: &Origin, template: &Attributes) -> Result<Reply> {
        let make = |making: Making<'_>| {
            let made = self.service.token.make(self.caller(), making, template)?;
            self.made(made).map(Reply::Made)
        };
        match origin {
            Origin::Create => make(Making::Create),
            Origin::Generate(mechanism) => make(Making::Generate(&mechanism.mechanism()?)),
            Origin::Unwrap { mechanism, key, wrapped } => {
                let key = self.object(key).map_err(|error| match error {
                    Error::ObjectHandleInvalid => Error::UnwrappingKeyHandleInvalid,
                    other => other,
                })?;
                make(Making::Unwrap { mechanism: &mechanism.mechanism()?, key: &key, wrapped })
            }
            Origin::Copy(object) => make(Making::Copy(&self.object(object)?)),
        }
    }

    fn derive(&self, mechanism: &Chosen, keys: &[Place], templates: &[Attributes]) -> Result<Reply> {
        let keys = keys.iter().map(|key| self.object(key).map_err(key_error)).collect::<Result<Vec<_>>>()?;
        let derived = self.service.token.derive(self.caller(), &mechanism.mechanism()?, &keys, templates)?;
        let keys = derived.keys.into_iter().map(|key| self.made(key)).collect::<Result<Vec<_>>>()?;
        Ok(Reply::Derived { keys, told: derived.told.into() })
    }

    fn made(&self, object: ObjectRef) -> Result<Made> {
        let Service { token, cluster, .. } = self.service;
        let info = (*token.info_of(self.caller(), &object)?).clone();
        let place = match object {
            ObjectRef::Stored(id) => Place::Stored(id),
            ObjectRef::Held(held) => Place::Capsule(token.export_object(self.caller(), &held, cluster)?),
        };
        Ok(Made { place, info })
    }

    fn random(&self, length: u32) -> Result<Reply> {
        if length > RANDOM_MAX {
            return Err(Error::ArgumentsBad);
        }
        let mut bytes = Bytes::zeroed(length as usize);
        self.service.token.random(&mut bytes)?;
        Ok(Reply::Bytes(bytes))
    }
}

fn done(result: Result<()>) -> Result<Reply> {
    result.map(|()| Reply::Done)
}

/// What works with a key speaks of it, not of an object.
fn key_error(error: Error) -> Error {
    match error {
        Error::ObjectHandleInvalid => Error::KeyHandleInvalid,
        other => other,
    }
}

/// Seconds since 1970.
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
