//! What a front may have left behind that died. The clocks of several machines need not agree, so what somebody wrote down about the time decides
//! nothing: a thing is left behind when this front itself has seen it for so long without a change, by a clock that nobody sets
//! ([`crate::clock::uptime`]).

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;
use std::time::Duration;

/// How long a record that says that something is half done is left to whoever may still be doing it.
pub const LEFT_BEHIND: Duration = Duration::from_secs(60);

/// Things of others by their names, as they were when they were seen first, and when that was.
pub struct Watch<K, V>(HashMap<K, (V, Duration)>);

impl<K, V> Default for Watch<K, V> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<K: Eq + Hash, V: PartialEq> Watch<K, V> {
    /// Since when the thing of that name has been seen as it is now: since `first` if it is new, or was another.
    pub fn since(&mut self, name: K, thing: V, first: Duration) -> Duration {
        match self.0.get(&name) {
            Some((seen, since)) if *seen == thing => *since,
            _ => {
                self.0.insert(name, (thing, first));
                first
            }
        }
    }

    /// Watches the thing of that name no more.
    pub fn forget<Q: Eq + Hash + ?Sized>(&mut self, name: &Q)
    where
        K: Borrow<Q>,
    {
        self.0.remove(name);
    }

    /// Watches only what `keep` says of the names, and since when they are watched.
    pub fn retain(&mut self, mut keep: impl FnMut(&K, Duration) -> bool) {
        self.0.retain(|name, (_, since)| keep(name, *since));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_is_watched_anew_and_what_is_forgotten_too() {
        let at = Duration::from_secs;
        let mut watch = Watch::default();
        assert_eq!(watch.since("a", 1, at(10)), at(10));
        assert_eq!(watch.since("a", 1, at(20)), at(10));
        assert_eq!(watch.since("b", 1, at(20)), at(20));
        assert_eq!(watch.since("a", 2, at(30)), at(30), "it is another now");
        assert_eq!(watch.since("a", 1, at(40)), at(40), "what it was once doesn't count");
        watch.forget("a");
        assert_eq!(watch.since("a", 1, at(50)), at(50));
        watch.retain(|name, since| *name != "b" && since == at(50));
        assert_eq!(watch.since("a", 1, at(55)), at(50));
        assert_eq!(watch.since("b", 1, at(60)), at(60));
    }
}
