//! What an earlier attempt achieved.

use crate::{Attempt, Outcome, Span, StepResult};

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
