//! Decides whether a plan goes to the executor. The host decides, never the policy.

use ansai_core::event::Verdict;
use ansai_core::incident::Permission;
use ansai_core::{Decision, Incident, Mode, RetryPolicy, Timestamp};

/// The verdict on a policy's decision about an incident. `fresh` is false for another plan of a started attempt.
pub(crate) fn verdict(
    decision: &Decision,
    steps: usize,
    mode: Mode,
    incident: &Incident,
    retry: &RetryPolicy,
    now: Timestamp,
    fresh: bool,
) -> Verdict {
    match decision {
        Decision::Apply(_) | Decision::ApplyThenReplan(_) if steps > 0 => {}
        Decision::Apply(_) | Decision::ApplyThenReplan(_) => return Verdict::NothingToDo,
        Decision::Wait(_) | Decision::Recommend(_) | Decision::GiveUp(_) => return Verdict::NothingToDo,
    }
    match incident.may_begin(retry, now) {
        _ if mode == Mode::Observe => Verdict::Observed,
        _ if !fresh => Verdict::Approved,
        Permission::Granted => Verdict::Approved,
        held => Verdict::Held(held),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use ansai_core::{InstanceName, Millis, Observation, OnFailure, Severity, Status, Subject};

    use super::*;

    static I: InstanceName = InstanceName::from_static("i");

    #[test]
    fn only_enforce_and_only_in_time() {
        let finding = Observation {
            key: "k".into(),
            about: Subject::new("filesystem", "/"),
            status: Status::Unhealthy(Severity::Critical),
            summary: String::new(),
            evidence: vec![],
            related: vec![],
            distance: None,
        };
        let at = Timestamp::from_millis;
        let retry = RetryPolicy { cooldown: Millis::new(100), max_attempts: 2, ..RetryPolicy::default() };
        let apply = Decision::Apply(OnFailure::Stop);
        let mut incident = Incident::open(&I, &finding, at(0)).unwrap();
        let say = |incident: &Incident, mode, now, fresh| verdict(&apply, 1, mode, incident, &retry, now, fresh);
        assert_eq!(say(&incident, Mode::Observe, at(0), true), Verdict::Observed);
        assert_eq!(say(&incident, Mode::Enforce, at(0), true), Verdict::Approved);
        incident.begin(at(0));
        assert_eq!(say(&incident, Mode::Enforce, at(50), true), Verdict::Held(Permission::Cooling(at(100))));
        assert_eq!(say(&incident, Mode::Enforce, at(50), false), Verdict::Approved);
        assert_eq!(verdict(&apply, 0, Mode::Enforce, &incident, &retry, at(200), true), Verdict::NothingToDo);
        let give_up = Decision::GiveUp("no".into());
        assert_eq!(verdict(&give_up, 3, Mode::Enforce, &incident, &retry, at(200), true), Verdict::NothingToDo);
    }
}
