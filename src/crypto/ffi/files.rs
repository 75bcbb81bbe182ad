//! How many files a process may have open: sockets are files too.

use std::io;

/// Raises this process's limit of open files as far as it may by itself; answers how many there may be now. For programs of their own: a library
/// has no business with its host's limits.
pub fn raise_limit() -> io::Result<u64> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the kernel fills the structure, which is ours.
    if unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit) } != 0 {
        return Err(io::Error::last_os_error());
    }
    let raised = libc::rlimit { rlim_cur: limit.rlim_max, ..limit };
    // SAFETY: the kernel reads the structure, which is ours.
    match unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raised) } {
        0 => Ok(raised.rlim_cur),
        // What there is has to do.
        _ => Ok(limit.rlim_cur),
    }
}
