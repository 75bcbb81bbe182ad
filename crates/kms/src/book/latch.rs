//! Taking turns: who reads a record to change it holds its latch until the change is made.
//!
//! In one front a mutex per name does. Between fronts, PKCS#11 has no lock and no compare-and-set, so a front claims: it makes a claim object
//! named after the record, then looks for others. A front that finds its own claim alone holds the latch; otherwise it takes its claim back
//! and tries again later. Both may step back, never can both go on: whoever's claim came later in the token's order sees the earlier one,
//! and that order also makes the holder see the last holder's changes. A claim left by a front that died is removed by
//! whoever has watched the same claim for [`ABANDONED`] by its own clock; a holder is done, or gives up, well before that.
//! That clock goes on while a machine sleeps, and a holder counts from before its claim was made. Before and after it writes it also looks whether the
//! claim is still there: it may have been asleep in between.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use cryptoki::object::{Attribute, ObjectHandle};
use parking_lot::{ArcMutexGuard, Mutex, RawMutex};

use super::label;
use super::records::{Book, template, value};
use crate::clock::{elapsed, uptime};
use crate::hsm::error::{Result, Trouble};

/// How long a claim must have been watched without a change before it counts as left behind.
const ABANDONED: Duration = Duration::from_secs(15);

/// How long a holder may take. It must be over well before others think it dead.
pub const HOLD: Duration = Duration::from_secs(8);

/// How long a caller waits for its turn.
const PATIENCE: Duration = Duration::from_secs(30);

/// How many may wait in this front for their turn with one name: more would keep requests about other names from being served.
const WAITING: usize = 16;

/// How many names of claims are looked at in one pass of housekeeping.
const CLEARED: usize = 100;

/// The names that are being changed in this front.
#[derive(Default)]
pub(super) struct Busy(Mutex<HashMap<String, Arc<Mutex<()>>>>);

impl Busy {
    /// Waits for the name's turn, until [`PATIENCE`] is over for a caller that came at `since`.
    fn turn(&self, label: &str, since: Duration) -> Result<ArcMutexGuard<RawMutex, ()>> {
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
        let left = PATIENCE.saturating_sub(elapsed(since));
        turn.try_lock_arc_for(left)
            .ok_or_else(|| Trouble::Unreachable(format!("others keep changing {label}")))
    }
}

/// The right to change a record. Given back when dropped.
pub struct Latch<'a> {
    claim: Claim<'a>,
    /// From before the claim was made, by [`uptime`].
    since: Duration,
    _turn: ArcMutexGuard<RawMutex, ()>,
}

/// A claim object in the token. Removed when dropped.
struct Claim<'a> {
    book: &'a Book,
    object: ObjectHandle,
    nonce: Vec<u8>,
}

impl Latch<'_> {
    /// Fails if others have taken this front for dead, or if so much time has passed that they may. To be asked before the change is written.
    pub fn still_held(&self) -> Result<()> {
        self.still_claimed()?;
        // Last, for asking may take long, too.
        if elapsed(self.since) > HOLD {
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

impl Claim<'_> {
    fn is_there(&self) -> Result<bool> {
        // A handle may have been given to another object since.
        Ok(self.book.value(self.object)?.is_some_and(|nonce| **nonce == *self.nonce))
    }
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        // If it can't be removed now, others will in a while.
        let _ = self.book.token().with(|session| session.destroy_object(self.object));
    }
}

