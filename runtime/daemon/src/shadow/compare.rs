//! Compares what two versions of a policy say about the same host. They look at slightly different moments, so a difference
//! counts once two comparisons in a row have it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use ansai_core::event::{Finding, PlannedStep};
use ansai_core::text::inert;
use ansai_core::{Decision, Event, Millis, Status};

/// The most characters of a line.
const MOST_LINE: usize = 300;
/// The most plans that wait for one of the other version.
const MOST_PLANS: usize = 1_000;
/// Two plans about one finding are compared if they are at most two intervals and so long apart.
const APART: Duration = Duration::from_secs(60);

/// One of the two versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Pinned,
    New,
}

/// A finding that both decide differently about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Differs {
    pub(super) finding: String,
    pub(super) old: Vec<String>,
    pub(super) new: Vec<String>,
}

/// Both versions of one instance.
#[derive(Debug)]
pub(super) struct Pair {
    apart: Duration,
    pinned: View,
    new: View,
    /// What differed the last time.
    suspected: BTreeSet<String>,
    /// How often findings were compared.
    pub(super) compared: u64,
}

/// What one version said last.
#[derive(Debug, Default)]
struct View {
    /// By key, what is not healthy.
    findings: BTreeMap<String, String>,
    /// Keys by incident.
    incidents: BTreeMap<String, String>,
    /// Open incidents that it planned about.
    planned: BTreeSet<String>,
    /// It answered since the last comparison.
    is_fresh: bool,
    /// By key, what it proposed, and when.
    plans: BTreeMap<String, (Vec<String>, Instant)>,
}

impl Pair {
    /// Both evaluate every `every`.
    pub(super) fn new(every: Millis) -> Pair {
        let apart = Duration::from(every).saturating_mul(2).saturating_add(APART);
        Pair { apart, pinned: View::default(), new: View::default(), suspected: BTreeSet::new(), compared: 0 }
    }

    /// Takes notice of an event of one of them. Answers what differs now.
    pub(super) fn hear(&mut self, side: Side, event: &Event, now: Instant) -> Vec<Differs> {
        let view = match side {
            Side::Pinned => &mut self.pinned,
            Side::New => &mut self.new,
        };
        match event {
            Event::Observed { findings, .. } => {
                view.observed(findings);
                self.compare_findings()
            }
            Event::Incident { incident, key, .. } => {
                view.incidents.insert(incident.clone(), key.clone());
                Vec::new()
            }
            Event::Planned { incident: Some(incident), decision, steps, .. } => {
                let Some(key) = view.first_plan(side, incident) else { return Vec::new() };
                self.planned(side, key, decided(decision, steps), now)
            }
            Event::PlanFailed { incident: Some(incident), kind: Some(kind), .. } => {
                let Some(key) = view.first_plan(side, incident) else { return Vec::new() };
                self.planned(side, key, vec![format!("no plan: {kind}")], now)
            }
            _ => Vec::new(),
        }
    }

    fn compare_findings(&mut self) -> Vec<Differs> {
        if !(self.pinned.is_fresh && self.new.is_fresh) {
            return Vec::new();
        }
        (self.pinned.is_fresh, self.new.is_fresh) = (false, false);
        self.compared = self.compared.saturating_add(1);
        let (old, new) = (&self.pinned.findings, &self.new.findings);
        let keys: BTreeSet<&String> =
            old.keys().chain(new.keys()).filter(|key| old.get(*key) != new.get(*key)).collect();
        let line = |status: Option<&String>| vec![status.map_or("healthy", String::as_str).to_owned()];
        let confirmed = keys.iter().filter(|key| self.suspected.contains(**key)).map(|key| Differs {
            finding: inert(key, MOST_LINE),
            old: line(old.get(*key)),
            new: line(new.get(*key)),
        });
        let confirmed = confirmed.collect();
        self.suspected = keys.into_iter().cloned().collect();
        confirmed
    }

