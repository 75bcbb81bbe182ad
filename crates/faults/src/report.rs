//! What is told at the end of a run.

use crate::check::Breach;
use crate::history::{History, Moment, Outcome, Verdict, seconds};
use crate::run::life;
use std::collections::BTreeMap;
use std::fmt::{Display, Formatter, Result};
use std::time::Duration;

/// How many breaches are told in full.
const TOLD: usize = 5;

/// How a run went.
#[derive(Debug)]
pub struct Report {
    /// All that clients did.
    pub history: History,
    /// How many faults there were.
    pub faults: usize,
    /// The promises that were not kept.
    pub breaches: Vec<Breach>,
}

impl Report {
    /// Whether every promise was kept, by a cluster that did anything.
    pub fn is_good(&self) -> bool {
        self.breaches.is_empty() && self.served().count() > 0
    }

    /// When somebody was told something certain.
    fn served(&self) -> impl Iterator<Item = Moment> {
        let certain = |outcome: &Outcome| !matches!(outcome, Outcome::Unknown | Outcome::Refused(_));
        let operations = self.history.operations.iter().filter(move |it| certain(&it.outcome));
        operations.map(|operation| operation.returned)
    }

    /// The longest time in which nobody was told anything certain: since when, until when.
    fn longest_gap(&self) -> (Moment, Moment) {
        let mut moments: Vec<Moment> = self.served().collect();
        moments.sort_unstable();
        let gaps = moments.windows(2).map(|pair| (pair[0], pair[1]));
        gaps.max_by_key(|(from, to)| to.saturating_sub(*from)).unwrap_or_default()
    }

    /// Operations and logins by what was asked and answered.
    fn counts(&self) -> BTreeMap<(String, &'static str), usize> {
        let mut counts = BTreeMap::new();
        for operation in &self.history.operations {
            let asked = format!("{:?}", operation.action);
            let asked = asked.split(['(', ' ']).next().unwrap_or_default().to_lowercase();
            *counts.entry((asked, answer(&operation.outcome))).or_default() += 1;
        }
        for login in &self.history.logins {
            let asked = if login.right { "login" } else { "guess" };
            let answer = match login.verdict {
                Verdict::In => "let in",
                Verdict::Wrong => "wrong",
                Verdict::Locked => "locked",
                Verdict::Unknown => "unknown",
                Verdict::Refused(error) => error.name(),
            };
            *counts.entry((asked.to_owned(), answer)).or_default() += 1;
        }
        counts
    }
}

fn answer(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Done => "done",
        Outcome::Value(_) | Outcome::There(_) => "there",
        Outcome::Gone => "gone",
        Outcome::Spoilt(_) => "spoilt",
        Outcome::Unknown => "unknown",
        Outcome::Refused(error) => error.name(),
    }
}

impl Display for Report {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let History { operations, logins, silences } = &self.history;
        writeln!(
            f,
            "{} operations and {} logins under {} faults",
            operations.len(),
            logins.len(),
            self.faults
        )?;
        for ((asked, answer), count) in self.counts() {
            writeln!(f, "  {asked:<8} {answer:<28} {count:>8}")?;
        }
        let silent: Duration =
            silences.iter().map(|it| Duration::from_nanos(it.to.saturating_sub(it.from))).sum();
        let (from, to) = self.longest_gap();
        let gap = Duration::from_nanos(to.saturating_sub(from));
        let (from, to) = (seconds(from), seconds(to));
        writeln!(f, "longest time without service: {gap:.3?}, from {from} to {to} s")?;
        writeln!(f, "without a majority in all: {silent:.3?}")?;
        for breach in self.breaches.iter().take(TOLD) {
            writeln!(f, "\nBROKEN: {}\n{}", breach.promise, breach.story)?;
            if let Some(object) = breach.object {
                write!(f, "all that was done with object {object}:\n{}", life(operations, object))?;
            }
        }
        match self.breaches.len() {
            0 => write!(f, "every promise was kept"),
            count => write!(f, "\n{count} times a promise was broken"),
        }
    }
}
