//! Objects of the load, each with a label of its own, and what clients do with them through the library's own client.

use crate::history::{Outcome, Version};
use cloister::attribute::{Attributes, Value};
use cloister::error::{Error, Result};
use cloister::mechanism::{Mechanism, Params, Purpose, registry};
use cloister::token::remote::RemoteToken;
use cloister::token::{Begun, Making, ObjectId, ObjectRef, Operation, Ticket, Token};
use cryptoki_sys as ck;
use openssl::hash::MessageDigest;
use openssl::pkey::PKey;
use openssl::sha::sha256;
use openssl::sign::Signer;
use parking_lot::Mutex;
use std::sync::Arc;

/// What every label begins with.
const LABEL: &str = "faults-";
/// What is signed.
const MESSAGE: &[u8] = b"what a key makes of this is always the same";
/// Errors that leave open what has become of a request. `DeviceMemory`: a node has no room.
pub const OPEN: &[Error] = &[Error::DeviceError, Error::DeviceRemoved, Error::DeviceMemory];

/// What an object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A data object; its value is what is written.
    Data,
    /// A secret key that the client has made and can read; `CKA_ID` is what is written.
    Imported,
    /// A secret key that the cluster has made and never shows; `CKA_ID` is what is written.
    Generated,
}

/// An object of the load.
pub struct Thing {
    /// Its number, told by its label.
    pub number: usize,
    kind: Kind,
    /// Its name in the token, once a node has told.
    id: Mutex<Option<ObjectId>>,
    /// What its key made of the message first.
    mac: Mutex<Option<Vec<u8>>>,
}

/// A client that is logged in.
pub struct Session<'a> {
    /// The token.
    pub token: &'a RemoteToken,
    /// The login.
    pub ticket: &'a Arc<dyn Ticket>,
}

impl Thing {
    /// An object that is yet to be made.
    pub fn new(number: usize, kind: Kind) -> Thing {
        Thing { number, kind, id: Mutex::default(), mac: Mutex::default() }
    }

    /// Whether a node has told its name in the token.
    pub fn is_named(&self) -> bool {
        self.id.lock().is_some()
    }

    /// Makes it.
    pub fn create(&self, session: &Session<'_>, version: Version) -> Outcome {
        let made = self.make(session, version);
        if let Ok(ObjectRef::Stored(id)) = &made {
            *self.id.lock() = Some(*id);
            // Its maker is told what it made without asking a node; later reads shall ask.
            let _ = session.token.info_of(Some(session.ticket), &ObjectRef::Stored(*id));
        }
        match made {
            Ok(ObjectRef::Stored(_)) => Outcome::Done,
            Ok(ObjectRef::Held(_)) => Outcome::Spoilt("it was made as a session object".to_owned()),
            Err(error) => missed(error),
        }
    }

    fn make(&self, session: &Session<'_>, version: Version) -> Result<ObjectRef> {
        let mut template: Attributes = [
            (ck::CKA_TOKEN, Value::Bool(true)),
            (ck::CKA_PRIVATE, Value::Bool(self.number.is_multiple_of(2))),
            (ck::CKA_LABEL, Value::from(self.label())),
            (self.written_to(), Value::from(version.to_be_bytes().to_vec())),
        ]
        .into_iter()
        .collect();
        if self.kind == Kind::Data {
            template.set(ck::CKA_CLASS, ck::CKO_DATA);
            return session.token.make(Some(session.ticket), Making::Create, &template);
        }
        template.set(ck::CKA_CLASS, ck::CKO_SECRET_KEY);
        template.set(ck::CKA_KEY_TYPE, ck::CKK_GENERIC_SECRET);
        template.set(ck::CKA_SIGN, true);
        template.set(ck::CKA_SENSITIVE, self.kind == Kind::Generated);
        template.set(ck::CKA_EXTRACTABLE, self.kind == Kind::Imported);
        if self.kind == Kind::Imported {
            template.set(ck::CKA_VALUE, self.secret().to_vec());
            return session.token.make(Some(session.ticket), Making::Create, &template);
        }
        template.set(ck::CKA_VALUE_LEN, 32u64);
        let generation = mechanism(ck::CKM_GENERIC_SECRET_KEY_GEN)?;
        session.token.make(Some(session.ticket), Making::Generate(&generation), &template)
    }

    /// Writes a value.
    pub fn set(&self, session: &Session<'_>, version: Version) -> Outcome {
        let changes = [(self.written_to(), version.to_be_bytes().to_vec())].into_iter().collect();
        self.with_id(|object| {
            session.token.set(Some(session.ticket), object, &changes).map(|_| Outcome::Done)
        })
    }

    /// Destroys it.
    pub fn destroy(&self, session: &Session<'_>) -> Outcome {
        self.with_id(|object| session.token.destroy(Some(session.ticket), object).map(|()| Outcome::Done))
    }

