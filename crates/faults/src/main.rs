//! `cloister-faults`: the fault test of a cluster, for as long as wished.

#![deny(unsafe_code)]

use clap::{Parser, ValueEnum};
use cloister_faults::check::Reads;
use cloister_faults::fault::{Fault, KINDS};
use cloister_faults::run::Plan;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

/// Runs a cluster of real nodes under faults and a load, and checks all that its clients were told
#[derive(Parser, Debug)]
#[command(
    version,
    after_help = "Exit codes: 0 every promise was kept, 1 one was broken or the cluster did not come back, 2 wrong usage.\n\n\
                  Example:\n  cloister-faults --minutes 10 --only kill,pause,partition"
)]
struct Arguments {
    /// What all chance comes from: faults, their times, what each client does [default: another each time]
    #[arg(long)]
    seed: Option<u64>,
    /// For how long there are faults
    #[arg(long, default_value_t = 1.0, value_parser = minutes)]
    minutes: f64,
    /// How many nodes
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u8).range(3..=9))]
    nodes: u8,
    /// How many clients
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=256))]
    clients: u16,
    /// What the nodes promise of reads
    #[arg(long, value_enum, default_value_t = Word::Session)]
    reads: Word,
    /// Only these faults, of: kill, restart, pause, partition, one-way, slow, disk, clock, replace
    #[arg(long, value_delimiter = ',', value_parser = fault, value_name = "FAULT")]
    only: Vec<Fault>,
    /// The command whose nodes to run [default: the one beside this program]
    #[arg(long, value_name = "FILE")]
    cloister: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Word {
    Session,
    Current,
}

fn minutes(text: &str) -> Result<f64, String> {
    let minutes: f64 = text.parse().map_err(|_| "write a number of minutes, such as 0.5".to_owned())?;
    if (0.0..=1e6).contains(&minutes) { Ok(minutes) } else { Err("write 0 to 1000000".to_owned()) }
}

fn fault(word: &str) -> Result<Fault, String> {
    let words: Vec<&str> = KINDS.iter().map(|(word, ..)| *word).collect();
    Fault::named(word).ok_or_else(|| format!("write any of {}", words.join(", ")))
}

impl Arguments {
    fn plan(self) -> Result<Plan, String> {
        let cloister = match self.cloister {
            Some(file) => file,
            None => std::env::current_exe().map_err(|error| error.to_string())?.with_file_name("cloister"),
        };
        if !cloister.exists() {
            return Err(format!("{} is not there: build it, or name it with --cloister", cloister.display()));
        }
        let stop = Arc::new(AtomicBool::new(false));
        for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
            // The second time it ends at once; the nodes end with it.
            signal_hook::flag::register_conditional_shutdown(signal, 130, stop.clone())
                .and_then(|_| signal_hook::flag::register(signal, stop.clone()))
                .map_err(|error| error.to_string())?;
        }
        let all = || KINDS.iter().map(|(_, fault, _)| *fault).collect();
        Ok(Plan {
            seed: self.seed.unwrap_or_else(|| fastrand::u64(..)),
            lasting: Duration::from_secs_f64(self.minutes * 60.0),
            nodes: usize::from(self.nodes),
            clients: usize::from(self.clients),
            reads: match self.reads {
                Word::Session => Reads::Session,
                Word::Current => Reads::Current,
            },
            faults: if self.only.is_empty() { all() } else { self.only },
            cloister,
            stop,
        })
    }
}

fn main() -> ExitCode {
    let plan = match Arguments::parse().plan() {
        Ok(plan) => plan,
        Err(problem) => {
            eprintln!("cloister-faults: {problem}");
            return ExitCode::from(2);
        }
    };
    println!("seed {}", plan.seed);
    let again = plan.to_string();
    match plan.run() {
        Ok(report) if report.is_good() => {
            println!("{report}");
            return ExitCode::SUCCESS;
        }
        Ok(report) => println!("{report}"),
        Err(failure) => println!("FAILED: {failure}"),
    }
    println!("to see it again: {again}");
    ExitCode::FAILURE
}
