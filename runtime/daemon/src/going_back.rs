//! Going back to the last good version of a policy: a new one that keeps failing in its first evaluations is marked, and the
//! next load runs the earlier one.

use ansai_core::Event;
use ansai_events::{Item, Stream, Subscriber};
use ansai_registry::{Store, Verdict};
use ansai_storage::Directory;
use ansai_supervisor::clock;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};

use crate::daemon::Daemon;
use crate::pulled::{Ended, Trials};
use crate::running::Running;

/// Events that wait to be looked at. Trials end by a few of many.
const WAITING_EVENTS: usize = 4_096;

/// Watches the versions of a daemon that are new on this host.
pub struct TrialWatch {
    _subscriber: Option<Subscriber>,
    failed: UnboundedReceiver<Ended>,
}

impl Daemon {
    /// Watches what is new here from now on; `running` is this daemon, and evaluates nothing yet. How a trial ends is recorded
    /// in the store before anybody is told. What ended before anybody listened is told at once.
    ///
    /// # Errors
    /// The system cannot create a thread.
    pub fn watch_trials(&self, running: &Running, stream: &Stream) -> std::io::Result<TrialWatch> {
        let (tell, failed) = mpsc::unbounded_channel();
        if self.trials().is_empty() {
            // It is never told anything.
            return Ok(TrialWatch { _subscriber: None, failed });
        }
        let mut watched = Watched { trials: self.trials().clone(), state_dir: self.state_directory().clone(), tell };
        watched.settle();
        for quarantine in running.supervisor.orders().quarantines {
            // Of the component of now: opening released the others.
            watched.hear(&Event::Quarantined(quarantine));
        }
        let subscriber = stream.spawn("trials", WAITING_EVENTS, move |item| {
            if let Item::Event(published) = item {
                watched.hear(&published.event);
            }
        })?;
        Ok(TrialWatch { _subscriber: Some(subscriber), failed })
    }
}

struct Watched {
    trials: Trials,
    state_dir: Directory,
    tell: UnboundedSender<Ended>,
}

impl Watched {
    /// Another daemon may have seen a version fail while this one was loaded.
    fn settle(&mut self) {
        match Store::create(&self.state_dir).and_then(|store| store.trials()) {
            Ok(known) => self.trials.settle(&known).into_iter().for_each(|ended| self.told(ended)),
            Err(error) => tracing::error!("whether a new version has failed meanwhile is unknown: {error}"),
        }
    }

    fn hear(&mut self, event: &Event) {
        let Some(ended) = self.trials.hear(event) else { return };
        let recorded = Store::create(&self.state_dir).and_then(|store| ended.record(&store, clock::now()));
        // A failure that is not recorded is heard again, at the latest by the next start of a quarantined instance.
        if recorded.is_ok() || ended.verdict == Verdict::Good {
            self.trials.end(&ended);
        }
        match recorded {
            Err(error) => tracing::error!(
                instance = %ended.instance,
                "how its new version did is not recorded, so it stays: {error}"
            ),
            Ok(()) => self.told(ended),
        }
    }

    fn told(&self, ended: Ended) {
        if let Verdict::Faulty(why) = &ended.verdict {
            tracing::error!(instance = %ended.instance, "its new version is taken back: {why}");
            // Nobody listens any more if the daemon is stopping.
            let _ = self.tell.send(ended);
        }
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
