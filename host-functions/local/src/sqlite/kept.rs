//! Which processes have which files open, read from all of `/proc` once for all databases that are looked at within a second.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use ansai_kit::host::Host;

use crate::detached::sweep;
use crate::safety::identity::Inode;
use crate::safety::processes::{Handle, handles_up_to, processes};

/// How long what was read counts.
const KEPT: Duration = Duration::from_secs(1);
/// The most open files that are kept. A host with more of them is read again for each database.
const MOST_KEPT: usize = 1 << 18;

/// The open files of all processes.
#[derive(Debug, Default)]
pub(super) struct OpenByProcess {
    by_file: HashMap<Inode, Vec<PathBuf>>,
    /// Whether every process was seen.
    pub(super) complete: bool,
    /// Whether there was time for all of them.
    in_time: bool,
}

struct Kept {
    host: PathBuf,
    at: Instant,
    open: Arc<OpenByProcess>,
}

static LAST: Mutex<Option<Kept>> = Mutex::new(None);

impl OpenByProcess {
    /// As of `now`, or of a second before at most.
    pub(super) fn recent(host: &Host, most: usize, is_over: &dyn Fn() -> bool, now: Instant) -> Arc<OpenByProcess> {
        let root = host.path("/");
        let last = || LAST.lock().unwrap_or_else(PoisonError::into_inner);
        let is_recent = |kept: &&Kept| kept.host == root && now.saturating_duration_since(kept.at) <= KEPT;
        if let Some(kept) = last().as_ref().filter(is_recent) {
            return kept.open.clone();
        }
        let open = Arc::new(OpenByProcess::read(host, most, is_over));
        // What was not read to its end says nothing about the next database.
        let kept = Kept { host: root, at: now, open: open.clone() };
        *last() = Some(kept).filter(|kept| kept.open.in_time && kept.open.by_file.len() <= MOST_KEPT);
        open
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
        let holders = self.by_file.entry(file).or_default();
        if holders.last().is_none_or(|last| last != process) {
            holders.push(process.to_owned());
        }
    }

    /// The processes that have one of these files open.
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
    use super::*;
    use crate::safety::identity::Stat;

    /// Would break: all of `/proc` is read for each of a hundred databases, or what was read counts for ever.
    #[test]
    fn all_processes_are_read_once_a_second() {
        let (host, most, now) = (Host::at("/"), 1 << 16, Instant::now());
        let file = tempfile::NamedTempFile::new().unwrap();
        let inode = Stat::cached(file.path()).unwrap().inode();
        let at = |after: u64| OpenByProcess::recent(&host, most, &|| false, now + Duration::from_millis(after));
        let first = at(0);
        let own = host.path(format!("/proc/{}", std::process::id()));
        assert!(first.holders(&[inode, inode]).contains(&own));
        assert!(Arc::ptr_eq(&first, &at(1_000)), "within a second");
        assert!(!Arc::ptr_eq(&first, &at(1_001)), "later");
        let elsewhere = tempfile::tempdir().unwrap();
        let other = OpenByProcess::recent(&Host::at(elsewhere.path()), most, &|| false, now);
        assert!(other.holders(&[inode]).is_empty() && !other.complete, "of another root");
    }

    #[test]
    fn what_was_not_read_to_its_end_is_not_kept() {
        let (host, now) = (Host::at("/"), Instant::now() + Duration::from_secs(3_600));
        let cut = OpenByProcess::recent(&host, 1 << 16, &|| true, now);
        assert!(!cut.complete);
        assert!(!Arc::ptr_eq(&cut, &OpenByProcess::recent(&host, 1 << 16, &|| false, now)));
    }
}
