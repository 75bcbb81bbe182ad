//! `cloister node`.

use super::cluster::Data;
use crate::error::Result;
use crate::node_log::{self, Level};
use crate::render::Answer;
use clap::{Args, Subcommand};
use cloister_node::folder::Folder;
use cloister_node::node;
use serde_json::json;

#[derive(Subcommand, Debug)]
pub enum Verb {
    /// Run a node until it is told to end (SIGTERM, or Ctrl-C)
    #[command(after_help = "Example:\n  cloister node run --data /var/lib/cloister/n1 --log info")]
    Run(Run),
}

#[derive(Args, Debug)]
pub struct Run {
    #[command(flatten)]
    data: Data,
    /// What to log on standard error, one line an event
    #[arg(long, value_enum, env = cloister::logging::LEVEL_VARIABLE, default_value_t = Level::Info, ignore_case = true)]
    log: Level,
}

impl Verb {
    /// Starts the log, before anything else does.
    pub fn start_log(&self) {
        match self {
            Verb::Run(run) => node_log::start(run.log),
        }
    }

    pub fn run(&self) -> Result<Answer> {
        match self {
            Verb::Run(run) => run.run(),
        }
    }
}

impl Run {
    fn run(&self) -> Result<Answer> {
        cloister::crypto::start();
        let folder = Folder::open(&self.data.folder)?;
        let name = folder.settings().name.clone();
        node::run(folder)?;
        Answer::text(format!("Node {name} has ended."), json!({ "name": name, "ended": true }))
    }
}
