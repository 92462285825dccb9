//! The only place where the loop reads the time of day, and how long the host has run.

use ansai_core::{Millis, Timestamp};
use ansai_kit::evaluation_state::WallClock;
use ansai_kit::host_clock;

use crate::virtual_time;

/// The time now; the epoch if the clock is before it. That of the simulation, if there is one.
pub fn now() -> Timestamp {
    if let Some(simulated) = virtual_time::reading() {
        return simulated.wall;
    }
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(Timestamp::EPOCH, |since| Timestamp::EPOCH + Millis::from(since))
}

/// How long the host has run, which nobody can set. That of the simulation, if there is one.
pub(crate) fn since_boot() -> Millis {
    virtual_time::reading().map_or_else(host_clock::since_boot, |simulated| simulated.since_boot)
}

/// The host's local time at an instant.
pub fn local(at: Timestamp) -> WallClock {
    let at = i64::try_from(at.as_millis())
        .ok()
        .and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok())
        .unwrap_or_default();
    let zoned = at.to_zoned(jiff::tz::TimeZone::system());
    WallClock {
        minute_of_day: zoned.hour().unsigned_abs() as u32 * 60 + zoned.minute().unsigned_abs() as u32,
        weekday: zoned.weekday().to_monday_zero_offset().unsigned_abs() as u32,
        utc_offset_minutes: zoned.offset().seconds() / 60,
    }
}
