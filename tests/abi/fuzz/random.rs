//! The random choices of a fuzz run: the same for the same seed.

/// SplitMix64.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Random {
        Random(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below `limit`.
    pub fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit.max(1) as u64) as usize
    }

    /// True in so many of a hundred cases.
    pub fn percent(&mut self, cases: u64) -> bool {
        self.next() % 100 < cases
    }

    pub fn pick<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[self.below(choices.len())]
    }

    pub fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.next() as u8).collect()
    }

    /// A length of data: mostly small, often a multiple of a block.
    pub fn length(&mut self) -> usize {
        match self.below(10) {
            0 => 0,
            1..=3 => 16 * self.below(8),
            4..=7 => self.below(100),
            8 => self.below(600),
            _ => *self.pick(&[24, 32, 63, 64, 65, 128, 255, 256, 257, 4096, 5000]),
        }
    }

    /// A number such as breaks things.
    pub fn number(&mut self) -> u64 {
        match self.below(6) {
            0..=2 => self.below(20) as u64,
            3 => 1 << self.below(64),
            4 => *self.pick(&[
                u64::MAX,
                u64::MAX - 1,
                1 << 60,
                (1 << 60) + 1,
                i64::MAX as u64,
                4096,
                0x8000_0000,
            ]),
            _ => self.next(),
        }
    }

    /// A length that no memory has.
    pub fn absurd(&mut self) -> u64 {
        *self.pick(&[1 << 60, (1 << 60) + 8, u64::MAX, u64::MAX - 7, i64::MAX as u64, 1 << 48])
    }
}
