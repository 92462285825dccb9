//! Instances whose evaluations fail. One that fails several times in a row is evaluated less and less often; one that goes
//! on failing is quarantined: it is not evaluated until a person resumes it, or until it has another component.
//!
//! Only time while the host runs counts, by a clock that nobody can set.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ansai_core::order::Person;
use ansai_core::quarantine::{Quarantine, Release};
use ansai_core::text::prose;
use ansai_core::{ErrorKind, Event, InstanceName, Millis, Timestamp};
use serde::{Deserialize, Serialize};

use crate::clock;
use crate::instance::Instance;
use crate::orders::OrderError;
use crate::recording::Journal;
use crate::state::{State, StateError};

/// So many faults in a row are nothing special: the next evaluation comes on schedule.
const USUAL: u32 = 2;
/// After so many in a row, an instance is quarantined.
const MOST: u32 = 10;
/// Or after so long, if there were more than usual.
const LONGEST: Millis = Millis::from_hours(24);
/// What is doubled is at least this: a fault of the host may take a moment to pass.
const SHORTEST: Millis = Millis::new(60_000);
/// The longest time until an instance is evaluated again, unless its interval is longer.
const RAREST: Millis = Millis::from_hours(1);
/// Characters of an error that are kept.
const MOST_TEXT: usize = 300;

/// Whether an evaluation that ended like this is a fault of the policy. An answer that something is unknown is none, and
/// neither is a fault of the host.
pub(crate) fn is_fault(kind: ErrorKind) -> bool {
    match kind {
        ErrorKind::Fuel
        | ErrorKind::Memory
        | ErrorKind::Deadline
        | ErrorKind::Stack
        | ErrorKind::Trap
        | ErrorKind::Abi
        | ErrorKind::Budget
        | ErrorKind::Contract
        | ErrorKind::WorkerEnded => true,
        ErrorKind::Failure
        | ErrorKind::Incidents
        | ErrorKind::Aborted
        | ErrorKind::Host
        | ErrorKind::PassLimit
        | ErrorKind::ProcessorShare
        | ErrorKind::AuditShare
        | ErrorKind::RecordingShare
        | ErrorKind::LogShare
        | ErrorKind::PlanShare
        | ErrorKind::NoticeShare
        | ErrorKind::Quarantined => false,
    }
}

/// The faults of one instance, as the state keeps them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stored {
    /// The component that failed.
    component: String,
    in_a_row: u32,
    /// How long it has failed, apart from times in which ansai did not run.
    failing_for: Millis,
    quarantine: Option<Quarantine>,
}

struct Row {
    stored: Stored,
    /// Of the last fault of this run, by the time since the boot.
    last: Option<Millis>,
    not_before: Millis,
}

/// Whether an instance may be evaluated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Standing {
    /// On schedule.
    Free,
    /// After this time.
    BackedOff(Millis),
    /// Not at all.
    Quarantined(Quarantine),
}

/// The faults of all instances.
pub(crate) struct Faults {
    state: Arc<State>,
    journal: Arc<Journal>,
    uptime: Box<dyn Fn() -> Millis + Send + Sync>,
    rows: Mutex<HashMap<InstanceName, Row>>,
}

impl Faults {
    /// Goes on where the last run ended. What has another component now is released.
    ///
    /// # Errors
    /// The state cannot be read.
    pub(crate) fn open(
        state: Arc<State>,
        journal: Arc<Journal>,
        instances: &[Instance],
        now: Timestamp,
    ) -> Result<Faults, StateError> {
        let components = instances.iter().map(|one| (&one.name, one.policy.info().digest.as_str())).collect();
        Faults::with_clock(state, journal, &components, now, Box::new(clock::since_boot))
    }

    fn with_clock(
        state: Arc<State>,
        journal: Arc<Journal>,
        components: &HashMap<&InstanceName, &str>,
        now: Timestamp,
        uptime: Box<dyn Fn() -> Millis + Send + Sync>,
    ) -> Result<Faults, StateError> {
        let mut rows = HashMap::new();
        for (instance, stored) in state.faults()? {
            // A run that only does what a person orders has no instances: they keep their faults.
            if components.get(&instance).is_some_and(|component| **component != stored.component) {
                if stored.in_a_row > USUAL {
                    journal.note(now, Event::Released { instance: instance.clone(), why: Release::Changed, by: None });
                }
                state.put_faults(&instance, None, false)?;
                continue;
            }
            rows.insert(instance, Row { stored, last: None, not_before: Millis::ZERO });
        }
        Ok(Faults { state, journal, uptime, rows: Mutex::new(rows) })
    }

    /// Whether an instance may be evaluated now.
    pub(crate) fn standing(&self, instance: &InstanceName) -> Standing {
        let rows = self.lock();
        let Some(row) = rows.get(instance) else { return Standing::Free };
        if let Some(quarantine) = &row.stored.quarantine {
            return Standing::Quarantined(quarantine.clone());
        }
        match row.not_before.get().saturating_sub((self.uptime)().get()) {
            0 => Standing::Free,
            wait => Standing::BackedOff(Millis::new(wait)),
        }
    }

