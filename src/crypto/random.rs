//! Random bytes, from OpenSSL's generator (which seeds itself again after a fork).

use crate::error::{Error, Result};
use std::cell::RefCell;

/// Bytes given or taken at once: OpenSSL counts in a C int.
const PIECE: usize = 1 << 20;

/// Fills `buffer` with random bytes.
pub fn random(buffer: &mut [u8]) -> Result<()> {
    buffer.chunks_mut(PIECE).try_for_each(openssl::rand::rand_bytes).map_err(|_| Error::RandomNoRng)
}

/// Mixes `seed` into the generator. It can only add to what the kernel has given: no entropy is credited.
pub fn seed(seed: &[u8]) -> Result<()> {
    seed.chunks(PIECE).for_each(super::ffi::openssl::add_seed);
    Ok(())
}

/// Bytes of a name.
const NAME: usize = 16;

/// Names drawn at once.
const NAMES: usize = 64;

/// Names that a thread has drawn and not yet given.
struct Ahead {
    names: [[u8; NAME]; NAMES],
    left: usize,
}

thread_local! {
    static AHEAD: RefCell<Ahead> = const { RefCell::new(Ahead { names: [[0; NAME]; NAMES], left: 0 }) };
}

/// A random name that everybody may know. Each thread draws many at once, for the generator
/// takes about as long for all of them as for one.
pub fn random_name() -> Result<[u8; NAME]> {
    AHEAD.with_borrow_mut(|ahead| {
        if ahead.left == 0 {
            random(ahead.names.as_flattened_mut())?;
            ahead.left = NAMES;
        }
        ahead.left -= 1;
        Ok(ahead.names[ahead.left])
    })
}

/// Forgets the names that this thread has drawn and not given. In the child of a fork they would be the parent's too; that has no other thread.
pub fn forget_names() {
    // Without thread-local storage there are none. A signal handler that forks in the midst of a drawing finds them in use: that goes on.
    let _ = AHEAD.try_with(|ahead| ahead.try_borrow_mut().map(|mut ahead| ahead.left = 0));
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn no_name_is_given_twice_by_whatever_thread() {
        let draw = || (0..3 * NAMES).map(|_| random_name().unwrap()).collect::<Vec<_>>();
        let others: Vec<_> = (0..3).map(|_| std::thread::spawn(draw)).collect();
        let mut all = draw();
        all.extend(others.into_iter().flat_map(|other| other.join().unwrap()));
        assert_eq!(all.iter().collect::<HashSet<_>>().len(), all.len());
    }

    #[test]
    fn names_may_be_forgotten_in_the_midst_of_a_drawing() {
        AHEAD.with_borrow_mut(|_| forget_names());
    }

    #[test]
    fn a_name_that_is_forgotten_is_not_given() {
        random_name().unwrap();
        let forgotten = AHEAD.with_borrow(|ahead| ahead.names);
        forget_names();
        assert!(!forgotten.contains(&random_name().unwrap()));
    }
}
