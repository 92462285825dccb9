//! `--since TIME`: an age or a point in time.

use std::str::FromStr;

use ansai_core::{Millis, Timestamp, quantity};
use ansai_supervisor::clock;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// Everything at and after a point in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Since(Timestamp);

impl Since {
    /// Whether a point in time is in it.
    pub(crate) fn includes(self, at: Timestamp) -> bool {
        at >= self.0
    }
}

impl Since {
    /// Its beginning.
    pub(crate) fn start(self) -> Timestamp {
        self.0
    }
}

impl FromStr for Since {
    type Err = String;

    /// `7d`, `2h 30m`; `2026-11-21`, `2026-11-21 03:00` in local time; `2026-11-21T03:00:00Z`.
    fn from_str(text: &str) -> Result<Since, String> {
        let text = text.trim();
        // A number alone is more likely a record number or a mistyped date than seconds.
        let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
        if let Some(age) = quantity::milliseconds(text).ok().filter(|_| !is_number) {
            return Ok(Since(clock::now() - Millis::new(age)));
        }
        let since = |at: jiff::Timestamp| Timestamp::from_millis(u64::try_from(at.as_millisecond()).unwrap_or(0));
        let local = |at: DateTime| at.to_zoned(TimeZone::system()).ok().map(|at| at.timestamp());
        let at = text.parse::<jiff::Timestamp>().ok().or_else(|| local(text.parse().ok()?));
        at.map(|at| Since(since(at)))
            .ok_or_else(|| "expected an age such as `7d` or `2h 30m`, or a time such as `2026-11-21 03:00`".to_owned())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn ages_and_times() {
        let day: Since = "1d".parse().unwrap();
        assert!(day.includes(clock::now()) && day.includes(clock::now() - Millis::new(80_000_000)));
        assert!(!day.includes(clock::now() - Millis::new(90_000_000)));
        let at: Since = "2026-11-21T03:00:00Z".parse().unwrap();
        assert_eq!(at, Since(Timestamp::from_millis(1_795_230_000_000)));
        assert!(at.includes(at.0) && !at.includes(at.0 - Millis::new(1)));
        let noon: Since = "2026-11-21 12:00".parse().unwrap();
        let morning: Since = "2026-11-21".parse().unwrap();
        assert_eq!(noon.0 - morning.0, Millis::from_hours(12));
    }

    #[test]
    fn anything_else_is_explained() {
        for text in ["", "1200", "yesterday", "2026-13-01", "-3d"] {
            let error = text.parse::<Since>().err();
            assert!(error.is_some_and(|error| error.starts_with("expected an age")), "{text}");
        }
    }
}
