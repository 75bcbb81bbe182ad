//! `cloister key`.

use crate::error::{Error, Result, Trying};
use crate::names;
use crate::pin::UserPin;
use crate::render::{Answer, printable, table};
use crate::show;
use crate::slots::{self, Login, SlotChoice};
use clap::{Args, Subcommand};
use cloister::attribute::{Attributes, Value};
use cloister::session::Slot;
use cloister::token::{ObjectInfo, ObjectRef};
use cryptoki_sys as ck;
use serde_json::{Value as Json, json};
use std::sync::Arc;

#[derive(Subcommand, Debug)]
pub enum Verb {
    /// List the keys that a user sees
    #[command(
        after_help = "Examples:\n  cloister key list --label payments --user alice\n  cloister key list --public"
    )]
    List(List),
    /// Show everything about a key that is no secret
    #[command(after_help = "Examples:\n  cloister key show tls\n  cloister key show --id 0a01")]
    Show(Show),
}

impl Verb {
    pub fn run(&self) -> Result<Answer> {
        match self {
            Verb::List(verb) => verb.run(),
            Verb::Show(verb) => verb.run(),
        }
    }
}

/// Who looks, and where.
#[derive(Args, Debug)]
struct View {
    #[command(flatten)]
    slot: SlotChoice,
    #[command(flatten)]
    user: UserPin,
    /// Without a login: only what everybody may see
    #[arg(long, conflicts_with_all = ["user", "pin_file"])]
    public: bool,
}

impl View {
    fn login<'a>(&self, slot: &'a Slot) -> Result<Login<'a>> {
        if self.public { Ok(Login::nobody(slot)) } else { Login::user(slot, &self.user) }
    }
}

/// The classes that are keys, in the order in which they are listed.
const KEYS: &[u64] = &[ck::CKO_PUBLIC_KEY, ck::CKO_PRIVATE_KEY, ck::CKO_SECRET_KEY];

/// The keys that match `wanted`, by label.
fn find(login: &Login<'_>, wanted: &Attributes) -> Result<Vec<Arc<ObjectInfo>>> {
    let tried = || "look for keys".to_owned();
    let mut found = Vec::new();
    for class in KEYS {
        let mut template = wanted.clone();
        template.set(ck::CKA_CLASS, *class);
        for found_key in login.token().find(login.caller(), &template).trying(tried)? {
            match login.token().info_of(login.caller(), &ObjectRef::Stored(found_key.id)) {
                // Deleted by another process since it was found.
                Err(cloister::error::Error::ObjectHandleInvalid) => {}
                info => found.push(info.trying(tried)?),
            }
        }
    }
    found.sort_by_cached_key(|info| (show::label(&info.attributes), info.id));
    Ok(found)
}

#[derive(Args, Debug)]
pub struct List {
    #[command(flatten)]
    view: View,
}

const COLUMNS: &[&str] = &["LABEL", "ID", "CLASS", "TYPE", "SIZE", "USAGE", "SECRECY", "OWNER"];

impl List {
    fn run(&self) -> Result<Answer> {
        let library = slots::library()?;
        let slot = self.view.slot.open(&library)?;
        let login = self.view.login(&slot)?;
        let found = find(&login, &Attributes::new())?;
        let keys: Vec<Facts> = found.iter().map(|info| Facts::new(&info.attributes, login.name())).collect();
        let rows: Vec<Vec<String>> = keys.iter().map(Facts::row).collect();
        let json: Vec<Json> = keys.iter().map(Facts::json).collect();
        let none = if self.view.public { "No public keys." } else { "No keys." };
        Answer::table(COLUMNS, &rows, none, json)
    }
}

/// What a list says of a key.
struct Facts<'a> {
    attributes: &'a Attributes,
    /// Who owns it, where that is known: a user sees no private objects but its own.
    owner: Option<&'a str>,
}

