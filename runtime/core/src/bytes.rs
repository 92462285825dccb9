//! Sizes in bytes.

use std::iter::Sum;
use std::ops::{Add, AddAssign, Sub};

use serde::{Deserialize, Serialize};

/// A size in bytes. In files and in JSON it is that number. Sums end at [`Bytes::MAX`], differences at [`Bytes::ZERO`].
///
/// ```
/// use ansai_core::Bytes;
/// let limit = Bytes::from_mib(1);
/// assert!(Bytes::from("text".len()) < limit);
/// assert_eq!((limit + Bytes::new(512 << 10)).to_string(), "1.50 MiB");
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Bytes(u64);

impl Bytes {
    /// No bytes.
    pub const ZERO: Bytes = Bytes(0);

    /// The largest size.
    pub const MAX: Bytes = Bytes(u64::MAX);

    /// So many bytes.
    pub const fn new(bytes: u64) -> Bytes {
        Bytes(bytes)
    }

    /// So many MiB; [`Bytes::MAX`] if that is larger than it.
    pub const fn from_mib(mib: u64) -> Bytes {
        Bytes(mib.saturating_mul(1 << 20))
    }

    /// The number of bytes.
    pub const fn get(self) -> u64 {
        self.0
    }
}

/// The length of something in memory.
impl From<usize> for Bytes {
    fn from(length: usize) -> Bytes {
        Bytes(u64::try_from(length).unwrap_or(u64::MAX))
    }
}

/// How much fits into memory.
impl From<Bytes> for usize {
    fn from(bytes: Bytes) -> usize {
        usize::try_from(bytes.0).unwrap_or(usize::MAX)
    }
}

impl Add for Bytes {
    type Output = Bytes;

    fn add(self, other: Bytes) -> Bytes {
        Bytes(self.0.saturating_add(other.0))
    }
}

impl AddAssign for Bytes {
    fn add_assign(&mut self, other: Bytes) {
        *self = *self + other;
    }
}

impl Sub for Bytes {
    type Output = Bytes;

    fn sub(self, other: Bytes) -> Bytes {
        Bytes(self.0.saturating_sub(other.0))
    }
}

impl Sum for Bytes {
    fn sum<I: Iterator<Item = Bytes>>(sizes: I) -> Bytes {
        sizes.fold(Bytes::ZERO, Add::add)
    }
}

/// For people: `1.50 GiB`.
impl std::fmt::Display for Bytes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&crate::quantity::show_bytes(self.0))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn arithmetic_ends_at_the_limits() {
        let one = Bytes::new(1);
        assert_eq!((Bytes::MAX + one, Bytes::ZERO - one), (Bytes::MAX, Bytes::ZERO));
        assert_eq!([Bytes::MAX, one].into_iter().sum::<Bytes>(), Bytes::MAX);
        assert_eq!(Bytes::from_mib(u64::MAX), Bytes::MAX);
        let mut sum = Bytes::MAX - one;
        sum += Bytes::new(2);
        assert_eq!(sum, Bytes::MAX);
    }

    #[test]
    fn for_people() {
        assert_eq!(format!("{:>8}|{}", Bytes::new(7), Bytes::from_mib(64)), "     7 B|64.0 MiB");
    }

    proptest! {
        #[test]
        fn sizes_are_read_as_written(number: u64, other: u64) {
            let bytes = Bytes::new(number);
            prop_assert_eq!(bytes.get(), number);
            prop_assert_eq!(bytes.cmp(&Bytes::new(other)), number.cmp(&other));
            let json = serde_json::to_string(&bytes).unwrap();
            prop_assert_eq!(&json, &number.to_string());
            prop_assert_eq!(serde_json::from_str::<Bytes>(&json).unwrap(), bytes);
        }
    }
}
