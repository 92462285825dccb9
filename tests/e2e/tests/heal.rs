//! A full disk is found; a plan is made, applied and verified; nothing else changes.

use std::os::unix::ffi::OsStrExt as _;

use ansai_harness::{Change, Ext4, Tmpfs, Tree, requires_root};

use crate::scene::{OldLogs, ansai, ansai_beside, finding, measured, odd_names, replay_all};

/// `may_grow` if ansai writes its own records to this disk: what it writes after the step may take the last kilobytes that it
/// has freed, and then the next pass goes on.
fn heals(scene: &OldLogs, used: impl Fn() -> f64, state: &std::path::Path, may_grow: bool) {
    let full = used();
    assert!(full >= 0.955, "{full}");
    let precious = scene.precious();
    let before = Tree::snapshot(scene.log());

    let ran = ansai_beside(&scene.root)
        .args(["run", "--once", "--format", "json", "--mode", "enforce"])
        .config(&scene.config("enforce", "min_age_hours = 24, max_files = 10000, max_bytes = \"20GiB\""))
        .state_dir(state)
        .run();
    let has_grown = may_grow && ran.code == 3;
    ran.expect_code(if has_grown { 3 } else { 0 });
    assert!(used() < if has_grown { 0.78 } else { 0.80 }, "{} -> {}", full, used());
    assert_eq!(scene.precious(), precious, "something was touched that must not be");

    // The reported files are the removed ones.
    let finding = finding(&ran, &scene.root);
    assert_eq!(finding["status"]["unhealthy"], "emergency");
    assert!(has_grown || finding["verified"] == "healthy", "{finding:#}");
    let gone = Tree::diff(&before, &Tree::snapshot(scene.log()));
    let removed: Vec<_> = gone.iter().filter(|change| matches!(change, Change::Removed { .. })).collect();
    assert_eq!(removed.len() as u64, measured(&finding, "removed-files"), "{finding:#}");
    assert!(measured(&finding, "freed-bytes") >= 8 << 20);
    // Oldest first: the odd names are older than every plain log.
    for name in odd_names() {
        assert!(!scene.log().join(std::ffi::OsStr::from_bytes(&name)).exists(), "{name:?}");
    }
    replay_all(state);
}

#[test]
fn a_full_tmpfs_is_healed() {
    if !requires_root() {
        return;
    }
    let disk = Tmpfs::new(64);
    let scene = OldLogs::new(disk.path(), 0.96, || disk.used_share());
    let state = tempfile::tempdir().unwrap();
    heals(&scene, || disk.used_share(), state.path(), false);
}

#[test]
fn a_full_ext4_is_healed() {
    if !requires_root() {
        return;
    }
    let disk = Ext4::new(64);
    let scene = OldLogs::new(disk.path(), 0.96, || disk.used_share());
    let state = tempfile::tempdir().unwrap();
    heals(&scene, || disk.used_share(), state.path(), false);
}

#[test]
fn a_full_disk_that_holds_ansais_own_state_is_healed() {
    if !requires_root() {
        return;
    }
    // A first start needs about 2.5 MiB: reserves, tables, a compiled policy.
    for_own_state(Tmpfs::new(128));
    let disk = Ext4::new(128);
    let scene = OldLogs::new(disk.path(), 0.96, || disk.used_share());
    let state = disk.path().join("ansai-state");
    heals(&scene, || disk.used_share(), &state, true);
}

fn for_own_state(disk: Tmpfs) {
    let scene = OldLogs::new(disk.path(), 0.96, || disk.used_share());
    let state = disk.path().join("ansai-state");
    heals(&scene, || disk.used_share(), &state, true);
}

#[test]
fn the_table_shows_no_active_character_of_a_hostile_name() {
    if !requires_root() {
        return;
    }
    let disk = Tmpfs::new(16);
    let scene = OldLogs::new(disk.path(), 0.96, || disk.used_share());
    let state = tempfile::tempdir().unwrap();
    let ran = ansai_beside(&scene.root)
        .args(["run", "--once", "--mode", "enforce"])
        .config(&scene.config("enforce", "min_age_hours = 24"))
        .state_dir(state.path())
        .run();
    ran.expect_code(0);
    let audit = ansai().args(["audit", "show"]).state_dir(state.path()).run();
    for text in [&ran.stdout, &ran.stderr, &audit.stdout] {
        assert!(!text.contains('\u{1b}'), "{text}");
    }
    assert!(ran.stdout.contains("disk-space") && ran.stdout.contains("remove"), "{}", ran.stdout);
    assert!(
        audit.stdout.contains("starting ansai:files/files-actions.remove") && audit.stdout.contains("done: removed"),
        "{}",
        audit.stdout
    );
}
