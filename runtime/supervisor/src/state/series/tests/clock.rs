//! A clock that is wrong for some time neither deletes what was there nor hides what comes.

use super::*;

const DAY_MS: u64 = 24 * HOUR_MS;
const YEARS: u64 = 14 * 365 * DAY_MS;
const START: u64 = 20_000 * DAY_MS;

/// Thirty days with a sample every 20 minutes, with the real bounds: some are folded.
fn a_month() -> (Connection, u64) {
    let connection = database();
    let samples = 30 * 72;
    for number in 0..samples {
        put(&connection, &KEEP, START + number * 1_200_000, number as f64);
    }
    assert!(rows(&connection).1 > 0, "nothing is folded");
    (connection, START + samples * 1_200_000)
}

fn count(all: &[Aggregate]) -> u64 {
    all.iter().map(|one| one.count).sum()
}

/// What an evaluation at this time sees.
fn seen(connection: &Connection, now: u64) -> Vec<Aggregate> {
    read(connection, NAME, at(now) - KEPT..at(now)).unwrap()
}

#[test]
fn a_clock_that_is_years_ahead_for_an_hour_deletes_two_hours() {
    let (connection, now) = a_month();
    let before = count(&seen(&connection, now));
    for minute in 0..60 {
        put(&connection, &KEEP, START + YEARS + minute * 60_000, 9.0);
    }
    // Back on time: what was there is there, but for two hours of three samples, and nothing of the future.
    put(&connection, &KEEP, now, 1.0);
    put(&connection, &KEEP, now + 60_000, 2.0);
    let all = seen(&connection, now + 60_001);
    assert_eq!(count(&all), before - 6 + 2);
    assert_eq!(all.last().unwrap().at, at(now + 60_000));
    assert!(all.iter().all(|one| one.maximum != 9.0));
}

#[test]
fn a_clock_that_stays_years_ahead_deletes_two_hours_for_each_new_one() {
    let (connection, _) = a_month();
    let is_old = |one: &&Aggregate| one.at < at(START + YEARS);
    let hours_left = || by_hour(&kept(&connection).iter().filter(is_old).copied().collect::<Vec<_>>()).len();
    for hour in 1..=360 {
        put(&connection, &KEEP, START + YEARS + hours(hour), 9.0);
        assert_eq!(hours_left(), 720 - 2 * hour as usize);
    }
    let (samples, hours) = rows(&connection);
    assert_eq!((samples, hours), (360, 0));
}

#[test]
fn a_clock_that_begins_in_1970_deletes_nothing() {
    let (connection, now) = a_month();
    let before = count(&seen(&connection, now));
    for minute in 0..600 {
        put(&connection, &KEEP, minute * 60_000, 9.0);
    }
    assert_eq!(count(&seen(&connection, 600 * 60_000)), 600, "new samples are seen at once");
    put(&connection, &KEEP, now, 1.0);
    assert_eq!(count(&seen(&connection, now + 1)), before + 1);
}

#[test]
fn samples_of_the_future_are_folded_before_new_ones() {
    let connection = database();
    for number in 0..3_000 {
        put(&connection, &KEEP, START + YEARS + number * 60_000, 9.0);
    }
    // As many new samples as are kept one by one are kept one by one.
    for number in 0..2_000 {
        put(&connection, &KEEP, START + number * 1_200_000, 1.0);
    }
    let all = seen(&connection, START + 2_000 * 1_200_000);
    assert!(all.len() == 2_000 && all.iter().all(|one| one.count == 1 && one.maximum == 1.0));
    // When time gets there, they are samples like others: of 50 hours.
    assert_eq!(count(&seen(&connection, START + YEARS + 50 * HOUR_MS)), 3_000);
}

#[test]
fn hours_of_the_future_are_the_first_to_go_when_there_are_too_many() {
    let connection = database();
    let keep = Keep { age: Millis::from_hours(300), most_hours: 50, ..SMALL };
    for hour in 0..40 {
        put(&connection, &keep, START + YEARS + hours(hour), 9.0);
    }
    for hour in 0..200 {
        put(&connection, &keep, START + hours(hour), 1.0);
    }
    let all = kept(&connection);
    assert!(all.iter().all(|one| one.maximum == 1.0), "{all:?}");
    assert!(all.len() >= 50 && all.is_sorted_by_key(|one| one.at));
}

#[test]
fn a_clock_at_either_end_of_time_is_one_too() {
    let connection = database();
    for time in [0, u64::MAX, i64::MAX.unsigned_abs(), 1, u64::MAX - 1] {
        for number in 0..10 {
            put(&connection, &SMALL, time.saturating_sub(number), 1.0);
        }
    }
    assert!(rows(&connection).0 <= 20);
}
