//! From events to notices, and from notices to messages.

mod details;
mod flush;
mod halted;
mod report;
mod story;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use ansai_core::control::{Expiry, ExpiryState, HostReport, IncidentDetails, ShownStep};
use ansai_core::{Event, Severity, Timestamp};

pub use self::report::{ReportTimes, Reports};
use crate::channel::{Fault, Receipt};
use crate::message::{Kind, Message, Notice};
use crate::outbox::{Concluded, Known, Outbox, OutboxError, Transaction, messages, notices, store};
use crate::route::Router;

/// The longest time between two looks at what is due: the clock may have been set.
const MOST_WAIT: Duration = Duration::from_secs(60);

/// After so many failures in a row, half an hour of them, another channel tells that one does not work.
const TELLS_AFTER: u32 = 6;
/// Messages of a channel that is not configured any more that go to another one.
const MOST_MOVED: usize = 100;

/// An event of the audit log.
#[derive(Debug, Clone, PartialEq)]
pub struct Heard {
    /// Its sequence number in the log.
    pub sequence: u64,
    /// When it happened.
    pub at: Timestamp,
    /// What happened.
    pub event: Event,
}

/// Whether an event may become a notice. Others need not be passed to [`Teller::hear`].
pub fn is_told(event: &Event) -> bool {
    match event {
        Event::Incident { change, .. } => *change != ansai_core::incident::Change::Unchanged,
        Event::Held { .. }
        | Event::NotHeld { .. }
        | Event::Escalated { .. }
        | Event::Planned { incident: Some(_), .. }
        | Event::Decided { .. }
        | Event::Verified { .. }
        | Event::PlanFailed { .. }
        | Event::Quarantined(_)
        | Event::Suspended { .. }
        | Event::NotLoaded { .. }
        | Event::Storm(_)
        | Event::Approval { .. }
        | Event::ApprovalEnded { .. }
        | Event::StormEnded { .. } => true,
        _ => false,
    }
}

/// What the daemon knows of incidents. Only people need it: what is unknown is left out of a message.
pub trait Facts: Send + Sync {
    /// An incident, open or closed.
    fn incident(&self, id: &str) -> Option<IncidentDetails>;
    /// The steps of a plan that waits for a person.
    fn steps(&self, plan: &str) -> Option<Vec<ShownStep>>;
    /// Whether something of a plan can be undone.
    fn can_undo(&self, plan: &str) -> bool;
    /// Whether a person silenced incidents of this instance with this key.
    fn is_silenced(&self, instance: &str, key: &str) -> bool;
    /// What the host relies on and what ends soon, has ended or is missing.
    fn expiring(&self, _now: Timestamp) -> Vec<Expiry> {
        Vec::new()
    }
    /// Why no policy may act now, whatever its mode.
    fn halted(&self) -> Option<String> {
        None
    }
    /// The head of the audit log.
    fn audit_head(&self) -> Option<String>;
    /// What ansai did since a time, or why that is unknown.
    fn report(&self, since: Timestamp) -> Result<Box<HostReport>, String>;
}

/// Decides what is told, and makes messages of it. It has no thread: whoever owns it calls it.
pub struct Teller {
    pub(crate) outbox: Arc<Outbox>,
    pub(crate) router: Router,
    /// The configured channels.
    pub(crate) channels: Vec<String>,
    /// The name of this host.
    pub(crate) host: String,
    pub(crate) facts: Arc<dyn Facts>,
    pub(crate) reports: Option<Reports>,
}

impl Teller {
    /// Over an outbox; `channels` are those of the configuration.
    pub fn new(
        outbox: Arc<Outbox>,
        router: Router,
        channels: Vec<String>,
        host: &str,
        facts: Arc<dyn Facts>,
    ) -> Teller {
        Teller { outbox, router, channels, host: host.to_owned(), facts, reports: None }
    }

    /// The outbox.
    pub fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    /// Takes events of the audit log in their order. What they tell is filed durably, together with their place in the log:
    /// an event that comes again tells nothing.
    ///
    /// # Errors
    /// The outbox cannot be written. Then none of them was heard.
    pub fn hear(&self, heard: &[Heard], now: Timestamp) -> Result<(), OutboxError> {
        let Some(last) = heard.last() else { return Ok(()) };
        self.outbox.write(|transaction| {
            let place = store::place(transaction)?.unwrap_or(0);
            for one in heard.iter().filter(|one| one.sequence > place) {
                self.tell(transaction, one, now)?;
            }
            notices::bound(transaction, self.outbox.capacity.notices)?;
            store::set_place(transaction, last.sequence.max(place))
        })
    }

    /// Tells something that is no event of the log. `id`: it is told once.
    ///
    /// # Errors
    /// The outbox cannot be written.
    pub fn tell_of(
        &self,
        id: &str,
        kind: Kind,
        severity: Severity,
        summary: &str,
        now: Timestamp,
    ) -> Result<(), OutboxError> {
        let notice = Notice::new(id, kind, severity, &self.host, now, summary);
        self.outbox.write(|transaction| self.file(transaction, &notice, now))
    }

