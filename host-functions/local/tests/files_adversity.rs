//! Adverse conditions: races, mounts, small real disks, and random trees.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
#![allow(clippy::disallowed_methods, reason = "tests make files")]

mod files_scene;

use std::collections::BTreeSet;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ansai_core::{Reversibility, Value};
use ansai_harness::until;
use ansai_kit::action::Fate;
use ansai_local::files::fields::{HOLD_BELOW_PERCENT, UNDO_HOURS};
use files_scene::*;
use proptest::prelude::*;
use serde_json::json;

#[test]
fn a_directory_that_is_swapped_all_the_time_leads_nowhere() {
    let outside = tempfile::tempdir().unwrap();
    let victims = Scene::at(outside.path());
    for n in 0..20 {
        victims.file(format!("f{n}"), 10, 100);
    }
    for hours in [0, 24] {
        let scene = Scene::new().with(&UNDO_HOURS, hours);
        let before = victims.tree();
        let over = AtomicBool::new(false);
        let (d, aside, file, link) = (scene.path.join("d"), scene.path.join("aside"), "f3", outside.path().join("f3"));
        std::fs::create_dir(&d).unwrap();
        let removed = std::thread::scope(|threads| {
            threads.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    let _ = std::fs::rename(&d, &aside);
                    let _ = symlink(outside.path(), &d);
                    std::thread::yield_now();
                    let _ = std::fs::remove_file(&d);
                    let _ = std::fs::remove_file(aside.join(file));
                    let _ = std::fs::hard_link(&link, aside.join(file));
                    let _ = std::fs::rename(&aside, &d);
                    std::thread::yield_now();
                    let _ = std::fs::remove_file(d.join("f4"));
                    let _ = symlink(outside.path().join("f4"), d.join("f4"));
                }
            });
            let (mut removed, mut scene) = (0, scene);
            for round in 0..60 {
                scene.step_id = format!("round{round}");
                for n in (0..20).filter(|n| !(3..=4).contains(n)) {
                    // Created elsewhere, so that nothing is written through the link.
                    let fresh = scene.file(format!("fresh{n}"), 10, 100);
                    let _ = std::fs::rename(&fresh, aside.join(format!("f{n}")));
                    let _ = std::fs::remove_file(&fresh);
                }
                let Ok(step) = scene.select("remove", scene.selection(&["**/f*"])) else { continue };
                if let Ok(applied) = scene.begin(&step) {
                    removed += applied.items.iter().filter(|item| item.fate == Fate::Done).count();
                }
            }
            over.store(true, Ordering::Relaxed);
            removed
        });
        assert_eq!(victims.tree(), before, "{removed} files were removed meanwhile");
    }
}

#[test]
fn a_directory_that_becomes_protected_by_another_name_is_not_touched() {
    for hours in [0, 24] {
        let mut scene = Scene::fixture().with(&UNDO_HOURS, hours);
        let file = scene.file("d/e/a.log", 10, 100);
        let step = scene.select("remove", scene.selection(&["**"])).unwrap();
        assert_eq!(step.preview.items, 1);
        symlink("data/d", scene.host.path("/state")).unwrap();
        scene.host = scene.host.clone().protecting("/state");
        let applied = scene.begin(&step).unwrap();
        assert_eq!(applied.items[0].fate, Fate::Skipped("protected".into()));
        assert!(file.exists());
        assert_eq!(scene.select("remove", scene.selection(&["**"])).unwrap().preview.items, 0);
    }
}

#[test]
fn what_is_mounted_below_is_not_entered() {
    if !is_root() {
        return;
    }
    let outside = tempfile::tempdir().unwrap();
    std::fs::write(outside.path().join("a.log"), "kept").unwrap();
    let scene = Scene::new();
    scene.file("a.log", 10, 100);
    scene.file("bound-file.log", 10, 100);
    let _tmpfs = Mounted::new(&["-t", "tmpfs", "-o", "size=1m", "none"], &scene.path.join("tmpfs"));
    std::fs::write(scene.path.join("tmpfs/a.log"), "kept").unwrap();
    // The same device: only the number of the mount differs.
    let _bind = Mounted::new(&["--bind", outside.path().to_str().unwrap()], &scene.path.join("bind"));
    run(
        "mount",
        &[
            "--bind",
            outside.path().join("a.log").to_str().unwrap(),
            scene.path.join("bound-file.log").to_str().unwrap(),
        ],
    );
    let _bound = Mounted(scene.path.join("bound-file.log"));

    let step = scene.select("remove", scene.selection(&["**/*.log"])).unwrap();
    assert_eq!(names(&step), ["a.log"]);
    assert_eq!(left(&step.preview)["other-device"], 3);
    let mut targets: serde_json::Value = serde_json::from_str(step.targets.get()).unwrap();
    for path in ["bind/a.log", "tmpfs/a.log", "bound-file.log"] {
        targets["files"][0]["path"] = json!(path);
        let forged = ansai_kit::action::Proposed { targets: raw(&targets), ..step.clone() };
        assert!(matches!(scene.begin(&forged).unwrap().items[0].fate, Fate::Skipped(_)), "{path}");
    }
    let usage = json!({ "root": scene.root, "depth": 0, "cursor": null });
    assert_eq!(scene.probe("largest-directories", usage).unwrap()["entries"][0]["files"], 1);
    scene.begin(&step).unwrap();
    assert!(!scene.path.join("a.log").exists());
    for kept in ["bind/a.log", "tmpfs/a.log", "bound-file.log"] {
        assert!(scene.path.join(kept).exists(), "{kept}");
    }
}