    /// What both propose about the same finding, at about the same time.
    fn planned(&mut self, side: Side, key: String, lines: Vec<String>, now: Instant) -> Vec<Differs> {
        let apart = self.apart;
        let (own, other) = match side {
            Side::Pinned => (&mut self.pinned, &mut self.new),
            Side::New => (&mut self.new, &mut self.pinned),
        };
        for view in [&mut *own, &mut *other] {
            view.plans.retain(|_, (_, at)| now.saturating_duration_since(*at) <= apart);
        }
        let Some((others, _)) = other.plans.remove(&key) else {
            if own.plans.len() < MOST_PLANS {
                own.plans.insert(key, (lines, now));
            }
            return Vec::new();
        };
        if others == lines {
            return Vec::new();
        }
        let finding = inert(&key, MOST_LINE);
        vec![match side {
            Side::Pinned => Differs { finding, old: lines, new: others },
            Side::New => Differs { finding, old: others, new: lines },
        }]
    }
}

impl View {
    fn observed(&mut self, findings: &[Finding]) {
        self.is_fresh = true;
        self.findings.clear();
        self.incidents.clear();
        for finding in findings {
            let key = &finding.observation.key;
            if let Some(incident) = &finding.incident {
                self.incidents.insert(incident.clone(), key.clone());
            }
            let status = match &finding.observation.status {
                Status::Healthy | Status::Gone => continue,
                Status::Unhealthy(severity) => severity.to_string(),
                Status::Unknown(_) => "unknown".to_owned(),
            };
            self.findings.insert(key.clone(), status);
        }
        self.planned.retain(|incident| self.incidents.contains_key(incident));
    }

    /// The key of an incident, if its plan can be compared. The pinned version may act, and its later plans know what was
    /// tried; the new one never acts, so all its plans are like the first.
    fn first_plan(&mut self, side: Side, incident: &str) -> Option<String> {
        let key = self.incidents.get(incident)?.clone();
        let is_first = self.planned.insert(incident.to_owned());
        (is_first || side == Side::New).then_some(key)
    }
}

