//! When a policy wants to be evaluated again. `detect` asks for it in a pass, `plan` in a task that may end later.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::time::Instant;

/// The soonest time that was asked for. One schedule waits for it.
#[derive(Default)]
pub(crate) struct FollowUp {
    wanted: Mutex<Option<Instant>>,
    asked: Notify,
}

impl FollowUp {
    /// Asks for an evaluation at this time.
    pub(crate) fn ask(&self, at: Instant) {
        let mut wanted = self.wanted();
        *wanted = Some(wanted.map_or(at, |sooner| sooner.min(at)));
        drop(wanted);
        self.asked.notify_one();
    }

    /// Forgets what was asked for, because an evaluation begins.
    pub(crate) fn clear(&self) {
        *self.wanted() = None;
    }

    /// Waits for the time that was asked for, and at least until `not_before`; for ever without either.
    pub(crate) async fn due(&self, not_before: Option<Instant>) -> Instant {
        loop {
            let wanted = *self.wanted();
            let Some((wanted, not_before)) = wanted.zip(not_before) else {
                self.asked.notified().await;
                continue;
            };
            let due = wanted.max(not_before);
            tokio::select! {
                biased;
                () = tokio::time::sleep_until(due) => return due,
                () = self.asked.notified() => {}
            }
        }
    }

    fn wanted(&self) -> MutexGuard<'_, Option<Instant>> {
        self.wanted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn the_soonest_counts_also_if_it_is_asked_for_later() {
        let (follow_up, now) = (FollowUp::default(), Instant::now());
        let hours = |hours: u64| now + Duration::from_secs(hours * 3_600);
        let ask = async {
            for at in [hours(9), now, hours(5)] {
                follow_up.ask(at);
                tokio::task::yield_now().await;
            }
        };
        assert_eq!(tokio::join!(follow_up.due(Some(now)), ask).0, now);
    }

    #[tokio::test]
    async fn what_was_asked_for_is_forgotten_and_waits_its_time() {
        let (follow_up, now) = (FollowUp::default(), Instant::now());
        // What is due now comes first, and anything else never.
        let is_due = async |not_before| {
            let other = FollowUp::default();
            other.ask(now);
            tokio::select! {
                biased;
                _ = follow_up.due(not_before) => true,
                _ = other.due(Some(now)) => false,
            }
        };
        follow_up.ask(now);
        let hour = Duration::from_secs(3_600);
        assert_eq!([is_due(Some(now)).await, is_due(Some(now + hour)).await, is_due(None).await], [true, false, false]);
        follow_up.clear();
        assert!(!is_due(Some(now)).await);
    }
}
