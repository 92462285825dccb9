//! Checks a scenario without running it.

use std::path::Path;

use ansai_config::{Diagnostics, Report};
use ansai_kit::registry::Registry;

use super::check;
use super::file::Scenario;
use super::prepared::Prepared;
use super::subject::Subject;

/// Checks a file as [`super::run()`] does before it evaluates anything: its format, calls and values, and the settings,
/// grants and limits that the policy would get.
///
/// # Errors
/// All problems, each with its place.
pub fn look(subject: &Subject, file: &Path) -> Result<(), Diagnostics> {
    let scenario = Scenario::load(file)?;
    Prepared::new(subject, &scenario).map(drop)
}

/// Checks a file without a policy: its format, calls and values.
///
/// # Errors
/// All problems, each with its place.
pub fn look_alone(registry: &Registry, file: &Path) -> Result<(), Diagnostics> {
    let scenario = Scenario::load(file)?;
    let mut report = Report::new(&scenario.file, &scenario.text);
    check::scenario(&scenario, registry, &mut report);
    report.finish()
}
