//! Memory that may not be there.
//!
//! `pReserved` of `C_Initialize` is NULL by the standard, a string by our own agreement, and something else entirely
//! with callers that know neither. So the kernel reads it for us, through a pipe: where no memory is, it answers
//! `EFAULT` instead of ending the process.

use super::args::Pointer;
use crate::error::{Error, Result};
use std::fs::File;
use std::io::Read;
use std::os::fd::{AsRawFd, FromRawFd};

/// Bytes of the longest string that is read, and less than any page or pipe holds.
const MAX_STRING: usize = 4096;

/// A NUL-terminated string of at most 4096 bytes; whatever is none, or not UTF-8, is `ArgumentsBad`.
pub(super) fn string(at: Pointer<u8>) -> Result<String> {
    let (mut read_end, write_end) = pipe()?;
    let mut string = Vec::new();
    while string.len() <= MAX_STRING {
        // Up to the next boundary: memory is there or not in pages, whose size is a multiple of this.
        let from = at.address().checked_add(string.len()).ok_or(Error::ArgumentsBad)?;
        let chunk = fetch(from, MAX_STRING - from % MAX_STRING, &mut read_end, &write_end)?;
        if let Some(end) = chunk.iter().position(|byte| *byte == 0) {
            string.extend_from_slice(&chunk[..end]);
            return String::from_utf8(string).map_err(|_| Error::ArgumentsBad);
        }
        string.extend_from_slice(&chunk);
    }
    Err(Error::ArgumentsBad)
}

/// Copies `length` bytes from an address, or some of them, at least one.
fn fetch(from: usize, length: usize, read_end: &mut File, write_end: &File) -> Result<Vec<u8>> {
    // SAFETY: the kernel checks the address itself and answers EFAULT; nothing of ours is written.
    let taken = unsafe { libc::write(write_end.as_raw_fd(), from as *const libc::c_void, length) };
    let taken = usize::try_from(taken).ok().filter(|taken| *taken > 0).ok_or(Error::ArgumentsBad)?;
    let mut chunk = vec![0; taken];
    read_end.read_exact(&mut chunk).map_err(|_| Error::FunctionFailed)?;
    Ok(chunk)
}

fn pipe() -> Result<(File, File)> {
    let mut ends = [0; 2];
    // SAFETY: `ends` has room for two descriptors.
    if unsafe { libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC | libc::O_NONBLOCK) } != 0 {
        return Err(Error::HostMemory);
    }
    // SAFETY: two fresh descriptors that nobody else owns.
    Ok(unsafe { (File::from_raw_fd(ends[0]), File::from_raw_fd(ends[1])) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(at: *mut u8) -> Result<String> {
        // SAFETY: `string` asks nothing of the memory.
        string(unsafe { Pointer::new(at) })
    }

    fn read_bytes(mut bytes: Vec<u8>) -> Result<String> {
        read(bytes.as_mut_ptr())
    }

    #[test]
    fn a_string_is_read_to_its_end() {
        assert_eq!(read_bytes(b"data_dir=/tmp/x\0y".to_vec()).unwrap(), "data_dir=/tmp/x");
        assert_eq!(read_bytes(b"\0".to_vec()).unwrap(), "");
    }

    #[test]
    fn a_string_may_cross_pages_up_to_the_limit() {
        for length in [4095, 4096] {
            let mut long = vec![b'a'; length];
            long.push(0);
            assert_eq!(read_bytes(long).unwrap().len(), length);
        }
        assert_eq!(read_bytes(vec![b'a'; 3 * 4096]), Err(Error::ArgumentsBad), "no end in sight");
    }

    #[test]
    fn an_address_without_memory_is_refused() {
        for address in [1, 0x1000, usize::MAX, usize::MAX - 4095, 1 << 47] {
            assert_eq!(
                read(std::ptr::without_provenance_mut(address)),
                Err(Error::ArgumentsBad),
                "{address:x}"
            );
        }
    }

    #[test]
    fn a_string_that_runs_off_its_memory_is_refused() {
        // SAFETY: a fresh mapping of two pages, of which the second is taken away again.
        let page = unsafe {
            let two = libc::mmap(
                std::ptr::null_mut(),
                2 * 4096,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
                -1,
                0,
            );
            assert_ne!(two, libc::MAP_FAILED);
            libc::munmap(two.byte_add(4096), 4096);
            let page = two.cast::<u8>();
            page.write_bytes(b'a', 4096);
            page
        };
        assert_eq!(read(page.wrapping_add(4000)), Err(Error::ArgumentsBad));
    }

    #[test]
    fn text_that_is_not_utf8_is_refused() {
        assert_eq!(read_bytes(b"data_dir=\xff\0".to_vec()), Err(Error::ArgumentsBad));
    }
}
