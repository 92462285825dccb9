//! Reads how long the host has run. Nobody can set this clock.

use ansai_kit::host_clock;

use crate::state::Reading;
use crate::virtual_time;

/// The clocks now. If the id of the boot is unknown, a reboot counts as no time.
pub(crate) fn read() -> Reading {
    let now = virtual_time::reading().unwrap_or_else(host_clock::read);
    Reading { boot: now.boot, up: now.since_boot, wall: now.wall }
}

#[cfg(test)]
mod tests {
    use ansai_core::Millis;

    use super::*;

    #[test]
    fn the_clock_of_this_host_runs() {
        let (first, second) = (read(), read());
        assert!(!first.boot.is_empty() && first.boot == second.boot);
        assert!(first.up > Millis::ZERO && first.up <= second.up);
    }
}
