//! How the nodes stand, and so which to ask.
//!
//! The healthy node with the fewest calls of this process under way; among those, a near one; among those, the one that this process drew first
//! when it began. So a process with one thread keeps to one node, the threads of one process are spread over the nodes, and so are processes.

use crate::crypto;
use parking_lot::Mutex;
use std::cmp::Reverse;
use std::time::{Duration, Instant};

/// How long a node that says it can't serve is tried after the others: it may be choosing a leader.
const REFUSED: Duration = Duration::from_millis(500);
/// How long a node that has failed is tried last: at first, and at most. Each failure more doubles it.
const FAILED: Duration = Duration::from_secs(5);
const FAILED_MOST: Duration = Duration::from_secs(60);
/// Calls answered before it pays to find out how far the other nodes are.
const SETTLED: usize = 16;
/// How long a distance is right.
const MEASURED: Duration = Duration::from_secs(300);
/// Distances below this are alike: noise on one network.
const ALIKE: Duration = Duration::from_micros(250);

/// All nodes, in the order of the configuration.
pub(super) struct Standings(Mutex<All>);

struct All {
    nodes: Vec<Standing>,
    /// Calls answered, by all of them.
    answered: usize,
}

struct Standing {
    /// Drawn at random, each another number: the lowest goes first.
    lot: usize,
    /// Calls of this process under way.
    calls: usize,
    /// Time of a round trip, smoothed, and when it was last measured.
    distance: Option<(Duration, Instant)>,
    trouble: Option<Trouble>,
}

/// Why a node is not asked first.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Trouble {
    /// It has said that it can't serve now.
    Refused { until: Instant },
    /// It could not be reached, or has not answered.
    Failed { until: Instant, times: u32 },
}

/// How near a node is, as the choice sees it: the lower the better.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Nearness {
    /// Nobody knows, and it is worth a try.
    Wanted,
    /// As near as the nearest, or nearly so.
    Near,
    Far(Duration),
}

/// One call at one node.
pub(super) struct Turn<'a> {
    standings: &'a Standings,
    /// Its place in the configuration.
    pub node: usize,
    /// Whether it should be asked if it is there before it is trusted with a call.
    pub unsure: bool,
    /// Whether it failed, and this call is to find out if it still does.
    on_trial: bool,
}

impl Standings {
    /// So many nodes, of which nothing is known yet; their lots are drawn.
    pub fn drawn(nodes: usize) -> Self {
        Standings::with_lots(shuffled(nodes))
    }

    /// The same with these lots, each another number.
    pub fn with_lots(lots: Vec<usize>) -> Self {
        let standing = |lot| Standing { lot, calls: 0, distance: None, trouble: None };
        let nodes = lots.into_iter().map(standing).collect();
        Standings(Mutex::new(All { nodes, answered: 0 }))
    }

    /// The best node that has not been `tried`, by place in the configuration; it counts as busy until the answer is dropped.
    pub fn choose(&self, tried: &[bool]) -> Option<Turn<'_>> {
        let now = Instant::now();
        let mut all = self.0.lock();
        let nearest = all.nearest(now);
        let untried = (0..all.nodes.len()).filter(|node| tried.get(*node) != Some(&true));
        let rank = |node: &usize| {
            let standing = &all.nodes[*node];
            let nearness = all.nearness(standing, nearest, now);
            (standing.rank(now), standing.calls, nearness, standing.lot)
        };
        let node = untried.min_by_key(rank)?;
        let wanted = all.nearness(&all.nodes[node], nearest, now) == Nearness::Wanted;
        let standing = &mut all.nodes[node];
        standing.calls = standing.calls.saturating_add(1);
        let has_failed = matches!(standing.trouble, Some(Trouble::Failed { .. }));
        let on_trial = standing.claim(now);
        Some(Turn { standings: self, node, unsure: wanted || has_failed, on_trial })
    }
}

impl All {
    /// The least distance of those that may be asked.
    fn nearest(&self, now: Instant) -> Option<Duration> {
        let healthy = self.nodes.iter().filter(|standing| standing.rank(now) == 0);
        healthy.filter_map(|standing| standing.distance(now)).min()
    }

    fn nearness(&self, standing: &Standing, nearest: Option<Duration>, now: Instant) -> Nearness {
        match (standing.distance(now), nearest) {
            (None, _) if self.answered >= SETTLED => Nearness::Wanted,
            (Some(distance), Some(nearest)) if distance > nearest.max(ALIKE).saturating_mul(2) => {
                Nearness::Far(distance)
            }
            _ => Nearness::Near,
        }
    }
}

