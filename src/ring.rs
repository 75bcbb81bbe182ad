//! A few things of which the eldest makes room for the next.

/// At most `MOST` of them.
pub(crate) struct Ring<T, const MOST: usize> {
    all: Vec<T>,
    /// Where the next goes once there are as many.
    next: usize,
}

impl<T, const MOST: usize> Default for Ring<T, MOST> {
    fn default() -> Self {
        Ring { all: Vec::new(), next: 0 }
    }
}

impl<T, const MOST: usize> Ring<T, MOST> {
    /// Keeps one more, in the place of the eldest if there is no other.
    pub fn keep(&mut self, one: T) {
        match self.all.get_mut(self.next) {
            Some(place) => *place = one,
            None => self.all.push(one),
        }
        self.next = (self.next + 1) % MOST;
    }

    /// All of them, in no order.
    pub fn iter(&self) -> std::slice::Iter<'_, T> {
        self.all.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_eldest_makes_room() {
        let mut ring = Ring::<_, 3>::default();
        (1..=5).for_each(|number| ring.keep(number));
        let mut kept: Vec<_> = ring.iter().copied().collect();
        kept.sort_unstable();
        assert_eq!(kept, [3, 4, 5]);
    }
}
