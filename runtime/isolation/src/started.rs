//! Which separations the processes have that this program started.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::process::Start;
use crate::report::{Profile, Report};

static REPORTS: Mutex<BTreeMap<(&str, String), Report>> = Mutex::new(BTreeMap::new());
/// Purposes that are kept. Each compartment of guest code is one.
const MOST: usize = 1_000;

fn reports() -> MutexGuard<'static, BTreeMap<(&'static str, String), Report>> {
    REPORTS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A process was started and reported this.
pub(crate) fn note(start: &Start, report: &Report) {
    let mut reports = reports();
    let key = (start.profile.name(), start.account.purpose.clone());
    if reports.len() < MOST || reports.contains_key(&key) {
        reports.insert(key, report.clone());
    }
}

/// The last report of each purpose of a profile; empty if none was started yet.
pub fn last(profile: Profile) -> Vec<Report> {
    reports().iter().filter(|((name, _), _)| *name == profile.name()).map(|(_, report)| report.clone()).collect()
}
