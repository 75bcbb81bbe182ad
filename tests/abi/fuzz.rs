//! Calls at random: whatever comes in, the module answers, and neither crashes nor gives a key away.
//!
//! `CLOISTER_FUZZ_SEED` replays one run, `CLOISTER_FUZZ_CALLS` sets how many calls there are in all.

mod call;
mod functions;
mod memory;
pub mod random;
mod run;
mod values;

use crate::common::*;
use run::Run;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

/// Runs that are made each time.
const SEEDS: [u64; 3] = [1, 0xC1015 << 20, 20_240_229];
const CALLS: usize = 60_000;

/// Made anew by officers that the run has not locked out.
const CONFIGURATION: &str = "data_dir = \"{folder}/data\"\nlog = \"error\"\n\
    [token]\nargon2_memory_kib = 64\nargon2_passes = 1\nmax_pin_failures = 100\n";

#[test]
fn whatever_is_called_with_whatever_is_answered_and_tells_no_secret() {
    isolated(|process| {
        if let Some((seed, argument)) = process.part() {
            let (file, calls) = argument.split_once('|').unwrap();
            return one_run(seed.parse().unwrap(), calls.parse().unwrap(), Path::new(file));
        }
        let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
        let calls = number("CLOISTER_FUZZ_CALLS").map_or(CALLS, |calls| calls as usize);
        let seeds = match number("CLOISTER_FUZZ_SEED") {
            Some(seed) => vec![seed],
            None => SEEDS.into_iter().chain([fresh_seed()]).collect(),
        };
        let folder = tempfile::tempdir().unwrap();
        for seed in &seeds {
            process.say(format!("seed {seed}"));
            let place = folder.path().join(seed.to_string());
            let argument = format!("{}|{}", place.display(), calls / seeds.len());
            let part = process.start(&seed.to_string(), &argument);
            // One that crashes can't tell where it was; it has left that in a file.
            if catch_unwind(AssertUnwindSafe(|| part.ends_well())).is_err() {
                let last = std::fs::read_to_string(&place).unwrap_or_default();
                panic!("CLOISTER_FUZZ_SEED={seed}, with {calls} calls: the last was {}", last.trim());
            }
        }
    });
}

fn one_run(seed: u64, calls: usize, place: &Path) {
    let folder = Folder::with(CONFIGURATION);
    let token = Token::new_in(folder);
    let mut run = Run::new(seed, token.slot, place);
    for number in 0..calls {
        run.step(number);
    }
    run.finish(calls);
}

/// A seed no run has had.
fn fresh_seed() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    since.as_nanos() as u64 ^ u64::from(std::process::id())
}
