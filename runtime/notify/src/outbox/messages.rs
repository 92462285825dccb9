//! Messages that wait for a channel.

use std::collections::BTreeSet;
use std::time::Duration;

use ansai_core::notify::MOST_DEAD;
use ansai_core::{Millis, Timestamp};
use rusqlite::OptionalExtension as _;

use super::store::{Transaction, set, setting};
use super::{Outbox, OutboxError, number, unsigned};
use crate::channel::{Fault, Receipt};
use crate::message::Message;

/// It waits.
pub(super) const WAITS: i64 = 0;
/// An attempt has begun: whether it arrived is unknown until the attempt ends.
pub(super) const SENDING: i64 = 1;
/// It is not tried any more.
pub(super) const DEAD: i64 = 2;
/// Messages in a state. Without the index, all that wait are read, also their content.
pub(super) const IN_STATE: &str = "SELECT seq FROM message INDEXED BY message_next
    WHERE channel IN (SELECT name FROM channel) AND state = ?1";
/// Attempts of a message: with the longest rest between them, a week. Counted, not timed: a clock that jumps ends nothing.
const MOST_ATTEMPTS: u32 = 180;
/// The longest rest that a server may ask for.
pub(super) const MOST_REST: Duration = Duration::from_secs(86_400);

/// What became of an attempt.
#[derive(Debug, Clone, PartialEq)]
pub enum Concluded {
    /// It was delivered.
    Sent,
    /// It is tried again, not before this time.
    Again(Timestamp),
    /// It is given up, for this reason.
    Dead(Box<Message>, String),
}

/// Puts a message that waits from now on; its id must be new. Drops others if too many wait.
pub(crate) fn put(
    transaction: &Transaction<'_>,
    message: &Message,
    capacity: super::Capacity,
) -> Result<(), OutboxError> {
    let value = serde_json::to_string(message)?;
    let made = number(message.at.as_millis());
    transaction
        .prepare_cached(
            "INSERT INTO message (id, channel, state, digest, made, not_before, attempts, may_repeat, value)
                VALUES (?1, ?2, 0, ?3, ?4, 0, 0, 0, ?5)",
        )?
        .execute((&message.id, &message.channel, message.digest, made, &value))?;
    let seq = transaction.last_insert_rowid();
    let incidents: BTreeSet<&str> =
        message.notices.iter().filter_map(|one| one.incident.as_ref()).map(|one| one.id.as_str()).collect();
    for incident in incidents {
        let mut statement = transaction.prepare_cached("INSERT INTO about VALUES (?1, ?2, ?3)")?;
        statement.execute((&message.channel, incident, seq))?;
    }
    grow(transaction, &message.channel, number(value.len() as u64))?;
    bound(transaction, &message.channel, capacity)
}

/// A new id: unique on this host, and safe in headers and file names.
pub(crate) fn fresh_id(transaction: &Transaction<'_>, now: Timestamp) -> Result<String, OutboxError> {
    let next = setting(transaction, "messages")?.unwrap_or(0) + 1;
    set(transaction, "messages", next)?;
    Ok(format!("{}-{next}", now.as_millis()))
}

fn grow(transaction: &Transaction<'_>, channel: &str, bytes: i64) -> Result<(), OutboxError> {
    transaction.prepare_cached("INSERT INTO channel (name) VALUES (?1) ON CONFLICT DO NOTHING")?.execute([channel])?;
    transaction
        .prepare_cached("UPDATE channel SET bytes = max(0, bytes + ?2) WHERE name = ?1")?
        .execute((channel, bytes))?;
    Ok(())
}

/// Removes a message that was delivered or dropped.
pub(super) fn remove(transaction: &Transaction<'_>, seq: i64) -> Result<(), OutboxError> {
    let mut statement = transaction
        .prepare_cached("DELETE FROM message WHERE seq = ?1 RETURNING channel, length(CAST(value AS BLOB))")?;
    let gone = statement.query_row([seq], |row| Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?))).optional()?;
    if let Some((channel, bytes)) = gone {
        grow(transaction, &channel, -bytes)?;
    }
    transaction.prepare_cached("DELETE FROM about WHERE seq = ?1")?.execute([seq])?;
    Ok(())
}

