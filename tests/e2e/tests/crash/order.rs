//! Checks durability by the rules of POSIX: data is durable after a sync of its file, a name after a sync of its
//! directory, and any part of unsynced data may survive. Real file systems guarantee more order, so this test examines
//! the system calls instead.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use ansai_harness::{Call, Then, requires_root};

use super::scenario::Scenario;

/// What a power failure would lose or tear now.
#[derive(Default)]
struct Pending {
    /// Files with unsynced data.
    data: BTreeSet<PathBuf>,
    /// Names that were changed since the last sync of their directory.
    names: BTreeSet<PathBuf>,
}

impl Pending {
    /// Called before the call runs, so the files are still in their previous state.
    fn take(&mut self, call: &Call) {
        let [first, rest @ ..] = call.paths.as_slice() else { return };
        match call.name {
            "mkdir" | "mkdirat" | "open" | "openat" | "openat2" if !first.exists() => {
                self.names.insert(first.clone());
            }
            "write" | "pwrite64" | "ftruncate" | "fallocate" | "writev" => {
                self.data.insert(first.clone());
            }
            "rename" | "renameat" | "renameat2" => {
                let to = &rest[0];
                self.names.remove(first);
                self.names.insert(to.clone());
                if self.data.remove(first) {
                    self.data.insert(to.clone());
                }
            }
            "unlink" | "unlinkat" | "rmdir" => {
                self.data.remove(first);
                self.names.remove(first);
            }
            "fsync" | "fdatasync" => {
                self.data.remove(first);
                // The sync of a directory.
                self.names.retain(|name| name.parent() != Some(first));
            }
            _ => {}
        }
    }

    fn below(&self, root: &Path, matters: impl Fn(&str) -> bool) -> Vec<&PathBuf> {
        let all = self.data.iter().chain(&self.names);
        all.filter(|path| path.starts_with(root) && matters(&path.to_string_lossy())).collect()
    }
}

/// Whether losing this is acceptable: it can be recreated, or only describes the past.
fn can_be_lost(path: &str) -> bool {
    ["/recordings", "/compiled", "/ballast."].iter().any(|part| path.contains(part))
        || path.ends_with("-shm")
        || path.ends_with("/lock")
        // The next start makes another one.
        || path.ends_with("/control.sock")
}

/// Runs a scenario and calls `look` before each call.
fn watch(scenario: &Scenario, mut look: impl FnMut(&Pending, &Call, &super::point::Point)) {
    let mut pending = Pending::default();
    scenario.run(|call, found| {
        look(&pending, call, &found.point);
        pending.take(call);
        Then::Go
    });
}

/// Before an action, all records about it are durable.
fn acts_late(scenario: &Scenario) {
    let state = scenario.site.state.path().to_owned();
    let mut acts = 0;
    watch(scenario, |pending, call, point| {
        if point.is_of_target() && !point.is_sync() {
            acts += 1;
            let open = pending.below(&state, |path| !can_be_lost(path));
            assert!(open.is_empty(), "not durable before {call:?}: {open:?}");
        }
    });
    assert!(acts > 0);
}

#[test]
fn the_intent_and_all_it_needs_are_durable_before_each_action() {
    if requires_root() {
        acts_late(&Scenario::first_start());
        acts_late(&Scenario::heal_emergency());
        acts_late(&Scenario::end_holds());
        acts_late(&Scenario::undo());
    }
}

/// Before the last name of a file is removed, its new place is durable.
fn loses_nothing(scenario: &Scenario) {
    let target = scenario.site.target.path().to_owned();
    let mut gone = 0;
    watch(scenario, |pending, call, point| {
        let moves = point.kinds == ["target file", "held file"] || point.kinds == ["held file", "target file"];
        if !(moves || call.name == "unlinkat" && point.is_on("target file")) {
            return;
        }
        gone += 1;
        // A file that was moved earlier has its old or its new name; the directory that it was moved to must be
        // durable.
        let open = pending.below(&target, |path| !moves || Path::new(path).is_dir());
        assert!(open.is_empty(), "not durable before {call:?}: {open:?}");
    });
    assert!(gone > 0);
}

#[test]
fn nothing_is_removed_before_its_replacement_is_durable() {
    if requires_root() {
        loses_nothing(&Scenario::heal());
        loses_nothing(&Scenario::undo());
    }
}

/// Before an outcome is recorded, the action itself is durable.
fn tells_late(scenario: &Scenario) {
    let target = scenario.site.target.path().to_owned();
    let mut unsynced: BTreeSet<PathBuf> = BTreeSet::new();
    watch(scenario, |_, call, point| match call.name {
        "unlinkat" if point.is_on("target file") => {
            unsynced.insert(call.paths[0].parent().unwrap().to_owned());
        }
        "renameat2" if point.is_of_target() => {
            unsynced.extend(call.paths.iter().map(|path| path.parent().unwrap().to_owned()));
        }
        "fsync" => {
            unsynced.remove(&call.paths[0]);
        }
        "write" if point.is_on("temporary plan") || point.is_on("segment") => {
            unsynced.retain(|directory| directory.starts_with(&target) && directory.exists());
            assert!(unsynced.is_empty(), "told before it is durable: {unsynced:?}");
        }
        _ => {}
    });
}

#[test]
fn an_outcome_is_recorded_after_it_is_durable() {
    if requires_root() {
        tells_late(&Scenario::heal());
        tells_late(&Scenario::heal_emergency());
        tells_late(&Scenario::undo());
    }
}