impl Book {
    /// Waits until this front may change the record called `label`.
    ///
    /// # Errors
    ///
    /// `Unreachable` when others keep it for half a minute; `Crowded` when too many wait for it already; whatever the token says.
    pub fn latch(&self, name: &str) -> Result<Latch<'_>> {
        let started = uptime();
        let turn = self.busy.turn(name, started)?;
        let label = label::latch(name);
        let mut watched: HashMap<Vec<u8>, Duration> = HashMap::new();
        loop {
            let since = uptime();
            let claim = self.claim(&label)?;
            let others = self.other_claims(&label, claim.object)?;
            if others.is_empty() {
                return Ok(Latch { claim, since, _turn: turn });
            }
            drop(claim);
            self.clear_abandoned(&others, &mut watched)?;
            if elapsed(started) > PATIENCE {
                return Err(Trouble::Unreachable(format!("others keep changing {name}")));
            }
            std::thread::sleep(self.pause()?);
        }
    }

    /// Removes claims that were left behind and that nobody is waiting for: those of the directory's last walk that `watched` has known for long
    /// enough. How many.
    pub fn clear_claims(&self, watched: &mut HashMap<Vec<u8>, Duration>) -> Result<usize> {
        let mut claims = Vec::new();
        for label in self.names(label::LATCHES, None, CLEARED)? {
            let template = template(&label);
            for object in self.token().find(&template)? {
                if let Some(nonce) = self.value(object)? {
                    claims.push((object, nonce.to_vec()));
                }
            }
        }
        self.clear_abandoned(&claims, watched)
    }

    fn claim(&self, label: &str) -> Result<Claim<'_>> {
        let mut attributes = template(label);
        let nonce = self.token().with(|session| session.generate_random_vec(16))?;
        attributes.extend([
            Attribute::Token(true),
            Attribute::Private(true),
            Attribute::Value(nonce.clone()),
        ]);
        let object = self.token().with(|session| session.create_object(&attributes))?;
        Ok(Claim { book: self, object, nonce })
    }

    /// The claims that aren't ours, with what tells one claim from another.
    fn other_claims(&self, label: &str, ours: ObjectHandle) -> Result<Vec<(ObjectHandle, Vec<u8>)>> {
        let template = template(label);
        let objects = self.token().find(&template)?;
        let mut others = Vec::new();
        for object in objects.into_iter().filter(|object| *object != ours) {
            match self.token().with(|session| value(session, object)) {
                Ok(nonce) => others.push((object, nonce.map(|n| n.to_vec()).unwrap_or_default())),
                Err(Trouble::NoObject) => {}
                Err(trouble) => return Err(trouble),
            }
        }
        Ok(others)
    }

    fn clear_abandoned(
        &self,
        others: &[(ObjectHandle, Vec<u8>)],
        watched: &mut HashMap<Vec<u8>, Duration>,
    ) -> Result<usize> {
        watched.retain(|nonce, _| others.iter().any(|(_, other)| other == nonce));
        let mut cleared = 0;
        for (object, nonce) in others {
            if elapsed(*watched.entry(nonce.clone()).or_insert_with(uptime)) > ABANDONED {
                match self.token().with(|session| session.destroy_object(*object)) {
                    Ok(()) | Err(Trouble::NoObject) => cleared += 1,
                    Err(trouble) => return Err(trouble),
                }
            }
        }
        Ok(cleared)
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
        let held = busy.turn("a", uptime()).unwrap();
        let long_ago = uptime().checked_sub(PATIENCE).unwrap();
        assert!(matches!(busy.turn("a", long_ago), Err(Trouble::Unreachable(_))));
        drop(busy.turn("b", long_ago).unwrap());
        drop(held);
        drop(busy.turn("a", long_ago).unwrap());
    }

    #[test]
    fn only_so_many_wait_for_one_name_and_others_are_free() {
        let busy = Busy::default();
        let held = busy.turn("a", uptime()).unwrap();
        std::thread::scope(|scope| {
            for _ in 0..WAITING {
                scope.spawn(|| busy.turn("a", uptime()).map(drop).unwrap());
            }
            while busy.0.lock().get("a").map_or(0, Arc::strong_count) < WAITING + 2 {
                std::thread::yield_now();
            }
            assert!(matches!(busy.turn("a", uptime()), Err(Trouble::Crowded(_))));
            drop(busy.turn("b", uptime()).unwrap());
            drop(held);
        });
        drop(busy.turn("a", uptime()).unwrap());
    }
}
