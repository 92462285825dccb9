//! `compress` and its undo.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
#![allow(clippy::disallowed_methods, reason = "tests make files")]

mod files_scene;

use std::os::unix::fs::MetadataExt as _;

use ansai_core::{Outcome, Refusal, Reversibility};
use ansai_kit::action::Fate;
use files_scene::*;
use rustix::fs::XattrFlags;

fn noise(bytes: usize) -> Vec<u8> {
    let mut state = 1_u64;
    let next = |_| {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 56) as u8
    };
    (0..bytes).map(next).collect()
}

#[test]
fn content_owner_mode_times_and_attributes_survive_both_ways() {
    let scene = Scene::fixture();
    let path = scene.file("d/a.log.1", 300_001, 100);
    rustix::fs::setxattr(&path, "user.note", b"kept\0whole", XattrFlags::empty()).unwrap();
    mode(&path, 0o640);
    if rustix::process::geteuid().is_root() {
        std::os::unix::fs::chown(&path, Some(12345), Some(54321)).unwrap();
    }
    let long = format!("{}.log.1", "n".repeat(246));
    scene.file(&long, 50_000, 200);
    let before = scene.tree();
    age(&path, scene.now - 100 * HOUR);
    let read = path.metadata().unwrap().atime();
    let step = scene.select("compress", scene.selection(&["**/*.log.1"])).unwrap();
    assert_eq!(path.metadata().unwrap().atime(), read, "a preview changes nothing");
    assert_eq!(names(&step), [long.as_str(), "d/a.log.1"]);
    assert_eq!((step.preview.reversible, step.preview.frees_later_bytes), (Reversibility::Fully, 0));
    let estimate = step.preview.frees_now_bytes;

    let applied = scene.begin(&step).unwrap();
    assert_eq!(applied.outcome, Outcome::Done, "{applied:?}");
    let freed: u64 = applied.items.iter().map(|item| item.freed_bytes).sum();
    assert!(freed > 300_000 && estimate.abs_diff(freed) < 50_000, "{estimate} estimated, {freed} came back");
    let packed = scene.path.join("d/a.log.1.gz");
    assert_eq!(packed.metadata().unwrap().atime(), read);
    let after = scene.tree();
    assert_eq!(after.len(), before.len());
    let (was, is) = (&before[&path], &after[&packed]);
    assert_eq!((was.0, was.1, was.2, was.3, was.4), (is.0, is.1, is.2, is.3, is.4));
    let unpacked = std::process::Command::new("gzip").arg("-dc").arg(&packed).output().unwrap();
    assert_eq!(unpacked.stdout, was.5);

    let undone = scene.undo(&step, &applied.items).unwrap();
    assert_eq!(undone.outcome, Outcome::Done, "{undone:?}");
    assert_eq!(scene.tree(), before);
    let mut value = [0; 100];
    let length = rustix::fs::getxattr(&path, "user.note", &mut value[..]).unwrap();
    assert_eq!(&value[..length], b"kept\0whole");
}

#[test]
fn what_would_not_help_is_left_alone() {
    let scene = Scene::new();
    scene.file("small.log", 4096, 100);
    scene.file("packed.ZST", 50_000, 100);
    scene.file("twice.log", 50_000, 100);
    scene.file("twice.log.gz", 10, 100);
    scene.file(format!("{}.log", "n".repeat(251)), 50_000, 100);
    let path = scene.file("noise.log", 1, 100);
    std::fs::write(&path, noise(100_000)).unwrap();
    age(&path, scene.now - 100 * HOUR);
    let before = scene.tree();
    let step = scene.select("compress", scene.selection(&["*"])).unwrap();
    let expected = [("compressed", 2), ("does-not-shrink", 1), ("exists", 1), ("name-too-long", 1)];
    assert_eq!(left(&step.preview), expected.map(|(reason, items)| (reason.to_owned(), items)).into());
    assert_eq!((names(&step), step.preview.frees_now_bytes), (vec!["noise.log".to_owned()], 0));
    let applied = scene.begin(&step).unwrap();
    assert_eq!(applied.items[0].fate, Fate::Skipped("does-not-shrink".into()));
    assert_eq!(scene.tree(), before);
}

