//! A step that was proposed: what the policy was told, and what the host remembers of it.

use std::borrow::Cow;
use std::sync::Arc;

use ansai_core::event::PlannedStep;
use ansai_core::scope::{Field, NumberType, TypedField};
use ansai_core::{Millis, Preview, Timestamp, Touch};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::Action;
use crate::authorize::Canonical;

/// A step that was proposed: what the host remembers of it. The policy only ever gets the preview.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Proposed {
    /// `ansai:files/files-actions.remove`.
    pub action: String,
    /// As the policy wrote them.
    pub arguments: Arc<RawValue>,
    /// What it was told.
    pub preview: Preview,
    /// What would be touched, with the identity of each: the action's own form.
    pub targets: Box<RawValue>,
    /// The things that it touches, as its action declared; see [`Proposed::touches`].
    #[serde(default)]
    pub touches: Vec<Touch>,
    /// What its arguments lead to. The grants of the moment when it begins must permit it.
    #[serde(default)]
    pub canonical: Vec<Canonical>,
    /// The granted table that bounded its preview, counted from 1.
    #[serde(default)]
    pub table: usize,
    /// The plan goes on if this step fails: the policy said so with `advice.may-fail`.
    #[serde(default)]
    pub may_fail: bool,
}

/// What an action tells about a step before it acts.
#[derive(Debug, Clone)]
pub struct Previewed {
    /// What the policy is told.
    pub preview: Preview,
    /// What would be treated, with the identity of each: the action's own form.
    pub targets: Box<RawValue>,
    /// The things that the step touches.
    pub touches: Vec<Touch>,
    /// What its arguments lead to.
    pub canonical: Vec<Canonical>,
    /// The granted table that bounds it, counted from 1; 0 before it is known.
    pub table: usize,
}

/// How much of an upper bound of its scope a step uses: so many files, so many bytes.
#[derive(Debug, Clone, Copy)]
pub struct Amount {
    /// The bound.
    pub bound: Field,
    /// In the unit of the bound.
    pub number: u64,
}

impl Amount {
    /// Of a bound.
    pub const fn of<T: NumberType>(bound: &TypedField<T>, number: u64) -> Amount {
        Amount { bound: bound.field(), number }
    }
}

impl Proposed {
    /// A step of this action with these arguments.
    pub fn new(action: impl Into<String>, arguments: Arc<RawValue>, previewed: Previewed) -> Proposed {
        let Previewed { preview, targets, touches, canonical, table } = previewed;
        Proposed { action: action.into(), arguments, preview, targets, touches, canonical, table, may_fail: false }
    }

    /// The things that it touches: at least its subject. The file of a plan from before actions declared them has none.
    pub fn touches(&self) -> Cow<'_, [Touch]> {
        match self.touches.is_empty() {
            true => Cow::Owned(Touch::of(&self.preview)),
            false => Cow::Borrowed(&self.touches),
        }
    }

    /// The `reason` argument, which every action has.
    pub fn reason(&self) -> String {
        #[derive(Deserialize)]
        struct Reason {
            #[serde(default)]
            reason: String,
        }
        serde_json::from_str::<Reason>(self.arguments.get()).map(|r| r.reason).unwrap_or_default()
    }

    /// What a person sees of it, as planned at this time. Without its action, nobody knows its targets.
    pub fn planned(&self, action: Option<&dyn Action>, at: Timestamp) -> PlannedStep {
        let Described { names, undo_for } = action.map(|action| action.describe(&self.targets)).unwrap_or_default();
        PlannedStep {
            action: self.action.clone(),
            reason: self.reason(),
            preview: self.preview.clone(),
            may_fail: self.may_fail,
            undo_until: undo_for.map(|limit| at + limit),
            effectiveness: None,
            names: names.into(),
        }
    }
}

/// The targets of a step, for a person.
#[derive(Debug, Default)]
pub struct Described {
    /// Their names, in the order of the step; empty if the action does not know them.
    pub names: Vec<String>,
    /// How long the step can be undone once it is applied, if that ends.
    pub undo_for: Option<Millis>,
}
