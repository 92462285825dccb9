//! Why no step helps.

use ansai_sdk::paths::is_on;
use ansai_sdk::{Baseline, Ladder, Size, Span, largest, text};

use super::Situation;
use crate::calls::{self, FILES_PROBE};
use crate::detect::mounts;
use crate::growth;
use crate::imports::ansai::files::files_probe::{FileQuery, Usage};

/// Maximum number of directories, and of processes, in the explanation.
const MOST_NAMED: usize = 5;

pub(super) fn explain(situation: &Situation<'_>, ladder: &Ladder<'_>) -> Vec<String> {
    let mut parts = vec![what_is_left(situation, ladder)];
    parts.extend(largest_directories(situation));
    parts.extend(deleted(situation).into_iter().chain(quarantined(situation)));
    parts
}

fn what_is_left(situation: &Situation<'_>, ladder: &Ladder<'_>) -> String {
    let full = situation.how_full();
    if ladder.items() == 0 {
        let young = too_young(situation);
        return format!("nothing eligible to clean{young}; {full}");
    }
    let show = |amount| if situation.is_inodes { format!("{amount} inodes") } else { Size(amount).to_string() };
    format!("cleaning would free only {} of the {} needed; {full}", show(ladder.gained()), show(ladder.need()))
}

/// ` (16 files in /tmp younger than 7 d)`: files that would match if they were older.
fn too_young(situation: &Situation<'_>) -> String {
    let young = |(query, old): &(FileQuery, u64)| {
        let any_age = FileQuery { min_age_hours: 0, ..query.clone() };
        let all = calls::measure(situation.host, &any_age, None).ok()?.entries.iter().map(|usage| usage.files).sum();
        let young = u64::checked_sub(all, *old).filter(|young| *young > 0)?;
        let age = Span::from_hours(query.min_age_hours);
        Some(format!("{} in {} younger than {age}", text::count(young, "file"), query.root))
    };
    let words: Vec<String> = situation.scanned.borrow().iter().filter_map(young).collect();
    if words.is_empty() { String::new() } else { format!(" ({})", words.join(", ")) }
}

/// The largest directories, and those that grew most since the file system was last healthy.
pub(super) fn largest_directories(situation: &Situation<'_>) -> Vec<String> {
    let host = situation.host;
    if !host.grants().has(FILES_PROBE) {
        return vec![format!("grant {FILES_PROBE} to see which directories are large")];
    }
    let mut all: Vec<(Usage, u64)> = Vec::new();
    let mounts = mounts(&situation.filesystems);
    for root in growth::roots(host).iter().filter(|root| is_on(root, situation.mount, &mounts)) {
        let before = Baseline::recall(host, &growth::key(root));
        for one in growth::directories(host, root).unwrap_or_default() {
            let grown = before.as_ref().map_or(0, |before| before.growth(&one.path, one.bytes));
            all.push((one, grown));
        }
    }
    let size = |one: &Usage| if situation.is_inodes { one.files } else { one.bytes };
    let show = |one: &Usage| match situation.is_inodes {
        true => format!("{} with {} files", one.path, one.files),
        false => format!("{} with {}", one.path, Size(one.bytes)),
    };
    let named = largest(all.clone(), MOST_NAMED, |(one, _)| size(one));
    let mut grown = largest(all, MOST_NAMED, |(_, grown)| *grown);
    grown.retain(|(_, grown)| *grown > 0);
    let named = named.iter().map(|(one, _)| show(one));
    let grown = grown.iter().map(|(one, by)| format!("{} by {}", one.path, Size(*by)));
    text::list("largest", named).into_iter().chain(text::list("grown since last healthy", grown)).collect()
}

/// Removing an open file frees nothing until the process that holds it closes it.
fn deleted(situation: &Situation<'_>) -> Option<String> {
    if !situation.host.grants().has(FILES_PROBE) {
        return None;
    }
    let mut files = calls::deleted_open(situation.host).ok()?.entries;
    files.retain(|file| file.mount == situation.mount);
    let all = Size(files.iter().map(|file| file.bytes).sum());
    let words = files
        .iter()
        .take(MOST_NAMED)
        .map(|file| format!("{} (pid {}): {} of {}", file.process, file.pid, Size(file.bytes), file.path));
    text::list(&format!("{all} of deleted files are freed when these processes close them"), words)
}

fn quarantined(situation: &Situation<'_>) -> Option<String> {
    let held = situation.held();
    let bytes = Size(held.iter().map(|held| held.bytes).sum());
    let left = Span(held.iter().map(|held| held.newest_until.saturating_sub(situation.host.now())).max()?);
    (bytes > Size(0)).then(|| format!("quarantine holds {bytes} for at most {}", left.in_whole_hours()))
}
