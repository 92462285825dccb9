//! What a person is told when nothing that this policy may do would help.

use super::proposals::Proposals;
use super::{Situation, earlier};
use crate::detect::in_hours;
use crate::growth::{self, Directory, MOST_ROOTS};
use crate::port::*;
use crate::words;

/// Directories, and processes, that are named.
const MOST_NAMED: usize = 5;
const MOST_NOTES: usize = 8;
const MOST_BYTES: usize = 4000;

pub(super) fn explain(situation: &Situation<'_>, proposals: &Proposals<'_>) -> String {
    let mut parts = vec![format!("{}, and {}", situation.how_full(), what_is_left(situation, proposals))];
    let tried = earlier::told(&situation.attempts);
    if !tried.is_empty() {
        parts.push(format!("tried: {tried}"));
    }
    if !proposals.notes.is_empty() {
        let notes: Vec<&str> = proposals.notes.iter().take(MOST_NOTES).map(String::as_str).collect();
        parts.push(format!("not possible: {}", notes.join(", ")));
    }
    parts.extend([largest(situation), deleted(situation), quarantined(situation)]);
    parts.retain(|part| !part.is_empty());
    words::cut(&parts.join("; "), MOST_BYTES).to_owned()
}

fn what_is_left(situation: &Situation<'_>, proposals: &Proposals<'_>) -> String {
    if proposals.items == 0 {
        return "nothing is left that may be cleaned".into();
    }
    let show = |amount| if situation.is_inodes { format!("{amount} inodes") } else { words::bytes(amount) };
    format!(
        "what may still be cleaned would bring back only {} of the {} that are needed",
        show(proposals.back()),
        show(proposals.need)
    )
}

/// The largest directories, and those that grew most since the file system was last healthy.
pub(super) fn largest(situation: &Situation<'_>) -> String {
    if !situation.scopes.has(FILES_PROBE) {
        return format!("grant {FILES_PROBE} to be told which directories are large");
    }
    let mut all: Vec<(Directory, u64)> = Vec::new();
    for root in situation.scopes.roots(FILES_PROBE).iter().take(MOST_ROOTS) {
        if !growth::is_on(root, &situation.mount, &situation.filesystems) {
            continue;
        }
        let before = growth::remembered(situation.host, root);
        let grown = |one: &Directory| {
            let known = before.as_ref().and_then(|before| before.bytes(&one.path));
            known.map_or(0, |known| one.bytes.saturating_sub(known))
        };
        let found = growth::directories(situation.host, root).unwrap_or_default();
        all.extend(found.into_iter().map(|one| (grown(&one), one)).map(|(grown, one)| (one, grown)));
    }
    let size = |one: &Directory| if situation.is_inodes { one.files } else { one.bytes };
    let mut parts = Vec::new();
    let named = growth::largest(all.clone(), MOST_NAMED, |(one, _)| size(one));
    let named: Vec<String> = named.iter().map(|(one, _)| show(one, situation.is_inodes)).collect();
    if !named.is_empty() {
        parts.push(format!("largest: {}", named.join(", ")));
    }
    let grown = growth::largest(all, MOST_NAMED, |(_, grown)| *grown);
    let grown: Vec<String> = grown
        .iter()
        .filter(|(_, grown)| *grown > 0)
        .map(|(one, grown)| format!("{} by {}", one.path, words::bytes(*grown)))
        .collect();
    if !grown.is_empty() {
        parts.push(format!("grown since it was last seen healthy: {}", grown.join(", ")));
    }
    parts.join("; ")
}

fn show(directory: &Directory, is_inodes: bool) -> String {
    match is_inodes {
        true => format!("{} with {} files", directory.path, directory.files),
        false => format!("{} with {}", directory.path, words::bytes(directory.bytes)),
    }
}

/// Removing an open file frees nothing: whoever holds it open must close it.
fn deleted(situation: &Situation<'_>) -> String {
    if !situation.scopes.has(FILES_PROBE) {
        return String::new();
    }
    let Ok(mut files) = situation.host.deleted_open() else { return String::new() };
    files.entries.retain(|file| file.mount == situation.mount);
    let all: u64 = files.entries.iter().map(|file| file.bytes).sum();
    let named: Vec<String> = files
        .entries
        .iter()
        .take(MOST_NAMED)
        .map(|file| format!("{} (pid {}) {} of {}", file.process, file.pid, words::bytes(file.bytes), file.path))
        .collect();
    if named.is_empty() {
        return String::new();
    }
    format!("{} of deleted files come back when these close them: {}", words::bytes(all), named.join(", "))
}

fn quarantined(situation: &Situation<'_>) -> String {
    let now = situation.host.now();
    let held = situation.held();
    let until = held.iter().map(|held| held.newest_until.saturating_sub(now)).max();
    let bytes: u64 = held.iter().map(|held| held.bytes).sum();
    match until {
        Some(until) if bytes > 0 => {
            format!("{} wait in quarantine, for at most {}", words::bytes(bytes), in_hours(until))
        }
        _ => String::new(),
    }
}
