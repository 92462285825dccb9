//! When an instance runs by time.

use ansai_core::{Millis, Timestamp};
use ansai_supervisor::{Instance, clock};
use jiff::tz::TimeZone;

/// So many times are shown.
const SHOWN: usize = 3;

/// `every 5 min`, or `cron 30 2 * * * Europe/Berlin: next Mon 30 Nov 02:30, Tue 1 Dec 02:30, Wed 2 Dec 02:30`.
pub(super) fn of(instance: &Instance) -> String {
    at(instance, clock::now())
}

fn at(instance: &Instance, now: Timestamp) -> String {
    let timing = &instance.timing;
    let splay = match timing.splay {
        Millis::ZERO => String::new(),
        splay => format!(", each up to {splay} later"),
    };
    let Some(cron) = &timing.cron else { return format!("every {}{splay}", instance.every) };
    format!("cron {cron}: {}{splay}", next(cron, now))
}

fn next(cron: &ansai_config::Cron, now: Timestamp) -> String {
    let zone = cron.zone_now().unwrap_or_else(TimeZone::system);
    let mut times = Vec::new();
    let mut after = now;
    while let Some(next) = cron.next_after(after).filter(|_| times.len() < SHOWN) {
        times.push(shown(next, now, &zone));
        after = next;
    }
    if times.is_empty() { "never".to_owned() } else { format!("next {}", times.join(", ")) }
}

/// With the year where it is another one.
fn shown(at: Timestamp, now: Timestamp, zone: &TimeZone) -> String {
    let zoned = |at: Timestamp| {
        let at = i64::try_from(at.as_millis()).ok().and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
        at.unwrap_or_default().to_zoned(zone.clone())
    };
    let (at, now) = (zoned(at), zoned(now));
    let format = if at.year() == now.year() { "%a %-d %b %H:%M" } else { "%a %-d %b %Y %H:%M" };
    at.strftime(format).to_string()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use ansai_config::Cron;

    use super::*;

    #[test]
    fn times_are_those_of_the_zone() {
        let now: jiff::Timestamp = "2026-11-29T12:00:00Z".parse().unwrap();
        let now = Timestamp::from_millis(u64::try_from(now.as_millisecond()).unwrap());
        let of = |pattern: &str| next(&Cron::new(pattern, Some("Europe/Berlin")).unwrap(), now);
        assert_eq!(of("30 2 * * *"), "next Mon 30 Nov 02:30, Tue 1 Dec 02:30, Wed 2 Dec 02:30");
        assert_eq!(of("0 9 29 2 *"), "next Tue 29 Feb 2028 09:00, Sun 29 Feb 2032 09:00, Fri 29 Feb 2036 09:00");
    }
}
