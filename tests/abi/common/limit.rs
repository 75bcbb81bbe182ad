//! A disk that takes only a part.

/// Lengths at which the commit of a token key may be cut: at the ends of frames, which have 24 bytes and a page, beside them, and within.
pub const PARTS_OF_A_COMMIT: [u64; 10] = [0, 1, 24, 25, 2071, 2072, 2073, 4144, 4168, 6000];

/// No file of this process may grow beyond so many bytes from now on. A write that would is refused where the process ignores `SIGXFSZ`, and else its end.
pub fn limit_size_of_files(bytes: u64) {
    unsafe {
        let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
        assert_eq!(libc::getrlimit(libc::RLIMIT_FSIZE, &mut limit), 0);
        limit.rlim_cur = bytes.min(limit.rlim_max);
        assert_eq!(libc::setrlimit(libc::RLIMIT_FSIZE, &limit), 0);
    }
}
