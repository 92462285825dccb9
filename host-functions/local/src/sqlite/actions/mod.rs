//! `ansai:sqlite/sqlite-actions`.

mod checkpoint;
mod copy;
mod new_file;
mod target;
mod vacuum;
mod way;

use std::time::Duration;

use ansai_core::text::inert;
use ansai_core::{Measure, Millis, Outcome, Refusal};
use ansai_kit::action::Applied;

pub(super) use self::checkpoint::Checkpoint;
pub(super) use self::copy::{Copy, RecoverCopy};
pub(super) use self::vacuum::Vacuum;

/// The longest `within`: ansai waits for the step on a thread.
const LONGEST: Duration = Duration::from_secs(6 * 3_600);

/// The longest sentence about an outcome, in characters.
const MOST_DETAIL: usize = 2_000;

/// `within`, bounded.
fn within(within: Millis) -> Result<Duration, Refusal> {
    let within = Duration::from(within);
    match !within.is_zero() && within <= LONGEST {
        true => Ok(within),
        false => Err(Refusal::Invalid("`within` must be at least 1 ms and at most 6 h".to_owned())),
    }
}

/// The outcome of a step about one file. A path in the sentence may hold anything.
fn applied(target: &str, outcome: Outcome, detail: String, measures: Vec<Measure>) -> Applied {
    let detail = inert(&detail, MOST_DETAIL);
    Applied { measures, ..Applied::of_one(target, outcome, detail) }
}

/// The outcome of a step whose process refused, or did not answer.
fn failed(target: &str, why: Refusal) -> Applied {
    Applied { reason: Some(why.clone()), ..applied(target, Outcome::Failed, why.to_string(), Vec::new()) }
}
