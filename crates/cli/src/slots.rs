//! Which slot is meant, and who is logged in to its token.

use crate::error::{Error, Result, Trying};
use crate::pin::{OfficerPin, UserPin, described};
use crate::render::printable;
use clap::Args;
use cloister::config::Config;
use cloister::pin::{Credentials, Role};
use cloister::session::{Library, Slot};
use cloister::token::{Caller, Ticket, Token, TokenInfo};
use std::sync::Arc;

/// The slot a command works on.
#[derive(Args, Debug, Default)]
pub struct SlotChoice {
    /// The slot with this number
    #[arg(long, value_name = "ID", conflicts_with = "label")]
    pub slot: Option<u64>,
    /// The slot whose token has this label [default: the only initialised token]
    #[arg(long, value_name = "LABEL")]
    pub label: Option<String>,
}

/// The library on this machine's configuration.
pub fn library() -> Result<Library> {
    Library::new(Config::load()?).trying(|| "open the slots".to_owned())
}

/// A slot with what its token says of itself.
pub struct Described {
    /// The slot.
    pub slot: Arc<Slot>,
    /// Its token, or why it can't be read.
    pub token: cloister::error::Result<TokenInfo>,
}

/// All slots in ascending order of id.
pub fn all(library: &Library) -> Result<Vec<Described>> {
    let describe = |id| {
        let slot = library.slot(id).trying(|| format!("look at slot {id}"))?;
        let token = slot.token().info();
        Ok(Described { slot, token })
    };
    library.slots(true).into_iter().map(describe).collect()
}

impl SlotChoice {
    /// Whether this slot may be the one meant.
    pub fn means(&self, described: &Described) -> bool {
        let label = |wanted: &String| described.token.as_ref().is_ok_and(|token| token.label == *wanted);
        self.slot.is_none_or(|id| described.slot.id() == id) && self.label.as_ref().is_none_or(label)
    }

    /// The slot meant, with an initialised token in it.
    pub fn open(&self, library: &Library) -> Result<Arc<Slot>> {
        if let Some(id) = self.slot {
            let slot = library.slot(id).trying(|| format!("use slot {id}"))?;
            let info = slot.token().info().trying(|| format!("read the token in slot {id}"))?;
            return match info.initialized {
                true => Ok(slot),
                false => Err(Error::input(format!(
                    "slot {id} holds no token yet: `cloister token init LABEL --slot {id}` makes one"
                ))),
            };
        }
        let mut found = Vec::new();
        let mut unreadable = Ok(());
        for described in all(library)? {
            let meant = self.means(&described);
            let Described { slot, token } = described;
            match token {
                Ok(token) if meant && token.initialized => found.push((slot, token.label)),
                Ok(_) => {}
                Err(code) => {
                    unreadable = Err(code).trying(|| format!("read the token in slot {}", slot.id()))
                }
            }
        }
        // A damaged token keeps nobody from a sound one, but explains why there is none.
        if found.is_empty() { unreadable.and_then(|()| self.only(found)) } else { self.only(found) }
    }

    fn only(&self, mut found: Vec<(Arc<Slot>, String)>) -> Result<Arc<Slot>> {
        if found.len() > 1 {
            let choices: Vec<String> = found
                .iter()
                .map(|(slot, label)| format!("--slot {} (\"{}\")", slot.id(), printable(label)))
                .collect();
            return Err(Error::input(format!(
                "more than one token is meant: choose {}",
                choices.join(" or ")
            )));
        }
        found.pop().map(|(slot, _)| slot).ok_or_else(|| match &self.label {
            Some(label) => Error::input(format!(
                "no token has the label \"{}\": `cloister slot list` shows them",
                printable(label)
            )),
            None => Error::input("there is no token yet: `cloister token init LABEL` makes one"),
        })
    }
}

/// A login to a token, which ends with it.
pub struct Login<'a> {
    token: &'a dyn Token,
    ticket: Option<Arc<dyn Ticket>>,
}

impl<'a> Login<'a> {
    /// Logs an officer in.
    pub fn officer(slot: &'a Slot, pin: &OfficerPin) -> Result<Login<'a>> {
        Login::new(slot, Role::Officer, &pin.credentials()?)
    }

    /// Logs a crypto user in.
    pub fn user(slot: &'a Slot, pin: &UserPin) -> Result<Login<'a>> {
        Login::new(slot, Role::User, &pin.credentials()?)
    }

    /// Nobody: only public objects are seen.
    pub fn nobody(slot: &'a Slot) -> Login<'a> {
        Login { token: slot.token(), ticket: None }
    }

    fn new(slot: &'a Slot, role: Role, credentials: &Credentials) -> Result<Login<'a>> {
        let token = slot.token();
        let ticket = token
            .login(role, credentials)
            .trying(|| format!("log in to slot {} as {}", slot.id(), described(role, &credentials.name)))?;
        Ok(Login { token, ticket: Some(ticket) })
    }

    /// The token.
    pub fn token(&self) -> &'a dyn Token {
        self.token
    }

    /// Whoever is logged in, as the token's methods want it.
    pub fn caller(&self) -> Caller<'_> {
        self.ticket.as_ref()
    }

    /// The name of whoever is logged in.
    pub fn name(&self) -> Option<&str> {
        self.ticket.as_ref().map(|ticket| ticket.user())
    }
}

impl Drop for Login<'_> {
    fn drop(&mut self) {
        if let Some(ticket) = &self.ticket {
            self.token.logout(ticket);
        }
    }
}
