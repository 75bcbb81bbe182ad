//! Callers that call as fast as they are answered, for a while.

use crate::Result;
use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};
use std::sync::Barrier;
use std::time::{Duration, Instant};

/// Done with how many calls will follow, or have been made.
pub type Step<'a> = Box<dyn FnMut(usize) -> Result<()> + 'a>;

/// What is called, prepared, and what is done before and afterwards while no clock runs.
pub struct Call<'a> {
    /// Before so many calls.
    pub before: Step<'a>,
    /// How many calls `before` can be followed by.
    pub most: usize,
    /// Calls once.
    pub once: Box<dyn FnMut() -> Result<()> + 'a>,
    /// After all calls of all callers.
    pub after: Step<'a>,
}

impl<'a> Call<'a> {
    /// A call that needs nothing before and leaves nothing behind.
    pub fn alone(once: impl FnMut() -> Result<()> + 'a) -> Call<'a> {
        let (before, after) = (Box::new(|_| Ok(())), Box::new(|_| Ok(())));
        Call { before, most: usize::MAX, once: Box::new(once), after }
    }

    /// So many calls, and what is done before.
    pub fn times(&mut self, times: usize) -> Result<()> {
        let mut left = times;
        while left > 0 {
            let batch = left.min(self.most);
            (self.before)(batch)?;
            (0..batch).try_for_each(|_| (self.once)())?;
            left -= batch;
        }
        Ok(())
    }
}

/// What can be called by several threads at once.
pub trait Load: Sync {
    /// Runs `calls` with a call of this thread's own.
    fn with_caller(&self, calls: &mut dyn FnMut(Call<'_>) -> Result<Calls>) -> Result<Calls>;
}

/// What came of calling.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Calls {
    /// Those that succeeded, by all callers.
    pub answered: u64,
    /// Those that failed, where failures are counted and not an end.
    pub failed: u64,
    /// Calls per second of the clock, of all callers together.
    pub rate: f64,
    /// The median time of a call, microseconds; of the slowest caller. Only where each call is timed.
    pub median: f64,
    /// The longest time between two successes of one caller, microseconds. Only where each call is timed.
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

/// What is timed, by which clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Clock {
    /// Each call, by the wall clock.
    EachCall,
    /// Calls by the dozen, by the wall clock.
    Wall,
    /// The same, by the time that the processor has spent on this process: for one caller.
    Processor,
}

impl Clock {
    fn now(self) -> Duration {
        let id = match self {
            Clock::Processor => ClockId::ProcessCPUTime,
            Clock::EachCall | Clock::Wall => ClockId::Monotonic,
        };
        // A clock counts up from zero, so nothing is lost.
        Duration::try_from(clock_gettime(id)).unwrap_or_default()
    }
}

/// How it is called.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manner {
    /// By how many threads.
    pub callers: usize,
    /// For how long, by the clock.
    pub seconds: f64,
    /// Which clock.
    pub clock: Clock,
    /// What to do with failures.
    pub failures: Failures,
    /// Whether what was made is destroyed afterwards.
    pub tidy: bool,
}

/// Calls before the clock runs, so that what is fetched once is fetched; no more once they have taken so long.
const WARMING: usize = 3;
const WARM: Duration = Duration::from_millis(50);

/// How much longer than it measures a measurement may take, with what is done between calls while no clock runs.
const PATIENCE: u32 = 30;

/// Has threads call.
pub fn measure(load: &dyn Load, manner: Manner) -> Result<Calls> {
    let (ready, done) = (Barrier::new(manner.callers), Barrier::new(manner.callers));
    let run = || {
        let mut begun = false;
        let result = load.with_caller(&mut |mut call| {
            let warmed = warm(&mut call);
            begun = true;
            ready.wait();
            let calls = warmed.and_then(|()| manner.measure(&mut call));
            done.wait();
            if manner.tidy {
                (call.after)(0)?;
            }
            calls
        });
        if !begun {
            // Nobody may wait for who never comes.
            ready.wait();
            done.wait();
        }
        result
    };
    let all: Vec<Result<Calls>> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..manner.callers).map(|_| scope.spawn(run)).collect();
        let joined = |thread: std::thread::ScopedJoinHandle<'_, Result<Calls>>| {
            thread.join().unwrap_or_else(|_| Err("a caller panicked".into()))
        };
        threads.into_iter().map(joined).collect()
    });
    let mut sum = Calls::default();
    for calls in all {
        sum.add(&calls?);
    }
    Ok(sum)
}

