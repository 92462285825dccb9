//! The four ways to treat a file.

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

    /// The name of the function in the interface.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Verb::Unlink | Verb::Hold => "remove",
            Verb::Compress => "compress",
            Verb::Rotate => "rotate",
        }
    }

    /// Sets the operator's `undo_hours`.
    pub(crate) fn scene(self, scene: Scene) -> Scene {
        scene.with(&UNDO_HOURS, if self == Verb::Unlink { 0 } else { 24 })
    }

    /// A rotation keeps one file, so `NAME.1` is removed.
    pub(crate) fn propose(self, scene: &Scene, globs: &[&str]) -> Result<Proposed, Refusal> {
        let what = scene.selection(globs);
        let arguments = match self {
            Verb::Rotate => json!({ "what": what, "keep": 1, "reason": "" }),
            _ => json!({ "what": what, "reason": "" }),
        };
        scene.propose(self.name(), arguments, &[])
    }
}
