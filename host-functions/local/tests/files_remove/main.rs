//! `remove`: which files it skips, which it takes, and its undo.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
#![allow(clippy::disallowed_methods, reason = "tests make files")]

mod acting;
#[path = "../files_scene/mod.rs"]
mod files_scene;

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;
use std::sync::atomic::Ordering;

use ansai_core::{Millis, Outcome, Refusal, Reversibility};
use ansai_kit::action::{Fate, Item};
use ansai_local::files::fields::{HOLD_BELOW_PERCENT, MAX_BYTES, MAX_FILES, MIN_AGE_HOURS, ROOTS, UNDO_HOURS};
use files_scene::*;
use serde_json::json;

#[test]
fn every_reason_to_leave_a_file_alone() {
    let scene = Scene::new();
    scene.file("old.log", 5000, 100);
    scene.file("young.log", 1, 2);
    scene.file("future.log", 1, 0);
    age(&scene.path.join("future.log"), scene.now + HOUR);
    mode(&scene.file("setuid.log", 1, 100), 0o4644);
    mode(&scene.file("setgid.log", 1, 100), 0o2755);
    mode(&scene.file("sticky.log", 1, 100), 0o1644);
    let linked = scene.file("linked.log", 1, 100);
    std::fs::hard_link(&linked, scene.path.join("second-name")).unwrap();
    symlink("old.log", scene.path.join("link.log")).unwrap();
    std::fs::create_dir(scene.path.join("directory.log")).unwrap();
    rustix::fs::mkfifoat(rustix::fs::CWD, scene.path.join("fifo.log"), 0o600.into()).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(scene.path.join("socket.log")).unwrap();
    let _open = std::fs::File::open(scene.file("open.log", 1, 100)).unwrap();
    let locked = std::fs::File::open(scene.file("locked.log", 1, 100)).unwrap();
    rustix::fs::flock(&locked, rustix::fs::FlockOperation::LockShared).unwrap();
    scene.file("not-asked-for", 1, 100);
    scene.file("kept.log", 1, 100);
    scene.file(".ansai-quarantine/x/0.log", 1, 100);
    mode(&scene.path.join(".ansai-quarantine"), 0o700);

    let mut what = scene.selection(&["**/*.log"]);
    what["exclude"] = json!(["kept*"]);
    let before = scene.tree();
    let step = scene.select("remove", what).unwrap();
    assert_eq!(names(&step), ["old.log"]);
    let expected = [
        ("locked", 1),
        ("not-regular", 4),
        ("open", 1),
        ("protected", 1),
        ("several-links", 1),
        ("setuid", 2),
        ("sticky", 1),
        ("young", 2),
    ];
    assert_eq!(left(&step.preview), expected.map(|(reason, items)| (reason.to_owned(), items)).into());
    assert_eq!((step.preview.items, step.preview.frees_later_bytes, step.preview.frees_now_bytes), (1, 8192, 0));
    assert!(step.preview.complete && step.preview.reversible == Reversibility::Fully);
    assert_eq!((step.preview.interrupts, step.preview.takes), (Some(Millis::ZERO), None));
    assert_eq!(step.preview.sample, [format!("{}/old.log", scene.root)]);
    assert_eq!(scene.tree(), before, "a preview changes nothing");

    assert_eq!(scene.begin(&step).unwrap().outcome, Outcome::Done);
    let mut expected = before;
    expected.remove(&scene.path.join("old.log"));
    assert_eq!(scene.tree(), expected);
}

#[test]
fn immutable_files_are_left_alone() {
    let scene = Scene::new();
    let path = scene.file("a.log", 1, 100);
    let text = path.to_str().unwrap();
    // Not every file system has the attribute, and only root may set it.
    if !std::process::Command::new("chattr").args(["+a", text]).status().is_ok_and(|status| status.success()) {
        return;
    }
    let step = scene.select("remove", scene.selection(&["*"])).unwrap();
    run("chattr", &["-a", text]);
    assert_eq!(left(&step.preview), [("immutable".to_owned(), 1)].into());
    assert_eq!(step.preview.items, 0);
}

