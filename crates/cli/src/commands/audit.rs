//! `cloister audit`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use cloister_kms::audit;
use serde_json::json;

use crate::error::{Error, Result};
use crate::render::Answer;

#[derive(Subcommand, Debug)]
pub enum Verb {
    /// Check that no line of a KMS front's audit trail was changed, removed, put in or moved
    #[command(
        after_help = "Example:\n  cloister audit verify /var/log/cloister/kms --last 9f86d081884c7d65...\n\nThe trail can't show by itself that its end was cut off: keep the last hash that this command tells\nsomewhere else, and give it the next time."
    )]
    Verify(Verify),
}

#[derive(Args, Debug)]
pub struct Verify {
    /// The trail's folder, or one file of it
    trail: PathBuf,
    /// The last line's hash, as it was told earlier: that line must still be there
    #[arg(long, value_name = "HASH", value_parser = hash)]
    last: Option<[u8; 32]>,
}

impl Verb {
    pub fn run(&self) -> Result<Answer> {
        match self {
            Verb::Verify(verify) => verify.run(),
        }
    }
}

impl Verify {
    fn run(&self) -> Result<Answer> {
        let report =
            audit::verify(&self.trail, self.last).map_err(|broken| Error::Failed(broken.to_string()))?;
        let (last, hash) = (report.last.sequence, hex::encode(report.last.hash));
        let text = format!(
            "{} events, whole and in order. The last is number {last}, with hash {hash}.",
            report.events
        );
        Answer::text(
            text,
            json!({ "events": report.events, "first": report.first, "last": last, "hash": hash }),
        )
    }
}

fn hash(text: &str) -> std::result::Result<[u8; 32], String> {
    let mut bytes = [0; 32];
    hex::decode_to_slice(text, &mut bytes).map_err(|_| "a hash is 64 hexadecimal digits".to_owned())?;
    Ok(bytes)
}
