//! SQLite databases: the files of the settings.

mod calls;
mod damage;
mod held;
mod memory;
mod sizes;

use ansai_sdk::{Decision, Failure, Measure, Observation, Size, Status, Subject};

use crate::imports::ansai::sqlite::sqlite_probe::{Database, Depth};
use crate::plan::Situation;
use crate::report::Report;
use crate::settings::Settings;
use memory::Memory;

const FILE: &str = "file";
const DAMAGE: &str = "damage";
const WAL: &str = "wal";
const FREE_PAGES: &str = "free-pages";
const HELD: &str = "held";

/// Databases that are checked in one evaluation: a check may take a third of its time. The others follow.
const MOST_CHECKS: usize = 2;

/// Observes the files of the settings.
pub(crate) fn observe(settings: &Settings, report: &mut Report<'_>) {
    let mut checks = MOST_CHECKS;
    for path in &settings.files {
        let about = Subject::new("file", path);
        if !report.host().grants().has(calls::PROBE) {
            let why = format!("{path} is not checked: {} is not granted", calls::PROBE);
            report.add(Observation::unknown(key(FILE, path), about, why));
            continue;
        }
        match calls::look(report.host(), path, Depth::Header) {
            Ok(found) => observe_file(path, &found, settings, report, &mut checks),
            Err(refusal) => {
                report.count(&refusal);
                report.add(Observation::unknown(key(FILE, path), about, format!("{path}: {}", refusal.words())));
            }
        }
    }
}

fn observe_file(path: &str, found: &Database, settings: &Settings, report: &mut Report<'_>, checks: &mut usize) {
    let mut memory = Memory::recall(report.host(), path);
    let checked = damage::observe(path, &mut memory, report, checks);
    sizes::observe(path, found, &mut memory, settings, report);
    held::observe(path, found, &mut memory, settings, report);
    memory.remember(report.host(), path);
    let words = format!("{path} has {}; {checked}", Size(found.bytes));
    report.add(
        Observation::new(key(FILE, path), found.about.clone(), Status::Healthy, words)
            .with(Measure::bytes("size", found.bytes))
            .with(Measure::bytes("wal", found.wal_bytes)),
    );
}

/// The key of a finding about a file. A long one is cut, so it is not taken apart.
fn key(kind: &str, path: &str) -> String {
    Observation::new(format!("{kind}:{path}"), Subject::new("file", path), Status::Healthy, "").key
}

/// Whether the settings still name the file of a key; `None` if the key is not about a file.
pub(crate) fn is_watched(about: &str, settings: &Settings) -> Option<bool> {
    let (kind, _) = about.split_once(":/")?;
    let is_ours = [FILE, DAMAGE, WAL, FREE_PAGES, HELD].contains(&kind);
    is_ours.then(|| settings.files.iter().any(|path| key(kind, path) == about))
}

/// What to do about a finding about a file; `None` if it is none.
pub(crate) fn plan(situation: &Situation<'_>) -> Option<Result<Decision, Failure>> {
    if !situation.target.starts_with('/') {
        return None;
    }
    Some(match situation.kind {
        DAMAGE => damage::plan(situation),
        WAL => sizes::plan_wal(situation),
        FREE_PAGES => sizes::plan_free_pages(situation),
        _ => return None,
    })
}

/// The file of a finding. Its key may be cut.
fn path_of<'a>(situation: &Situation<'a>) -> &'a str {
    &situation.finding.about.name
}

/// Its directory.
fn directory_of(path: &str) -> &str {
    match path.rsplit_once('/') {
        Some(("", _)) | None => "/",
        Some((directory, _)) => directory,
    }
}
