//! What is due: groups that are ready, states that are unknown for too long, reminders, the digest.

use std::collections::BTreeMap;

use ansai_core::{Millis, Timestamp};
use jiff::tz::TimeZone;

use super::Teller;
use super::story::STORM_GROUP;
use crate::message::{Kind, MOST_NOTICES, Message, Notice};
use crate::outbox::{Group, Known, OutboxError, Transaction, messages, notices, store};
use crate::render::{MOST_DETAILED, urgency};

/// More groups than this that are ready for a channel at the same time become one message.
const MOST_GROUPS: usize = 10;
/// No group waits longer: the longest `group_interval`.
const MOST_GROUP_WAIT: Millis = Millis::from_hours(24);
/// The last digest.
const DIGEST: &str = "digest";
const DAY_MS: u64 = 86_400_000;

impl Teller {
    /// Makes messages of what is due now. `is_last`: no group waits for more, because the run ends.
    ///
    /// # Errors
    /// The outbox cannot be read or written. What was not done is done the next time.
    pub fn flush(&self, now: Timestamp, is_last: bool) -> Result<(), OutboxError> {
        self.unknown_for_too_long(now)?;
        let is_quiet = self.router.is_quiet(now);
        let until = if is_last { now + MOST_GROUP_WAIT } else { now };
        let ready = self.outbox.read(|transaction| notices::ready(transaction, until, is_quiet, MOST_GROUP_WAIT))?;
        let mut by_channel: BTreeMap<String, Vec<Group>> = BTreeMap::new();
        for group in ready {
            by_channel.entry(group.channel.clone()).or_default().push(group);
        }
        for (channel, groups) in by_channel {
            match groups.len() > MOST_GROUPS {
                true => self.send(&channel, STORM_GROUP, &groups, now)?,
                false => groups
                    .iter()
                    .try_for_each(|group| self.send(&channel, &group.grouped, std::slice::from_ref(group), now))?,
            }
        }
        if !is_quiet {
            self.remind(now)?;
        }
        self.digest(now)?;
        self.report(now)
    }

    /// Makes one message of all notices of these groups.
    fn send(&self, channel: &str, group: &str, groups: &[Group], now: Timestamp) -> Result<(), OutboxError> {
        let mut waiting = Vec::new();
        for one in groups {
            waiting.extend(self.outbox.read(|transaction| notices::waiting(transaction, one))?);
        }
        let detailed = self.detailed(waiting, MOST_DETAILED);
        self.outbox.write(|transaction| {
            let mut all = Vec::new();
            for one in groups {
                all.extend(notices::take(transaction, one, now)?);
            }
            self.put(transaction, channel, group, with(all, &detailed), now, |_| {})
        })
    }

    /// Notices with what a message says of them, by their ids: the first ones in full. Call it outside of transactions: what it
    /// asks may read all of the audit log, and channels would wait for the outbox meanwhile.
    fn detailed(&self, mut all: Vec<Notice>, in_full: usize) -> BTreeMap<String, Notice> {
        let head = self.facts.audit_head();
        all.sort_by_key(urgency);
        // Details are of no use in a message that sums up.
        let has_details = all.len() <= MOST_NOTICES;
        for (place, notice) in all.iter_mut().enumerate() {
            if has_details {
                self.add_details(notice, place < in_full);
            }
            notice.audit_head.clone_from(&head);
        }
        all.into_iter().map(|notice| (notice.id.clone(), notice)).collect()
    }

    /// Puts a message. One with too many notices has counts and the worst of them.
    fn put(
        &self,
        transaction: &Transaction<'_>,
        channel: &str,
        group: &str,
        all: Vec<Notice>,
        now: Timestamp,
        change: impl Fn(&mut Message),
    ) -> Result<(), OutboxError> {
        if all.is_empty() {
            return Ok(());
        }
        let id = messages::fresh_id(transaction, now)?;
        let mut message = Message::new(&id, channel, group, &self.host, now, all).bounded();
        change(&mut message);
        messages::put(transaction, &message, self.outbox.capacity)
    }

    fn unknown_for_too_long(&self, now: Timestamp) -> Result<(), OutboxError> {
        let after = self.router.routing().unknown_after;
        let Some(since) = now.as_millis().checked_sub(after.get()).map(Timestamp::from_millis) else { return Ok(()) };
        if self.outbox.read(|transaction| Known::unknown_since(transaction, since))?.is_empty() {
            return Ok(());
        }
        self.outbox.write(|transaction| {
            for mut known in Known::unknown_since(transaction, since)? {
                // It is told once it is not muted any more.
                if known.is_muted || self.facts.is_silenced(&known.instance, &known.key) {
                    continue;
                }
                let at = known.unknown_since.take().unwrap_or(now);
                known.put(transaction)?;
                let summary = format!("its state has been unknown for {}: {}", now - at, known.summary);
                let mut notice = self.of(&known, Kind::Unknown, 0, now, &summary);
                notice.id = format!("unknown-{}-{}", known.id, at.as_millis());
                self.file(transaction, &notice, now)?;
            }
            Ok(())
        })
    }

