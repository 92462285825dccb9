//! Two policies that undo what the other does: found by what was done, both held, and told to a person once.

mod pattern;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ansai_core::approval::Circumstances;
use ansai_core::control::Resume;
use ansai_core::fight::{Fight, FightEnd};
use ansai_core::incident::Permission;
use ansai_core::order::Person;
use ansai_core::{Access, Event, InstanceName, Millis, Mode, Outcome, StepResult, Subject};
use ansai_kit::action::{Proposed, WORK};
use serde::{Deserialize, Serialize};

pub(crate) use self::pattern::Act;
use self::pattern::opponent;
use crate::approvals::circumstances;
use crate::authority::Authority;
use crate::clock;
use crate::instance::Instance;
use crate::orders::OrderError;
use crate::permits::{HOST, Permit, PermitRequest, PermitSource, uptime};
use crate::recording::Journal;
use crate::state::{State, StateError};

/// Each of both acts so many times, by turns…
const TURNS: u32 = 3;
/// … within this time, in which the host ran.
const WITHIN: Millis = Millis::from_hours(1);
/// Fights that are held at the same time. More than this is no pair of policies, but a storm.
const MOST: usize = 1_000;

/// A fight, and what both were configured like when it was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct HeldFight {
    pub(crate) fight: Fight,
    /// By instance; none if it was unknown.
    configured: BTreeMap<InstanceName, Option<Configured>>,
}

/// What a change of means that a person has looked after the fight.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Configured {
    circumstances: Circumstances,
    mode: Mode,
}

/// The fights of this host.
pub(crate) struct Fights {
    state: Arc<State>,
    journal: Arc<Journal>,
    authority: Arc<dyn Authority>,
    instances: BTreeMap<InstanceName, Instance>,
    held: Mutex<Vec<HeldFight>>,
}

impl Fights {
    /// Those that are held since an earlier run.
    ///
    /// # Errors
    /// The state cannot be read.
    pub(crate) fn open(
        state: Arc<State>,
        journal: Arc<Journal>,
        authority: Arc<dyn Authority>,
        instances: &[Instance],
    ) -> Result<Fights, StateError> {
        let held = Mutex::new(state.fights()?);
        let instances = instances.iter().map(|one| (one.name.clone(), one.clone())).collect();
        Ok(Fights { state, journal, authority, instances, held })
    }

    /// All that are held.
    pub(crate) fn all(&self) -> Vec<Fight> {
        self.lock().iter().map(|held| held.fight.clone()).collect()
    }

    /// A plan has acted. If that makes it a fight, both are held from now on.
    pub(crate) fn acted(&self, instance: &InstanceName, steps: &[Proposed], results: &[StepResult]) {
        for (about, frees) in changed(steps, results) {
            let act = Act { instance: instance.clone(), frees };
            let acts = match self.state.add_act(&about, &act, WITHIN, &uptime::read()) {
                Ok(acts) => acts,
                Err(error) => {
                    tracing::error!(%instance, "what it did to {about} counts for no fight: {error}");
                    continue;
                }
            };
            if let Some(other) = opponent(&acts, TURNS as usize) {
                self.begin(instance, other, about);
            }
        }
    }

    /// Ends the fights of an instance because a person says so, and answers them.
    ///
    /// # Errors
    /// The end cannot be recorded or stored.
    pub(crate) fn resume(&self, what: &Resume, by: &Person) -> Result<Vec<Fight>, OrderError> {
        let Resume::Named { name } = what else { return Ok(Vec::new()) };
        let mut held = self.lock();
        let is_named =
            |one: &HeldFight| [&one.fight.instances.0, &one.fight.instances.1].iter().any(|it| it.as_str() == name);
        let ended: Vec<Fight> = held.iter().filter(|one| is_named(one)).map(|one| one.fight.clone()).collect();
        for fight in &ended {
            self.end(&mut held, fight, FightEnd::Resumed(by.clone()))?;
        }
        Ok(ended)
    }

    /// The source of permits for a plan with these steps.
    pub(crate) fn of<'a>(&'a self, steps: &'a [Proposed]) -> impl PermitSource + 'a {
        FightPermit { fights: self, steps }
    }