impl<'a> Facts<'a> {
    fn new(attributes: &'a Attributes, viewer: Option<&'a str>) -> Facts<'a> {
        Facts { attributes, owner: viewer.filter(|_| attributes.is_true(ck::CKA_PRIVATE)) }
    }

    fn class(&self) -> String {
        names::word(names::CLASSES, self.attributes.ulong(ck::CKA_CLASS).unwrap_or(u64::MAX))
    }

    fn key_type(&self) -> String {
        names::word(names::KEY_TYPES, self.attributes.ulong(ck::CKA_KEY_TYPE).unwrap_or(u64::MAX))
    }

    fn usages(&self) -> Vec<&'static str> {
        let allowed = |(kind, _): &&(u64, &str)| self.attributes.is_true(*kind);
        names::USAGES.iter().filter(allowed).map(|(_, word)| *word).collect()
    }

    /// What keeps the key in, in a few letters.
    fn secrecy(&self) -> &'static str {
        let sensitive = self.attributes.bool(ck::CKA_SENSITIVE);
        match (sensitive, self.attributes.bool(ck::CKA_EXTRACTABLE)) {
            (None, None) => "",
            (_, Some(false)) => "never leaves",
            (Some(true), _) => "leaves wrapped",
            _ => "readable",
        }
    }

    fn row(&self) -> Vec<String> {
        vec![
            show::label(self.attributes),
            show::id(self.attributes),
            self.class(),
            self.key_type(),
            show::size(self.attributes).unwrap_or_default(),
            self.usages().join(","),
            self.secrecy().to_owned(),
            self.owner.unwrap_or_default().to_owned(),
        ]
    }

    fn json(&self) -> Json {
        json!({
            "label": show::label(self.attributes),
            "id": show::id(self.attributes),
            "class": self.class(),
            "type": self.key_type(),
            "size": show::size(self.attributes),
            "usage": self.usages(),
            "sensitive": self.attributes.bool(ck::CKA_SENSITIVE),
            "extractable": self.attributes.bool(ck::CKA_EXTRACTABLE),
            "private": self.attributes.is_true(ck::CKA_PRIVATE),
            "token": self.attributes.is_true(ck::CKA_TOKEN),
            "owner": self.owner,
        })
    }
}

#[derive(Args, Debug)]
pub struct Show {
    /// The key's label; a key pair has two keys of one label
    #[arg(value_name = "KEY", required_unless_present = "id")]
    key: Option<String>,
    /// The key's CKA_ID, in hexadecimal
    #[arg(long, value_name = "HEX", value_parser = hex_bytes)]
    id: Option<Hex>,
    #[command(flatten)]
    view: View,
}

/// Bytes given in hexadecimal.
#[derive(Clone, Debug)]
struct Hex(Vec<u8>);

fn hex_bytes(text: &str) -> std::result::Result<Hex, String> {
    let plain: String = text.chars().filter(|character| *character != ':').collect();
    hex::decode(plain).map(Hex).map_err(|error| format!("not hexadecimal: {error}"))
}

impl Show {
    fn run(&self) -> Result<Answer> {
        let library = slots::library()?;
        let slot = self.view.slot.open(&library)?;
        let login = self.view.login(&slot)?;
        let keys = find(&login, &self.wanted())?;
        if keys.is_empty() {
            return Err(Error::input(format!(
                "no such key in slot {} for this user: `cloister key list` shows those there are",
                slot.id()
            )));
        }
        let texts: Vec<String> = keys.iter().map(|key| text(&key.attributes)).collect();
        let json: Vec<Json> = keys.iter().map(|key| show::json(&key.attributes)).collect();
        Answer::text(texts.join("\n"), json)
    }

    fn wanted(&self) -> Attributes {
        let label = self.key.as_ref().map(|label| (ck::CKA_LABEL, Value::from(label.as_bytes())));
        let id = self.id.as_ref().map(|Hex(bytes)| (ck::CKA_ID, Value::from(bytes.as_slice())));
        label.into_iter().chain(id).collect()
    }
}

fn text(attributes: &Attributes) -> String {
    let rows: Vec<Vec<String>> = attributes
        .iter()
        .map(|(kind, value)| vec![show::attribute_name(kind), printable(&show::value(kind, value))])
        .collect();
    table(&["ATTRIBUTE", "VALUE"], &rows)
}
