//! What ansai and the process that opens a database say to each other, as one line of JSON each.

use serde::{Deserialize, Serialize};

use crate::safety::identity::Inode;

/// Where an answer begins: nothing else on standard output counts.
pub(super) const ANSWER: &str = "ansai-sqlite ";

/// The most problems of one answer.
pub(super) const MOST_PROBLEMS: usize = 32;
/// The longest text of an answer, in characters.
pub(super) const MOST_TEXT: usize = 200;

/// What the process does.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Job {
    /// The database, as this machine has it; a byte that is not UTF-8 is escaped.
    pub(super) path: String,
    /// The file that the path must lead to.
    pub(super) inode: Inode,
    /// Who it must be by then.
    pub(super) uid: u32,
    pub(super) task: Task,
    pub(super) limit_ms: u64,
    /// The largest file that it may write, in bytes.
    pub(super) most_bytes: u64,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Task {
    Quick,
    Full,
    Checkpoint,
    /// With the directory of the database, where there is room for its temporary file.
    Vacuum {
        directory: String,
    },
    Copy(NewFile),
    Recover(NewFile),
}

/// A file that ansai has created for the process: empty, and of the same owner.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct NewFile {
    pub(super) path: String,
    pub(super) inode: Inode,
}

/// What became of it. The process may have been taken over by what it read: each of these is a claim.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Reply {
    Checked {
        problems: Vec<String>,
        more: bool,
    },
    /// Whether readers or writers kept the file from being emptied.
    Checkpointed {
        kept: bool,
    },
    Vacuumed,
    Copied,
    Recovered(Recovered),
    Failed {
        kind: Kind,
        text: String,
    },
}

/// What was saved of a damaged database, and what was not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Recovered {
    /// Tables that were created anew.
    pub(super) tables: u64,
    /// Rows that were copied.
    pub(super) rows: u64,
    /// Rows that exist and cannot be read.
    pub(super) unreadable_rows: u64,
    /// Places between two rows where pages are damaged: any number of rows may have been there.
    pub(super) gaps: u64,
    /// Rows that break a rule of their table.
    pub(super) rejected_rows: u64,
    /// Tables, indexes, views and triggers that could not be created.
    pub(super) missing_objects: u64,
}

/// Why it failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Kind {
    /// Another process has it locked.
    Busy,
    /// It is damaged.
    Damaged,
    /// It ran out of time.
    TimedOut,
    /// The path leads to another file.
    Changed,
    /// Anything else.
    Other,
}
