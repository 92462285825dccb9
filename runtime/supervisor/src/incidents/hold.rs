//! Holds incidents whose findings name the subject of another open incident as their cause. Such an incident gets no plan,
//! and is told with the other one. A policy holds only its own findings: those whose cause it names itself.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::{MutexGuard, PoisonError};

use ansai_core::hold::{HeldUnder, Hold, MOST_ABOVE, NotHeld};
use ansai_core::incident::Change;
use ansai_core::{Event, Incident, InstanceName, Subject, Timestamp};

use super::{Incidents, Update};
use crate::state::{State, StateError};

#[cfg(test)]
mod tests;

/// Only so many incidents about one thing are considered.
const MOST_ABOUT_ONE: usize = 16;

impl Incidents {
    /// Puts the incidents of an update under those of their causes, or frees them. Until the returned value is dropped,
    /// nobody else does, so that the update can be stored.
    pub(crate) fn hold(
        &self,
        instance: &InstanceName,
        update: &mut Update,
        now: Timestamp,
    ) -> Option<MutexGuard<'_, ()>> {
        let may_change = |incident: &Incident| !incident.hold.is_unused() || !incident.finding.causes().is_empty();
        if !update.incidents.iter().any(|(incident, _)| may_change(incident)) {
            return None;
        }
        let holding = self.holding.lock().unwrap_or_else(PoisonError::into_inner);
        let is_there = |name: &str| self.instances.iter().any(|one| one.as_str() == name);
        if let Err(error) = hold(&self.state, &is_there, instance, update, now) {
            tracing::error!(%instance, "what is held under its cause stays held, the next pass tries again: {error}");
        }
        Some(holding)
    }
}

/// See [`Incidents::hold`]. `is_there` tells whether this run has an instance of that name.
fn hold(
    state: &State,
    is_there: &dyn Fn(&str) -> bool,
    instance: &InstanceName,
    update: &mut Update,
    now: Timestamp,
) -> Result<(), StateError> {
    let places = Places::of(&update.incidents);
    for index in 0..update.incidents.len() {
        let Some((incident, change)) = update.incidents.get(index) else { break };
        if change.is_closing() || incident.course.is_pending() {
            continue;
        }
        let before = incident.hold.clone();
        let search = Search { state, is_there, instance, update: &update.incidents, places: &places };
        let after = search.decide(incident, now)?;
        let Some((incident, _)) = update.incidents.get_mut(index) else { break };
        incident.hold = after.clone();
        if before.under.is_some() && after.under.is_none() {
            update.freed.insert(incident.id.clone());
        }
        update.holds.extend(told(incident, &before));
        if let Some(finding) = update.findings.iter_mut().find(|one| one.incident.as_ref() == Some(&incident.id)) {
            (finding.held_under, finding.not_held) = (after.under, after.refused);
        }
    }
    Ok(())
}

/// What there is to tell of an incident that was held like this before.
fn told(incident: &Incident, before: &Hold) -> Option<Event> {
    let (id, instance, key) = (incident.id.clone(), incident.instance.clone(), incident.finding.key.clone());
    let (severity, summary) = (incident.finding.severity(), incident.finding.summary.clone());
    let Hold { under, refused, .. } = incident.hold.clone();
    let was_under = before.under.as_ref().map(|under| under.incident.clone());
    match under {
        Some(under) if was_under.as_ref() == Some(&under.incident) => None,
        Some(under) => Some(Event::Held { incident: id, instance, key, under, severity, summary }),
        None if was_under.is_none() && (refused.is_none() || refused == before.refused) => None,
        None => Some(Event::NotHeld { incident: id, instance, key, was_under, why: refused, severity, summary }),
    }
}

/// Where an update has which incident: a policy chooses how many there are, and how many causes each names.
struct Places {
    by_key: HashMap<String, usize>,
    by_subject: HashMap<Subject, Vec<usize>>,
}

