//! Counters in a few bytes of a file that several processes map.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU64, Ordering, fence};
use std::time::{Duration, Instant};

/// `N` 64-bit counters, shared by all processes that map the same file.
///
/// The file must stay at least [`SharedCounters::SIZE`] bytes long for as long as it is mapped anywhere: the kernel answers an access behind the
/// end of a file with SIGBUS. Nothing in Cloister shortens it.
pub struct SharedCounters<const N: usize> {
    at: NonNull<[AtomicU64; N]>,
    writable: bool,
}

// SAFETY: the memory is only touched by atomic operations, and stays mapped until the value is dropped.
unsafe impl<const N: usize> Send for SharedCounters<N> {}
// SAFETY: as above.
unsafe impl<const N: usize> Sync for SharedCounters<N> {}

impl<const N: usize> SharedCounters<N> {
    /// Bytes of the counters in their file.
    pub const SIZE: usize = size_of::<[AtomicU64; N]>();

    /// Maps the first bytes of `file`, which is made long enough if it is shorter.
    ///
    /// The zeros are written, not left as a hole: storing to a hole on a full disk would be a SIGBUS too.
    pub fn map(file: &File) -> io::Result<Self> {
        let length = file.metadata()?.len();
        let missing = usize::try_from(length).map_or(0, |length| Self::SIZE.saturating_sub(length));
        file.write_all_at(&vec![0; missing], length)?;
        Self::map_with(file, libc::PROT_READ | libc::PROT_WRITE)
    }

    /// Maps the first bytes of `file` for reading only; `InvalidData` if it is too short.
    pub fn map_read_only(file: &File) -> io::Result<Self> {
        if file.metadata()?.len() < Self::SIZE as u64 {
            return Err(io::ErrorKind::InvalidData.into());
        }
        Self::map_with(file, libc::PROT_READ)
    }

    fn map_with(file: &File, protection: libc::c_int) -> io::Result<Self> {
        // SAFETY: a new mapping at an address of the kernel's choice; the descriptor is open, the file long enough.
        let address = unsafe {
            libc::mmap(std::ptr::null_mut(), Self::SIZE, protection, libc::MAP_SHARED, file.as_raw_fd(), 0)
        };
        if address == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let at = NonNull::new(address.cast()).ok_or(io::ErrorKind::AddrNotAvailable)?;
        Ok(SharedCounters { at, writable: protection & libc::PROT_WRITE != 0 })
    }

    /// The value of one now; everything written before it was stored is visible afterwards.
    pub fn load(&self, which: usize) -> u64 {
        // On memory that is mapped read-only, only relaxed loads are defined; the fence makes it an acquire.
        let value = self.counters()[which].load(Ordering::Relaxed);
        fence(Ordering::Acquire);
        value
    }

    /// Stores `new` if the value is still `current`; whether it did. Never on counters mapped for reading only.
    pub fn exchange(&self, which: usize, current: u64, new: u64) -> bool {
        let order = Ordering::SeqCst;
        self.writable && self.counters()[which].compare_exchange(current, new, order, order).is_ok()
    }

    /// Stores `value`; what was written before it is visible to who loads it. Does nothing on counters mapped for reading only.
    pub fn store(&self, which: usize, value: u64) {
        if self.writable {
            self.counters()[which].store(value, Ordering::Release);
        }
    }

    /// Stores `value` unless there is a higher one. Does nothing on counters mapped for reading only.
    pub fn raise(&self, which: usize, value: u64) {
        if self.writable {
            self.counters()[which].fetch_max(value, Ordering::SeqCst);
        }
    }

    /// Whether they were mapped for writing.
    pub fn is_writable(&self) -> bool {
        self.writable
    }

