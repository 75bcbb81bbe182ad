//! [`RemoteToken`] at the seam: each method is one call to a node, or none.

use super::held::{Login, RemoteTicket, place};
use super::keys::key_error;
use super::{RemoteToken, unexpected};
use crate::attribute::{AttributeType, Attributes, Bytes};
use crate::error::{Error, Result};
use crate::mechanism::{Digester, Mechanism, Purpose};
use crate::pin::{Credentials, Role};
use crate::proto::message::{Call, Origin, Reply};
use crate::token::{
    Begun, Caller, DerivedKeys, Encapsulated, Found, Making, ObjectInfo, ObjectRef, Template, Ticket, Token,
    TokenInfo, UserInfo,
};
use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Random bytes and seed of one request.
const PIECE: usize = 1 << 20;

impl Token for RemoteToken {
    fn info(&self) -> Result<TokenInfo> {
        let Reply::Info(info) = self.ask(None, Call::Info)? else { return Err(unexpected()) };
        self.seen_free.store(!info.initialized, Ordering::Relaxed);
        Ok(info)
    }

    fn is_initialized(&self) -> Result<bool> {
        let Reply::Flag(flag) = self.ask(None, Call::IsInitialized)? else { return Err(unexpected()) };
        self.seen_free.store(!flag, Ordering::Relaxed);
        Ok(flag)
    }

    fn initialize(&self, officer: &Credentials, label: &str) -> Result<()> {
        self.link.known.clear();
        let (officer, label) = (officer.into(), label.to_owned());
        // A token that others have made meanwhile must not be lost, though they may have given it the same PIN.
        let call = match self.seen_free.load(Ordering::Relaxed) {
            true => Call::InitializeFirst { officer, label },
            false => Call::Initialize { officer, label },
        };
        self.tell(None, call)?;
        self.seen_free.store(false, Ordering::Relaxed);
        Ok(())
    }

    fn login(&self, role: Role, credentials: &Credentials) -> Result<Arc<dyn Ticket>> {
        let reply = self.ask(None, Call::Login { role, user: credentials.into() })?;
        let Reply::Ticket { sealed, lifetime } = reply else { return Err(unexpected()) };
        Ok(Arc::new(RemoteTicket::new(Login::new(sealed, lifetime), &credentials.name, role, false)))
    }

    fn confirm(&self, ticket: &Arc<dyn Ticket>, password: &[u8]) -> Result<Arc<dyn Ticket>> {
        let reply = self.ask(Some(ticket), Call::Confirm { password: password.into() })?;
        let Reply::Ticket { sealed, .. } = reply else { return Err(unexpected()) };
        Ok(Arc::new(RemoteTicket::new(Login::once(sealed), ticket.user(), ticket.role(), true)))
    }

    /// While no node can say otherwise, it does.
    fn holds(&self, ticket: &Arc<dyn Ticket>) -> bool {
        !matches!(self.ask(Some(ticket), Call::Holds), Ok(Reply::Flag(false)) | Err(Error::UserNotLoggedIn))
    }

    fn logout(&self, _ticket: &Arc<dyn Ticket>) {
        self.link.known.clear();
    }

    fn init_pin(&self, officer: Caller<'_>, user: &Credentials) -> Result<()> {
        self.tell(officer, Call::InitPin { user: user.into() })
    }

    fn set_pin(&self, role: Role, old: &Credentials, new_password: &[u8]) -> Result<()> {
        self.tell(None, Call::SetPin { role, old: old.into(), new: new_password.into() })
    }

    fn users(&self, officer: Caller<'_>) -> Result<Vec<UserInfo>> {
        let Reply::Users(users) = self.ask(officer, Call::Users)? else { return Err(unexpected()) };
        Ok(users)
    }

    fn create_user(&self, officer: Caller<'_>, role: Role, user: &Credentials) -> Result<()> {
        self.tell(officer, Call::CreateUser { role, user: user.into() })
    }

    fn delete_user(&self, officer: Caller<'_>, role: Role, name: &str) -> Result<()> {
        self.tell(officer, Call::DeleteUser { role, name: name.to_owned() })
    }

    fn unlock_user(&self, officer: Caller<'_>, role: Role, name: &str) -> Result<()> {
        self.tell(officer, Call::UnlockUser { role, name: name.to_owned() })
    }

    fn find(&self, caller: Caller<'_>, template: &Attributes) -> Result<Vec<Found>> {
        let call = Call::Find { template: template.clone() };
        let Reply::Found(found) = self.ask(caller, call)? else { return Err(unexpected()) };
        Ok(found)
    }

    fn info_of(&self, caller: Caller<'_>, object: &ObjectRef) -> Result<Arc<ObjectInfo>> {
        if let ObjectRef::Held(held) = object {
            return held.info().cloned();
        }
        if let ObjectRef::Stored(id) = object
            && let Some(known) = self.link.known.take_made(*id).or_else(|| self.link.known.just_read(*id))
        {
            return Ok(known);
        }
        self.look_at(caller, object)
    }

    fn reveal(&self, caller: Caller<'_>, object: &ObjectRef, wanted: &[AttributeType]) -> Result<Attributes> {
        let call = Call::Reveal { object: place(object)?, wanted: wanted.to_vec() };
        let Reply::Attributes(revealed) = self.ask(caller, call)? else { return Err(unexpected()) };
        Ok(revealed)
    }

    fn size_of(&self, caller: Caller<'_>, object: &ObjectRef) -> Result<u64> {
        let call = Call::SizeOf { object: place(object)? };
        let Reply::Size(size) = self.ask(caller, call)? else { return Err(unexpected()) };
        Ok(size)
    }

