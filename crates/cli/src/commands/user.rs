//! `cloister user`.

use crate::error::{Error, Result, Trying};
use crate::names;
use crate::pin::{NewPin, OfficerPin, OwnPin, described, user_name};
use crate::render::Answer;
use crate::slots::{self, Login, SlotChoice};
use clap::{Args, Subcommand, ValueEnum};
use cloister::error::{Error as Hsm, Result as HsmResult};
use cloister::pin::{Role, check_new_password};
use cloister::session::Slot;
use cloister::token::UserInfo;
use serde_json::{Value, json};
use std::io::{IsTerminal, Write};

#[derive(Subcommand, Debug)]
pub enum Verb {
    /// Make a user
    #[command(after_help = "Example:\n  cloister user create alice --role cu")]
    Create(Create),
    /// List all users
    #[command(after_help = "Example:\n  cloister user list --label payments --so-pin-file so.pin")]
    List(List),
    /// Delete a user, and the private keys it owns
    #[command(after_help = "Example:\n  cloister user delete alice --yes")]
    Delete(Delete),
    /// Change one's own PIN
    #[command(
        after_help = "Examples:\n  cloister user change-password alice\n  cloister user change-password so --role co"
    )]
    ChangePassword(ChangePassword),
    /// Let a locked user try again, or give it another PIN
    #[command(after_help = "Examples:\n  cloister user unlock alice\n  cloister user unlock alice --reset")]
    Unlock(Unlock),
}

impl Verb {
    pub fn run(&self) -> Result<Answer> {
        match self {
            Verb::Create(verb) => verb.run(),
            Verb::List(verb) => verb.run(),
            Verb::Delete(verb) => verb.run(),
            Verb::ChangePassword(verb) => verb.run(),
            Verb::Unlock(verb) => verb.run(),
        }
    }
}

#[derive(ValueEnum, Clone, Copy, Debug)]
enum RoleName {
    /// Crypto officer: manages users, never uses keys
    Co,
    /// Crypto user: owns and uses keys
    Cu,
}

impl From<RoleName> for Role {
    fn from(name: RoleName) -> Role {
        match name {
            RoleName::Co => Role::Officer,
            RoleName::Cu => Role::User,
        }
    }
}

/// The user a command is about.
#[derive(Args, Debug)]
struct Who {
    /// The user's name (`user` and `so` are those of a plain PIN)
    #[arg(value_parser = user_name)]
    name: String,
    /// The user's role
    #[arg(long, value_enum, default_value = "cu")]
    role: RoleName,
}

impl Who {
    fn role(&self) -> Role {
        self.role.into()
    }

    /// `crypto user alice`.
    fn text(&self) -> String {
        described(self.role(), &self.name)
    }

    /// The answer of a token that was to do something about this user, with its words for a name that is taken or
    /// missing put into ours.
    fn after(&self, doing: &str, answer: HsmResult<()>) -> Result<()> {
        let whose = self.text();
        match answer {
            Err(Hsm::ArgumentsBad) => {
                Err(Error::input(format!("{whose} exists already: choose another name, or delete it")))
            }
            Err(Hsm::ObjectHandleInvalid) => {
                Err(Error::input(format!("there is no {whose}: `cloister user list` shows those there are")))
            }
            other => other.trying(|| format!("{doing} {whose}")),
        }
    }

    /// The answer of a command that did something about this user.
    fn answer(&self, slot: &Slot, done: &str) -> Result<Answer> {
        Answer::text(
            format!("{} {done}.", capital(&self.text())),
            json!({ "slot": slot.id(), "name": self.name, "role": self.role().short(), "done": done }),
        )
    }
}

fn capital(text: &str) -> String {
    text.chars().take(1).flat_map(char::to_uppercase).chain(text.chars().skip(1)).collect()
}

#[derive(Args, Debug)]
pub struct Create {
    #[command(flatten)]
    who: Who,
    #[command(flatten)]
    slot: SlotChoice,
    #[command(flatten)]
    officer: OfficerPin,
    #[command(flatten)]
    new: NewPin,
}

impl Create {
    fn run(&self) -> Result<Answer> {
        let library = slots::library()?;
        let slot = self.slot.open(&library)?;
        let login = Login::officer(&slot, &self.officer)?;
        let user = self.new.credentials(self.who.role(), &self.who.name)?;
        check_new_password(&user.password).trying(|| format!("make {}", self.who.text()))?;
        let made = login.token().create_user(login.caller(), self.who.role(), &user);
        self.who.after("make", made)?;
        self.who.answer(&slot, "is made")
    }
}

