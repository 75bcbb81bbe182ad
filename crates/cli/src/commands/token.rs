//! `cloister token`.

use crate::error::{Error, Result, Trying};
use crate::pin::{NewPin, OfficerPin, described};
use crate::render::{Answer, printable};
use crate::slots;
use clap::{Args, Subcommand};
use cloister::pin::Role;
use cloister::session::{Library, Slot};
use serde_json::json;
use std::sync::Arc;

#[derive(Subcommand, Debug)]
pub enum Verb {
    /// Make a token in a free slot, with its first crypto officer
    #[command(after_help = INIT_EXAMPLE)]
    Init(Init),
}

const INIT_EXAMPLE: &str = "\
Examples:
  cloister token init payments --with-user
  CLOISTER_SO_PIN=... CLOISTER_PIN=... cloister token init payments --with-user --slot 3";

/// Bytes of `label` in `CK_TOKEN_INFO`.
const LABEL_BYTES: usize = 32;

#[derive(Args, Debug)]
pub struct Init {
    /// The token's label, at most 32 bytes
    #[arg(value_parser = token_label)]
    label: String,
    /// The slot to make it in [default: the first free one]
    #[arg(long, value_name = "ID")]
    slot: Option<u64>,
    /// Make it anew where a token is already: ALL ITS KEYS AND USERS ARE LOST
    #[arg(long, requires = "slot")]
    erase: bool,
    /// Make the token's default crypto user too, with the PIN from --new-pin-file, CLOISTER_PIN or a prompt
    #[arg(long)]
    with_user: bool,
    #[command(flatten)]
    officer: OfficerPin,
    #[command(flatten)]
    user: NewPin,
}

impl Verb {
    pub fn run(&self) -> Result<Answer> {
        match self {
            Verb::Init(init) => init.run(),
        }
    }
}

impl Init {
    fn run(&self) -> Result<Answer> {
        let library = slots::library()?;
        let slot = self.free_slot(&library)?;
        let token = slot.token();
        let known = token.info().trying(|| format!("read the token in slot {}", slot.id()))?.initialized;
        let officer = if known { self.officer.credentials()? } else { self.officer.new_credentials()? };
        cloister::pin::check_new_password(&officer.password)
            .trying(|| format!("make {}", described(Role::Officer, &officer.name)))?;
        let user = self.with_user.then(|| self.user.first_user()).transpose()?;
        if let Some(user) = &user {
            cloister::pin::check_new_password(&user.password)
                .trying(|| format!("make {}", described(Role::User, &user.name)))?;
        }
        token.initialize(&officer, &self.label).trying(|| format!("make a token in slot {}", slot.id()))?;
        if let Some(user) = &user {
            let whose = || described(Role::User, &user.name);
            let ticket = token.login(Role::Officer, &officer).trying(|| format!("make {}", whose()))?;
            token.init_pin(Some(&ticket), user).trying(|| format!("make {}", whose()))?;
            token.logout(&ticket);
        }
        self.answer(&slot, &officer.name, user.map(|user| user.name))
    }

    fn free_slot(&self, library: &Library) -> Result<Arc<Slot>> {
        if let Some(id) = self.slot {
            let slot = library.slot(id).trying(|| format!("use slot {id}"))?;
            let token = slot.token().info().trying(|| format!("read the token in slot {id}"))?;
            if token.initialized && !self.erase {
                return Err(Error::input(format!(
                    "slot {id} holds the token \"{}\": choose another slot, or give --erase to lose all its keys",
                    printable(&token.label)
                )));
            }
            return Ok(slot);
        }
        let mut all = slots::all(library)?.into_iter();
        let free = all.find(|slot| slot.token.as_ref().is_ok_and(|token| !token.initialized));
        free.map(|found| found.slot).ok_or_else(|| {
            Error::input(
                "no slot is free: add a [[slot]] to the configuration (`cloister config show` says where it is)",
            )
        })
    }

    fn answer(&self, slot: &Slot, officer: &str, user: Option<String>) -> Result<Answer> {
        let id = slot.id();
        let info = slot.token().info().trying(|| format!("read the token in slot {id}"))?;
        let mut text =
            format!("Token \"{}\" is in slot {id}, serial {}.\n", printable(&info.label), info.serial);
        text += &format!("Its crypto officer is {officer}. ");
        text += &match &user {
            Some(user) => format!("Its crypto user is {user}."),
            None => "Next: `cloister user create NAME` makes a crypto user.".to_owned(),
        };
        Answer::text(
            text,
            json!({ "slot": id, "label": info.label, "serial": info.serial, "officer": officer, "user": user }),
        )
    }
}

/// For clap: a label that fits into a token's description.
fn token_label(text: &str) -> std::result::Result<String, String> {
    match text.len() {
        0 => Err("a label has at least one character".to_owned()),
        length if length > LABEL_BYTES => Err(format!("{length} bytes: a label has at most {LABEL_BYTES}")),
        _ if text.ends_with(' ') => Err("a label can't end with a blank".to_owned()),
        _ => Ok(text.to_owned()),
    }
}
