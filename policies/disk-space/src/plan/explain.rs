//! Why no step helps.

use ansai_sdk::paths::is_on;
use ansai_sdk::{Baseline, Ladder, Size, Span, largest, text};

use super::{Situation, containers};
use crate::calls::{self, FILES_PROBE};
use crate::detect::mounts;
use crate::growth;
use crate::imports::ansai::files::files_probe::{DeletedFiles, FileQuery, Holder, Usage};

/// Maximum number of directories, and of deleted files, in the explanation.
const MOST_NAMED: usize = 5;
/// Maximum number of units that are named for one deleted file.
const MOST_UNITS: usize = 3;

pub(super) fn explain(situation: &Situation<'_>, ladder: &Ladder<'_>) -> Vec<String> {
    let mut parts = vec![what_is_left(situation, ladder)];
    parts.extend(largest_directories(situation));
    parts.extend(containers::explain(situation));
    if situation.host.grants().has(FILES_PROBE) {
        parts.extend(deleted(situation).into_iter().chain(quarantined(situation)));
    }
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

/// Removing an open file frees nothing until all processes that hold it have closed it.
fn deleted(situation: &Situation<'_>) -> Option<String> {
    let DeletedFiles { entries: mut files, complete, .. } = calls::deleted_open(situation.host).ok()?;
    files.retain(|file| file.mount == situation.mount);
    let all = Size(files.iter().map(|file| file.bytes).sum());
    let all = if complete { all.to_string() } else { format!("at least {all}") };
    let words = files.iter().take(MOST_NAMED).map(|file| {
        format!("{} of {} held open by {}", Size(file.bytes), file.path, held_by(&file.holders, file.more_holders))
    });
    text::list(&format!("{all} of deleted files are freed when their processes close them"), words)
}

/// `nginx.service (nginx, pid 812) and 3 more`: the first process of each unit, because one restart of a unit closes the
/// files of all its processes.
fn held_by(holders: &[Holder], more: u32) -> String {
    let who = |one: &Holder| one.about.as_ref().map_or((false, one.process.clone()), |unit| (true, unit.name.clone()));
    let mut named: Vec<&Holder> = Vec::new();
    for holder in holders {
        if named.len() < MOST_UNITS && !named.iter().any(|known| who(known) == who(holder)) {
            named.push(holder);
        }
    }
    let rest = u64::from(more) + (holders.len() - named.len()) as u64;
    let mut words: Vec<String> = named.into_iter().map(with_unit).collect();
    words.extend((rest > 0).then(|| format!("{rest} more")));
    words.join(" and ")
}

fn with_unit(holder: &Holder) -> String {
    match &holder.about {
        Some(unit) => format!("{} ({}, pid {})", unit.name, holder.process, holder.pid),
        None => format!("{} (pid {})", holder.process, holder.pid),
    }
}

fn quarantined(situation: &Situation<'_>) -> Option<String> {
    let held = situation.held();
    let bytes: u64 = held.entries.iter().map(|held| held.bytes).sum();
    if bytes == 0 {
        return (!held.complete).then(|| "what quarantine holds is unknown: not all of it can be read".to_owned());
    }
    let now = situation.host.now();
    let left = Span(held.entries.iter().map(|held| held.last_expires.saturating_sub(now)).max()?).in_whole_hours();
    let at_least = if held.complete { "" } else { "at least " };
    Some(format!("quarantine holds {at_least}{} for at most {left}", Size(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ansai_sdk::Subject;

    fn holder(unit: Option<&str>, process: &str, pid: u32) -> Holder {
        let about = unit.map(|name| Subject::new("unit", name));
        Holder { about, process: process.into(), pid, identity: "5@boot".into() }
    }

    #[test]
    fn one_process_of_each_unit_is_named() {
        let nginx = |pid| holder(Some("nginx.service"), "nginx", pid);
        assert_eq!(held_by(&[nginx(812)], 0), "nginx.service (nginx, pid 812)");
        assert_eq!(held_by(&[nginx(812), nginx(813), nginx(814)], 1), "nginx.service (nginx, pid 812) and 3 more");
        let tail = holder(None, "tail", 9);
        assert_eq!(held_by(&[tail.clone()], 0), "tail (pid 9)");
        assert_eq!(
            held_by(&[tail.clone(), nginx(812), tail, nginx(813)], 0),
            "tail (pid 9) and nginx.service (nginx, pid 812) and 2 more"
        );
        let many: Vec<Holder> = (0..5).map(|n| holder(Some(&format!("app-{n}.service")), "app", n)).collect();
        assert!(held_by(&many, 7).ends_with("app-2.service (app, pid 2) and 9 more"));
    }
}
