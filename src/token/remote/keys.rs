//! Keys at work: begun here, done by a node in one round trip.
//!
//! A public key is worked with here, all of it is known. For any other a stand-in of its type and size is begun with: it checks the parameters and
//! tells the sizes as the key itself would. The data is collected, up to [`DATA_LIMIT`], and the last step sends it; but for block ciphers, which
//! are done part by part ([`chained`]).

use super::chained::{self, Chained};
use super::held::{place, ticket_of};
use super::link::Link;
use super::{RemoteToken, unexpected};
use crate::attribute::Bytes;
use crate::error::{Error, Result};
use crate::mechanism::hashed::Hashed;
use crate::mechanism::staged::Staged;
use crate::mechanism::{Digester, Key, Material, Mechanism, Purpose, Signer};
use crate::pin::Role;
use crate::proto::DATA_LIMIT;
use crate::proto::message::{Call, Place, Reply};
use crate::token::usage::{self, Usage};
use crate::token::{Begun, Caller, ObjectInfo, ObjectRef, Operation, Token};
use cryptoki_sys as ck;
use once_cell::unsync::OnceCell;
use std::sync::Arc;

impl RemoteToken {
    pub(super) fn begin_operation(
        &self,
        caller: Caller<'_>,
        purpose: Purpose,
        mechanism: &Mechanism,
        key: &ObjectRef,
    ) -> Result<Begun> {
        let permission = purpose.permission().ok_or(Error::KeyNotNeeded)?;
        if let ObjectRef::Stored(id) = key
            && let Some(info) = self.link.known.get(*id)
            && let Ok(begun) = self.decide(caller, (purpose, permission), mechanism, key, &info)
        {
            return Ok(begun);
        }
        // Not known, or known to be refused: it may be otherwise by now.
        let info = self.look_at(caller, key).map_err(key_error)?;
        self.decide(caller, (purpose, permission), mechanism, key, &info)
    }

    /// What an encapsulation gives with a key that is known or that a node tells of.
    pub(super) fn encapsulated_size(
        &self,
        caller: Caller<'_>,
        mechanism: &Mechanism,
        key: &ObjectRef,
    ) -> Result<usize> {
        if let ObjectRef::Stored(id) = key
            && let Some(info) = self.link.known.get(*id)
            && let Ok(size) = usage::ciphertext_size(&info.attributes, mechanism)
        {
            return Ok(size);
        }
        let info = self.look_at(caller, key).map_err(key_error)?;
        usage::ciphertext_size(&info.attributes, mechanism)
    }

    /// What is known of an object, from a node; kept for the next time.
    pub(super) fn look_at(&self, caller: Caller<'_>, object: &ObjectRef) -> Result<Arc<ObjectInfo>> {
        if let ObjectRef::Held(held) = object {
            return held.info().cloned();
        }
        let call = Call::InfoOf { object: place(object)? };
        let (Reply::Object { info, may_keep }, seen) = self.ask_seeing(caller, call)? else {
            return Err(unexpected());
        };
        let info = Arc::new(info);
        self.link.known.put(&info, seen);
        if may_keep {
            self.link.known.note_read(&info);
        }
        Ok(info)
    }

    fn decide(
        &self,
        caller: Caller<'_>,
        (purpose, permission): (Purpose, u64),
        mechanism: &Mechanism,
        key: &ObjectRef,
        info: &ObjectInfo,
    ) -> Result<Begun> {
        check_caller(caller, key, info)?;
        let attributes = &info.attributes;
        let material = OnceCell::new();
        let material = || material.get_or_try_init(|| Material::stand_in(attributes));
        let usage = Usage { attributes, mechanism };
        usage.check(purpose.flag(), permission, || Ok(material()?.size()))?;
        let material = material()?;
        let begun = usage::begin(purpose, mechanism, Key { attributes, material })?;
        if matches!(material, Material::Public(_)) {
            return Ok(Begun::Ready(begun, None));
        }
        let mut confirmed = false;
        if attributes.is_true(ck::CKA_ALWAYS_AUTHENTICATE) {
            confirmed = caller.map(ticket_of).transpose()?.is_some_and(|ticket| ticket.take_confirmation());
            if !confirmed {
                return Ok(Begun::PinFirst);
            }
        }
        let errand = Errand {
            link: self.link.clone(),
            ticket: self.sealed(caller)?,
            confirmed,
            purpose,
            mechanism: mechanism.clone(),
            key: place(key).map_err(key_error)?,
        };
        // One part more would be one use of the key more; and another mechanism may not be allowed to it.
        let between = chained::between(mechanism).filter(|(between, _)| {
            let usage = Usage { attributes, mechanism: between };
            !confirmed && usage.check(purpose.flag(), permission, || Ok(material.size())).is_ok()
        });
        let operation = match (begun, between) {
            (Operation::Cipher(shape), Some((between, block))) => Operation::Cipher(Box::new(Chained {
                errand,
                between,
                block,
                shape,
                held: Default::default(),
            })),
            (begun, _) => errand.operation(begun)?,
        };
        // Each time a node has to be asked.
        Ok(Begun::Ready(operation, None))
    }

