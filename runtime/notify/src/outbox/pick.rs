//! Which message of a channel is sent next.

use std::time::Duration;

use ansai_core::Timestamp;
use rusqlite::OptionalExtension as _;

use super::messages::{MOST_REST, SENDING, WAITS};
use super::store::Transaction;
use super::{Outbox, OutboxError, number, unsigned};
use crate::message::Message;

/// Messages of a channel that may be sent: not before an earlier one about one of the same incidents. `?3` is now, `?4` the
/// latest time that can be meant: what is beyond was written before the clock was set back.
const NEXT: &str = "SELECT seq, value, may_repeat FROM message AS one WHERE channel = ?1 AND state = ?2
    AND (not_before <= ?3 OR not_before > ?4)
    AND NOT EXISTS (SELECT 1 FROM about AS mine JOIN about AS earlier
        ON earlier.channel = mine.channel AND earlier.incident = mine.incident AND earlier.seq < mine.seq
        WHERE mine.seq = one.seq)
    ORDER BY attempts, seq LIMIT 1";

/// When the first message of a channel may be sent that waits for no other one: those behind it become due with its end.
/// `?3` as `?4` of [`NEXT`].
const FIRST: &str = "SELECT min(CASE WHEN not_before > ?3 THEN 0 ELSE not_before END) FROM message AS one
    WHERE channel = ?1 AND state = ?2 AND NOT EXISTS (SELECT 1 FROM about AS mine JOIN about AS earlier
        ON earlier.channel = mine.channel AND earlier.incident = mine.incident AND earlier.seq < mine.seq
        WHERE mine.seq = one.seq)";

/// A message whose attempt has begun.
#[derive(Debug, Clone, PartialEq)]
pub struct Picked {
    /// The message, with the mark of one that may have arrived.
    pub message: Message,
}

impl Outbox {
    /// Takes the next message of a channel: its attempt has begun, durably, when this returns. `None` if none is due.
    ///
    /// # Errors
    /// The database cannot be read or written: then nothing may be sent.
    pub fn begin(&self, channel: &str, now: Timestamp) -> Result<Option<Picked>, OutboxError> {
        // Without a write where nothing is due.
        if self.read(|transaction| next(transaction, channel, now))?.is_none() {
            return Ok(None);
        }
        self.write(|transaction| {
            let Some((seq, value, may_repeat)) = next(transaction, channel, now)? else { return Ok(None) };
            let sql = "UPDATE message SET state = ?2, attempts = attempts + 1 WHERE seq = ?1";
            transaction.prepare_cached(sql)?.execute((seq, SENDING))?;
            transaction
                .prepare_cached("UPDATE channel SET sending_since = ?2 WHERE name = ?1")?
                .execute((channel, number(now.as_millis())))?;
            let mut message: Message = serde_json::from_str(&value)?;
            message.may_repeat |= may_repeat;
            Ok(Some(Picked { message }))
        })
    }

    /// Whether a message of the channel is being sent or may be sent now.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn is_due(&self, channel: &str, now: Timestamp) -> Result<bool, OutboxError> {
        self.read(|transaction| {
            let sql = "SELECT EXISTS (SELECT 1 FROM message WHERE channel = ?1 AND state = ?2)";
            let is_sending: bool = transaction.query_row(sql, (channel, SENDING), |row| row.get(0))?;
            Ok(is_sending || next(transaction, channel, now)?.is_some())
        })
    }

    /// Time until a message of the channel may be due; `None` if none waits. Not zero while [`Outbox::begin`] takes none.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn wait(&self, channel: &str, now: Timestamp) -> Result<Option<Duration>, OutboxError> {
        self.read(|transaction| {
            if let Some(rests) = rests(transaction, channel, now)? {
                let sql = "SELECT EXISTS (SELECT 1 FROM message WHERE channel = ?1 AND state = ?2)";
                let waits: bool = transaction.query_row(sql, (channel, WAITS), |row| row.get(0))?;
                return Ok(waits.then(|| Duration::from(rests - now)));
            }
            let beyond = number((now + MOST_REST.into()).as_millis());
            let first: Option<i64> =
                transaction.prepare_cached(FIRST)?.query_row((channel, WAITS, beyond), |row| row.get(0))?;
            Ok(first.map(|first| Duration::from(Timestamp::from_millis(unsigned(first)) - now)))
        })
    }
}

/// Until when a channel rests after a failure; `None` if it does not now. What is longer than any rest was written before
/// the clock was set back.
fn rests(transaction: &Transaction<'_>, channel: &str, now: Timestamp) -> Result<Option<Timestamp>, OutboxError> {
    let found: Option<i64> = transaction
        .prepare_cached("SELECT next_at FROM channel WHERE name = ?1")?
        .query_row([channel], |row| row.get(0))
        .optional()?;
    let rests = found.map(|at| Timestamp::from_millis(unsigned(at)));
    Ok(rests.filter(|rests| *rests > now && *rests <= now + MOST_REST.into()))
}

fn next(
    transaction: &Transaction<'_>,
    channel: &str,
    now: Timestamp,
) -> Result<Option<(i64, String, bool)>, OutboxError> {
    if rests(transaction, channel, now)?.is_some() {
        return Ok(None);
    }
    let beyond = now + MOST_REST.into();
    let limits = (channel, WAITS, number(now.as_millis()), number(beyond.as_millis()));
    let mut statement = transaction.prepare_cached(NEXT)?;
    Ok(statement.query_row(limits, |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).optional()?)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use rusqlite::StatementStatus;

    use super::*;
    use crate::outbox::Capacity;

    /// Would break: statements that SQLite compiles again for each new value.
    #[test]
    fn the_plan_of_a_statement_is_kept() {
        let place = tempfile::tempdir().unwrap();
        let outbox = Outbox::open(&place.path().join("notify.db"), Capacity::default(), || false).unwrap();
        for time in 1..5 {
            assert!(outbox.begin("mail", Timestamp::from_millis(time)).unwrap().is_none());
        }
        let again =
            outbox.read(|transaction| Ok(transaction.prepare_cached(NEXT)?.get_status(StatementStatus::RePrepare)));
        assert_eq!(again.unwrap(), 0);
    }
}
