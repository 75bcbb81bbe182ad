//! The kernel's coarse clocks: some milliseconds of precision, for a few nanoseconds and no system call.

use libc::{CLOCK_MONOTONIC_COARSE, CLOCK_REALTIME_COARSE, clockid_t};

/// Milliseconds since some time before this process began; never goes back. 0 if the kernel has no such clock.
pub fn coarse_milliseconds() -> u64 {
    read(CLOCK_MONOTONIC_COARSE).unwrap_or(0)
}

/// Milliseconds since 1970, as the machine believes: it may go back, and it leaps where a machine that slept, or was restored from its image, is told
/// the time. `None` if the kernel has no such clock.
pub fn coarse_date() -> Option<u64> {
    read(CLOCK_REALTIME_COARSE)
}

fn read(clock: clockid_t) -> Option<u64> {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the kernel, or its code in this process, fills the structure, which is ours.
    if unsafe { libc::clock_gettime(clock, &mut now) } != 0 {
        return None;
    }
    let (seconds, nanoseconds) = (now.tv_sec.unsigned_abs(), now.tv_nsec.unsigned_abs());
    Some(seconds.saturating_mul(1000).saturating_add(nanoseconds / 1_000_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_coarse_clock_is_there_and_never_goes_back() {
        let times: Vec<u64> = (0..1000).map(|_| coarse_milliseconds()).collect();
        assert!(times[0] > 0 && times.is_sorted());
    }

    #[test]
    fn the_date_is_the_machines() {
        let since = std::time::UNIX_EPOCH.elapsed().unwrap().as_millis();
        let date = u128::from(coarse_date().unwrap());
        assert!(date.abs_diff(since) < 60_000, "{date} is not about {since}");
    }
}
