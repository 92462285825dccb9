//! Which processes have which files open, read from all of `/proc` once for all databases that are looked at within a few seconds.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use ansai_kit::host::Host;

use crate::detached::sweep;
use crate::recent::Recent;
use crate::safety::identity::Inode;
use crate::safety::processes::{Handle, handles_up_to, processes};

/// The most open files that are kept. A host with more of them is read again for each database.
const MOST_KEPT: usize = 1 << 16;

/// The open files of all processes.
#[derive(Debug, Default)]
pub(super) struct OpenByProcess {
    by_file: HashMap<Inode, Vec<PathBuf>>,
    /// How many files of processes `by_file` has.
    entries: usize,
    /// Whether there are more than are kept: then it has none of them.
    pub(super) is_full: bool,
    /// Whether every process was seen.
    pub(super) complete: bool,
    /// Whether there was time for all of them.
    in_time: bool,
}

/// What was read last, by the root of the host.
type Last = Recent<PathBuf, OpenByProcess>;

static LAST: Last = Recent::new();

/// As of `now`, or of a few seconds before at most.
fn or_read(last: &Last, host: &Host, most: usize, is_over: &dyn Fn() -> bool, now: Instant) -> Arc<OpenByProcess> {
    let root = host.path("/");
    last.get(&root, now).unwrap_or_else(|| {
        let begun = Instant::now();
        let open = Arc::new(OpenByProcess::read(host, most, is_over));
        // What was not read to its end says nothing about the next database.
        if open.in_time {
            last.keep(root, now, begun.elapsed(), open.clone());
        }
        open
    })
}

impl OpenByProcess {
    /// As of now, or of a few seconds before at most.
    pub(super) fn recent(host: &Host, most: usize, is_over: &dyn Fn() -> bool) -> Arc<OpenByProcess> {
        or_read(&LAST, host, most, is_over, Instant::now())
    }

    fn read(host: &Host, most: usize, is_over: &dyn Fn() -> bool) -> OpenByProcess {
        let Ok(processes) = processes(host) else { return OpenByProcess::default() };
        let sees_first = processes.iter().any(|process| process.ends_with("1"));
        let mut open = OpenByProcess { complete: sees_first, ..OpenByProcess::default() };
        let name = |process: &PathBuf| process.display().to_string();
        let step = move |process: &PathBuf| handles_up_to(process, most).map(files);
        let in_time = sweep(processes, name, step, is_over, |process, looked| match looked {
            Some(Ok(files)) => files.into_iter().for_each(|file| open.add(file, process)),
            Some(Err(_)) | None => open.complete = false,
        });
        OpenByProcess { in_time, complete: open.complete && in_time, ..open }
    }

    fn add(&mut self, file: Inode, process: &Path) {
        if self.is_full {
            return;
        }
        if self.entries >= MOST_KEPT {
            self.is_full = true;
            self.by_file = HashMap::new();
            return;
        }
        let holders = self.by_file.entry(file).or_default();
        if holders.last().is_none_or(|last| last != process) {
            holders.push(process.to_owned());
            self.entries = self.entries.saturating_add(1);
        }
    }

    /// The processes that have one of these files open; none if it is full.
    pub(super) fn holders(&self, files: &[Inode]) -> Vec<PathBuf> {
        let mut all: Vec<PathBuf> = files.iter().filter_map(|file| self.by_file.get(file)).flatten().cloned().collect();
        all.sort_unstable();
        all.dedup();
        all
    }
}

fn files(handles: Vec<Handle>) -> Vec<Inode> {
    handles.iter().filter(|handle| handle.stat.is_file()).map(|handle| handle.stat.inode()).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "tests")]
    use std::time::Duration;

    use super::*;
    use crate::safety::identity::Stat;

    /// Would break: all of `/proc` is read for each of a hundred databases, or what was read counts for ever.
    #[test]
    fn all_processes_are_read_once_a_second() {
        let (last, host, most, now) = (Last::new(), Host::at("/"), 1 << 16, Instant::now());
        let file = tempfile::NamedTempFile::new().unwrap();
        let inode = Stat::cached(file.path()).unwrap().inode();
        let at = |after: u64| or_read(&last, &host, most, &|| false, now + Duration::from_millis(after));
        let first = at(10_000);
        let own = host.path(format!("/proc/{}", std::process::id()));
        assert!(first.holders(&[inode, inode]).contains(&own));
        assert!(Arc::ptr_eq(&first, &at(11_000)), "within a second");
        let later = at(15_001);
        assert!(!Arc::ptr_eq(&first, &later), "later than it can count");
        assert!(!Arc::ptr_eq(&later, &at(15_000)), "before it was read");
        let elsewhere = tempfile::tempdir().unwrap();
        let other = or_read(&last, &Host::at(elsewhere.path()), most, &|| false, now);
        assert!(other.holders(&[inode]).is_empty() && !other.complete, "of another root");
    }

    #[test]
    fn what_was_not_read_to_its_end_is_not_kept() {
        let (last, host, now) = (Last::new(), Host::at("/"), Instant::now());
        let cut = or_read(&last, &host, 1 << 16, &|| true, now);
        assert!(!cut.complete);
        assert!(!Arc::ptr_eq(&cut, &or_read(&last, &host, 1 << 16, &|| false, now)));
    }

    /// Would break: a host with millions of open files, which fill the memory.
    #[test]
    fn no_more_files_are_kept_than_there_is_room_for() {
        let mut open = OpenByProcess::default();
        let process = |number: usize| PathBuf::from(format!("/proc/{number}"));
        (0..MOST_KEPT).for_each(|number| open.add((1, 2), &process(number)));
        assert_eq!((open.is_full, open.holders(&[(1, 2)]).len()), (false, MOST_KEPT));
        open.add((1, 3), &process(0));
        open.add((1, 4), &process(0));
        assert!(open.is_full && open.by_file.is_empty() && open.holders(&[(1, 2)]).is_empty());
    }
}
