//! Sizes.

use std::fmt;

use serde::{Deserialize, Deserializer};

const UNITS: [(&str, u64); 4] = [("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];

/// Bytes: a setting with `"format": "bytes"`, and any size that is shown to a person.
///
/// ```
/// use ansai_sdk::Size;
///
/// assert_eq!(Size(1536).to_string(), "1.5 KiB");
/// assert_eq!(Size(20 << 30).to_string(), "20 GiB");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Size(pub u64);

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some((name, unit)) = UNITS.iter().find(|(_, unit)| self.0 >= *unit) else {
            return write!(f, "{} B", self.0);
        };
        let (whole, tenth) = (self.0 / unit, self.0 % unit * 10 / unit);
        if whole >= 10 || tenth == 0 { write!(f, "{whole} {name}") } else { write!(f, "{whole}.{tenth} {name}") }
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
    fn sizes_are_rounded_down() {
        for (bytes, shown) in [(0, "0 B"), (1023, "1023 B"), (1024, "1 KiB"), (u64::MAX, "16777215 TiB")] {
            assert_eq!(Size(bytes).to_string(), shown);
        }
    }
}
