#![allow(clippy::unwrap_used, reason = "tests")]
use super::*;

fn time(text: &str) -> Timestamp {
    let zoned: jiff::Timestamp = text.parse().unwrap();
    Timestamp::from_millis(u64::try_from(zoned.as_millisecond()).unwrap())
}

/// The next times of a pattern in Berlin, in UTC without seconds.
fn next(pattern: &str, after: &str, times: usize) -> Vec<String> {
    let cron = Cron::new(pattern, Some("Europe/Berlin")).unwrap();
    let mut at = time(after);
    let mut found = Vec::new();
    for _ in 0..times {
        at = cron.next_after(at).unwrap();
        let shown = jiff::Timestamp::from_millisecond(i64::try_from(at.as_millis()).unwrap()).unwrap().to_string();
        found.push(shown.strip_suffix(":00Z").unwrap().to_owned());
    }
    found
}

/// On 2026-03-29, the clock in Berlin goes from 02:00 to 03:00 (01:00 UTC).
#[test]
fn a_time_that_clocks_leave_out_comes_right_after_the_gap_and_once() {
    let expected = ["2026-03-28T01:30", "2026-03-29T01:00", "2026-03-30T00:30"];
    assert_eq!(next("30 2 * * *", "2026-03-27T12:00:00Z", 3), expected);
    // Several times of one gap are one run. Would break: a list of minutes that counts as "so often".
    let several = ["2026-03-29T00:15", "2026-03-29T00:45", "2026-03-29T01:00", "2026-03-29T01:15"];
    assert_eq!(next("15,45 0-3 29,30 3 *", "2026-03-29T00:00:00Z", 4), several);
    assert_eq!(next("30 2 29 3 *", "2026-03-29T01:00:00Z", 1), ["2027-03-29T00:30"], "not twice");
}

/// On 2026-10-25, the hour from 02:00 to 03:00 comes twice: from 00:00 UTC and from 01:00 UTC.
#[test]
fn a_time_that_comes_twice_counts_once() {
    let expected = ["2026-10-24T00:30", "2026-10-25T00:30", "2026-10-26T01:30"];
    assert_eq!(next("30 2 * * *", "2026-10-23T12:00:00Z", 3), expected);
    let from_within = next("30 2 * * *", "2026-10-25T01:15:00Z", 1);
    assert_eq!(from_within, ["2026-10-26T01:30"], "the second 02:30 is no time of it");
    assert_eq!(next("0,30 2 * * *", "2026-10-25T00:00:00Z", 2), ["2026-10-25T00:30", "2026-10-26T01:00"]);
}

#[test]
fn what_comes_so_often_follows_the_wall_clock() {
    let spring = ["2026-03-29T00:30", "2026-03-29T01:00", "2026-03-29T01:30"];
    assert_eq!(next("*/30 * * * *", "2026-03-29T00:00:00Z", 3), spring);
    let autumn = ["2026-10-25T00:30", "2026-10-25T01:00", "2026-10-25T01:30", "2026-10-25T02:00"];
    assert_eq!(next("*/30 * * * *", "2026-10-25T00:00:00Z", 4), autumn);
}

#[test]
fn leap_days_and_days_of_the_week_are_those_of_the_calendar() {
    assert_eq!(next("0 12 29 2 *", "2026-01-01T00:00:00Z", 2), ["2028-02-29T11:00", "2032-02-29T11:00"]);
    // A day of the month or a day of the week, as in cron.
    assert_eq!(
        next("0 0 13 * Fri", "2026-11-02T00:00:00Z", 3),
        ["2026-11-05T23:00", "2026-11-12T23:00", "2026-11-19T23:00"]
    );
    assert_eq!(next("@daily", "2026-11-02T00:00:00Z", 1), ["2026-11-02T23:00"]);
}

#[test]
fn what_never_comes_and_what_is_no_pattern_is_refused() {
    for text in ["0 0 30 2 *", "0 0 31 2,4,6,9,11 *"] {
        assert_eq!(Cron::new(text, None).unwrap_err(), CronError::Never, "{text}");
    }
    let long = "* ".repeat(5_000);
    for text in
        ["", "*", "* * * *", "0 * * * * *", "60 * * * *", "0 24 * * *", "@reboot", "0 0 * * Mo", "\u{1b}", &long]
    {
        assert!(matches!(Cron::new(text, None), Err(CronError::Form(_))), "{text}");
    }
    let zone = Cron::new("0 0 * * *", Some("Europe/Berlim")).unwrap_err();
    assert_eq!(zone, CronError::Zone("Europe/Berlim".into()));
}

/// Clocks may say anything.
#[test]
fn times_at_the_ends_of_the_calendar_do_no_harm() {
    let cron = Cron::new("30 2 * * *", None).unwrap();
    assert!(cron.next_after(Timestamp::EPOCH).is_some());
    assert_eq!(cron.next_after(Timestamp::MAX), None);
}
