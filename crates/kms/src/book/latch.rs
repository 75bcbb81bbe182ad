//! Taking turns: who reads a record to change it holds its latch until the change is made.
//!
//! In one front a mutex per name does. Between fronts, PKCS#11 has no lock and no compare-and-set, so a front claims: it makes a claim object
//! named after the record, then looks for others. A front that finds its own claim alone holds the latch; otherwise it takes its claim back
//! and tries again later. Both may step back, never can both go on: whoever's claim came later in the token's order sees the earlier one,
//! and that order also makes the holder see the last holder's changes. A claim left by a front that died is removed by a front
//! that has watched the same claim for long enough by its own clock (`claims`); a holder is done, or gives up, well before that.
//! That clock goes on while a machine sleeps, and a holder counts from before its claim was made. Before and after it writes it also looks whether the
//! claim is still there: it may have been asleep in between.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{ArcMutexGuard, Mutex, RawMutex};

use super::claims::Claim;
use super::label;
use super::records::Book;
use crate::hsm::error::{Result, Trouble};

/// How long a holder may take. It must be over well before others think it dead.
pub const HOLD: Duration = Duration::from_secs(8);

/// How long a caller waits for its turn.
const PATIENCE: Duration = Duration::from_secs(30);

/// How many may wait in this front for their turn with one name: more would keep requests about other names from being served.
const WAITING: usize = 16;

/// The names that are being changed in this front.
#[derive(Default)]
pub(super) struct Busy(Mutex<HashMap<String, Arc<Mutex<()>>>>);

impl Busy {
    /// Waits for the name's turn, as long as `patience` lasts.
    fn turn(&self, label: &str, patience: Duration) -> Result<ArcMutexGuard<RawMutex, ()>> {
        let turn = {
            let mut busy = self.0.lock();
            // Names nobody waits for or holds are forgotten.
            busy.retain(|_, turn| Arc::strong_count(turn) > 1);
            let turn = busy.entry(label.to_owned()).or_default();
            // The table has the mutex once, who holds it once, and whoever waits for it once.
            if Arc::strong_count(turn) >= WAITING.saturating_add(2) {
                return Err(Trouble::Crowded(format!("too many wait to change {label}")));
            }
            turn.clone()
        };
        turn.try_lock_arc_for(patience)
            .ok_or_else(|| Trouble::Unreachable(format!("others keep changing {label}")))
    }
}

/// The right to change a record. Given back when dropped.
pub struct Latch<'a> {
    claim: Claim<'a>,
    /// From before the claim was made, by the book's ticks.
    since: Duration,
    _turn: ArcMutexGuard<RawMutex, ()>,
}

impl Latch<'_> {
    /// Fails if others have taken this front for dead, or if so much time has passed that they may. To be asked before the change is written.
    pub fn still_held(&self) -> Result<()> {
        self.still_claimed()?;
        // Last, for asking may take long, too.
        if self.claim.book.ticks.since(self.since) > HOLD {
            return Err(Trouble::Unreachable("a change took too long".to_owned()));
        }
        Ok(())
    }

    /// Fails if others have taken this front for dead. To be asked after the change was written: it may have met another's.
    pub fn still_claimed(&self) -> Result<()> {
        if self.claim.is_there()? {
            return Ok(());
        }
        Err(Trouble::Unreachable("a change took so long that others took its place".to_owned()))
    }
}

impl Book {
    /// Waits until this front may change the record of that name.
    ///
    /// # Errors
    ///
    /// `Unreachable` when others keep it for half a minute; `Crowded` when too many wait for it already; whatever the token says.
    pub fn latch(&self, name: &str) -> Result<Latch<'_>> {
        let started = self.ticks.now();
        let turn = self.busy.turn(name, PATIENCE)?;
        let label = label::latch(name);
        loop {
            let since = self.ticks.now();
            let claim = self.claim(&label)?;
            let others = self.claims(&label, Some(claim.object))?;
            if others.is_empty() {
                self.watch(&label, &[])?;
                return Ok(Latch { claim, since, _turn: turn });
            }
            drop(claim);
            let cleared = self.watch(&label, &others)?;
            if self.ticks.since(started) > PATIENCE {
                return Err(Trouble::Unreachable(format!("others keep changing {name}")));
            }
            if cleared < others.len() {
                self.ticks.wait(self.pause()?);
            }
        }
    }

    /// A little while, drawn by chance, so that two fronts don't step back in step for ever.
    fn pause(&self) -> Result<Duration> {
        let byte = self.token().with(|session| session.generate_random_vec(1))?.first().copied().unwrap_or(0);
        Ok(Duration::from_millis(2 + u64::from(byte) / 8))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_waited_long_enough_is_told_so_whatever_it_waited_for() {
        let busy = Busy::default();
        let held = busy.turn("a", Duration::ZERO).unwrap();
        assert!(matches!(busy.turn("a", Duration::ZERO), Err(Trouble::Unreachable(_))));
        drop(busy.turn("b", Duration::ZERO).unwrap());
        drop(held);
        drop(busy.turn("a", Duration::ZERO).unwrap());
    }

    #[test]
    fn only_so_many_wait_for_one_name_and_others_are_free() {
        let busy = Busy::default();
        let held = busy.turn("a", PATIENCE).unwrap();
        std::thread::scope(|scope| {
            for _ in 0..WAITING {
                scope.spawn(|| busy.turn("a", PATIENCE).map(drop).unwrap());
            }
            while busy.0.lock().get("a").map_or(0, Arc::strong_count) < WAITING + 2 {
                std::thread::yield_now();
            }
            assert!(matches!(busy.turn("a", PATIENCE), Err(Trouble::Crowded(_))));
            drop(busy.turn("b", PATIENCE).unwrap());
            drop(held);
        });
        drop(busy.turn("a", PATIENCE).unwrap());
    }
}
