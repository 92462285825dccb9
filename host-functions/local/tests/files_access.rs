//! What ansai creates beside or instead of a file is exactly as accessible as that file, whatever the owner of its
//! directory prepared: access control lists, flags, groups, names that were taken first.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
#![allow(clippy::disallowed_methods, reason = "tests make files")]

mod files_scene;

use std::os::unix::fs::{MetadataExt as _, chown};
use std::path::{Path, PathBuf};

use ansai_core::{Outcome, Refusal};
use ansai_kit::action::{Fate, Proposed};
use files_scene::*;
use rustix::fs::{IFlags, XattrFlags};
use serde_json::json;

const ACCESS: &str = "system.posix_acl_access";
const DEFAULT: &str = "system.posix_acl_default";
const NOBODY: u32 = 65_534;

/// An access control list in the kernel's form, that lets one user do everything.
fn list(user: u32, owner: u16, group: u16, mask: u16) -> Vec<u8> {
    const NONE: u32 = u32::MAX;
    let entries = [(0x01, owner, NONE), (0x02, 7, user), (0x04, group, NONE), (0x10, mask, NONE), (0x20, 0, NONE)];
    let mut list = 2_u32.to_le_bytes().to_vec();
    for (tag, permissions, id) in entries {
        list.extend(u16::to_le_bytes(tag).into_iter().chain(u16::to_le_bytes(permissions)).chain(u32::to_le_bytes(id)));
    }
    list
}

fn set(path: &Path, name: &str, value: &[u8]) {
    rustix::fs::setxattr(path, name, value, XattrFlags::empty()).unwrap();
}

fn get(path: &Path, name: &str) -> Option<Vec<u8>> {
    let mut value = vec![0; 1000];
    let length = rustix::fs::lgetxattr(path, name, &mut *value).ok()?;
    value.truncate(length);
    Some(value)
}

fn flags(path: &Path) -> IFlags {
    rustix::fs::ioctl_getflags(std::fs::File::open(path).unwrap()).unwrap()
}

fn set_flags(path: &Path, flags: IFlags) {
    let file = std::fs::File::open(path).unwrap();
    rustix::fs::ioctl_setflags(&file, rustix::fs::ioctl_getflags(&file).unwrap() | flags).unwrap();
}

/// Everything that decides who may do what with a file.
#[derive(Debug, Clone, PartialEq)]
struct Access {
    mode: u32,
    owner: (u32, u32),
    list: Option<Vec<u8>>,
    capability: Option<Vec<u8>>,
    note: Option<Vec<u8>>,
    flags: IFlags,
}

fn access(path: &Path) -> Access {
    let data = path.symlink_metadata().unwrap();
    let kept = IFlags::NODUMP | IFlags::NOATIME | IFlags::SYNC | IFlags::UNRM | IFlags::SECURE_REMOVAL;
    Access {
        mode: data.mode(),
        owner: (data.uid(), data.gid()),
        list: get(path, ACCESS),
        capability: get(path, "security.capability"),
        note: get(path, "user.note"),
        flags: flags(path) & kept,
    }
}

/// A directory of an unprivileged user, who lets himself read all that is created in it, and has flags and a group for
/// it; with a log of root's that he cannot read.
fn prepared(scene: &Scene) -> PathBuf {
    let directory = scene.path.join("app");
    let log = scene.file("app/audit.log", 60_000, 100);
    chown(&directory, Some(NOBODY), Some(NOBODY)).unwrap();
    mode(&directory, 0o2755);
    set(&directory, DEFAULT, &list(NOBODY, 7, 7, 7));
    set_flags(&directory, IFlags::NODUMP | IFlags::NOATIME);
    chown(&log, Some(0), Some(4)).unwrap();
    mode(&log, 0o640);
    log
}

fn nobody_reads(path: &Path) -> bool {
    let cat = ["--reuid=65534", "--regid=65534", "--clear-groups", "cat"];
    std::process::Command::new("setpriv").args(cat).arg(path).output().unwrap().status.success()
}

fn rotation(scene: &Scene) -> Proposed {
    let what = json!({ "what": scene.selection(&["**/audit.log"]), "keep": 3, "reason": "a test" });
    scene.propose("rotate", what, &[]).unwrap()
}