#[test]
fn another_file_of_the_new_name_is_never_replaced() {
    let scene = Scene::new();
    scene.file("a.log", 50_000, 100);
    let step = scene.select("compress", scene.selection(&["*"])).unwrap();
    scene.file("a.log.gz", 7, 100);
    let before = scene.tree();
    let applied = scene.begin(&step).unwrap();
    assert!(matches!(&applied.items[0].fate, Fate::Skipped(why) if why.starts_with("exists")), "{applied:?}");
    assert_eq!(scene.tree(), before);
}

#[test]
fn undo_takes_only_the_very_file_that_it_made() {
    let scene = Scene::new();
    scene.file("a.log", 50_000, 100);
    scene.file("b.log", 50_000, 100);
    let step = scene.select("compress", scene.selection(&["*"])).unwrap();
    let applied = scene.begin(&step).unwrap();
    std::fs::write(scene.path.join("a.log.gz"), "another").unwrap();
    scene.file("b.log", 5, 1);
    let before = scene.tree();
    let undone = scene.undo(&step, &applied.items).unwrap();
    assert!(matches!(&undone.items[0].fate, Fate::Skipped(why) if why.starts_with("changed")), "{undone:?}");
    assert!(matches!(&undone.items[1].fate, Fate::Skipped(why) if why.starts_with("exists")), "{undone:?}");
    assert_eq!(scene.tree(), before);
}

/// Its service may write to the file but not create one. After a crash, and for a service that wrote again, too.
#[test]
fn a_live_log_keeps_its_name() {
    let scene = Scene::new();
    let log = scene.file("auth.log", 50_000, 100);
    scene.file("web.log.1", 50_000, 100);
    mode(&log, 0o620);
    if rustix::process::geteuid().is_root() {
        std::os::unix::fs::chown(&log, Some(12345), Some(54321)).unwrap();
    }
    age(&log, scene.now - 100 * HOUR);
    let before = scene.tree();
    let step = scene.select("compress", scene.selection(&["*"])).unwrap();
    let compressed = || {
        let applied = scene.begin(&step).unwrap();
        assert!(applied.items.iter().all(|item| item.fate == Fate::Done), "{applied:?}");
        applied
    };
    let is_kept = || {
        let (was, is) = (&before[&log], &scene.tree()[&log]);
        assert_eq!((was.0, was.1, was.2, is.5.len()), (is.0, is.1, is.2, 0));
        assert!(scene.path.join("auth.log.gz").exists() && !scene.path.join("web.log.1").exists());
    };
    let applied = compressed();
    is_kept();
    scene.undo(&step, &applied.items).unwrap();
    let same = |tree: &Tree| tree.values().map(|file| file.5.clone()).eq(before.values().map(|file| file.5.clone()));
    assert_eq!(scene.tree().keys().collect::<Vec<_>>(), before.keys().collect::<Vec<_>>());
    assert!(same(&scene.tree()));
}

#[test]
fn what_a_service_writes_to_its_live_log_meanwhile_stays() {
    let scene = Scene::new();
    let log = scene.file("auth.log", 50_000, 100);
    let step = scene.select("compress", scene.selection(&["*"])).unwrap();
    let applied = scene.begin(&step).unwrap();
    // A crash after the original was removed and before the empty file had its name. While it is open, no other file gets
    // its inode.
    let _held = std::fs::File::open(&log).unwrap();
    std::fs::remove_file(&log).unwrap();
    let resolved = scene.resolve(&step).unwrap();
    assert_eq!((resolved.items.len(), log.metadata().unwrap().len()), (1, 0));
    assert_ne!(resolved.items[0].undo["left"], applied.items[0].undo["left"]);
    std::fs::write(&log, "next").unwrap();
    let undone = scene.undo(&step, &resolved.items).unwrap();
    assert!(matches!(&undone.items[0].fate, Fate::Skipped(why) if why.starts_with("exists")), "{undone:?}");
    assert_eq!(std::fs::read(&log).unwrap(), b"next");
    assert!(scene.path.join("auth.log.gz").exists());
}