#[derive(Args, Debug)]
pub struct List {
    #[command(flatten)]
    slot: SlotChoice,
    #[command(flatten)]
    officer: OfficerPin,
}

impl List {
    fn run(&self) -> Result<Answer> {
        let library = slots::library()?;
        let slot = self.slot.open(&library)?;
        let login = Login::officer(&slot, &self.officer)?;
        let users = login.token().users(login.caller()).trying(|| "list the users".to_owned())?;
        let row = |user: &UserInfo| {
            vec![user.name.clone(), user.role.short().to_owned(), names::pin_state(user.pin).to_owned()]
        };
        let facts = |user: &UserInfo| json!({ "name": user.name, "role": user.role.short(), "pin": names::pin_state(user.pin) });
        let rows: Vec<Vec<String>> = users.iter().map(row).collect();
        let json: Vec<Value> = users.iter().map(facts).collect();
        Answer::table(&["NAME", "ROLE", "PIN"], &rows, "No users.", json)
    }
}

#[derive(Args, Debug)]
pub struct Delete {
    #[command(flatten)]
    who: Who,
    /// Don't ask whether that is meant
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    slot: SlotChoice,
    #[command(flatten)]
    officer: OfficerPin,
}

impl Delete {
    fn run(&self) -> Result<Answer> {
        let library = slots::library()?;
        let slot = self.slot.open(&library)?;
        self.confirm()?;
        let login = Login::officer(&slot, &self.officer)?;
        let deleted = login.token().delete_user(login.caller(), self.who.role(), &self.who.name);
        self.who.after("delete", deleted)?;
        self.who.answer(&slot, "is deleted")
    }

    fn confirm(&self) -> Result<()> {
        if self.yes {
            return Ok(());
        }
        let whose = self.who.text();
        if !std::io::stdin().is_terminal() {
            return Err(Error::input(format!("give --yes to delete {whose} with all private keys it owns")));
        }
        eprint!("Delete {whose} with all private keys it owns? Type the name to go on: ");
        let mut typed = String::new();
        let read = std::io::stderr().flush().and_then(|()| std::io::stdin().read_line(&mut typed));
        match read {
            Ok(_) if typed.trim() == self.who.name => Ok(()),
            _ => Err(Error::input("nothing was deleted")),
        }
    }
}

#[derive(Args, Debug)]
pub struct ChangePassword {
    #[command(flatten)]
    who: Who,
    #[command(flatten)]
    slot: SlotChoice,
    #[command(flatten)]
    own: OwnPin,
    #[command(flatten)]
    new: NewPin,
}

impl ChangePassword {
    fn run(&self) -> Result<Answer> {
        let library = slots::library()?;
        let slot = self.slot.open(&library)?;
        let old = self.own.credentials(self.who.role(), &self.who.name)?;
        let new = self.new.credentials(self.who.role(), &self.who.name)?;
        slot.token()
            .set_pin(self.who.role(), &old, &new.password)
            .trying(|| format!("change the PIN of {}", self.who.text()))?;
        self.who.answer(&slot, "has a new PIN")
    }
}

#[derive(Args, Debug)]
pub struct Unlock {
    #[command(flatten)]
    who: Who,
    /// Also give the crypto user a new PIN, because the old one is forgotten
    #[arg(long)]
    reset: bool,
    #[command(flatten)]
    slot: SlotChoice,
    #[command(flatten)]
    officer: OfficerPin,
    #[command(flatten)]
    new: NewPin,
}

impl Unlock {
    fn run(&self) -> Result<Answer> {
        let role = self.who.role();
        if self.reset && role == Role::Officer {
            let text = "--reset is for crypto users only: another officer deletes and makes an officer anew";
            return Err(Error::input(text));
        }
        let library = slots::library()?;
        let slot = self.slot.open(&library)?;
        let login = Login::officer(&slot, &self.officer)?;
        let (token, officer) = (login.token(), login.caller());
        // Also before a reset: it fails for a user who doesn't exist, where setting a PIN would make one.
        self.who.after("unlock", token.unlock_user(officer, role, &self.who.name))?;
        if self.reset {
            let user = self.new.credentials(role, &self.who.name)?;
            self.who.after("unlock", token.init_pin(officer, &user))?;
            return self.who.answer(&slot, "is unlocked and has a new PIN");
        }
        self.who.answer(&slot, "is unlocked")
    }
}
