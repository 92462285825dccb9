//! What people see of the outbox and do to it.

use std::collections::BTreeMap;

use ansai_core::Timestamp;
use ansai_core::notify::{ChannelStatus, DeadMessage, MOST_DEAD, MessageChoice, NotifyStatus};
use ansai_core::text::inert;

use super::messages::{self, DEAD, IN_STATE, time};
use super::{Outbox, OutboxError, unsigned};
use crate::message::Message;

/// Characters of an error or a summary.
const MOST_TEXT: usize = 500;

impl Outbox {
    /// The state of all channels that were ever used, and of those that are configured.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn status(&self, configured: &[String]) -> Result<NotifyStatus, OutboxError> {
        self.read(|transaction| {
            let fresh = |name: &String| (name.clone(), ChannelStatus { channel: name.clone(), ..Default::default() });
            let mut channels: BTreeMap<String, ChannelStatus> = configured.iter().map(fresh).collect();
            let mut statement = transaction.prepare(
                "SELECT name, failures, error, next_at, sent, sent_at, sending_since, dropped,
                    (SELECT count(*) FROM message WHERE channel = name AND state < 2),
                    (SELECT made FROM message WHERE seq =
                        (SELECT min(seq) FROM message WHERE channel = name AND state < 2)),
                    (SELECT count(*) FROM message WHERE channel = name AND state = 2) FROM channel ORDER BY name",
            )?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                let channel: String = row.get(0)?;
                let error: Option<String> = row.get(2)?;
                let count = |index| Ok::<_, rusqlite::Error>(unsigned(row.get::<_, i64>(index)?));
                let status = ChannelStatus {
                    channel: channel.clone(),
                    failures: row.get(1)?,
                    error: error.map(|error| inert(&error, MOST_TEXT)),
                    next_at: time(row.get(3)?).filter(|at| *at > Timestamp::EPOCH),
                    sent: count(4)?,
                    sent_at: time(row.get(5)?),
                    sending_since: time(row.get(6)?),
                    dropped: count(7)?,
                    waiting: count(8)?,
                    oldest: time(row.get(9)?),
                    dead: count(10)?,
                };
                if configured.contains(&channel) || status.waiting + status.dead > 0 {
                    channels.insert(channel, status);
                }
            }
            let mut statement = transaction.prepare(&format!(
                "SELECT id, channel, made, attempts, error, value FROM message WHERE seq IN ({IN_STATE})
                    ORDER BY seq DESC LIMIT ?2",
            ))?;
            let mut rows = statement.query((DEAD, MOST_DEAD))?;
            let mut dead = Vec::new();
            while let Some(row) = rows.next()? {
                let message: Message = serde_json::from_str(&row.get::<_, String>(5)?)?;
                let summary = message.notices.first().map_or("", |notice| notice.summary.as_str());
                dead.push(DeadMessage {
                    message: row.get(0)?,
                    channel: row.get(1)?,
                    at: time(Some(row.get(2)?)).unwrap_or(Timestamp::EPOCH),
                    attempts: row.get(3)?,
                    error: inert(&row.get::<_, Option<String>>(4)?.unwrap_or_default(), MOST_TEXT),
                    summary: inert(summary, MOST_TEXT),
                });
            }
            let count = |sql: &str| transaction.query_row(sql, [], |row| row.get::<_, i64>(0)).map(unsigned);
            let grouping = count("SELECT count(*) FROM notice")?;
            let for_digest = count("SELECT count(*) FROM silent")?;
            Ok(NotifyStatus { channels: channels.into_values().collect(), grouping, for_digest, dead, report: None })
        })
    }

    /// Sends messages again that were given up, and ends the rests. Answers how many messages may be sent now.
    ///
    /// # Errors
    /// The database cannot be written.
    pub fn retry(&self, choice: &MessageChoice) -> Result<u64, OutboxError> {
        let name = chosen(choice);
        self.write(|transaction| {
            transaction.execute(
                "UPDATE channel SET next_at = 0, failures = 0 WHERE ?1 IS NULL OR name = ?1
                    OR name = (SELECT channel FROM message WHERE id = ?1)",
                [name],
            )?;
            let changed = transaction.execute(
                "UPDATE message SET state = 0, not_before = 0, attempts = 0
                    WHERE state <> 1 AND (?1 IS NULL OR channel = ?1 OR id = ?1)",
                [name],
            )?;
            Ok(changed as u64)
        })
    }

    /// Drops messages that wait or were given up. What is being sent now stays. Answers how many are gone.
    ///
    /// # Errors
    /// The database cannot be written.
    pub fn drop_messages(&self, choice: &MessageChoice) -> Result<u64, OutboxError> {
        let name = chosen(choice);
        self.write(|transaction| {
            let sql = "SELECT seq FROM message WHERE state <> 1 AND (?1 IS NULL OR channel = ?1 OR id = ?1)";
            let mut statement = transaction.prepare_cached(sql)?;
            let found: Vec<i64> = statement.query_map([name], |row| row.get(0))?.collect::<Result<_, _>>()?;
            for seq in &found {
                messages::remove(transaction, *seq)?;
            }
            Ok(found.len() as u64)
        })
    }
}

fn chosen(choice: &MessageChoice) -> Option<&str> {
    match choice {
        MessageChoice::All => None,
        MessageChoice::Named { name } => Some(name),
    }
}
