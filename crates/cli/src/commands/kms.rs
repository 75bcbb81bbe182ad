//! `cloister kms`.

use std::path::PathBuf;

use clap::Args;
use cloister_kms::run;
use cloister_kms::settings::Settings;
use serde_json::json;

use crate::error::{Error, Result};
use crate::node_log::{self, Level};
use crate::render::Answer;

/// Serve the AWS KMS API over an HSM, until told to end (SIGTERM, or Ctrl-C).
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  cloister kms --config /etc/cloister/kms.toml")]
pub struct Kms {
    /// The front's settings
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// What to log on standard error, one line an event
    #[arg(long, value_enum, env = cloister::logging::LEVEL_VARIABLE, default_value_t = Level::Info, ignore_case = true)]
    log: Level,
}

impl Kms {
    /// Starts the log, before anything else does.
    pub fn start_log(&self) {
        node_log::start(self.log);
    }

    pub fn run(&self) -> Result<Answer> {
        let settings = Settings::load(&self.config).map_err(Error::input)?;
        run::run(settings).map_err(|e| Error::Failed(e.to_string()))?;
        Answer::text("The front has ended.".to_owned(), json!({ "ended": true }))
    }
}
