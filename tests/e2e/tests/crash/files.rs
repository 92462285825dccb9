//! The files of the target before and after, and which steps account for the difference.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::log::{Log, measure, step_id, targets, text};

/// The identity of a file: inode, content, mode, owner, time.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Was {
    pub(crate) ino: u64,
    pub(crate) content: String,
    rest: (u32, u32, u32, i64, i64),
}

impl Was {
    /// Whether everything but the inode is the same.
    pub(crate) fn is_like(&self, other: &Was) -> bool {
        self.content == other.content && self.rest == other.rest
    }
}

/// Regular files below a root, by relative path.
#[derive(Clone)]
pub(crate) struct Files(pub(crate) BTreeMap<PathBuf, Was>);

impl Files {
    pub(crate) fn below(root: &Path) -> Files {
        let mut files = BTreeMap::new();
        let mut waiting = vec![root.to_owned()];
        while let Some(directory) = waiting.pop() {
            for entry in directory.read_dir().unwrap() {
                let entry = entry.unwrap();
                let meta = entry.metadata().unwrap();
                if meta.is_dir() {
                    waiting.push(entry.path());
                    continue;
                }
                let path = entry.path().strip_prefix(root).unwrap().to_owned();
                // For files that must not be touched, compare the change time instead of the content, because nobody
                // can set it.
                let content = match path.starts_with("log") {
                    true => hex::encode(Sha256::digest(std::fs::read(entry.path()).unwrap())),
                    false => format!("{}.{}", meta.ctime(), meta.ctime_nsec()),
                };
                let rest = (meta.mode(), meta.uid(), meta.gid(), meta.mtime(), meta.mtime_nsec());
                files.insert(path, Was { ino: meta.ino(), content, rest });
            }
        }
        Files(files)
    }
}

fn is_held(path: &Path) -> bool {
    path.components().any(|part| part.as_os_str() == ".ansai-quarantine")
}

fn packed(path: &Path) -> PathBuf {
    PathBuf::from(format!("{}.gz", path.display()))
}

/// Checks that every file is unchanged, or is named by a durable intent and is in the state that the outcome reports;
/// and that no other file exists.
pub(crate) fn accounted(before: &Files, root: &Path, state_dir: &Path, log: &Log) {
    let after = Files::below(root);
    let mut named: BTreeMap<(PathBuf, u64), Vec<super::log::StepId>> = BTreeMap::new();
    let mut expired = false;
    for intent in log.of("intent") {
        if text(&intent["action"]).ends_with("expire-held") {
            expired = true;
            continue;
        }
        let targets = targets(state_dir, intent);
        let below = PathBuf::from(text(&targets["root"]));
        let below = below.strip_prefix(root).unwrap();
        for file in targets["files"].as_array().unwrap() {
            let place = (below.join(text(&file["path"])), file["ino"].as_u64().unwrap());
            named.entry(place).or_default().push(step_id(intent));
        }
    }
    let mut treated = BTreeMap::<super::log::StepId, u64>::new();
    let mut explained = BTreeSet::new();
    for (path, was) in &before.0 {
        if is_held(path) {
            let there = after.0.values().any(|is| is.ino == was.ino && is.content == was.content);
            assert!(there || expired || path.ends_with("index.json"), "{} was held and is lost", path.display());
            continue;
        }
        explained.insert(path.clone());
        if after.0.get(path) == Some(was) {
            continue;
        }
        if after.0.get(path).is_some_and(|is| is.is_like(was)) && log.of("undoing").next().is_some() {
            continue;
        }
        assert!(!after.0.contains_key(path), "{} was changed: {was:?} {:?}", path.display(), after.0.get(path));
        let steps = named.get(&(path.clone(), was.ino));
        let steps = steps.unwrap_or_else(|| panic!("{} is gone, and no durable intent names it", path.display()));
        let step = steps.last().unwrap().clone();
        let intent = log.of("intent").find(|intent| step_id(intent) == step).unwrap();
        if text(&intent["action"]).ends_with("compress") {
            let mut content = Vec::new();
            let there = std::fs::File::open(root.join(packed(path)));
            let there = there.unwrap_or_else(|error| panic!("{} is lost: {error}", path.display()));
            flate2::read::GzDecoder::new(there).read_to_end(&mut content).unwrap();
            assert_eq!(hex::encode(Sha256::digest(&content)), was.content, "{}", path.display());
            explained.insert(packed(path));
        } else if !targets(state_dir, intent)["hold"].is_null() && !expired {
            let held = after.0.iter().any(|(path, is)| is_held(path) && is == was);
            assert!(held, "{} was to be held and is lost", path.display());
        }
        *treated.entry(step).or_default() += 1;
    }
    for path in after.0.keys().filter(|path| !is_held(path)) {
        assert!(explained.contains(path), "{} was left behind", path.display());
    }
    agree(log, &treated);
}

/// Checks that the outcomes report the actual number of files. Undone steps do not count.
fn agree(log: &Log, treated: &BTreeMap<super::log::StepId, u64>) {
    let undone: BTreeSet<_> = log.of("undoing").map(step_id).collect();
    for outcome in log.of("outcome").filter(|outcome| !undone.contains(&step_id(outcome))) {
        let said: u64 =
            ["removed-files", "quarantined-files", "compressed-files"].map(|name| measure(outcome, name)).iter().sum();
        let found = treated.get(&step_id(outcome)).copied().unwrap_or(0);
        assert_eq!(said, found, "{outcome:#}");
    }
}
