//! The disk, set to work before anybody waits for it.

use std::fs::File;
use std::os::fd::AsRawFd;

/// Has the kernel begin to write out what has been written to a file. It says nothing of failures: those are told to who waits for the disk.
pub fn begin_writing(file: &File) {
    // SAFETY: the kernel gets an open descriptor, and no memory. What it answers is told again by a sync.
    unsafe { libc::sync_file_range(file.as_raw_fd(), 0, 0, libc::SYNC_FILE_RANGE_WRITE) };
}
