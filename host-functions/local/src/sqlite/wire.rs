//! The types of the WIT.

use ansai_core::{Subject, Timestamp};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Depth {
    Header,
    Quick,
    Full,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Journal {
    Rollback,
    Wal,
    Other,
}

/// What a process does; the strongest last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Hold {
    Open,
    Reading,
    Writing,
    Exclusive,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Holder {
    pub(super) about: Option<Subject>,
    pub(super) process: String,
    pub(super) pid: u32,
    pub(super) identity: String,
    pub(super) holds: Hold,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Database {
    pub(super) about: Subject,
    pub(super) bytes: u64,
    pub(super) journal: Journal,
    pub(super) page_bytes: u32,
    pub(super) pages: u64,
    pub(super) free_pages: u64,
    pub(super) wal_bytes: u64,
    pub(super) wal_modified: Option<Timestamp>,
    pub(super) modified: Timestamp,
    pub(super) hot_journal: bool,
    pub(super) available_bytes: u64,
    pub(super) holders: Vec<Holder>,
    pub(super) more_holders: u32,
    pub(super) holders_complete: bool,
    pub(super) problems: Vec<String>,
    pub(super) more_problems: bool,
    pub(super) checked: Depth,
}
