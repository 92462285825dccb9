//! What was told already: unchanged trouble is told once, and then counted until it changes or a day has passed. The count
//! survives a restart, so `ansai run --once` from cron tells and records no more than the daemon.

mod words;

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ansai_core::{Event, InstanceName, Millis, Timestamp};
use sha2::{Digest as _, Sha256};

pub(crate) use self::words::{said_of_plan, without_numbers};
use crate::recording::Journal;
use crate::state::{Said, State, StateError};

/// What stays the same is told again after this time.
const AGAIN: Millis = Millis::from_hours(24);
/// Maximum number of things that are remembered of one instance. A policy chooses the keys of its findings.
const MOST: usize = 1 << 13;

/// What something is told about.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Thing<'a> {
    /// A pass without an answer.
    Pass,
    /// The plan of an incident, or why it has none; by the id of the incident.
    Incident(&'a str),
    /// An incident whose plan was refused by the share of its instance, or by the end of a pass: the next pass makes it,
    /// although nothing else has changed. By the id of the incident.
    Owed(&'a str),
    /// The record of an evaluation of `detect`.
    Detect,
    /// The record of an evaluation of `plan`, by the key of the finding.
    Plan(&'a str),
    /// A line in the log of the program.
    Warning(&'static str),
}

impl std::fmt::Display for Thing<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Thing::Pass => f.write_str("pass"),
            Thing::Incident(id) => write!(f, "incident {id}"),
            Thing::Owed(id) => write!(f, "owed {id}"),
            Thing::Detect => f.write_str("detect"),
            Thing::Plan(key) => write!(f, "plan {key}"),
            Thing::Warning(what) => write!(f, "warning {what}"),
        }
    }
}

/// How often something was the same, not counting the first time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Counted {
    /// The plan that was told.
    pub(crate) plan: Option<String>,
    pub(crate) times: u32,
    /// When it was told.
    pub(crate) since: Timestamp,
}

/// Whether something is to be told.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Told {
    /// Yes; and how often what was told before it was the same.
    News(u32),
    /// It was told, and is counted.
    Unchanged(Counted),
}

/// What was told last, of all instances.
pub(crate) struct Repeats {
    journal: Arc<Journal>,
    state: Arc<State>,
    known: Mutex<Known>,
    shows_all: AtomicBool,
}

#[derive(Default)]
struct Known {
    said: HashMap<InstanceName, HashMap<String, Said>>,
    /// What differs from the state.
    changed: BTreeSet<(InstanceName, String)>,
}

impl Repeats {
    /// Goes on where the last run ended.
    ///
    /// # Errors
    /// The state cannot be read.
    pub(crate) fn open(journal: Arc<Journal>, state: Arc<State>) -> Result<Repeats, StateError> {
        let mut known = Known::default();
        for (instance, thing, said) in state.repeats()? {
            known.said.entry(instance).or_default().insert(thing, said);
        }
        Ok(Repeats { journal, state, known: Mutex::new(known), shows_all: AtomicBool::new(false) })
    }

    /// From now on, subscribers see also what is not told again: a person asked for all of it.
    pub(crate) fn show_all(&self) {
        self.shows_all.store(true, Ordering::Relaxed);
    }

    /// Compares what is said about a thing with what was told last. `plan` is its plan, to show the same one again.
    pub(crate) fn say(
        &self,
        instance: &InstanceName,
        thing: Thing<'_>,
        text: &str,
        plan: Option<&str>,
        now: Timestamp,
    ) -> Told {
        let text = hex::encode(Sha256::digest(text));
        let before = {
            let mut known = self.lock();
            match known.count(instance, thing.to_string(), text, plan, now) {
                Ok(counted) => return Told::Unchanged(counted),
                Err(before) => before,
            }
        };
        self.record(instance, thing, before.as_ref(), now);
        Told::News(before.map_or(0, |said| said.times))
    }

