//! `cloister xks-proxy`.

use std::path::PathBuf;

use clap::Args;
use cloister_kms::xks::proxy;
use serde_json::json;

use crate::error::{Error, Result};
use crate::node_log::{self, Level};
use crate::render::Answer;

/// Serve the XKS proxy API, so that AWS KMS uses keys of this HSM, until told to end (SIGTERM, or Ctrl-C).
///
/// The requests' log goes to the file that the settings name, or to standard output.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  cloister xks-proxy --config /etc/cloister/xks.toml")]
pub struct XksProxy {
    /// The proxy's settings: docs/xks.md explains them
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// What to log on standard error beside the requests, one line an event
    #[arg(long, value_enum, env = cloister::logging::LEVEL_VARIABLE, default_value_t = Level::Info, ignore_case = true)]
    log: Level,
}

impl XksProxy {
    /// Starts the log, before anything else does.
    pub fn start_log(&self) {
        node_log::start(self.log);
    }

    pub fn run(&self) -> Result<Answer> {
        let settings =
            proxy::Settings::read(&self.config).map_err(|wrong| Error::input(wrong.to_string()))?;
        proxy::run(&settings).map_err(super::kms::refused)?;
        Answer::text("The proxy has ended.".to_owned(), json!({ "ended": true }))
    }
}
