//! A step that runs by itself: watched until it ends, its time is over or ansai stops.

use std::time::Duration;

use ansai_core::{Instant, Outcome};
use ansai_kit::action::{Applied, OnStop, Progress};
use serde_json::value::RawValue;

use super::step::ActingStep;
use crate::clock;
use crate::stop::Stop;

/// Between two looks at a step that runs by itself.
const POLL: Duration = Duration::from_millis(200);

/// How a step that began ended.
pub(crate) enum Ended {
    With(Applied),
    /// ansai stops and the step goes on by itself. Its outcome follows after the restart.
    StillRunning,
}

/// Waits for a step that runs by itself.
pub(super) fn watch(step: &ActingStep<'_>, handle: &RawValue, until: Instant, stop: &Stop) -> Ended {
    loop {
        match step.poll(handle) {
            Progress::Running(_) => {}
            over => return ended(over),
        }
        if stop.is_asked() {
            match step.on_stop() {
                OnStop::Leave => return Ended::StillRunning,
                OnStop::Cancel => return ended(step.cancel(handle)),
                OnStop::Finish => {}
            }
        }
        if clock::now() >= until {
            return ended(step.cancel(handle));
        }
        std::thread::sleep(POLL);
    }
}

pub(super) fn ended(progress: Progress) -> Ended {
    Ended::With(match progress {
        Progress::Finished(applied) => applied,
        Progress::Lost(why) => unknown(why),
        Progress::Running(_) => unknown("it could not be cancelled".into()),
    })
}

/// An outcome that is not known.
pub(super) fn unknown(why: String) -> Applied {
    Applied { outcome: Outcome::Unknown, detail: why, measures: Vec::new(), items: Vec::new() }
}
