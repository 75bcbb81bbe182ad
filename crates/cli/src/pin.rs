//! PINs: from a file, the environment or a prompt. Never from the command line, which everybody on the machine
//! can read.

use crate::error::{Error, Result, Trying};
use clap::Args;
use cloister::pin::{Credentials, Role};
use std::io::{BufRead, IsTerminal, Read};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// A PIN's longest line: name, colon and password, with room to be told that it is too long.
const MOST_BYTES: u64 = 1024;

/// Environment variable of a crypto user's PIN.
const USER_VARIABLE: &str = "CLOISTER_PIN";
/// Environment variable of an officer's PIN.
const OFFICER_VARIABLE: &str = "CLOISTER_SO_PIN";
/// Environment variable of a PIN to be set.
const NEW_VARIABLE: &str = "CLOISTER_NEW_PIN";

/// The crypto user who logs in.
#[derive(Args, Debug)]
pub struct UserPin {
    /// Crypto user who logs in [default: the token's default user]
    #[arg(long, value_name = "NAME", value_parser = user_name)]
    user: Option<String>,
    /// Read that user's PIN from the first line of FILE, - for standard input [default: CLOISTER_PIN, or a prompt]
    #[arg(long, value_name = "FILE")]
    pin_file: Option<PathBuf>,
}

/// The crypto officer who logs in.
#[derive(Args, Debug)]
pub struct OfficerPin {
    /// Crypto officer who logs in [default: the token's default officer]
    #[arg(long, value_name = "NAME", value_parser = user_name)]
    officer: Option<String>,
    /// Read the officer's PIN from the first line of FILE, - for standard input [default: CLOISTER_SO_PIN, or a
    /// prompt]
    #[arg(long, value_name = "FILE")]
    so_pin_file: Option<PathBuf>,
}

/// A PIN to be set.
#[derive(Args, Debug)]
pub struct NewPin {
    /// Read the new PIN from the first line of FILE, - for standard input [default: CLOISTER_NEW_PIN, or a prompt]
    #[arg(long, value_name = "FILE")]
    new_pin_file: Option<PathBuf>,
}

/// The present PIN of a user of either role.
#[derive(Args, Debug)]
pub struct OwnPin {
    /// Read the present PIN from the first line of FILE, - for standard input [default: CLOISTER_PIN or
    /// CLOISTER_SO_PIN by role, or a prompt]
    #[arg(long, value_name = "FILE")]
    pin_file: Option<PathBuf>,
}

impl UserPin {
    /// Whether the command line says anything about it.
    pub fn is_given(&self) -> bool {
        self.user.is_some() || self.pin_file.is_some()
    }

    /// Name and password.
    pub fn credentials(&self) -> Result<Credentials> {
        credentials(Role::User, self.user.as_deref(), self.pin_file.as_deref())
    }
}

impl OfficerPin {
    /// Name and password.
    pub fn credentials(&self) -> Result<Credentials> {
        credentials(Role::Officer, self.officer.as_deref(), self.so_pin_file.as_deref())
    }

    /// Name and password of an officer who is to be made: a prompt asks twice.
    pub fn new_credentials(&self) -> Result<Credentials> {
        let name = self.officer.as_deref().unwrap_or(Role::Officer.default_name());
        let source = Source { file: self.so_pin_file.as_deref(), variable: OFFICER_VARIABLE, twice: true };
        source.credentials(Role::Officer, name)
    }
}

impl OwnPin {
    /// Name and password.
    pub fn credentials(&self, role: Role, name: &str) -> Result<Credentials> {
        credentials(role, Some(name), self.pin_file.as_deref())
    }
}

impl NewPin {
    /// Name and the password that user is to have.
    pub fn credentials(&self, role: Role, name: &str) -> Result<Credentials> {
        Source { file: self.new_pin_file.as_deref(), variable: NEW_VARIABLE, twice: true }
            .credentials(role, name)
    }

    /// Name and password of a crypto user who is to be made along with its token.
    pub fn first_user(&self) -> Result<Credentials> {
        Source { file: self.new_pin_file.as_deref(), variable: USER_VARIABLE, twice: true }
            .credentials(Role::User, Role::User.default_name())
    }
}

