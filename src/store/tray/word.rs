//! What stands in the word of each place of a tray: what has become of what lies there, and since when it is whose.

/// What has become of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Nobody's.
    Free,
    /// Somebody puts something there, or takes it back.
    Held,
    /// It lies there for whoever writes next.
    Left,
    /// Who has left it is to write next.
    Called,
    /// It is in a transaction that is open, or just was.
    Taken,
    /// It is committed, and not yet on the disk as far as who has taken it knows.
    Committed,
    /// It is on the disk.
    Done,
    /// Who has left it is to do it.
    Refused,
    /// It may be committed or not: the store could not be asked.
    Unknown,
}

const STATES: [State; 9] = [
    State::Free,
    State::Held,
    State::Left,
    State::Called,
    State::Taken,
    State::Committed,
    State::Done,
    State::Refused,
    State::Unknown,
];

/// Bits of the state, lowest.
const STATE_BITS: u32 = 8;
/// Bits of the count of claims, next.
const COUNT_BITS: u32 = 16;
/// Bits of the time, the others.
const TIME_BITS: u32 = 64 - STATE_BITS - COUNT_BITS;

/// A place's word: its state, and the claim, which tells one use of the place from all others for years.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Word(pub(super) u64);

impl Word {
    /// The state, if it is one.
    pub(super) fn state(self) -> Option<State> {
        let number = usize::try_from(self.0 & ((1 << STATE_BITS) - 1)).ok()?;
        STATES.get(number).copied()
    }

    /// The same claim in another state.
    pub(super) fn with(self, state: State) -> Word {
        Word(self.claim() << STATE_BITS | state as u64)
    }

    /// The claim.
    pub(super) fn claim(self) -> u64 {
        self.0 >> STATE_BITS
    }

    /// The next claim on the place, made now.
    pub(super) fn claimed(self, now: u64) -> Word {
        let count = (self.claim().wrapping_add(1)) & ((1 << COUNT_BITS) - 1);
        Word((cut(now) << COUNT_BITS | count) << STATE_BITS | State::Held as u64)
    }

    /// Milliseconds between the claim and now, whichever comes first: a machine's clock begins anew with it.
    pub(super) fn age(self, now: u64) -> u64 {
        age(self.claim(), now)
    }
}

/// The age of a claim, as [`Word::age`] has it.
pub(super) fn age(claim: u64, now: u64) -> u64 {
    cut(now).abs_diff(claim >> COUNT_BITS)
}

fn cut(time: u64) -> u64 {
    time & ((1 << TIME_BITS) - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_keeps_its_claim_through_all_states_and_no_two_claims_are_alike() {
        let word = Word(0).claimed(7);
        assert_eq!((Word(0).state(), word.state()), (Some(State::Free), Some(State::Held)));
        for state in STATES {
            assert_eq!((word.with(state).state(), word.with(state).claim()), (Some(state), word.claim()));
        }
        assert_ne!(word.claimed(7).claim(), word.claim());
        assert_ne!(word.claimed(8).claim(), word.claimed(7).claim());
        assert_eq!(Word(0xff).state(), None);
    }

    #[test]
    fn a_claim_is_as_old_as_the_time_since_it_even_if_the_clock_has_begun_anew() {
        let word = Word(0).claimed(1_000_000);
        assert_eq!((word.age(1_000_500), word.age(10)), (500, 999_990));
        assert_eq!(Word(0).claimed(u64::MAX).age(u64::MAX), 0);
    }
}
