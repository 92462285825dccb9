//! What is kept of series, in which form, and for how long.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod clock;
mod folding;
mod size;
mod whole;

use std::collections::BTreeMap;

use super::super::{SCHEMA, State};
use super::*;

const NAME: (&str, &str) = ("i", "s");

/// Small numbers, so that few samples show everything.
const SMALL: Keep = Keep {
    fewest_samples: 5,
    recent: Millis::from_hours(3),
    most_samples: 20,
    age: Millis::from_hours(100),
    most_hours: 100,
};

fn database() -> Connection {
    let connection = Connection::open_in_memory().unwrap();
    connection.execute_batch(&SCHEMA.upgrade(0)).unwrap();
    connection
}

fn at(milliseconds: u64) -> Timestamp {
    Timestamp::from_millis(milliseconds)
}

fn hours(hours: u64) -> u64 {
    hours * HOUR_MS
}

fn put(connection: &Connection, keep: &Keep, time: u64, value: f64) {
    write(connection, keep, NAME, at(time), SeriesWrite { reset: false, value: Some(value) }).unwrap();
}

/// Everything that is kept of a series, whatever its time.
fn kept(connection: &Connection) -> Vec<Aggregate> {
    read(connection, NAME, at(0)..at(i64::MAX.unsigned_abs())).unwrap()
}

/// The samples of each hour together, by the start of the hour.
fn by_hour(all: &[Aggregate]) -> BTreeMap<u64, Aggregate> {
    let mut hours = BTreeMap::new();
    for one in all {
        let start = one.at.as_millis() / HOUR_MS * HOUR_MS;
        let one = Aggregate { at: at(start), ..*one };
        hours.entry(start).and_modify(|hour: &mut Aggregate| *hour = hour.with(one)).or_insert(one);
    }
    hours
}

/// Numbers of rows: samples and hours. They must be those that the series counts.
fn rows(connection: &Connection) -> (i64, i64) {
    let counted =
        "SELECT (SELECT count(*) FROM sample), (SELECT count(*) FROM hour), sum(samples), sum(hours) FROM series";
    let row: [i64; 4] =
        connection.query_row(counted, [], |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?])).unwrap();
    assert_eq!(row[..2], row[2..], "the counts are wrong");
    (row[0], row[1])
}
