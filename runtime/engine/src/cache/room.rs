//! How much is kept: what has not been used for longest goes first. Compiled code is made again when it is needed.
#![expect(clippy::disallowed_methods, reason = "an adapter to the cache directory")]

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// Bytes on disk: some thousands of policies in Rust, or two dozen in Python, whose compiled form is the largest.
pub(super) const MOST_KEPT: u64 = 1 << 30;

/// A temporary file this old is what a crash left: nobody writes one for so long.
const ABANDONED: Duration = Duration::from_secs(3600);
/// Which of two was used later is of no matter within this time.
const SAME_TIME: Duration = Duration::from_secs(3600);

/// Says that something was used. Only its seal tells when: the time of the code is part of what is sealed.
pub(super) fn used(seal: &Path) {
    let known = std::fs::symlink_metadata(seal).ok().filter(Metadata::is_file);
    if known.and_then(|found| age(&found)).is_some_and(|age| age > SAME_TIME)
        && let Ok(file) = std::fs::OpenOptions::new().append(true).open(seal)
    {
        // Without it, this looks older than it is, and may have to be compiled again.
        let _ = file.set_modified(SystemTime::now());
    }
}

/// Removes what was not used for longest until so many bytes are left at most. One that stays does no harm.
pub(super) fn make(dir: &Path, most: u64) {
    let mut kept: Vec<(SystemTime, u64, PathBuf)> = Vec::new();
    for (path, found) in files(dir).filter(|(path, _)| has_extension(path, "bin")) {
        let seal = std::fs::symlink_metadata(path.with_extension("seal"));
        let at = seal.as_ref().unwrap_or(&found).modified().unwrap_or(SystemTime::UNIX_EPOCH);
        kept.push((at, found.blocks().saturating_mul(512), path));
    }
    kept.sort();
    let mut bytes: u64 = kept.iter().map(|(_, bytes, _)| bytes).sum();
    // The last was put there just now.
    kept.pop();
    for (_, freed, path) in kept {
        if bytes <= most {
            return;
        }
        // A process that has it mapped keeps it.
        if std::fs::remove_file(&path).is_ok() {
            let _ = std::fs::remove_file(path.with_extension("seal"));
            bytes = bytes.saturating_sub(freed);
        }
    }
}

/// Removes temporary files that a crash left; one that stays does no harm.
pub(super) fn remove_abandoned(dir: &Path) {
    for (path, found) in files(dir) {
        let is_kept = has_extension(&path, "bin") || has_extension(&path, "seal") || path.ends_with("key");
        if !is_kept && age(&found).is_some_and(|age| age > ABANDONED) {
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

fn age(found: &Metadata) -> Option<Duration> {
    found.modified().ok()?.elapsed().ok()
}
