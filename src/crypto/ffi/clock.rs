//! The kernel's coarse clock: some milliseconds of precision, for a few nanoseconds and no system call.

/// Milliseconds since some time before this process began; never goes back. 0 if the kernel has no such clock.
pub fn coarse_milliseconds() -> u64 {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the kernel, or its code in this process, fills the structure, which is ours.
    if unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC_COARSE, &mut now) } != 0 {
        return 0;
    }
    let (seconds, nanoseconds) = (now.tv_sec.unsigned_abs(), now.tv_nsec.unsigned_abs());
    seconds.saturating_mul(1000).saturating_add(nanoseconds / 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_coarse_clock_is_there_and_never_goes_back() {
        let times: Vec<u64> = (0..1000).map(|_| coarse_milliseconds()).collect();
        assert!(times[0] > 0 && times.is_sorted());
    }
}
