//! Finds file systems that are full, and proposes to remove old temporary files.

use ansai_sdk::{CouldNotTell as _, Decision, Failure, Host, Levels, Measure, Observation, OnFailure, Policy, share};
use imports::ansai::disk::disk_probe::{self, Filesystem, Filesystems};
use imports::ansai::files::files_actions::{self, Selection};
use serde::Deserialize;

// Generates the module `imports` from the capabilities in policy.toml.
ansai_sdk::policy!(DiskSpace);

struct DiskSpace;

/// As settings.schema.json describes them; the host has validated them and filled in the defaults.
#[derive(Deserialize)]
struct Settings {
    warning_percent: f64,
    critical_percent: f64,
    directory: String,
    min_age_hours: u32,
}

impl Policy for DiskSpace {
    type Settings = Settings;

    fn detect(settings: &Settings, host: &Host) -> Result<Vec<Observation>, Failure> {
        let levels = Levels::rising().warning(settings.warning_percent).critical(settings.critical_percent).rearm(5.0);
        let found = disk_probe::list_filesystems().could_not_tell("the file systems could not be listed")?;
        let unmounted = unmounted(&found, host);
        let cleanable = found.entries.into_iter().filter(|one| !one.read_only && !one.remote);
        Ok(cleanable.filter_map(|one| observe(one, &levels, host)).chain(unmounted).collect())
    }

    fn plan(settings: &Settings, host: &Host, finding: &Observation) -> Result<Decision, Failure> {
        let (key, directory) = (&finding.key, &settings.directory);
        if !host.attempts().is_empty() {
            return Ok(Decision::GiveUp(format!("removing old temporary files did not bring {key} down")));
        }
        let old = Selection {
            root: directory.clone(),
            globs: vec!["**".into()],
            exclude: Vec::new(),
            min_age_hours: settings.min_age_hours,
            min_bytes: 0,
            max_files: 0,
            enough_bytes: 0,
            cursor: None,
        };
        // The call removes nothing: it proposes the step, and returns what the step would do.
        Ok(match files_actions::remove(&old, &finding.summary) {
            Err(refusal) => Decision::GiveUp(format!("old files in {directory} cannot be removed: {}", refusal.text())),
            Ok(preview) if preview.items == 0 => {
                Decision::advise(format!("make {key} larger"), format!("nothing old is left in {directory}"))
            }
            Ok(_) => Decision::Apply(OnFailure::Stop),
        })
    }
}

/// Blocks reserved for root are neither used nor available. `None` for a file system without blocks.
fn observe(one: Filesystem, levels: &Levels, host: &Host) -> Option<Observation> {
    let used = share::in_use(one.total_bytes.saturating_sub(one.reserved_bytes), one.available_bytes)?;
    let status = levels.status(used * 100.0, host.open_severity(&one.mount));
    let summary = format!("{} is {} full", one.mount, share::percent_words(used * 100.0));
    let seen = Observation::new(one.mount, one.about, status, summary);
    Some(seen.with(Measure::ratio("used", used)).with(Measure::bytes("available", one.available_bytes)))
}

/// Closes the incidents of file systems that are no longer mounted. An incomplete list does not prove that.
fn unmounted(found: &Filesystems, host: &Host) -> Vec<Observation> {
    if found.skipped > 0 {
        return Vec::new();
    }
    let is_listed = |key: &str| found.entries.iter().any(|one| one.mount == key);
    let missing = host.open_incidents().iter().filter(|incident| !is_listed(&incident.key));
    let gone = |one: &Observation| {
        let summary = format!("{} is no longer mounted", one.key);
        Observation::gone(&one.key, one.about.clone(), summary)
    };
    missing.map(gone).collect()
}
