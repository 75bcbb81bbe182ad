//! A whole run: everything set up, each row measured at each place in turn, again and again, and told.

use crate::failover::Pauses;
use crate::load::{Clock, Failures, Manner};
use crate::machine::Machine;
use crate::plan::{Place, ROWS, Row};
use crate::report::{Line, Report};
use crate::stage::Stage;
use crate::{Options, Result, failover, kms, page, progress, side};
use std::path::{Path, PathBuf};

/// The title that `--only` is compared with for what happens when the leader dies.
const FAILOVER: &str = "without service when the leader dies";

/// What can be measured apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Part {
    /// PKCS#11 modules side by side, and libcrypto.
    Modules,
    /// Cloister embedded and on nodes.
    Nodes,
    /// The KMS front and the XKS proxy.
    Fronts,
}

/// Where Debian's SoftHSM is, which `scripts/setup bench` installs.
const SOFTHSM: &str = "/usr/lib/softhsm/libsofthsm2.so";

/// Measures what the options say.
pub fn run(options: &Options) -> Result<()> {
    let module = beside(options.module.as_ref(), "libcloister.so")?;
    let program = beside(options.program.as_ref(), "cloister")?;
    let folder = options.folder.clone().map_or_else(own_folder, Ok)?;
    let wanted = |part| options.part.is_empty() || options.part.contains(&part);
    let side = wanted(Part::Modules).then(|| measure_side(options, &module, &folder)).transpose()?.flatten();
    let rows = ROWS.iter().any(|row| row.title.contains(&options.only)) || FAILOVER.contains(&options.only);
    let (lines, pauses) = match wanted(Part::Nodes) && rows {
        true => measure_module(options, &module, &program, &folder)?,
        false => (Vec::new(), Vec::new()),
    };
    let kms = match wanted(Part::Fronts) {
        true => kms::measure(options, &module, &program, &folder)?,
        false => Vec::new(),
    };
    let picture = options.picture.as_ref().and_then(|file| file.file_name());
    let picture = picture.map(|name| name.to_string_lossy().into_owned());
    let report = Report { machine: Machine::this(&program)?, side, picture, lines, pauses, kms };
    println!("{report}");
    write(options, &report)
}

/// Writes what the options name.
fn write(options: &Options, report: &Report) -> Result<()> {
    if let Some(file) = &options.tsv {
        std::fs::write(file, report.tsv())?;
    }
    if let (Some(file), Some((table, _))) = (&options.picture, &report.side) {
        std::fs::write(file, side::picture::svg(table, &report.caption()))?;
    }
    if let Some(file) = &options.page {
        page::write(file, &report.sections())?;
    }
    Ok(())
}

/// Modules side by side: Cloister, SoftHSM if it is there, and what else was named. Nothing if no row is wanted.
fn measure_side(
    options: &Options,
    module: &Path,
    folder: &Path,
) -> Result<Option<(side::Table, Vec<String>)>> {
    let Options { repetitions, seconds, .. } = *options;
    let measure = side::Measure { only: &options.only, repetitions, seconds: seconds / 5.0 };
    if !measure.wants_any() {
        return Ok(None);
    }
    let mut places = vec![side::Place::new("Cloister", module.canonicalize()?)];
    match Path::new(SOFTHSM).exists() {
        true => places.push(side::Place::new("SoftHSM", SOFTHSM.into())),
        false => eprintln!("SoftHSM is not measured: `scripts/setup bench` installs it"),
    }
    places.extend(options.beside.iter().cloned());
    let folder =
        tempfile::Builder::new().prefix("modules-").disable_cleanup(options.keep).tempdir_in(folder)?;
    measure.run(&places, &folder.path().canonicalize()?).map(Some)
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
                    let manner = Manner {
                        callers: line.callers,
                        seconds: options.seconds,
                        clock: Clock::EachCall,
                        failures: Failures::End,
                        tidy: false,
                    };
                    let calls = stage.run(work, place, manner)?;
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