#[test]
fn a_crash_leaves_nothing_half_done() {
    let scene = Scene::new();
    for name in ["a.log", "b.log", "c.log"] {
        scene.file(name, 50_000, 100);
    }
    let before = scene.tree();
    let step = scene.select("compress", scene.selection(&["*"])).unwrap();
    // A crash within the first file.
    std::fs::write(scene.path.join(".ansai-plan7-0-0"), "half").unwrap();
    assert!(scene.resolve(&step).unwrap().items.is_empty());
    assert_eq!(scene.tree(), before);
    let applied = scene.begin(&step).unwrap();
    // A crash before the original of the second file is removed: both files exist.
    let first = scene.path.join("b.log");
    let packed = std::fs::read(scene.path.join("b.log.gz")).unwrap();
    scene.undo(&step, &applied.items[1..2]).unwrap();
    let step = scene.select("compress", scene.selection(&["b.log"])).unwrap();
    let copy = scene.path.join("b.log.gz");
    std::fs::write(&copy, packed).unwrap();
    let modified = first.metadata().unwrap().modified().unwrap();
    std::fs::File::options().write(true).open(&copy).unwrap().set_modified(modified).unwrap();
    assert!(scene.resolve(&step).unwrap().items.is_empty());
    assert!(first.exists() && !copy.exists());
    let applied = scene.begin(&step).unwrap();
    let resolved = scene.resolve(&step).unwrap();
    assert_eq!(resolved.items[0].fate, Fate::Done);
    assert_eq!(resolved.items[0].undo["packed"]["ino"], applied.items[0].undo["packed"]["ino"]);
    scene.undo(&step, &resolved.items).unwrap();
    assert!(first.exists() && !copy.exists());
}

#[test]
fn no_room_is_refused_before_and_found_again_while_acting() {
    if !is_root() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let mounted = Mounted::new(&["-t", "tmpfs", "-o", "size=8m", "none"], &dir.path().join("small"));
    let scene = Scene::at(&mounted.0);
    scene.file("a.log", 3 << 20, 100);
    let step = scene.select("compress", scene.selection(&["*"])).unwrap();
    std::fs::write(scene.path.join("ballast"), vec![1; 4 << 20]).unwrap();
    let refused = scene.select("compress", scene.selection(&["*.log"]));
    assert!(matches!(&refused, Err(Refusal::Unavailable(why)) if why.contains("no room")), "{refused:?}");
    let before = scene.tree();
    let applied = scene.begin(&step).unwrap();
    assert_eq!(applied.outcome, Outcome::Done);
    assert!(matches!(&applied.items[0].fate, Fate::Skipped(why) if why.starts_with("no-room: ")), "{applied:?}");
    assert_eq!(scene.tree(), before);
}

/// A log with holes, one that is really too large, and one that another file keeps from having room: none of them keeps
/// the others from being compressed.
#[test]
fn one_file_without_room_bars_no_other() {
    if !is_root() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let mounted = Mounted::new(&["-t", "tmpfs", "-o", "size=24m", "none"], &dir.path().join("small"));
    let scene = Scene::at(&mounted.0);
    // The oldest is the one that is too large.
    scene.file("large.log.1", 12 << 20, 300);
    scene.file("web.log.1", 3 << 20, 200);
    scene.file("web.log.2", 2 << 20, 200);
    let holes = scene.file("holes.log.1", 65_536, 250);
    std::fs::File::options().write(true).open(&holes).unwrap().set_len(4 << 30).unwrap();
    age(&holes, scene.now - 250 * HOUR);
    let step = scene.select("compress", scene.selection(&["*.log.*"])).unwrap();
    assert_eq!(left(&step.preview), [("no-room", 1), ("sparse", 1)].map(|(why, n)| (why.to_owned(), n)).into());
    assert_eq!(step.preview.needs_bytes, 3 << 20);
    // It becomes fuller meanwhile, so that there is room for the smaller one only.
    std::fs::write(scene.path.join("ballast"), vec![1; 7 << 19]).unwrap();
    let applied = scene.begin(&step).unwrap();
    assert_eq!(applied.outcome, Outcome::Done, "{applied:?}");
    assert!(scene.path.join("web.log.2.gz").exists() && scene.path.join("web.log.1").exists(), "{applied:?}");
}
