//! What became of a step and of its targets, or how far it is.

use ansai_core::{Measure, Millis, Outcome, Refusal};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::captured::Captured;

/// What happened to one target.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Item {
    /// As text (`ansai_core::text::path_text` for paths).
    pub target: String,
    /// What was done, or why not.
    pub fate: Fate,
    /// What came back at once.
    pub freed_bytes: u64,
    /// What undo needs, in the action's own form; `null` where there is no undo.
    #[serde(default, skip_serializing_if = "serde_json::Value::is_null")]
    pub undo: serde_json::Value,
}

/// The fate of one target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fate {
    /// As proposed.
    Done,
    /// Left alone, for this reason: no longer what was previewed, in use, …
    Skipped(String),
    /// Tried, and the system said no.
    Failed(String),
}

/// What became of a step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Applied {
    /// `done` when every target was treated or rightly left alone.
    pub outcome: Outcome,
    /// Why it was refused or failed, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Refusal>,
    /// One sentence for a person.
    pub detail: String,
    /// Numbers: `removed-files`, `freed-bytes`, …
    pub measures: Vec<Measure>,
    /// Target by target, for the record and for undo.
    pub items: Vec<Item>,
    /// What it captured for a person.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<Captured>,
}

impl Applied {
    /// What was done is not known, for this reason.
    pub fn unknown(why: impl Into<String>) -> Self {
        Applied {
            outcome: Outcome::Unknown,
            reason: None,
            detail: why.into(),
            measures: Vec::new(),
            items: Vec::new(),
            evidence: Vec::new(),
        }
    }

    /// What became of a step that treats one thing: the same as of that thing.
    pub fn of_one(target: impl Into<String>, outcome: Outcome, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        let fate = match outcome {
            Outcome::Done => Fate::Done,
            _ => Fate::Failed(detail.clone()),
        };
        let item = Item { target: target.into(), fate, freed_bytes: 0, undo: serde_json::Value::Null };
        Applied { outcome, items: vec![item], ..Applied::unknown(detail) }
    }

    /// Nothing was done.
    pub fn refused(refusal: &Refusal) -> Self {
        let reason = Some(refusal.clone());
        Applied { outcome: Outcome::Refused, reason, ..Applied::unknown(refusal.to_string()) }
    }
}

/// How a step began.
#[derive(Debug)]
pub enum Begun {
    /// It is over already.
    Finished(Applied),
    /// It goes on by itself; the handle finds it again, after a restart of ansai too.
    Running {
        /// In the action's own form.
        handle: Box<RawValue>,
        /// How long it may take.
        limit: Millis,
    },
}

/// What a look at a running step finds.
#[derive(Debug)]
pub enum Progress {
    /// It goes on.
    Running {
        /// How far it is, for a person: `scanned 40 of 90 GiB`. Empty if there is nothing to tell. It may contain text of
        /// others: the host masks secrets, cuts it, and makes it safe for terminals.
        note: String,
        /// When to look again. The host looks after 100 ms at the earliest, and after a minute at the latest.
        again_in: Millis,
    },
    /// It is over.
    Finished(Applied),
}

/// What SIGTERM does to a step that runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnStop {
    /// Short: ends at the next target, its outcome is recorded.
    Finish,
    /// Leave it running and attach to it again.
    Leave,
    /// Cancel it.
    Cancel,
}