    /// Tells what ends soon, has ended or is missing, once for each [`Expiry::id`].
    ///
    /// # Errors
    /// The outbox cannot be written.
    pub fn tell_expiring(&self, now: Timestamp) -> Result<(), OutboxError> {
        self.facts.expiring(now).into_iter().try_for_each(|one| {
            let severity = match one.state {
                ExpiryState::Soon => Severity::Warning,
                ExpiryState::Expired | ExpiryState::Missing => Severity::Critical,
            };
            self.tell_of(&one.id, Kind::Expiring, severity, &one.summary, now)
        })
    }

    /// Stores the end of an attempt of a message that [`Outbox::begin`] returned. If it is given up, that is told through
    /// another channel, in the same transaction.
    ///
    /// # Errors
    /// The outbox cannot be written. Then the message counts as one that may have arrived.
    pub fn conclude(
        &self,
        id: &str,
        result: &Result<Receipt, Fault>,
        now: Timestamp,
    ) -> Result<Concluded, OutboxError> {
        self.outbox.write(|transaction| {
            let concluded = messages::conclude(transaction, id, result, now)?;
            match &concluded {
                Concluded::Dead(message, why) => self.undelivered(transaction, message, why, now)?,
                Concluded::Again(_) => self.tell_if_down(transaction, id, now)?,
                Concluded::Sent => {}
            }
            Ok(concluded)
        })
    }

    /// Tells through another channel, once, that the channel of a message does not work. Its messages stay, and are sent when
    /// it works again.
    fn tell_if_down(&self, transaction: &Transaction<'_>, message: &str, now: Timestamp) -> Result<(), OutboxError> {
        let Some((channel, failures, why)) = messages::failing(transaction, message)? else { return Ok(()) };
        let other = self.fallback_of(&channel).filter(|_| failures == TELLS_AFTER);
        let Some(other) = other else { return Ok(()) };
        let summary = format!(
            "the channel {channel} does not deliver: {failures} attempts failed, the last one: {why}. Its messages wait"
        );
        let id = format!("down-{channel}-{}", now.as_millis());
        let notice = Notice::new(&id, Kind::Undelivered, Severity::Critical, &self.host, now, &summary);
        let fresh = messages::fresh_id(transaction, now)?;
        let message = Message::new(&fresh, other, &id, &self.host, now, vec![notice]).bounded();
        messages::put(transaction, &message, self.outbox.capacity)
    }

    /// The channel that tells what another one does not: the first configured fallback, else the first other one.
    fn fallback_of(&self, channel: &str) -> Option<&String> {
        let fallback = &self.router.routing().fallback;
        let others = if fallback.is_empty() { &self.channels } else { fallback };
        others.iter().find(|name| *name != channel)
    }

    /// Moves what waits for channels that are not configured any more: they were removed or renamed. Messages go to another
    /// channel, of many only the newest ones. Answers how many messages.
    ///
    /// # Errors
    /// The outbox cannot be written.
    pub fn leave_unconfigured(&self, now: Timestamp) -> Result<u64, OutboxError> {
        self.outbox.write(|transaction| {
            let mut moved = 0;
            for channel in notices::channels(transaction)?.iter().filter(|name| !self.channels.contains(name)) {
                notices::forget_channel(transaction, channel)?;
                for id in messages::waiting(transaction, channel, MOST_MOVED)? {
                    let gone = "the channel is not configured any more";
                    if let Some(message) = messages::give_up_of(transaction, &id, gone)? {
                        self.undelivered(transaction, &message, gone, now)?;
                        moved += 1;
                    }
                }
            }
            Ok(moved)
        })
    }

    /// Puts what was not delivered into another channel.
    fn undelivered(
        &self,
        transaction: &Transaction<'_>,
        message: &Message,
        why: &str,
        now: Timestamp,
    ) -> Result<(), OutboxError> {
        // What tells that a channel does not work is not told again through a third one.
        if message.notices.iter().any(|notice| notice.kind == Kind::Undelivered) {
            return Ok(());
        }
        let Some(other) = self.fallback_of(&message.channel) else { return Ok(()) };
        let summary = format!("the channel {} does not deliver: {why}", message.channel);
        let id = format!("undelivered-{}", message.id);
        if !notices::is_new(transaction, &id, now)? {
            return Ok(());
        }
        let told = Notice::new(&id, Kind::Undelivered, message.severity(), &self.host, now, &summary);
        let notices = std::iter::once(told).chain(message.notices.iter().cloned()).collect();
        let id = messages::fresh_id(transaction, now)?;
        let mut again = Message::new(&id, other, &message.group, &self.host, now, notices).bounded();
        again.counts.clone_from(&message.counts);
        again.digest = message.digest;
        again.report.clone_from(&message.report);
        messages::put(transaction, &again, self.outbox.capacity)
    }

    /// Time until [`Teller::flush`] may have something to do.
    ///
    /// # Errors
    /// The outbox cannot be read.
    pub fn wait(&self, now: Timestamp) -> Result<Duration, OutboxError> {
        self.outbox.read(|transaction| {
            let ready = notices::next_ready(transaction, self.router.is_quiet(now))?;
            let unknown = Known::first_unknown(transaction)?.map(|at| at + self.router.routing().unknown_after);
            // One that is muted stays: whether that has ended is looked at after the longest wait.
            let unknown = unknown.filter(|at| *at > now);
            let due = [ready, unknown, self.next_digest(transaction, now)?, self.next_report(now)]
                .into_iter()
                .flatten()
                .min();
            Ok(due.map_or(MOST_WAIT, |due| Duration::from(due - now).min(MOST_WAIT)))
        })
    }
}
