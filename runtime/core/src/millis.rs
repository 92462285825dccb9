//! Durations in milliseconds.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A duration in whole milliseconds: the unit of the contract with policies, of settings and of every file. There it is
/// that number.
///
/// It is a type of its own, because policies get durations as replies and as fields of replies, where
/// [`std::time::Duration`] has no form. Timers and deadlines take the latter: `Duration::from(millis)`.
///
/// ```
/// use std::time::Duration;
/// use ansai_core::Millis;
/// let every = Millis::new(90_000);
/// assert_eq!(Duration::from(every), Duration::from_secs(90));
/// assert_eq!(every.to_string(), "1 min 30 s");
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Millis(u64);

impl Millis {
    /// No time.
    pub const ZERO: Millis = Millis(0);

    /// The longest duration.
    pub const MAX: Millis = Millis(u64::MAX);

    /// So many milliseconds.
    pub const fn new(milliseconds: u64) -> Millis {
        Millis(milliseconds)
    }

    /// So many hours; [`Millis::MAX`] if that is longer than it.
    pub const fn from_hours(hours: u64) -> Millis {
        Millis(hours.saturating_mul(3_600_000))
    }

    /// The number of milliseconds.
    pub const fn get(self) -> u64 {
        self.0
    }
}

/// What is longer than a `u64` can count is [`Millis::MAX`]; parts of a millisecond are dropped.
impl From<Duration> for Millis {
    fn from(duration: Duration) -> Millis {
        Millis(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
    }
}

impl From<Millis> for Duration {
    fn from(millis: Millis) -> Duration {
        Duration::from_millis(millis.0)
    }
}

/// For people: `2 d 3 h`.
impl std::fmt::Display for Millis {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&crate::quantity::show_milliseconds(self.0))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn conversions_end_at_the_limits() {
        let hour = Millis::from_hours(1);
        assert_eq!(hour, Millis::new(3_600_000));
        assert_eq!(Millis::from_hours(u64::MAX), Millis::MAX);
        assert_eq!(Millis::from(Duration::MAX), Millis::MAX);
        assert_eq!(Millis::from(Duration::from_micros(1_999)), Millis::new(1));
    }

    #[test]
    fn in_files_it_is_a_number() {
        assert_eq!(serde_json::to_string(&(Some(Millis::MAX), Millis::ZERO)).unwrap(), "[18446744073709551615,0]");
        for wrong in ["-1", "1.5", "\"1\"", "null", "18446744073709551616"] {
            assert!(serde_json::from_str::<Millis>(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn for_people() {
        assert_eq!(format!("{:>8}|", Millis::from_hours(26)), " 1 d 2 h|");
    }

    proptest! {
        #[test]
        fn milliseconds_are_read_as_written(number: u64, other: u64) {
            let millis = Millis::new(number);
            prop_assert_eq!(millis.get(), number);
            prop_assert_eq!(millis.cmp(&Millis::new(other)), number.cmp(&other));
            prop_assert_eq!(Millis::from(Duration::from(millis)), millis);
            let json = serde_json::to_string(&millis).unwrap();
            prop_assert_eq!(&json, &number.to_string());
            prop_assert_eq!(serde_json::from_str::<Millis>(&json).unwrap(), millis);
        }
    }
}