/// A decision and a line for each step. Sizes and texts differ between two moments, so they are left out.
fn decided(decision: &Decision, steps: &[PlannedStep]) -> Vec<String> {
    let word = match decision {
        Decision::Apply(_) => "apply",
        Decision::ApplyThenReplan(_) => "apply, then plan again",
        Decision::Wait(_) => "wait",
        Decision::Recommend(_) => "recommend",
        Decision::GiveUp(_) => "no action available",
    };
    let step = |step: &PlannedStep| {
        let targets = step.preview.sample.join(", ");
        inert(&format!("{} on {}: {targets}", step.action, step.preview.about), MOST_LINE)
    };
    std::iter::once(word.to_owned()).chain(steps.iter().map(step)).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use ansai_core::plan::Preview;
    use ansai_core::{InstanceName, Mode, Observation, OnFailure, Severity, Subject};

    use super::*;

    const WEB: InstanceName = InstanceName::from_static("web");

    fn observed(statuses: &[(&str, Status)]) -> Event {
        let finding = |(key, status): &(&str, Status)| {
            let observation = Observation {
                key: (*key).to_owned(),
                about: Subject::new("unit", *key),
                status: status.clone(),
                summary: String::new(),
                evidence: Vec::new(),
                related: Vec::new(),
                distance: None,
            };
            let incident = Some(format!("incident of {key}"));
            Finding {
                observation,
                incident,
                change: None,
                healing: false,
                held_under: None,
                not_held: None,
                silenced: false,
            }
        };
        let findings = statuses.iter().map(finding).collect();
        Event::Observed { instance: WEB, mode: Mode::Observe, findings, without_incident: 0 }
    }

    fn planned(key: &str, action: &str) -> Event {
        let step = PlannedStep {
            action: action.to_owned(),
            reason: "because".to_owned(),
            preview: Preview::nothing(Subject::new("unit", key)),
            may_fail: false,
            undo_until: None,
            effectiveness: None,
            names: Vec::new().into(),
        };
        Event::Planned {
            plan: "plan".to_owned(),
            incident: Some(format!("incident of {key}")),
            instance: WEB,
            decision: Decision::Apply(OnFailure::Stop),
            steps: vec![step],
            recommendations: Vec::new(),
            distance: None,
        }
    }

    fn critical() -> Status {
        Status::Unhealthy(Severity::Critical)
    }

    #[test]
    fn a_difference_counts_once_two_comparisons_in_a_row_have_it() {
        let (mut pair, now) = (Pair::new(Millis::new(1_000)), Instant::now());
        let mut both = |old: &[(&str, Status)], new: &[(&str, Status)]| {
            assert_eq!(pair.hear(Side::Pinned, &observed(old), now), []);
            pair.hear(Side::New, &observed(new), now)
        };
        assert_eq!(both(&[("a", critical())], &[("a", Status::Healthy)]), []);
        assert_eq!(both(&[("a", Status::Healthy)], &[]), [], "it was healed in between");
        assert_eq!(both(&[("a", Status::Unknown("x".into()))], &[("a", Status::Unknown("y".into()))]), []);
        assert_eq!(both(&[], &[("a", critical())]), []);
        let differs = both(&[], &[("a", critical())]);
        assert_eq!(differs.len(), 1);
        let one = differs.first().unwrap();
        assert_eq!(
            (one.finding.as_str(), &one.old, &one.new),
            ("a", &vec!["healthy".into()], &vec!["critical".into()])
        );
        assert_eq!(pair.compared, 5);
        for _ in 0..5 {
            assert_eq!(pair.hear(Side::New, &observed(&[("b", critical())]), now), [], "nothing to compare it with");
        }
    }

    #[test]
    fn plans_about_one_finding_are_compared_if_they_are_of_about_the_same_time() {
        let (mut pair, now) = (Pair::new(Millis::new(1_000)), Instant::now());
        let opens = |pair: &mut Pair| {
            for statuses in [&[][..], &[("a", critical())]] {
                for side in [Side::Pinned, Side::New] {
                    pair.hear(side, &observed(statuses), now);
                }
            }
        };
        opens(&mut pair);
        assert_eq!(pair.hear(Side::Pinned, &planned("a", "restart"), now), []);
        assert_eq!(pair.hear(Side::New, &planned("a", "restart"), now), []);
        opens(&mut pair);
        assert_eq!(pair.hear(Side::New, &planned("a", "stop"), now), []);
        let differs = pair.hear(Side::Pinned, &planned("a", "restart"), now);
        let one = differs.first().unwrap();
        assert!(one.old.iter().any(|line| line.starts_with("restart")), "{one:?}");
        assert!(one.new.iter().any(|line| line.starts_with("stop")), "{one:?}");
        opens(&mut pair);
        assert_eq!(pair.hear(Side::New, &planned("a", "stop"), now), []);
        let later = now + Duration::from_secs(300);
        assert_eq!(pair.hear(Side::Pinned, &planned("a", "restart"), later), [], "the other plan is old");
        assert_eq!(pair.hear(Side::New, &planned("unknown", "stop"), later), []);
    }

    /// Would break: a second attempt of a version that acts, compared with the first plan of one that never does.
    #[test]
    fn what_the_pinned_version_plans_after_its_first_plan_is_not_compared() {
        let (mut pair, now) = (Pair::new(Millis::new(1_000)), Instant::now());
        for side in [Side::Pinned, Side::New] {
            pair.hear(side, &observed(&[("a", critical())]), now);
        }
        assert_eq!(pair.hear(Side::Pinned, &planned("a", "restart"), now), []);
        assert_eq!(pair.hear(Side::Pinned, &planned("a", "reinstall"), now), []);
        assert_eq!(pair.hear(Side::New, &planned("a", "restart"), now), [], "both first plans are the same");
        assert_eq!(pair.hear(Side::New, &planned("a", "restart"), now), []);
        pair.hear(Side::Pinned, &observed(&[("a", critical())]), now);
        assert_eq!(pair.hear(Side::Pinned, &planned("a", "reinstall"), now), [], "its incident is still open");
    }
}
