//! `cloister-bench`: what Cloister costs, measured beside what it could be measured against.
//!
//! - [`plan`]: the rows and where each is measured, as data
//! - [`stage`]: tokens, clusters ([`cluster`]) and a configuration, in a folder that goes afterwards
//! - [`worker`]: another process of this program, in which a module is loaded and called; [`load`]: calls, counted and timed
//! - [`ping`], [`sqlite`]: what is measured without a module
//! - [`failover`]: how long nobody is served when the leader dies
//! - [`side`]: any PKCS#11 modules side by side, and libcrypto directly; [`abi`]: foreign calls, for that
//! - [`kms`]: the KMS front and the XKS proxy
//! - [`report`], [`machine`], [`page`]: what came of it, and on what; [`progress`]: how far it has come

mod abi;
mod cluster;
mod failover;
mod kms;
mod load;
mod machine;
mod page;
mod ping;
mod plan;
mod progress;
mod report;
mod run;
mod side;
mod sqlite;
mod stage;
mod worker;

use clap::{Parser, Subcommand};
use std::path::PathBuf;
use std::process::ExitCode;

/// What went wrong, for people to read.
type Error = Box<dyn std::error::Error + Send + Sync>;

type Result<T> = std::result::Result<T, Error>;

/// Measures Cloister, embedded and on a cluster of real processes.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    part: Option<Part>,
    #[command(flatten)]
    options: Options,
}

/// What to measure, with what, and where the result goes.
#[derive(Clone, clap::Args)]
struct Options {
    /// Measure only this; may be given again [default: all]
    #[arg(long, value_name = "PART")]
    part: Vec<run::Part>,
    /// The module [default: libcloister.so beside this program]
    #[arg(long, value_name = "FILE")]
    module: Option<PathBuf>,
    /// The program that runs nodes [default: cloister beside this program]
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,
    /// Measure this PKCS#11 module beside Cloister and Debian's SoftHSM; may be given again. Its configuration is the caller's environment,
    /// where `{folder}` in a value stands for a folder of its own for each number of objects (Cloister, SoftHSM and Kryoptic are told by
    /// their files' names, and get a configuration)
    #[arg(long, value_name = "NAME=FILE")]
    beside: Vec<side::Place>,
    /// Where stores are made; its disk is the one measured [default: this program's folder]
    #[arg(long, value_name = "DIR")]
    folder: Option<PathBuf>,
    /// Leave stores and the nodes' logs where they were made
    #[arg(long)]
    keep: bool,
    /// Only rows whose title contains this; of modules side by side, those too whose table's title contains it, and the one of that name
    #[arg(long, value_name = "TEXT", default_value = "")]
    only: String,
    /// How often each row is measured at each place
    #[arg(long, value_name = "N", default_value_t = 7)]
    repetitions: usize,
    /// How long each measurement takes; a fifth of it for most of modules side by side
    #[arg(long, value_name = "SECONDS", default_value_t = 0.5)]
    seconds: f64,
    /// How often the leader is killed
    #[arg(long, value_name = "N", default_value_t = 20)]
    deaths: usize,
    /// Few repetitions, and short: to see that it works, not to believe its figures
    #[arg(long)]
    quick: bool,
    /// Keys of the KMS front that has many
    #[arg(long, value_name = "N", default_value_t = 2000)]
    kms_keys: usize,
    /// Write tab-separated values into this file
    #[arg(long, value_name = "FILE")]
    tsv: Option<PathBuf>,
    /// Write the measured parts of this page
    #[arg(long, value_name = "FILE")]
    page: Option<PathBuf>,
    /// Draw modules side by side into this file, as SVG, beside the page
    #[arg(long, value_name = "FILE")]
    picture: Option<PathBuf>,
}

#[derive(Subcommand)]
enum Part {
    /// Calls a module as it is told on standard input: a part of this program that it starts itself
    #[command(hide = true)]
    Work {
        /// The module to load; none for what needs none
        module: Option<PathBuf>,
    },
    /// Makes a module's token for `call`
    #[command(hide = true)]
    Prepare(side::count::Options),
    /// Calls one operation of a module, or of libcrypto, so many times, and ends: for counting instructions
    #[command(hide = true)]
    Call {
        #[command(flatten)]
        options: side::count::Options,
        /// Which
        #[arg(long, value_name = "NAME")]
        operation: String,
        /// How often
        #[arg(long, value_name = "N", default_value_t = 1)]
        times: usize,
    },
    /// Counts the instructions of the hot calls by valgrind, and compares them with those on record
    Instructions(side::instructions::Options),
}

impl Options {
    /// The same, or quick if that is wanted.
    fn quickly(mut self) -> Options {
        if self.quick {
            (self.repetitions, self.seconds) = (self.repetitions.min(1), self.seconds.min(0.1));
            (self.deaths, self.kms_keys) = (self.deaths.min(1), self.kms_keys.min(100));
        }
        self
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let done = match arguments.part {
        Some(Part::Work { module }) => worker::work(module.as_deref()),
        Some(Part::Prepare(options)) => side::count::prepare(&options),
        Some(Part::Call { options, operation, times }) => side::count::call(&options, &operation, times),
        Some(Part::Instructions(options)) => run::beside(options.module.as_ref(), "libcloister.so")
            .and_then(|module| side::instructions::run(&options, &module)),
        None => run::run(&arguments.options.quickly()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("cloister-bench: {error}");
            ExitCode::FAILURE
        }
    }
}