    /// A thing has ended: the same is told again. Answers how often it was the same.
    pub(crate) fn forget(&self, instance: &InstanceName, thing: Thing<'_>, now: Timestamp) -> u32 {
        let before = self.lock().remove(instance, thing.to_string());
        self.record(instance, thing, before.as_ref(), now);
        before.map_or(0, |said| said.times)
    }

    /// Whether something was said about a thing, and has not ended.
    pub(crate) fn has(&self, instance: &InstanceName, thing: Thing<'_>) -> bool {
        self.lock().said.get(instance).is_some_and(|said| said.contains_key(&thing.to_string()))
    }

    /// Publishes what is not told again, for a person who asked for all of it.
    pub(crate) fn show(
        &self,
        instance: &InstanceName,
        incident: Option<&str>,
        counted: Counted,
        now: Timestamp,
        events: impl FnOnce(Option<String>) -> Vec<Event>,
    ) {
        if !self.shows_all.load(Ordering::Relaxed) {
            return;
        }
        let Counted { plan, times, since } = counted;
        for event in events(plan) {
            self.journal.publish(now, || event);
        }
        let (instance, incident) = (instance.clone(), incident.map(str::to_owned));
        self.journal.publish(now, || Event::Unchanged { instance, incident, times, since });
    }

    /// Writes what changed to the state, durable with its next flush.
    pub(crate) fn store(&self) {
        let changed: Vec<(InstanceName, String, Option<Said>)> = {
            let mut known = self.lock();
            let changed = std::mem::take(&mut known.changed);
            let said = |instance: &InstanceName, thing: &String| known.said.get(instance)?.get(thing).cloned();
            let with_said = |(instance, thing)| {
                let said = said(&instance, &thing);
                (instance, thing, said)
            };
            changed.into_iter().map(with_said).collect()
        };
        if let Err(error) = self.state.put_repeats(&changed) {
            tracing::error!("what was told already is not stored; after a restart it is told again: {error}");
        }
    }

    fn record(&self, instance: &InstanceName, thing: Thing<'_>, before: Option<&Said>, now: Timestamp) {
        let Some(Said { times, since, .. }) = before.filter(|said| said.times > 0) else { return };
        let incident = match thing {
            Thing::Pass => None,
            Thing::Incident(id) => Some(id.to_owned()),
            // The next record of an evaluation has this number.
            Thing::Owed(_) | Thing::Detect | Thing::Plan(_) | Thing::Warning(_) => return,
        };
        let event = Event::Repeated { instance: instance.clone(), incident, times: *times, since: *since };
        self.journal.note(now, event);
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    /// Counts what was told already; else remembers it and answers what was told before it.
    fn count(
        &mut self,
        instance: &InstanceName,
        thing: String,
        text: String,
        plan: Option<&str>,
        now: Timestamp,
    ) -> Result<Counted, Option<Said>> {
        self.changed.insert((instance.clone(), thing.clone()));
        let of_instance = self.said.entry(instance.clone()).or_default();
        if let Some(said) = of_instance.get_mut(&thing)
            && said.text == text
            // If the clock was set back, it is told.
            && now.checked_since(said.since).is_some_and(|since| since < AGAIN)
        {
            said.times = said.times.saturating_add(1);
            return Ok(Counted { plan: said.plan.clone(), times: said.times, since: said.since });
        }
        let said = Said { text, plan: plan.map(str::to_owned), since: now, times: 0 };
        let before = of_instance.insert(thing, said);
        if of_instance.len() > MOST
            && let Some(oldest) = of_instance.iter().min_by_key(|(_, said)| said.since).map(|(thing, _)| thing.clone())
        {
            of_instance.remove(&oldest);
            self.changed.insert((instance.clone(), oldest));
        }
        Err(before)
    }

    fn remove(&mut self, instance: &InstanceName, thing: String) -> Option<Said> {
        let said = self.said.get_mut(instance)?.remove(&thing)?;
        self.changed.insert((instance.clone(), thing));
        Some(said)
    }
}

#[cfg(test)]
mod tests;
