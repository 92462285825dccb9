//! The targets that an action stores between preview and step, as JSON. Unknown keys are errors.

use std::collections::HashSet;
use std::sync::Arc;

use ansai_core::{Millis, Refusal};
use serde::{Deserialize, Serialize};

use super::fields;
use super::file::File;
use crate::safety::identity::Inode;
use ansai_kit::action::{Amount, Described, Fate, Item, Proposed, read_targets};

/// The most files of one step, whatever the grant says.
pub(super) const MOST_FILES: usize = 20_000;
/// The most bytes of all their paths as text. A byte that is escaped takes four.
pub(super) const MOST_PATH_BYTES: usize = 16 << 20;

/// The files of a step.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Targets {
    /// The root of the selection.
    pub(super) root: String,
    /// Its inode at the preview.
    pub(super) root_inode: Inode,
    pub(super) min_age_hours: u64,
    /// The quarantine; `None` if the files are unlinked.
    pub(super) hold: Option<Hold>,
    /// Oldest first.
    pub(super) files: Vec<File>,
}

impl Targets {
    /// What they use of a grant: all of them, or those that a step did not leave alone.
    pub(super) fn amounts(&self, treated: Option<&[Item]>) -> Vec<Amount> {
        let treated = treated.map(treated_names);
        let counts = |file: &&File| treated.as_ref().is_none_or(|names| names.contains(file.path.as_str()));
        fields::amounts(self.files.iter().filter(counts).map(|file| file.bytes))
    }

    /// Their paths, and how long a quarantine holds them. The original of a compressed or rotated file is restored
    /// without limit.
    pub(super) fn describe(self) -> Described {
        let undo_for = self.hold.map(|hold| Millis::from_hours(hold.hours));
        let below = if self.root == "/" { "" } else { &self.root };
        let names = self.files.iter().map(|file| format!("{below}/{}", file.path)).collect();
        Described { names, undo_for }
    }
}

/// A quarantine as decided at the preview.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Hold {
    /// The directory that has the quarantine.
    pub(super) root: String,
    /// How long the files stay in it.
    pub(super) hours: u64,
}

/// The names of the targets that a step did not leave alone.
pub(super) fn treated_names(items: &[Item]) -> HashSet<&str> {
    let treated = items.iter().filter(|item| !matches!(item.fate, Fate::Skipped(_)));
    treated.map(|item| item.target.as_str()).collect()
}

/// Refuses a step with too many files.
pub(super) fn check(targets: &Targets) -> Result<(), Refusal> {
    match targets.files.len() {
        0..=MOST_FILES => Ok(()),
        more => Err(Refusal::OverBudget(format!("{more} files in one step, at most {MOST_FILES}"))),
    }
}

/// The files that earlier steps of the plan have as targets.
pub(super) fn taken(earlier: &[Arc<Proposed>]) -> Result<HashSet<Inode>, Refusal> {
    #[derive(Deserialize)]
    struct Files {
        #[serde(default)]
        files: Vec<Taken>,
    }
    #[derive(Deserialize)]
    struct Taken {
        dev: u64,
        ino: u64,
    }
    let mut taken = HashSet::new();
    // Every action of the package has its files there: those that are granted with files, and with the quarantine.
    for step in earlier.iter().filter(|step| step.action.starts_with("ansai:files/")) {
        taken.extend(read_targets::<Files>(&step.targets)?.files.iter().map(|file| (file.dev, file.ino)));
    }
    Ok(taken)
}
