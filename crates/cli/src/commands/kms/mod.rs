//! `cloister kms`.

mod credential;
mod demo;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use cloister_kms::run;
use cloister_kms::settings::Settings;
use serde_json::json;

use crate::error::{Error, Result};
use crate::node_log::{self, Level};
use crate::render::Answer;

/// Serve the AWS KMS API over an HSM, until told to end (SIGTERM, or Ctrl-C).
#[derive(Args, Debug)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:\n  cloister kms --demo                          try it: nothing to configure, nothing stays\n  cloister kms --config /etc/cloister/kms.toml"
)]
pub struct Kms {
    #[command(subcommand)]
    verb: Option<Verb>,
    /// The front's settings
    #[arg(long, value_name = "FILE", required_unless_present = "demo")]
    config: Option<PathBuf>,
    /// Serve a token in a temporary folder to everybody on this machine, and tell what to try
    #[arg(long, conflicts_with = "config")]
    demo: bool,
    /// With --demo: where to listen
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:8700", requires = "demo")]
    listen: String,
    /// What to log on standard error, one line an event
    #[arg(long, value_enum, env = cloister::logging::LEVEL_VARIABLE, default_value_t = Level::Info, ignore_case = true)]
    log: Level,
}

#[derive(Subcommand, Debug)]
enum Verb {
    /// Who may sign requests to a front
    #[command(subcommand)]
    Credential(credential::Verb),
}

impl Kms {
    /// Starts the log, before anything else does.
    pub fn start_log(&self) {
        node_log::start(self.log);
    }

    pub fn run(&self) -> Result<Answer> {
        match (&self.verb, &self.config) {
            (Some(Verb::Credential(verb)), _) => verb.run(),
            (None, Some(config)) => {
                run::run(Settings::load(config).map_err(Error::input)?).map_err(refused)?;
                Answer::text("The front has ended.".to_owned(), json!({ "ended": true }))
            }
            (None, None) => demo::run(&self.listen),
        }
    }
}

/// What keeps a front from running, as the command line tells it.
pub(super) fn refused(error: run::RunError) -> Error {
    match error {
        run::RunError::Settings(text) => Error::Input(text),
        other => Error::Failed(other.to_string()),
    }
}
