//! File names of recordings. They hold everything that the index needs.

use std::fmt;

use super::Class;
use super::id::{self, RecordingId};

const SUFFIX: &str = ".zst";

/// Separates the parts of a file name; no part contains it.
const SEPARATOR: char = '~';

/// `ORDER~CLASS~INSTANCE~ID.zst`. The order is a counter in 16 hexadecimal digits, because times are not unique and
/// clocks can go backwards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FileName {
    pub(super) order: u64,
    pub(super) class: Class,
    pub(super) instance: String,
    pub(super) id: RecordingId,
}

/// The order that a text of hexadecimal digits says: at most half the range, so that incrementing it cannot overflow.
pub(super) fn order(text: &str) -> Option<u64> {
    u64::from_str_radix(text, 16).ok().filter(|order| *order <= u64::MAX / 2)
}

impl FileName {
    /// `None` for a file that is not a recording.
    pub(super) fn parse(name: &str) -> Option<Self> {
        let mut parts = name.strip_suffix(SUFFIX)?.split(SEPARATOR);
        let (order, class, instance, id) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        if parts.next().is_some() || !id::is_plain(instance, id::MAX_INSTANCE_BYTES) {
            return None;
        }
        let class = match class {
            "healthy" => Class::Healthy,
            "notable" => Class::Notable,
            "evidence" => Class::Evidence,
            _ => return None,
        };
        let parsed = Self { order: self::order(order)?, class, instance: instance.to_owned(), id: id.parse().ok()? };
        // Accept only the spelling that gives the same file name again.
        (parsed.to_string() == name).then_some(parsed)
    }
}

impl fmt::Display for FileName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let class = match self.class {
            Class::Healthy => "healthy",
            Class::Notable => "notable",
            Class::Evidence => "evidence",
        };
        write!(
            formatter,
            "{:016x}{SEPARATOR}{class}{SEPARATOR}{}{SEPARATOR}{}{SUFFIX}",
            self.order, self.instance, self.id
        )
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
    use super::*;

    #[test]
    fn names_round_trip_and_nothing_else_parses() {
        let name = FileName {
            order: 255,
            class: Class::Notable,
            instance: "a".repeat(64),
            id: "b".repeat(128).parse().unwrap(),
        };
        let text = name.to_string();
        assert!(text.len() <= 255);
        assert_eq!(FileName::parse(&text), Some(name));
        for other in [
            "lock",
            "ff~notable~a~b.zst",
            "00000000000000FF~notable~a~b.zst",
            "ffffffffffffffff~notable~a~b.zst",
            "00000000000000ff~other~a~b.zst",
            "00000000000000ff~notable~~b.zst",
            "00000000000000ff~notable~..~b.zst",
            "00000000000000ff~notable~a~b~c.zst",
            "00000000000000ff~notable~a~.b.zst",
            "00000000000000ff~notable~a~b",
        ] {
            assert_eq!(FileName::parse(other), None, "{other}");
        }
        assert!(!ansai_storage::is_temporary(&text));
    }
}
