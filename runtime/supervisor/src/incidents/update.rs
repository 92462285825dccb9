//! Updates the open incidents of an instance from the answer of one evaluation.

use std::collections::BTreeSet;

use ansai_core::event::Finding;
use ansai_core::incident::Change;
use ansai_core::{Event, Incident, InstanceName, Observation, RetryPolicy, Status, Timestamp};

use super::quota::{self, Places};

/// Findings and incidents after an evaluation.
pub(crate) struct Update {
    /// Every observation, and an unknown one for every open incident that the answer does not mention.
    pub(crate) findings: Vec<Finding>,
    /// Every incident that was or is open and that nobody heals now, with its change.
    pub(crate) incidents: Vec<(Incident, Change)>,
    /// Findings without an incident because too many are open.
    pub(crate) without_incident: u32,
    /// Incidents that are held or free from now on.
    pub(crate) holds: Vec<Event>,
    /// The ids of those that were held until now, and are open.
    pub(crate) freed: BTreeSet<String>,
}

impl Update {
    fn add(&mut self, observation: Observation, incident: Option<(Incident, Change)>) {
        let change = incident.as_ref().map(|(_, change)| *change);
        let id = |(incident, change): &(Incident, Change)| (!change.is_closing()).then(|| incident.id.clone());
        let incident_id = incident.as_ref().and_then(id);
        self.findings.push(Finding { incident: incident_id, change, ..finding(observation) });
        self.incidents.extend(incident);
    }

    /// What was first seen now, at `at`, began after the evaluation before this one. Within its minimum time it is opened later.
    pub(crate) fn opened_after(&mut self, before: Option<Timestamp>, at: Timestamp) {
        let is_new = |(incident, change): &&mut (Incident, Change)| incident.opened == at && !change.is_closing();
        self.incidents.iter_mut().filter(is_new).for_each(|(incident, _)| incident.healthy_before = before);
    }

    /// An incident with its change, unless a more severe one takes its place.
    fn displace(&mut self, incident: Incident, change: Change, places: &Places) -> (Incident, Change) {
        if change.is_closing() || !places.displaced.contains(&incident.id) {
            return (incident, change);
        }
        self.without_incident += 1;
        (incident, Change::Displaced)
    }

    /// Of an incident that a task heals: the task verifies it and changes it, so that neither undoes what the other wrote,
    /// and nothing that was observed before a repair counts after it.
    fn add_healing(&mut self, observation: Observation, incident: &Incident) {
        self.findings.push(Finding { incident: Some(incident.id.clone()), healing: true, ..finding(observation) });
    }
}

/// Without an incident.
fn finding(observation: Observation) -> Finding {
    Finding {
        observation,
        incident: None,
        change: None,
        healing: false,
        held_under: None,
        not_held: None,
        silenced: false,
    }
}

/// What the operator says about the incidents of an instance.
#[derive(Clone, Copy)]
pub(crate) struct Rules<'a> {
    /// Maximum number of open ones.
    pub(crate) most: u32,
    /// Their times.
    pub(crate) retry: &'a RetryPolicy,
}

