//! Durations.

use std::fmt;

use serde::{Deserialize, Deserializer};

const SECOND: u64 = 1_000;
const HOUR: u64 = 3_600 * SECOND;
const UNITS: [(&str, u64); 4] = [("d", 24 * HOUR), ("h", HOUR), ("min", 60 * SECOND), ("s", SECOND)];

/// A number of milliseconds: a setting with `"format": "duration"`, or any duration that is shown to a person, with its
/// two largest units.
///
/// ```
/// use ansai_sdk::Span;
///
/// assert_eq!(Span(90_000).to_string(), "1 min 30 s");
/// assert_eq!(Span(90_000).hours(), 1);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Span(pub u64);

impl Span {
    /// A number of hours.
    pub const fn from_hours(hours: u32) -> Span {
        Span(hours as u64 * HOUR)
    }

    /// A number of days.
    pub const fn from_days(days: u32) -> Span {
        Span(days as u64 * 24 * HOUR)
    }

    /// In hours, rounded up, so that a minimum age is never too low.
    pub fn hours(self) -> u32 {
        u32::try_from(self.0.div_ceil(HOUR)).unwrap_or(u32::MAX)
    }

    /// In hours, or the `min_age_hours` of a grant if that is more: a step with less would be denied.
    ///
    /// ```
    /// use ansai_sdk::Span;
    ///
    /// let week = Span::from_days(7);
    /// assert_eq!([week.hours_granted(None), week.hours_granted(Some(24)), week.hours_granted(Some(720))], [168, 168, 720]);
    /// ```
    pub fn hours_granted(self, least: Option<u64>) -> u32 {
        self.hours().max(u32::try_from(least.unwrap_or(0)).unwrap_or(u32::MAX))
    }

    /// What is left of this time if it began at an instant; `None` if it is over. Never more than the whole time, because the
    /// clock may have been set back.
    ///
    /// ```
    /// use ansai_sdk::Span;
    ///
    /// let pause = Span(60);
    /// assert_eq!((pause.left(100, 130), pause.left(100, 160)), (Some(Span(30)), None));
    /// assert_eq!(pause.left(1_000_000, 130), Some(pause));
    /// ```
    pub fn left(self, begin: u64, now: u64) -> Option<Span> {
        let rest = begin.saturating_add(self.0).checked_sub(now).filter(|rest| *rest > 0)?;
        Some(Span(rest.min(self.0)))
    }

    /// Whether it is not over yet if it began at an instant. One that lies ahead, because the clock was set back, is over.
    pub fn lasts_since(self, begin: u64, now: u64) -> bool {
        begin <= now && now - begin < self.0
    }

    /// Rounded up to whole hours, for a person: `16 h` instead of `15 h 20 min`.
    pub fn in_whole_hours(self) -> Span {
        Span::from_hours(self.hours())
    }
}

/// Formats the two largest units.
impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(largest) = UNITS.iter().position(|(_, unit)| self.0 >= *unit) else {
            return write!(f, "{} ms", self.0);
        };
        let mut rest = self.0;
        for (index, (name, unit)) in UNITS.iter().skip(largest).take(2).enumerate() {
            let count = rest / unit;
            rest %= unit;
            if index == 0 {
                write!(f, "{count} {name}")?;
            } else if count > 0 {
                write!(f, " {count} {name}")?;
            }
        }
        Ok(())
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Span, D::Error> {
        u64::deserialize(deserializer).map(Span)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_two_largest_units_are_shown() {
        for (milliseconds, shown) in [
            (0, "0 ms"),
            (999, "999 ms"),
            (1_000, "1 s"),
            (HOUR, "1 h"),
            (25 * HOUR + 1, "1 d 1 h"),
            (48 * HOUR, "2 d"),
        ] {
            assert_eq!(Span(milliseconds).to_string(), shown);
        }
    }

    #[test]
    fn hours_are_rounded_up() {
        assert_eq!([Span(0).hours(), Span(1).hours(), Span(HOUR).hours(), Span(HOUR + 1).hours()], [0, 1, 1, 2]);
        assert_eq!(Span(u64::MAX).hours(), u32::MAX);
    }
}
