//! Maintenance windows, told by the civil time of their zone: not as the supervisor does it, which compares instants.

use ansai_core::event::Record;
use ansai_core::maintenance::Window;
use ansai_core::{Event, Severity, Timestamp};
use ansai_supervisor::simulation::Fault;
use jiff::tz::TimeZone;
use jiff::{ToSpan as _, Zoned};

use super::{Facts, Invariant, Said};

/// No step begins outside of the windows of its instance.
pub(super) struct InWindows;

impl Invariant for InWindows {
    fn name(&self) -> &'static str {
        "steps begin in a window"
    }

    fn see(&mut self, record: &Record, said: &Said, facts: &Facts) -> Result<(), String> {
        let Event::Intent(intent) = &record.event else { return Ok(()) };
        let windows = &facts.rules[&intent.instance].windows;
        let key = &said.incidents[&said.plans[&intent.plan].1].1;
        let is_urgent = |fault: &Fault| {
            fault.instance == intent.instance && fault.key == *key && fault.severity == Severity::Emergency
        };
        let passes = windows.emergency_passes && facts.faults.iter().any(is_urgent);
        if windows.windows.is_empty() || passes || windows.windows.iter().any(|window| is_in(window, record.at)) {
            return Ok(());
        }
        Err(format!("{} of {} began at {}", intent.plan, intent.instance, record.at.as_millis()))
    }
}

fn is_in(window: &Window, at: Timestamp) -> bool {
    let zone = TimeZone::get(window.zone().unwrap()).unwrap();
    let at = jiff::Timestamp::from_millisecond(at.as_millis() as i64).unwrap().to_zoned(zone);
    // In the night in which clocks go ahead, a time that is left out is the one an hour later.
    let earlier = at.checked_sub(1.hour()).unwrap();
    let is_ahead = at.offset() != at.checked_sub(12.hours()).unwrap().offset();
    is_in_civil(window, &at) || (is_ahead && is_in_civil(window, &earlier))
}

fn is_in_civil(window: &Window, at: &Zoned) -> bool {
    let minute = at.hour() as u16 * 60 + at.minute() as u16;
    let day = |at: &Zoned| at.weekday().to_monday_zero_offset() as usize;
    let (from, until) = (window.from(), window.until());
    let today = window.opens_on(day(at)) && (from..until).contains(&minute);
    let yesterday = at.checked_sub(1.day()).unwrap();
    today || (window.opens_on(day(&yesterday)) && minute + 24 * 60 < until)
}
