//! The KMS front and the XKS proxy, as processes that are asked over HTTP: requests a second, and how long one takes.
//!
//! - [`plan`]: the rows, as data
//! - [`fronts`]: the front beside moto's server; [`proxy`]: the XKS proxy; [`crowd`]: a front with few keys beside one with many
//! - [`server`]: a server as a process; [`home`]: a token of its own, with a front over it
//! - [`requests`]: requests, signed before the clock starts
//! - [`load`]: connections that send them
//! - [`report`]: what came of it

mod crowd;
mod fronts;
mod home;
mod load;
mod plan;
mod proxy;
mod report;
mod requests;
mod server;

use std::path::Path;

use tokio::runtime::Runtime;

pub use report::Table;

use crate::{Options, Result, progress};
use load::Load;
use plan::Row;
use report::Line;
use server::Server;

/// What a part is measured with.
struct Setting<'a> {
    options: &'a Options,
    module: &'a Path,
    program: &'a Path,
    /// Of this part.
    folder: &'a Path,
    runtime: &'a Runtime,
}

/// A part: its title, which `--only` is compared with, the name of its folder, and how it is measured.
type Part = (&'static str, &'static str, fn(&Setting) -> Result<Table>);

const PARTS: [Part; 3] = [
    ("the KMS front", "kms-", fronts::measure),
    ("the XKS proxy", "xks-", proxy::measure),
    ("the KMS front with many keys", "crowd-", crowd::measure),
];

/// Measures the parts that are wanted.
pub fn measure(options: &Options, module: &Path, program: &Path, folder: &Path) -> Result<Vec<Table>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut tables = Vec::new();
    for (title, prefix, measure) in PARTS {
        if title.contains(&options.only) {
            eprintln!("setting up: {title}");
            let folder =
                tempfile::Builder::new().prefix(prefix).disable_cleanup(options.keep).tempdir_in(folder)?;
            let folder = folder.path();
            tables.push(measure(&Setting { options, module, program, folder, runtime: &runtime })?);
        }
    }
    Ok(tables)
}

/// A column: a server, and what its requests are about.
struct Place<S> {
    name: String,
    server: Server,
    subject: S,
}

/// Each row at each place in turn, again and again: whatever else the machine does meanwhile, it does to all.
fn measure_rows<S>(setting: &Setting, rows: &[Row<S>], places: &[Place<S>]) -> Result<Vec<Line>> {
    let all = rows.iter().flat_map(|row| row.connections.iter().map(move |n| (row, *n)));
    let mut lines: Vec<(&Row<S>, Line)> = all.map(|(row, n)| (row, Line::new(row.title, n))).collect();
    let Options { repetitions, seconds, .. } = *setting.options;
    for repetition in 1..=repetitions {
        for (row, line) in &mut lines {
            progress::tell(&format!("repetition {repetition} of {repetitions}: {}", row.title));
            for Place { name, server, subject } in places {
                let requests = server.sign_all(row.operation, &(row.bodies)(subject))?;
                let load = Load { connections: line.connections, seconds, each: row.each };
                line.add(name, setting.runtime.block_on(load.run(server.address, &requests))?);
            }
        }
    }
    progress::end();
    Ok(lines.into_iter().map(|(_, line)| line).collect())
}
