//! Which processes have which files open, read from all of `/proc` once for all databases that are looked at within a few seconds.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use ansai_kit::host::Host;

use crate::detached::sweep;
use crate::recent::Recent;
use crate::safety::identity::Inode;
use crate::safety::processes::{Handle, handles_up_to, processes};

/// The most open files that are known at once, with the process of each: 24 bytes, so 1.5 MiB. They are numbers of files, and
/// nothing is held open for them. A host with more open files is read again for each database.
const MOST_KEPT: usize = 1 << 16;

/// The open files of all processes.
#[derive(Debug, Default)]
pub(super) struct OpenByProcess {
    /// Of the host that was read.
    proc: PathBuf,
    /// Open files with the number of the process, in order.
    by_file: Vec<(Inode, u32)>,
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
        let mut open = OpenByProcess { proc: host.path("/proc"), complete: sees_first, ..OpenByProcess::default() };
        let name = |process: &PathBuf| process.display().to_string();
        let step = move |process: &PathBuf| handles_up_to(process, most).map(files);
        let in_time = sweep(processes, name, step, is_over, |process, looked| match (looked, number(process)) {
            (Some(Ok(files)), Some(process)) => files.into_iter().for_each(|file| open.add(file, process)),
            (Some(Ok(_) | Err(_)) | None, _) => open.complete = false,
        });
        open.by_file.sort_unstable();
        open.by_file.shrink_to_fit();
        OpenByProcess { in_time, complete: open.complete && in_time, ..open }
    }

    fn add(&mut self, file: Inode, process: u32) {
        if self.is_full {
            return;
        }
        if self.by_file.len() >= MOST_KEPT {
            self.is_full = true;
            self.by_file = Vec::new();
            return;
        }
        self.by_file.push((file, process));
    }

    /// The processes that have one of these files open; none if it is full.
    pub(super) fn holders(&self, files: &[Inode]) -> Vec<PathBuf> {
        let of = |file: Inode| {
            let from = self.by_file.partition_point(|(known, _)| *known < file);
            self.by_file.get(from..).unwrap_or_default().iter().take_while(move |(known, _)| *known == file)
        };
        let mut all: Vec<u32> = files.iter().copied().flat_map(of).map(|(_, process)| *process).collect();
        all.sort_unstable();
        all.dedup();
        all.iter().map(|process| self.proc.join(process.to_string())).collect()
    }
}

/// Of `/proc/<number>`.
fn number(process: &Path) -> Option<u32> {
    process.file_name()?.to_str()?.parse().ok()
}

/// Each file once.
fn files(handles: Vec<Handle>) -> Vec<Inode> {
    let files = handles.iter().filter(|handle| handle.stat.is_file());
    let mut files: Vec<Inode> = files.map(|handle| handle.stat.inode()).collect();
    files.sort_unstable();
    files.dedup();
    files
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
        let mut open = OpenByProcess { proc: "/proc".into(), ..OpenByProcess::default() };
        (0..1 << 16).for_each(|process| open.add((1, 2), process));
        assert_eq!((open.is_full, open.holders(&[(1, 2)]).len()), (false, MOST_KEPT));
        assert!(size_of_val(open.by_file.as_slice()) <= 1_572_864);
        open.add((1, 3), 0);
        open.add((1, 4), 0);
        assert!(open.is_full && open.by_file.is_empty() && open.holders(&[(1, 2)]).is_empty());
    }
}
