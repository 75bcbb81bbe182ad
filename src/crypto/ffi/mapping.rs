//! A counter in a few bytes of a file that several processes map.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU64, Ordering, fence};

/// One 64-bit counter, shared by all processes that map the same file.
///
/// The file must stay at least eight bytes long for as long as it is mapped anywhere: the kernel answers an access behind the
/// end of a file with SIGBUS. Nothing in Cloister shortens it.
pub struct SharedCounter {
    at: NonNull<AtomicU64>,
    writable: bool,
}

// SAFETY: the memory is only touched by atomic operations, and stays mapped until the value is dropped.
unsafe impl Send for SharedCounter {}
// SAFETY: as above.
unsafe impl Sync for SharedCounter {}

impl SharedCounter {
    /// Bytes of the counter in its file.
    pub const SIZE: u64 = size_of::<u64>() as u64;

    /// Maps the first eight bytes of `file`, which is made that long if it is shorter.
    ///
    /// The zeros are written, not left as a hole: storing to a hole on a full disk would be a SIGBUS too.
    pub fn map(file: &File) -> io::Result<Self> {
        let length = file.metadata()?.len();
        if length < Self::SIZE {
            file.write_all_at(&[0; size_of::<u64>()][length as usize..], length)?;
        }
        Self::map_with(file, libc::PROT_READ | libc::PROT_WRITE)
    }

    /// Maps the first eight bytes of `file` for reading only; `InvalidData` if it is shorter.
    pub fn map_read_only(file: &File) -> io::Result<Self> {
        if file.metadata()?.len() < Self::SIZE {
            return Err(io::ErrorKind::InvalidData.into());
        }
        Self::map_with(file, libc::PROT_READ)
    }

    fn map_with(file: &File, protection: libc::c_int) -> io::Result<Self> {
        // SAFETY: a new mapping at an address of the kernel's choice; the descriptor is open, the file long enough.
        let address = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                size_of::<u64>(),
                protection,
                libc::MAP_SHARED,
                file.as_raw_fd(),
                0,
            )
        };
        if address == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let at = NonNull::new(address.cast()).ok_or(io::ErrorKind::AddrNotAvailable)?;
        Ok(SharedCounter { at, writable: protection & libc::PROT_WRITE != 0 })
    }

    /// The value now; everything written before it was stored is visible afterwards.
    pub fn load(&self) -> u64 {
        // On memory that is mapped read-only, only relaxed loads are defined; the fence makes it an acquire.
        let value = self.atomic().load(Ordering::Relaxed);
        fence(Ordering::Acquire);
        value
    }

    /// Stores `new` if the value is still `current`; whether it did. Never on a counter mapped for reading only.
    pub fn exchange(&self, current: u64, new: u64) -> bool {
        self.writable
            && self.atomic().compare_exchange(current, new, Ordering::SeqCst, Ordering::SeqCst).is_ok()
    }

    /// Whether it was mapped for writing.
    pub fn is_writable(&self) -> bool {
        self.writable
    }

    fn atomic(&self) -> &AtomicU64 {
        // SAFETY: mapped until drop, aligned to a page, and only ever accessed atomically, by every process.
        unsafe { self.at.as_ref() }
    }
}

impl Drop for SharedCounter {
    fn drop(&mut self) {
        // SAFETY: the very mapping made in `map_with`; nothing borrows from it any more.
        unsafe { libc::munmap(self.at.as_ptr().cast(), size_of::<u64>()) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_mappings_of_a_file_are_one_counter() {
        let file = tempfile::tempfile().unwrap();
        let (writer, reader) =
            (SharedCounter::map(&file).unwrap(), SharedCounter::map_read_only(&file).unwrap());
        assert!(writer.exchange(0, 41) && !writer.exchange(0, 42));
        assert_eq!((writer.load(), reader.load()), (41, 41));
        assert!(!reader.exchange(41, 42));
    }

    #[test]
    fn a_short_file_is_extended_and_keeps_what_it_has() {
        let file = tempfile::tempfile().unwrap();
        file.write_all_at(&[7, 0, 0], 0).unwrap();
        assert!(SharedCounter::map_read_only(&file).is_err());
        assert_eq!(SharedCounter::map(&file).unwrap().load().to_ne_bytes()[0], 7);
        assert_eq!(file.metadata().unwrap().len(), 8);
    }
}
