//! How faults are made, and healed.

use crate::cluster::{Cluster, Failure};
use crate::fault::{Fault, Round, Strike, Target};
use crate::history::Recorder;
use crate::proxy::{Party, Rule};
use rustix::process::Signal;
use std::time::Duration;

/// Delays of slow links, in milliseconds: from this one on, so many.
const DELAYS: (u64, u64) = (10, 300);
/// How large a file may be on a full disk: less than so many bytes.
const FULL: u64 = 1 << 20;
/// How far a clock jumps, in seconds: from this one on, so many.
const JUMPS: (i64, i64) = (5, 3600);

/// A fault in place.
struct Struck {
    strike: Strike,
    at: usize,
}

/// Faults of one round, from when they are in place until they are healed.
pub struct Injected {
    struck: Vec<Struck>,
    /// Since when no majority can speak.
    silent_since: Option<u64>,
}

impl Injected {
    /// Makes the faults of a round; calls `tell` with a line for each before it is made.
    pub fn strike(
        cluster: &mut Cluster,
        round: &Round,
        recorder: &Recorder,
        mut tell: impl FnMut(&str),
    ) -> Result<Injected, Failure> {
        let mut struck: Vec<Struck> = Vec::new();
        let leader = cluster.leader();
        for strike in &round.strikes {
            let taken: Vec<usize> = struck.iter().map(|struck| struck.at).collect();
            let Some(at) = place(cluster, leader, *strike, &taken) else { continue };
            let who = if leader == Some(at) { "leads" } else { "follows" };
            tell(&format!("{} (place {at}, {who}): {}", cluster.name(at), described(*strike)));
            make(cluster, at, *strike)?;
            struck.push(Struck { strike: *strike, at });
        }
        let silenced = struck.iter().filter(|struck| struck.strike.fault.silences()).count();
        let is_silent = cluster.size().saturating_sub(silenced) < cluster.size() / 2 + 1;
        Ok(Injected { struck, silent_since: is_silent.then(|| recorder.now()) })
    }

    /// Heals them.
    pub fn heal(self, cluster: &mut Cluster, recorder: &Recorder) -> Result<(), Failure> {
        if let Some(since) = self.silent_since {
            recorder.silence(since);
        }
        for Struck { strike, at } in self.struck {
            undo(cluster, at, strike)?;
        }
        Ok(())
    }
}

/// Where a fault strikes.
fn place(cluster: &Cluster, leader: Option<usize>, strike: Strike, taken: &[usize]) -> Option<usize> {
    // The first node's folder has the CA's key, which invites the others.
    let replaced = |at: &usize| strike.fault != Fault::Replace || *at != 0;
    let free = (0..cluster.size()).filter(|at| !taken.contains(at)).filter(replaced);
    let (leads, follow): (Vec<usize>, Vec<usize>) = free.partition(|at| leader == Some(*at));
    match strike.target {
        Target::Leader if !leads.is_empty() => leads.first().copied(),
        Target::Leader => follow.first().copied(),
        Target::Follower(number) => follow.get(number.checked_rem(follow.len())?).copied(),
    }
}

fn delay(measure: u32) -> Duration {
    Duration::from_millis(DELAYS.0 + u64::from(measure) % DELAYS.1)
}

fn room(measure: u32) -> u64 {
    u64::from(measure) % FULL
}

fn jump(measure: u32) -> i64 {
    let far = JUMPS.0 + i64::from(measure / 2) % JUMPS.1;
    if measure.is_multiple_of(2) { far } else { -far }
}

/// What a fault is, for people.
fn described(Strike { fault, measure, .. }: Strike) -> String {
    match fault {
        Fault::Partition if without_clients(measure) => "partition, from clients too".to_owned(),
        Fault::OneWay if inwards(measure) => "one-way, is not told anything".to_owned(),
        Fault::OneWay => "one-way, can't tell anything".to_owned(),
        Fault::Slow => format!("slow, by {:?}", delay(measure)),
        Fault::Disk => format!("disk, no file beyond {} bytes", room(measure)),
        Fault::Clock => format!("clock, by {:+} s", jump(measure)),
        other => other.word().to_owned(),
    }
}