impl Places {
    fn of(update: &[(Incident, Change)]) -> Places {
        let mut by_subject: HashMap<Subject, Vec<usize>> = HashMap::new();
        for (index, (incident, _)) in update.iter().enumerate() {
            by_subject.entry(incident.finding.about.clone()).or_default().push(index);
        }
        let keys = update.iter().enumerate();
        Places { by_key: keys.map(|(index, (one, _))| (one.finding.key.clone(), index)).collect(), by_subject }
    }
}

/// Where the incident of a cause is looked for: in the update, which is not stored yet, and in the state.
struct Search<'a> {
    state: &'a State,
    is_there: &'a dyn Fn(&str) -> bool,
    instance: &'a InstanceName,
    update: &'a [(Incident, Change)],
    places: &'a Places,
}

impl Search<'_> {
    /// Whether an incident is held from now on.
    fn decide(&self, incident: &Incident, now: Timestamp) -> Result<Hold, StateError> {
        let since = incident.hold.since;
        let mut refused = None;
        for cause in incident.finding.causes() {
            if *cause == incident.finding.about {
                refused.get_or_insert(NotHeld::CauseItself);
                continue;
            }
            for parent in self.about(cause, incident)? {
                let why = match self.is_above(incident, &parent)? {
                    Some(why) => why,
                    None if incident.hold.is_over(now) => NotHeld::CauseLasts,
                    None => {
                        let under = HeldUnder {
                            incident: parent.id,
                            instance: parent.instance,
                            key: parent.finding.key,
                            cause: cause.clone(),
                        };
                        return Ok(Hold { under: Some(under), refused: None, since: since.or(Some(now)) });
                    }
                };
                refused.get_or_insert(why);
            }
        }
        Ok(Hold { under: None, refused, since })
    }

    /// The open incidents about a thing apart from this one: first the one that it is held under, then the oldest.
    fn about(&self, cause: &Subject, incident: &Incident) -> Result<Vec<Incident>, StateError> {
        let mut found = self.state.incidents_about(cause, MOST_ABOUT_ONE, self.is_there)?;
        // What the state has of these is of before.
        found.retain(|one| one.instance != *self.instance || self.updated(&one.finding.key).is_none());
        let updated =
            self.places.by_subject.get(cause).into_iter().flatten().filter_map(|place| self.update.get(*place));
        let open = updated.filter(|(_, change)| !change.is_closing());
        found.extend(open.map(|(one, _)| one.clone()).take(MOST_ABOUT_ONE));
        found.retain(|one| one.id != incident.id);
        let held_under = incident.hold.under.as_ref().map(|under| &under.incident);
        found.sort_by_key(|one| (Reverse(held_under == Some(&one.id)), one.opened, one.id.clone()));
        Ok(found)
    }

    /// Why an incident cannot be held under another one; `None` if it can.
    fn is_above(&self, incident: &Incident, parent: &Incident) -> Result<Option<NotHeld>, StateError> {
        let mut above = parent.clone();
        for _ in 0..MOST_ABOVE {
            if above.id == incident.id {
                return Ok(Some(NotHeld::CauseCircle));
            }
            let Some(next) = self.parent(&above)? else { return Ok(None) };
            above = next;
        }
        Ok(Some(NotHeld::CauseDepth))
    }

    /// The incident that another one is held under, if it is still open.
    fn parent(&self, incident: &Incident) -> Result<Option<Incident>, StateError> {
        let Some(under) = &incident.hold.under else { return Ok(None) };
        let updated = self.updated(&under.key).filter(|_| under.instance == *self.instance);
        let found = match updated {
            Some((_, change)) if change.is_closing() => None,
            Some((incident, _)) => Some(incident.clone()),
            None => self.state.incident(&under.instance, &under.key)?,
        };
        Ok(found.filter(|one| one.id == under.incident))
    }

    fn updated(&self, key: &str) -> Option<&(Incident, Change)> {
        self.update.get(*self.places.by_key.get(key)?)
    }
}
