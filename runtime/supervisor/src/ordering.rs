//! What people may order while the supervisor runs.

use ansai_core::control::{NewPause, NewSilence, Resume};
use ansai_core::order::{Orders, Pause, Person, Silence};
use ansai_core::storm::Storm;
use tokio::time::Instant;

use crate::clock;
use crate::orders::OrderError;
use crate::supervisor::Supervisor;

impl Supervisor {
    /// The pauses and silences that are in force, and what ansai itself stopped until a person looks at it.
    pub fn orders(&self) -> Orders {
        let (storm, fights) = (self.0.storm.storm(), self.0.fights.all());
        let quarantines = self.0.passes.faults.quarantines();
        Orders { storm, fights, quarantines, ..self.0.orders.in_force() }
    }

    /// No new step begins for an instance, or for all. Steps that run finish, and everything is evaluated as before.
    ///
    /// # Errors
    /// See [`OrderError`].
    pub fn pause(&self, new: &NewPause, by: &Person) -> Result<Pause, OrderError> {
        self.0.orders.pause(new, by)
    }

    /// Incidents with a key are neither told nor healed. Answers how many are open now.
    ///
    /// # Errors
    /// See [`OrderError`].
    pub fn silence(&self, new: &NewSilence, by: &Person) -> Result<(Silence, usize), OrderError> {
        let silence = self.0.orders.silence(new, by)?;
        let open = self.0.state.all_incidents()?;
        let is_silenced =
            |incident: &&ansai_core::Incident| silence.silences(&incident.instance, &incident.finding.key);
        let incidents = open.iter().filter(is_silenced).count();
        Ok((silence, incidents))
    }

    /// Ends pauses and silences, the storm, or the quarantine and the fights of an instance, and evaluates what they held
    /// soon.
    ///
    /// # Errors
    /// See [`OrderError`].
    pub fn resume(&self, what: &Resume, by: &Person) -> Result<Orders, OrderError> {
        let released = match what {
            Resume::All => None,
            Resume::Named { name } => self.0.passes.faults.release(name, by, clock::now())?,
        };
        if let Some(released) = &released {
            // Now, because what follows may fail, and its schedule may be hours away.
            self.0.passes.lanes.of(&released.instance).follow_up.ask(Instant::now());
        }
        let fights = self.0.fights.resume(what, by)?;
        let storm = match what {
            Resume::Named { name } if name == Storm::NAME => self.0.storm.resume(by)?,
            _ => None,
        };
        let is_any = released.is_some() || storm.is_some() || !fights.is_empty();
        let ordered = match self.0.orders.resume(what, by) {
            Err(OrderError::NothingToResume(_)) if is_any => Orders::default(),
            ordered => ordered?,
        };
        let ended = Orders { storm, fights, quarantines: released.into_iter().collect(), ..ordered };
        self.look_again(&ended);
        Ok(ended)
    }

    /// Forgets the faults and the quarantine of an instance that begins again from nothing. If that is not stored, they still
    /// count, and the log says so.
    pub fn forget_faults(&self, instance: &ansai_core::InstanceName) {
        self.0.passes.faults.forget(instance, clock::now());
    }

    /// Has the instances evaluated whose pause or silence ended.
    pub(crate) fn look_again(&self, ended: &Orders) {
        let named = |name: &ansai_core::InstanceName| {
            ended
                .pauses
                .iter()
                .map(|one| &one.instance)
                .chain(ended.silences.iter().map(|one| &one.instance))
                .any(|instance| instance.as_ref().is_none_or(|instance| instance == name))
                || ended.quarantines.iter().any(|one| one.instance == *name)
                || ended.storm.is_some()
                || ended.fights.iter().any(|fight| fight.is_of(name))
        };
        for instance in self.0.instances.iter().filter(|instance| named(&instance.name)) {
            self.0.passes.lanes.of(&instance.name).follow_up.ask(Instant::now());
        }
    }

    /// Records the end of a run that did nothing but what a person ordered.
    pub fn ordered(&self) {
        self.ended("the order was stored");
        self.keep_head();
    }
}
