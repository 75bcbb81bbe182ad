//! What failed a moment ago.

use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::error::{Result, Trouble};

/// How long nobody asks again. A library may take seconds to find that an HSM is away; all who waited meanwhile get that answer, instead of
/// finding it out one after the other.
const MOMENT: Duration = Duration::from_millis(250);

/// The last time that an HSM was found to be away.
#[derive(Default)]
pub struct Lately(Mutex<Option<(Instant, Trouble)>>);

impl Lately {
    /// The trouble of a moment ago, if there was one.
    pub fn check(&self) -> Result<()> {
        match &*self.0.lock() {
            Some((when, trouble)) if when.elapsed() < MOMENT => Err(trouble.clone()),
            _ => Ok(()),
        }
    }

    /// Remembers trouble that passes.
    pub fn note(&self, trouble: &Trouble) {
        if trouble.is_passing() {
            *self.0.lock() = Some((Instant::now(), trouble.clone()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_passes_is_remembered_and_not_for_long() {
        let lately = Lately::default();
        lately.note(&Trouble::WrongPin);
        assert_eq!(lately.check(), Ok(()));
        let away = Trouble::Unreachable("away".to_owned());
        *lately.0.lock() = Instant::now().checked_sub(MOMENT).map(|when| (when, away.clone()));
        assert_eq!(lately.check(), Ok(()));
        *lately.0.lock() = Instant::now().checked_add(MOMENT).map(|when| (when, away.clone()));
        assert_eq!(lately.check(), Err(away));
    }
}
