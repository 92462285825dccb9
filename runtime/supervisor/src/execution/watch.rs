//! Watches a step in the background until it ends, its time is over, or ansai stops.

use std::time::{Duration, Instant};

use ansai_core::{Event, Millis, Timestamp};
use ansai_kit::action::{Applied, OnStop, Progress};
use serde_json::value::RawValue;
use tokio::runtime::Handle;

use super::progress::{Notes, until_next_look};
use super::step::ActingStep;
use crate::clock;
use crate::stop::Stop;

/// Whether ansai may cancel the step. In observe mode it only looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MayCancel {
    Yes,
    No,
}

/// How watching ended.
pub(super) enum Watched {
    /// The step is over.
    Ended(Applied),
    /// ansai stops and the step continues; its outcome follows after the restart.
    Left,
    /// The time of the step is over, and ansai may not cancel it.
    Overdue,
}

/// The time of day at the beginning, which goes on as the host runs: who sets the clock meanwhile neither ends a step early
/// nor prolongs it.
struct Steady {
    wall: Timestamp,
    since_boot: Millis,
}

impl Steady {
    fn new(wall: Timestamp, since_boot: Millis) -> Steady {
        Steady { wall, since_boot }
    }

    /// When the host has run for this long.
    fn at(&self, since_boot: Millis) -> Timestamp {
        self.wall + Millis::new(since_boot.get().saturating_sub(self.since_boot.get()))
    }
}

/// Waits for a step in the background, on a thread that may block, and tells how far it is.
pub(super) fn watch(
    step: &ActingStep<'_>,
    handle: &RawValue,
    until: Timestamp,
    stop: &Stop,
    may_cancel: MayCancel,
) -> Watched {
    let mut notes = Notes::new(Instant::now());
    let time = Steady::new(clock::now(), clock::since_boot());
    loop {
        let again_in = match step.poll(handle, time.at(clock::since_boot())) {
            Progress::Finished(applied) => return Watched::Ended(applied),
            Progress::Running { note, again_in } => {
                step.tell(&mut notes, &note);
                until_next_look(again_in)
            }
        };
        let is_stopping = stop.is_asked();
        if is_stopping {
            match (step.on_stop(), may_cancel) {
                (OnStop::Leave, _) | (OnStop::Cancel, MayCancel::No) => return Watched::Left,
                (OnStop::Cancel, MayCancel::Yes) => return Watched::Ended(step.cancel(handle)),
                (OnStop::Finish, _) => {}
            }
        }
        let now = time.at(clock::since_boot());
        if now >= until {
            return match may_cancel {
                MayCancel::Yes => Watched::Ended(step.cancel(handle)),
                MayCancel::No => Watched::Overdue,
            };
        }
        pause(again_in.min((until - now).into()), is_stopping, stop);
    }
}

/// A request to stop ends the pause.
fn pause(time: Duration, is_stopping: bool, stop: &Stop) {
    if is_stopping {
        // It has been asked for, and the step is to finish.
        std::thread::sleep(time);
    } else {
        let _ = Handle::current().block_on(stop.or(tokio::time::sleep(time)));
    }
}

impl ActingStep<'_> {
    /// Publishes a note, if it is time for one. The audit log does not get it: it has the outcome.
    fn tell(&self, notes: &mut Notes, note: &str) {
        if let Some(note) = notes.news(Instant::now(), || self.treated(note)) {
            let (id, note) = (self.id(), note.to_owned());
            let (plan, instance) = (id.plan.to_owned(), id.instance.clone());
            self.journal().publish(clock::now(), || Event::Progress { plan, step: id.step, instance, note });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Would break: a deadline that is the time of day of a clock that somebody sets.
    #[test]
    fn the_time_of_a_step_goes_on_as_the_host_runs() {
        let time = Steady::new(Timestamp::from_millis(9_000), Millis::new(500));
        assert_eq!(time.at(Millis::new(500)), Timestamp::from_millis(9_000));
        assert_eq!(time.at(Millis::new(1_750)), Timestamp::from_millis(10_250));
        // The host has booted meanwhile, as a simulation does.
        assert_eq!(time.at(Millis::ZERO), Timestamp::from_millis(9_000));
    }
}
