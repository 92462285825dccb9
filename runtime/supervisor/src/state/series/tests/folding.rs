//! Folding loses no sample and counts none twice.

use proptest::prelude::*;

use super::*;

#[test]
fn an_hour_that_is_partly_folded_counts_each_sample_once() {
    let connection = database();
    // Ten samples in hour 100, and four later than the recent ones: nine are folded.
    for number in 0..10 {
        put(&connection, &SMALL, hours(100) + number * 60_000, number as f64);
    }
    for number in 0..4 {
        put(&connection, &SMALL, hours(110 + number), 50.0);
    }
    assert_eq!(rows(&connection), (6, 1));
    let all = kept(&connection);
    let folded = Aggregate { at: at(hours(100)), minimum: 0.0, maximum: 7.0, sum: 28.0, count: 8 };
    assert_eq!(all[0], folded);
    assert_eq!(all[1], Sample { at: at(hours(100) + 8 * 60_000), value: 8.0 }.into());
    let hour = by_hour(&all)[&hours(100)];
    assert_eq!((hour.minimum, hour.maximum, hour.sum, hour.count), (0.0, 9.0, 45.0, 10));
}

#[test]
fn recent_samples_are_kept_one_by_one_up_to_a_number() {
    let connection = database();
    for number in 0..15 {
        put(&connection, &SMALL, hours(100) + number * 600_000, 1.0);
    }
    assert_eq!(rows(&connection), (15, 0), "all are of three hours");
    for number in 15..60 {
        put(&connection, &SMALL, hours(100) + number * 600_000, 1.0);
    }
    assert_eq!(rows(&connection).0, 19, "three hours and the border");
    for number in 0..60 {
        put(&connection, &SMALL, hours(110) + number * 1_000, 1.0);
    }
    assert_eq!(rows(&connection).0, 20, "at most 20");
    assert_eq!(kept(&connection).iter().map(|one| one.count).sum::<u64>(), 120);
}

#[test]
fn a_sample_of_the_same_time_replaces_the_first() {
    let connection = database();
    for value in [1.0, 2.0, 3.0] {
        put(&connection, &SMALL, hours(100), value);
    }
    assert_eq!(kept(&connection), [Sample { at: at(hours(100)), value: 3.0 }.into()]);
}

#[test]
fn a_range_has_its_first_instant_and_not_its_last() {
    let connection = database();
    for number in 0..30 {
        put(&connection, &SMALL, hours(100) + number * 1_800_000, 1.0);
    }
    let starts = |range: Range<u64>| -> Vec<u64> {
        let found = read(&connection, NAME, at(range.start)..at(range.end)).unwrap();
        found.iter().map(|one| one.at.as_millis()).collect()
    };
    assert_eq!(starts(hours(101)..hours(103)), [hours(101), hours(102)]);
    assert_eq!(starts(hours(101) + 1..hours(103) + 1), [hours(102), hours(103)]);
    assert_eq!(starts(hours(114)..hours(114) + 1_800_000), [hours(114)]);
    assert!(starts(hours(120)..u64::MAX).is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn what_is_kept_equals_a_naive_sum_of_all_samples(
        steps in prop::collection::vec(
            (prop_oneof![4 => 0..3_600_000_i64, 2 => Just(0_i64), 2 => -20_000_000..0_i64, 1 => -1e10 as i64..1e10 as i64], -1_000_i32..1_000),
            1..120,
        ),
    ) {
        let keep = Keep { age: Millis::MAX, most_hours: i64::MAX, ..SMALL };
        let connection = database();
        let mut naive: Vec<Aggregate> = vec![];
        let mut now: u64 = 10_000_000_000;
        for (step, value) in steps {
            now = now.saturating_add_signed(step);
            // A sample that is not folded yet is replaced.
            let is_there = "SELECT EXISTS (SELECT 1 FROM sample WHERE at = ?1)";
            if connection.query_row(is_there, [now.cast_signed()], |row| row.get(0)).unwrap() {
                let last = naive.iter().rposition(|one| one.at == at(now)).unwrap();
                naive.remove(last);
            }
            naive.push(Sample { at: at(now), value: value.into() }.into());
            put(&connection, &keep, now, value.into());
            prop_assert!(rows(&connection).0 <= keep.most_samples);
        }
        let all = kept(&connection);
        prop_assert!(all.is_sorted_by_key(|one| one.at));
        prop_assert_eq!(by_hour(&all), by_hour(&naive));
    }

    #[test]
    fn rows_are_bounded_whatever_the_clock_says(times in prop::collection::vec(0..100_000_u64, 400)) {
        let connection = database();
        let keep = Keep { most_hours: 30, ..SMALL };
        for time in times {
            put(&connection, &keep, hours(time), 1.0);
            let (samples, hours) = rows(&connection);
            prop_assert!(samples <= keep.most_samples && hours <= keep.most_hours + 2, "{samples} {hours}");
        }
    }
}
