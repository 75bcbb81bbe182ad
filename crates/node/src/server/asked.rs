//! A request done: the seam's call on this node's token.

use super::run;
use super::service::Service;
use cloister::attribute::{Attributes, Bytes};
use cloister::error::{Error, Result};
use cloister::mechanism::Purpose;
use cloister::pin::{Credentials, Role};
use cloister::proto::message::{Call, Chosen, Made, Origin, Place, Reply};
use cloister::proto::needs::Needs;
use cloister::token::local::export::Opened;
use cloister::token::{Begun, Caller, Encapsulated, Making, ObjectId, ObjectRef, Ticket, Token};
use std::sync::Arc;

/// Most random bytes of one answer.
const RANDOM_MAX: u32 = 1 << 20;

/// One request, its ticket opened.
pub(super) struct Asked<'a> {
    pub service: &'a Service,
    pub opened: Option<&'a Opened>,
    /// What this very request is told from all others by, if it may be asked again.
    pub mark: Option<[u8; 16]>,
}

impl Asked<'_> {
    /// Does the call.
    pub fn reply(&self, call: &Call) -> Result<Reply> {
        let (token, caller) = (self.service.token(), self.caller());
        self.may_make(call)?;
        match call {
            Call::Ping => Ok(Reply::Done),
            Call::Info => self.info(),
            Call::IsInitialized => token.is_initialized().map(Reply::Flag),
            Call::Initialize { officer, label } => {
                done(token.initialize(&officer.credentials(Role::Officer)?, label))
            }
            Call::InitializeFirst { officer, label } => {
                done(token.initialize_first(&officer.credentials(Role::Officer)?, label))
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
            Call::InfoOf { object } => self.info_of(object),
            Call::Reveal { object, wanted } => {
                token.reveal(caller, &self.object(object)?, wanted).map(Reply::Attributes)
            }
            Call::SizeOf { object } => token.size_of(caller, &self.object(object)?).map(Reply::Size),
            Call::Make { origin, template } => self.available(self.make(origin, template)),
            Call::MakePair { mechanism, public, private } => {
                self.available(self.make_pair(mechanism, public, private))
            }
            Call::Derive { mechanism, keys, templates } => {
                self.available(self.derive(mechanism, keys, templates))
            }
            Call::Set { object, changes } => {
                self.made(token.set(caller, &self.object(object)?, changes)?).map(Reply::Made)
            }
            Call::Destroy { object } => done(token.destroy(caller, &self.object(object)?)),
            Call::Run { purpose, mechanism, key, input, signature } => {
                run::whole(self.begin(*purpose, mechanism, key)?, input, signature.as_deref())
            }
            Call::SignDigest { mechanism, key, digest } => {
                run::digested(self.begin(Purpose::Sign, mechanism, key)?, digest)
            }
            Call::Wrap { mechanism, wrapping, key } => self.wrap(mechanism, wrapping, key),
            Call::Random { length } => self.random(*length),
            Call::Seed { seed } => done(token.seed(seed)),
            Call::Encapsulate { mechanism, key, template } => {
                self.available(self.encapsulate(mechanism, key, template))
            }
        }
    }

    /// Token objects are made where more than one node will have them, if there was ever more than one.
    fn may_make(&self, call: &Call) -> Result<()> {
        let makes = matches!(
            call,
            Call::Make { .. } | Call::MakePair { .. } | Call::Derive { .. } | Call::Encapsulate { .. }
        );
        if makes && call.needs() == Needs::Leader && self.service.is_last() {
            tracing::warn!(
                "only one node is left: nothing new is made. Let another join, or set key-availability = 1"
            );
            return Err(Error::TokenWriteProtected);
        }
        Ok(())
    }

    /// As long as no majority is in reach, the token is one that can't be written.
    fn info(&self) -> Result<Reply> {
        let mut info = self.service.token().info()?;
        info.write_protected |= !self.service.can_change();
        Ok(Reply::Info(info))
    }

    fn info_of(&self, object: &Place) -> Result<Reply> {
        let info = (*self.service.token().info_of(self.caller(), &self.object(object)?)?).clone();
        Ok(Reply::Object { info, may_keep: self.service.may_keep() })
    }

    /// The answer to a request that has been done before, when its answer was lost; it made or changed `objects`. `None` if it has to be done after all.
    pub fn again(&self, call: &Call, objects: &[ObjectId]) -> Option<Result<Reply>> {
        let stored = |id: &ObjectId| {
            self.made(ObjectRef::Stored(*id)).map_err(|error| match error {
                // It is gone again: there were too few nodes for it, or somebody has destroyed it.
                Error::ObjectHandleInvalid => Error::TokenWriteProtected,
                other => other,
            })
        };
        match (call, objects) {
            (Call::Set { .. }, [id]) => Some(stored(id).map(Reply::Made)),
            (Call::Make { .. }, [id]) => Some(self.available(stored(id).map(Reply::Made))),
            (Call::MakePair { .. }, [public, private]) => {
                let pair = stored(public).and_then(|public| Ok(Reply::Pair(public, stored(private)?)));
                Some(self.available(pair))
            }
            // Something went with the answer: one of several that was a session object, the ciphertext, or what is told of
            // derived keys. What is left goes too.
            (Call::MakePair { .. } | Call::Derive { .. } | Call::Encapsulate { .. }, objects) => {
                for id in objects {
                    if let Err(error) = self.service.token().discard(self.caller(), *id) {
                        tracing::warn!("a part of what was made is left: {}", error.name());
                    }
                }
                None
            }
            (Call::Login { .. } | Call::Confirm { .. } | Call::Users, _) => None,
            _ => Some(Ok(Reply::Done)),
        }
    }

    /// Holds the answer back until the new keys are on as many nodes as they must be; if that takes too long they are destroyed again.
    fn available(&self, made: Result<Reply>) -> Result<Reply> {
        let stored: Vec<ObjectId> = match &made {
            Ok(Reply::Made(made) | Reply::Encapsulated(_, made)) => stored([made]),
            Ok(Reply::Pair(public, private)) => stored([public, private]),
            Ok(Reply::Derived { keys, .. }) => stored(keys),
            _ => return made,
        };
        if stored.is_empty() {
            return made;
        }
        match self.service.is_available() {
            Some(true) => return made,
            Some(false) => {}
            // Whoever leads now will tell, when it is asked again.
            None => return Err(Error::DeviceRemoved),
        }
        tracing::warn!(
            "a new key did not come to as many nodes as `key-availability` wants: it is destroyed again"
        );
        for id in stored {
            cloister::store::errand::on(None, || self.service.token().discard(self.caller(), id))?;
        }
        Err(Error::TokenWriteProtected)
    }

    fn caller(&self) -> Caller<'_> {
        self.opened.map(|opened| &opened.ticket)
    }

    fn ticket(&self) -> Result<&Arc<dyn Ticket>> {
        self.caller().ok_or(Error::UserNotLoggedIn)
    }

    fn log_in(&self, role: Role, user: &Credentials) -> Result<Reply> {
        let ticket = self.service.token().login(role, user)?;
        self.service.seal(&ticket, self.service.lifetimes().login)
    }

    /// The same login for a full lifetime. A confirmation is good for what it was given for, and not renewed.
    fn renew(&self) -> Result<Reply> {
        let opened = self.opened.filter(|opened| opened.confirmed.is_none()).ok_or(Error::UserNotLoggedIn)?;
        // It may have been opened before its user was deleted.
        if !self.service.token().holds(&opened.ticket) {
            return Err(Error::UserNotLoggedIn);
        }
        self.service.seal(&opened.ticket, self.service.lifetimes().login)
    }

    fn confirm(&self, password: &[u8]) -> Result<Reply> {
        let confirmed = self.service.token().confirm(self.ticket()?, password)?;
        self.service.seal(&confirmed, self.service.lifetimes().confirmation)
    }

    /// A confirmation is good for one operation: used before, it is taken off the ticket.
    fn take_confirmation(&self) -> Result<()> {
        if let Some(opened) = self.opened
            && let Some(number) = opened.confirmed
            && !self.service.is_first_use(number, self.mark)?
        {
            opened.spend()?;
        }
        Ok(())
    }

    fn object(&self, place: &Place) -> Result<ObjectRef> {
        match place {
            Place::Stored(id) => Ok(ObjectRef::Stored(*id)),
            Place::Capsule(capsule) => {
                self.service.open(|token, key| token.import_object(self.caller(), capsule, key))
            }
        }
    }

    fn make(&self, origin: &Origin, template: &Attributes) -> Result<Reply> {
        let make = |making: Making<'_>| {
            let made = self.service.token().make(self.caller(), making, template)?;
            self.made(made).map(Reply::Made)
        };
        match origin {
            Origin::Create => make(Making::Create),
            Origin::Generate(mechanism) => make(Making::Generate(&mechanism.mechanism()?)),
            Origin::Unwrap { mechanism, key, wrapped } => {
                let key = self.object(key).map_err(unwrapping_error)?;
                make(Making::Unwrap { mechanism: &mechanism.mechanism()?, key: &key, wrapped })
            }
            Origin::Copy(object) => make(Making::Copy(&self.object(object)?)),
            Origin::Decapsulate { mechanism, key, ciphertext } => {
                let key = self.object(key).map_err(unwrapping_error)?;
                make(Making::Decapsulate { mechanism: &mechanism.mechanism()?, key: &key, ciphertext })
            }
        }
    }

    fn make_pair(&self, mechanism: &Chosen, public: &Attributes, private: &Attributes) -> Result<Reply> {
        let (public, private) = (&public.clone().into(), &private.clone().into());
        let pair = self.service.token().make_pair(self.caller(), &mechanism.mechanism()?, public, private)?;
        Ok(Reply::Pair(self.made(pair.0)?, self.made(pair.1)?))
    }

    fn begin(&self, purpose: Purpose, mechanism: &Chosen, key: &Place) -> Result<Begun> {
        self.take_confirmation()?;
        let key = self.object(key).map_err(key_error)?;
        self.service.token().begin(self.caller(), purpose, &mechanism.mechanism()?, &key)
    }

    fn wrap(&self, mechanism: &Chosen, wrapping: &Place, key: &Place) -> Result<Reply> {
        let wrapping = self.object(wrapping).map_err(|error| match error {
            Error::ObjectHandleInvalid => Error::WrappingKeyHandleInvalid,
            other => other,
        })?;
        let key = self.object(key).map_err(key_error)?;
        let wrapped = self.service.token().wrap(self.caller(), &mechanism.mechanism()?, &wrapping, &key)?;
        Ok(Reply::Bytes(wrapped.into()))
    }

    fn encapsulate(&self, mechanism: &Chosen, key: &Place, template: &Attributes) -> Result<Reply> {
        let (key, mechanism) = (self.object(key).map_err(key_error)?, mechanism.mechanism()?);
        let template = &template.clone().into();
        let encapsulate = |room: Option<&mut [u8]>| {
            self.service.token().encapsulate(self.caller(), &mechanism, &key, template, room)
        };
        // The library has seen to it that its caller has room.
        let Encapsulated::Size(size) = encapsulate(None)? else { return Err(Error::FunctionFailed) };
        let mut ciphertext = vec![0; size];
        match encapsulate(Some(&mut ciphertext))? {
            Encapsulated::Made(_, made) => Ok(Reply::Encapsulated(ciphertext.into(), self.made(made)?)),
            Encapsulated::Size(_) => Err(Error::FunctionFailed),
        }
    }

    fn derive(&self, mechanism: &Chosen, keys: &[Place], templates: &[Attributes]) -> Result<Reply> {
        let keys = keys.iter().map(|key| self.object(key).map_err(key_error)).collect::<Result<Vec<_>>>()?;
        let derived =
            self.service.token().derive(self.caller(), &mechanism.mechanism()?, &keys, templates)?;
        let keys = derived.keys.into_iter().map(|key| self.made(key)).collect::<Result<Vec<_>>>()?;
        Ok(Reply::Derived { keys, told: derived.told.into() })
    }

    fn made(&self, object: ObjectRef) -> Result<Made> {
        let token = self.service.token();
        let info = (*token.info_of(self.caller(), &object)?).clone();
        let place = match object {
            ObjectRef::Stored(id) => Place::Stored(id),
            ObjectRef::Held(held) => {
                Place::Capsule(token.export_object(self.caller(), &held, &*self.service.key()?)?)
            }
        };
        Ok(Made { place, info })
    }

    fn random(&self, length: u32) -> Result<Reply> {
        if length > RANDOM_MAX {
            return Err(Error::ArgumentsBad);
        }
        let mut bytes = Bytes::zeroed(length as usize);
        self.service.token().random(&mut bytes)?;
        Ok(Reply::Bytes(bytes))
    }
}

/// The token objects among what was made.
fn stored<'a>(made: impl IntoIterator<Item = &'a Made>) -> Vec<ObjectId> {
    let id = |made: &'a Made| match made.place {
        Place::Stored(id) => Some(id),
        Place::Capsule(_) => None,
    };
    made.into_iter().filter_map(id).collect()
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

/// What unwraps and decapsulates has its own name for its key.
fn unwrapping_error(error: Error) -> Error {
    match error {
        Error::ObjectHandleInvalid => Error::UnwrappingKeyHandleInvalid,
        other => other,
    }
}
