//! Whether the time of day can be believed. A clock that jumps makes young files old and ends what was promised for days,
//! so it is compared with the time since the machine booted, which nobody can set.

use serde::{Deserialize, Serialize};

use crate::{Millis, Timestamp};

/// How far the two clocks of one boot may drift apart between two readings.
pub const TOLERANCE: Millis = Millis::new(10 * 60_000);
/// How long a machine may have been off without a doubt about its clock.
pub const OFF: Millis = Millis::from_hours(7 * 24);
/// How long a doubted clock has to go on evenly until it is believed.
pub const PROBATION: Millis = Millis::from_hours(24);

/// Both clocks at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockReading {
    /// The time of day.
    pub wall: Timestamp,
    /// The time since the machine booted, including the time that it slept.
    pub since_boot: Millis,
    /// Which boot that is.
    pub boot: String,
    /// Whether the kernel says that something keeps the time of day synchronized, such as NTP.
    pub is_synchronized: bool,
}

impl ClockReading {
    /// The time from an earlier reading to this one by the clock that does not jump; `None` if the machine has booted
    /// since.
    pub fn since(&self, earlier: &ClockReading) -> Option<Millis> {
        if self.boot != earlier.boot {
            return None;
        }
        self.since_boot.get().checked_sub(earlier.since_boot.get()).map(Millis::new)
    }

    /// By how many milliseconds the time of day is ahead of what an earlier reading lets expect; negative if it is
    /// behind, and zero if it is as expected.
    fn jump_since(&self, earlier: &ClockReading) -> i64 {
        let passed = difference(self.wall.as_millis(), earlier.wall.as_millis());
        match self.since(earlier) {
            Some(expected) => {
                let jump = passed.saturating_sub(i64::try_from(expected.get()).unwrap_or(i64::MAX));
                if jump.unsigned_abs() <= TOLERANCE.get() { 0 } else { jump }
            }
            // How long it was off is unknown.
            None if passed < 0 => passed.saturating_add(signed(TOLERANCE)).min(0),
            None => passed.saturating_sub(signed(OFF)).max(0),
        }
    }
}

fn difference(a: u64, b: u64) -> i64 {
    let apart = i64::try_from(a.abs_diff(b)).unwrap_or(i64::MAX);
    if a < b { -apart } else { apart }
}

fn signed(time: Millis) -> i64 {
    i64::try_from(time.get()).unwrap_or(i64::MAX)
}

/// What is known of the clocks of a host, from one start of ansai to the next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostClock {
    /// The latest reading that is believed.
    believed: ClockReading,
    /// The first one after a jump, while it is not believed.
    doubted: Option<ClockReading>,
}

/// Why a doubted clock is believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Belief {
    /// The jump was taken back.
    Returned,
    /// Something keeps it synchronized.
    Synchronized,
    /// It went on evenly for [`PROBATION`].
    Lasted,
    /// The operator accepted it.
    Accepted,
}

/// What a reading changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClockChange {
    /// The time of day jumped by so many milliseconds, ahead or back.
    Jumped(i64),
    /// It is believed again.
    Believed(Belief),
}

impl HostClock {
    /// With the first reading, which is believed: there is nothing to compare it with.
    pub fn new(first: ClockReading) -> HostClock {
        HostClock { believed: first, doubted: None }
    }

    /// Whether the time of day is in doubt: then by how many milliseconds it jumped. Nothing may be destroyed because of
    /// its age meanwhile.
    pub fn doubt(&self) -> Option<i64> {
        self.doubted.as_ref().map(|doubted| doubted.jump_since(&self.believed))
    }

    /// Takes a reading.
    pub fn read(&mut self, reading: ClockReading) -> Option<ClockChange> {
        let jump = reading.jump_since(&self.believed);
        if reading.is_synchronized {
            return self.believe(reading, Belief::Synchronized);
        }
        if jump == 0 {
            return self.believe(reading, Belief::Returned);
        }
        match &self.doubted {
            Some(doubted) if reading.boot == doubted.boot && reading.jump_since(doubted) == 0 => {
                let has_lasted = reading.since(doubted).is_some_and(|lasted| lasted >= PROBATION);
                if has_lasted { self.believe(reading, Belief::Lasted) } else { None }
            }
            _ => {
                self.doubted = Some(reading);
                Some(ClockChange::Jumped(jump))
            }
        }
    }

    /// Believes a reading because the operator says so.
    pub fn accept(&mut self, reading: ClockReading) -> Option<ClockChange> {
        let is_right = reading.jump_since(&self.believed) == 0;
        match (is_right, self.believe(reading, Belief::Accepted)) {
            (true, change) => change,
            (false, _) => Some(ClockChange::Believed(Belief::Accepted)),
        }
    }