fn warm(call: &mut Call<'_>) -> Result<()> {
    let began = Instant::now();
    (0..WARMING).try_for_each(|_| if began.elapsed() < WARM { call.times(1) } else { Ok(()) })
}

impl Calls {
    /// Those of another caller at the same time.
    pub fn add(&mut self, other: &Calls) {
        self.answered += other.answered;
        self.failed += other.failed;
        self.rate += other.rate;
        self.median = self.median.max(other.median);
        self.pause = self.pause.max(other.pause);
    }
}

impl Manner {
    fn measure(self, call: &mut Call<'_>) -> Result<Calls> {
        match self.clock {
            Clock::EachCall => self.measure_each(call),
            Clock::Wall | Clock::Processor => self.measure_many(call),
        }
    }

    fn measure_each(self, call: &mut Call<'_>) -> Result<Calls> {
        let time = Duration::try_from_secs_f64(self.seconds)?;
        let (began, mut last, mut calls) = (Instant::now(), Instant::now(), Calls::default());
        let mut times = Vec::new();
        while began.elapsed() < time {
            let started = Instant::now();
            match (call.once)() {
                Ok(()) => {
                    let ended = Instant::now();
                    times.push((ended - started).as_secs_f64() * 1e6);
                    calls.pause = calls.pause.max((ended - last).as_secs_f64() * 1e6);
                    last = ended;
                }
                Err(error) if self.failures == Failures::End => return Err(error),
                Err(_) => calls.failed += 1,
            }
        }
        calls.answered = times.len() as u64;
        calls.rate = times.len() as f64 / began.elapsed().as_secs_f64().max(f64::MIN_POSITIVE);
        calls.median = crate::report::median(&mut times);
        Ok(calls)
    }

    /// To look at the clock takes as long as a small call, so it is looked at some twenty times in all, unless calls come in small batches.
    fn measure_many(self, call: &mut Call<'_>) -> Result<Calls> {
        let time = Duration::try_from_secs_f64(self.seconds)?;
        let (mut taken, mut answered, mut batch) = (Duration::ZERO, 0, 1);
        let began_all = Instant::now();
        while taken < time && began_all.elapsed() < time.saturating_mul(PATIENCE) {
            (call.before)(batch)?;
            let began = self.clock.now();
            (0..batch).try_for_each(|_| (call.once)())?;
            let took = self.clock.now().saturating_sub(began);
            taken += took;
            answered += batch;
            if took < time / 20 {
                batch = batch.saturating_mul(2).min(call.most);
            }
        }
        let rate = answered as f64 / taken.as_secs_f64().max(f64::MIN_POSITIVE);
        Ok(Calls { answered: answered as u64, rate, ..Calls::default() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

    /// Calls after one announcement.
    const MOST: usize = 5;

    #[derive(Default)]
    struct Counted {
        before: AtomicUsize,
        once: AtomicUsize,
        after: AtomicUsize,
    }

    impl Load for Counted {
        fn with_caller(&self, calls: &mut dyn FnMut(Call<'_>) -> Result<Calls>) -> Result<Calls> {
            calls(Call {
                before: Box::new(|times| {
                    assert!(times <= MOST);
                    self.before.fetch_add(times, Relaxed);
                    Ok(())
                }),
                most: MOST,
                once: Box::new(|| {
                    self.once.fetch_add(1, Relaxed);
                    Ok(())
                }),
                after: Box::new(|_| {
                    self.after.fetch_add(1, Relaxed);
                    Ok(())
                }),
            })
        }
    }

    #[test]
    fn each_call_was_announced_and_each_caller_tidies_up_once() {
        let manner =
            Manner { callers: 3, seconds: 0.001, clock: Clock::Wall, failures: Failures::End, tidy: true };
        let load = Counted::default();
        let calls = measure(&load, manner).unwrap();
        assert_eq!(load.before.load(Relaxed), load.once.load(Relaxed));
        assert_eq!(calls.answered as usize, load.once.load(Relaxed) - 3 * WARMING);
        assert_eq!(load.after.load(Relaxed), 3);
        assert!(calls.rate > 0.0);
    }

    #[test]
    fn more_calls_than_may_follow_one_announcement_are_made_in_batches() {
        let load = Counted::default();
        load.with_caller(&mut |mut call| call.times(2 * MOST + 1).map(|()| Calls::default())).unwrap();
        assert_eq!(load.before.load(Relaxed), 2 * MOST + 1);
        assert_eq!(load.once.load(Relaxed), 2 * MOST + 1);
    }
}
