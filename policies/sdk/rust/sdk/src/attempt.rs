//! What an earlier attempt achieved.

use crate::{Attempt, Host, Outcome, Refusal, Span, StepResult, Subject, text};

impl Attempt {
    /// How much nearer to healthy the thing was after the attempt, in the unit of
    /// [`Observation::at_distance`](crate::Observation::at_distance): negative if it was farther away. `None` if one of
    /// the distances is unknown.
    ///
    /// ```
    /// # use ansai_sdk::{Attempt, Status};
    /// # let (key, stage, verified) = ("/".to_owned(), String::new(), Status::Healthy);
    /// # let (distance_before, distance_after) = (Some(12.0), Some(3.0));
    /// # let (number, at, ended, steps) = (1, 0, None, vec![]);
    /// # let attempt = Attempt { key, number, at, ended, stage, verified, distance_before, distance_after, steps };
    /// // Worse before: 12. After it: 3.
    /// assert_eq!(attempt.improvement(), Some(9.0));
    /// ```
    pub fn improvement(&self) -> Option<f64> {
        Some(self.distance_before? - self.distance_after?)
    }

    /// Time since its last step ended, for steps whose effect takes a while. `None` while a step runs, or if the end is
    /// unknown. `now` is [`Host::now`](crate::Host::now).
    pub fn ended_ago(&self, now: u64) -> Option<Span> {
        Some(Span(now.saturating_sub(self.ended?)))
    }
}

impl Host {
    /// How many steps with an action have begun in plans about a thing since an instant.
    ///
    /// # Errors
    /// The host's refusal if the history cannot be read.
    pub fn steps_since(&self, since: u64, about: &Subject, action: &str) -> Result<u32, Refusal> {
        let history = self.history(about, since)?;
        let steps = history.iter().flat_map(|attempt| &attempt.steps);
        let count = steps.filter(|step| step.action == action && step.has_begun()).count();
        Ok(u32::try_from(count).unwrap_or(u32::MAX))
    }

    /// In `plan`: the function and the words of the last step that failed or was refused in an earlier attempt at this
    /// finding, at most 300 bytes of them.
    pub fn last_failure(&self) -> Option<String> {
        let steps = self.attempts().into_iter().flat_map(|attempt| attempt.steps);
        let failed = steps.filter(|step| step.reason.is_some() || step.outcome == Outcome::Failed).last()?;
        let function = failed.action.rsplit('.').next().unwrap_or_default();
        Some(format!("{function}: {}", text::cut(&failed.detail, 300)))
    }
}

impl StepResult {
    /// Whether the step began, so that it may have changed something: for rules such as "at most three restarts a day".
    /// Steps that were refused, skipped or only simulated do not count. A step whose outcome nobody knows does.
    pub fn has_begun(&self) -> bool {
        !matches!(self.outcome, Outcome::Refused | Outcome::Skipped | Outcome::Simulated)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::attempt;

    #[test]
    fn an_improvement_needs_both_distances() {
        let between = |distance_before, distance_after| {
            Attempt { distance_before, distance_after, ..attempt("a", Vec::new()) }.improvement()
        };
        assert_eq!(between(Some(5.0), Some(2.0)), Some(3.0));
        assert_eq!(between(Some(2.0), Some(5.0)), Some(-3.0));
        assert_eq!((between(None, Some(2.0)), between(Some(2.0), None)), (None, None));
    }

    #[test]
    fn an_attempt_that_runs_has_no_end() {
        let ended = |ended| Attempt { ended, ..attempt("a", Vec::new()) }.ended_ago(100);
        assert_eq!((ended(Some(40)), ended(Some(140)), ended(None)), (Some(Span(60)), Some(Span(0)), None));
    }

    #[test]
    fn what_may_have_changed_something_has_begun() {
        let about = crate::Subject::new("unit", "a");
        let (action, arguments, detail) = (String::new(), String::new(), String::new());
        let step = StepResult {
            step: 0,
            action,
            arguments,
            about,
            outcome: Outcome::Done,
            reason: None,
            detail,
            measures: Vec::new(),
        };
        let begun = |outcome| StepResult { outcome, ..step.clone() }.has_begun();
        for outcome in [Outcome::Done, Outcome::Running, Outcome::Failed, Outcome::Reverted, Outcome::Unknown] {
            assert!(begun(outcome), "{outcome:?}");
        }
        for outcome in [Outcome::Refused, Outcome::Skipped, Outcome::Simulated] {
            assert!(!begun(outcome), "{outcome:?}");
        }
    }
}
