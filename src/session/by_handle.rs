//! Tables by handle. Handles are counted up by this process and nobody can choose those that are in a table, so a multiplication spreads them well
//! enough: every call looks up two or three.

use super::Handle;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// Values by handle.
pub(super) type ByHandle<V> = HashMap<Handle, V, BuildHasherDefault<Spread>>;

/// Hashes one handle.
#[derive(Default)]
pub(super) struct Spread(u64);

/// 2^64 divided by the golden ratio, and odd: multiples of it lie far apart in their upper bits.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

impl Hasher for Spread {
    fn write_u64(&mut self, handle: u64) {
        // Tables look at the lowest and at the uppermost bits.
        let spread = (self.0 ^ handle).wrapping_mul(GOLDEN);
        self.0 = spread ^ (spread >> 32);
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u64(u64::from(*byte)));
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;
    use std::hash::BuildHasher;

    #[test]
    fn handles_in_a_row_and_with_gaps_are_spread_over_the_bits_that_tables_look_at() {
        let hash = |handle: u64| BuildHasherDefault::<Spread>::default().hash_one(handle);
        for step in [1, 2, 16, 256, 4096] {
            let places = |bits: fn(u64) -> u64| -> usize {
                (0..1024).map(|at| bits(hash(at * step))).collect::<HashSet<_>>().len()
            };
            // Thrown at random they would take up 63% of the places, and each of 128 marks.
            assert!(places(|hash| hash % 1024) > 500, "steps of {step}");
            assert!(places(|hash| hash >> 57) > 100, "steps of {step}");
        }
    }
}