#[test]
fn a_compressed_file_and_what_has_the_name_of_its_log_are_as_accessible_as_the_log() {
    if !is_root() {
        return;
    }
    let scene = Scene::fixture();
    let log = prepared(&scene);
    mode(&scene.path, 0o755);
    let before = access(&log);
    let step = scene.select("compress", scene.selection(&["**/audit.log"])).unwrap();
    let applied = scene.begin(&step).unwrap();
    assert_eq!(applied.items[0].fate, Fate::Done, "{applied:?}");
    let packed = scene.path.join("app/audit.log.gz");
    assert_eq!((access(&packed), access(&log)), (before.clone(), before.clone()));
    assert!(!nobody_reads(&packed) && !nobody_reads(&log));
    // The restored file is made in the same directory.
    scene.undo(&step, &applied.items).unwrap();
    assert_eq!((log.metadata().unwrap().len(), access(&log)), (60_000, before));
    assert!(!nobody_reads(&log));
}

#[test]
fn the_new_file_of_a_rotation_is_as_accessible_as_the_old_one() {
    if !is_root() {
        return;
    }
    let scene = Scene::fixture();
    let log = prepared(&scene);
    mode(&scene.path, 0o755);
    let before = access(&log);
    let step = rotation(&scene);
    assert_eq!(scene.begin(&step).unwrap().items[0].fate, Fate::Done);
    assert_eq!((log.metadata().unwrap().len(), access(&log)), (0, before.clone()));
    assert_eq!(access(&scene.path.join("app/audit.log.1")), before);
    assert!(!nobody_reads(&log));
}

/// After a crash, what has the name of the unfinished file may be another's: it never becomes the log.
#[test]
fn a_rotation_that_was_interrupted_ends_with_a_file_of_its_own() {
    if !is_root() {
        return;
    }
    let scene = Scene::fixture();
    let log = prepared(&scene);
    let before = access(&log);
    let step = rotation(&scene);
    std::fs::rename(&log, scene.path.join("app/audit.log.1")).unwrap();
    let planted = scene.path.join(format!("app/.ansai-{}-0", scene.step_id));
    std::fs::write(&planted, "").unwrap();
    chown(&planted, Some(NOBODY), Some(NOBODY)).unwrap();
    mode(&planted, 0o666);
    let held_open = std::fs::File::open(&planted).unwrap();
    assert_eq!(scene.resolve(&step).unwrap().outcome, Outcome::Done);
    assert_eq!(access(&log), before);
    assert_ne!(log.metadata().unwrap().ino(), held_open.metadata().unwrap().ino());
}