    fn make(&self, caller: Caller<'_>, making: Making<'_>, template: &Attributes) -> Result<ObjectRef> {
        let origin = match making {
            Making::Create => Origin::Create,
            Making::Generate(mechanism) => Origin::Generate(mechanism.into()),
            Making::Unwrap { mechanism, key, wrapped } => {
                Origin::Unwrap { mechanism: mechanism.into(), key: place(key)?, wrapped: wrapped.into() }
            }
            Making::Copy(object) => Origin::Copy(place(object)?),
            Making::Decapsulate { mechanism, key, ciphertext } => Origin::Decapsulate {
                mechanism: mechanism.into(),
                key: place(key)?,
                ciphertext: ciphertext.into(),
            },
        };
        let call = Call::Make { origin, template: template.clone() };
        self.take(caller, call)
    }

    fn make_pair(
        &self,
        caller: Caller<'_>,
        mechanism: &Mechanism,
        public: &Template,
        private: &Template,
    ) -> Result<(ObjectRef, ObjectRef)> {
        let (public, private) = (Attributes::clone(public), Attributes::clone(private));
        let call = Call::MakePair { mechanism: mechanism.into(), public, private };
        let (Reply::Pair(public, private), seen) = self.ask_seeing(caller, call)? else {
            return Err(unexpected());
        };
        Ok((self.taken(public, seen), self.taken(private, seen)))
    }

    fn derive(
        &self,
        caller: Caller<'_>,
        mechanism: &Mechanism,
        keys: &[ObjectRef],
        templates: &[Attributes],
    ) -> Result<DerivedKeys> {
        let keys = keys.iter().map(place).collect::<Result<Vec<_>>>()?;
        let call = Call::Derive { mechanism: mechanism.into(), keys, templates: templates.to_vec() };
        let (Reply::Derived { keys, told }, seen) = self.ask_seeing(caller, call)? else {
            return Err(unexpected());
        };
        let keys = keys.into_iter().map(|key| self.taken(key, seen)).collect();
        Ok(DerivedKeys { keys, told: told.to_vec() })
    }

    fn encapsulate(
        &self,
        caller: Caller<'_>,
        mechanism: &Mechanism,
        key: &ObjectRef,
        template: &Template,
        room: Option<&mut [u8]>,
    ) -> Result<Encapsulated> {
        let size = self.encapsulated_size(caller, mechanism, key)?;
        let Some(room) = room.and_then(|room| room.get_mut(..size)) else {
            return Ok(Encapsulated::Size(size));
        };
        let call = Call::Encapsulate {
            mechanism: mechanism.into(),
            key: place(key).map_err(key_error)?,
            template: (**template).clone(),
        };
        let (Reply::Encapsulated(ciphertext, made), seen) = self.ask_seeing(caller, call)? else {
            return Err(unexpected());
        };
        let made = self.taken(made, seen);
        // It is as long as was told, or the node is not in order.
        if ciphertext.len() != size {
            return Err(unexpected());
        }
        room.copy_from_slice(&ciphertext);
        Ok(Encapsulated::Made(size, made))
    }

    fn set(&self, caller: Caller<'_>, object: &ObjectRef, changes: &Attributes) -> Result<ObjectRef> {
        let call = Call::Set { object: place(object)?, changes: changes.clone() };
        let changed = self.take(caller, call)?;
        if let ObjectRef::Stored(id) = changed {
            // Nobody asks what it is at once, as for one just made.
            self.link.known.take_made(id);
        }
        Ok(changed)
    }

    fn destroy(&self, caller: Caller<'_>, object: &ObjectRef) -> Result<()> {
        self.tell(caller, Call::Destroy { object: place(object)? })?;
        if let ObjectRef::Stored(id) = object {
            self.link.known.remove(*id);
        }
        Ok(())
    }

    fn begin(
        &self,
        caller: Caller<'_>,
        purpose: Purpose,
        mechanism: &Mechanism,
        key: &ObjectRef,
    ) -> Result<Begun> {
        self.begin_operation(caller, purpose, mechanism, key)
    }

    fn digest_key(&self, caller: Caller<'_>, key: &ObjectRef, digester: &mut dyn Digester) -> Result<()> {
        self.feed_key(caller, key, digester)
    }

    fn wrap(
        &self,
        caller: Caller<'_>,
        mechanism: &Mechanism,
        wrapping: &ObjectRef,
        key: &ObjectRef,
    ) -> Result<Vec<u8>> {
        let (wrapping, key) = (place(wrapping)?, place(key)?);
        let call = Call::Wrap { mechanism: mechanism.into(), wrapping, key };
        let Reply::Bytes(wrapped) = self.ask(caller, call)? else { return Err(unexpected()) };
        Ok(wrapped.to_vec())
    }

    fn random(&self, buffer: &mut [u8]) -> Result<()> {
        for piece in buffer.chunks_mut(PIECE) {
            let reply = self.ask(None, Call::Random { length: piece.len() as u32 })?;
            match reply {
                Reply::Bytes(bytes) if bytes.len() == piece.len() => piece.copy_from_slice(&bytes),
                _ => return Err(unexpected()),
            }
        }
        Ok(())
    }

    fn seed(&self, seed: &[u8]) -> Result<()> {
        seed.chunks(PIECE).try_for_each(|seed| self.tell(None, Call::Seed { seed: Bytes::from(seed) }))
    }

    fn pause(&self) -> Box<dyn Any> {
        self.link.pause()
    }
}
