//! Watches a step in the background until it ends, its time is over, or ansai stops.

use std::time::Duration;

use ansai_core::Timestamp;
use ansai_kit::action::{Applied, OnStop};
use serde_json::value::RawValue;

use super::step::ActingStep;
use crate::clock;
use crate::stop::Stop;

/// Interval at which a step in the background is polled.
const POLL: Duration = Duration::from_millis(200);

/// Waits for a step in the background. `None` if ansai stops and the step continues; its outcome follows after the
/// restart.
pub(super) fn watch(step: &ActingStep<'_>, handle: &RawValue, until: Timestamp, stop: &Stop) -> Option<Applied> {
    loop {
        if let Some(applied) = step.poll(handle) {
            return Some(applied);
        }
        if stop.is_asked() {
            match step.on_stop() {
                OnStop::Leave => return None,
                OnStop::Cancel => return Some(step.cancel(handle)),
                OnStop::Finish => {}
            }
        }
        if clock::now() >= until {
            return Some(step.cancel(handle));
        }
        std::thread::sleep(POLL);
    }
}