#[test]
fn what_a_file_has_of_its_own_is_kept() {
    if !is_root() {
        return;
    }
    let scene = Scene::fixture();
    let log = scene.file("d/web.log", 60_000, 100);
    chown(&log, Some(12_345), Some(54_321)).unwrap();
    set(&log, ACCESS, &list(4_242, 6, 4, 4));
    set(&log, "user.note", b"kept");
    // VFS_CAP_REVISION_2 with one capability: a change of owner would remove it.
    set(&log, "security.capability", &[0, 0, 0, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    set_flags(&log, IFlags::NODUMP);
    let before = access(&log);
    assert!(
        before.list.is_some() && before.capability.is_some() && before.flags.contains(IFlags::NODUMP),
        "{before:?}"
    );
    let step = scene.select("compress", scene.selection(&["**/web.log"])).unwrap();
    let applied = scene.begin(&step).unwrap();
    assert_eq!(applied.items[0].fate, Fate::Done, "{applied:?}");
    assert_eq!(access(&scene.path.join("d/web.log.gz")), before);
    assert_eq!(access(&log), before, "the empty file with its name");
    scene.undo(&step, &applied.items).unwrap();
    assert_eq!(access(&log), before);
}

#[test]
fn a_quarantine_has_no_access_control_list() {
    if !is_root() {
        return;
    }
    let mut scene = Scene::fixture();
    let log = prepared(&scene);
    let held = access(&log);
    let app = scene.path.join("app");
    scene.root = "/data/app".into();
    scene.scope = scene.scope.with_set(&ansai_local::files::fields::ROOTS, ["/data/app"]);
    let step = scene.select("remove", scene.selection(&["audit.log"])).unwrap();
    let applied = scene.begin(&step).unwrap();
    assert_eq!(applied.items[0].fate, Fate::Done, "{applied:?}");
    let quarantine = app.join(".ansai-quarantine");
    let of_step = quarantine.join(&scene.step_id);
    for path in [&quarantine, &of_step, &of_step.join("index.json")] {
        assert_eq!((get(path, ACCESS), get(path, DEFAULT)), (None, None), "{}", path.display());
        let data = path.metadata().unwrap();
        assert_eq!((data.mode() & 0o077, data.uid()), (0, 0), "{}", path.display());
    }
    assert_eq!(access(&of_step.join("0")), held);
}

/// As anybody can do in `/tmp`: a directory, a link or a file that has the name first. It is neither used nor in the way.
#[test]
fn who_takes_the_name_of_the_quarantine_bars_nothing() {
    if !is_root() {
        return;
    }
    for squat in ["directory", "link", "file"] {
        let mut scene = Scene::new();
        mode(&scene.path, 0o1777);
        let usual = scene.path.join(".ansai-quarantine");
        let outside = tempfile::tempdir().unwrap();
        match squat {
            "directory" => std::fs::create_dir(&usual).unwrap(),
            "link" => std::os::unix::fs::symlink(outside.path(), &usual).unwrap(),
            _ => std::fs::write(&usual, "").unwrap(),
        }
        std::os::unix::fs::lchown(&usual, Some(NOBODY), Some(NOBODY)).unwrap();
        let mut steps = Vec::new();
        for name in ["a.log", "b.log"] {
            let path = scene.file(name, 5_000, 100);
            let step = scene.select("remove", scene.selection(&[name])).unwrap();
            scene.step_id = format!("plan-{name}-0").replace('.', "-");
            let applied = scene.begin(&step).unwrap();
            assert_eq!(applied.items[0].fate, Fate::Done, "{squat}: {applied:?}");
            assert!(!path.exists());
            steps.push((scene.step_id.clone(), step, applied.items));
        }
        // Both are in one quarantine, whose name nobody could have taken first.
        let ours: Vec<PathBuf> = std::fs::read_dir(&scene.path)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.symlink_metadata().is_ok_and(|data| data.is_dir() && data.uid() == 0))
            .collect();
        assert_eq!(ours.len(), 1, "{squat}: {ours:?}");
        assert_eq!(ours[0].file_name().unwrap().len(), ".ansai-quarantine-".len() + 32);
        let held = scene.probe("list-held", json!({})).unwrap();
        assert_eq!((&held["entries"][0]["files"], &held["complete"]), (&json!(2), &json!(true)), "{squat}: {held}");
        // It is found again: by an undo, after a crash, and at its end.
        let (step_id, step, items) = &steps[0];
        scene.step_id.clone_from(step_id);
        assert_eq!(scene.resolve(step).unwrap().items.len(), 1, "{squat}");
        assert_eq!(scene.undo(step, items).unwrap().items[0].fate, Fate::Done, "{squat}");
        assert!(scene.path.join("a.log").exists());
        scene.now += 48 * HOUR;
        let expire = scene.propose("expire-held", json!({ "root": scene.root, "reason": "a test" }), &[]).unwrap();
        assert_eq!(expire.preview.items, 1, "{squat}");
        assert_eq!(scene.begin(&expire).unwrap().items[0].fate, Fate::Done, "{squat}");
        assert!(!ours[0].exists() && usual.symlink_metadata().is_ok(), "{squat}");
    }
}

/// Where nobody else can have made it, what has the name is a mistake that a person has to clear up.
#[test]
fn in_a_private_directory_another_quarantine_is_refused() {
    if !is_root() {
        return;
    }
    let scene = Scene::new();
    scene.file("a.log", 5_000, 100);
    let usual = scene.path.join(".ansai-quarantine");
    std::fs::create_dir(&usual).unwrap();
    chown(&usual, Some(NOBODY), None).unwrap();
    let refused = scene.select("remove", scene.selection(&["*"])).unwrap_err();
    assert!(matches!(&refused, Refusal::Unavailable(why) if why.contains(".ansai-quarantine")), "{refused}");
}
