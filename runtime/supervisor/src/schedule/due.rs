//! When something that is not an evaluation is due by `cron`, such as a report: by the same rules.

use ansai_config::{Cron, Timing};
use ansai_core::{Millis, Timestamp};

use super::timer::{Look, Now, Timer};
use crate::clock;

/// Times of a `cron`. Times that were missed are due once, whatever the clocks do.
#[derive(Debug, Clone)]
pub struct CronDue {
    timer: Timer,
}

impl CronDue {
    /// `seen`: the time up to which everything was done, as [`CronDue::seen`] said; `None` if nothing was ever due.
    pub fn new(cron: Cron, seen: Option<Timestamp>, now: Timestamp) -> CronDue {
        let timing = Timing { cron: Some(cron), ..Timing::default() };
        let now = clocks(now);
        CronDue { timer: Timer::new(&timing, Millis::ZERO, Millis::ZERO, seen, (now.up, now)) }
    }

    /// Whether it is due. If it is, it counts as done: who has to store that first asks a clone.
    pub fn is_due(&mut self, now: Timestamp) -> bool {
        matches!(self.timer.look(clocks(now)), Look::Due { .. })
    }

    /// The time up to which everything was done.
    pub fn seen(&self) -> Option<Timestamp> {
        self.timer.seen()
    }

    /// When it is due next; `None` if never.
    pub fn next(&self, now: Timestamp) -> Option<Timestamp> {
        self.timer.next(clocks(now))
    }
}

fn clocks(now: Timestamp) -> Now {
    Now { up: clock::since_boot(), wall: now }
}
