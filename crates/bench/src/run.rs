//! A whole run: everything set up, each row measured at each place in turn, again and again, and told.

use crate::failover::Pauses;
use crate::machine::Machine;
use crate::plan::{Place, ROWS, Row};
use crate::report::{Line, Report};
use crate::stage::Stage;
use crate::{Options, Result, failover, kms, page, progress};
use std::path::{Path, PathBuf};

/// The title that `--only` is compared with for what happens when the leader dies.
const FAILOVER: &str = "without service when the leader dies";

/// Measures what the options say.
pub fn run(options: &Options) -> Result<()> {
    let module = beside(options.module.as_ref(), "libcloister.so")?;
    let program = beside(options.program.as_ref(), "cloister")?;
    let folder = options.folder.clone().map_or_else(own_folder, Ok)?;
    let (lines, pauses) =
        match ROWS.iter().any(|row| row.title.contains(&options.only)) || FAILOVER.contains(&options.only) {
            true => measure_module(options, &module, &program, &folder)?,
            false => (Vec::new(), Vec::new()),
        };
    let kms = kms::measure(options, &module, &program, &folder)?;
    let report = Report { machine: Machine::this(&program)?, lines, pauses, kms };
    println!("{report}");
    if let Some(file) = &options.tsv {
        std::fs::write(file, report.tsv())?;
    }
    if let Some(file) = &options.page {
        page::write(file, &report)?;
    }
    Ok(())
}

/// The module's rows, and what happens when a leader dies.
fn measure_module(
    options: &Options,
    module: &Path,
    program: &Path,
    folder: &Path,
) -> Result<(Vec<Line>, Vec<Pauses>)> {
    eprintln!("setting up: a token, a cluster of one node, a cluster of three");
    let mut stage = Stage::set(module, program, folder, options.keep)?;
    let lines = measure(&mut stage, options)?;
    let pauses = match FAILOVER.contains(&options.only) && options.deaths > 0 {
        true => failover::measure(&mut stage, options.deaths)?,
        false => Vec::new(),
    };
    Ok((lines, pauses))
}

/// Interleaved: whatever else the machine does meanwhile, it does to all.
fn measure(stage: &mut Stage, options: &Options) -> Result<Vec<Line>> {
    let chosen = |row: &&Row| row.title.contains(&options.only);
    let lines = |row: &'static Row| row.callers.iter().map(move |callers| Line::new(row, *callers));
    let mut lines: Vec<Line> = ROWS.iter().filter(chosen).flat_map(lines).collect();
    for repetition in 0..options.repetitions {
        for line in &mut lines {
            progress::tell(&format!(
                "repetition {} of {}: {}",
                repetition + 1,
                options.repetitions,
                line.row.title
            ));
            for place in Place::ALL {
                if let Some(work) = line.row.work_at(place) {
                    let calls = stage.run(work, place, line.callers, options.seconds)?;
                    line.add(place, &calls);
                }
            }
        }
    }
    progress::end();
    Ok(lines)
}

fn own_folder() -> Result<PathBuf> {
    let program = std::env::current_exe()?;
    Ok(program.parent().ok_or("this program is in no folder")?.to_owned())
}

pub fn beside(given: Option<&PathBuf>, name: &str) -> Result<PathBuf> {
    let path = given.cloned().map_or_else(|| own_folder().map(|folder| folder.join(name)), Ok)?;
    match path.exists() {
        true => Ok(path),
        false => {
            Err(format!("{} is missing: build it first (cargo build --release --workspace)", path.display())
                .into())
        }
    }
}
