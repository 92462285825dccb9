//! The faults of a simulated host over time, and what steps did.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ansai_core::{InstanceName, Millis, Observation, Severity, Status};

use super::fault::{Begins, Fault};
use super::random::Random;
use crate::virtual_time;

/// A step that acted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Act {
    /// Plan and number of the step.
    pub step_id: String,
    /// The instance that it acted for.
    pub instance: InstanceName,
    /// The key of the finding.
    pub key: String,
    /// Since the beginning of the simulation.
    pub elapsed: Millis,
    /// What it used of the bounds of its grant.
    pub uses: Vec<(String, u64)>,
    /// Whether it ended the fault.
    pub has_helped: bool,
}

/// Sees a step right before and right after it acts; a test crashes there.
pub trait ActWatcher: Send + Sync {
    /// It is about to act.
    fn before(&self, _act: &Act) {}
    /// It has acted, and its outcome is not recorded yet.
    fn after(&self, _act: &Act) {}
}

/// A host whose faults are made up.
pub struct World {
    state: Mutex<State>,
    watcher: Option<Arc<dyn ActWatcher>>,
}

struct State {
    faults: Vec<Running>,
    acts: Vec<Act>,
    /// After this, nothing begins by itself.
    quiet_from: Option<Millis>,
}

/// A fault, and how it stands.
struct Running {
    fault: Fault,
    /// The number of the first fault of its instance and key.
    first: usize,
    random: Random,
    /// When it begins next, if it does.
    next: Option<Millis>,
    /// Since when it lasts, and when it ends by itself.
    active: Option<(Millis, Option<Millis>)>,
    /// How often it has begun.
    begun: u64,
}

impl Running {
    fn new(fault: Fault, first: usize, seed: u64) -> Running {
        let random = Random::new(seed, &fault.name());
        let mut running = Running { fault, first, random, next: None, active: None, begun: 0 };
        running.next = running.after(None);
        running
    }

    /// The first beginning after an end; `None`: after the beginning of the simulation.
    fn after(&mut self, ended: Option<Millis>) -> Option<Millis> {
        match &self.fault.begins {
            Begins::At(times) => times.iter().copied().find(|time| ended.is_none_or(|ended| *time > ended)),
            Begins::Every(every) => {
                let every = every.get().max(1);
                let passed = ended.map_or(0, |ended| ended.get() / every);
                Some(Millis::new(every.saturating_mul(passed.saturating_add(1))))
            }
            Begins::OnAverage(mean) => {
                let wait = self.random.until_next(*mean);
                Some(Millis::new(ended.unwrap_or(Millis::ZERO).get().saturating_add(wait.get()).saturating_add(1)))
            }
            Begins::Never => None,
        }
    }

    fn begin(&mut self, at: Millis) {
        let half = |lasts: Millis| Millis::new(lasts.get() / 2);
        let is_exact = self.fault.is_exact;
        let lasts = self.fault.lasts.map(|lasts| {
            if is_exact {
                return lasts;
            }
            let most = Millis::new(lasts.get().saturating_add(half(lasts).get()));
            self.random.between(half(lasts), most)
        });
        self.active =
            Some((at, lasts.map(|lasts| Millis::new(at.get().saturating_add(lasts.get()).max(at.get() + 1)))));
        self.begun += 1;
    }

    /// Its severity, while it lasts.
    fn severity(&self) -> Option<Severity> {
        self.active.map(|_| self.fault.severity)
    }

    fn observation(&self) -> Observation {
        let Fault { key, about, .. } = &self.fault;
        let (status, summary) = match self.severity() {
            Some(severity) => (Status::Unhealthy(severity), format!("{key} has a simulated fault")),
            None => (Status::Healthy, format!("{key} is healthy")),
        };
        Observation {
            key: key.clone(),
            about: about.clone(),
            status,
            summary,
            evidence: Vec::new(),
            related: Vec::new(),
            distance: None,
        }
    }

    fn end(&mut self, at: Millis) {
        self.active = None;
        self.next = self.after(Some(at));
    }

    /// Begins and ends what is due.
    fn advance(&mut self, now: Millis, quiet_from: Option<Millis>) {
        loop {
            match (self.active, self.next) {
                (Some((_, Some(until))), _) if until <= now => self.end(until),
                (None, Some(next)) if next <= now && quiet_from.is_none_or(|quiet| next < quiet) => self.begin(next),
                _ => return,
            }
        }
    }
}

