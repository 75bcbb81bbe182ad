//! An object's row: its two halves sealed or authenticated, and back.

use super::codec;
use super::error::{Error, Fault, Step};
use super::keys::TokenKey;
use super::schema::Format;
use super::seal::{self, MacKey, Nonce};
use super::tags::{Scope, TAGGED, Tag, is_tagged};
use crate::attribute::Attributes;
use crate::token::ObjectId;
use cryptoki_sys as ck;
use openssl::sha::Sha256;
use serde::{Deserialize, Serialize};

/// An object as it is kept: its attributes in two halves, and whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The object's name.
    pub id: ObjectId,
    /// Raised by one at each change.
    pub version: u64,
    /// `Some`: private, owned by that user. `None`: public.
    pub owner: Option<i64>,
    /// All attributes but the secret ones.
    pub public: Attributes,
    /// The secret ones: sealed on disk always.
    pub secret: Attributes,
}

/// A row of the table `object`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Row {
    pub(super) name: Name,
    /// In the order of [`super::tags::TAGGED`].
    pub(super) tags: [Option<Tag>; 4],
    /// Sealed if the object is private, encoded and readable if it is public.
    pub(super) public: Vec<u8>,
    /// Of a public object that was written by a viewer.
    pub(super) public_mac: Option<Vec<u8>>,
    /// Sealed; absent if a public object has no secret.
    pub(super) secret: Option<Vec<u8>>,
}

/// What a seal is bound to, the halves apart.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Name {
    pub(super) id: ObjectId,
    pub(super) version: i64,
    pub(super) owner: Option<i64>,
}

impl Name {
    /// Associated data of a seal or MAC: which half, and what else it is bound to.
    fn bind(&self, key: &TokenKey, half: &[u8], more: &[u8]) -> Vec<u8> {
        let owner = self.owner.map(i64::to_le_bytes);
        seal::frame(&[
            b"cloister 1 object",
            key.serial().as_bytes(),
            &self.id.0,
            &self.version.to_le_bytes(),
            owner.as_ref().map_or(&[], |owner| &owner[..]),
            half,
            more,
        ])
    }
}

impl Record {
    /// Whether it can be written only with the token key: private objects, secrets, and a wish to be trusted.
    pub(super) fn needs_key(&self) -> bool {
        self.owner.is_some() || !self.secret.is_empty() || self.public.is_true(ck::CKA_TRUSTED)
    }

    /// The version as SQLite keeps it.
    pub(super) fn stored_version(&self) -> Step<i64> {
        i64::try_from(self.version).map_err(|_| Error::TooLarge.into())
    }
}

impl Row {
    /// Makes the row of a record: `LoginNeeded` if that takes a key and there is none. `open_key`: what a public object's tags are made with.
    pub(super) fn seal(
        record: &Record,
        key: Option<&TokenKey>,
        open_key: Option<&MacKey>,
        format: Format,
    ) -> Step<Row> {
        if key.is_none() && record.needs_key() {
            return Err(Error::LoginNeeded.into());
        }
        let name = Name { id: record.id, version: record.stored_version()?, owner: record.owner };
        let scope = match (key, record.owner, open_key) {
            (Some(key), Some(owner), _) => Scope::Private(key, owner),
            (_, _, Some(open_key)) => Scope::Public(open_key),
            _ => return Err(Fault::Damaged("a public object, and no key for its tags".to_owned())),
        };
        let tags = scope.tags(&record.public)?;
        let encoded = codec::encode(&record.public, format)?;
        let Some(key) = key else {
            return Ok(Row { name, tags, public: encoded.to_vec(), public_mac: None, secret: None });
        };
        let private = record.owner.is_some();
        let has_secret = private || !record.secret.is_empty();
        let [one, two] = Nonce::two()?;
        let (public, public_mac) = if private {
            (seal::seal_with(key.records(), one, &name.bind(key, b"public", &[]), &encoded)?, None)
        } else {
            let bound = name.bind(key, b"readable", &[u8::from(has_secret)]);
            (encoded.to_vec(), Some(seal::mac(key.public(), &[&bound, &encoded])?.to_vec()))
        };
        // The secret half is bound to the very bytes of the other: no policy can be changed around a secret.
        let bound = name.bind(key, b"secret", &sha256(&public));
        let secret = codec::encode(&record.secret, format)?;
        let secret = has_secret.then(|| seal::seal_with(key.records(), two, &bound, &secret)).transpose()?;
        Ok(Row { name, tags, public, public_mac, secret })
    }

