//! Waits for the timer of one instance with the clocks of the host.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ansai_core::{InstanceName, Timestamp};
use tokio::time::{Instant, sleep};

use super::timer::{Look, Now, Timer};
use crate::clock;
use crate::state::State;

/// Clocks are looked at so often at least: somebody may set them, and a host may have been suspended.
const LOOK: Duration = Duration::from_secs(60);

/// What shows the time.
pub(crate) trait Clocks: Send + Sync {
    /// The time now.
    fn now(&self) -> Now;
}

/// The clocks of this host.
pub(crate) struct HostClocks;

impl Clocks for HostClocks {
    fn now(&self) -> Now {
        Now { up: clock::since_boot(), wall: clock::now() }
    }
}

/// What is known of the schedule of one instance, for the status.
#[derive(Default)]
pub(crate) struct Board(Mutex<Known>);

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Known {
    /// When the next run is due.
    pub(crate) next: Option<Timestamp>,
    /// How many runs did not take place since ansai started: the one before still ran, or the host was suspended.
    pub(crate) skipped: u64,
}

impl Board {
    /// What is known now.
    pub(crate) fn read(&self) -> Known {
        *self.lock()
    }

    fn note(&self, next: Option<Timestamp>, skipped: u64) {
        let mut known = self.lock();
        known.next = next;
        known.skipped = known.skipped.saturating_add(skipped);
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where the timer of an instance is kept across restarts.
pub(crate) struct Keep {
    pub(crate) state: Arc<State>,
    pub(crate) instance: InstanceName,
    /// The pattern: another one has seen nothing yet.
    pub(crate) cron: String,
}

/// The runs of one instance by time.
pub(crate) struct Ticks {
    timer: Timer,
    clocks: Arc<dyn Clocks>,
    board: Arc<Board>,
    keep: Option<Keep>,
}

impl Ticks {
    pub(crate) fn new(timer: Timer, clocks: Arc<dyn Clocks>, board: Arc<Board>, keep: Option<Keep>) -> Ticks {
        let ticks = Ticks { timer, clocks, board, keep };
        // A first night without ansai is caught up too.
        ticks.done();
        ticks
    }

    /// Waits until a run is due; the result is when it was due. Nothing is lost if the wait is given up.
    pub(crate) async fn tick(&mut self) -> Instant {
        loop {
            let now = self.clocks.now();
            let look = self.timer.look(now);
            let (Look::Due { skipped, .. } | Look::Wait { skipped, .. }) = look;
            self.board.note(self.timer.next(now), skipped);
            match look {
                Look::Due { late, .. } => {
                    let now = Instant::now();
                    return now.checked_sub(late.into()).unwrap_or(now);
                }
                Look::Wait { wait, .. } => sleep(Duration::from(wait).min(LOOK)).await,
            }
        }
    }

    /// The run that was due has ended. If ansai is killed or stopped before, the next one catches it up.
    pub(crate) fn done(&self) {
        let (Some(keep), Some(seen)) = (&self.keep, self.timer.seen()) else { return };
        if let Err(error) = keep.state.put_seen(&keep.instance, &keep.cron, seen) {
            tracing::error!(instance = %keep.instance, "its last run by `cron` is not stored: {error}");
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use ansai_audit::Ballast;
    use ansai_config::{Cron, Timing};
    use ansai_core::{Millis, Subject};

    use super::super::{Waits, Why, follow};
    use super::*;
    use crate::pass::FollowUp;
    use crate::stop::Stop;
    use crate::watching::{Events, Mailbox};

    const ONE: InstanceName = InstanceName::from_static("one");
    const HOUR: u64 = 3_600_000;

    /// Clocks that stand, at so many hours.
    struct Stopped(u64);

    impl Clocks for Stopped {
        fn now(&self) -> Now {
            Now { up: Millis::new(self.0 * HOUR), wall: Timestamp::from_millis(self.0 * HOUR) }
        }
    }

    /// The runs of a start of ansai at this hour.
    fn start(state: &Arc<State>, pattern: &str, hour: u64) -> Ticks {
        let (cron, clocks) = (Cron::new(pattern, Some("UTC")).unwrap(), Arc::new(Stopped(hour)));
        let keep = Keep { state: state.clone(), instance: ONE, cron: cron.to_string() };
        let seen = state.seen(&ONE, &keep.cron).unwrap();
        let timing = Timing { cron: Some(cron), ..Timing::default() };
        let timer = Timer::new(&timing, Millis::new(1), Millis::ZERO, seen, (Millis::ZERO, clocks.now()));
        Ticks::new(timer, clocks, Arc::default(), Some(keep))
    }

    async fn is_due(ticks: &mut Ticks) -> bool {
        tokio::select! {
            biased;
            _ = ticks.tick() => true,
            () = std::future::ready(()) => false,
        }
    }

    /// Would break: a night that is lost because ansai was restarted or killed, or one that runs at each start.
    #[tokio::test]
    async fn what_has_run_is_known_at_the_next_start() {
        let dir = tempfile::tempdir().unwrap();
        let state = State::open(&dir.path().join("state.db"), Ballast::new(dir.path().join("ballast"), 4096)).unwrap();
        let state = Arc::new(state);
        assert!(!is_due(&mut start(&state, "0 2 * * *", 1)).await, "the first start");
        let mut killed = start(&state, "0 2 * * *", 27);
        assert!(is_due(&mut killed).await, "the night at hour 26, and the one before");
        assert_eq!(killed.board.read().skipped, 1);
        assert_eq!(killed.board.read().next, Some(Timestamp::from_millis(50 * HOUR)));
        drop(killed);
        let mut next = start(&state, "0 2 * * *", 28);
        assert!(is_due(&mut next).await, "it was killed before the run had ended");
        next.done();
        assert!(!is_due(&mut next).await);
        assert!(!is_due(&mut start(&state, "0 2 * * *", 29)).await);
        assert!(!is_due(&mut start(&state, "0 3 * * *", 29)).await, "another pattern missed nothing");
    }

    /// Would break: a night that is lost because ansai was stopped or updated during its run.
    #[tokio::test]
    async fn a_run_during_which_ansai_is_stopped_comes_again_at_the_next_start() {
        let dir = tempfile::tempdir().unwrap();
        let state = State::open(&dir.path().join("state.db"), Ballast::new(dir.path().join("ballast"), 4096)).unwrap();
        let state = Arc::new(state);
        assert!(!is_due(&mut start(&state, "0 2 * * *", 1)).await, "the first start");
        let (stop, mailbox) = (Arc::new(Stop::new()), Arc::new(Mailbox::new(Subject::new("host", "web-1"))));
        let events = Arc::new(Events::new(ONE, Arc::new([]), Duration::from_secs(3_600), mailbox));
        let (ticks, follow_up) = (start(&state, "0 2 * * *", 27), Arc::new(FollowUp::default()));
        let stopping = stop.clone();
        let work = move |_: Why, _: Instant| {
            stopping.ask("a test");
            std::future::ready(())
        };
        follow(stop, Waits { ticks, follow_up, soonest: Duration::ZERO, events }, work).await;
        assert!(is_due(&mut start(&state, "0 2 * * *", 28)).await, "its run was cut short");
    }
}
