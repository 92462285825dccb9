//! Waits for the timer of one instance with the clocks of the host.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ansai_core::{InstanceName, Timestamp};
use ansai_kit::host_clock;
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
        Now { up: host_clock::since_boot(), wall: clock::now() }
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

    /// The run that was due has ended. If ansai is killed before, the next one catches it up.
    pub(crate) fn done(&self) {
        let (Some(keep), Some(seen)) = (&self.keep, self.timer.seen()) else { return };
        if let Err(error) = keep.state.put_seen(&keep.instance, &keep.cron, seen) {
            tracing::error!(instance = %keep.instance, "its last run by `cron` is not stored: {error}");
        }
    }
}