    /// Waits until somebody has called [`SharedCounters::wake`] on this one, in whatever process, but not longer than `most`, and not at all if the
    /// lower half of its value is no longer that of `seen`.
    pub fn wait(&self, which: usize, seen: u64, most: Duration) {
        let most = libc::timespec {
            tv_sec: libc::time_t::try_from(most.as_secs()).unwrap_or(libc::time_t::MAX),
            // Below a thousand million.
            tv_nsec: most.subsec_nanos() as libc::c_long,
        };
        let place = self.lower_half(which);
        // SAFETY: the kernel reads four mapped, aligned bytes and the time, which is ours. Whatever it answers, the caller looks for itself.
        unsafe { libc::syscall(libc::SYS_futex, place, libc::FUTEX_WAIT, seen as u32, &raw const most) };
    }

    /// Lets others have the processor until the value is no longer `seen`, but not for longer than `most`; whether it still is. For what comes so soon that
    /// to be put to sleep and woken would take longer.
    pub fn stays(&self, which: usize, seen: u64, most: Duration) -> bool {
        let began = Instant::now();
        loop {
            if self.load(which) != seen {
                return false;
            }
            if began.elapsed() >= most {
                return true;
            }
            std::thread::yield_now();
        }
    }

    /// Lets as many as `most` go on that wait on this one.
    pub fn wake(&self, which: usize, most: i32) {
        let place = self.lower_half(which);
        // SAFETY: the kernel takes the address as a name only.
        unsafe { libc::syscall(libc::SYS_futex, place, libc::FUTEX_WAKE, most) };
    }

    /// What the kernel compares is 32 bits long.
    fn lower_half(&self, which: usize) -> *const u32 {
        let place = (&raw const self.counters()[which]).cast::<u32>();
        place.wrapping_add(usize::from(cfg!(target_endian = "big")))
    }

    fn counters(&self) -> &[AtomicU64; N] {
        // SAFETY: mapped until drop, aligned to a page, and only ever accessed atomically, by every process.
        unsafe { self.at.as_ref() }
    }
}

impl<const N: usize> Drop for SharedCounters<N> {
    fn drop(&mut self) {
        // SAFETY: the very mapping made in `map_with`; nothing borrows from it any more.
        unsafe { libc::munmap(self.at.as_ptr().cast(), Self::SIZE) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Two = SharedCounters<2>;

    #[test]
    fn two_mappings_of_a_file_are_the_same_counters() {
        let file = tempfile::tempfile().unwrap();
        let (writer, reader) = (Two::map(&file).unwrap(), Two::map_read_only(&file).unwrap());
        assert!(writer.exchange(0, 0, 41) && !writer.exchange(0, 0, 42));
        assert_eq!((writer.load(0), reader.load(0), reader.load(1)), (41, 41, 0));
        assert!(!reader.exchange(0, 41, 42));
        writer.raise(1, 7);
        writer.raise(1, 3);
        reader.raise(1, 9);
        assert_eq!(reader.load(1), 7);
        writer.store(1, 5);
        reader.store(1, 6);
        assert_eq!(reader.load(1), 5);
    }

    #[test]
    fn a_short_file_is_extended_and_keeps_what_it_has() {
        let file = tempfile::tempfile().unwrap();
        file.write_all_at(&[7, 0, 0], 0).unwrap();
        assert!(Two::map_read_only(&file).is_err());
        assert_eq!(Two::map(&file).unwrap().load(0).to_ne_bytes()[0], 7);
        assert_eq!(file.metadata().unwrap().len(), 16);
    }

    #[test]
    fn who_waits_is_woken_and_nobody_waits_for_what_has_come_already() {
        let file = tempfile::tempfile().unwrap();
        let (one, other) = (Two::map(&file).unwrap(), Two::map(&file).unwrap());
        let long = Duration::from_secs(3600);
        other.raise(1, 1);
        one.wait(1, 0, long);
        assert!(!one.stays(1, 0, long) && one.stays(1, 1, Duration::ZERO));
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| one.wait(0, 0, long));
            while !waiting.is_finished() {
                other.wake(0, 1);
                std::thread::yield_now();
            }
        });
    }
}
