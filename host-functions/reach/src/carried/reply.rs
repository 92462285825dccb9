//! What comes back from the process that calls servers. It is untrusted: somebody else's server may have taken it over.

use ansai_core::{Millis, Preview, Refusal};
use ansai_kit::action::{Applied, Begun, Progress};
pub(super) use ansai_kit::carrier::{Answer, Masks, invalid};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// The longest answer about a step, in bytes. It is kept, and shown to people.
const MOST_STEP: usize = 1 << 20;
/// The longest handle of a running step, in bytes.
const MOST_HANDLE: usize = 64 << 10;
/// The longest time that a step may run.
const LONGEST_STEP: Millis = Millis::new(7 * 24 * 3_600_000);

/// What a preview answers.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Foreseen {
    pub(super) preview: Preview,
    pub(super) targets: Box<RawValue>,
}

/// [`Begun`] as it crosses.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) enum Began {
    Finished(Applied),
    Running { handle: Box<RawValue>, limit: Millis },
}

/// [`Progress`] as it crosses.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) enum Seen {
    Running { note: String, again_in: Millis },
    Finished(Applied),
}

impl From<Begun> for Began {
    fn from(begun: Begun) -> Began {
        match begun {
            Begun::Finished(applied) => Began::Finished(applied),
            Begun::Running { handle, limit } => Began::Running { handle, limit },
        }
    }
}

impl Began {
    pub(super) fn accept(self) -> Result<Begun, Refusal> {
        match self {
            Began::Finished(applied) => Ok(Begun::Finished(applied)),
            Began::Running { handle, .. } if handle.get().len() > MOST_HANDLE => Err(invalid()),
            Began::Running { handle, limit } => Ok(Begun::Running { handle, limit: limit.min(LONGEST_STEP) }),
        }
    }
}

impl From<Progress> for Seen {
    fn from(progress: Progress) -> Seen {
        match progress {
            Progress::Running { note, again_in } => Seen::Running { note, again_in },
            Progress::Finished(applied) => Seen::Finished(applied),
        }
    }
}

impl From<Seen> for Progress {
    fn from(seen: Seen) -> Progress {
        match seen {
            Seen::Running { note, again_in } => Progress::Running { note, again_in },
            Seen::Finished(applied) => Progress::Finished(applied),
        }
    }
}

/// Reads an answer as its type.
///
/// # Errors
/// It is none.
pub(super) fn read<T: DeserializeOwned>(answer: &RawValue) -> Result<T, Refusal> {
    serde_json::from_str(answer.get()).map_err(|_| invalid())
}

/// Reads an answer about a step as its type.
///
/// # Errors
/// It is none, or too long.
pub(super) fn about_step<T: DeserializeOwned>(answer: &RawValue) -> Result<T, Refusal> {
    if answer.get().len() > MOST_STEP { Err(invalid()) } else { read(answer) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn raw(text: &str) -> Box<RawValue> {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn what_is_said_about_a_step_is_bounded() {
        let said = |bytes: usize| about_step::<String>(&raw(&format!("\"{}\"", "x".repeat(bytes))));
        assert!(said(MOST_STEP - 2).is_ok());
        assert_eq!(said(MOST_STEP - 1), Err(invalid()));
        let running = |limit| Began::Running { handle: raw("1"), limit: Millis::new(limit) }.accept().unwrap();
        for (limit, kept) in [(5, Millis::new(5)), (u64::MAX, LONGEST_STEP)] {
            assert!(matches!(running(limit), Begun::Running { limit, .. } if limit == kept), "{limit}");
        }
    }
}
