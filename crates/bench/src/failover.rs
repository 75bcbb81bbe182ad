//! How long callers wait when the leader is killed: several at a time, each of which does one thing over and over.

use crate::Result;
use crate::load::{Clock, Failures, Manner};
use crate::plan::{Place, Work};
use crate::progress;
use crate::report::median;
use crate::stage::Stage;
use crate::worker::{Job, Measured};
use std::time::Duration;

/// How long is called before the leader dies.
const BEFORE: Duration = Duration::from_millis(1500);
/// How it is called, and how long in all.
const MANNER: Manner =
    Manner { callers: 1, seconds: 5.0, clock: Clock::EachCall, failures: Failures::Count, tidy: false };

/// What is done meanwhile, as a reader of the table thinks of it.
const WATCHED: [(&str, &str); 3] = [
    ("writes: durable keys made", "create"),
    ("reads: finding a key by CKA_ID", "find-id"),
    ("uses: HMAC-SHA-256 with a token key", "hmac-64"),
];

/// What callers of one kind saw.
pub struct Pauses {
    /// What they did.
    pub title: &'static str,
    /// The longest time without an answer around each death, milliseconds, shortest first.
    pub pauses: Vec<f64>,
    /// Calls that were answered with an error.
    pub failed: u64,
}

impl Pauses {
    /// The median.
    pub fn median(&self) -> f64 {
        median(&mut self.pauses.clone())
    }

    /// The worst.
    pub fn worst(&self) -> f64 {
        self.pauses.iter().copied().fold(0.0, f64::max)
    }
}

/// Kills the leader of the three nodes so many times, and starts it again each time.
pub fn measure(stage: &mut Stage, deaths: usize) -> Result<Vec<Pauses>> {
    let mut all = WATCHED.map(|(title, _)| Pauses { title, pauses: Vec::new(), failed: 0 });
    for death in 0..deaths {
        progress::tell(&format!("leader killed {} of {deaths}", death + 1));
        let mut workers = Vec::new();
        for (_, row) in WATCHED {
            let target = stage.target(Work::Row(row), Place::ThreeTls)?;
            let mut worker = stage.another_worker()?;
            worker.begin(&Job::Measure(target, MANNER))?;
            workers.push(worker);
        }
        std::thread::sleep(BEFORE);
        let killed = stage.three.kill_leader()?;
        for (worker, seen) in workers.iter_mut().zip(&mut all) {
            let calls = worker.end::<Measured>()?.ok_or("Cloister does not offer it")?;
            seen.pauses.push(calls.pause / 1000.0);
            seen.failed += calls.failed;
        }
        stage.three.revive(killed)?;
    }
    progress::end();
    all.iter_mut().for_each(|seen| seen.pauses.sort_by(f64::total_cmp));
    Ok(all.into())
}