#[test]
fn arguments_that_make_no_sense_are_refused() {
    let scene = Scene::new();
    std::fs::create_dir(scene.path.join("real")).unwrap();
    symlink("real", scene.path.join("link")).unwrap();
    scene.file("file", 1, 100);
    let invalid = |what| assert!(matches!(scene.select("remove", what), Err(Refusal::Invalid(_))));
    invalid(scene.selection(&[]));
    invalid(scene.selection(&["a["]));
    invalid(scene.selection(&["/etc/*"]));
    for root in ["link", "link/x", "file", "real/\\x2e\\x2e", "real/../x"] {
        let mut what = scene.selection(&["*"]);
        what["root"] = json!(format!("{}/{root}", scene.root));
        invalid(what);
    }
    let mut what = scene.selection(&["*"]);
    what["root"] = json!(format!("{}/none", scene.root));
    assert!(matches!(scene.select("remove", what), Err(Refusal::NotFound(_))));
}

#[test]
fn odd_names_go_and_come_back() {
    let scene = Scene::new();
    let long = "x".repeat(255);
    let odd: [&[u8]; 7] =
        [b"new\nline", b"\x1b[31mred", b"\xff\xfe", long.as_bytes(), b"-rf", b"back\\slash", b"{a}[b]*?"];
    for name in odd {
        scene.file(OsStr::from_bytes(name), 10, 100);
        scene.file(std::path::Path::new("sub").join(OsStr::from_bytes(name)), 10, 100);
    }
    let before = scene.tree();
    let step = scene.select("remove", scene.selection(&["**"])).unwrap();
    assert_eq!(step.preview.items, 14);
    let applied = scene.begin(&step).unwrap();
    assert_eq!(scene.tree().len(), 1, "{applied:?}");
    assert!(
        applied.detail.starts_with("quarantined 14 files, frees 56.0 KiB when the quarantine expires"),
        "{}",
        applied.detail
    );
    let undone = scene.undo(&step, &applied.items).unwrap();
    assert_eq!(undone.outcome, Outcome::Done);
    assert_eq!(scene.tree(), before);
    assert!(!scene.path.join(".ansai-quarantine").exists(), "nothing is left of the quarantine");
}

#[test]
fn quarantine_keeps_owner_mode_and_times() {
    let scene = Scene::fixture();
    let path = scene.file("d/a.log", 100_000, 100);
    mode(&path, 0o640);
    if rustix::process::geteuid().is_root() {
        std::os::unix::fs::chown(&path, Some(12345), Some(54321)).unwrap();
    }
    let before = scene.tree();
    let step = scene.select("remove", scene.selection(&["**"])).unwrap();
    let applied = scene.begin(&step).unwrap();
    let held = scene.probe("list-held", json!({})).unwrap();
    let ends = json!(scene.now + 24 * HOUR);
    let held = &held["entries"][0];
    assert_eq!((&held["files"], &held["first-expires"], &held["last-expires"]), (&json!(1), &ends, &ends));
    let quarantine = scene.path.join(".ansai-quarantine").metadata().unwrap();
    assert_eq!(std::os::unix::fs::MetadataExt::mode(&quarantine) & 0o777, 0o700);
    // A new file under the old name is not touched.
    std::fs::write(&path, "new").unwrap();
    let undone = scene.undo(&step, &applied.items).unwrap();
    assert!(matches!(&undone.items[0].fate, Fate::Skipped(why) if why.starts_with("exists")), "{undone:?}");
    assert_eq!(std::fs::read(&path).unwrap(), b"new");
    std::fs::remove_file(&path).unwrap();
    assert_eq!(scene.undo(&step, &applied.items).unwrap().items[0].fate, Fate::Done);
    assert_eq!(scene.tree(), before);
}