    /// An evaluation has failed. `every` is the interval of the instance.
    pub(crate) fn failed(
        &self,
        (instance, component): (&InstanceName, &str),
        every: Millis,
        kind: ErrorKind,
        error: &str,
        at: Timestamp,
    ) {
        let up = (self.uptime)();
        let mut rows = self.lock();
        let row = rows.entry(instance.clone()).or_insert_with(|| Row {
            stored: Stored {
                component: component.to_owned(),
                in_a_row: 0,
                failing_for: Millis::ZERO,
                quarantine: None,
            },
            last: None,
            not_before: Millis::ZERO,
        });
        let since = row.last.map_or(0, |last| up.get().saturating_sub(last.get()));
        row.last = Some(up);
        let stored = &mut row.stored;
        stored.in_a_row = stored.in_a_row.saturating_add(1);
        stored.failing_for = Millis::new(stored.failing_for.get().saturating_add(since));
        let faults = stored.in_a_row;
        let wait = pause(faults, every);
        row.not_before = Millis::new(up.get().saturating_add(wait.get()));
        if faults == USUAL + 1 {
            let until = at + wait;
            self.journal.note(at, Event::BackedOff { instance: instance.clone(), faults, kind, until });
        }
        let is_over = faults >= MOST || (faults > USUAL && stored.failing_for >= LONGEST);
        if is_over && stored.quarantine.is_none() {
            let error = prose(error, MOST_TEXT);
            let quarantine = Quarantine { instance: instance.clone(), since: at, faults, kind, error };
            match self.journal.durable(at, Event::Quarantined(quarantine.clone())) {
                Ok(()) => {
                    tracing::error!(
                        %instance, %kind,
                        "quarantined after {faults} faults in a row; `ansai resume {instance}` ends it"
                    );
                    stored.quarantine = Some(quarantine);
                }
                Err(error) => {
                    tracing::error!(%instance, "its quarantine is not recorded, ansai tries again: {error}");
                }
            }
        }
        if let Err(error) = self.state.put_faults(instance, Some(stored), stored.quarantine.is_some()) {
            tracing::error!(%instance, "its faults are not stored; a restart forgets the last one: {error}");
        }
    }

    /// An evaluation has an answer.
    pub(crate) fn answered(&self, instance: &InstanceName, at: Timestamp) {
        let mut rows = self.lock();
        // A verification may answer although the instance is quarantined: a person decides.
        if rows.get(instance).is_none_or(|row| row.stored.quarantine.is_some()) {
            return;
        }
        let Some(row) = rows.remove(instance) else { return };
        if row.stored.in_a_row > USUAL {
            let event = Event::Released { instance: instance.clone(), why: Release::Answered, by: None };
            self.journal.note(at, event);
        }
        if let Err(error) = self.state.put_faults(instance, None, false) {
            tracing::error!(%instance, "that it answers again is not stored: {error}");
        }
    }

    /// A person ends the quarantine of the instance of this name; `None` if it has none. Recorded first.
    ///
    /// # Errors
    /// It cannot be recorded or stored.
    pub(crate) fn release(&self, name: &str, by: &Person, at: Timestamp) -> Result<Option<Quarantine>, OrderError> {
        let mut rows = self.lock();
        let mut found = rows.values().filter_map(|row| row.stored.quarantine.as_ref());
        let found = found.find(|one| one.instance.as_str() == name).cloned();
        let Some(quarantine) = found else { return Ok(None) };
        let instance = quarantine.instance.clone();
        let event = Event::Released { instance: instance.clone(), why: Release::Resumed, by: Some(by.clone()) };
        self.journal.durable(at, event)?;
        self.state.put_faults(&instance, None, true)?;
        rows.remove(&instance);
        Ok(Some(quarantine))
    }

    /// An instance begins again from nothing, with the same component.
    pub(crate) fn forget(&self, instance: &InstanceName, at: Timestamp) {
        let mut rows = self.lock();
        let Some(in_a_row) = rows.get(instance).map(|row| row.stored.in_a_row) else { return };
        if let Err(error) = self.state.put_faults(instance, None, true) {
            tracing::error!(%instance, "its earlier faults still count: {error}");
            return;
        }
        if in_a_row > USUAL {
            let event = Event::Released { instance: instance.clone(), why: Release::Resumed, by: None };
            self.journal.note(at, event);
        }
        rows.remove(instance);
    }

    /// All that are quarantined, by name.
    pub(crate) fn quarantines(&self) -> Vec<Quarantine> {
        let rows = self.lock();
        let mut all: Vec<Quarantine> = rows.values().filter_map(|row| row.stored.quarantine.clone()).collect();
        all.sort_by(|a, b| a.instance.cmp(&b.instance));
        all
    }

    /// How many evaluations of an instance in a row have failed.
    pub(crate) fn in_a_row(&self, instance: &InstanceName) -> u32 {
        self.lock().get(instance).map_or(0, |row| row.stored.in_a_row)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<InstanceName, Row>> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Stored {
    /// The quarantine, if there is one.
    pub(crate) fn quarantine(&self) -> Option<&Quarantine> {
        self.quarantine.as_ref()
    }

    /// How many evaluations in a row have failed.
    pub(crate) fn in_a_row(&self) -> u32 {
        self.in_a_row
    }
}

/// The time until the next evaluation, after so many faults in a row. It doubles with each.
fn pause(faults: u32, every: Millis) -> Millis {
    let Some(doublings) = faults.checked_sub(USUAL).filter(|doublings| *doublings > 0) else { return Millis::ZERO };
    let factor = 1_u64.checked_shl(doublings).unwrap_or(u64::MAX);
    Millis::new(every.max(SHORTEST).get().saturating_mul(factor)).min(RAREST.max(every))
}

#[cfg(test)]
mod tests;
