//! How far a run has come: one line on a terminal, written over and over. A log has no use for it.

use std::io::{IsTerminal, stderr};

/// Tells it, on a terminal only.
pub fn tell(how_far: &str) {
    if stderr().is_terminal() {
        eprint!("\r{how_far:80}");
    }
}

/// Leaves what was told last, so that other text begins on a line of its own.
pub fn end() {
    if stderr().is_terminal() {
        eprintln!();
    }
}
