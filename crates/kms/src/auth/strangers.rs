//! Access keys that were just looked for in vain: for a moment they are not looked for again, so that who makes them up keeps no HSM busy.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// How long an access key stays unknown: a new one works after that at the latest.
const REMEMBERED: Duration = Duration::from_secs(1);

/// How many are remembered; the oldest make room.
const AT_MOST: usize = 1024;

/// The unknown access keys of the last moment.
#[derive(Default)]
pub struct Strangers(Mutex<Remembered>);

#[derive(Default)]
struct Remembered {
    until: HashMap<String, Instant>,
    /// In the order in which they came.
    order: VecDeque<String>,
}

impl Strangers {
    /// Whether the access key was looked for in vain less than a second before `now`.
    pub fn knows(&self, access_key: &str, now: Instant) -> bool {
        self.0.lock().until.get(access_key).is_some_and(|until| now < *until)
    }

    /// Remembers an access key that was looked for in vain.
    pub fn note(&self, access_key: &str, now: Instant) {
        let mut remembered = self.0.lock();
        let until = now.checked_add(REMEMBERED).unwrap_or(now);
        if remembered.until.insert(access_key.to_owned(), until).is_none() {
            remembered.order.push_back(access_key.to_owned());
        }
        if remembered.order.len() > AT_MOST
            && let Some(oldest) = remembered.order.pop_front()
        {
            remembered.until.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn k42_an_unknown_access_key_is_unknown_for_a_second() {
        let (strangers, now) = (Strangers::default(), Instant::now());
        assert!(!strangers.knows("AKIDMALLORY", now));
        strangers.note("AKIDMALLORY", now);
        assert!(strangers.knows("AKIDMALLORY", now) && !strangers.knows("AKIDALICE", now));
        assert!(!strangers.knows("AKIDMALLORY", now + REMEMBERED));
        strangers.note("AKIDMALLORY", now + REMEMBERED);
        assert!(strangers.knows("AKIDMALLORY", now + REMEMBERED));
    }

    #[test]
    fn k42_made_up_access_keys_take_no_more_room_than_they_are_given() {
        let (strangers, now) = (Strangers::default(), Instant::now());
        for number in 0..3 * AT_MOST {
            strangers.note(&format!("AKID{number}"), now);
        }
        let remembered = strangers.0.lock();
        assert_eq!((remembered.until.len(), remembered.order.len()), (AT_MOST, AT_MOST));
        assert!(remembered.until.contains_key(&format!("AKID{}", 3 * AT_MOST - 1)));
    }
}