#[test]
fn where_processes_are_hidden_root_asks_for_a_lease_on_the_files_of_others() {
    let scene = Scene::fixture();
    scene.file("ours", 1, 100);
    let path = scene.file("theirs", 1, 100);
    if !rustix::process::geteuid().is_root() {
        return;
    }
    std::os::unix::fs::chown(&path, Some(12345), None).unwrap();
    assert_eq!(scene.select("remove", scene.selection(&["*"])).unwrap().preview.items, 2);
    std::fs::remove_dir_all(scene.host.path("/proc/1")).unwrap();
    let step = scene.select("remove", scene.selection(&["*"])).unwrap();
    // The scan sees no process, so the lease decides: the kernel refuses it while the file is open.
    assert_eq!(step.preview.items, 2, "{:?}", step.preview);
    let held = std::fs::File::open(&path).unwrap();
    let applied = scene.begin(&step).unwrap();
    let theirs = applied.items.iter().find(|item| item.target.ends_with("theirs")).unwrap();
    assert!(matches!(&theirs.fate, Fate::Skipped(why) if why == "open" || why == "maybe-open"), "{applied:?}");
    drop(held);
    std::fs::remove_dir_all(scene.host.path("/proc")).unwrap();
    assert!(matches!(scene.select("remove", scene.selection(&["*"])), Err(Refusal::NotFound(_))));
}

#[test]
fn without_undo_hours_or_room_files_are_unlinked() {
    for scene in [Scene::new().with(&UNDO_HOURS, 0), Scene::new().with(&HOLD_BELOW_PERCENT, 0)] {
        scene.file("a.log", 10_000, 100);
        let step = scene.select("remove", scene.selection(&["*"])).unwrap();
        assert_eq!((step.preview.frees_now_bytes, step.preview.frees_later_bytes), (12288, 0));
        assert_eq!(step.preview.reversible, Reversibility::None);
        let applied = scene.begin(&step).unwrap();
        assert_eq!(applied.items[0].freed_bytes, 12288);
        assert_eq!(applied.detail, "removed 1 file, freed 12.0 KiB");
        assert!(scene.tree().is_empty());
        assert!(matches!(scene.undo(&step, &applied.items), Err(Refusal::Unsupported(_))));
    }
}

#[test]
fn a_quarantine_of_somebody_elses_is_not_used() {
    let scene = Scene::new();
    scene.file("a.log", 1, 100);
    let quarantine = scene.path.join(".ansai-quarantine");
    std::fs::create_dir(&quarantine).unwrap();
    mode(&quarantine, 0o755);
    assert!(matches!(scene.select("remove", scene.selection(&["*"])), Err(Refusal::Unavailable(_))));
    std::fs::remove_dir(&quarantine).unwrap();
    let step = scene.select("remove", scene.selection(&["*"])).unwrap();
    let outside = tempfile::tempdir().unwrap();
    symlink(outside.path(), &quarantine).unwrap();
    assert!(scene.begin(&step).is_err());
    assert!(scene.path.join("a.log").exists());
    assert_eq!(std::fs::read_dir(outside.path()).unwrap().count(), 0);
}

/// A file that is too small is not selected, as if no glob matched it: it is not left out either.
#[test]
fn only_files_that_are_large_enough() {
    let scene = Scene::new();
    for (name, bytes) in [("small.log", 4096), ("large.log", 20_000), ("larger.log", 40_000)] {
        scene.file(name, bytes, 100);
    }
    std::fs::create_dir(scene.path.join("directory.log")).unwrap();
    let large = |verb: &str, min_bytes: u64| {
        let mut what = scene.selection(&["*.log"]);
        what["min-bytes"] = json!(min_bytes);
        let arguments = json!({ "what": what, "keep": 3, "reason": "a test" });
        let mut arguments = arguments.as_object().unwrap().clone();
        arguments.retain(|name, _| name != "keep" || verb == "rotate");
        let step = scene.propose(verb, arguments.into(), &[]).unwrap();
        (names(&step), left(&step.preview).into_iter().collect::<Vec<_>>())
    };
    for verb in ["remove", "compress", "rotate"] {
        assert_eq!(large(verb, 8192).0, ["large.log", "larger.log"], "{verb}");
        assert_eq!(large(verb, 20_480), (vec!["large.log".into(), "larger.log".into()], vec![]), "{verb}");
        assert_eq!(large(verb, 20_481), (vec!["larger.log".into()], vec![]), "{verb}");
        assert_eq!(large(verb, u64::MAX), (vec![], vec![]), "{verb}");
    }
    assert_eq!(large("remove", 0).1, [("not-regular".to_owned(), 1)]);
}