fn without_clients(measure: u32) -> bool {
    measure.is_multiple_of(3)
}

fn inwards(measure: u32) -> bool {
    measure.is_multiple_of(2)
}

fn make(cluster: &mut Cluster, at: usize, strike: Strike) -> Result<(), Failure> {
    let Strike { fault, measure, .. } = strike;
    match fault {
        Fault::Kill => cluster.kill(at),
        Fault::Restart => cluster.stop(at)?,
        Fault::Pause => cluster.signal(at, Signal::STOP)?,
        Fault::Partition | Fault::OneWay | Fault::Slow => {
            for (from, to, rule) in rules(cluster.size(), at, strike) {
                cluster.links().set(from, to, rule);
            }
        }
        Fault::Disk => cluster.limit_files(at, Some(room(measure)))?,
        Fault::Clock => cluster.step_clock(at, jump(measure))?,
        Fault::Replace => {
            let voters = cluster.size();
            cluster.await_voters(voters)?;
            cluster.remove(at)?;
        }
    }
    Ok(())
}

fn undo(cluster: &mut Cluster, at: usize, strike: Strike) -> Result<(), Failure> {
    match strike.fault {
        Fault::Kill | Fault::Restart => cluster.start(at),
        Fault::Pause => cluster.signal(at, Signal::CONT),
        Fault::Partition | Fault::OneWay | Fault::Slow => {
            for (from, to, _) in rules(cluster.size(), at, strike) {
                cluster.links().lift(from, to);
            }
            Ok(())
        }
        Fault::Disk => {
            cluster.limit_files(at, None)?;
            // A node that could not write has stopped.
            cluster.start(at)
        }
        Fault::Clock => cluster.step_clock(at, 0),
        Fault::Replace => {
            cluster.join(at)?;
            cluster.start(at)?;
            let voters = cluster.size();
            cluster.await_voters(voters)
        }
    }
}

/// The rules of links that a fault consists of.
fn rules(size: usize, at: usize, Strike { fault, measure, .. }: Strike) -> Vec<(Party, Party, Rule)> {
    let node = Party::Node(at);
    let mut others: Vec<Party> = (0..size).filter(|other| *other != at).map(Party::Node).collect();
    if fault == Fault::Partition && without_clients(measure) {
        others.push(Party::Clients);
    }
    let rule = if fault == Fault::Slow { Rule::Slow(delay(measure)) } else { Rule::Cut };
    let both = fault != Fault::OneWay;
    let mut rules = Vec::new();
    for other in others {
        if both || !inwards(measure) {
            rules.push((node, other, rule));
        }
        if both || inwards(measure) {
            rules.push((other, node, rule));
        }
    }
    rules
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strike(fault: Fault, measure: u32) -> Strike {
        Strike { fault, target: Target::Leader, measure }
    }

    #[test]
    fn a_partition_cuts_every_link_and_a_one_way_cut_half_of_them() {
        assert_eq!(rules(3, 1, strike(Fault::Partition, 1)).len(), 4);
        assert_eq!(rules(3, 1, strike(Fault::Partition, 3)).len(), 6);
        let (inward, outward) =
            (rules(3, 1, strike(Fault::OneWay, 2)), rules(3, 1, strike(Fault::OneWay, 1)));
        assert!(inward.iter().all(|(_, to, _)| *to == Party::Node(1)) && inward.len() == 2);
        assert!(outward.iter().all(|(from, ..)| *from == Party::Node(1)) && outward.len() == 2);
    }

    #[test]
    fn a_clock_jumps_both_ways() {
        assert!((0..100).any(|measure| jump(measure) > 0) && (0..100).any(|measure| jump(measure) < 0));
        assert!((0..100).all(|measure| jump(measure) != 0));
    }
}
