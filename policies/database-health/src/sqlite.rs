//! SQLite databases: the files of the settings.

mod calls;
pub(crate) mod damage;
mod held;
mod memory;
pub(crate) mod sizes;

use ansai_sdk::report::Place;
use ansai_sdk::{Observation, Size, Status, Subject};

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
    let host = report.host();
    let mut checks = MOST_CHECKS;
    for path in &settings.files {
        let place = Place::new(host, path, Subject::new("file", path));
        if !host.grants().has(calls::PROBE) {
            report.add(place.unknown(FILE, format!("{path} is not checked: {} is not granted", calls::PROBE)));
            continue;
        }
        match calls::look(host, path, Depth::Header) {
            Ok(found) => {
                let place = Place { about: found.about.clone(), ..place };
                observe_file(&File { place, found, settings }, report, &mut checks);
            }
            Err(refusal) => {
                report.count(&refusal);
                report.add(place.unknown(FILE, format!("{path}: {}", refusal.words())));
            }
        }
    }
}

/// A database that can be read.
struct File<'a> {
    place: Place<'a>,
    found: Database,
    settings: &'a Settings,
}

fn observe_file(file: &File<'_>, report: &mut Report<'_>, checks: &mut usize) {
    let (path, found) = (file.place.name, &file.found);
    let mut memory = Memory::recall(report.host(), path);
    let checked = damage::observe(path, &mut memory, report, checks);
    sizes::observe(file, &mut memory, report);
    held::observe(file, &mut memory, report);
    memory.remember(report.host(), path);
    let seen = file.place.observe(FILE, Status::Healthy, format!("{path} has {}; {checked}", Size(found.bytes)));
    report.add(seen.bytes("size", found.bytes).bytes("wal", found.wal_bytes));
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
