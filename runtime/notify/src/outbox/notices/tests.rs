#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::outbox::{Capacity, Outbox};

/// Would break: a clock that jumps ahead has everything told again, once more than the least number is remembered.
#[test]
fn a_jump_of_the_clock_forgets_only_the_oldest() {
    let directory = tempfile::tempdir().unwrap();
    let outbox = Outbox::open(&directory.path().join("notify.db"), Capacity::default(), || false).unwrap();
    let begin = 1_795_910_400_000;
    let year_later = Timestamp::from_millis(begin + 365 * 86_400_000);
    let (is_newest_new, is_oldest_new) = outbox
        .write(|transaction| {
            transaction.execute(
                "WITH RECURSIVE one(number) AS (SELECT 0 UNION ALL SELECT number + 1 FROM one WHERE number < ?2)
                    INSERT INTO told SELECT 'id-' || number, ?1 + number FROM one",
                (number(begin), number(LEAST_REMEMBERED)),
            )?;
            let newest = is_new(transaction, &format!("id-{LEAST_REMEMBERED}"), year_later)?;
            Ok((newest, is_new(transaction, "id-0", year_later)?))
        })
        .unwrap();
    assert!(!is_newest_new, "it was told");
    assert!(is_oldest_new, "not more than the least number is remembered");
}

/// Would break: a statement that reads all groups for each group of a storm.
#[test]
fn what_runs_for_each_group_reads_its_own_rows_only() {
    let directory = tempfile::tempdir().unwrap();
    let outbox = Outbox::open(&directory.path().join("notify.db"), Capacity::default(), || false).unwrap();
    for sql in [FORGET_GROUPS, OF_GROUP, REMINDED] {
        let plan: Vec<String> = outbox
            .read(|transaction| {
                let mut statement = transaction.prepare(&format!("EXPLAIN QUERY PLAN {sql}"))?;
                let parameters = vec![1; statement.parameter_count()];
                let rows = statement.query_map(rusqlite::params_from_iter(parameters), |row| row.get(3))?;
                Ok(rows.collect::<Result<_, _>>()?)
            })
            .unwrap();
        assert!(!plan.iter().any(|step| step.contains("SCAN")), "{sql}: {plan:?}");
    }
}

/// Would break: a database of an earlier version that stays slow, or one that an earlier version cannot go on with.
#[test]
fn a_database_without_the_later_indexes_gets_them_and_keeps_its_version() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("notify.db");
    drop(Outbox::open(&file, Capacity::default(), || false).unwrap());
    let connection = rusqlite::Connection::open(&file).unwrap();
    connection.execute_batch("DROP INDEX grouping_sent; DROP INDEX unresolved_group").unwrap();
    drop(connection);
    let outbox = Outbox::open(&file, Capacity::default(), || false).unwrap();
    let (indexes, version): (i64, i64) = outbox
        .read(|transaction| {
            let sql = "SELECT count(*) FROM sqlite_schema WHERE name IN ('grouping_sent', 'unresolved_group')";
            let indexes = transaction.query_row(sql, [], |row| row.get(0))?;
            Ok((indexes, transaction.pragma_query_value(None, "user_version", |row| row.get(0))?))
        })
        .unwrap();
    assert_eq!((indexes, version), (2, 1));
}
