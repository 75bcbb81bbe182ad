//! Which peers answer, as the log tells it: one line when a peer has fallen silent, and one when it answers again.

use super::message::Refusal;
use super::types::{Node, NodeId};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// How long a peer may fail to answer before that is worth a line: a slow disk makes calls late now and then.
const LATE: Duration = Duration::from_secs(1);

/// What is known of each peer that was called.
#[derive(Default)]
pub(crate) struct Reach(Mutex<HashMap<NodeId, Known>>);

struct Known {
    /// The last answer, or else the first call.
    heard: Instant,
    silent: bool,
    /// The refusal told last, until it answers otherwise.
    refusal: Option<Refusal>,
}

/// A call on its way. Dropped, it counts as one that was not answered in time.
pub(crate) struct Asked<'a> {
    reach: &'a Reach,
    id: NodeId,
    name: &'a str,
    is_over: bool,
}

impl Reach {
    /// A peer is called.
    pub(crate) fn ask<'a>(&'a self, id: NodeId, node: &'a Node) -> Asked<'a> {
        self.known(id, |_| ());
        Asked { reach: self, id, name: &node.name, is_over: false }
    }

    fn known<T>(&self, id: NodeId, with: impl FnOnce(&mut Known) -> T) -> T {
        let mut all = self.0.lock();
        with(all.entry(id).or_insert_with(|| Known { heard: Instant::now(), silent: false, refusal: None }))
    }

    /// Whether that is news: the peer did not answer, and has not for long.
    fn falls_silent(&self, id: NodeId, now: Instant) -> bool {
        self.known(id, |known| {
            let is_news = !known.silent && now.duration_since(known.heard) > LATE;
            known.silent |= is_news;
            is_news
        })
    }

    /// Whether each is news: that the peer answers, and that it refuses.
    fn answers(&self, id: NodeId, now: Instant, refusal: Option<&Refusal>) -> (bool, bool) {
        self.known(id, |known| {
            known.heard = now;
            let is_new = refusal.is_some() && known.refusal.as_ref() != refusal;
            known.refusal = refusal.cloned();
            (std::mem::take(&mut known.silent), is_new)
        })
    }
}

impl Asked<'_> {
    /// It has answered, if only with a refusal.
    pub(crate) fn answered(mut self, refusal: Option<&Refusal>) {
        self.is_over = true;
        let (is_back, is_refused) = self.reach.answers(self.id, Instant::now(), refusal);
        let (peer, name) = (format_args!("{:016x}", self.id), self.name);
        if is_back {
            tracing::info!(%peer, "{name} answers again");
        }
        if let (true, Some(refusal)) = (is_refused, refusal) {
            tracing::warn!(%peer, "{name} refuses: {refusal}");
        }
    }

    /// It has not, for this reason.
    pub(crate) fn failed(mut self, why: &dyn std::fmt::Display) {
        self.fail(why);
    }

    fn fail(&mut self, why: &dyn std::fmt::Display) {
        self.is_over = true;
        if self.reach.falls_silent(self.id, Instant::now()) {
            tracing::warn!(peer = %format_args!("{:016x}", self.id), "{} does not answer: {why}", self.name);
        }
    }
}

impl Drop for Asked<'_> {
    fn drop(&mut self) {
        if !self.is_over {
            self.fail(&"it takes too long");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_and_its_end_are_news_once() {
        let (reach, start) = (Reach::default(), Instant::now());
        reach.known(1, |_| ());
        assert!(!reach.falls_silent(1, start), "it may only be late");
        assert!(reach.falls_silent(1, start + LATE * 3));
        assert!(!reach.falls_silent(1, start + LATE * 4));
        assert_eq!(reach.answers(1, start + LATE * 5, None), (true, false));
        assert_eq!(reach.answers(1, start + LATE * 6, None), (false, false));
        assert!(!reach.falls_silent(1, start + LATE * 6));
    }

    #[test]
    fn a_refusal_is_news_until_something_else_is_answered() {
        let (reach, now) = (Reach::default(), Instant::now());
        assert_eq!(reach.answers(1, now, Some(&Refusal::Stopped)), (false, true));
        assert_eq!(reach.answers(1, now, Some(&Refusal::Stopped)), (false, false));
        assert_eq!(reach.answers(1, now, Some(&Refusal::NoQuorum)), (false, true));
        assert_eq!(reach.answers(1, now, None), (false, false));
        assert_eq!(reach.answers(1, now, Some(&Refusal::NoQuorum)), (false, true));
    }
}
