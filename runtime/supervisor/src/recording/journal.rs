//! The one way for events out of the supervisor: into the audit log, and from there to all subscribers.
//!
//! The audit log is the first subscriber, and the only one that publishing waits for. An event is appended to it while
//! no other event can be published, so the order of the stream is the order of the log.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use ansai_audit::{AppendError, Durability, Head, Log, ReadError, Reader, SharedLog};
use ansai_core::event::{Intent, Record, UndoIntent};
use ansai_core::{Event, InstanceName, Outcome, Share, Timestamp};
use ansai_events::Stream;
use ansai_storage::ToDirectory;
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use crate::guarded::Guarded;
use crate::ids::StepId;
use crate::shares::Meters;
use crate::track_record::Waiting;

/// An event could not be recorded. Then nothing may change.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The log refuses.
    #[error("audit log: {0}")]
    Append(#[from] AppendError),
    /// The event has no written form: a fault of ansai.
    #[error("audit log: event cannot be written: {0}")]
    Form(#[from] serde_json::Error),
}

/// Proof that the intent of one step is on the disk. Whoever acts on the machine has to show it, and only the journal
/// makes one: without a durable intent there is no action.
///
/// ```compile_fail
/// let durable = ansai_supervisor::Durable { plan: "p".into(), step: 0, instance: ansai_core::InstanceName::from_static("one") };
/// ```
#[must_use = "nothing acts on it"]
#[derive(Debug)]
pub struct Durable {
    plan: String,
    step: u32,
    instance: InstanceName,
}

impl Durable {
    /// Whether the intent is of this step.
    pub fn is_of(&self, plan: &str, step: u32) -> bool {
        self.plan == plan && self.step == step
    }

    /// Whose grants the step acts on.
    pub fn instance(&self) -> &InstanceName {
        &self.instance
    }
}

/// A step whose intent is in a log and whose outcome is not.
pub(crate) struct OpenIntent {
    /// The proof that the intent is in the log.
    pub(crate) durable: Durable,
    /// What the step was about to do.
    pub(crate) intent: Intent,
    /// The handle and the time limit of a step that ran in the background.
    pub(crate) running: Option<(Box<RawValue>, Timestamp)>,
    /// Its guard, if it goes back by itself. Such a step is open until it has, or is confirmed.
    pub(crate) guard: Option<Guarded>,
    /// The outcome of such a step.
    pub(crate) outcome: Option<Outcome>,
    /// It was about to be confirmed.
    pub(crate) is_confirming: bool,
}

impl OpenIntent {
    fn new(durable: Durable, intent: Intent) -> OpenIntent {
        OpenIntent { durable, intent, running: None, guard: None, outcome: None, is_confirming: false }
    }

    /// Whether the step goes back by itself after this outcome.
    fn goes_back(&self, outcome: Outcome, has_items: bool) -> bool {
        // One that is reverted and has items acted after its guard had fired.
        let has_changed =
            matches!(outcome, Outcome::Done | Outcome::Provisional | Outcome::Failed | Outcome::Reverted) && has_items;
        self.guard.is_some() && (has_changed || outcome == Outcome::Unknown)
    }
}

/// The name of a guard as the one who undoes a step.
pub(crate) const BY_GUARD: &str = "its guard";

/// By plan and step.
pub(crate) type OpenIntents = BTreeMap<(String, u32), OpenIntent>;

/// Steps whose intent is in a log and whose outcome is not.
pub(crate) fn open_intents(log: impl ToDirectory) -> Result<OpenIntents, ReadError> {
    let mut open = BTreeMap::new();
    for entry in Reader::open(log)? {
        let Ok(record) = serde_json::from_slice::<Record>(&entry?.payload) else { continue };
        match record.event {
            Event::Intent(intent) => {
                let (plan, step, instance) = (intent.plan.clone(), intent.step, intent.instance.clone());
                let durable = Durable { plan: plan.clone(), step, instance };
                open.insert((plan, step), OpenIntent::new(durable, intent));
            }
            Event::Running { plan, step, handle, until, .. } => {
                if let Some(open) = open.get_mut(&(plan, step)) {
                    open.running = to_raw_value(&handle).ok().map(|handle| (handle, until));
                }
            }
            Event::Guarded { plan, step, armed, limit, confirmable, .. } => {
                if let Some(open) = open.get_mut(&(plan, step)) {
                    open.guard = Some(Guarded { armed, limit, confirmable });
                }
            }
            Event::Confirming { plan, step, .. } => {
                if let Some(open) = open.get_mut(&(plan, step)) {
                    open.is_confirming = true;
                }
            }
            // Whoever began to put it back does not confirm it any more.
            Event::Undoing(UndoIntent { plan, step, .. }) => {
                if let Some(open) = open.get_mut(&(plan, step)) {
                    open.is_confirming = false;
                }
            }
            Event::Outcome { plan, step, outcome, items_sha256, .. } => {
                let key = (plan, step);
                match open.get_mut(&key).filter(|open| open.goes_back(outcome, items_sha256.is_some())) {
                    Some(open) => open.outcome = Some(outcome),
                    None => _ = open.remove(&key),
                }
            }
            Event::Confirmed { plan, step, .. } => _ = open.remove(&(plan, step)),
            // Who could not put it back tries again, apart from its guard.
            Event::Undone { plan, step, outcome, by, .. } if outcome == Outcome::Done || by == BY_GUARD => {
                open.remove(&(plan, step));
            }
            _ => {}
        }
    }
    Ok(open)
}

/// Learns of each record with its number, in the order of the log, while no other event can be published: it must be fast. A
/// subscriber of the stream may miss events and does not know their numbers.
pub trait Follower: Send + Sync {
    /// An event was appended under this number.
    fn recorded(&self, sequence: u64, at: Timestamp, event: &Event);
    /// An event could not be appended, or not be made durable.
    fn failed(&self, why: &str);
}

/// One log and one stream for all instances. Threads that wait for the disk at the same time share a sync.
pub struct Journal {
    log: SharedLog,
    stream: Stream,
    /// Set once the state is open.
    meters: OnceLock<Arc<Meters>>,
    /// The same: what is counted for the track record.
    noted: OnceLock<Arc<Waiting>>,
    /// The same: whoever tells people.
    follower: OnceLock<Box<dyn Follower>>,
}

impl Journal {
    /// Over an open log. Subscribers of `stream` see all events.
    pub fn new(log: Log, stream: Stream) -> Self {
        Journal {
            log: SharedLog::new(log),
            stream,
            meters: OnceLock::new(),
            noted: OnceLock::new(),
            follower: OnceLock::new(),
        }
    }

    /// From now on, what is recorded of an instance counts in its shares. Nothing is refused: who asks before it begins
    /// something is.
    pub(crate) fn count_in(&self, meters: Arc<Meters>) {
        let _ = self.meters.set(meters);
    }

    /// From now on, what is counted of each record is noted in the order of the log.
    pub(crate) fn note_in(&self, noted: Arc<Waiting>) {
        let _ = self.noted.set(noted);
    }

    /// From now on, the follower learns of each record. Only the first one counts.
    pub(crate) fn follow(&self, follower: Box<dyn Follower>) {
        let _ = self.follower.set(follower);
    }

    fn failed<T>(&self, done: Result<T, AppendError>) -> Result<T, AppendError> {
        if let (Err(error), Some(follower)) = (&done, self.follower.get()) {
            follower.failed(&error.to_string());
        }
        done
    }

    /// Appends without a sync. Called while no other event can be published.
    fn append(&self, at: Timestamp, event: &Event, payload: &[u8]) -> Result<(), AppendError> {
        let head = self.failed(self.log.append(payload, Durability::Buffered))?;
        if let Some(noted) = self.noted.get() {
            noted.note(head.sequence, at, event);
        }
        if let Some(follower) = self.follower.get() {
            follower.recorded(head.sequence, at, event);
        }
        Ok(())
    }

    fn charge(&self, event: &Event, bytes: usize) {
        if let (Some(meters), Some(instance)) = (self.meters.get(), event.instance()) {
            meters.charge(instance, Share::AuditBytes, bytes as f64);
            meters.charge(instance, Share::Notices, f64::from(u8::from(!event.is_routine())));
        }
    }

    /// For subscribers.
    pub fn stream(&self) -> &Stream {
        &self.stream
    }

    /// Publishes an event that the audit log does not hold. It is made only where somebody subscribes.
    pub fn publish(&self, at: Timestamp, event: impl FnOnce() -> Event) {
        if self.stream.has_subscribers() {
            self.stream.publish(at, event());
        }
    }

    /// Records what has happened. Durable with the next durable record or at [`Journal::sync`].
    ///
    /// # Errors
    /// When the log has no record of it. Subscribers see it nevertheless: it happened.
    pub fn record(&self, at: Timestamp, event: Event) -> Result<(), JournalError> {
        let payload = payload(at, &event)?;
        self.charge(&event, payload.len());
        let append = |event: &Event| Ok::<_, std::convert::Infallible>(self.append(at, event, &payload));
        let Ok(appended) = self.stream.publish_after(at, event, append);
        Ok(appended?)
    }

    /// As [`Journal::record`], for what happened already and changes nothing: an error goes to the log of the
    /// program.
    pub fn note(&self, at: Timestamp, event: Event) {
        let (name, instance) = (event.name(), event.instance().unwrap_or_default().to_owned());
        if let Err(error) = self.record(at, event) {
            tracing::error!(instance, "the event `{name}` is not recorded, ansai goes on: {error}");
        }
    }

    /// Records an event and waits until it is on the disk.
    ///
    /// # Errors
    /// When it is not known to be on the disk. Where it could not even be appended, no subscriber sees it.
    pub fn durable(&self, at: Timestamp, event: Event) -> Result<(), JournalError> {
        let payload = payload(at, &event)?;
        self.charge(&event, payload.len());
        self.stream.publish_after(at, event, |event| self.append(at, event, &payload))?;
        // Other events are published meanwhile.
        self.failed(self.log.sync())?;
        Ok(())
    }

    /// Records that a step is about to act.
    ///
    /// # Errors
    /// When the intent is not known to be on the disk: the step must not act.
    pub fn intent(&self, at: Timestamp, intent: Intent) -> Result<Durable, JournalError> {
        let durable = Durable { plan: intent.plan.clone(), step: intent.step, instance: intent.instance.clone() };
        self.durable(at, Event::Intent(intent))?;
        Ok(durable)
    }

    /// Records that a step is about to be undone.
    ///
    /// # Errors
    /// When the intent is not known to be on the disk: nothing must be undone.
    pub fn undo_intent(&self, at: Timestamp, intent: UndoIntent) -> Result<Durable, JournalError> {
        let durable = Durable { plan: intent.plan.clone(), step: intent.step, instance: intent.instance.clone() };
        self.durable(at, Event::Undoing(intent))?;
        Ok(durable)
    }

    /// Records that a step is about to act on what the undo of its plan restored.
    ///
    /// # Errors
    /// When the intent is not known to be on the disk: the step must not act.
    pub(crate) fn after_undo_intent(&self, at: Timestamp, step: StepId<'_>, by: &str) -> Result<Durable, JournalError> {
        let StepId { plan, step, instance } = step;
        let durable = Durable { plan: plan.to_owned(), step, instance: instance.clone() };
        let (plan, instance, by) = (plan.to_owned(), instance.clone(), by.to_owned());
        self.durable(at, Event::AfterUndoIntent { plan, step, instance, by })?;
        Ok(durable)
    }

    /// Records that a provisional step is about to be confirmed.
    ///
    /// # Errors
    /// When that is not known to be on the disk: the guard of the step must not be removed.
    pub(crate) fn confirm_intent(&self, at: Timestamp, step: StepId<'_>) -> Result<Durable, JournalError> {
        let StepId { plan, step, instance } = step;
        let durable = Durable { plan: plan.to_owned(), step, instance: instance.clone() };
        let (plan, instance) = (plan.to_owned(), instance.clone());
        self.durable(at, Event::Confirming { plan, step, instance })?;
        Ok(durable)
    }

    /// Makes all records up to now durable; answers the last one.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn sync(&self) -> Result<Head, JournalError> {
        Ok(self.failed(self.log.sync())?)
    }

    /// Reserves space again where there is room; answers why not.
    pub fn replenish(&self) -> Result<(), String> {
        self.log.replenish().map_err(|error| error.to_string())
    }

    /// The newest record.
    pub fn head(&self) -> Head {
        self.log.head()
    }
}