    fn believe(&mut self, reading: ClockReading, why: Belief) -> Option<ClockChange> {
        self.believed = reading;
        self.doubted.take().map(|_| ClockChange::Believed(why))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    const HOUR: u64 = 3_600_000;
    const YEAR: u64 = 365 * 24 * HOUR;

    fn reading(wall: u64, since_boot: u64) -> ClockReading {
        of_boot("a", wall, since_boot)
    }

    fn of_boot(boot: &str, wall: u64, since_boot: u64) -> ClockReading {
        ClockReading {
            wall: Timestamp::from_millis(wall),
            since_boot: Millis::new(since_boot),
            boot: boot.into(),
            is_synchronized: false,
        }
    }

    fn clock() -> HostClock {
        HostClock::new(reading(50 * YEAR, HOUR))
    }

    #[test]
    fn time_that_passes_is_no_jump() {
        let mut clock = clock();
        // A month without a run, a drift of some minutes, and a machine that was off for the weekend.
        assert_eq!(clock.read(reading(50 * YEAR + 700 * HOUR, 701 * HOUR)), None);
        assert_eq!(clock.read(reading(50 * YEAR + 701 * HOUR + 300_000, 702 * HOUR)), None);
        assert_eq!(clock.read(of_boot("b", 50 * YEAR + 760 * HOUR, 60_000)), None);
        assert_eq!(clock.doubt(), None);
    }

    #[test]
    fn a_jump_is_seen_in_both_directions_and_over_a_restart_of_the_machine() {
        let ahead = clock().read(reading(60 * YEAR, 2 * HOUR)).unwrap();
        assert_eq!(ahead, ClockChange::Jumped((10 * YEAR - HOUR) as i64));
        let back = clock().read(reading(50 * YEAR - 5 * HOUR, 2 * HOUR)).unwrap();
        assert_eq!(back, ClockChange::Jumped(-6 * HOUR as i64));
        assert!(matches!(clock().read(of_boot("b", 60 * YEAR, 60_000)), Some(ClockChange::Jumped(by)) if by > 0));
        assert!(matches!(clock().read(of_boot("b", 40 * YEAR, 60_000)), Some(ClockChange::Jumped(by)) if by < 0));
        let mut small = clock();
        assert!(
            small.read(reading(50 * YEAR + 3 * HOUR, 2 * HOUR)).is_some() && small.doubt() == Some(2 * HOUR as i64)
        );
    }

    #[test]
    fn a_jump_that_is_taken_back_is_over() {
        let mut clock = clock();
        clock.read(reading(60 * YEAR, 2 * HOUR));
        assert_eq!(clock.read(reading(60 * YEAR + HOUR, 3 * HOUR)), None);
        assert!(clock.doubt().is_some());
        let back = clock.read(reading(50 * YEAR + 3 * HOUR, 4 * HOUR));
        assert_eq!((back, clock.doubt()), (Some(ClockChange::Believed(Belief::Returned)), None));
    }

    #[test]
    fn a_jump_that_lasts_is_believed_if_it_is_even() {
        let mut even = clock();
        even.read(reading(60 * YEAR, 2 * HOUR));
        assert_eq!(even.read(reading(60 * YEAR + 23 * HOUR, 25 * HOUR)), None);
        let lasted = even.read(reading(60 * YEAR + 24 * HOUR, 26 * HOUR));
        assert_eq!((lasted, even.doubt()), (Some(ClockChange::Believed(Belief::Lasted)), None));
        // Another jump, or another boot, begins the time again.
        let mut uneven = clock();
        uneven.read(reading(60 * YEAR, 2 * HOUR));
        assert!(matches!(uneven.read(reading(70 * YEAR, 20 * HOUR)), Some(ClockChange::Jumped(_))));
        assert_eq!(uneven.read(reading(70 * YEAR + 8 * HOUR, 28 * HOUR)), None);
        assert!(matches!(uneven.read(of_boot("b", 70 * YEAR + 9 * HOUR, HOUR)), Some(ClockChange::Jumped(_))));
        assert_eq!(uneven.read(of_boot("b", 70 * YEAR + 31 * HOUR, 23 * HOUR)), None);
        assert!(uneven.doubt().is_some());
    }

    #[test]
    fn who_keeps_the_time_and_the_operator_are_believed_at_once() {
        let synchronized = ClockReading { is_synchronized: true, ..reading(60 * YEAR, 2 * HOUR) };
        let mut clock = clock();
        assert_eq!((clock.read(synchronized.clone()), clock.doubt()), (None, None));
        clock.read(reading(70 * YEAR, 3 * HOUR));
        let by = |why| Some(ClockChange::Believed(why));
        let again = ClockReading { since_boot: Millis::new(4 * HOUR), ..synchronized };
        assert_eq!(clock.read(again), by(Belief::Synchronized));
        clock.read(reading(70 * YEAR, 5 * HOUR));
        assert_eq!((clock.accept(reading(70 * YEAR, 5 * HOUR)), clock.doubt()), (by(Belief::Accepted), None));
        // Without a reading in between, and without a reason.
        assert_eq!(clock.accept(reading(80 * YEAR, 6 * HOUR)), by(Belief::Accepted));
        assert_eq!((clock.accept(reading(80 * YEAR, 6 * HOUR)), clock.doubt()), (None, None));
    }

    #[test]
    fn the_time_between_two_readings_is_that_of_the_clock_that_does_not_jump() {
        let later = reading(90 * YEAR, 3 * HOUR);
        assert_eq!(later.since(&reading(50 * YEAR, HOUR)), Some(Millis::from_hours(2)));
        assert_eq!(later.since(&of_boot("b", 50 * YEAR, HOUR)), None);
    }
}