impl World {
    /// With these faults. The same seed has the same faults, and the same steps help.
    pub fn new(seed: u64, faults: impl IntoIterator<Item = Fault>) -> World {
        let mut firsts: BTreeMap<(InstanceName, String), usize> = BTreeMap::new();
        let running = |(number, fault): (usize, Fault)| {
            let first = *firsts.entry((fault.instance.clone(), fault.key.clone())).or_insert(number);
            Running::new(fault, first, seed)
        };
        let faults = faults.into_iter().enumerate().map(running).collect();
        World { state: Mutex::new(State { faults, acts: Vec::new(), quiet_from: None }), watcher: None }
    }

    /// With somebody who sees each step act.
    #[must_use]
    pub fn watched(self, watcher: Arc<dyn ActWatcher>) -> World {
        World { watcher: Some(watcher), ..self }
    }

    /// Nothing begins by itself from now on, and what lasts ends.
    pub fn calm(&self) {
        let (mut state, now) = (self.lock(), virtual_time::elapsed());
        state.quiet_from = Some(now);
        for running in &mut state.faults {
            running.advance(now, Some(now));
            if running.active.is_some() {
                running.end(now);
            }
        }
    }

    /// What an instance observes now: each key of its faults, healthy while none of that key lasts.
    pub fn observe(&self, instance: &InstanceName) -> Vec<Observation> {
        let (mut state, now) = (self.lock(), virtual_time::elapsed());
        let quiet_from = state.quiet_from;
        // By the first fault of a key: the worst one that lasts.
        let mut worst: BTreeMap<usize, (Option<Severity>, usize)> = BTreeMap::new();
        for (number, running) in state.faults.iter_mut().enumerate() {
            if running.fault.instance != *instance {
                continue;
            }
            running.advance(now, quiet_from);
            let severity = running.severity();
            if worst.get(&running.first).is_none_or(|(other, _)| *other < severity) {
                worst.insert(running.first, (severity, number));
            }
        }
        let found = worst.into_values().filter_map(|(_, number)| state.faults.get(number));
        found.map(Running::observation).collect()
    }

    /// The faults that last now, by instance and key, and since when.
    pub fn lasting(&self) -> Vec<(InstanceName, String, Millis)> {
        let (mut state, now) = (self.lock(), virtual_time::elapsed());
        let quiet_from = state.quiet_from;
        let lasting = state.faults.iter_mut().filter_map(|running| {
            running.advance(now, quiet_from);
            let (since, _) = running.active?;
            Some((running.fault.instance.clone(), running.fault.key.clone(), since))
        });
        lasting.collect()
    }

    /// The fault that a finding is about: of several with its key, the worst that lasts.
    pub fn fault(&self, instance: &InstanceName, key: &str) -> Option<Fault> {
        let state = self.lock();
        let all = state.faults.iter().filter(|one| one.fault.instance == *instance && one.fault.key == key);
        // The last one is the maximum, and `observe` has the first.
        all.rev().max_by_key(|one| one.severity()).map(|one| one.fault.clone())
    }

    /// How often faults have begun, all together.
    pub fn begun(&self) -> u64 {
        self.lock().faults.iter().map(|running| running.begun).sum()
    }

    /// Everything that acted, in order.
    pub fn acts(&self) -> Vec<Act> {
        self.lock().acts.clone()
    }

    /// Whether this step acted.
    pub fn has_acted(&self, step_id: &str) -> bool {
        self.lock().acts.iter().any(|act| act.step_id == step_id)
    }

    /// A step acts on a fault.
    pub(super) fn act(&self, step_id: &str, instance: &InstanceName, key: &str, uses: &[(String, u64)]) -> Act {
        let mut act = Act {
            step_id: step_id.to_owned(),
            instance: instance.clone(),
            key: key.to_owned(),
            elapsed: virtual_time::elapsed(),
            uses: uses.to_vec(),
            has_helped: false,
        };
        // Not with the lock: a watcher may wait.
        if let Some(watcher) = &self.watcher {
            watcher.before(&act);
        }
        act.has_helped = self.apply(&act);
        if let Some(watcher) = &self.watcher {
            watcher.after(&act);
        }
        act
    }

    fn apply(&self, act: &Act) -> bool {
        let (mut state, now) = (self.lock(), act.elapsed);
        let (quiet_from, mut broken, mut has_helped) = (state.quiet_from, None, false);
        for running in &mut state.faults {
            if running.fault.instance == act.instance && running.fault.key == act.key {
                running.advance(now, quiet_from);
                let helps = running.fault.helps;
                if running.active.is_some() && running.random.percent(helps) {
                    has_helped = true;
                    running.end(now);
                }
                broken = running.fault.breaks.clone().filter(|_| quiet_from.is_none());
            }
        }
        if let Some((instance, key)) = broken {
            for running in &mut state.faults {
                if running.fault.instance == instance && running.fault.key == key && running.active.is_none() {
                    running.begin(now);
                }
            }
        }
        state.acts.push(Act { has_helped, ..act.clone() });
        has_helped
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
