//! Quarantine expiry: removes expired files permanently. It is an action of the host that no policy can propose; the
//! executor applies it like any other, within the grants of an instance.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ansai_core::{Interface, InterfaceKind, Preview, Refusal, Reversibility, Sensitivity, Subject};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::place;
use super::reclaim::{Found, Held, Targets, give_up_all, look};
use super::remove::Moved;
use super::targets::{self, taken};
use super::{ACTIONS, FILES_ACTIONS, within};
use crate::safety::root::Root;
use ansai_kit::action::{
    Applied, Begun, Described, Fate, Item, Proposed, Step, StepContext, TypedAction, read_targets,
};
use ansai_kit::host::ProbeContext;
use ansai_kit::host_access::QuarantineOrigin;
use ansai_kit::registry::{Body, Function, InterfaceDef};

/// Quarantine expiry, under the grants for [`FILES_ACTIONS`]. It is not in the list of interfaces that policies import.
pub static QUARANTINE_EXPIRY: InterfaceDef = InterfaceDef {
    interface: Interface {
        name: ACTIONS,
        version: FILES_ACTIONS.interface.version,
        kind: InterfaceKind::Actions,
        sensitivity: Sensitivity::Metadata,
        ability: "remove expired files from quarantine",
        fields: FILES_ACTIONS.interface.fields,
    },
    doctor: &[],
    functions: &[Function { name: "expire-held", checks: &[within("/root")], body: Body::Action(&ExpireHeld) }],
};

/// The action `expire-held`. Its argument `root` is a granted directory.
struct ExpireHeld;

#[derive(Serialize, Deserialize)]
struct Arguments {
    root: String,
    /// The ids of steps whose files stay.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    except: Vec<String>,
    reason: String,
}

impl TypedAction for ExpireHeld {
    type Arguments = Arguments;
    type Targets = Targets;
    const NOUN: &'static str = "file";

    fn preview(
        &self,
        ask: &ProbeContext<'_>,
        Arguments { root, except, .. }: Arguments,
        earlier: &[Arc<Proposed>],
    ) -> Result<(Preview, Targets), Refusal> {
        let taken = taken(earlier)?;
        let opened = Root::open(ask.host, &root).ok();
        let mount = opened.map_or_else(|| "/".into(), |opened| place::mount(&place::table(ask.host), &opened));
        let Found { files, complete, .. } = look(ask.host, &[root]);
        let held = files.into_iter().map(|(_, file)| file);
        let expires =
            |file: &Held| file.until <= ask.now && !taken.contains(&file.inode()) && !except.contains(&file.step);
        let files: Vec<Held> = held.filter(expires).collect();
        let preview = Preview {
            items: files.len() as u64,
            frees_now_bytes: files.iter().map(|file| file.bytes).sum(),
            reversible: if files.is_empty() { Reversibility::Fully } else { Reversibility::None },
            complete,
            sample: files.iter().take(10).map(|file| file.path.clone()).collect(),
            mount: Some(mount.clone()),
            ..Preview::nothing(Subject::new("filesystem", mount))
        };
        Ok((preview, Targets { files }))
    }

    fn describe(&self, targets: Targets) -> Described {
        Described { names: targets.files.into_iter().map(|file| file.path).collect(), undo_for: None }
    }

    fn begin(&self, doing: &StepContext<'_>, what: Step<Self>) -> Result<Begun, Refusal> {
        let check = |file: &Held| if file.until > doing.now { Err("not expired".into()) } else { Ok(()) };
        Ok(give_up_all(doing, &what.targets, "expired", check))
    }

    fn undo(&self, _doing: &StepContext<'_>, _what: Step<Self>, _items: &[Item]) -> Result<Applied, Refusal> {
        Err(Refusal::Unsupported("files whose quarantine expired cannot be restored".into()))
    }

    /// Unknown: a file that is gone may have been removed by this step, or restored by an undo before.
    fn resolve(&self, _doing: &StepContext<'_>, what: Step<Self>) -> Result<Applied, Refusal> {
        Err(Refusal::Other(format!("the quarantine of {} files was being removed", what.targets.files.len())))
    }
}

/// Compares files in quarantine with the steps that moved them there.
pub static QUARANTINE_ORIGIN: Removals = Removals;

/// The steps are removals.
pub struct Removals;

impl QuarantineOrigin for Removals {
    fn steps(&self, targets: &RawValue) -> Result<Vec<String>, Refusal> {
        let steps: BTreeSet<String> =
            read_targets::<Targets>(targets)?.files.into_iter().map(|file| file.step).collect();
        Ok(steps.into_iter().collect())
    }

    fn is_part(&self, targets: &RawValue, earlier: &RawValue) -> bool {
        let (Ok(targets), Ok(earlier)) = (read_targets::<Targets>(targets), read_targets::<Targets>(earlier)) else {
            return false;
        };
        let known: BTreeSet<&Held> = earlier.files.iter().collect();
        targets.files.iter().all(|held| known.contains(held))
    }

    fn is_of(&self, targets: &RawValue, step_id: &str, removal: &Proposed, items: &[Item]) -> bool {
        let (Ok(targets), Ok(removed)) =
            (read_targets::<Targets>(targets), read_targets::<targets::Targets>(&removal.targets))
        else {
            return false;
        };
        let mut done = BTreeMap::new();
        for item in items.iter().filter(|item| item.fate == Fate::Done) {
            if let Ok(moved) = serde_json::from_value::<Moved>(item.undo.clone()) {
                done.insert(moved.number, (item.target.as_str(), moved.until));
            }
        }
        let is_as_it_was = |held: &Held| {
            let Some(file) = removed.files.get(held.number) else { return false };
            removed.hold.as_ref().is_some_and(|hold| hold.root == held.hold)
                && done.get(&held.number) == Some(&(file.path.as_str(), held.until))
                && file.ino == held.ino
                && held.path == format!("{}/{}", removed.root.trim_end_matches('/'), file.path)
        };
        targets.files.iter().filter(|held| held.step == step_id).all(is_as_it_was)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use serde_json::value::to_raw_value;
    use serde_json::{Value, json};

    use super::*;

    fn held(step: &str, number: usize, until: u64) -> Value {
        json!({
            "hold": "/var", "quarantine": ".ansai-quarantine", "step": step, "number": number, "dev": 1,
            "ino": number, "bytes": 1, "path": format!("/var/{number}"), "until": until,
        })
    }

    fn raw(files: &[Value]) -> Box<RawValue> {
        to_raw_value(&json!({ "files": files })).unwrap()
    }

    /// Would break: a second look that is trusted because the first one was.
    #[test]
    fn a_later_look_may_only_leave_out() {
        let (one, other) = (held("p-0", 0, 5), held("p-0", 1, 5));
        let first = raw(&[one.clone(), other.clone()]);
        let is_part = |files: &[Value]| QUARANTINE_ORIGIN.is_part(&raw(files), &first);
        assert!(is_part(&[]) && is_part(std::slice::from_ref(&other)) && is_part(&[other, one.clone()]));
        for changed in [held("p-0", 0, 4), held("p-0", 2, 5), held("p-1", 0, 5)] {
            assert!(!is_part(&[one.clone(), changed.clone()]), "{changed}");
        }
        assert!(!QUARANTINE_ORIGIN.is_part(&to_raw_value(&json!({"steps": []})).unwrap(), &first));
    }
}
