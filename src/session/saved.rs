//! Operation states put aside (`C_GetOperationState`, `C_SetOperationState`; PKCS#11 3.2, section 5.6).
//!
//! OpenSSL copies a digest in progress, but gives nobody its inner state. So the copy stays here, and what the caller gets is a version
//! and a random number that names it: whoever did not get it from here can't know one. Each is good for any session of its slot, as often as
//! wanted, until the library ends or [`MOST`] others have been saved after it.

use super::active::Active;
use super::place::Place;
use super::{Session, Work};
use crate::crypto::random;
use crate::error::{Error, Result};
use crate::mechanism::{Digester, Purpose};
use crate::output::{Delivery, Output, Part, Size, Step};
use crate::token::Operation;
use parking_lot::Mutex;
use std::collections::VecDeque;

/// States kept in one slot; one more, and the oldest is forgotten.
const MOST: usize = 1024;

/// What the first byte of a state says: how the rest is to be read.
const VERSION: u8 = 1;

/// Bytes of a state.
const LENGTH: usize = 17;

/// A digest in progress.
struct Saved {
    name: [u8; LENGTH],
    digester: Box<dyn Digester>,
    fed: bool,
}

/// The states saved in one slot, the oldest first.
#[derive(Default)]
pub(super) struct SavedStates(Mutex<VecDeque<Saved>>);

impl SavedStates {
    /// Forgets all.
    pub fn clear(&self) {
        self.0.lock().clear();
    }

    fn save(&self, digester: Box<dyn Digester>, fed: bool) -> Result<[u8; LENGTH]> {
        let mut name = [VERSION; LENGTH];
        random(&mut name[1..])?;
        let mut all = self.0.lock();
        if all.len() >= MOST {
            all.pop_front();
        }
        all.push_back(Saved { name, digester, fed });
        Ok(name)
    }

    fn restore(&self, name: &[u8]) -> Result<Active> {
        let all = self.0.lock();
        let saved = all.iter().find(|saved| saved.name == name).ok_or(Error::SavedStateInvalid)?;
        let mut active = Active::keyless(Operation::Digester(saved.digester.duplicate()?));
        active.fed = saved.fed;
        Ok(active)
    }
}

impl Session {
    /// `C_GetOperationState`: of a digest, while nothing else is going on. What works with a key stays with its token: `StateUnsaveable`.
    pub fn save_state(&self, output: Output<'_>) -> Result<Delivery> {
        let mut work = self.work()?;
        let with_keys = work.operations.iter().any(Place::is_open_with_key) || !work.messages.is_empty();
        if with_keys {
            return Err(Error::StateUnsaveable);
        }
        let digest = work.operations[Purpose::Digest as usize].get().ok_or(Error::OperationNotInitialized)?;
        let fed = digest.fed;
        let (Operation::Digester(digester), kept) = digest.parts()? else {
            return Err(Error::StateUnsaveable);
        };
        let step = Step { part: Part::Whole, input: 0 };
        output.deliver(step, Size::Exact(LENGTH), kept, |room| {
            room.copy_from_slice(&self.slot.saved.save(digester.duplicate()?, fed)?);
            Ok(LENGTH)
        })
    }

    /// `C_SetOperationState`: whatever else is going on ends.
    pub fn restore_state(&self, state: &[u8], has_key: bool) -> Result<()> {
        let mut work = self.work()?;
        let restored = self.slot.saved.restore(state)?;
        if has_key {
            return Err(Error::KeyNotNeeded);
        }
        *work = Work::default();
        work.operations[Purpose::Digest as usize].open(restored);
        Ok(())
    }
}
