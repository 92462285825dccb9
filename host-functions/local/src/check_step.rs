//! Steps that look until something is so, and change nothing.

use ansai_core::{Millis, Outcome, Refusal, Timestamp};
use ansai_kit::action::{Applied, Begun, Progress, StepContext, read_handle};
use ansai_kit::call::to_text;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// The longest `within`.
pub(crate) const LONGEST: Millis = Millis::new(3_600_000);
/// So that the step ends by itself, with its reason, before the host ends it.
const MARGIN: Millis = Millis::new(30_000);
const AGAIN: Millis = Millis::new(500);

/// What a look has found.
pub(crate) enum Look {
    /// It is so, or waiting does not help.
    Over(Applied),
    /// It is not so yet, for this reason.
    NotYet(String),
}

/// What is looked at, and until when.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Handle<T> {
    target: T,
    until: Timestamp,
}

/// Refuses a time that is too long.
pub(crate) fn require(within: Millis) -> Result<(), Refusal> {
    match within > LONGEST {
        true => Err(Refusal::Invalid(format!("`within` is {within}, more than {LONGEST}"))),
        false => Ok(()),
    }
}

/// A step that looks at this until `within` is over. [`poll`] looks.
pub(crate) fn begin(doing: &StepContext<'_>, target: impl Serialize, within: Millis) -> Result<Begun, Refusal> {
    let within = within.min(LONGEST);
    running(&Handle { target, until: doing.now + within }, within)
}

/// A step with a handle of its own.
pub(crate) fn running(handle: &impl Serialize, within: Millis) -> Result<Begun, Refusal> {
    Ok(Begun::Running { handle: to_text(handle)?, limit: Millis::new(within.get().saturating_add(MARGIN.get())) })
}

/// Looks once more. `late` is the outcome if it is still not so when the time is over, for the reason that was found.
pub(crate) fn poll<T: DeserializeOwned>(
    doing: &StepContext<'_>,
    handle: &RawValue,
    look: impl FnOnce(&T) -> Look,
    late: impl FnOnce(&T, String) -> Applied,
) -> Progress {
    let Handle { target, until } = match read_handle::<Handle<T>>(handle) {
        Ok(handle) => handle,
        Err(why) => return Progress::Finished(Applied::unknown(why)),
    };
    match look(&target) {
        Look::Over(applied) => Progress::Finished(applied),
        Look::NotYet(note) if doing.now >= until => Progress::Finished(late(&target, note)),
        Look::NotYet(note) => Progress::Running { note, again_in: AGAIN },
    }
}

/// The outcome of a step that was cancelled.
pub(crate) fn cancelled() -> Applied {
    Applied { outcome: Outcome::Failed, ..Applied::unknown("the check was cancelled; it changed nothing") }
}
