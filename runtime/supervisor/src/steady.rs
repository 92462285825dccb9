//! A clock that nobody can set, kept across restarts: the time in which the host ran.

use ansai_core::Millis;
use ansai_core::host_clock::ClockReading;
use serde::{Deserialize, Serialize};

/// The time that has passed while the host ran. While it is off, an unknown time passes, and none counts: what waits for a
/// time waits longer, and no jump of the time of day ends or extends it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SteadyClock {
    /// Boot and time since the boot at the last reading.
    last: Option<(String, Millis)>,
    elapsed: Millis,
}

impl SteadyClock {
    /// The time now. It never goes back.
    pub(crate) fn read(&mut self, reading: &ClockReading) -> Millis {
        let up = reading.since_boot.get();
        let passed = match &self.last {
            None => 0,
            Some((boot, earlier)) if *boot == reading.boot => up.saturating_sub(earlier.get()),
            Some(_) => up,
        };
        self.elapsed = Millis::new(self.elapsed.get().saturating_add(passed));
        self.last = Some((reading.boot.clone(), reading.since_boot));
        self.elapsed
    }
}

/// The time from `earlier` to `now`; none if `earlier` is later.
pub(crate) fn passed(now: Millis, earlier: Millis) -> Millis {
    Millis::new(now.get().saturating_sub(earlier.get()))
}

#[cfg(test)]
mod tests {
    use ansai_core::Timestamp;

    use super::*;

    fn read(clock: &mut SteadyClock, boot: &str, up: u64, wall: u64) -> u64 {
        let (since_boot, wall, boot) = (Millis::new(up), Timestamp::from_millis(wall), boot.to_owned());
        clock.read(&ClockReading { wall, since_boot, boot, is_synchronized: false }).get()
    }

    #[test]
    fn it_counts_the_time_that_the_host_ran_whatever_the_time_of_day_is() {
        const TEN_YEARS: u64 = 10 * 365 * 86_400_000;
        let mut clock = SteadyClock::default();
        assert_eq!(read(&mut clock, "a", 1_000, 2 * TEN_YEARS), 0);
        assert_eq!(read(&mut clock, "a", 1_500, 3 * TEN_YEARS), 500);
        assert_eq!(read(&mut clock, "a", 1_600, TEN_YEARS), 600);
        // The host was off, for an unknown time.
        assert_eq!(read(&mut clock, "b", 50, 0), 650);
        // A clock of the kernel that goes back is a fault; time stands still.
        assert_eq!(read(&mut clock, "b", 10, 0), 650);
        assert_eq!(read(&mut clock, "b", 20, 0), 660);
    }
}
