//! Which writes to a write-ahead log wait for others, and until when.
//!
//! SQLite writes each frame of its log by two calls, its header and then its page, one frame behind the other; the last frame of a commit says in its header that it is. As long as
//! SQLite's write lock is held, nobody reads what has not been committed but who writes it. So frames may wait until the commit's last one has come, and then be
//! written in one piece.

#[cfg(test)]
mod tests;

/// Bytes of a frame's header.
const HEADER: usize = 24;

/// Where a header tells the size of the database after a commit, in the last frame of one. In all others that is 0.
const SIZE_AFTER_COMMIT: std::ops::Range<usize> = 4..8;

/// Most bytes that wait. SQLite's own file layer takes less than 128 KiB at once.
const ROOM: usize = 16 * (HEADER + 4096);

/// What the next piece has to be, to be one of a frame.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Next {
    #[default]
    Header,
    /// The page of the header that has come; `is_last`: it ends a commit.
    Page { is_last: bool },
}

/// Frames that wait to be written, one behind the other.
#[derive(Default)]
pub(super) struct Frames {
    /// The write lock is held. Else nothing waits.
    is_locked: bool,
    /// Where in the log the first byte goes.
    from: i64,
    bytes: Vec<u8>,
    next: Next,
    /// End of all that has come since the lock was taken. What goes before it corrects a frame, of which a page may never come.
    end: i64,
}

impl Frames {
    /// The write lock has been taken.
    pub(super) fn lock(&mut self) {
        self.forget();
        (self.is_locked, self.end) = (true, 0);
    }

    /// The write lock is about to be given up. What waits was never committed, and from now on its place in the log is others'.
    pub(super) fn unlock(&mut self) {
        self.forget();
        self.is_locked = false;
    }

    /// A piece of the log is written: now, or when it is the turn of what waits. The end of a commit waits for nothing: it is in the log with all before it when this answers, or
    /// refused. `below` writes bytes to a place in the log.
    pub(super) fn write<E>(
        &mut self,
        offset: i64,
        piece: &[u8],
        mut below: impl FnMut(i64, &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        if !self.fits(offset, piece) {
            self.flush(&mut below)?;
        }
        let fits = self.fits(offset, piece);
        self.end = self.end.max(offset.saturating_add_unsigned(piece.len() as u64));
        if !fits {
            return below(offset, piece);
        }
        let before = self.bytes.len();
        if before == 0 {
            self.from = offset;
            self.bytes.reserve_exact(ROOM);
        }
        self.bytes.extend_from_slice(piece);
        match self.next {
            Next::Header => self.next = Next::Page { is_last: piece[SIZE_AFTER_COMMIT] != [0; 4] },
            Next::Page { is_last: false } => self.next = Next::Header,
            // What is refused has not come: else it might be found in the log one day, as a commit that nobody was told of.
            Next::Page { is_last: true } => self.flush(below).inspect_err(|_| self.bytes.truncate(before))?,
        }
        Ok(())
    }

    /// Writes what waits. If that is refused, it waits on.
    pub(super) fn flush<E>(&mut self, below: impl FnOnce(i64, &[u8]) -> Result<(), E>) -> Result<(), E> {
        if !self.bytes.is_empty() {
            below(self.from, &self.bytes)?;
            self.forget();
        }
        Ok(())
    }

    /// Writes what waits if some of these bytes of the log are among it.
    pub(super) fn flush_at<E>(
        &mut self,
        offset: i64,
        count: usize,
        below: impl FnOnce(i64, &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let is_before = offset.saturating_add_unsigned(count as u64) <= self.from;
        if is_before || offset >= self.after() { Ok(()) } else { self.flush(below) }
    }

    /// Whether a piece can wait with what waits.
    fn fits(&self, offset: i64, piece: &[u8]) -> bool {
        let is_due = if self.bytes.is_empty() { offset >= self.end } else { offset == self.after() };
        let is_header = piece.len() == HEADER;
        let has_room = self.bytes.len().saturating_add(piece.len()) <= ROOM;
        self.is_locked && is_due && has_room && is_header == (self.next == Next::Header)
    }

    /// The place in the log behind what waits.
    fn after(&self) -> i64 {
        self.from.saturating_add_unsigned(self.bytes.len() as u64)
    }

    fn forget(&mut self) {
        self.bytes.clear();
        self.next = Next::Header;
    }
}
