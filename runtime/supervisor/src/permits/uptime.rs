//! Reads how long the host has run. Nobody can set this clock.

use std::io::Read as _;

use ansai_core::Millis;
use rustix::fs::{Mode, OFlags};
use rustix::time::ClockId;

use crate::clock;
use crate::state::Reading;

/// The clocks now. If the id of the boot is unknown, a reboot counts as no time.
pub(crate) fn read() -> Reading {
    let up = rustix::time::clock_gettime(ClockId::Boottime);
    let (seconds, nanoseconds) = (up.tv_sec.unsigned_abs(), up.tv_nsec.unsigned_abs());
    let up = Millis::new(seconds.saturating_mul(1_000).saturating_add(nanoseconds / 1_000_000));
    Reading { boot: boot(), up, wall: clock::now() }
}

fn boot() -> String {
    let mut id = String::new();
    let read = rustix::fs::open("/proc/sys/kernel/random/boot_id", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())
        .map_err(std::io::Error::from)
        .and_then(|file| std::fs::File::from(file).take(64).read_to_string(&mut id));
    if read.is_ok() { id.trim().to_owned() } else { String::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_of_this_host_runs() {
        let (first, second) = (read(), read());
        assert!(!first.boot.is_empty() && first.boot == second.boot);
        assert!(first.up > Millis::ZERO && first.up <= second.up);
    }
}
