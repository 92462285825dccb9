//! What is in a cache at one time, and what a step remembers of it.

use ansai_core::Refusal;
use ansai_core::text::{path_bytes, path_text};
use serde::{Deserialize, Serialize};

use super::cache::{self, CachedFile, Manager};
use crate::safety::identity::Identity;
use crate::safety::names::is_plain;
use crate::safety::root::Root;
use ansai_kit::host::Host;

/// The most files of one step.
pub(super) const MOST_TARGETS: usize = 20_000;

/// A file of the cache as it was previewed.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Target {
    /// Below the cache's directory, as text.
    path: String,
    pub(super) identity: Identity,
    pub(super) allocated_bytes: u64,
}

impl Target {
    fn new(file: &CachedFile) -> Target {
        Target { path: path_text(&file.path), identity: Identity::of(&file.stat), allocated_bytes: file.stat.bytes }
    }

    /// The bytes of its path below the cache's directory.
    pub(super) fn path(&self) -> Result<Vec<u8>, Refusal> {
        let path = path_bytes(&self.path).filter(|path| is_plain(path));
        path.ok_or_else(|| Refusal::Invalid("a target is no path below the cache".into()))
    }
}

/// What a step remembers of a cache.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Targets {
    /// The directory of the cache.
    pub(super) directory: String,
    pub(super) files: Vec<Target>,
}

impl Targets {
    /// The absolute paths, as text, in the order of the step.
    pub(super) fn names(&self) -> impl Iterator<Item = String> {
        self.files.iter().map(|file| format!("{}/{}", self.directory, file.path))
    }
}

/// Everything in a cache at one time.
pub(super) struct Contents {
    pub(super) files: Vec<CachedFile>,
    /// Directories and files that could not be read, and what is not a regular file.
    pub(super) skipped: u32,
    /// Whether no limit ended the survey early.
    pub(super) is_complete: bool,
    /// The cache's directory; `None` if it does not exist.
    pub(super) root: Option<Root>,
}

impl Contents {
    pub(super) fn read(host: &Host, manager: Manager, is_over: &dyn Fn() -> bool) -> Result<Contents, Refusal> {
        let mut files = Vec::new();
        let survey = cache::survey(host, manager, is_over, &mut |file| files.push(file))?;
        Ok(Contents { files, skipped: survey.skipped, is_complete: survey.complete, root: survey.root })
    }

    /// Allocated bytes of all files.
    pub(super) fn bytes(&self) -> u64 {
        self.files.iter().fold(0, |sum, file| sum.saturating_add(file.stat.bytes))
    }

    /// The same of the files that have no other name.
    pub(super) fn frees(&self) -> u64 {
        let alone = self.files.iter().filter(|file| file.stat.links <= 1);
        alone.fold(0, |sum, file| sum.saturating_add(file.stat.bytes))
    }

    /// The files as a step remembers them, largest first.
    pub(super) fn targets(&self, host: &Host, manager: Manager) -> Targets {
        let mut files: Vec<Target> = self.files.iter().map(Target::new).collect();
        files.sort_by(|a, b| b.allocated_bytes.cmp(&a.allocated_bytes).then_with(|| a.path.cmp(&b.path)));
        Targets { directory: cache::path(host, manager).to_owned(), files }
    }
}