    /// Opens both halves; without a key the secret one stays empty. Only a public object can be opened without a key.
    pub(super) fn open(&self, key: Option<&TokenKey>) -> Step<Record> {
        let public = self.open_public(key)?;
        let secret = match (key, &self.secret) {
            (Some(key), Some(sealed)) => {
                let bound = self.name.bind(key, b"secret", &sha256(&self.public));
                let encoded = seal::open(key.records(), &bound, sealed)
                    .ok_or_else(|| self.damaged("the seal of its secret half is broken"))?;
                codec::decode(&encoded).ok_or_else(|| self.damaged("its secret half is not readable"))?
            }
            (Some(_), None) if self.name.owner.is_some() => {
                return Err(self.damaged("its secret half is missing"));
            }
            _ => Attributes::new(),
        };
        let version =
            u64::try_from(self.name.version).map_err(|_| self.damaged("its version is negative"))?;
        Ok(Record { id: self.name.id, version, owner: self.name.owner, public, secret })
    }

    /// Opens the half that is no secret.
    pub(super) fn open_public(&self, key: Option<&TokenKey>) -> Step<Attributes> {
        let unreadable = || self.damaged("its public half is not readable");
        if self.name.owner.is_some() {
            let key = key.ok_or(Error::LoginNeeded)?;
            let encoded = seal::open(key.records(), &self.name.bind(key, b"public", &[]), &self.public)
                .ok_or_else(|| self.damaged("the seal of its public half is broken"))?;
            return codec::decode(&encoded).ok_or_else(unreadable);
        }
        let attributes = codec::decode(&self.public).ok_or_else(unreadable)?;
        match (key, &self.public_mac) {
            (Some(key), Some(stored)) => {
                let bound = self.name.bind(key, b"readable", &[u8::from(self.secret.is_some())]);
                if !seal::same(&seal::mac(key.public(), &[&bound, &self.public])?, stored) {
                    return Err(self.damaged("it was changed by something that is not Cloister"));
                }
            }
            (_, None) if self.secret.is_some() || attributes.is_true(ck::CKA_TRUSTED) => {
                return Err(self.damaged("it is not authentic, but has a secret or says it is trusted"));
            }
            _ => {}
        }
        Ok(attributes)
    }

    /// Whether it was written with the token key and is in the roster: what [`Record::needs_key`] says of its record.
    pub(super) fn is_on_roster(&self) -> bool {
        let is_trusted = || codec::decode(&self.public).is_some_and(|public| public.is_true(ck::CKA_TRUSTED));
        self.name.owner.is_some() || self.secret.is_some() || is_trusted()
    }

    /// Bytes of both halves as they are stored.
    pub(super) fn size(&self) -> usize {
        self.public.len().saturating_add(self.secret.as_ref().map_or(0, Vec::len))
    }

    /// Whether somebody who has the token key, or has not, may know of it.
    pub(super) fn is_visible(&self, with_key: bool) -> bool {
        with_key || self.name.owner.is_none()
    }

    /// Whether its tags are those of its attributes, now that these are known. An empty id or label has none; earlier versions gave it one, which no
    /// search asks for.
    pub(super) fn has_its_tags(
        &self,
        key: Option<&TokenKey>,
        open_key: &MacKey,
        public: &Attributes,
    ) -> Step<bool> {
        let scope = match (key, self.name.owner) {
            (Some(key), Some(owner)) => Scope::Private(key, owner),
            _ => Scope::Public(open_key),
        };
        for (tag, (kind, _)) in self.tags.iter().zip(TAGGED) {
            let value = public.get(kind);
            let may_lack = tag.is_none() && value.is_none_or(|value| !is_tagged(kind, value));
            if !may_lack && *tag != value.map(|value| scope.tag(kind, value)).transpose()? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn damaged(&self, why: &str) -> Fault {
        Fault::Damaged(format!("object {}: {why}", self.name.id.to_hex()))
    }
}

/// SHA-256, without asking OpenSSL by name for what that is.
fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut digest = Sha256::new();
    digest.update(bytes);
    digest.finish()
}
