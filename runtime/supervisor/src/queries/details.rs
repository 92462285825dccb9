//! One incident from its observation to its end.

use ansai_core::approval::Approval;
use ansai_core::control::{AttemptStep, ClosedIncident, IncidentDetails, MOST_LISTED, Moment, MomentKind};
use ansai_core::order::Orders;
use ansai_core::text::{inert, prose};
use ansai_core::{Attempt, Incident, InstanceName, Timestamp};

use super::{QueryError, Source};
use crate::repeats::Thing;
use crate::state::{Row, WantedClosed};
use crate::status::MOST_TEXT;

/// Ids that are compared with an unknown one.
const MOST_COMPARED: usize = 2_000;
/// Characters of an id that are shown.
const MOST_ID: usize = 300;

impl Source<'_> {
    pub(super) fn details(&self, id: &str) -> Result<IncidentDetails, QueryError> {
        let found = self.open(id)?;
        let moment = |at, what| Moment { at, what };
        let details = match found {
            Some(incident) => {
                let mut timeline = self.timeline(&incident, Timestamp::MAX)?;
                timeline.push(match &incident.unknown {
                    Some(why) => moment(self.outlook.now, MomentKind::Unknown { why: prose(why, MOST_TEXT) }),
                    None => moment(incident.confirmed, MomentKind::Confirmed),
                });
                IncidentDetails {
                    severity: incident.finding.severity(),
                    evidence: incident.finding.evidence.clone(),
                    next: Some(self.outlook.next(&incident)),
                    ..self.of(&incident, timeline)
                }
            }
            None => {
                let closed = self.closed(id)?.ok_or_else(|| self.unknown(id))?;
                let incident = as_incident(&closed);
                let mut timeline = self.timeline(&incident, closed.closed)?;
                timeline.push(moment(closed.closed, MomentKind::Closed { end: closed.end }));
                IncidentDetails { severity: Some(closed.worst), ..self.of(&incident, timeline) }
            }
        };
        Ok(details)
    }

    /// The open incident with this id, or of this instance and key: `disk-space//var`.
    fn open(&self, id: &str) -> Result<Option<Incident>, QueryError> {
        for (instance, key) in places(id) {
            if let Some(found) = self.state.incident(&instance, key)?
                && (found.id == id || format!("{instance}/{key}") == id)
            {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// The closed incident with this id, or the latest one of this instance and key.
    fn closed(&self, id: &str) -> Result<Option<ClosedIncident>, QueryError> {
        if let Some(found) = self.state.closed_incident(id)? {
            return Ok(Some(found));
        }
        for (instance, key) in places(id).filter(|(instance, key)| format!("{instance}/{key}") == id) {
            let (instance, key, since) = (Some(instance.as_str()), Some(key), Timestamp::EPOCH);
            let (found, _) = self.state.closed_incidents(WantedClosed { instance, key, since }, 1)?;
            if let Some(found) = found.into_iter().next() {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    fn unknown(&self, id: &str) -> QueryError {
        let near = self.near(id).ok().flatten().map(|near| inert(&near, MOST_ID));
        QueryError::UnknownIncident { id: inert(id, MOST_ID), near }
    }

    /// A known id that is similar to an unknown one.
    fn near(&self, id: &str) -> Result<Option<String>, QueryError> {
        let found =
            self.state.overview(&Orders::default(), self.outlook.now, false, MOST_COMPARED, |_: Row<'_>| true)?;
        let wanted = WantedClosed::default();
        let (closed, _) = self.state.closed_incidents(wanted, usize::try_from(MOST_LISTED).unwrap_or(usize::MAX))?;
        let open = found.first.into_iter().map(|incident| incident.id);
        let all: Vec<String> = open.chain(closed.into_iter().map(|closed| closed.incident)).collect();
        Ok(ansai_config::nearest_word(id, all.iter().map(String::as_str)).map(str::to_owned))
    }

    /// What happened to an incident until then, oldest first.
    fn timeline(&self, incident: &Incident, until: Timestamp) -> Result<Vec<Moment>, QueryError> {
        let within = incident.healthy_before.map(|before| incident.opened - before);
        let mut all = vec![Moment { at: incident.opened, what: MomentKind::Opened { within } }];
        if let Some(said) = self.state.repeat(&incident.instance, &Thing::Incident(&incident.id).to_string())? {
            all.push(Moment { at: said.since, what: MomentKind::Told { plan: said.plan, times: said.times } });
        }
        let asked = |one: Approval| {
            let Approval { plan, state, until, decided, asked, .. } = one;
            Moment { at: asked, what: MomentKind::Asked { plan, state, until, decided } }
        };
        all.extend(self.state.approvals_of(&incident.id)?.into_iter().map(asked));
        let (instance, finding) = (&incident.instance, &incident.finding);
        let attempts = self.state.attempts_with_plans(instance, &finding.about, incident.opened, until)?;
        all.extend(attempts.into_iter().filter(|(_, one)| one.key == finding.key).map(attempted));
        all.sort_by_key(|moment| moment.at);
        Ok(all)
    }

    fn of(&self, incident: &Incident, timeline: Vec<Moment>) -> IncidentDetails {
        IncidentDetails {
            at: self.outlook.now,
            is_running: self.outlook.is_running(),
            incident: incident.id.clone(),
            instance: incident.instance.clone(),
            key: incident.finding.key.clone(),
            about: incident.finding.about.clone(),
            severity: None,
            summary: prose(&incident.finding.summary, MOST_TEXT),
            evidence: Vec::new(),
            timeline,
            next: None,
        }
    }
}

/// The instance and key that an id may name. A key may have slashes, and end with a number.
fn places(id: &str) -> impl Iterator<Item = (InstanceName, &str)> {
    let named = id.split_once('/').and_then(|(instance, rest)| Some((instance.parse::<InstanceName>().ok()?, rest)));
    named.into_iter().flat_map(|(instance, rest)| {
        let without_time = rest.rsplit_once('/').map(|(key, _)| (instance.clone(), key));
        without_time.into_iter().chain([(instance, rest)])
    })
}

fn attempted((plan, attempt): (String, Attempt)) -> Moment {
    let Attempt { number, at, ended, verified, steps, .. } = attempt;
    let step = |one: ansai_core::StepResult| {
        let ansai_core::StepResult { step, action, about, outcome, detail, measures, .. } = one;
        AttemptStep { step, action, about, outcome, detail: prose(&detail, MOST_TEXT), measures }
    };
    let steps = steps.into_iter().map(step).collect();
    Moment { at, what: MomentKind::Attempt { plan, number, ended, verified, steps } }
}

/// With what is still known of it.
fn as_incident(closed: &ClosedIncident) -> Incident {
    Incident {
        id: closed.incident.clone(),
        instance: closed.instance.clone(),
        finding: ansai_core::Observation {
            key: closed.key.clone(),
            about: closed.about.clone(),
            status: ansai_core::Status::Unhealthy(closed.worst),
            summary: closed.summary.clone(),
            evidence: Vec::new(),
            related: Vec::new(),
            distance: None,
        },
        worst: closed.worst,
        opened: closed.opened,
        healthy_before: closed.healthy_before,
        confirmed: closed.closed,
        unknown: None,
        attempts: Vec::new(),
        begun: closed.attempts,
        last_begun: None,
        hold: Default::default(),
        course: Default::default(),
    }
}
