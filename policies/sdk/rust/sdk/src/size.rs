//! Sizes.

use std::fmt;

use serde::{Deserialize, Deserializer};

const UNITS: [&str; 7] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];

/// A number of bytes: a setting with `"format": "bytes"`, or any size that is shown to a person.
///
/// Shown with three digits, as everywhere in ansai, and rounded down, so that nothing looks fuller than it is.
///
/// ```
/// use ansai_sdk::Size;
///
/// assert_eq!(Size(1536).to_string(), "1.50 KiB");
/// assert_eq!(Size(20 << 30).to_string(), "20.0 GiB");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Size(pub u64);

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Uses integers, because the code to format floats would be a tenth of a component.
        let power = self.0.checked_ilog2().unwrap_or_default() / 10;
        let name = UNITS.get(power as usize).unwrap_or(&"B");
        let (whole, rest) = (self.0 >> (power * 10), u128::from(self.0) & ((1 << (power * 10)) - 1));
        let hundredths = (rest * 100) >> (power * 10);
        match (power, whole) {
            (0, _) | (_, 100..) => write!(f, "{whole} {name}"),
            (_, 10..) => write!(f, "{whole}.{} {name}", hundredths / 10),
            _ => write!(f, "{whole}.{hundredths:02} {name}"),
        }
    }
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Size, D::Error> {
        u64::deserialize(deserializer).map(Size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_digits_rounded_down() {
        for (bytes, shown) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.00 KiB"),
            (1024 + 1023, "1.99 KiB"),
            (10 << 10, "10.0 KiB"),
            ((100 << 20) - 1, "99.9 MiB"),
            (100 << 20, "100 MiB"),
            ((1 << 30) - 1, "1023 MiB"),
            (31_000_000_000, "28.8 GiB"),
            (u64::MAX, "15.9 EiB"),
        ] {
            assert_eq!(Size(bytes).to_string(), shown);
        }
    }
}
