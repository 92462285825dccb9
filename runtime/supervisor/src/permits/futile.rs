//! A plan whose steps freed nothing the last time is not applied again soon: what it removes is lost for nothing.

use ansai_core::incident::Permission;
use ansai_core::{Attempt, Incident, Millis, Outcome, StepResult, Timestamp, Value};
use ansai_kit::action::Proposed;

use super::{Permit, PermitRequest, PermitSource};

/// After this time it may be tried again: a snapshot may be gone by then.
const WAIT: Millis = Millis::from_hours(24);

/// Holds a plan whose steps freed nothing the last time.
pub(crate) struct Futile<'a>(pub(crate) &'a [Proposed]);

impl PermitSource for Futile<'_> {
    fn ask(&self, request: &PermitRequest<'_>) -> Permit {
        let until = futile_until(request.incident, self.0, request.now);
        until.map_or(Permit::Go, |until| Permit::Hold(Permission::Futile(until)))
    }
}

/// Until when a plan waits because all that it proposes was done before, for the same incident, and freed nothing. Another
/// step in the plan is a change, and so is a new incident.
fn futile_until(incident: &Incident, steps: &[Proposed], now: Timestamp) -> Option<Timestamp> {
    let freeing: Vec<&Proposed> = steps.iter().filter(|step| step.preview.frees_now_bytes > 0).collect();
    if freeing.is_empty() || freeing.len() < steps.len() {
        return None;
    }
    let tried = |step: &Proposed| last(&incident.attempts, step).filter(|(_, result)| freed_nothing(result));
    let last_tried = freeing.into_iter().map(|step| tried(step).map(|(at, _)| at)).collect::<Option<Vec<_>>>()?;
    last_tried.into_iter().min().map(|at| at + WAIT).filter(|until| now < *until)
}

/// The last time that such a step was applied, and its result.
fn last<'a>(attempts: &'a [Attempt], step: &Proposed) -> Option<(Timestamp, &'a StepResult)> {
    let same = |result: &&StepResult| result.action == step.action && result.about == step.preview.about;
    attempts.iter().rev().find_map(|attempt| Some((attempt.at, attempt.steps.iter().rev().find(same)?)))
}

/// Whether a step treated something, and nothing came of it, now or later.
fn freed_nothing(result: &StepResult) -> bool {
    let count = |name: &str| {
        let measure = result.measures.iter().find(|measure| measure.name == name);
        measure.and_then(|measure| if let Value::Count(count) = measure.value { Some(count) } else { None })
    };
    let treated = ["removed-files", "compressed-files", "reclaimed-files"].into_iter().filter_map(count).sum::<u64>();
    result.outcome == Outcome::Done
        && treated > 0
        && count("freed-bytes") == Some(0)
        && count("held-bytes").unwrap_or(0) == 0
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use ansai_core::{Measure, Preview, Subject, Unit};
    use ansai_kit::action::Previewed;
    use serde_json::value::to_raw_value;

    use super::super::sample;
    use super::*;

    const HOUR: u64 = 3_600_000;

    fn at(hours: u64) -> Timestamp {
        Timestamp::from_millis(hours * HOUR)
    }

    fn proposed(action: &str, frees: u64) -> Proposed {
        let preview = Preview { frees_now_bytes: frees, ..Preview::nothing(Subject::new("filesystem", "/")) };
        let nothing = || to_raw_value(&serde_json::json!({})).unwrap();
        let previewed = Previewed { preview, targets: nothing(), touches: vec![], canonical: vec![], table: 0 };
        Proposed::new(action, nothing().into(), previewed)
    }

    fn incident(done: &[(&str, u64, u64)]) -> Incident {
        let mut incident = sample::incident();
        let step = |(action, files, freed): &(&str, u64, u64)| StepResult {
            step: 0,
            action: (*action).into(),
            arguments: String::new(),
            about: Subject::new("filesystem", "/"),
            outcome: Outcome::Done,
            reason: None,
            detail: String::new(),
            measures: vec![
                Measure::count("removed-files", *files, Unit::None),
                Measure::count("freed-bytes", *freed, Unit::Bytes),
            ],
        };
        incident.attempts.push(Attempt {
            key: "k".into(),
            number: 1,
            at: at(1),
            ended: None,
            stage: String::new(),
            verified: incident.finding.status.clone(),
            distance_before: None,
            distance_after: None,
            steps: done.iter().map(step).collect(),
        });
        incident
    }

    #[test]
    fn what_freed_nothing_waits_for_a_day() {
        let incident = incident(&[("remove", 3, 0)]);
        assert_eq!(futile_until(&incident, &[proposed("remove", 100)], at(2)), Some(at(25)));
        assert_eq!(futile_until(&incident, &[proposed("remove", 100)], at(25)), None);
    }

    #[test]
    fn what_freed_something_or_did_nothing_or_is_new_does_not_wait() {
        for done in [&[("remove", 3, 1)][..], &[("remove", 0, 0)], &[("compress", 3, 0)], &[]] {
            assert_eq!(futile_until(&incident(done), &[proposed("remove", 100)], at(2)), None, "{done:?}");
        }
        let tried = incident(&[("remove", 3, 0)]);
        assert_eq!(futile_until(&tried, &[proposed("remove", 100), proposed("compress", 9)], at(2)), None);
        // What frees nothing by its preview has another purpose.
        assert_eq!(futile_until(&tried, &[proposed("remove", 0)], at(2)), None);
        assert_eq!(futile_until(&tried, &[], at(2)), None);
    }
}