/// Fills a small real disk and frees space on it.
fn on_a_small_disk(mounted: &Mounted) {
    let mut scene = Scene::at(&mounted.0).with(&HOLD_BELOW_PERCENT, 50);
    let size = 1 << 20;
    for n in 0..20 {
        scene.file(format!("logs/f{n}"), size, 100 + n);
    }
    let measure = |applied: &ansai_kit::action::Applied, name: &str| match applied
        .measures
        .iter()
        .find(|measure| measure.name == name)
        .unwrap()
        .value
    {
        Value::Count(count) => count,
        ref value => panic!("{value:?}"),
    };
    let fill = |name: &str| {
        let mut file = std::fs::File::create(scene.path.join(name)).unwrap();
        while std::io::Write::write_all(&mut file, &[1; 4096]).is_ok() {}
    };
    fill("ballast");
    // The disk is full: files are removed at once, and the freed bytes are measured.
    let mut what = scene.selection(&["logs/*"]);
    what["enough-bytes"] = json!(10 * size);
    let step = scene.select("remove", what).unwrap();
    assert_eq!((step.preview.items, step.preview.frees_later_bytes), (10, 0));
    assert_eq!(step.preview.reversible, Reversibility::None);
    let applied = scene.begin(&step).unwrap();
    rustix::fs::sync();
    let freed = measure(&applied, "freed-bytes");
    assert_eq!(freed, step.preview.frees_now_bytes);
    let came_back = measure(&applied, "available-after") - measure(&applied, "available-before");
    assert!(came_back <= freed && came_back > 0, "{came_back} of {freed}");
    // Usage is still high, but the bytes that an earlier step of the plan frees count.
    let ballast = scene.path.join("ballast");
    age(&ballast, scene.now - 200 * HOUR);
    let first = scene.select("remove", scene.selection(&["ballast"])).unwrap();
    assert_eq!(first.preview.reversible, Reversibility::None);
    let logs = json!({ "what": scene.selection(&["logs/*"]), "reason": "" });
    let alone = scene.propose("remove", logs.clone(), &[]).unwrap();
    assert_eq!(alone.preview.reversible, Reversibility::None);
    let second = scene.propose("remove", logs, std::slice::from_ref(&first)).unwrap();
    assert_eq!((second.preview.reversible, second.preview.frees_now_bytes), (Reversibility::Fully, 0));
    assert_eq!(second.preview.frees_later_bytes, 10 * size as u64);
    scene.begin(&first).unwrap();
    scene.step_id = "plan7-1".into();
    let before = scene.tree();
    let applied = scene.begin(&second).unwrap();
    assert_eq!(applied.items.len(), 10);
    // Quarantined files are removed, which frees their bytes.
    let held = scene.probe("list-held", json!({})).unwrap();
    assert_eq!((&held["entries"][0]["mount"], &held["entries"][0]["files"]), (&json!(scene.root), &json!(10)));
    scene.undo(&second, &applied.items[..5]).unwrap();
    assert_eq!(scene.tree().len(), before.len() - 5);
    let reclaim = json!({ "mount": scene.root, "enough-bytes": 0, "reason": "" });
    let step = scene.propose("reclaim", reclaim, &[]).unwrap();
    assert_eq!(step.preview.frees_now_bytes, 5 * size as u64);
    scene.begin(&step).unwrap();
    assert!(!scene.path.join(".ansai-quarantine").exists());
}

#[test]
fn a_full_tmpfs_is_healed() {
    if !is_root() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    on_a_small_disk(&Mounted::new(&["-t", "tmpfs", "-o", "size=48m", "none"], &dir.path().join("disk")));
}

