//! Watches files by polling, which works on every file system and keeps no handles.
#![expect(clippy::disallowed_methods, reason = "an adapter to the file system")]

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// Time between two polls.
pub(crate) const INTERVAL: Duration = Duration::from_millis(100);
/// More files than a policy has.
const MOST_FILES: usize = 10_000;
const MOST_DEPTH: usize = 16;
/// Only this much of a larger file is compared.
const MOST_BYTES: u64 = 64 << 20;
/// Directories that builds make.
const MADE: [&str; 3] = ["target", "node_modules", "__pycache__"];

/// Files at and below some paths, as last seen.
pub(crate) struct Watch {
    roots: Vec<PathBuf>,
    wanted: fn(&Path) -> bool,
    seen: BTreeMap<PathBuf, Seen>,
}

#[derive(Clone, PartialEq, Eq)]
struct Seen {
    modified: Option<SystemTime>,
    bytes: u64,
    content: u64,
}

impl Watch {
    /// Starts watching. Hidden files and build directories are ignored.
    pub(crate) fn new(roots: Vec<PathBuf>, wanted: fn(&Path) -> bool) -> Watch {
        let mut watch = Watch { roots, wanted, seen: BTreeMap::new() };
        watch.changed();
        watch
    }

    /// Files that changed, appeared or disappeared since the last call.
    pub(crate) fn changed(&mut self) -> Vec<PathBuf> {
        let mut found = BTreeMap::new();
        for root in &self.roots {
            look(root, 0, self.wanted, &self.seen, &mut found);
        }
        let mut changed: Vec<PathBuf> = Vec::new();
        for (path, now) in &found {
            if self.seen.get(path).is_none_or(|before| (before.bytes, before.content) != (now.bytes, now.content)) {
                changed.push(path.clone());
            }
        }
        changed.extend(self.seen.keys().filter(|path| !found.contains_key(*path)).cloned());
        self.seen = found;
        changed
    }

    /// Waits until something changes, and then until nothing more changes.
    pub(crate) async fn wait(&mut self) -> Vec<PathBuf> {
        let mut changed: Vec<PathBuf> = Vec::new();
        loop {
            let now = self.changed();
            if now.is_empty() && !changed.is_empty() {
                changed.sort();
                changed.dedup();
                return changed;
            }
            changed.extend(now);
            tokio::time::sleep(INTERVAL).await;
        }
    }
}

fn look(
    path: &Path,
    depth: usize,
    wanted: fn(&Path) -> bool,
    before: &BTreeMap<PathBuf, Seen>,
    found: &mut BTreeMap<PathBuf, Seen>,
) {
    // An unreadable file counts as gone; building or running it gives the reason.
    let Ok(metadata) = std::fs::metadata(path) else { return };
    if metadata.is_dir() && depth < MOST_DEPTH {
        for entry in std::fs::read_dir(path).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if found.len() >= MOST_FILES || name.starts_with('.') || MADE.contains(&&*name) {
                continue;
            }
            look(&entry.path(), depth + 1, wanted, before, found);
        }
    } else if metadata.is_file() && (depth == 0 || wanted(path)) {
        let (modified, bytes) = (metadata.modified().ok(), metadata.len());
        let known = before.get(path).filter(|seen| (seen.modified, seen.bytes) == (modified, bytes));
        let content = known.map_or_else(|| content(path), |seen| seen.content);
        found.insert(path.to_owned(), Seen { modified, bytes, content });
    }
}

/// A hash of the content: touching a file does not change it.
fn content(path: &Path) -> u64 {
    let mut bytes = Vec::new();
    let read = std::fs::File::open(path).and_then(|file| file.take(MOST_BYTES).read_to_end(&mut bytes));
    let mut hasher = DefaultHasher::new();
    read.is_ok().hash(&mut hasher);
    bytes.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn what_has_another_content_has_changed() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        std::fs::create_dir_all(at("target")).unwrap();
        std::fs::write(at("a.rs"), "1").unwrap();
        let mut watch = Watch::new(vec![dir.path().to_owned()], |path| path.extension().is_some_and(|e| e == "rs"));
        std::fs::write(at("target/b.rs"), "made").unwrap();
        std::fs::write(at(".c.rs"), "hidden").unwrap();
        std::fs::write(at("d.txt"), "unwanted").unwrap();
        assert!(watch.changed().is_empty());
        let later = SystemTime::now() + Duration::from_secs(5);
        std::fs::File::options().append(true).open(at("a.rs")).unwrap().set_modified(later).unwrap();
        assert!(watch.changed().is_empty(), "touched only");
        std::fs::write(at("a.rs"), "2").unwrap();
        std::fs::write(at("e.rs"), "new").unwrap();
        assert_eq!(watch.changed(), [at("a.rs"), at("e.rs")]);
        std::fs::remove_file(at("a.rs")).unwrap();
        assert_eq!(watch.changed(), [at("a.rs")]);
    }
}
