//! Whether the loop lives: what a watchdog asks before it tells the service manager that all is well.
//!
//! A part that works beats at least once a second. One that has not beaten for long is stalled: it waits for a disk or a lock
//! that never answers, or no thread is left for it. An error is not a stall: a disk that is full still answers.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use crate::supervisor::Supervisor;

/// What beats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// Timers and tasks: what starts every pass.
    Schedule,
    /// The audit log, the event stream and the state.
    Records,
}

impl Part {
    const ALL: [Part; 2] = [Part::Schedule, Part::Records];

    /// For messages: the part that is stalled.
    fn name(self) -> &'static str {
        match self {
            Part::Schedule => "the schedule",
            Part::Records => "writing records to the disk",
        }
    }
}

/// How far the loop is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Opened,
    /// Every part is expected to beat since this moment.
    Recovering,
    Running(Instant),
    Ending,
}

/// The beats of a supervisor.
pub(crate) struct Pulse {
    opened: Instant,
    phase: watch::Sender<Phase>,
    /// The last beat of each part, in milliseconds since `opened`.
    beats: [AtomicU64; Part::ALL.len()],
}

impl Pulse {
    pub(crate) fn new() -> Pulse {
        let phase = watch::Sender::new(Phase::Opened);
        Pulse { opened: Instant::now(), phase, beats: [const { AtomicU64::new(0) }; Part::ALL.len()] }
    }

    /// Steps of an earlier run are being recovered.
    pub(crate) fn recovers(&self) {
        self.phase.send_replace(Phase::Recovering);
    }

    /// From now on every part beats.
    pub(crate) fn runs(&self) {
        self.runs_since(Instant::now());
    }

    /// From now on no part is expected to beat: ansai ends, and what it waits for has time limits elsewhere.
    pub(crate) fn ends(&self) {
        self.phase.send_replace(Phase::Ending);
    }

    pub(crate) fn beat(&self, part: Part) {
        self.beat_at(part, Instant::now());
    }

    fn runs_since(&self, now: Instant) {
        self.phase.send_replace(Phase::Running(now));
    }

    fn beat_at(&self, part: Part, now: Instant) {
        let age = now.saturating_duration_since(self.opened).as_millis();
        if let Some(beat) = self.beats.get(part as usize) {
            beat.store(u64::try_from(age).unwrap_or(u64::MAX), Ordering::Relaxed);
        }
    }

    /// The first part that has not beaten for longer than `limit`.
    fn stalled(&self, limit: Duration, now: Instant) -> Option<Part> {
        let Phase::Running(since) = *self.phase.borrow() else { return None };
        let last = |part: Part| {
            let beat = self.beats.get(part as usize).map_or(0, |beat| beat.load(Ordering::Relaxed));
            (self.opened + Duration::from_millis(beat)).max(since)
        };
        Part::ALL.into_iter().find(|part| now.saturating_duration_since(last(*part)) > limit)
    }
}

impl Supervisor {
    /// Completes when the recovery of an earlier run has begun.
    pub async fn has_begun(&self) {
        let mut phase = self.0.pulse.phase.subscribe();
        // The sender lives as long as the supervisor.
        let _ = phase.wait_for(|phase| *phase != Phase::Opened).await;
    }

    /// The part of the loop that has done nothing for longer than `limit`, in words; `None` while all of them work, and
    /// before and after [`Supervisor::run`].
    pub fn stalled(&self, limit: Duration) -> Option<&'static str> {
        if self.0.stop.is_asked() {
            return None;
        }
        self.0.pulse.stalled(limit, Instant::now()).map(Part::name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(10);

    fn after(seconds: u64, pulse: &Pulse) -> Instant {
        pulse.opened + Duration::from_secs(seconds)
    }

    #[test]
    fn each_part_that_stops_beating_is_found() {
        for stalled in Part::ALL {
            let pulse = Pulse::new();
            pulse.runs_since(pulse.opened);
            for second in [5, 10, 15] {
                let now = after(second, &pulse);
                Part::ALL.into_iter().for_each(|part| pulse.beat_at(part, now));
                assert_eq!(pulse.stalled(LIMIT, now), None);
            }
            for second in [20, 25, 30] {
                let others = Part::ALL.into_iter().filter(|part| *part != stalled);
                others.for_each(|part| pulse.beat_at(part, after(second, &pulse)));
            }
            assert_eq!(pulse.stalled(LIMIT, after(25, &pulse)), None, "it may take as long as the limit");
            assert_eq!(pulse.stalled(LIMIT, after(30, &pulse)), Some(stalled));
            // A disk that answers again.
            pulse.beat_at(stalled, after(30, &pulse));
            assert_eq!(pulse.stalled(LIMIT, after(30, &pulse)), None);
        }
    }

    /// Would break: a part that hangs at once and never beats.
    #[test]
    fn a_part_that_never_beats_is_found_and_recovery_and_the_end_take_their_time() {
        let pulse = Pulse::new();
        assert_eq!(pulse.stalled(LIMIT, after(60, &pulse)), None, "not begun");
        pulse.recovers();
        assert_eq!(pulse.stalled(LIMIT, after(120, &pulse)), None, "recovery");
        pulse.runs_since(after(120, &pulse));
        assert_eq!(pulse.stalled(LIMIT, after(130, &pulse)), None, "it counts from when it runs");
        assert_eq!(pulse.stalled(LIMIT, after(131, &pulse)), Some(Part::Schedule));
        pulse.ends();
        assert_eq!(pulse.stalled(LIMIT, after(300, &pulse)), None, "the end");
    }
}