/// Would break: files in quarantine, which keep their inodes, on a file system that has none left.
#[test]
fn a_file_system_without_inodes_is_healed() {
    if !is_root() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let options = ["-t", "tmpfs", "-o", "size=48m,nr_inodes=100", "none"];
    let mounted = Mounted::new(&options, &dir.path().join("disk"));
    let scene = Scene::at(&mounted.0).with(&HOLD_BELOW_PERCENT, 90);
    for n in 0..60 {
        scene.file(format!("f{n}"), 10, 100);
    }
    let step = scene.select("remove", scene.selection(&["f*"])).unwrap();
    assert!(step.preview.frees_later_bytes > 0, "two thirds are in use: {:?}", step.preview);
    for n in 60..95 {
        scene.file(format!("f{n}"), 10, 100);
    }
    let free = || rustix::fs::statvfs(&mounted.0).unwrap().f_ffree;
    let step = scene.select("remove", scene.selection(&["f*"])).unwrap();
    assert_eq!((step.preview.frees_later_bytes, &step.preview.reversible), (0, &Reversibility::None));
    let before = free();
    let applied = scene.begin(&step).unwrap();
    let kept: Vec<_> = fates(&applied).into_iter().filter(|(_, fate)| **fate != Fate::Done).collect();
    assert_eq!((applied.items.len(), kept), (95, vec![]));
    // Whoever looks at the open files of this process holds one for a moment, and its inode with it.
    until("all inodes are free", Duration::from_secs(60), || (free() - before == 95).then_some(()));
}

#[test]
fn a_full_ext4_is_healed() {
    if !is_root() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let image = dir.path().join("image");
    std::fs::File::create(&image).unwrap().set_len(64 << 20).unwrap();
    run("mkfs.ext4", &["-q", "-m", "0", image.to_str().unwrap()]);
    let mounted = Mounted::new(&["-o", "loop", image.to_str().unwrap()], &dir.path().join("disk"));
    on_a_small_disk(&mounted);
    // The kernel holds the image: no process has it open.
    let scene = Scene::at(dir.path());
    let step = scene.select("remove", scene.selection(&["image"])).unwrap();
    assert_eq!((step.preview.items, left(&step.preview)["open"]), (0, 1));
}

#[derive(Debug, Clone)]
struct Made {
    path: Vec<u8>,
    kind: u8,
    hours: u64,
    size: usize,
}

fn made() -> impl Strategy<Value = Made> {
    let part = proptest::sample::select(vec!["a", "b.log", "-x", "c\nd", "\u{1b}[0m", "e.log", "{*}"]);
    (proptest::collection::vec(part, 1..5), 0..8_u8, 0..60_u64, 0..9000_usize)
        .prop_map(|(parts, kind, hours, size)| Made { path: parts.join("/").into_bytes(), kind, hours, size })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn what_was_previewed_is_removed_and_nothing_else(
        tree in proptest::collection::vec(made(), 0..40),
        glob in proptest::sample::select(vec!["**", "*", "**/*.log", "a/**", "*/b.log", "{a,-x}/*"]),
        hold: bool,
        most in 0..6_u64,
    ) {
        use std::os::unix::ffi::OsStrExt as _;
        let scene = Scene::new().with(&UNDO_HOURS, if hold { 5 } else { 0 });
        let mut files: Vec<PathBuf> = Vec::new();
        for one in &tree {
            let path = scene.path.join(std::ffi::OsStr::from_bytes(&one.path));
            if std::fs::create_dir_all(path.parent().unwrap()).is_err() || path.symlink_metadata().is_ok() {
                continue;
            }
            match (one.kind, files.last()) {
                (0, _) => symlink("/etc", &path).unwrap(),
                (1, Some(first)) => std::fs::hard_link(first, &path).unwrap(),
                (2, _) => std::fs::create_dir(&path).unwrap(),
                (kind, _) => {
                    std::fs::write(&path, vec![kind; one.size]).unwrap();
                    age(&path, scene.now - one.hours * HOUR);
                    files.push(path);
                }
            }
        }
        let before = scene.tree();
        let mut what = scene.selection(&[glob]);
        what["max-files"] = json!(most);
        let step = scene.select("remove", what).unwrap();
        prop_assert_eq!(&scene.tree(), &before);
        let applied = scene.begin(&step).unwrap();
        prop_assert!(applied.items.iter().all(|item| item.fate == Fate::Done), "{:?}", applied);
        let after = scene.tree();
        let gone: BTreeSet<PathBuf> = before.keys().filter(|path| !after.contains_key(*path)).cloned().collect();
        let bytes = |text: &String| ansai_core::text::path_bytes(text).unwrap();
        let previewed: BTreeSet<PathBuf> =
            names(&step).iter().map(|name| scene.path.join(std::ffi::OsStr::from_bytes(&bytes(name)))).collect();
        prop_assert_eq!(&gone, &previewed);
        prop_assert_eq!(step.preview.items as usize, previewed.len());
        prop_assert!(after.iter().all(|(path, data)| before[path] == *data));
        if hold && !previewed.is_empty() {
            scene.undo(&step, &applied.items).unwrap();
            prop_assert_eq!(scene.tree(), before);
        }
    }
}
