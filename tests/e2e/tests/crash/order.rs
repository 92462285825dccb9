//! What POSIX promises and no more: data is durable after a sync of its file, a name after a sync of its directory, and
//! of what is not synced any part may survive. Real file systems order more than that, so this is told from the calls.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use ansai_harness::{Call, Then, requires_root};

use super::scenario::Scenario;

/// What would be lost, or torn, if the power failed now.
#[derive(Default)]
struct Pending {
    /// Files with data that is not synced.
    data: BTreeSet<PathBuf>,
    /// Names that their directory was not synced after.
    names: BTreeSet<PathBuf>,
}

impl Pending {
    /// The call is about to be made: what is there now is what it finds.
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
                // Of a directory.
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

/// What may be lost: it can be had again, or only tells of the past.
fn can_be_lost(path: &str) -> bool {
    path.contains("/recordings") || path.contains("/compiled") || path.ends_with("-shm") || path.ends_with("/lock")
}

/// Runs a scenario and looks before each call.
fn watch(scenario: &Scenario, mut look: impl FnMut(&Pending, &Call, &super::point::Point)) {
    let mut pending = Pending::default();
    scenario.run(|call, found| {
        look(&pending, call, &found.point);
        pending.take(call);
        Then::Go
    });
}

/// Nothing is done before all that is known of it is there to stay.
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
fn the_intent_and_all_it_needs_are_durable_before_each_act() {
    if requires_root() {
        acts_late(&Scenario::first_start());
        acts_late(&Scenario::heal_emergency());
        acts_late(&Scenario::end_holds());
        acts_late(&Scenario::undo());
    }
}

/// Before the last name of something goes, where it went is there to stay.
fn loses_nothing(scenario: &Scenario) {
    let target = scenario.site.target.path().to_owned();
    let mut gone = 0;
    watch(scenario, |pending, call, point| {
        let moves = point.kinds == ["target file", "held file"] || point.kinds == ["held file", "target file"];
        if !(moves || call.name == "unlinkat" && point.is_on("target file")) {
            return;
        }
        gone += 1;
        // What was moved before has one name or the other; what it was moved into must not go.
        let open = pending.below(&target, |path| !moves || Path::new(path).is_dir());
        assert!(open.is_empty(), "not durable before {call:?}: {open:?}");
    });
    assert!(gone > 0);
}

#[test]
fn nothing_is_taken_away_before_its_successor_is_durable() {
    if requires_root() {
        loses_nothing(&Scenario::heal());
        loses_nothing(&Scenario::undo());
    }
}

/// What an outcome says was done is done for good.
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
fn an_outcome_is_told_after_it_is_durable() {
    if requires_root() {
        tells_late(&Scenario::heal());
        tells_late(&Scenario::heal_emergency());
        tells_late(&Scenario::undo());
    }
}