    fn begin(&self, one: &InstanceName, other: InstanceName, about: Subject) {
        let mut instances = [one.clone(), other];
        instances.sort_unstable();
        let [first, second] = instances;
        let mut held = self.lock();
        let is_same = |it: &HeldFight| it.fight.about == about && it.fight.is_of(&first) && it.fight.is_of(&second);
        if held.iter().any(is_same) || held.len() >= MOST {
            return;
        }
        let since = clock::now();
        let configured = [&first, &second].map(|name| (name.clone(), self.configured(name))).into();
        let fight = Fight { instances: (first, second), about, turns: TURNS, within: WITHIN, since };
        let one = HeldFight { fight: fight.clone(), configured };
        // In force at once, also if it cannot be stored.
        if let Err(error) = self.state.put_fight(&one) {
            tracing::error!("a fight is held until the next restart only: {error}");
        }
        held.push(one);
        tracing::warn!(
            "{} and {} undo what the other does to {}: plans of both are held",
            fight.instances.0,
            fight.instances.1,
            fight.about
        );
        self.journal.note(since, Event::Fight(fight));
    }

    /// Recorded first, so that no step begins without a record of why.
    fn end(&self, held: &mut Vec<HeldFight>, fight: &Fight, why: FightEnd) -> Result<(), OrderError> {
        self.journal.durable(clock::now(), Event::FightEnded { fight: fight.clone(), why })?;
        self.state.remove_fight(fight)?;
        held.retain(|one| one.fight != *fight);
        Ok(())
    }

    /// How an instance is configured now; `None` if that is unknown.
    fn configured(&self, name: &InstanceName) -> Option<Configured> {
        let (instance, grants) = (self.instances.get(name)?, self.authority.effective_grants(name).ok()?);
        Some(Configured { circumstances: circumstances(instance, &grants), mode: grants.mode })
    }

    /// The instance of a fight whose configuration is another one now.
    fn changed(&self, held: &HeldFight) -> Option<InstanceName> {
        let is_other = |(name, before): &(&InstanceName, &Option<Configured>)| match self.configured(name) {
            Some(now) => before.as_ref() != Some(&now),
            // Unknown grants are no change; an instance that is gone is one.
            None => !self.instances.contains_key(*name),
        };
        held.configured.iter().find(is_other).map(|(name, _)| name.clone())
    }

    /// The fight that holds a plan of an instance that changes these things.
    fn holding(&self, instance: &InstanceName, things: &[&Subject]) -> Option<Fight> {
        let mut held = self.lock();
        let holds = |one: &&HeldFight| one.fight.is_of(instance) && things.contains(&&one.fight.about);
        let found: Vec<HeldFight> = held.iter().filter(holds).cloned().collect();
        for one in found {
            let Some(name) = self.changed(&one) else { return Some(one.fight) };
            if let Err(error) = self.end(&mut held, &one.fight, FightEnd::Configuration(name)) {
                tracing::error!("a fight stays held, its end cannot be recorded: {error}");
                return Some(one.fight);
            }
        }
        None
    }

    fn lock(&self) -> MutexGuard<'_, Vec<HeldFight>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct FightPermit<'a> {
    fights: &'a Fights,
    steps: &'a [Proposed],
}

impl PermitSource for FightPermit<'_> {
    fn ask(&self, request: &PermitRequest<'_>) -> Permit {
        let touches: Vec<_> = self.steps.iter().map(Proposed::touches).collect();
        let things = touches.iter().flat_map(|touches| touches.iter());
        let things: Vec<&Subject> =
            things.filter(|one| one.access == Access::Exclusive).map(|one| &one.subject).collect();
        match self.fights.holding(&request.incident.instance, &things) {
            Some(fight) => Permit::Hold(Permission::Fight(Box::new(fight))),
            None => Permit::Go,
        }
    }
}

/// The things that a plan changed, and whether all it did to them was to free space.
fn changed(steps: &[Proposed], results: &[StepResult]) -> BTreeMap<Subject, bool> {
    let mut changed = BTreeMap::new();
    for (step, result) in steps.iter().zip(results) {
        let may_have_acted = matches!(
            result.outcome,
            Outcome::Done | Outcome::Provisional | Outcome::Reverted | Outcome::Running | Outcome::Unknown
        );
        if !may_have_acted {
            continue;
        }
        let frees = step.preview.frees_now_bytes > 0 || step.preview.frees_later_bytes > 0;
        for touch in step.touches().iter() {
            let is_thing = touch.access == Access::Exclusive && ![HOST, WORK].contains(&touch.subject.kind.as_str());
            if is_thing {
                *changed.entry(touch.subject.clone()).or_insert(true) &= frees;
            }
        }
    }
    changed
}
