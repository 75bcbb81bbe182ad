//! `cloister doctor`: what is wrong, and what to do about it.

mod configuration;
mod installation;
mod kms;
mod node;
mod stores;

use crate::error::{Error, Result};
use crate::pin::UserPin;
use crate::render::{Answer, printable};
use crate::slots::SlotChoice;
use clap::Args;
use serde::Serialize;
use std::path::PathBuf;

/// Look for what is wrong with the installation, the configuration and the tokens; with a cluster's node, or with a KMS front.
///
/// Changes nothing. Exit code 1 if anything is wrong.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLE)]
pub struct Doctor {
    /// The loadable module [default: libcloister.so where it is usually installed]
    #[arg(long, value_name = "FILE", env = "CLOISTER_MODULE")]
    module: Option<PathBuf>,
    /// Look at the node in this data folder instead, and at the members of its cluster
    #[arg(long, value_name = "DIR", conflicts_with_all = ["with_pin", "slot", "label", "user", "pin_file"])]
    data: Option<PathBuf>,
    /// Look at what the KMS front with these settings keeps instead: whether its records and the HSM's keys agree
    #[arg(long, value_name = "FILE", conflicts_with_all = ["data", "with_pin", "slot", "label", "user", "pin_file"])]
    kms: Option<PathBuf>,
    /// Log in to the token and open every object in it too (implied by --user and --pin-file)
    #[arg(long)]
    with_pin: bool,
    #[command(flatten)]
    slot: SlotChoice,
    #[command(flatten)]
    user: UserPin,
}

const EXAMPLE: &str = "\
Examples:
  cloister doctor
  cloister doctor --data /var/lib/cloister/n1
  cloister doctor --kms /etc/cloister/kms.toml
  cloister doctor --with-pin --label payments
  cloister doctor --module ./target/release/libcloister.so --json";

/// What was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Area {
    Installation,
    Configuration,
    Store,
    Node,
    Kms,
}

/// One thing that was looked at, and how it is.
#[derive(Debug, Serialize)]
struct Finding {
    area: Area,
    ok: bool,
    what: String,
    /// What to do about it, where something is wrong.
    advice: Option<String>,
}

impl Finding {
    fn good(area: Area, what: impl Into<String>) -> Finding {
        Finding { area, ok: true, what: what.into(), advice: None }
    }

    fn bad(area: Area, what: impl Into<String>, advice: impl Into<String>) -> Finding {
        Finding { area, ok: false, what: what.into(), advice: Some(advice.into()) }
    }

    fn text(&self) -> String {
        let mark = if self.ok { "ok   " } else { "WRONG" };
        let advice = self.advice.iter().map(|advice| format!("      -> {}\n", printable(advice)));
        format!("{mark} {}\n{}", printable(&self.what), advice.collect::<String>())
    }
}

impl Doctor {
    pub fn run(&self) -> Result<Answer> {
        if let Some(folder) = &self.data {
            return report(&node::look(folder));
        }
        if let Some(settings) = &self.kms {
            return report(&kms::look(settings)?);
        }
        let mut findings = installation::look(self.module.as_deref());
        let (config, about_config) = configuration::look();
        findings.extend(about_config);
        if let Some(config) = config {
            findings.extend(stores::look(&config, self)?);
        }
        report(&findings)
    }
}

fn report(findings: &[Finding]) -> Result<Answer> {
    let wrong = findings.iter().filter(|finding| !finding.ok).count();
    let mut text: String = findings.iter().map(Finding::text).collect();
    text += &match wrong {
        0 => "Nothing is wrong.".to_owned(),
        1 => "One thing is wrong.".to_owned(),
        wrong => format!("{wrong} things are wrong."),
    };
    Ok(Answer::text(text, serde_json::json!({ "wrong": wrong, "findings": findings }))?
        .with_findings(wrong > 0))
}

/// A failure of the command itself, as a finding.
fn as_finding(area: Area, error: &Error, advice: &str) -> Finding {
    Finding::bad(area, error.to_string(), advice)
}
