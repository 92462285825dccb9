//! Eviction: the cache has a maximum size, and the least recently used code is removed first. Removed code is compiled
//! again when it is needed.
#![expect(clippy::disallowed_methods, reason = "an adapter to the cache directory")]

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// Maximum size of the cache, in bytes on disk: some thousands of policies in Rust, or two dozen in Python, whose compiled
/// form is the largest.
pub(super) const MAX_KEPT: u64 = 1 << 30;

/// A temporary file of this age was left by a crash: writing one takes seconds.
const ABANDONED_AFTER: Duration = Duration::from_secs(3600);
/// Resolution of the time of last use: a file is touched at most once in this time.
const TOUCH_INTERVAL: Duration = Duration::from_secs(3600);

/// Updates the time of last use: the modification time of the verification file. That of the code file must not change,
/// since it is part of what was verified.
pub(super) fn touch(verification: &Path) {
    let metadata = std::fs::symlink_metadata(verification).ok().filter(Metadata::is_file);
    if metadata.and_then(|metadata| age(&metadata)).is_some_and(|age| age > TOUCH_INTERVAL)
        && let Ok(file) = std::fs::OpenOptions::new().append(true).open(verification)
    {
        // When this fails, the code looks unused for longer and may be evicted sooner.
        let _ = file.set_modified(SystemTime::now());
    }
}

/// Removes the least recently used code until at most `max_bytes` are left. A file that cannot be removed stays.
pub(super) fn evict(dir: &Path, max_bytes: u64) {
    let mut kept: Vec<(SystemTime, u64, PathBuf)> = Vec::new();
    for (path, metadata) in files(dir).filter(|(path, _)| has_extension(path, "bin")) {
        let verification = std::fs::symlink_metadata(path.with_extension("verified"));
        let at = verification.as_ref().unwrap_or(&metadata).modified().unwrap_or(SystemTime::UNIX_EPOCH);
        kept.push((at, metadata.blocks().saturating_mul(512), path));
    }
    kept.sort();
    let mut bytes: u64 = kept.iter().map(|(_, bytes, _)| bytes).sum();
    // The last one was written just now.
    kept.pop();
    for (_, freed, path) in kept {
        if bytes <= max_bytes {
            return;
        }
        // A process that has mapped the file keeps its mapping.
        if std::fs::remove_file(&path).is_ok() {
            let _ = std::fs::remove_file(path.with_extension("verified"));
            bytes = bytes.saturating_sub(freed);
        }
    }
}

/// Removes temporary files that a crash left. A file that cannot be removed stays.
pub(super) fn remove_abandoned(dir: &Path) {
    for (path, metadata) in files(dir) {
        let is_kept = has_extension(&path, "bin") || has_extension(&path, "verified") || path.ends_with("key");
        if !is_kept && age(&metadata).is_some_and(|age| age > ABANDONED_AFTER) {
            let _ = std::fs::remove_file(path);
        }
    }
}

fn files(dir: &Path) -> impl Iterator<Item = (PathBuf, Metadata)> {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    entries.filter_map(|entry| Some((entry.path(), entry.metadata().ok().filter(Metadata::is_file)?)))
}

fn has_extension(path: &Path, extension: &str) -> bool {
    path.extension().is_some_and(|found| found == extension)
}

fn age(metadata: &Metadata) -> Option<Duration> {
    metadata.modified().ok()?.elapsed().ok()
}
