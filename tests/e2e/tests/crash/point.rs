//! A point of failure: a call and the kind of its file. Times, ids and numbers differ between runs; points do not.

use std::fmt;
use std::path::Path;

use ansai_harness::Call;

/// Equal for calls that fail in the same way.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Point {
    pub(crate) call: &'static str,
    pub(crate) kinds: Vec<&'static str>,
}

impl Point {
    pub(crate) fn of(call: &Call, state_dir: &Path, target: &Path) -> Option<Self> {
        let kind = |path: &std::path::PathBuf| kind(path, state_dir, target);
        let kinds: Vec<_> = call.paths.iter().filter_map(kind).collect();
        (!kinds.is_empty()).then_some(Self { call: call.name, kinds })
    }

    pub(crate) fn is_sync(&self) -> bool {
        self.call.contains("sync")
    }

    /// Whether the call concerns records that must be durable before ansai acts.
    pub(crate) fn is_of_record(&self) -> bool {
        self.kinds.iter().any(|kind| matches!(*kind, "segment" | "state" | "state wal" | "state journal"))
    }

    /// Whether the call changes what ansai heals.
    pub(crate) fn is_of_target(&self) -> bool {
        const TARGET: [&str; 8] = [
            "target root",
            "quarantine",
            "quarantine step",
            "quarantine index",
            "held file",
            "temporary target",
            "target file",
            "target directory",
        ];
        self.kinds.iter().any(|kind| TARGET.contains(kind))
    }

    pub(crate) fn is_on(&self, kind: &str) -> bool {
        self.kinds.contains(&kind)
    }
}

impl fmt::Debug for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.call, self.kinds.join(" → "))
    }
}

fn kind(path: &Path, state_dir: &Path, target: &Path) -> Option<&'static str> {
    if let Ok(below) = path.strip_prefix(target) {
        let text = below.to_string_lossy();
        return Some(match text.split('/').collect::<Vec<_>>().as_slice() {
            [""] => "target root",
            [.., ".ansai-quarantine"] => "quarantine",
            [.., ".ansai-quarantine", _] => "quarantine step",
            [.., ".ansai-quarantine", _, "index.json"] => "quarantine index",
            [.., ".ansai-quarantine", _, _] => "held file",
            [.., name] if name.starts_with(".ansai-") => "temporary target",
            [.., name] if name.contains(".log.") => "target file",
            _ => "target directory",
        });
    }
    let Ok(below) = path.strip_prefix(state_dir) else {
        return state_dir.starts_with(path).then_some("above the state").filter(|_| path.components().count() > 3);
    };
    let text = below.to_string_lossy();
    Some(match text.split('/').collect::<Vec<_>>().as_slice() {
        [""] => "state directory",
        ["audit"] => "audit directory",
        ["audit", name] if name.ends_with(".log") => "segment",
        ["audit", name] if name.starts_with("torn-") => "torn tail",
        ["audit", "reserve"] => "reserve",
        ["audit", _] => "audit lock",
        ["state.db"] => "state",
        ["state.db-wal"] => "state wal",
        ["state.db-shm"] => "state shm",
        ["state.db-journal"] => "state journal",
        [name] if name.starts_with("ballast") => "ballast",
        ["plans"] => "plans directory",
        ["plans", name] if name.ends_with(".tmp") => "temporary plan",
        ["plans", name] if name.contains("items") => "plan items",
        ["plans", _] => "plan",
        ["recordings"] => "recordings directory",
        ["recordings", name] if name.ends_with(".tmp") => "temporary recording",
        ["recordings", "lock"] => "recordings lock",
        ["recordings", _] => "recording",
        ["evidence"] => "evidence directory",
        ["evidence", name] if name.ends_with(".tmp") => "temporary evidence",
        ["evidence", "lock"] => "evidence lock",
        ["evidence", _] => "evidence",
        ["compiled"] => "cache directory",
        ["compiled", name] if name.starts_with("key") => "cache key",
        ["compiled", _] => "cache",
        _ => "other state",
    })
}