impl Standing {
    /// 0: healthy. 1: it may serve again at any time. 2: there is little hope.
    fn rank(&self, now: Instant) -> u8 {
        match self.trouble {
            Some(Trouble::Refused { until }) if now < until => 1,
            Some(Trouble::Failed { until, .. }) if now < until => 2,
            _ => 0,
        }
    }

    fn distance(&self, now: Instant) -> Option<Duration> {
        let (distance, when) = self.distance?;
        (now.saturating_duration_since(when) < MEASURED).then_some(distance)
    }

    /// Whether it failed and its time is over: then it is tried by one call, and last by others until that one knows.
    fn claim(&mut self, now: Instant) -> bool {
        match &mut self.trouble {
            Some(Trouble::Failed { until, .. }) if *until <= now => {
                *until = now + FAILED;
                true
            }
            _ => false,
        }
    }
}

impl Turn<'_> {
    /// It has answered.
    pub fn served(&self) {
        self.with(|all, node| {
            all.answered = all.answered.saturating_add(1);
            all.nodes[node].trouble = None;
        });
    }

    /// It has said that it can't serve now. Whether that is news.
    pub fn refused(&self) -> bool {
        let until = Instant::now() + REFUSED;
        self.with(|all, node| {
            let before = all.nodes[node].trouble.replace(Trouble::Refused { until });
            !matches!(before, Some(Trouble::Refused { .. }))
        })
    }

    /// It could not be reached, or has not answered. Whether that is news.
    pub fn failed(&self) -> bool {
        let now = Instant::now();
        self.with(|all, node| {
            let trouble = &mut all.nodes[node].trouble;
            let times = match *trouble {
                // It is tried only because all others have failed too.
                Some(Trouble::Failed { .. }) if !self.on_trial => return false,
                Some(Trouble::Failed { times, .. }) => times.saturating_add(1),
                _ => 1,
            };
            let lasting = FAILED.saturating_mul(1 << (times - 1).min(8)).min(FAILED_MOST);
            *trouble = Some(Trouble::Failed { until: now + lasting, times });
            times == 1
        })
    }

    /// A round trip has taken so long.
    pub fn measured(&self, time: Duration) {
        let now = Instant::now();
        self.with(|all, node| {
            let standing = &mut all.nodes[node];
            let smoothed = standing.distance(now).map_or(time, |old| (old * 3).saturating_add(time) / 4);
            standing.distance = Some((smoothed, now));
        });
    }

    fn with<T>(&self, change: impl FnOnce(&mut All, usize) -> T) -> T {
        change(&mut self.standings.0.lock(), self.node)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.with(|all, node| all.nodes[node].calls = all.nodes[node].calls.saturating_sub(1));
    }
}

