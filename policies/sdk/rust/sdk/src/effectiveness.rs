//! How often an action helped.

use crate::{Attempt, Host, Refusal, Status, Subject};

/// The time that counts: 90 days, in milliseconds.
const COUNTED_MS: u64 = 90 * 86_400_000;

/// How often an action helped, so that what never helped is not tried first again.
///
/// ```
/// use ansai_sdk::{Effectiveness, Host, Subject};
///
/// /// A restart that did not help three times in 90 days is not the first thing to try.
/// fn restarts_first(host: &Host, unit: &Subject) -> bool {
///     match Effectiveness::of_host(host, unit, "ansai:service/service-actions.restart") {
///         Ok(restarts) => !restarts.never_helped(3),
///         // The history cannot be read: nothing is known against it.
///         Err(_) => true,
///     }
/// }
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Effectiveness {
    /// After so many of them, the finding was healthy.
    pub healed: u32,
    /// So many attempts in which the action began, and of which verification told whether the finding is healthy.
    pub verified: u32,
}

impl Effectiveness {
    /// Counts attempts, such as those of [`Host::history`]. `action` is the full name of the action:
    /// `ansai:files/files-actions.remove`. An attempt after which the finding is unknown or gone does not count.
    pub fn of(attempts: &[Attempt], action: &str) -> Effectiveness {
        let mut found = Effectiveness::default();
        for attempt in attempts {
            if !attempt.steps.iter().any(|step| step.action == action && step.has_begun()) {
                continue;
            }
            match attempt.verified {
                Status::Healthy => (found.healed, found.verified) = (found.healed + 1, found.verified + 1),
                Status::Unhealthy(_) => found.verified += 1,
                Status::Unknown(_) | Status::Gone => {}
            }
        }
        found
    }

    /// The same for the latest attempts at findings about a thing, at most 100, within 90 days.
    ///
    /// # Errors
    /// The host's refusal if the history cannot be read.
    pub fn of_host(host: &Host, about: &Subject, action: &str) -> Result<Effectiveness, Refusal> {
        Ok(Effectiveness::of(&host.history(about, host.now().saturating_sub(COUNTED_MS))?, action))
    }

    /// Whether it was tried so often at least, and never helped.
    pub fn never_helped(&self, tries: u32) -> bool {
        self.verified >= tries && self.healed == 0
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::testing::{StandIn, attempt};
    use crate::{Outcome, StepResult};

    const RESTART: &str = "ansai:service/service-actions.restart";

    fn about() -> Subject {
        Subject::new("unit", "web.service")
    }

    fn tried(outcome: Outcome, verified: Status) -> Attempt {
        let step = StepResult {
            step: 0,
            action: RESTART.into(),
            arguments: String::new(),
            about: about(),
            outcome,
            reason: None,
            detail: String::new(),
            measures: Vec::new(),
        };
        // Two steps of the same action are one attempt.
        Attempt { at: StandIn::NOW - 1, verified, ..attempt("web", vec![step.clone(), step]) }
    }

    #[test]
    fn what_began_and_was_verified_counts() {
        let sick = || attempt("web", Vec::new()).verified;
        let attempts = [
            tried(Outcome::Done, Status::Healthy),
            tried(Outcome::Failed, sick()),
            tried(Outcome::Refused, sick()),
            tried(Outcome::Skipped, Status::Healthy),
            tried(Outcome::Done, Status::Unknown("no answer".into())),
            tried(Outcome::Done, Status::Gone),
        ];
        assert_eq!(Effectiveness::of(&attempts, RESTART), Effectiveness { healed: 1, verified: 2 });
        assert_eq!(Effectiveness::of(&attempts, "ansai:files/files-actions.remove"), Effectiveness::default());
    }

    #[test]
    fn what_never_helped_is_told_by_the_history_of_the_thing() {
        let host = (0..3).fold(StandIn::default(), |host, _| {
            host.with_history(about(), tried(Outcome::Done, attempt("web", Vec::new()).verified))
        });
        let host = host.host();
        let found = Effectiveness::of_host(&host, &about(), RESTART).unwrap();
        assert!(found.never_helped(3) && !found.never_helped(4), "{found:?}");
        let other = Subject::new("unit", "other.service");
        assert!(!Effectiveness::of_host(&host, &other, RESTART).unwrap().never_helped(1));
    }
}
