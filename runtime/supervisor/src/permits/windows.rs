//! Maintenance windows. Time zones, and the days on which clocks change, are those of the time zone library.

use ansai_core::incident::Permission;
use ansai_core::maintenance::{Maintenance, Window};
use ansai_core::{Severity, Timestamp};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Zoned};

use super::{Permit, PermitRequest, PermitSource};

/// Each window opens within a week, and on a day on which clocks change it may not: two weeks are enough.
const DAYS_AHEAD: i64 = 15;

/// Whether a plan may begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opening {
    /// No window applies.
    Always,
    /// Until this time.
    Until(Timestamp),
    /// Not before this time.
    From(Timestamp),
}

/// Holds a plan until the next window opens.
pub(crate) struct Windows<'a>(pub(crate) &'a Maintenance);

impl PermitSource for Windows<'_> {
    fn ask(&self, request: &PermitRequest<'_>) -> Permit {
        match opening(self.0, request.incident.finding.severity(), request.now) {
            Ok(Opening::Always | Opening::Until(_)) => Permit::Go,
            Ok(Opening::From(at)) => Permit::Hold(Permission::OutsideWindow(at)),
            Err(why) => Permit::Refuse(why),
        }
    }
}

/// Whether a plan for a finding of this severity may begin now, and when that changes.
///
/// # Errors
/// The host does not know a time zone, so nothing may begin.
pub fn opening(maintenance: &Maintenance, severity: Option<Severity>, now: Timestamp) -> Result<Opening, String> {
    let passes = maintenance.emergency_passes && severity == Some(Severity::Emergency);
    if maintenance.windows.is_empty() || passes {
        return Ok(Opening::Always);
    }
    let mut times = Vec::new();
    for window in &maintenance.windows {
        times.extend(around(window, now)?);
    }
    times.sort_unstable();
    let (mut until, mut next) = (None::<Timestamp>, None::<Timestamp>);
    for (from, to) in times {
        // A window that opens before another one closes goes on with it.
        if from <= until.unwrap_or(now) && now < to {
            until = until.max(Some(to));
        } else if now < from {
            next = next.or(Some(from));
        }
    }
    match (until, next) {
        (Some(until), _) => Ok(Opening::Until(until)),
        (None, Some(next)) => Ok(Opening::From(next)),
        (None, None) => Err("no maintenance window opens within two weeks".to_owned()),
    }
}

/// The times of a window from yesterday on.
fn around(window: &Window, now: Timestamp) -> Result<Vec<(Timestamp, Timestamp)>, String> {
    let zone = match window.zone() {
        Some(name) => TimeZone::get(name).map_err(|error| format!("the window {window} cannot be told: {error}"))?,
        None => TimeZone::system(),
    };
    let instant = i64::try_from(now.as_millis()).ok().and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
    let today = instant.unwrap_or_default().to_zoned(zone.clone()).date();
    let mut times = Vec::new();
    for days in -1..DAYS_AHEAD {
        let Ok(date) = today.checked_add(Span::new().days(days)) else { continue };
        let day = usize::try_from(date.weekday().to_monday_zero_offset()).unwrap_or(0);
        if !window.opens_on(day) {
            continue;
        }
        // A time that clocks leave out is the one after the gap.
        let opens = at(date, window.from(), &zone);
        let closes = at(date, window.until(), &zone);
        if let Some(found) = opens.zip(closes).filter(|(opens, closes)| opens < closes) {
            times.push(found);
        }
    }
    Ok(times)
}

