//! `cloister`: the one program people run to set up and look after a Cloister HSM.
//!
//! - [`commands`]: the words, one file per noun
//! - [`slots`]: which slot is meant, and who logs in to its token
//! - [`pin`]: PINs, from anywhere but the command line
//! - [`names`]: numbers of the standard in words
//! - [`show`]: attributes in words
//! - [`absent`]: the mechanisms of the standard that are not offered, and why
//! - [`header`]: the C headers, from the tables that make the module
//! - [`render`]: answers, as tables for people or JSON for programs
//! - [`node_log`]: what a running node tells
//! - [`error`]: what is told when something fails, and exit codes

#![deny(unsafe_code)]

mod absent;
mod commands;
mod error;
mod header;
mod names;
mod node_log;
mod pin;
mod render;
mod show;
mod slots;

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments = commands::Arguments::parse();
    arguments.start_log();
    let format = arguments.format();
    match arguments.run().and_then(|answer| render::print(&answer, format)) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("cloister: {error}");
            error.exit_code()
        }
    }
}
