//! What the tests of clusters share.

use std::path::PathBuf;
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// One cluster at a time: two would slow each other down and find less.
static TURN: Mutex<()> = Mutex::new(());

/// This test's turn.
pub fn turn() -> MutexGuard<'static, ()> {
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The command as it would be built now, of this test's own profile.
pub fn cloister() -> PathBuf {
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
