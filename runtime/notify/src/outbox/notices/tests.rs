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