/// `name: None`: the PIN may begin with one (`name:password`), or is the default user's.
fn credentials(role: Role, name: Option<&str>, file: Option<&Path>) -> Result<Credentials> {
    let variable = match role {
        Role::User => USER_VARIABLE,
        Role::Officer => OFFICER_VARIABLE,
    };
    let source = Source { file, variable, twice: false };
    match name {
        Some(name) => source.credentials(role, name),
        None => {
            let pin = source.read(&format!("PIN of {}", described(role, role.default_name())))?;
            Ok(Credentials::from_pin(role, pin.as_bytes()))
        }
    }
}

/// For clap: a name that a user can have.
pub fn user_name(text: &str) -> std::result::Result<String, String> {
    match cloister::pin::valid_name(text.as_bytes()) {
        Some(name) => Ok(name.to_owned()),
        None => Err("a name has 1 to 31 letters, digits, or any of _ - . @".to_owned()),
    }
}

/// `crypto user alice`.
pub fn described(role: Role, name: &str) -> String {
    match role {
        Role::Officer => format!("crypto officer {name}"),
        Role::User => format!("crypto user {name}"),
    }
}

/// Where one PIN comes from.
struct Source<'a> {
    file: Option<&'a Path>,
    variable: &'static str,
    twice: bool,
}

impl Source<'_> {
    fn credentials(&self, role: Role, name: &str) -> Result<Credentials> {
        let whose = described(role, name);
        let new = if self.twice { "New PIN" } else { "PIN" };
        let pin = self.read(&format!("{new} of {whose}"))?;
        Credentials::from_parts(role, name.as_bytes(), pin.as_bytes())
            .trying(|| format!("use the name {name}"))
    }

    fn read(&self, what: &str) -> Result<Zeroizing<String>> {
        if let Some(file) = self.file {
            return first_line(file);
        }
        match std::env::var(self.variable) {
            Ok(pin) => Ok(Zeroizing::new(pin)),
            Err(std::env::VarError::NotUnicode(_)) => {
                Err(Error::input(format!("{} isn't UTF-8: a PIN is text", self.variable)))
            }
            Err(std::env::VarError::NotPresent) => self.ask(what),
        }
    }

    fn ask(&self, what: &str) -> Result<Zeroizing<String>> {
        if !std::io::stdin().is_terminal() {
            return Err(Error::input(format!(
                "{what} is needed, and there is nobody to ask: set {} or name a file (see --help)",
                self.variable
            )));
        }
        let prompt = |text: String| {
            rpassword::prompt_password(text)
                .map(Zeroizing::new)
                .map_err(|error| Error::input(format!("can't ask for the PIN: {error}")))
        };
        let pin = prompt(format!("{what}: "))?;
        if self.twice && prompt(format!("{what}, again: "))? != pin {
            return Err(Error::input("the two PINs differ: nothing was changed, try again"));
        }
        Ok(pin)
    }
}

/// The first line, without its end. Several PINs on standard input are read line by line.
fn first_line(file: &Path) -> Result<Zeroizing<String>> {
    if file == Path::new("-") {
        return line_of(&mut std::io::stdin().lock(), "standard input");
    }
    let named = file.display().to_string();
    let mut bytes = Zeroizing::new(Vec::with_capacity(MOST_BYTES as usize));
    std::fs::File::open(file)
        .and_then(|opened| opened.take(MOST_BYTES).read_to_end(&mut bytes))
        .map_err(|error| Error::input(format!("can't read a PIN from {named}: {error}")))?;
    line_of(&mut &bytes[..], &named)
}

fn line_of(reader: &mut impl BufRead, named: &str) -> Result<Zeroizing<String>> {
    let mut line = Zeroizing::new(String::with_capacity(MOST_BYTES as usize));
    reader
        .take(MOST_BYTES)
        .read_line(&mut line)
        .map_err(|error| Error::input(format!("can't read a PIN from {named}: {error}")))?;
    let length = line.trim_end_matches(['\r', '\n']).len();
    line.truncate(length);
    match length {
        0 => Err(Error::input(format!("{named} holds no PIN: it belongs into the first line"))),
        _ => Ok(line),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pins_are_read_line_by_line_without_their_ends() {
        let mut input = &b"one \r\ntwo\nthree"[..];
        let mut next = || line_of(&mut input, "test").map(|line| line.to_string());
        assert_eq!([next().unwrap(), next().unwrap(), next().unwrap()], ["one ", "two", "three"]);
        assert!(next().is_err());
    }

    #[test]
    fn names_are_checked_before_anybody_is_asked_for_a_pin() {
        assert!(user_name("alice@example.org").is_ok());
        assert!(user_name("a b").is_err());
        assert!(user_name("").is_err());
    }
}
