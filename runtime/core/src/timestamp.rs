//! Points in time.

use std::ops::{Add, Sub};

use serde::{Deserialize, Serialize};

use crate::Millis;

/// A point in time: milliseconds since the Unix epoch, UTC. In files and in the contract it is that number.
///
/// The wall clock can be set back and a policy can name any number, so arithmetic saturates: a later time minus an earlier
/// one is a duration, an earlier minus a later one is zero.
///
/// ```
/// use ansai_core::{Millis, Timestamp};
/// let opened = Timestamp::from_millis(1_790_000_000_000);
/// let closed = opened + Millis::new(90_000);
/// assert_eq!(closed - opened, Millis::new(90_000));
/// assert_eq!(opened - closed, Millis::ZERO);
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(u64);

impl Timestamp {
    /// The Unix epoch.
    pub const EPOCH: Timestamp = Timestamp(0);

    /// The last point in time: later than everything that happens.
    pub const MAX: Timestamp = Timestamp(u64::MAX);

    /// So many milliseconds after the Unix epoch.
    pub const fn from_millis(milliseconds: u64) -> Timestamp {
        Timestamp(milliseconds)
    }

    /// Milliseconds since the Unix epoch.
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// The time that passed since an earlier point; `None` if that point is later.
    pub fn checked_since(self, earlier: Timestamp) -> Option<Millis> {
        self.0.checked_sub(earlier.0).map(Millis::new)
    }
}

/// The time from the other point to this one; zero if the other one is later.
impl Sub for Timestamp {
    type Output = Millis;

    fn sub(self, earlier: Timestamp) -> Millis {
        Millis::new(self.0.saturating_sub(earlier.0))
    }
}

/// [`Timestamp::MAX`] if the sum is later than it.
impl Add<Millis> for Timestamp {
    type Output = Timestamp;

    fn add(self, duration: Millis) -> Timestamp {
        Timestamp(self.0.saturating_add(duration.get()))
    }
}

/// [`Timestamp::EPOCH`] if the difference is before it.
impl Sub<Millis> for Timestamp {
    type Output = Timestamp;

    fn sub(self, duration: Millis) -> Timestamp {
        Timestamp(self.0.saturating_sub(duration.get()))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn arithmetic_ends_at_the_limits() {
        let (second, half) = (Millis::new(1_000), Timestamp::from_millis(500));
        assert_eq!(Timestamp::MAX + second, Timestamp::MAX);
        assert_eq!(Timestamp::MAX + Millis::MAX, Timestamp::MAX);
        assert_eq!(half - second, Timestamp::EPOCH);
        assert_eq!(Timestamp::MAX - Millis::MAX, Timestamp::EPOCH);
        assert_eq!(Timestamp::EPOCH - half, Millis::ZERO);
        assert_eq!(Timestamp::MAX - Timestamp::EPOCH, Millis::MAX);
        assert_eq!(half.checked_since(Timestamp::EPOCH), Some(Millis::new(500)));
        assert_eq!((half.checked_since(half), Timestamp::EPOCH.checked_since(half)), (Some(Millis::ZERO), None));
    }

    #[test]
    fn in_files_it_is_a_number() {
        assert_eq!(serde_json::to_string(&Some(Timestamp::MAX)).unwrap(), "18446744073709551615");
        assert_eq!(serde_json::from_str::<Timestamp>("7").unwrap(), Timestamp::from_millis(7));
        for wrong in ["-1", "1.5", "\"7\"", "null", "18446744073709551616"] {
            assert!(serde_json::from_str::<Timestamp>(wrong).is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn nothing_panics_and_order_is_that_of_the_numbers(a: u64, b: u64, duration: u64) {
            let (one, other, duration) = (Timestamp::from_millis(a), Timestamp::from_millis(b), Millis::new(duration));
            prop_assert_eq!(one.cmp(&other), a.cmp(&b));
            prop_assert!(one + duration >= one && one - duration <= one);
            prop_assert_eq!(one - other, one.checked_since(other).unwrap_or_default());
            prop_assert_eq!(other + (one - other), one.max(other));
            let json = serde_json::to_string(&one).unwrap();
            prop_assert_eq!(&json, &a.to_string());
            prop_assert_eq!(serde_json::from_str::<Timestamp>(&json).unwrap(), one);
        }
    }
}
