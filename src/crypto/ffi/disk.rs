//! The disk, set to work before anybody waits for it.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;

/// Has the kernel begin to write out what has been written to a file, where it can. A failure is the same as one of a sync: it may be told to nobody else.
pub fn begin_writing(file: &File) -> io::Result<()> {
    // SAFETY: the kernel gets an open descriptor, and no memory.
    let answer = unsafe { libc::sync_file_range(file.as_raw_fd(), 0, 0, libc::SYNC_FILE_RANGE_WRITE) };
    if answer == 0 {
        return Ok(());
    }
    let error = io::Error::last_os_error();
    // Not every kernel and file can do that.
    match error.raw_os_error() {
        Some(libc::ENOSYS | libc::EINVAL | libc::ESPIPE | libc::EPERM) => Ok(()),
        _ => Err(error),
    }
}
