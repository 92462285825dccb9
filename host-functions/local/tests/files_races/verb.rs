//! The four ways to deal with a file.

use ansai_core::Refusal;
use ansai_kit::action::Proposed;
use ansai_local::files::fields::UNDO_HOURS;
use serde_json::json;

use crate::files_scene::Scene;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verb {
    Unlink,
    Hold,
    Compress,
    Rotate,
}

impl Verb {
    pub(crate) const ALL: [Verb; 4] = [Verb::Unlink, Verb::Hold, Verb::Compress, Verb::Rotate];

    /// As the interface calls it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Verb::Unlink | Verb::Hold => "remove",
            Verb::Compress => "compress",
            Verb::Rotate => "rotate",
        }
    }

    /// What the operator says about undo.
    pub(crate) fn scene(self, scene: Scene) -> Scene {
        scene.with(&UNDO_HOURS, if self == Verb::Unlink { 0 } else { 24 })
    }

    /// A rotation keeps one: `NAME.1` falls.
    pub(crate) fn propose(self, scene: &Scene, globs: &[&str]) -> Result<Proposed, Refusal> {
        let what = scene.selection(globs);
        let arguments = match self {
            Verb::Rotate => json!({ "what": what, "keep": 1, "reason": "" }),
            _ => json!({ "what": what, "reason": "" }),
        };
        scene.propose(self.name(), arguments, &[])
    }
}
