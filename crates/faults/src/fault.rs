//! What is to go wrong: rounds of faults, drawn from a seed.

use fastrand::Rng;
use std::ops::Range;
use std::time::Duration;

/// A kind of fault, on one node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// `SIGKILL`; begun again when it is healed.
    Kill,
    /// `SIGTERM`; begun again when it is healed.
    Restart,
    /// `SIGSTOP`, then `SIGCONT`.
    Pause,
    /// No link to and from other nodes; sometimes none to clients either.
    Partition,
    /// Links that carry in one direction only.
    OneWay,
    /// Links that take long.
    Slow,
    /// Files that can't grow.
    Disk,
    /// A clock that jumps, and back.
    Clock,
    /// The node leaves the cluster, and a new one comes in its place.
    Replace,
}

/// A kind of fault by its word, and how often it comes.
pub const KINDS: &[(&str, Fault, usize)] = &[
    ("kill", Fault::Kill, 4),
    ("restart", Fault::Restart, 2),
    ("pause", Fault::Pause, 4),
    ("partition", Fault::Partition, 4),
    ("one-way", Fault::OneWay, 3),
    ("slow", Fault::Slow, 2),
    ("disk", Fault::Disk, 2),
    ("clock", Fault::Clock, 2),
    ("replace", Fault::Replace, 2),
];

impl Fault {
    /// The fault of that word.
    pub fn named(word: &str) -> Option<Fault> {
        KINDS.iter().find(|(name, ..)| *name == word).map(|(_, fault, _)| *fault)
    }

    /// Its word.
    pub fn word(self) -> &'static str {
        KINDS.iter().find(|(_, fault, _)| *fault == self).map_or("", |(name, ..)| name)
    }

    /// Whether the node has no part in any majority meanwhile.
    pub fn silences(self) -> bool {
        matches!(self, Fault::Kill | Fault::Restart | Fault::Pause | Fault::Partition)
    }
}

/// Whom a fault strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// Whoever leads then.
    Leader,
    /// One of the others, by a number that is reduced to how many there are.
    Follower(usize),
}

/// One fault to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Strike {
    /// What.
    pub fault: Fault,
    /// Whom.
    pub target: Target,
    /// Decides what else there is to decide: directions, delays, sizes.
    pub measure: u32,
}

/// Faults that come and are healed together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Round {
    /// How long all is well before.
    pub calm: Duration,
    /// One, or sometimes two: with three nodes, that can be one too many.
    pub strikes: Vec<Strike>,
    /// How long they last.
    pub lasting: Duration,
}

const CALM: Range<u64> = 500..3000;
const LASTING: Range<u64> = 500..6000;
/// One round in so many has two faults.
const DOUBLE: usize = 5;

/// Rounds without end.
pub struct Schedule {
    random: Rng,
    /// Each fault as often as it is to come.
    faults: Vec<Fault>,
}

impl Schedule {
    /// The rounds of a seed, of these faults; `None` without any.
    pub fn new(seed: u64, faults: &[Fault]) -> Option<Schedule> {
        let times = |(_, fault, times): &(&str, Fault, usize)| std::iter::repeat_n(*fault, *times);
        let faults: Vec<Fault> =
            KINDS.iter().filter(|(_, fault, _)| faults.contains(fault)).flat_map(times).collect();
        (!faults.is_empty()).then(|| Schedule { random: Rng::with_seed(seed), faults })
    }

    fn strike(&mut self) -> Strike {
        let Schedule { random, faults } = self;
        let fault = faults[random.usize(..faults.len())];
        let follower = random.usize(..);
        let target = if random.bool() { Target::Leader } else { Target::Follower(follower) };
        Strike { fault, target, measure: random.u32(..) }
    }
}

impl Iterator for Schedule {
    type Item = Round;

    fn next(&mut self) -> Option<Round> {
        let calm = Duration::from_millis(self.random.u64(CALM));
        let lasting = Duration::from_millis(self.random.u64(LASTING));
        let is_double = self.random.usize(..DOUBLE) == 0;
        let mut strikes = vec![self.strike(), self.strike()];
        // Members change one at a time, and while a majority is well.
        let replaces = strikes.iter().any(|strike| strike.fault == Fault::Replace);
        if !is_double || replaces {
            strikes.truncate(1);
        }
        Some(Round { calm, strikes, lasting })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> Vec<Fault> {
        KINDS.iter().map(|(_, fault, _)| *fault).collect()
    }

    #[test]
    fn a_seed_draws_the_same_again() {
        let rounds = |seed| Schedule::new(seed, &all()).unwrap().take(200).collect::<Vec<_>>();
        assert_eq!(rounds(7), rounds(7));
        assert_ne!(rounds(7), rounds(8));
    }

    #[test]
    fn every_fault_comes_and_most_rounds_leave_a_majority() {
        let rounds: Vec<Round> = Schedule::new(1, &all()).unwrap().take(500).collect();
        for fault in all() {
            assert!(rounds.iter().any(|round| round.strikes.iter().any(|strike| strike.fault == fault)));
            assert_eq!(Fault::named(fault.word()), Some(fault));
        }
        let doubles = rounds.iter().filter(|round| round.strikes.len() > 1).count();
        assert!((25..175).contains(&doubles), "{doubles}");
    }

    #[test]
    fn only_what_is_asked_for_comes() {
        let mut rounds = Schedule::new(1, &[Fault::Kill]).unwrap().take(50);
        assert!(rounds.all(|round| round.strikes.iter().all(|strike| strike.fault == Fault::Kill)));
        assert!(Schedule::new(1, &[]).is_none());
    }
}
