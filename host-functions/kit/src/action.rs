//! What an action is: a preview that changes nothing, an application that checks each target again, an undo.

use std::sync::atomic::{AtomicBool, Ordering};

use ansai_core::{Duration, Instant, Measure, Outcome, Preview, Refusal, Scope};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::host::{Host, ProbeContext};

/// A step that was proposed: what the host remembers of it. The policy only ever gets the preview.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Proposed {
    /// `ansai:files/files-actions.remove`.
    pub action: String,
    /// As the policy wrote them.
    pub arguments: Box<RawValue>,
    /// What it was told.
    pub preview: Preview,
    /// What would be touched, with the identity of each: the action's own form.
    pub targets: Box<RawValue>,
}

impl Proposed {
    /// The `reason` argument, which every action has.
    pub fn reason(&self) -> String {
        #[derive(Deserialize)]
        struct Reason {
            #[serde(default)]
            reason: String,
        }
        serde_json::from_str::<Reason>(self.arguments.get()).map(|r| r.reason).unwrap_or_default()
    }
}

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
    /// One sentence for a person.
    pub detail: String,
    /// Numbers: `removed-files`, `freed-bytes`, …
    pub measures: Vec<Measure>,
    /// Target by target, for the record and for undo.
    pub items: Vec<Item>,
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
        /// How long it may take, milliseconds.
        limit: Duration,
    },
}

/// How a running step stands.
#[derive(Debug)]
pub enum Progress {
    /// Not over; what to show, if anything.
    Running(Option<String>),
    /// Over.
    Finished(Applied),
    /// It cannot be told: neither found nor known to have ended.
    Lost(String),
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

/// What acting gets to know.
pub struct StepContext<'a> {
    /// The host.
    pub host: &'a Host,
    /// The scope in force now.
    pub scope: &'a Scope,
    /// The time now.
    pub now: Instant,
    /// Unique for this step, on this host, for ever: plan id and number. Safe as a file name.
    pub step_id: &'a str,
    /// The arguments as proposed.
    pub arguments: &'a RawValue,
    /// The targets as previewed.
    pub targets: &'a RawValue,
    /// Set when ansai is asked to stop.
    pub stop: &'a AtomicBool,
}

impl StepContext<'_> {
    /// Whether to end at the next target.
    pub fn is_stopping(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

/// One action of a `…-actions` interface. `preview` runs beside guest code and must change nothing at all;
/// everything else runs only from the executor, after the intent is durable.
pub trait Action: Sync + Send {
    /// What the call would do, net of the earlier steps of the same plan, with the targets' identities.
    fn preview(
        &self,
        ask: &ProbeContext<'_>,
        arguments: &RawValue,
        earlier: &[Proposed],
    ) -> Result<(Preview, Box<RawValue>), Refusal>;

    /// Acts, each target's identity checked again first. An `Err` means that nothing was changed.
    fn begin(&self, doing: &StepContext<'_>) -> Result<Begun, Refusal>;

    /// Undoes what `items` say was done. An `Err` means that nothing was changed.
    fn undo(&self, doing: &StepContext<'_>, items: &[Item]) -> Result<Applied, Refusal>;

    /// After a crash between intent and outcome: what was done, found out by looking. `Err` when it cannot be
    /// told. Targets that were not treated are left out of the items.
    fn resolve(&self, doing: &StepContext<'_>) -> Result<Applied, Refusal>;

    /// What SIGTERM does to it.
    fn on_stop(&self) -> OnStop {
        OnStop::Finish
    }

    /// How a running step stands.
    fn poll(&self, _doing: &StepContext<'_>, _handle: &RawValue) -> Progress {
        Progress::Lost("this action has no long-running steps".into())
    }

    /// Cancels a running step; answers what had been done.
    fn cancel(&self, _doing: &StepContext<'_>, _handle: &RawValue) -> Progress {
        Progress::Lost("this action has no long-running steps".into())
    }
}
