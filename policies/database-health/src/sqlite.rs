//! SQLite databases. Not there yet.

use ansai_sdk::{Decision, Failure};

use crate::plan::Situation;
use crate::report::Report;
use crate::settings::Settings;

/// Observes the files of the settings.
pub(crate) fn observe(_settings: &Settings, _report: &mut Report<'_>) {}

/// Whether the settings still name the file of a key; `None` if the key is not about a file.
pub(crate) fn is_watched(_key: &str, _settings: &Settings) -> Option<bool> {
    None
}

/// What to do about a finding about a file; `None` if it is none.
pub(crate) fn plan(_situation: &Situation<'_>) -> Option<Result<Decision, Failure>> {
    None
}