    fn remind(&self, now: Timestamp) -> Result<(), OutboxError> {
        for (group, again) in self.outbox.read(|transaction| notices::reminders(transaction, now))? {
            let is_over = |notice: &Notice| notice.incident.as_ref().is_some_and(|incident| self.is_over(&incident.id));
            let (over, mut again): (Vec<Notice>, Vec<Notice>) = again.into_iter().partition(is_over);
            again.retain(|notice| !self.is_silenced(notice));
            let detailed = self.detailed(again.clone(), MOST_DETAILED);
            self.outbox.write(|transaction| {
                notices::reminded(transaction, &group, now)?;
                for incident in over.iter().filter_map(|notice| notice.incident.as_ref()) {
                    notices::forget(transaction, &incident.id)?;
                }
                let again = with(again.clone(), &detailed);
                self.put(transaction, &group.channel, &group.grouped, again, now, |message| message.reminder = true)
            })?;
        }
        Ok(())
    }

    /// Whether an incident is known to be over, although nothing said so: its record may be lost.
    fn is_over(&self, incident: &str) -> bool {
        self.facts.incident(incident).is_some_and(|details| details.next.is_none())
    }

    fn is_silenced(&self, notice: &Notice) -> bool {
        let instance = notice.instance.as_deref().unwrap_or_default();
        notice.incident.as_ref().is_some_and(|incident| self.facts.is_silenced(instance, &incident.key))
    }

    /// When the next digest is due.
    pub(super) fn next_digest(
        &self,
        transaction: &Transaction<'_>,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, OutboxError> {
        let Some(digest) = &self.router.routing().digest else { return Ok(None) };
        let last = store::setting(transaction, DIGEST)?.map(Timestamp::from_millis);
        // The first one is due when its time comes; one whose time lies ahead was sent before the clock was set back.
        let last = last.filter(|last| *last <= now).unwrap_or(now);
        Ok(Some(next_at(last, digest.minute)))
    }

    fn digest(&self, now: Timestamp) -> Result<(), OutboxError> {
        let Some(digest) = &self.router.routing().digest else { return Ok(()) };
        let (known, due) = self
            .outbox
            .read(|transaction| Ok((store::setting(transaction, DIGEST)?, self.next_digest(transaction, now)?)))?;
        let is_known = known.is_some_and(|last| last <= now.as_millis());
        if is_known && due.is_none_or(|due| now < due) {
            return Ok(());
        }
        let silent = if is_known { self.outbox.read(notices::silent)? } else { Vec::new() };
        let detailed = self.detailed(silent, 0);
        self.outbox.write(|transaction| {
            store::set(transaction, DIGEST, now.as_millis())?;
            if !is_known {
                return Ok(());
            }
            let silent = with(notices::take_silent(transaction)?, &detailed);
            for channel in &digest.channels {
                self.put(transaction, channel, "digest", silent.clone(), now, |message| message.digest = true)?;
            }
            Ok(())
        })
    }
}

/// These notices, those among them that have details with them.
fn with(all: Vec<Notice>, detailed: &BTreeMap<String, Notice>) -> Vec<Notice> {
    all.into_iter().map(|notice| detailed.get(&notice.id).cloned().unwrap_or(notice)).collect()
}

/// The first time after another one at which a clock on the wall shows this minute of the day.
fn next_at(after: Timestamp, minute: u16) -> Timestamp {
    let instant = i64::try_from(after.as_millis()).ok().and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
    let today = instant.unwrap_or_default().to_zoned(TimeZone::system()).date();
    let (hour, minute) = (i8::try_from(minute / 60).unwrap_or(0), i8::try_from(minute % 60).unwrap_or(0));
    let at = |days: i64| {
        let date = today.checked_add(jiff::Span::new().days(days)).ok()?;
        let zoned = date.at(hour, minute, 0, 0).to_zoned(TimeZone::system()).ok()?;
        u64::try_from(zoned.timestamp().as_millisecond()).ok().map(Timestamp::from_millis)
    };
    let found = (0..3).filter_map(at).find(|at| *at > after);
    found.unwrap_or(after + Millis::new(DAY_MS))
}
