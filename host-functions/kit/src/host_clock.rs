//! Reads both clocks of the machine.
#![allow(clippy::disallowed_methods, reason = "the adapter to the clocks")]

use std::time::{SystemTime, UNIX_EPOCH};

use ansai_core::host_clock::ClockReading;
use ansai_core::{Millis, Timestamp};
use rustix::time::{ClockId, clock_gettime};

/// What identifies this boot.
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";
/// How far the kernel's time may be from the one that was read, to be the same clock. A test, or a container, can see
/// another one.
const SAME_MS: u64 = 5_000;

/// Both clocks now.
pub fn read() -> ClockReading {
    let wall = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(Timestamp::EPOCH, |since| Timestamp::EPOCH + Millis::from(since));
    ClockReading { wall, since_boot: since_boot(), boot: boot_id(), is_synchronized: is_synchronized(wall) }
}

/// Time since the machine booted, also while it was suspended.
pub fn since_boot() -> Millis {
    let booted = clock_gettime(ClockId::Boottime);
    let milliseconds = booted.tv_sec.saturating_mul(1_000).saturating_add(booted.tv_nsec / 1_000_000);
    Millis::new(u64::try_from(milliseconds).unwrap_or(0))
}

/// The id of this boot; empty if it is unknown.
pub fn boot_id() -> String {
    std::fs::read_to_string(BOOT_ID).unwrap_or_default().trim().to_owned()
}

/// Whether the kernel says that its clock is kept synchronized, and `wall` is its time. Setting the clock by hand ends
/// that.
fn is_synchronized(wall: Timestamp) -> bool {
    // SAFETY: all of its fields are numbers, for which zero is a value; no mode is set, so nothing is changed.
    #[allow(unsafe_code, reason = "a plain structure of the kernel")]
    let mut times: libc::timex = unsafe { std::mem::zeroed() };
    // SAFETY: the structure is valid and is written to by this call only.
    #[allow(unsafe_code, reason = "no safe binding exists")]
    let state = unsafe { libc::adjtimex(&raw mut times) };
    if state < 0 || state == libc::TIME_ERROR || times.status & libc::STA_UNSYNC != 0 {
        return false;
    }
    let now = u64::try_from(times.time.tv_sec).unwrap_or(0).saturating_mul(1_000);
    now.abs_diff(wall.as_millis()) <= SAME_MS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clocks_go_on() {
        let (first, second) = (read(), read());
        assert!(second.since(&first).is_some() && second.wall >= first.wall && !first.boot.is_empty());
    }
}