/// Drops what is too much: the oldest digest first, then the oldest.
fn bound(transaction: &Transaction<'_>, channel: &str, capacity: super::Capacity) -> Result<(), OutboxError> {
    loop {
        let most = number(capacity.messages.max(1));
        let is_beyond: bool = transaction
            .prepare_cached(
                "SELECT (SELECT bytes FROM channel WHERE name = ?1) > ?2
                    OR EXISTS (SELECT 1 FROM message WHERE channel = ?1 AND state = 0 LIMIT 1 OFFSET ?3)",
            )?
            .query_row((channel, number(capacity.bytes), most), |row| row.get(0))?;
        let oldest: Option<i64> = transaction
            .prepare_cached(
                "SELECT seq FROM message WHERE channel = ?1 AND state = 0 ORDER BY digest DESC, seq LIMIT 1",
            )?
            .query_row([channel], |row| row.get(0))
            .optional()?;
        let (true, Some(oldest)) = (is_beyond, oldest) else { return Ok(()) };
        remove(transaction, oldest)?;
        transaction.execute("UPDATE channel SET dropped = dropped + 1 WHERE name = ?1", [channel])?;
    }
}

impl Outbox {
    /// After a start: what was being sent may have arrived, and is sent again with that mark.
    ///
    /// # Errors
    /// The database cannot be written.
    pub fn recover(&self) -> Result<u64, OutboxError> {
        self.write(|transaction| {
            transaction.execute("UPDATE channel SET sending_since = NULL", [])?;
            let sql = format!("UPDATE message SET state = 0, may_repeat = 1 WHERE seq IN ({IN_STATE})");
            Ok(transaction.execute(&sql, [SENDING])? as u64)
        })
    }
}

/// Stores the end of an attempt of a message that [`Outbox::begin`] returned.
pub(crate) fn conclude(
    transaction: &Transaction<'_>,
    id: &str,
    result: &Result<Receipt, Fault>,
    now: Timestamp,
) -> Result<Concluded, OutboxError> {
    let found = transaction
        .prepare_cached("SELECT seq, channel, attempts, value FROM message WHERE id = ?1")?
        .query_row([id], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?, row.get::<_, u32>(2)?, row.get::<_, String>(3)?))
        })
        .optional()?;
    // A person dropped it meanwhile.
    let Some((seq, channel, attempts, value)) = found else { return Ok(Concluded::Sent) };
    transaction.execute("UPDATE channel SET sending_since = NULL WHERE name = ?1", [&channel])?;
    let (after, why, may_repeat) = match result {
        Ok(_) => {
            remove(transaction, seq)?;
            transaction.execute(
                "UPDATE channel SET failures = 0, error = NULL, next_at = 0, sent = sent + 1, sent_at = ?2 WHERE name = ?1",
                (&channel, number(now.as_millis())),
            )?;
            return Ok(Concluded::Sent);
        }
        Err(Fault::Never { why }) => {
            // The channel works: it answered.
            transaction.execute("UPDATE channel SET failures = 0, error = ?2 WHERE name = ?1", (&channel, why))?;
            return give_up(transaction, seq, why, &value);
        }
        Err(Fault::Later { after, why }) => (*after, why, false),
        Err(Fault::Unknown { why }) => (None, why, true),
    };
    let failures: u32 = transaction.query_row(
        "UPDATE channel SET failures = failures + 1, error = ?2 WHERE name = ?1 RETURNING failures",
        (&channel, why),
        |row| row.get(0),
    )?;
    if attempts >= MOST_ATTEMPTS {
        return give_up(transaction, seq, &format!("{attempts} attempts failed, the last one: {why}"), &value);
    }
    let after = after.unwrap_or_default().min(MOST_REST);
    let at = |failures| now + Millis::new(rest(id, failures)).max(Millis::from(after));
    transaction
        .execute("UPDATE channel SET next_at = ?2 WHERE name = ?1", (&channel, number(at(failures).as_millis())))?;
    let again = at(attempts);
    transaction.execute(
        "UPDATE message SET state = 0, not_before = ?2, error = ?3, may_repeat = may_repeat OR ?4 WHERE seq = ?1",
        (seq, number(again.as_millis()), why, may_repeat),
    )?;
    Ok(Concluded::Again(again))
}

