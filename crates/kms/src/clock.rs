//! What time it is for keys: schedules, expiries and dates. Tests may move it; signatures are always judged by the real time.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize, Serializer};

/// A point in time, in milliseconds since 1970. Records keep it as that whole number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Moment(pub i64);

/// One day, in milliseconds.
pub const DAY: i64 = 24 * 60 * 60 * 1000;

impl Moment {
    /// The moment this many milliseconds later (or earlier).
    pub fn plus(self, milliseconds: i64) -> Self {
        Self(self.0.saturating_add(milliseconds))
    }

    /// What the API calls a timestamp: seconds since 1970, with fractions.
    pub fn seconds(self) -> f64 {
        self.0 as f64 / 1000.0
    }

    /// From the API's timestamp; what doesn't fit ends at the edges.
    pub fn from_seconds(seconds: f64) -> Self {
        Self((seconds * 1000.0) as i64)
    }

    /// The real time.
    pub fn real() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }
}

/// For answers: writes a moment as the API's timestamp.
pub fn as_seconds<S: Serializer>(moment: &Moment, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(moment.seconds())
}

/// For answers: the same where there may be none.
pub fn as_seconds_if_any<S: Serializer>(moment: &Option<Moment>, serializer: S) -> Result<S::Ok, S::Error> {
    match moment {
        Some(moment) => serializer.serialize_f64(moment.seconds()),
        None => serializer.serialize_none(),
    }
}

/// How long this machine has been up, its sleep included: nobody sets this clock, and a machine that was suspended knows how long. What others on
/// other machines may have done meanwhile is judged by it.
pub fn uptime() -> Duration {
    // It doesn't run backwards, and begins at nought.
    clock_gettime(ClockId::Boottime).try_into().unwrap_or_default()
}

/// How long ago that moment of [`uptime`] was.
pub fn elapsed(since: Duration) -> Duration {
    uptime().saturating_sub(since)
}

/// What those go by that wait for others: [`uptime`] and sleep. Or, in a test, a time that goes on only when somebody waits.
#[derive(Debug, Default)]
pub enum Ticks {
    /// The machine's.
    #[default]
    Real,
    /// A test's: where it stands, in milliseconds.
    Driven(AtomicU64),
}

/// By how much a wait, however short, moves a driven time on, in milliseconds.
const STEP: u64 = 100;

impl Ticks {
    /// Where the time stands.
    pub fn now(&self) -> Duration {
        match self {
            Self::Real => uptime(),
            Self::Driven(now) => Duration::from_millis(now.load(Ordering::SeqCst)),
        }
    }

    /// How long ago that moment of [`Ticks::now`] was.
    pub fn since(&self, moment: Duration) -> Duration {
        self.now().saturating_sub(moment)
    }

    /// Waits for a while.
    pub fn wait(&self, pause: Duration) {
        match self {
            Self::Real => std::thread::sleep(pause),
            Self::Driven(now) => {
                now.fetch_add(STEP, Ordering::SeqCst);
            }
        }
    }
}

/// The real time, and how far a test has moved it.
#[derive(Debug, Default)]
pub struct Clock {
    moved: AtomicI64,
}

impl Clock {
    /// Now, as keys see it.
    pub fn now(&self) -> Moment {
        Moment::real().plus(self.moved.load(Ordering::SeqCst))
    }

    /// How far a test has moved it.
    pub fn moved(&self) -> Duration {
        Duration::from_millis(u64::try_from(self.moved.load(Ordering::SeqCst)).unwrap_or(0))
    }

    /// [`uptime`], as far on as a test has moved the time.
    pub fn uptime(&self) -> Duration {
        uptime().saturating_add(self.moved())
    }

    /// Moves the time on by so many milliseconds, for good. Only a front whose settings allow it calls this.
    pub fn advance(&self, milliseconds: i64) {
        self.moved.fetch_add(milliseconds, Ordering::SeqCst);
    }
}