    /// Reads the value.
    pub fn read(&self, session: &Session<'_>) -> Outcome {
        self.with_id(|object| {
            let info = session.token.info_of(Some(session.ticket), object)?;
            Ok(self.seen_in(&info.attributes))
        })
    }

    /// Searches it by its label.
    pub fn find(&self, session: &Session<'_>) -> Outcome {
        let template = [(ck::CKA_LABEL, self.label())].into_iter().collect();
        let found = match session.token.find(Some(session.ticket), &template) {
            Ok(found) => found,
            Err(error) => return missed(error),
        };
        let Some(first) = found.first() else { return Outcome::Gone };
        let id = *self.id.lock().get_or_insert(first.id);
        if id == first.id {
            return Outcome::There(found.len());
        }
        Outcome::Spoilt(format!("it was {} and is {}", id.to_hex(), first.id.to_hex()))
    }

    /// Uses the key, and reads it if that is allowed; searches what is no key.
    pub fn employ(&self, session: &Session<'_>) -> Outcome {
        match self.kind {
            Kind::Data => self.find(session),
            Kind::Generated => self.with_id(|key| self.sign(session, key)),
            Kind::Imported => self.with_id(|key| match self.sign(session, key)? {
                Outcome::There(_) => self.reveal(session, key),
                other => Ok(other),
            }),
        }
    }

    fn sign(&self, session: &Session<'_>, key: &ObjectRef) -> Result<Outcome> {
        let hmac = mechanism(ck::CKM_SHA256_HMAC)?;
        let begun = session.token.begin(Some(session.ticket), Purpose::Sign, &hmac, key)?;
        let Begun::Ready(Operation::Signer(mut signer), _) = begun else {
            return Ok(Outcome::Spoilt("it does not sign".to_owned()));
        };
        signer.update(MESSAGE)?;
        let mut mac = vec![0; signer.size()];
        let length = signer.finish(&mut mac)?;
        mac.truncate(length);
        let mut first = self.mac.lock();
        let expected = first.get_or_insert_with(|| match self.kind {
            Kind::Imported => hmac_of(&self.secret()),
            _ => mac.clone(),
        });
        Ok(if *expected == mac {
            Outcome::There(1)
        } else {
            Outcome::Spoilt("its key makes another MAC".to_owned())
        })
    }

    fn reveal(&self, session: &Session<'_>, key: &ObjectRef) -> Result<Outcome> {
        let revealed = session.token.reveal(Some(session.ticket), key, &[ck::CKA_VALUE])?;
        Ok(if revealed.bytes(ck::CKA_VALUE) == Some(&self.secret()) {
            Outcome::There(1)
        } else {
            Outcome::Spoilt("its key is another".to_owned())
        })
    }

    /// What these attributes say of the object.
    pub fn seen_in(&self, attributes: &Attributes) -> Outcome {
        let version = attributes.bytes(self.written_to()).and_then(|bytes| bytes.try_into().ok());
        match version {
            Some(version) => Outcome::Value(Version::from_be_bytes(version)),
            None => Outcome::Spoilt("its value is none that was written".to_owned()),
        }
    }

    /// Whether these are attributes of this object.
    pub fn label(&self) -> Vec<u8> {
        format!("{LABEL}{}", self.number).into_bytes()
    }

    fn written_to(&self) -> u64 {
        if self.kind == Kind::Data { ck::CKA_VALUE } else { ck::CKA_ID }
    }

    /// The value of a key that the client has made.
    fn secret(&self) -> [u8; 32] {
        sha256(&self.label())
    }

    fn with_id(&self, work: impl FnOnce(&ObjectRef) -> Result<Outcome>) -> Outcome {
        let Some(id) = *self.id.lock() else { return Outcome::Unknown };
        work(&ObjectRef::Stored(id)).unwrap_or_else(missed)
    }
}

/// What an error tells of an object.
fn missed(error: Error) -> Outcome {
    match error {
        Error::ObjectHandleInvalid | Error::KeyHandleInvalid => Outcome::Gone,
        open if OPEN.contains(&open) => Outcome::Unknown,
        other => Outcome::Refused(other),
    }
}

fn mechanism(number: u64) -> Result<Mechanism> {
    let row = registry::find(number).ok_or(Error::MechanismInvalid)?;
    Ok(Mechanism { row, params: Params::None })
}

/// HMAC-SHA-256 of the message, by OpenSSL alone; nothing if OpenSSL fails, which no key computes.
fn hmac_of(secret: &[u8]) -> Vec<u8> {
    let mac = || -> std::result::Result<Vec<u8>, openssl::error::ErrorStack> {
        let key = PKey::hmac(secret)?;
        Signer::new(MessageDigest::sha256(), &key)?.sign_oneshot_to_vec(MESSAGE)
    };
    mac().unwrap_or_default()
}
