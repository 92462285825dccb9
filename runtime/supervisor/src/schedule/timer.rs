//! When one instance is due by time. Only arithmetic: whoever asks says what the clocks show.
//!
//! An interval is counted by the time since the boot, which nobody can set and which goes on while the host is suspended.
//! Times of `cron` are those of the wall clock. Whatever the clocks do, runs that were missed become one run at most.

use ansai_config::{CatchUp, Cron, Timing};
use ansai_core::{Millis, Timestamp};

/// What the clocks show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Now {
    /// Time since the boot, with the time for which the host was suspended.
    pub(crate) up: Millis,
    /// The time of day.
    pub(crate) wall: Timestamp,
}

/// A run by `cron` that is later than this was missed: ansai looks at the wall clock once a minute.
const MISSED: Millis = Millis::new(120_000);
/// A wall clock that is set back by less than this repeats no time of the day that was named: as in Vixie cron.
const SMALL_STEP: Millis = Millis::from_hours(3);
/// Missed runs are counted up to this number.
const MOST_COUNTED: u64 = 1_000;

/// What a look at the clocks says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Look {
    /// A run is due since so long. So many before it did not take place.
    Due { late: Millis, skipped: u64 },
    /// No run is due for so long. So many were missed, and are not caught up.
    Wait { wait: Millis, skipped: u64 },
}

/// The schedule of one instance.
#[derive(Debug, Clone)]
pub(crate) enum Timer {
    /// At an interval.
    Every(Interval),
    /// At times of the wall clock.
    Cron(Box<Times>),
}

#[derive(Debug, Clone)]
pub(crate) struct Interval {
    every: Millis,
    /// When the next run is due, by the time since the boot.
    next: Millis,
}

#[derive(Debug, Clone)]
pub(crate) struct Times {
    cron: Cron,
    catch_up: CatchUp,
    /// How much later each run is than its time.
    splay: Millis,
    /// Everything up to here has run or is not wanted. All times here are without the splay.
    seen: Timestamp,
    /// Since when nothing has run, by the time since the boot.
    idle_since: Millis,
}

impl Timer {
    /// Of an instance whose runs are later by `splay`. With `cron`, `seen` is the time up to which earlier runs of ansai
    /// have done what was due. At an interval, the first run is due at `first`, after the splay.
    pub(crate) fn new(
        timing: &Timing,
        every: Millis,
        splay: Millis,
        seen: Option<Timestamp>,
        (first, now): (Millis, Now),
    ) -> Timer {
        match &timing.cron {
            None => {
                let (every, next) = (every.max(Millis::new(1)), Millis::new(first.get().saturating_add(splay.get())));
                Timer::Every(Interval { every, next })
            }
            Some(cron) => Timer::Cron(Box::new(Times {
                cron: cron.clone(),
                catch_up: timing.catch_up,
                splay,
                seen: seen.unwrap_or(now.wall - splay),
                idle_since: now.up,
            })),
        }
    }

    /// Whether a run is due. If one is, it counts as begun.
    pub(crate) fn look(&mut self, now: Now) -> Look {
        match self {
            Timer::Every(interval) => interval.look(now.up),
            Timer::Cron(times) => times.look(now),
        }
    }

    /// When the next run is due by the wall clock, as far as that is known.
    pub(crate) fn next(&self, now: Now) -> Option<Timestamp> {
        match self {
            Timer::Every(interval) => Some(now.wall + since(interval.next, now.up)),
            Timer::Cron(times) => times.cron.next_after(times.seen).map(|next| (next + times.splay).max(now.wall)),
        }
    }

    /// The time up to which everything has run, for the next run of ansai; `None` at an interval.
    pub(crate) fn seen(&self) -> Option<Timestamp> {
        match self {
            Timer::Every(_) => None,
            Timer::Cron(times) => Some(times.seen),
        }
    }
}

impl Interval {
    fn look(&mut self, up: Millis) -> Look {
        if up < self.next {
            return Look::Wait { wait: since(self.next, up), skipped: 0 };
        }
        let (late, every) = (since(up, self.next), self.every.get());
        // On time, the rhythm stays, so that a fleet stays spread. After a slow run or a suspension, the next run comes a
        // whole interval later, and not immediately.
        let from = if late.get() < every / 10 { self.next } else { up };
        self.next = Millis::new(from.get().saturating_add(every));
        Look::Due { late: Millis::new(late.get() % every), skipped: late.get() / every }
    }
}

impl Times {
    fn look(&mut self, Now { up, wall }: Now) -> Look {
        let now = wall - self.splay;
        self.follow_clock(now, up);
        let Some(due) = self.cron.next_after(self.seen) else {
            return Look::Wait { wait: Millis::MAX, skipped: 0 };
        };
        if now < due {
            return Look::Wait { wait: due - now, skipped: 0 };
        }
        let (last, missed) = self.passed(due, now);
        let late = now - last;
        self.seen = now;
        // After a jump of years nobody looks for the last missed time.
        if self.catch_up == CatchUp::Never && (late > MISSED || missed >= MOST_COUNTED) {
            let next = self.cron.next_after(now).map_or(Millis::MAX, |next| next - now);
            return Look::Wait { wait: next, skipped: missed + 1 };
        }
        self.idle_since = up;
        Look::Due { late, skipped: missed }
    }

    /// If the wall clock was set back: times of the day that were named do not come again soon, and what comes "so often"
    /// goes on. Whatever was not run since the last run is still due.
    fn follow_clock(&mut self, now: Timestamp, up: Millis) {
        let is_small = self.seen - now <= SMALL_STEP && !self.cron.is_repeating();
        if now < self.seen && !is_small {
            self.seen = now - since(up, self.idle_since);
        }
    }

    /// The last time until now, and how many came before it since `due`.
    fn passed(&self, due: Timestamp, now: Timestamp) -> (Timestamp, u64) {
        let (mut last, mut missed) = (due, 0);
        while let Some(next) = self.cron.next_after(last).filter(|next| *next <= now) {
            // A clock that jumped by years is not walked through.
            if missed >= MOST_COUNTED {
                return (now, missed);
            }
            (last, missed) = (next, missed + 1);
        }
        (last, missed)
    }
}

fn since(later: Millis, earlier: Millis) -> Millis {
    Millis::new(later.get().saturating_sub(earlier.get()))
}

#[cfg(test)]
mod tests;