/// What a query measures is what a step with the same patterns frees.
#[test]
fn what_is_measured_is_what_is_removed() {
    let scene = Scene::new();
    for (name, bytes) in [("a.log", 9000), ("d/b.log", 20_000), ("keep/c.log", 9000), ("d/tiny.log", 1), ("x", 9000)] {
        scene.file(name, bytes, 100);
    }
    let (exclude, min_bytes) = (json!(["keep/**", "**/x.log"]), json!(8192));
    let (mut query, mut what) = (scene.query(&["**/*.log"]), scene.selection(&["**/*.log"]));
    for one in [&mut query, &mut what] {
        one["exclude"] = exclude.clone();
        one["min-bytes"] = min_bytes.clone();
    }
    let measured = scene.probe("measure-files", json!({ "what": query })).unwrap()["entries"][0].clone();
    let step = scene.select("remove", what).unwrap();
    assert_eq!((&measured["files"], &measured["bytes"]), (&json!(2), &json!(12_288 + 20_480)));
    assert_eq!((step.preview.items, step.preview.frees_later_bytes), (2, 12_288 + 20_480));
}

#[test]
fn oldest_first_until_a_limit() {
    let scene = Scene::new();
    for (name, hours) in [("c", 300), ("a", 100), ("e", 500), ("b", 200), ("d", 400)] {
        scene.file(name, 4096, hours);
    }
    let picked = |scene: &Scene, field: &str, value: u64| {
        let mut what = scene.selection(&["*"]);
        what[field] = json!(value);
        names(&scene.select("remove", what).unwrap())
    };
    assert_eq!(picked(&scene, "max-files", 0), ["e", "d", "c", "b", "a"]);
    assert_eq!(picked(&scene, "max-files", 2), ["e", "d"]);
    assert_eq!(picked(&scene, "enough-bytes", 1), ["e"]);
    assert_eq!(picked(&scene, "enough-bytes", 8192), ["e", "d"]);
    assert_eq!(picked(&scene, "enough-bytes", 8193), ["e", "d", "c"]);
    assert_eq!(picked(&scene, "min-age-hours", 250), ["e", "d", "c"]);
    let scene = scene.with(&MAX_FILES, 3);
    assert_eq!(picked(&scene, "max-files", 4), ["e", "d", "c"]);
    let scene = scene.with(&MAX_BYTES, 8192);
    let step = scene.select("remove", scene.selection(&["*"])).unwrap();
    assert_eq!(names(&step), ["e", "d"]);
    assert_eq!(left(&step.preview), [("beyond-limit".to_owned(), 3)].into());
    let scene = scene.with(&MAX_BYTES, 4095);
    assert_eq!(scene.select("remove", scene.selection(&["*"])).unwrap().preview.items, 0);
}

#[test]
fn two_steps_do_not_count_one_file_twice() {
    let scene = Scene::new();
    for name in ["a.log", "b.log", "c.txt"] {
        scene.file(name, 4096, 100);
    }
    let first = scene.select("remove", scene.selection(&["*.log"])).unwrap();
    let all = json!({ "what": scene.selection(&["*"]), "reason": "" });
    let second = scene.propose("remove", all, std::slice::from_ref(&first)).unwrap();
    assert_eq!(names(&second), ["c.txt"]);
    assert_eq!(second.preview.frees_later_bytes, 4096);
    assert!(left(&second.preview).is_empty());
}
