//! The only place where the loop reads the time of day.

use ansai_core::Instant;
use ansai_kit::evaluation_state::WallClock;

/// Milliseconds since the Unix epoch.
pub fn now() -> Instant {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

/// The host's local time at an instant.
pub fn local(at: Instant) -> WallClock {
    let at = i64::try_from(at).ok().and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok()).unwrap_or_default();
    let zoned = at.to_zoned(jiff::tz::TimeZone::system());
    WallClock {
        minute_of_day: zoned.hour().unsigned_abs() as u32 * 60 + zoned.minute().unsigned_abs() as u32,
        weekday: zoned.weekday().to_monday_zero_offset().unsigned_abs() as u32,
        utc_offset_minutes: zoned.offset().seconds() / 60,
    }
}
