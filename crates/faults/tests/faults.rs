//! Promises of a cluster under faults, for half a minute each; `CLOISTER_FAULTS_SEED` and `CLOISTER_FAULTS_SECONDS` say otherwise. The
//! program `cloister-faults` does the same for as long as wished.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

use cloister_faults::check::Reads;
use cloister_faults::fault::KINDS;
use cloister_faults::run::Plan;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// One cluster at a time: two would slow each other down and find less.
static TURN: Mutex<()> = Mutex::new(());

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{variable}={text}")))
}

/// The command as it would be built now, of this test's own profile.
fn cloister() -> PathBuf {
    let program = std::env::current_exe().unwrap();
    let folder = program.parent().unwrap().parent().unwrap();
    let profile = match folder.file_name().unwrap().to_str().unwrap() {
        "debug" => "dev",
        other => other,
    };
    let built = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--package", "cloister-cli", "--profile", profile])
        .status();
    assert!(built.unwrap().success());
    folder.join("cloister")
}

fn promises_are_kept(seed: u64, reads: Reads) {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let plan = Plan {
        seed: number("CLOISTER_FAULTS_SEED").unwrap_or(seed),
        lasting: Duration::from_secs(number("CLOISTER_FAULTS_SECONDS").unwrap_or(30)),
        nodes: 3,
        clients: 8,
        reads,
        faults: KINDS.iter().map(|(_, fault, _)| *fault).collect(),
        cloister: cloister(),
        stop: Arc::default(),
    };
    println!("{plan}");
    let report = plan.run().unwrap_or_else(|failure| panic!("{failure}"));
    println!("{report}");
    assert!(report.is_good(), "{} promises were broken", report.breaches.len());
}

#[test]
fn promises_are_kept_under_faults_when_reads_follow_a_session() {
    promises_are_kept(3, Reads::Session);
}

#[test]
fn promises_are_kept_under_faults_when_reads_are_current() {
    promises_are_kept(4, Reads::Current);
}
