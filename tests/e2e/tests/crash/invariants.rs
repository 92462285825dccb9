//! Invariants that hold after every crash, once ansai has run again.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use super::files::{Files, accounted};
use super::log::{Log, rows, step_id, text};
use super::site::{COOLDOWN_HOURS, Site};

/// Checks a site where ansai ran to completion after a crash. `before` is the state before its first action.
pub(crate) fn hold(site: &Site, before: &Files) {
    let state_dir = site.state_dir();
    let log = Log::read(&state_dir);
    let intents = log.count("intent");
    assert!(intents.values().all(|count| *count == 1), "a step began twice: {intents:?}");
    let mut outcomes = log.count("outcome");
    // A step whose intent could not be recorded did not begin.
    for refused in log.of("outcome").filter(|outcome| outcome["outcome"] == "refused") {
        let step = step_id(refused);
        if !intents.contains_key(&step) {
            assert_eq!(outcomes.remove(&step), Some(1), "refused once: {refused}");
        }
    }
    assert_eq!(outcomes, intents, "each step that began has one outcome");
    accounted(before, site.target.path(), &state_dir, &log);
    assert_eq!(rows(&state_dir, "SELECT value FROM step"), [""; 0], "steps under way");
    attempts_survive(&state_dir, &log);
    leave_nothing_behind(&state_dir);
}

/// Attempts are spaced by the cooldown, and an open incident counts all of them.
fn attempts_survive(state_dir: &Path, log: &Log) {
    let cooldown = u64::try_from(COOLDOWN_HOURS).unwrap() * 3_600_000;
    let attempts = log.attempts();
    for (incident, begun) in &attempts {
        for pair in begun.windows(2) {
            let apart = pair[1].1 - pair[0].1;
            // The intent follows shortly after the start of the attempt.
            assert!(apart + 60_000 >= cooldown, "{incident}: attempts {apart} ms apart: {begun:?}");
        }
    }
    for incident in rows(state_dir, "SELECT value FROM incident") {
        let incident: Value = serde_json::from_str(&incident).unwrap();
        let begun = attempts.get(&text(&incident["id"])).map_or(&[][..], Vec::as_slice);
        // An attempt may have started without reaching its first step.
        let counted = incident["begun"].as_u64().unwrap();
        assert!((begun.len() as u64..=begun.len() as u64 + 1).contains(&counted), "{counted} of {begun:?}");
        let known: u64 = incident["attempts"].as_array().unwrap().iter().map(steps).sum();
        let plans: BTreeMap<&String, ()> = begun.iter().map(|(plan, _)| (plan, ())).collect();
        let outcomes = log.of("outcome").filter(|outcome| plans.contains_key(&text(&outcome["plan"]))).count() as u64;
        assert!(known >= outcomes, "the policy is told of {known} of {outcomes} steps: {incident:#}");
    }
}

fn steps(attempt: &Value) -> u64 {
    attempt["steps"].as_array().unwrap().len() as u64
}

/// Temporary files of crashes do not accumulate.
fn leave_nothing_behind(state_dir: &Path) {
    let mut waiting = vec![state_dir.to_owned()];
    while let Some(directory) = waiting.pop() {
        for entry in directory.read_dir().unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                waiting.push(path);
                continue;
            }
            let name = path.file_name().unwrap().to_string_lossy();
            let ends = name.ends_with(".tmp") || name.ends_with(".partial") || name.ends_with("-journal");
            let temporary = ends || name.starts_with('.') || name.starts_with("key.");
            assert!(!temporary, "{} was left behind", path.display());
        }
    }
}
