//! Do records and keys agree? What a crash, or somebody with a PKCS#11 tool, may have left between them.

use std::collections::HashSet;
use std::fmt;

use cryptoki::object::{Attribute, AttributeType, ObjectClass};

use crate::book::label;
use crate::clock::Moment;
use crate::crypto::material;
use crate::hsm::{Token, Trouble};
use crate::keys::alias::AliasRecord;
use crate::keys::arn::KeyArn;
use crate::keys::record::KeyRecord;
use crate::service::Service;

/// Something that isn't as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Discord {
    /// A key that a call began to make, or to delete, and did not finish.
    Unfinished(KeyArn),
    /// A record names key material that the HSM doesn't have.
    NoMaterial(KeyArn, String),
    /// The HSM has a key of a KMS key's name that no record names.
    NoRecord(String, String),
    /// An alias points to a key that isn't there.
    LooseAlias(String),
    /// A record can't be read.
    Unreadable(String),
    /// An object looks like a record, and is public: no front made it.
    Foreign(String),
}

impl fmt::Display for Discord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unfinished(arn) => write!(f, "{arn} was being made or deleted when its front stopped"),
            Self::NoMaterial(arn, object) => write!(f, "{arn}: the HSM has no key with CKA_ID {object}"),
            Self::NoRecord(label, object) => {
                write!(f, "the HSM has a key called {label} with CKA_ID {object} that no record names")
            }
            Self::LooseAlias(name) => write!(f, "{name} points to a key that isn't there"),
            Self::Unreadable(name) => write!(f, "the record {name} can't be read"),
            Self::Foreign(name) => {
                write!(f, "a public object calls itself {name}: somebody without a PIN has put it there")
            }
        }
    }
}

impl Discord {
    /// What to do about it.
    pub fn advice(&self) -> &'static str {
        match self {
            Self::Unfinished(_) => {
                "start a front on this token: it undoes, after a minute, what wasn't finished"
            }
            Self::NoMaterial(..) => {
                "the key was removed in the HSM: restore the token from a backup, or schedule the deletion of the KMS key"
            }
            Self::NoRecord(..) => {
                "no front can use it: if nobody else needs it, delete it with cloister key delete or pkcs11-tool"
            }
            Self::LooseAlias(_) => "delete the alias, or point it to another key",
            Self::Foreign(_) => "no front believes it: find out who may use the token, and delete it",
            Self::Unreadable(_) => {
                "it was written by a newer version, or changed by hand: use that version, or restore a backup"
            }
        }
    }
}

/// What was looked at, and what was found.
#[derive(Debug, Default)]
pub struct Checkup {
    /// KMS keys looked at.
    pub keys: usize,
    /// What isn't as it should be.
    pub discords: Vec<Discord>,
}

/// Looks at all keys of all accounts and Regions, and at all aliases.
///
/// # Errors
///
/// What the HSM says when it can't be asked.
pub fn check(service: &Service) -> Result<Checkup, Trouble> {
    let mut checkup = Checkup::default();
    let named = check_keys(service, &mut checkup)?;
    check_token(&service.token, &named, &mut checkup)?;
    check_aliases(service, &mut checkup)?;
    check_foreign(&service.token, &mut checkup)?;
    Ok(checkup)
}

/// Each record's material is in its HSM. Gives all object ids that records name.
fn check_keys(service: &Service, checkup: &mut Checkup) -> Result<HashSet<String>, Trouble> {
    let mut named = HashSet::new();
    for name in service.book.names(label::KEYS, None, usize::MAX)? {
        let record = match service.book.read::<KeyRecord>(&name) {
            Ok(Some(kept)) => kept.value,
            Ok(None) => continue,
            Err(Trouble::Other(_)) => {
                checkup.discords.push(Discord::Unreadable(name));
                continue;
            }
            Err(trouble) => return Err(trouble),
        };
        checkup.keys += 1;
        named.extend(record.materials.iter().filter_map(|material| material.object.clone()));
        named.extend(record.loose.iter().cloned());
        match record.draft {
            Some(_) => checkup.discords.push(Discord::Unfinished(record.arn())),
            None => check_materials(service, &record, checkup)?,
        }
    }
    Ok(named)
}

fn check_materials(service: &Service, record: &KeyRecord, checkup: &mut Checkup) -> Result<(), Trouble> {
    // Keys of custom key stores are looked at where their store is connected.
    let token = match service.token_of(record) {
        Ok(Some(token)) => token,
        // What can't be looked at isn't judged.
        Ok(None) => return Ok(()),
        Err(_) if record.store.is_some() => return Ok(()),
        Err(trouble) => return Err(trouble),
    };
    let expired = |at: Moment| at <= service.clock.now();
    for material in &record.materials {
        let gone = material.import.as_ref().and_then(|import| import.expires).is_some_and(expired);
        if let Some(object) = material.object.as_deref().filter(|_| !gone)
            && material::find(&token, object)?.is_none()
        {
            checkup.discords.push(Discord::NoMaterial(record.arn(), object.to_owned()));
        }
    }
    Ok(())
}

/// Each key in the HSM that carries a KMS key's name is one that a record names.
fn check_token(token: &Token, named: &HashSet<String>, checkup: &mut Checkup) -> Result<(), Trouble> {
    for class in [ObjectClass::SECRET_KEY, ObjectClass::PRIVATE_KEY] {
        for object in token.find(&[Attribute::Class(class), Attribute::Token(true)])? {
            let attributes = match token
                .with(|session| session.get_attributes(object, &[AttributeType::Label, AttributeType::Id]))
            {
                Ok(attributes) => attributes,
                Err(Trouble::NoObject) => continue,
                Err(trouble) => return Err(trouble),
            };
            let (mut label, mut id) = (String::new(), String::new());
            for attribute in attributes {
                match attribute {
                    Attribute::Label(bytes) => label = String::from_utf8_lossy(&bytes).into_owned(),
                    Attribute::Id(bytes) => id = hex::encode(bytes),
                    _ => {}
                }
            }
            if label.starts_with("arn:aws:kms:") && !named.contains(&id) {
                checkup.discords.push(Discord::NoRecord(label, id));
            }
        }
    }
    Ok(())
}

fn check_aliases(service: &Service, checkup: &mut Checkup) -> Result<(), Trouble> {
    for name in service.book.names(label::ALIASES, None, usize::MAX)? {
        let Some(alias) = service.book.read::<AliasRecord>(&name)? else { continue };
        let place = name
            .strip_prefix(label::ALIASES)
            .and_then(|rest| rest.strip_suffix(&alias.value.name))
            .unwrap_or_default();
        let key = format!("{}{place}{}", label::KEYS, alias.value.target);
        if service.book.read::<KeyRecord>(&key)?.is_none() {
            checkup.discords.push(Discord::LooseAlias(name));
        }
    }
    Ok(())
}

/// What looks like a record and isn't private is nobody's of us.
fn check_foreign(token: &Token, checkup: &mut Checkup) -> Result<(), Trouble> {
    let application = label::APPLICATION.as_bytes().to_vec();
    for object in token.find_any(&[Attribute::Application(application), Attribute::Private(false)])? {
        let attributes = token.with(|session| session.get_attributes(object, &[AttributeType::Label]))?;
        let labels = attributes.into_iter().filter_map(|attribute| match attribute {
            Attribute::Label(bytes) => Some(String::from_utf8_lossy(&bytes).into_owned()),
            _ => None,
        });
        checkup.discords.extend(labels.map(Discord::Foreign));
    }
    Ok(())
}
