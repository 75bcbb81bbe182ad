//! `cloister config`.

use crate::error::Result;
use crate::render::{Answer, table};
use clap::Subcommand;
use cloister::config::{Config, NodeAddress, Place, TokenSettings};
use serde_json::json;
use std::path::{Path, PathBuf};

#[derive(Subcommand, Debug)]
pub enum Verb {
    /// Show the configuration in use, and the file it comes from
    #[command(after_help = "Example:\n  cloister config show --json")]
    Show,
    /// Check a configuration file
    #[command(after_help = "Examples:\n  cloister config check\n  cloister config check ./cloister.toml")]
    Check {
        /// The file [default: the one that is in use]
        #[arg(value_name = "FILE")]
        file: Option<PathBuf>,
    },
}

impl Verb {
    pub fn run(&self) -> Result<Answer> {
        match self {
            Verb::Show => show(&Config::load()?),
            Verb::Check { file } => check(file.as_deref()),
        }
    }
}

/// Where a configuration came from, in words.
pub fn origin(config: &Config) -> String {
    match &config.source {
        Some(file) => file.display().to_string(),
        None => {
            let files: Vec<String> =
                Config::search_path().iter().map(|file| file.display().to_string()).collect();
            format!("built-in defaults, for there is no {}", files.join(" and no "))
        }
    }
}

fn check(file: Option<&Path>) -> Result<Answer> {
    let config = match file {
        Some(file) => Config::from_file(file)?,
        None => Config::load()?,
    };
    let text = format!("The configuration is valid: {}.", origin(&config));
    Answer::text(text, json!({ "valid": true, "source": config.source }))
}

fn show(config: &Config) -> Result<Answer> {
    let path = |path: &Option<PathBuf>| path.as_ref().map(|path| path.display().to_string());
    let mut rows = vec![
        ("source".to_owned(), origin(config)),
        ("data_dir".to_owned(), path(&config.data_dir).unwrap_or("none: only the slots listed".to_owned())),
        ("log".to_owned(), config.log.clone()),
        ("log_file".to_owned(), path(&config.log_file).unwrap_or("standard error".to_owned())),
    ];
    rows.extend(token_rows("token", &config.token));
    for slot in &config.slots {
        let key = |name: &str| format!("slot {}: {name}", slot.id);
        rows.push(match &slot.place {
            Place::Folder { path } => (key("path"), path.display().to_string()),
            Place::Cluster(cluster) => (key("nodes"), list(&cluster.nodes)),
        });
        rows.extend(slot.description.iter().map(|text| (key("description"), text.clone())));
        rows.extend(slot.token.iter().flat_map(|token| token_rows(&key("token"), token)));
    }
    let rows: Vec<Vec<String>> = rows.into_iter().map(|(key, value)| vec![key, value]).collect();
    Answer::text(table(&["SETTING", "VALUE"], &rows), config)
}

fn list(nodes: &[NodeAddress]) -> String {
    let nodes: Vec<String> = nodes.iter().map(NodeAddress::to_string).collect();
    nodes.join(", ")
}

fn token_rows(prefix: &str, token: &TokenSettings) -> [(String, String); 6] {
    [
        ("max_pin_failures", token.max_pin_failures.to_string()),
        ("argon2_memory_kib", token.argon2_memory_kib.to_string()),
        ("argon2_passes", token.argon2_passes.to_string()),
        ("usage_default", token.usage_default.to_string()),
        ("legacy", token.legacy.to_string()),
        ("gcm_iv", format!("{:?}", token.gcm_iv).to_lowercase()),
    ]
    .map(|(key, value)| (format!("{prefix}.{key}"), value))
}
