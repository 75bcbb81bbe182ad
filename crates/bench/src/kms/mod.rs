//! The KMS front, beside moto's server in the same run: requests a second, and how long one takes.
//!
//! - [`plan`]: the rows, as data
//! - [`server`]: a front over a token of its own, and moto, as processes
//! - [`requests`]: requests, signed before the clock starts
//! - [`load`]: connections that send them
//! - [`report`]: what came of it

mod load;
mod plan;
mod report;
mod requests;
mod server;

use std::path::Path;

pub use plan::TITLE;
pub use report::Report;

use crate::{Options, Result};
use plan::{CONNECTIONS, ROWS};
use report::Line;
use server::Servers;

/// Measures each row at each server in turn, again and again.
pub fn measure(options: &Options, module: &Path, program: &Path, folder: &Path) -> Result<Report> {
    eprintln!("setting up: a KMS front, and moto");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let folder = tempfile::Builder::new().prefix("kms-").disable_cleanup(options.keep).tempdir_in(folder)?;
    let servers = Servers::start(module, program, folder.path())?;
    let keys = servers.keys(&runtime)?;
    let mut lines: Vec<Line> =
        ROWS.iter().flat_map(|row| CONNECTIONS.iter().map(move |n| Line::new(row, *n))).collect();
    for repetition in 0..options.repetitions {
        for line in &mut lines {
            eprint!("\rrepetition {} of {}: {:60}", repetition + 1, options.repetitions, line.row.title);
            for (server, keys) in servers.all().zip(&keys) {
                let requests = keys.requests(line.row, server)?;
                let seen = runtime.block_on(load::run(
                    server.address,
                    &requests,
                    line.connections,
                    options.seconds,
                ))?;
                line.add(server.name, seen);
            }
        }
    }
    eprintln!();
    Ok(Report { lines })
}
