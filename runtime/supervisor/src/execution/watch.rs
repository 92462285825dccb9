//! Watches a step in the background until it ends, its time is over, or ansai stops.

use std::time::{Duration, Instant};

use ansai_core::{Event, Timestamp};
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

/// Waits for a step in the background, on a thread that may block, and tells how far it is.
pub(super) fn watch(
    step: &ActingStep<'_>,
    handle: &RawValue,
    until: Timestamp,
    stop: &Stop,
    may_cancel: MayCancel,
) -> Watched {
    let mut notes = Notes::new(Instant::now());
    loop {
        let again_in = match step.poll(handle) {
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
        let now = clock::now();
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
