//! What threads write to all the time, apart from everything else: a processor that writes takes the line of memory from all others, with what they only
//! read in it.

use std::ops::Deref;

/// A value alone in its lines of memory, of 64 bytes each, which processors fetch by twos.
#[derive(Default)]
#[repr(align(128))]
pub(crate) struct Apart<T>(T);

impl<T> Apart<T> {
    /// Puts a value apart.
    pub const fn new(value: T) -> Self {
        Apart(value)
    }
}

impl<T> Deref for Apart<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_values_share_a_line_of_memory() {
        let values = [const { Apart::new(0_u8) }; 3];
        let line = |value: &Apart<u8>| std::ptr::from_ref(&**value).addr() / 128;
        assert!(values.windows(2).all(|pair| line(&pair[0]) != line(&pair[1])));
    }
}