/// So many minutes after midnight by the clock on the wall, up to two days.
fn at(date: Date, minutes: u16, zone: &TimeZone) -> Option<Timestamp> {
    let date = date.checked_add(Span::new().days(i64::from(minutes / 1_440))).ok()?;
    let minutes = minutes % 1_440;
    let hour = i8::try_from(minutes / 60).ok()?;
    let zoned: Zoned = date.at(hour, i8::try_from(minutes % 60).ok()?, 0, 0).to_zoned(zone.clone()).ok()?;
    Some(Timestamp::from_millis(u64::try_from(zoned.timestamp().as_millisecond()).ok()?))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn time(text: &str) -> Timestamp {
        let zoned: jiff::Timestamp = text.parse().unwrap();
        Timestamp::from_millis(u64::try_from(zoned.as_millisecond()).unwrap())
    }

    fn of(windows: &[&str], now: &str) -> Opening {
        let windows = windows.iter().map(|window| window.parse().unwrap()).collect();
        opening(&Maintenance { windows, emergency_passes: false }, None, time(now)).unwrap()
    }

    #[test]
    fn a_window_opens_and_closes_at_its_minute() {
        // 2026-11-30 is a Monday.
        let work = ["Mon..Fri 02:00-04:00 UTC"];
        assert_eq!(of(&work, "2026-11-30T01:59:59.999Z"), Opening::From(time("2026-11-30T02:00:00Z")));
        assert_eq!(of(&work, "2026-11-30T02:00:00Z"), Opening::Until(time("2026-11-30T04:00:00Z")));
        assert_eq!(of(&work, "2026-11-30T04:00:00Z"), Opening::From(time("2026-12-01T02:00:00Z")));
        assert_eq!(of(&work, "2026-11-28T03:00:00Z"), Opening::From(time("2026-11-30T02:00:00Z")), "a Saturday");
    }

    #[test]
    fn a_night_belongs_to_the_day_on_which_it_begins() {
        let friday = ["Fri 22:00-06:00 UTC"];
        assert_eq!(of(&friday, "2026-11-28T05:59:00Z"), Opening::Until(time("2026-11-28T06:00:00Z")));
        assert_eq!(of(&friday, "2026-11-27T05:59:00Z"), Opening::From(time("2026-11-27T22:00:00Z")));
        // Windows that touch are one: here for as far as ansai looks ahead.
        let always = of(&["00:00-24:00 UTC"], "2026-11-28T23:59:00Z");
        assert!(matches!(always, Opening::Until(at) if at > time("2026-12-10T00:00:00Z")), "{always:?}");
        let evening = ["22:00-24:00 UTC", "Sun 00:00-06:00 UTC"];
        assert_eq!(of(&evening, "2026-11-28T23:59:00Z"), Opening::Until(time("2026-11-29T06:00:00Z")));
    }

    #[test]
    fn several_windows_are_open_together() {
        let two = ["Mon 02:00-04:00 UTC", "Mon 03:00-05:00 UTC"];
        assert_eq!(of(&two, "2026-11-30T03:30:00Z"), Opening::Until(time("2026-11-30T05:00:00Z")));
        assert_eq!(of(&two, "2026-11-30T05:00:00Z"), Opening::From(time("2026-12-07T02:00:00Z")));
        assert_eq!(of(&[], "2026-11-30T05:00:00Z"), Opening::Always);
    }

    #[test]
    fn clocks_that_change_are_those_of_the_zone() {
        // In winter it opens at 01:00 UTC, in summer at 00:00 UTC.
        let night = ["02:00-04:00 Europe/Berlin"];
        assert_eq!(of(&night, "2026-11-30T00:30:00Z"), Opening::From(time("2026-11-30T01:00:00Z")));
        assert_eq!(of(&night, "2026-07-01T00:30:00Z"), Opening::Until(time("2026-07-01T02:00:00Z")));
        // On 2026-03-29 the clock goes from 02:00 to 03:00: the window has one hour, and none if all of it is left out.
        assert_eq!(of(&night, "2026-03-29T00:59:00Z"), Opening::From(time("2026-03-29T01:00:00Z")));
        assert_eq!(of(&night, "2026-03-29T01:30:00Z"), Opening::Until(time("2026-03-29T02:00:00Z")));
        let gone = ["Sun 02:00-03:00 Europe/Berlin"];
        assert_eq!(of(&gone, "2026-03-29T00:59:00Z"), Opening::From(time("2026-04-05T00:00:00Z")));
        // On 2026-10-25 the hour from 02:00 to 03:00 comes twice.
        assert_eq!(of(&night, "2026-10-25T00:00:00Z"), Opening::Until(time("2026-10-25T03:00:00Z")));
    }

    #[test]
    fn only_an_emergency_passes_and_an_unknown_zone_never_opens() {
        let windows = vec!["Mon 02:00-04:00 UTC".parse().unwrap()];
        let (now, passes) = (time("2026-11-28T03:00:00Z"), Maintenance { windows, emergency_passes: true });
        assert_eq!(opening(&passes, Some(Severity::Emergency), now), Ok(Opening::Always));
        assert_ne!(opening(&passes, Some(Severity::Critical), now), Ok(Opening::Always));
        let stays = Maintenance { emergency_passes: false, ..passes };
        assert_ne!(opening(&stays, Some(Severity::Emergency), now), Ok(Opening::Always));
        let windows = vec!["02:00-04:00 Middle/Earth".parse().unwrap()];
        assert!(opening(&Maintenance { windows, emergency_passes: false }, None, now).is_err());
    }
}