fn payload(at: Timestamp, event: &Event) -> Result<Vec<u8>, serde_json::Error> {
    /// [`Record`] without a copy.
    #[derive(Serialize)]
    struct Borrowed<'a> {
        at: Timestamp,
        #[serde(flatten)]
        event: &'a Event,
    }
    serde_json::to_vec(&Borrowed { at, event })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use ansai_audit::Options;
    use ansai_core::{Mode, Subject};
    use ansai_events::{Item, Subscription};

    use super::*;

    fn journal(dir: &std::path::Path) -> Journal {
        Journal::new(Log::open(dir, Options::default()).unwrap().0, Stream::new())
    }

    fn records(dir: &std::path::Path) -> Vec<Event> {
        let event = |payload: &[u8]| serde_json::from_slice::<Record>(payload).unwrap().event;
        Reader::open(dir).unwrap().map(|entry| event(&entry.unwrap().payload)).collect()
    }

    fn seen(subscription: &mut Subscription) -> Vec<Event> {
        std::iter::from_fn(|| subscription.try_next())
            .map(|item| match item {
                Item::Event(published) => published.event.clone(),
                Item::Missed { .. } => unreachable!(),
            })
            .collect()
    }

    fn intent(step: u32) -> Intent {
        Intent {
            plan: "p".into(),
            step,
            instance: InstanceName::from_static("one"),
            action: "a.b".into(),
            about: Subject::new("test", "thing"),
            arguments: serde_json::json!({}),
            targets: 0,
            targets_sha256: String::new(),
            plan_sha256: String::new(),
        }
    }

    fn stopping(why: u32) -> Event {
        Event::Stopping { why: why.to_string() }
    }

    #[test]
    fn the_log_and_the_stream_have_one_order() {
        let dir = tempfile::tempdir().unwrap();
        let journal = journal(dir.path());
        let mut subscription = journal.stream().subscribe("test", 1_000);
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let journal = &journal;
                scope.spawn(move || {
                    for number in 0..50 {
                        match number % 10 {
                            0 => drop(journal.intent(Timestamp::EPOCH, intent(thread * 50 + number)).unwrap()),
                            _ => journal.record(Timestamp::EPOCH, stopping(thread * 50 + number)).unwrap(),
                        }
                    }
                });
            }
        });
        let seen = seen(&mut subscription);
        assert_eq!((seen.len(), &seen), (200, &records(dir.path())));
    }

    #[test]
    fn what_only_subscribers_see_is_not_in_the_log_and_not_made_without_them() {
        let dir = tempfile::tempdir().unwrap();
        let journal = journal(dir.path());
        journal.publish(Timestamp::EPOCH, || unreachable!("nobody subscribes"));
        let mut subscription = journal.stream().subscribe("test", 10);
        let observed = Event::Observed {
            instance: InstanceName::from_static("one"),
            mode: Mode::Observe,
            findings: vec![],
            without_incident: 0,
        };
        journal.publish(Timestamp::EPOCH, || observed.clone());
        assert_eq!((seen(&mut subscription), records(dir.path())), (vec![observed], vec![]));
    }

    #[test]
    fn a_proof_is_of_one_step() {
        let dir = tempfile::tempdir().unwrap();
        let durable = journal(dir.path()).intent(Timestamp::EPOCH, intent(3)).unwrap();
        assert!(durable.is_of("p", 3) && !durable.is_of("p", 2) && !durable.is_of("q", 3));
        assert_eq!(records(dir.path()), [Event::Intent(intent(3))]);
    }

    /// An event that cannot be appended: it has happened, so subscribers see it, but no subscriber sees an intent
    /// that nobody acts on.
    #[test]
    fn a_log_that_refuses_stops_acts_and_not_news() {
        let dir = tempfile::tempdir().unwrap();
        let journal = journal(dir.path());
        let mut subscription = journal.stream().subscribe("test", 10);
        let large = "x".repeat(5 << 20);
        let too_large = Event::Stopping { why: large.clone() };
        assert!(matches!(journal.record(Timestamp::EPOCH, too_large.clone()), Err(JournalError::Append(_))));
        assert!(journal.intent(Timestamp::EPOCH, Intent { action: large, ..intent(0) }).is_err());
        assert_eq!(seen(&mut subscription), [too_large]);
        assert_eq!(records(dir.path()), []);
    }
}
