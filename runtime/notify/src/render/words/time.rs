//! Times, for people and for programs.

use ansai_core::Timestamp;
use jiff::tz::TimeZone;

fn utc(at: Timestamp) -> jiff::Timestamp {
    i64::try_from(at.as_millis()).ok().and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok()).unwrap_or_default()
}

/// `2026-11-21 03:02:43`, local time.
pub fn local(at: Timestamp) -> String {
    utc(at).to_zoned(TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// `2026-11-21 03:02`, local time.
pub fn minute(at: Timestamp) -> String {
    utc(at).to_zoned(TimeZone::system()).strftime("%Y-%m-%d %H:%M").to_string()
}

/// `03:02:43`, local time.
pub fn clock(at: Timestamp) -> String {
    utc(at).to_zoned(TimeZone::system()).strftime("%H:%M:%S").to_string()
}

/// `2026-11-21`, local time.
pub fn day(at: Timestamp) -> String {
    utc(at).to_zoned(TimeZone::system()).strftime("%Y-%m-%d").to_string()
}

/// RFC 3339 in UTC.
pub fn rfc3339(at: Timestamp) -> String {
    utc(at).to_string()
}
