//! `cloister slot`.

mod add;

use crate::error::Result;
use crate::names;
use crate::render::Answer;
use crate::slots::{self, Described};
use clap::Subcommand;
use cloister::token::{PinState, TokenInfo};
use serde_json::{Value, json};

#[derive(Subcommand, Debug)]
pub enum Verb {
    /// List all slots and the tokens in them
    #[command(after_help = "Example:\n  cloister slot list")]
    List,
    /// Add a slot whose token is on the nodes of a cluster
    #[command(after_help = add::EXAMPLE)]
    Add(add::Add),
}

impl Verb {
    pub fn run(&self) -> Result<Answer> {
        match self {
            Verb::List => list(),
            Verb::Add(add) => add.run(),
        }
    }
}

const COLUMNS: &[&str] = &["SLOT", "TOKEN", "SERIAL", "STATE", "DESCRIPTION"];

fn list() -> Result<Answer> {
    let library = slots::library()?;
    let slots = slots::all(&library)?;
    let rows: Vec<Vec<String>> = slots.iter().map(row).collect();
    let json: Vec<Value> = slots.iter().map(facts).collect();
    Answer::table(COLUMNS, &rows, "No slots: the configuration lists none.", json)
}

fn row(Described { slot, token }: &Described) -> Vec<String> {
    let (label, serial, state) = match token {
        Ok(token) => (token.label.clone(), token.serial.clone(), state(token)),
        Err(error) => (String::new(), String::new(), format!("unreadable ({})", error.name())),
    };
    vec![slot.id().to_string(), label, serial, state, slot.info().description]
}

/// The most important thing to know of a token.
fn state(token: &TokenInfo) -> String {
    let locked = |pin: PinState| pin == PinState::Locked;
    let text = match token {
        TokenInfo { initialized: false, .. } => "free",
        TokenInfo { officer_pin, .. } if locked(*officer_pin) => "officer locked",
        TokenInfo { user_pin_initialized: false, .. } => "no user yet",
        TokenInfo { user_pin, .. } if locked(*user_pin) => "user locked",
        TokenInfo { write_protected: true, .. } => "read-only",
        _ => "ready",
    };
    text.to_owned()
}

fn facts(Described { slot, token }: &Described) -> Value {
    let mut facts = json!({ "slot": slot.id(), "description": slot.info().description });
    let more = match token {
        Ok(token) => json!({
            "initialized": token.initialized,
            "label": token.label,
            "serial": token.serial,
            "user_pin_initialized": token.user_pin_initialized,
            "user_pin": names::pin_state(token.user_pin),
            "officer_pin": names::pin_state(token.officer_pin),
            "write_protected": token.write_protected,
        }),
        Err(error) => json!({ "error": error.name() }),
    };
    if let (Value::Object(facts), Value::Object(more)) = (&mut facts, more) {
        facts.extend(more);
    }
    facts
}