/// 0 up to `count` in an order drawn anew in each process, also after a fork. Without random numbers they stay in order.
fn shuffled(count: usize) -> Vec<usize> {
    let draw = |_| {
        let mut bytes = [0; 8];
        crypto::random(&mut bytes).map_or(0, |()| u64::from_ne_bytes(bytes))
    };
    let drawn: Vec<u64> = (0..count).map(draw).collect();
    let mut order: Vec<usize> = (0..count).collect();
    order.sort_by_key(|at| Reverse(drawn[*at]));
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: [bool; 3] = [false; 3];

    fn three() -> Standings {
        Standings::with_lots(vec![0, 1, 2])
    }

    /// The order in which one call would try all.
    fn order(standings: &Standings) -> Vec<usize> {
        let mut tried = NONE;
        let next = || {
            let node = standings.choose(&tried)?.node;
            tried[node] = true;
            Some(node)
        };
        std::iter::from_fn(next).collect()
    }

    fn turn(standings: &Standings, node: usize) -> Turn<'_> {
        let mut tried = [true; 3];
        tried[node] = false;
        standings.choose(&tried).unwrap()
    }

    #[test]
    fn one_caller_keeps_to_one_node_and_several_are_spread() {
        let standings = three();
        assert_eq!((order(&standings), order(&standings)), (vec![0, 1, 2], vec![0, 1, 2]));
        let turns: Vec<Turn<'_>> = (0..7).map(|_| standings.choose(&NONE).unwrap()).collect();
        let nodes: Vec<usize> = turns.iter().map(|turn| turn.node).collect();
        assert_eq!(nodes, [0, 1, 2, 0, 1, 2, 0]);
        drop(turns);
        assert_eq!(order(&standings), [0, 1, 2]);
    }

    #[test]
    fn each_process_draws_an_order_of_its_own() {
        let mut lots = shuffled(5);
        assert!((0..1000).any(|_| shuffled(5) != lots));
        lots.sort_unstable();
        assert_eq!(lots, [0, 1, 2, 3, 4]);
    }

    #[test]
    fn what_refuses_is_tried_after_the_healthy_and_what_failed_last() {
        let standings = three();
        assert!(turn(&standings, 0).failed());
        assert!(turn(&standings, 1).refused());
        assert_eq!(order(&standings), [2, 1, 0]);
        assert!(!turn(&standings, 0).failed() && !turn(&standings, 1).refused(), "old news");
        turn(&standings, 0).served();
        assert_eq!(order(&standings), [0, 2, 1]);
    }

    #[test]
    fn a_node_that_failed_is_asked_whether_it_is_there_before_it_gets_a_call() {
        let standings = three();
        assert!(!turn(&standings, 0).unsure);
        turn(&standings, 0).failed();
        assert!(turn(&standings, 0).unsure);
        turn(&standings, 0).served();
        assert!(!turn(&standings, 0).unsure);
        turn(&standings, 0).refused();
        assert!(!turn(&standings, 0).unsure, "it has answered");
    }

    #[test]
    fn a_node_whose_time_is_over_is_tried_by_one_call_first() {
        let standings = three();
        let past = Instant::now();
        standings.0.lock().nodes[0].trouble = Some(Trouble::Failed { until: past, times: 1 });
        let first = standings.choose(&NONE).unwrap();
        assert!(first.node == 0 && first.unsure);
        drop(first);
        assert_eq!(order(&standings), [1, 2, 0], "others keep away until it has served");
    }

    #[test]
    fn a_node_that_stays_away_is_tried_ever_more_rarely_and_one_failure_counts_once() {
        let standings = three();
        let away = |times| Some(Trouble::Failed { until: Instant::now(), times });
        let (first, second) = (turn(&standings, 0), turn(&standings, 0));
        assert!(first.failed() && !second.failed());
        assert!(matches!(standings.0.lock().nodes[0].trouble, Some(Trouble::Failed { times: 1, .. })));
        for (times, seconds) in [(1, 10), (2, 20), (3, 40), (4, 60), (u32::MAX, 60)] {
            standings.0.lock().nodes[0].trouble = away(times);
            let before = Instant::now();
            assert!(!turn(&standings, 0).failed());
            let Some(Trouble::Failed { until, .. }) = standings.0.lock().nodes[0].trouble else {
                panic!("it is trusted")
            };
            assert!(until >= before + Duration::from_secs(seconds), "{times}");
        }
    }

    #[test]
    fn the_near_are_asked_before_the_far_and_noise_is_no_distance() {
        let standings = three();
        for (node, micros) in [(0, 5_000), (1, 400), (2, 10)] {
            turn(&standings, node).measured(Duration::from_micros(micros));
        }
        assert_eq!(order(&standings), [1, 2, 0]);
    }

    #[test]
    fn a_busy_near_node_is_passed_over_for_a_far_one() {
        let standings = three();
        turn(&standings, 2).measured(Duration::from_secs(1));
        let _busy = [turn(&standings, 0), turn(&standings, 1)];
        assert_eq!(standings.choose(&NONE).unwrap().node, 2);
    }

    #[test]
    fn who_has_asked_often_finds_out_how_far_each_node_is() {
        let standings = three();
        turn(&standings, 0).measured(ALIKE);
        for _ in 0..SETTLED {
            let turn = standings.choose(&NONE).unwrap();
            assert!(turn.node == 0 && !turn.unsure);
            turn.served();
        }
        for node in [1, 2] {
            let turn = standings.choose(&NONE).unwrap();
            assert!(turn.node == node && turn.unsure);
            turn.measured(ALIKE);
        }
        assert_eq!(order(&standings), [0, 1, 2]);
    }

    #[test]
    fn distances_are_smoothed() {
        let standings = three();
        for millis in [4, 8] {
            turn(&standings, 0).measured(Duration::from_millis(millis));
        }
        let distance = standings.0.lock().nodes[0].distance.unwrap().0;
        assert_eq!(distance, Duration::from_millis(5));
    }
}