/// Compares the observations with the open incidents, apart from those that are `healing`. `why_missing` becomes the reason
/// of incidents that the answer does not mention.
pub(crate) fn update(
    instance: &InstanceName,
    open: &[Incident],
    healing: &BTreeSet<String>,
    observations: Vec<Observation>,
    rules: Rules<'_>,
    why_missing: &str,
    now: Timestamp,
) -> Update {
    let mut update = Update {
        findings: Vec::new(),
        incidents: Vec::new(),
        without_incident: 0,
        holds: Vec::new(),
        freed: BTreeSet::new(),
    };
    let places = quota::places(open, healing, &observations, rules.most);
    let mentioned = |incident: &Incident| observations.iter().any(|one| one.key == incident.finding.key);
    let missing: Vec<&Incident> = open.iter().filter(|incident| !mentioned(incident)).collect();
    for observation in observations {
        let known = open.iter().find(|incident| incident.finding.key == observation.key);
        let incident = match known {
            Some(incident) if healing.contains(&incident.id) => {
                update.add_healing(observation, incident);
                continue;
            }
            Some(incident) => {
                let mut incident = incident.clone();
                let change = incident.follow(Some(&observation), why_missing, rules.retry, now);
                Some(update.displace(incident, change, &places))
            }
            None => match Incident::open(instance, &observation, now) {
                Some(mut incident) if places.opened.contains(&observation.key) => {
                    let change = incident.starts(rules.retry, now);
                    Some((incident, change))
                }
                Some(_) => {
                    update.without_incident += 1;
                    None
                }
                None => None,
            },
        };
        update.add(observation, incident);
    }
    for incident in missing {
        let unknown = Observation { status: Status::Unknown(why_missing.to_owned()), ..incident.finding.clone() };
        if healing.contains(&incident.id) {
            update.add_healing(unknown, incident);
            continue;
        }
        let mut incident = incident.clone();
        let change = incident.follow(None, why_missing, rules.retry, now);
        let changed = update.displace(incident, change, &places);
        update.add(unknown, Some(changed));
    }
    update
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use ansai_core::{Severity, Subject};

    use super::*;

    static I: InstanceName = InstanceName::from_static("i");

    fn at(milliseconds: u64) -> Timestamp {
        Timestamp::from_millis(milliseconds)
    }

    fn observation(key: &str, status: Status) -> Observation {
        Observation {
            key: key.into(),
            about: Subject::new("test", key),
            status,
            summary: String::new(),
            evidence: vec![],
            related: vec![],
            distance: None,
        }
    }

    fn sick(key: &str) -> Observation {
        observation(key, Status::Unhealthy(Severity::Warning))
    }

    /// So many incidents, without times.
    fn most(most: u32) -> Rules<'static> {
        static RETRY: std::sync::LazyLock<RetryPolicy> = std::sync::LazyLock::new(RetryPolicy::default);
        Rules { most, retry: &RETRY }
    }

    /// Nothing is being healed.
    fn nothing() -> BTreeSet<String> {
        BTreeSet::new()
    }

    #[test]
    fn each_key_has_its_incident() {
        let open: Vec<Incident> =
            ["a", "b", "c"].iter().filter_map(|key| Incident::open(&I, &sick(key), at(1))).collect();
        let observations =
            vec![sick("a"), observation("b", Status::Healthy), sick("d"), observation("e", Status::Healthy)];
        let update = update(&I, &open, &nothing(), observations, most(100), "not mentioned", at(2));
        let incidents: Vec<_> =
            update.incidents.iter().map(|(incident, change)| (incident.finding.key.as_str(), *change)).collect();
        let expected =
            [("a", Change::Unchanged), ("b", Change::Closed), ("d", Change::Opened), ("c", Change::BecameUnknown)];
        assert_eq!(incidents, expected);
        let findings: Vec<_> = update
            .findings
            .iter()
            .map(|finding| (finding.observation.key.as_str(), finding.incident.is_some(), finding.change))
            .collect();
        let changed = |index: usize| Some(expected[index].1);
        let expected = [
            ("a", true, changed(0)),
            ("b", false, changed(1)),
            ("d", true, changed(2)),
            ("e", false, None),
            ("c", true, changed(3)),
        ];
        assert_eq!(findings, expected);
        assert_eq!(update.findings[4].observation.status, Status::Unknown("not mentioned".into()));
    }

    #[test]
    fn without_an_answer_every_incident_is_unknown() {
        let open: Vec<Incident> = Incident::open(&I, &sick("a"), at(1)).into_iter().collect();
        let update = update(&I, &open, &nothing(), vec![], most(100), "trapped", at(2));
        assert_eq!(update.incidents[0].0.unknown.as_deref(), Some("trapped"));
    }

    /// Would break: a time to detect of zero, because the evaluation before is the one that saw it first.
    #[test]
    fn what_is_opened_after_its_minimum_time_began_before_it_was_first_seen() {
        let retry = RetryPolicy { hold_for: ansai_core::Millis::new(10), ..RetryPolicy::default() };
        let rules = Rules { most: 9, retry: &retry };
        let mut first = update(&I, &[], &nothing(), vec![sick("a")], rules, "", at(100));
        first.opened_after(Some(at(40)), at(100));
        let (incident, change) = first.incidents.remove(0);
        assert_eq!((incident.healthy_before, change), (Some(at(40)), Change::Unchanged));
        let mut second = update(&I, &[incident], &nothing(), vec![sick("a")], rules, "", at(120));
        second.opened_after(Some(at(100)), at(120));
        let (incident, change) = &second.incidents[0];
        assert_eq!((incident.healthy_before, *change), (Some(at(40)), Change::Opened));
    }

    #[test]
    fn what_is_too_much_has_no_incident_and_is_counted() {
        let update = update(&I, &[], &nothing(), vec![sick("a"), sick("b"), sick("c")], most(2), "", at(1));
        assert_eq!((update.incidents.len(), update.findings.len(), update.without_incident), (2, 3, 1));
    }

    /// Would break: an emergency that nobody hears of because notices came first, in this answer or an earlier one.
    #[test]
    fn the_more_severe_takes_the_place_of_the_less_severe() {
        let at_severity = |key: &str, severity| observation(key, Status::Unhealthy(severity));
        let notice = |key| at_severity(key, Severity::Notice);
        let open: Vec<Incident> = ["a", "b"].iter().filter_map(|key| Incident::open(&I, &notice(key), at(1))).collect();
        let observations =
            vec![notice("a"), notice("b"), notice("c"), at_severity("d", Severity::Emergency), sick("e")];
        let one = update(&I, &open, &nothing(), observations.clone(), most(2), "", at(2));
        let changes = |update: &Update| -> Vec<(String, Change)> {
            update.incidents.iter().map(|(incident, change)| (incident.finding.key.clone(), *change)).collect()
        };
        let expected =
            [("a", Change::Displaced), ("b", Change::Displaced), ("d", Change::Opened), ("e", Change::Opened)];
        assert_eq!(changes(&one), expected.map(|(key, change)| (key.to_owned(), change)));
        assert_eq!((one.findings.len(), one.without_incident), (5, 3), "every finding is told");
        assert_eq!(one.findings[0].incident, None);
        // What is being healed, or was treated before, keeps its place: its attempts count.
        let healing = BTreeSet::from([open[0].id.clone()]);
        let mut treated = open.clone();
        treated[1].begin(at(1));
        let one = update(&I, &treated, &healing, observations, most(2), "", at(2));
        assert_eq!(changes(&one), [("b".to_owned(), Change::Unchanged)]);
        assert_eq!(one.without_incident, 3);
    }

    #[test]
    fn an_incident_that_is_healed_is_told_and_left_alone() {
        let open: Vec<Incident> =
            ["a", "b", "c", "d"].iter().filter_map(|key| Incident::open(&I, &sick(key), at(1))).collect();
        let healing: BTreeSet<String> = open.iter().take(3).map(|incident| incident.id.clone()).collect();
        let worse = observation("a", Status::Unhealthy(Severity::Emergency));
        let observations = vec![worse, observation("b", Status::Healthy), sick("d")];
        let update = update(&I, &open, &healing, observations, most(100), "not mentioned", at(2));
        let keys: Vec<_> = update.incidents.iter().map(|(incident, _)| incident.finding.key.as_str()).collect();
        assert_eq!(keys, ["d"], "no other one is stored or planned");
        let told: Vec<_> = update
            .findings
            .iter()
            .map(|finding| {
                (finding.observation.key.as_str(), finding.healing, finding.incident.is_some(), finding.change)
            })
            .collect();
        let healing = |key| (key, true, true, None);
        assert_eq!(told, [healing("a"), healing("b"), ("d", false, true, Some(Change::Unchanged)), healing("c")]);
        assert_eq!(update.findings[1].observation.status, Status::Healthy, "as it was observed");
    }
}
