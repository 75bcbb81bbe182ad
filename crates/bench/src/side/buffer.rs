//! Where calls find their data and leave their answers.

use std::ops::{Deref, DerefMut};

/// Bytes that begin with a page of memory, in each column: whether a heap happens to give a multiple of 16 or of 64 bytes decides over some hundredths
/// of a long AES-GCM.
pub struct Buffer {
    /// More than are needed.
    bytes: Vec<u8>,
    first: usize,
    length: usize,
}

/// The lowest bits of an address, by which processors guess whether a load waits for a store; a page of memory on most machines.
const PAGE: usize = 4096;

impl Buffer {
    /// So many bytes of this value.
    pub fn of(byte: u8, length: usize) -> Buffer {
        let bytes = vec![byte; length + PAGE];
        let first = bytes.as_ptr().addr().wrapping_neg() % PAGE;
        Buffer { bytes, first, length }
    }

    /// Leaves only the first so many.
    pub fn truncate(&mut self, length: usize) {
        self.length = self.length.min(length);
    }
}

impl Deref for Buffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes[self.first..][..self.length]
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.bytes[self.first..][..self.length]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_has_its_length_and_begins_with_a_page() {
        for length in [0, 1, PAGE - 1, PAGE, 100_000] {
            let mut buffer = Buffer::of(0x5a, length);
            assert_eq!(buffer.as_ptr().addr() % PAGE, 0);
            assert_eq!(*buffer, vec![0x5a; length]);
            buffer.fill(1);
            assert_eq!(*buffer, vec![1; length]);
            buffer.truncate(7);
            assert_eq!(*buffer, vec![1; length.min(7)]);
        }
    }
}
