//! Undo: what is asked for, what would happen, and what happened.

use serde::{Deserialize, Serialize};

use super::ShownStep;
use crate::event::PlannedStep;
use crate::{InstanceName, Measure, Outcome, Timestamp};

/// Maximum number of names of one step in an answer about undo. The preview of the step counts all.
pub const MOST_NAMES: usize = 1_000;

/// A plan, or one step of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UndoTarget {
    /// The id of the plan.
    pub plan: String,
    /// The number of the step, counted from 0; `None` for all, the newest first.
    #[serde(default)]
    pub step: Option<u32>,
}

/// How the undo of a step ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UndoneStep {
    /// The step as planned.
    pub step: ShownStep,
    /// The outcome; `None` if there was nothing to undo.
    pub outcome: Option<Outcome>,
    /// The outcome in one sentence.
    pub detail: String,
    /// Measures of the outcome.
    pub measures: Vec<Measure>,
    /// How its act after the undo of the plan ended; `None` if there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after_undo: Option<Outcome>,
}

/// What an undo would do now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UndoPreview {
    /// The id of the plan.
    pub plan: String,
    /// Whose grants the undo uses; `None` if the plan was not applied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<InstanceName>,
    /// The steps, in the order in which they would be undone: the newest first.
    pub steps: Vec<UndoableStep>,
    /// The steps that would act on what was restored, in their order: the oldest first.
    pub after: Vec<ActsAfterUndo>,
    /// What keeps the whole undo from beginning now: something that it touches is in use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_use: Option<String>,
}

/// One step that an undo is about.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UndoableStep {
    /// Counts from 0.
    pub number: u32,
    /// The step as planned.
    pub step: ShownStep,
    /// How many of its targets it changed. Undo is about those.
    pub items: u64,
    /// What the undo would do.
    pub outlook: UndoOutlook,
}

/// What the undo of a step would do. Targets are looked at only when it begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "kebab-case")]
pub enum UndoOutlook {
    /// Restore everything.
    Restores,
    /// Restore a part. The rest is permanent.
    RestoresPartly,
    /// Try, but what it needs was kept only for a time that is over.
    Expired {
        /// Since when.
        since: Timestamp,
    },
    /// Nothing: what the step did is permanent.
    Permanent,
    /// Nothing, because there is nothing to undo.
    Nothing {
        /// Why.
        why: String,
    },
    /// Refuse.
    Refused {
        /// Why.
        why: String,
    },
}

/// A step that would act after the undo: a reload makes a unit read the file that was restored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ActsAfterUndo {
    /// Counts from 0.
    pub number: u32,
    /// The step as planned.
    pub step: ShownStep,
    /// Why it would be refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
}

impl UndoOutlook {
    /// Whether the undo may change something.
    pub fn may_restore(&self) -> bool {
        matches!(self, UndoOutlook::Restores | UndoOutlook::RestoresPartly | UndoOutlook::Expired { .. })
    }
}

impl ShownStep {
    /// Of a step with at most [`MOST_NAMES`] of its names: an answer must not get too long after something was done.
    pub fn bounded(step: PlannedStep) -> ShownStep {
        let names = step.names.iter().take(MOST_NAMES).cloned().collect();
        ShownStep { step, names }
    }

    /// The step with its names.
    pub fn named(self) -> PlannedStep {
        PlannedStep { names: self.names.into(), ..self.step }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::{Preview, Subject};

    fn planned(names: usize) -> PlannedStep {
        PlannedStep {
            action: "ansai:files/files-actions.remove".into(),
            reason: String::new(),
            preview: Preview::nothing(Subject::new("path", "/var")),
            may_fail: false,
            undo_until: None,
            effectiveness: None,
            names: (0..names).map(|number| number.to_string()).collect(),
        }
    }

    #[test]
    fn a_long_list_of_names_is_cut() {
        assert_eq!(ShownStep::bounded(planned(MOST_NAMES + 1)).names.len(), MOST_NAMES);
        assert_eq!(ShownStep::bounded(planned(2)).named().names.len(), 2);
    }

    #[test]
    fn every_outlook_comes_back() {
        for (outlook, may_restore) in [
            (UndoOutlook::Restores, true),
            (UndoOutlook::RestoresPartly, true),
            (UndoOutlook::Expired { since: Timestamp::EPOCH }, true),
            (UndoOutlook::Permanent, false),
            (UndoOutlook::Nothing { why: "x".into() }, false),
            (UndoOutlook::Refused { why: "x".into() }, false),
        ] {
            let step = UndoableStep { number: 1, step: ShownStep::bounded(planned(0)), items: 3, outlook };
            let text = serde_json::to_string(&step).unwrap();
            assert_eq!(serde_json::from_str::<UndoableStep>(&text).unwrap(), step, "{text}");
            assert_eq!(step.outlook.may_restore(), may_restore, "{text}");
        }
    }
}
