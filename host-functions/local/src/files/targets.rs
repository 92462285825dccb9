//! What an action remembers from its preview until it acts: JSON of its own, read strictly.

use std::collections::HashSet;
use std::sync::Arc;

use ansai_core::Refusal;
use serde::{Deserialize, Serialize};

use super::identity::{File, Inode};
use ansai_kit::action::{Proposed, read_targets};

/// Files in one step, whatever the grant says.
pub(super) const MOST_FILES: usize = 20_000;
/// Bytes of all their paths as text: names of odd bytes take four times their length.
pub(super) const MOST_PATH_BYTES: usize = 16 << 20;

/// The files of a step.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Targets {
    /// The root that was asked for, and what it was.
    pub(super) root: String,
    pub(super) root_inode: Inode,
    pub(super) min_age_hours: u64,
    /// Where they wait, if they do.
    pub(super) hold: Option<Hold>,
    /// Oldest first.
    pub(super) files: Vec<File>,
}

/// A quarantine as decided at the preview.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Hold {
    /// The directory that has it.
    pub(super) root: String,
    pub(super) hours: u64,
}

/// Refuses a step of too many files.
pub(super) fn check(targets: &Targets) -> Result<(), Refusal> {
    match targets.files.len() {
        0..=MOST_FILES => Ok(()),
        more => Err(Refusal::OverBudget(format!("{more} files in one step, at most {MOST_FILES}"))),
    }
}

/// The files that earlier steps of the plan deal with already.
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
    for step in earlier.iter().filter(|step| step.action.starts_with("ansai:files/files-actions.")) {
        taken.extend(read_targets::<Files>(&step.targets)?.files.iter().map(|file| (file.dev, file.ino)));
    }
    Ok(taken)
}
