//! Repeats verification until the finding is healthy or the time is over: what was restarted needs time to get well.

use std::time::Duration;

use ansai_core::{Incident, Observation, Outcome, Status, StepResult};
use tokio::time::Instant;

use super::Passes;
use crate::authority::EffectiveGrants;
use crate::instance::Instance;

/// Time from the first evaluation to the second. It doubles each time.
const SHORTEST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

impl Passes {
    /// Verifies once, and again during `verify_within`, or while steps are `provisional` for so long. Returns the last observation, and the number of evaluations. Each
    /// has its own recording. Ends at once if ansai stops, or if `may_repeat` says that the pass has nothing left.
    pub(super) async fn verify_within(
        &self,
        instance: &Instance,
        grants: &EffectiveGrants,
        incident: &Incident,
        steps: &[StepResult],
        provisional: impl Fn() -> Option<Duration>,
        may_repeat: impl Fn() -> bool,
    ) -> (Observation, u32) {
        let within = provisional().unwrap_or_else(|| match has_acted(steps) {
            true => instance.retry_policy.verify_within.into(),
            false => Duration::ZERO,
        });
        let until = Instant::now() + within;
        let mut evaluations = 1;
        let mut observation = self.verify(instance, grants, incident).await;
        for pause in pauses() {
            let left = until.saturating_duration_since(Instant::now());
            // Asked each time: this clock stands while the machine sleeps.
            let left = provisional().map_or(left, |time| time.min(left));
            if is_over(&observation.status) || left.is_zero() {
                break;
            }
            if self.stop.or(tokio::time::sleep(pause.min(left))).await.is_none() {
                break;
            }
            if !may_repeat() {
                break;
            }
            // The operator may have withdrawn a grant meanwhile.
            observation = match self.authority.effective_grants(&instance.name) {
                Ok(grants) => self.verify(instance, &grants, incident).await,
                Err(error) => {
                    Observation { status: Status::Unknown(error), distance: None, ..incident.finding.clone() }
                }
            };
            evaluations += 1;
        }
        (observation, evaluations)
    }

    /// Waits before the first verification, but not beyond the time of provisional steps. A stop ends it.
    pub(super) async fn settle(&self, settle: Duration, provisional: impl Fn() -> Option<Duration>) {
        let until = Instant::now() + settle;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let pause = provisional().map_or(left, |time| time.min(left).min(LONGEST_PAUSE));
            if pause.is_zero() || self.stop.or(tokio::time::sleep(pause)).await.is_none() {
                return;
            }
        }
    }
}

/// Whether there is nothing to wait for.
fn is_over(status: &Status) -> bool {
    matches!(status, Status::Healthy | Status::Gone)
}

/// Whether a step may have changed something.
fn has_acted(steps: &[StepResult]) -> bool {
    steps.iter().any(|step| !matches!(step.outcome, Outcome::Refused | Outcome::Skipped))
}

fn pauses() -> impl Iterator<Item = Duration> {
    std::iter::successors(Some(SHORTEST_PAUSE), |pause| Some((*pause * 2).min(LONGEST_PAUSE)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_some_seconds() {
        let seconds: Vec<u64> = pauses().take(6).map(|pause| pause.as_secs()).collect();
        assert_eq!(seconds, [1, 2, 4, 5, 5, 5]);
    }
}