    /// The value of a key that may be read is digested here. One that may not never leaves the nodes, nor does the state of a digest:
    /// `KeyIndigestible`.
    pub(super) fn feed_key(
        &self,
        caller: Caller<'_>,
        key: &ObjectRef,
        digester: &mut dyn Digester,
    ) -> Result<()> {
        let info = self.look_at(caller, key).map_err(key_error)?;
        check_caller(caller, key, &info)?;
        let attributes = &info.attributes;
        let is_secret_key = attributes.ulong(ck::CKA_CLASS) == Some(ck::CKO_SECRET_KEY);
        if !is_secret_key || !attributes.is_true(ck::CKA_EXTRACTABLE) {
            return Err(Error::KeyIndigestible);
        }
        let revealed = self.reveal(caller, key, &[ck::CKA_VALUE]).map_err(|error| match error {
            Error::AttributeSensitive => Error::KeyIndigestible,
            other => key_error(other),
        })?;
        digester.update(revealed.bytes(ck::CKA_VALUE).ok_or(Error::KeyIndigestible)?)
    }
}

/// What a node would refuse whatever the key allows: officers use no key, and the secret half of a token object takes a login.
fn check_caller(caller: Caller<'_>, key: &ObjectRef, info: &ObjectInfo) -> Result<()> {
    let class = info.attributes.ulong(ck::CKA_CLASS);
    let has_secrets = matches!(class, Some(ck::CKO_PRIVATE_KEY | ck::CKO_SECRET_KEY));
    match (caller, key) {
        (Some(ticket), _) if ticket.role() == Role::Officer => Err(Error::UserNotLoggedIn),
        (None, ObjectRef::Stored(_)) if has_secrets => Err(Error::UserNotLoggedIn),
        _ => Ok(()),
    }
}

/// What works with a key speaks of it, not of an object.
pub(super) fn key_error(error: Error) -> Error {
    match error {
        Error::ObjectHandleInvalid => Error::KeyHandleInvalid,
        other => other,
    }
}

/// An operation to be done by a node.
pub(super) struct Errand {
    link: Arc<Link>,
    ticket: Option<Bytes>,
    /// Whether the ticket is good for this once only: then a node must not take a second try for a second use.
    confirmed: bool,
    pub purpose: Purpose,
    pub mechanism: Mechanism,
    key: Place,
}

impl Errand {
    /// The operation, with the sizes of `begun`.
    fn operation(self, begun: Operation) -> Result<Operation> {
        let too_long = self.too_long();
        Ok(match begun {
            Operation::Cipher(begun) => {
                let run = move |input: &[u8], output: &mut [u8]| self.fill(self.whole(input, None), output);
                let size = move |input| begun.whole_size(input);
                Operation::Cipher(Box::new(Staged::cipher(DATA_LIMIT, too_long, size, run)))
            }
            Operation::Signer(begun) => Operation::Signer(self.signer(&*begun)?),
            Operation::Verifier(begun) => {
                let run = move |input: &[u8], signature: &[u8]| self.verify(input, signature);
                Operation::Verifier(Box::new(Staged::verifier(DATA_LIMIT, begun.size(), run)))
            }
            Operation::Digester(_) => return Err(Error::KeyNotNeeded),
        })
    }

    /// Where the mechanism hashes first, that is done here: only the digest goes to a node, however much data there is.
    fn signer(self, begun: &dyn Signer) -> Result<Box<dyn Signer>> {
        let size = begun.size();
        Ok(match begun.hash() {
            Some(hash) => {
                let run = move |digest: &[u8], output: &mut [u8]| {
                    let (mechanism, key) = ((&self.mechanism).into(), self.key.clone());
                    self.fill(Call::SignDigest { mechanism, key, digest: digest.into() }, output)
                };
                Box::new(Hashed::signer(hash, size, run)?)
            }
            None => {
                let run = move |input: &[u8], output: &mut [u8]| self.fill(self.whole(input, None), output);
                Box::new(Staged::signer(DATA_LIMIT, size, run))
            }
        })
    }

    /// What more input than a message holds is refused with.
    pub fn too_long(&self) -> Error {
        match self.purpose {
            Purpose::Decrypt => Error::EncryptedDataLenRange,
            _ => Error::DataLenRange,
        }
    }

    /// Asks for bytes; how many.
    pub fn fill(&self, call: Call, output: &mut [u8]) -> Result<usize> {
        let Reply::Bytes(result) = self.ask(call)? else { return Err(unexpected()) };
        let place = output.get_mut(..result.len()).ok_or_else(unexpected)?;
        place.copy_from_slice(&result);
        Ok(result.len())
    }

    fn verify(&self, input: &[u8], signature: &[u8]) -> Result<()> {
        match self.ask(self.whole(input, Some(signature.into())))? {
            Reply::Done => Ok(()),
            _ => Err(unexpected()),
        }
    }

    /// The operation from its beginning to its end.
    pub fn whole(&self, input: &[u8], signature: Option<Bytes>) -> Call {
        self.whole_with(&self.mechanism, input, signature)
    }

    /// The same with another mechanism.
    pub fn whole_with(&self, mechanism: &Mechanism, input: &[u8], signature: Option<Bytes>) -> Call {
        Call::Run {
            purpose: self.purpose,
            mechanism: mechanism.into(),
            key: self.key.clone(),
            input: input.into(),
            signature,
        }
    }

    fn ask(&self, call: Call) -> Result<Reply> {
        let asked = self.link.ask_counting(self.ticket.clone(), call, self.confirmed);
        if let (Err(_), Place::Stored(id)) = (&asked, &self.key) {
            // It may be another than it was thought to be.
            self.link.known.remove(*id);
        }
        asked.map(|(reply, _)| reply)
    }
}
