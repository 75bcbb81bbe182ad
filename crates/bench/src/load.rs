//! Callers that call as fast as they are answered, for a while.

use crate::Result;
use serde::{Deserialize, Serialize};
use std::sync::Barrier;
use std::time::{Duration, Instant};

/// Calls once; what is called was prepared before.
pub type Caller<'a> = Box<dyn FnMut() -> Result<()> + 'a>;

/// What can be called by several threads at once.
pub trait Load: Sync {
    /// Runs `calls` with a caller of this thread's own.
    fn with_caller(&self, calls: &mut dyn FnMut(Caller<'_>) -> Result<Calls>) -> Result<Calls>;
}

/// What came of calling.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Calls {
    /// Those that succeeded, by all callers.
    pub answered: u64,
    /// Those that failed, where failures are counted and not an end.
    pub failed: u64,
    /// Seconds they took together.
    pub seconds: f64,
    /// The median time of a call, microseconds; of the slowest caller.
    pub median: f64,
    /// The longest time between two successes of one caller, microseconds.
    pub pause: f64,
}

/// What to do when a call fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Failures {
    /// The measurement is worth nothing.
    End,
    /// They are counted, and the caller tries again.
    Count,
}

/// Calls before the clock runs, so that what is fetched once is fetched.
const WARMING: usize = 3;

/// Has `callers` threads call for `time`.
pub fn measure(load: &dyn Load, callers: usize, time: Duration, failures: Failures) -> Result<Calls> {
    let ready = Barrier::new(callers);
    let run = || {
        let mut begun = false;
        let result = load.with_caller(&mut |mut caller| {
            let warmed = (0..WARMING).try_for_each(|_| caller());
            begun = true;
            ready.wait();
            warmed?;
            call(&mut caller, time, failures)
        });
        if !begun {
            // Nobody may wait for who never comes.
            ready.wait();
        }
        result
    };
    let all: Vec<Result<Calls>> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..callers).map(|_| scope.spawn(run)).collect();
        let joined = |thread: std::thread::ScopedJoinHandle<'_, Result<Calls>>| {
            thread.join().unwrap_or_else(|_| Err("a caller panicked".into()))
        };
        threads.into_iter().map(joined).collect()
    });
    let mut sum = Calls::default();
    for calls in all {
        let calls = calls?;
        sum.answered += calls.answered;
        sum.failed += calls.failed;
        sum.seconds = sum.seconds.max(calls.seconds);
        sum.median = sum.median.max(calls.median);
        sum.pause = sum.pause.max(calls.pause);
    }
    Ok(sum)
}

fn call(caller: &mut Caller<'_>, time: Duration, failures: Failures) -> Result<Calls> {
    let (began, mut last, mut calls) = (Instant::now(), Instant::now(), Calls::default());
    let mut times = Vec::new();
    while began.elapsed() < time {
        let started = Instant::now();
        match caller() {
            Ok(()) => {
                let ended = Instant::now();
                times.push((ended - started).as_secs_f64() * 1e6);
                calls.pause = calls.pause.max((ended - last).as_secs_f64() * 1e6);
                last = ended;
            }
            Err(error) if failures == Failures::End => return Err(error),
            Err(_) => calls.failed += 1,
        }
    }
    calls.seconds = began.elapsed().as_secs_f64();
    calls.answered = times.len() as u64;
    calls.median = crate::report::median(&mut times);
    Ok(calls)
}
