//! Eviction: the cache has a maximum size, and the least recently used code is removed first. Removed code is compiled
//! again when it is needed.

use std::time::{Duration, SystemTime};

use ansai_storage::{Access, Directory, Metadata};

/// How names of compiled code end.
pub(super) const CODE: &str = ".bin";
/// How names of the files with their MACs end.
pub(super) const MAC: &str = ".mac";
/// How names of their verification files end.
pub(super) const VERIFICATION: &str = ".verified";

/// Maximum size of the cache, in bytes on disk: some thousands of policies in Rust, or two dozen in Python, whose compiled
/// form is the largest.
pub(super) const MAX_KEPT: u64 = 1 << 30;

/// A file of this age that is not of the cache is nobody's work any more.
const ABANDONED_AFTER: Duration = Duration::from_secs(3600);
/// Resolution of the time of last use: a file is touched at most once in this time.
const TOUCH_INTERVAL: Duration = Duration::from_secs(3600);

/// Updates the time of last use: the modification time of the verification file. That of the code file must not change,
/// since it is part of what was verified.
pub(super) fn touch(dir: &Directory, verification: &str) {
    let metadata = dir.metadata(verification).ok().filter(|found| found.is_file);
    if metadata.and_then(age).is_some_and(|age| age > TOUCH_INTERVAL)
        && let Ok(file) = dir.file(verification, Access::Append)
    {
        // When this fails, the code looks unused for longer and may be evicted sooner.
        let _ = file.set_modified(SystemTime::now());
    }
}

/// Removes the least recently used code until at most `max_bytes` are left. A file that cannot be removed stays.
pub(super) fn evict(dir: &Directory, max_bytes: u64) {
    let mut kept: Vec<(SystemTime, u64, String)> = Vec::new();
    for (name, metadata) in files(dir) {
        let Some(code) = name.strip_suffix(CODE) else { continue };
        let at = dir
            .metadata(format!("{code}{VERIFICATION}"))
            .map_or(metadata.modified, |verification| verification.modified);
        kept.push((at, metadata.allocated_bytes, name));
    }
    kept.sort();
    let mut bytes: u64 = kept.iter().map(|(_, bytes, _)| bytes).sum();
    // The last one was written just now.
    kept.pop();
    for (_, freed, name) in kept {
        if bytes <= max_bytes {
            return;
        }
        // A process that has mapped the file keeps its mapping.
        if dir.remove(&name).is_ok() {
            let code = name.strip_suffix(CODE).unwrap_or(&name);
            for beside in [MAC, VERIFICATION] {
                let _ = dir.remove(format!("{code}{beside}"));
            }
            bytes = bytes.saturating_sub(freed);
        }
    }
}

/// Removes what a crash left, and what is not of this cache and old. A file that cannot be removed stays.
pub(super) fn remove_abandoned(dir: &Directory) {
    let _ = dir.remove_left_over();
    for (name, metadata) in files(dir) {
        let is_kept = [CODE, MAC, VERIFICATION].iter().any(|end| name.ends_with(end)) || name == super::KEY;
        if !is_kept && age(metadata).is_some_and(|age| age > ABANDONED_AFTER) {
            let _ = dir.remove(name);
        }
    }
}

fn files(dir: &Directory) -> impl Iterator<Item = (String, Metadata)> {
    let names = dir.names().unwrap_or_default().into_iter();
    names.filter_map(|name| {
        let metadata = dir.metadata(&name).ok().filter(|found| found.is_file)?;
        Some((name, metadata))
    })
}

fn age(metadata: Metadata) -> Option<Duration> {
    metadata.modified.elapsed().ok()
}
