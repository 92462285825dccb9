//! Observe mode runs everything except the executor: the file system stays the same, and no system call that could
//! change it is made.

use ansai_harness::{Tmpfs, Tree, requires_root};

use crate::scene::{OldLogs, ansai_beside, finding, replay_all};

#[test]
fn nothing_changes_and_nothing_tries_to() {
    if !requires_root() {
        return;
    }
    let disk = Tmpfs::new(64);
    let scene = OldLogs::new(disk.path(), 0.96, || disk.used_share());
    let state = tempfile::tempdir().unwrap();
    let before = Tree::snapshot(disk.path());
    // The option limits the mode, although the configuration says enforce.
    let (ran, trace) = ansai_beside(&scene.root)
        .args(["run", "--once", "--format", "json", "--mode", "observe"])
        .config(&scene.config("enforce", "min_age_hours = 24"))
        .state_dir(state.path())
        .run_traced();
    ran.expect_code(3);
    let changes = Tree::diff(&before, &Tree::snapshot(disk.path()));
    assert!(changes.is_empty(), "{changes:?}");
    let mutations = trace.mutations_below(disk.path());
    assert!(mutations.is_empty(), "{mutations:#?}");
    assert!(!trace.mutations_below(state.path()).is_empty(), "the trace sees what is written");
    let finding = finding(&ran, &scene.root);
    assert_eq!(finding["plans"][0]["verdict"], "observed", "{finding:#}");
    assert!(finding["plans"][0]["steps"].as_array().is_some_and(|steps| !steps.is_empty()), "{finding:#}");
    replay_all(state.path());
}
