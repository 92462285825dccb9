//! Going back to the last good version of a policy: a new one that keeps failing in its first evaluations is marked, and the
//! next load runs the earlier one.

use ansai_events::{Item, Stream, Subscriber};
use ansai_registry::{Store, Verdict};
use ansai_supervisor::clock;
use tokio::sync::mpsc::{self, UnboundedReceiver};

use crate::daemon::Daemon;
use crate::pulled::Ended;

/// Events that wait to be looked at. Trials end by a few of many.
const WAITING_EVENTS: usize = 4_096;

/// Watches the versions of a daemon that are new on this host.
pub struct TrialWatch {
    _subscriber: Option<Subscriber>,
    failed: UnboundedReceiver<Ended>,
}

impl Daemon {
    /// Watches what is new here from now on. How a trial ends is recorded in the store before anybody is told.
    ///
    /// # Errors
    /// The system cannot create a thread.
    pub fn watch_trials(&self, stream: &Stream) -> std::io::Result<TrialWatch> {
        let (tell, failed) = mpsc::unbounded_channel();
        if self.trials().is_empty() {
            // It is never told anything.
            return Ok(TrialWatch { _subscriber: None, failed });
        }
        let (mut trials, state_dir) = (self.trials().clone(), self.state_directory().clone());
        let subscriber = stream.spawn("trials", WAITING_EVENTS, move |item| {
            let Item::Event(published) = item else { return };
            let Some(ended) = trials.hear(&published.event) else { return };
            let recorded = Store::create(&state_dir).and_then(|store| ended.record(&store, clock::now()));
            match (recorded, &ended.verdict) {
                (Err(error), _) => tracing::error!(
                    instance = %ended.instance,
                    "how its new version did is not recorded, so it stays: {error}"
                ),
                (Ok(()), Verdict::Good) => {}
                (Ok(()), Verdict::Faulty(why)) => {
                    tracing::error!(instance = %ended.instance, "its new version is taken back: {why}");
                    // Nobody listens any more if the daemon is stopping.
                    let _ = tell.send(ended);
                }
            }
        })?;
        Ok(TrialWatch { _subscriber: Some(subscriber), failed })
    }
}

impl TrialWatch {
    /// Waits until a new version has failed. Cancelling it loses none.
    pub async fn failed(&mut self) -> Ended {
        match self.failed.recv().await {
            Some(ended) => ended,
            None => std::future::pending().await,
        }
    }
}
