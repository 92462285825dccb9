//! What one pass over an instance may use, so that each pass ends. A policy chooses how many findings it reports, how many
//! stages its plans have, and whether it is ever healthy: each of them is bounded, and their product is large.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::time::Instant;

/// Maximum number of plans and repeated verifications of one pass. Each may be followed by one verification.
pub(super) const MOST_EVALUATIONS: u32 = 1_000;
/// After so long, a pass begins nothing more. Steps, and the time in which the operator lets them settle, do not count.
pub(super) const LONGEST: Duration = Duration::from_secs(3_600);

/// What a pass has left. All tasks that heal its findings share it.
#[derive(Debug)]
pub(super) struct Budget {
    ends: Instant,
    left: AtomicU32,
}

/// A pass has used what it may use. What is left waits for the next one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum BudgetError {
    /// The number of evaluations.
    #[error("this pass has used its {MOST_EVALUATIONS} evaluations; the next pass continues")]
    Evaluations,
    /// The time.
    #[error("this pass takes longer than {} min; the next pass continues", LONGEST.as_secs() / 60)]
    Time,
}

impl Budget {
    pub(super) fn new() -> Budget {
        Budget::of(MOST_EVALUATIONS, LONGEST)
    }

    fn of(evaluations: u32, longest: Duration) -> Budget {
        Budget { ends: Instant::now() + longest, left: AtomicU32::new(evaluations) }
    }

    /// Takes one evaluation. `apart` is the time that does not count.
    pub(super) fn take(&self, apart: Duration) -> Result<(), BudgetError> {
        if self.ends.checked_add(apart).is_some_and(|ends| Instant::now() >= ends) {
            return Err(BudgetError::Time);
        }
        let left = self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        left.map(drop).map_err(|_| BudgetError::Evaluations)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn evaluations_and_time_end() {
        let budget = Budget::of(2, LONGEST);
        let taken = [(); 4].map(|()| budget.take(Duration::ZERO));
        assert_eq!(taken, [Ok(()), Ok(()), Err(BudgetError::Evaluations), Err(BudgetError::Evaluations)]);
        let over = Budget::of(1, Duration::ZERO);
        assert_eq!(over.take(Duration::ZERO), Err(BudgetError::Time));
        assert_eq!(over.take(LONGEST), Ok(()), "a step of an hour does not count");
    }
}
