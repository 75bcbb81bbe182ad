//! What has been said lately, so that a trouble that every call meets is one line and not one for each call.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Lines kept at most.
const MOST: usize = 32;

/// How long a line is old news: whoever reads the log of a day should see that the trouble lasts, or has come back.
const OLD_NEWS: Duration = Duration::from_secs(600);

/// The last lines that were said, the oldest first.
pub(super) struct Told(VecDeque<(String, Instant)>);

impl Told {
    /// Nothing has been said.
    pub const fn new() -> Self {
        Told(VecDeque::new())
    }

    /// Whether to say `line` at the time `now`; if so it is taken as said.
    pub fn is_news(&mut self, line: &str, now: Instant) -> bool {
        self.0.retain(|(_, said)| now.saturating_duration_since(*said) < OLD_NEWS);
        if self.0.iter().any(|(told, _)| told == line) {
            return false;
        }
        if self.0.len() == MOST {
            self.0.pop_front();
        }
        self.0.push_back((line.to_owned(), now));
        true
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_news_once_until_it_changes_or_time_has_passed() {
        let start = Instant::now();
        let mut told = Told::new();
        assert!(told.is_news("a: full", start));
        assert!(told.is_news("b: full", start));
        assert!(!told.is_news("a: full", start + OLD_NEWS / 2));
        assert!(told.is_news("a: gone", start + OLD_NEWS / 2), "a change");
        assert!(told.is_news("a: full", start + OLD_NEWS), "it lasts");
        assert!(!told.is_news("a: gone", start + OLD_NEWS));
        told.clear();
        assert!(told.is_news("a: full", start + OLD_NEWS));
    }

    #[test]
    fn the_memory_is_bounded() {
        let now = Instant::now();
        let mut told = Told::new();
        assert!((0..10 * MOST).all(|number| told.is_news(&number.to_string(), now)));
        assert_eq!(told.0.len(), MOST);
        assert!(!told.is_news(&(10 * MOST - 1).to_string(), now));
    }
}