fn give_up(transaction: &Transaction<'_>, seq: i64, why: &str, value: &str) -> Result<Concluded, OutboxError> {
    transaction.execute("UPDATE message SET state = ?3, error = ?2 WHERE seq = ?1", (seq, why, DEAD))?;
    // What follows about the same incidents does not wait for it.
    transaction.execute("DELETE FROM about WHERE seq = ?1", [seq])?;
    let mut beyond = transaction.prepare_cached(&format!("{IN_STATE} ORDER BY seq DESC LIMIT -1 OFFSET ?2"))?;
    let beyond: Vec<i64> = beyond.query_map((DEAD, MOST_DEAD), |row| row.get(0))?.collect::<Result<_, _>>()?;
    beyond.into_iter().try_for_each(|seq| remove(transaction, seq))?;
    Ok(Concluded::Dead(Box::new(serde_json::from_str(value)?), why.to_owned()))
}

/// The channel of a message, how many attempts of it failed in a row, and why the last one did.
pub(crate) fn failing(transaction: &Transaction<'_>, id: &str) -> Result<Option<(String, u32, String)>, OutboxError> {
    let sql = "SELECT name, failures, coalesce(channel.error, '') FROM channel
        JOIN message ON message.channel = channel.name WHERE message.id = ?1";
    let mut statement = transaction.prepare_cached(sql)?;
    Ok(statement.query_row([id], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).optional()?)
}

/// Ids of the newest messages that wait for a channel, oldest first. Others are dropped.
pub(crate) fn waiting(transaction: &Transaction<'_>, channel: &str, most: usize) -> Result<Vec<String>, OutboxError> {
    let sql = "SELECT seq, id FROM message WHERE channel = ?1 AND state = 0 ORDER BY seq DESC";
    let mut statement = transaction.prepare_cached(sql)?;
    let found = statement.query_map([channel], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?)))?;
    let found: Vec<(i64, String)> = found.collect::<Result<_, _>>()?;
    let (newest, rest) = found.split_at(found.len().min(most));
    for (seq, _) in rest {
        remove(transaction, *seq)?;
    }
    Ok(newest.iter().rev().map(|(_, id)| id.clone()).collect())
}

/// Gives a message up without an attempt; `None` if there is none.
pub(crate) fn give_up_of(transaction: &Transaction<'_>, id: &str, why: &str) -> Result<Option<Message>, OutboxError> {
    let found: Option<(i64, String)> = transaction
        .prepare_cached("SELECT seq, value FROM message WHERE id = ?1")?
        .query_row([id], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((seq, value)) = found else { return Ok(None) };
    match give_up(transaction, seq, why, &value)? {
        Concluded::Dead(message, _) => Ok(Some(*message)),
        Concluded::Sent | Concluded::Again(_) => Ok(None),
    }
}

/// The rest after so many failures, in milliseconds: as of other deliveries, and up to a fifth longer, so that many hosts do
/// not come back at the same time. The id makes it the same in every run of a test.
fn rest(id: &str, failures: u32) -> u64 {
    let rest = ansai_delivery::rest_after(failures);
    let mixed =
        id.bytes().fold(u64::from(failures) + 7, |hash, byte| hash.wrapping_mul(31).wrapping_add(u64::from(byte)));
    rest + rest / 5 * (mixed % 100) / 100
}

/// Milliseconds as SQLite stores them.
pub(super) fn time(value: Option<i64>) -> Option<Timestamp> {
    value.map(|at| Timestamp::from_millis(unsigned(at)))
}
