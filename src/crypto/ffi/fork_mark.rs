//! How a process learns that it is the child of a fork, also of one that went by the kernel alone, of which `pthread_atfork` does not tell.

use std::ptr::null_mut;
use std::sync::OnceLock;
use std::sync::atomic::AtomicU64;

/// A number that is 0 at first, and 0 again in the child of a fork. `None` if the kernel has no such memory.
pub fn fork_mark() -> Option<&'static AtomicU64> {
    static MARK: OnceLock<Option<&'static AtomicU64>> = OnceLock::new();
    *MARK.get_or_init(map)
}

fn map() -> Option<&'static AtomicU64> {
    const LENGTH: usize = size_of::<AtomicU64>();
    let (access, kind) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
    // SAFETY: new memory, where the kernel likes; it takes whole pages.
    let page = unsafe { libc::mmap(null_mut(), LENGTH, access, kind, -1, 0) };
    if page == libc::MAP_FAILED {
        return None;
    }
    // SAFETY: the page of above, of which nobody else knows.
    if unsafe { libc::madvise(page, LENGTH, libc::MADV_WIPEONFORK) } != 0 {
        // SAFETY: as above.
        unsafe { libc::munmap(page, LENGTH) };
        return None;
    }
    // SAFETY: aligned to a page, zeros at first, and never unmapped from here on; it is only ever changed as an atomic number.
    Some(unsafe { &*page.cast() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::Ordering;

    #[test]
    fn the_child_of_a_fork_that_no_handler_tells_of_finds_its_mark_gone() {
        let mark = map().unwrap();
        assert_eq!(mark.swap(1, Ordering::Relaxed), 0);
        // SAFETY: a plain fork; the child looks at a number and ends.
        let pid = unsafe { libc::syscall(libc::SYS_clone, libc::SIGCHLD, 0, 0, 0, 0) };
        if pid == 0 {
            // SAFETY: as above.
            unsafe { libc::_exit(i32::from(mark.load(Ordering::Relaxed) != 0)) }
        }
        let mut status = -1;
        // SAFETY: our own child, and a place for its status.
        unsafe { libc::waitpid(pid as libc::pid_t, &raw mut status, 0) };
        assert_eq!((status, mark.load(Ordering::Relaxed)), (0, 1));
    }
}
