//! Files that are in use although nobody has them open: below a locked directory, mounted elsewhere, excluded from aging.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
#![allow(clippy::disallowed_methods, reason = "tests make files")]

mod files_scene;

use std::path::Path;
use std::process::{Child, Command};

use ansai_kit::action::Fate;
use files_scene::*;
use rustix::fs::FlockOperation;

const VERBS: [&str; 2] = ["remove", "compress"];

/// What a preview of everything skips, apart from directories, and what it selects.
fn selected(scene: &Scene, verb: &str) -> (Vec<(String, u64)>, Vec<String>) {
    let step = scene.select(verb, scene.selection(&["**"])).unwrap();
    (left(&step.preview).into_iter().filter(|(reason, _)| reason != "not-regular").collect(), names(&step))
}

/// A fixture whose files are large enough to be compressed.
fn scene(names: &[&str]) -> Scene {
    let scene = Scene::fixture();
    names.iter().for_each(|name| drop(scene.file(name, 20_000, 100)));
    scene
}

/// Its lock says that somebody works below a directory. It may be taken after the preview, and be a shared one.
#[test]
fn nothing_below_a_locked_directory_is_touched() {
    for (verb, kind) in VERBS.iter().flat_map(|verb| {
        [FlockOperation::NonBlockingLockExclusive, FlockOperation::NonBlockingLockShared].map(|kind| (*verb, kind))
    }) {
        let scene = scene(&["build/usr/a", "build/b", "other/c"]);
        let lock = |path: &str| {
            let open = std::fs::File::open(scene.path.join(path)).unwrap();
            rustix::fs::flock(&open, kind).unwrap();
            open
        };
        let early = lock("build");
        assert_eq!(selected(&scene, verb), (vec![("locked".into(), 2)], vec!["other/c".into()]), "{verb}");
        drop(early);
        let step = scene.select(verb, scene.selection(&["**"])).unwrap();
        assert_eq!(step.preview.items, 3);
        let _late = lock("build/usr");
        let applied = scene.begin(&step).unwrap();
        let skipped: Vec<_> = fates(&applied).into_iter().filter(|(_, fate)| **fate != Fate::Done).collect();
        assert_eq!(skipped, [("build/usr/a", &Fate::Skipped("locked".into()))], "{verb}");
        assert!(scene.path.join("build/usr/a").exists());
    }
}

/// Small file systems in memory number their files alike: a lock on one of them says nothing about the others.
#[test]
fn a_lock_on_another_file_system_in_memory_does_not_count() {
    use std::os::unix::fs::MetadataExt as _;
    if !is_root() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let mounted = |name: &str| Mounted::new(&["-t", "tmpfs", "none"], &dir.path().join(name));
    let (here, there) = (mounted("here"), mounted("there"));
    let scene = Scene::at(&here.0);
    let ours = scene.file("a", 20_000, 100);
    let inode = |path: &Path| std::fs::metadata(path).unwrap().ino();
    let locked: Vec<_> = (0..256)
        .map(|n| {
            let path = there.0.join(format!("f{n}"));
            let file = std::fs::File::create(&path).unwrap();
            rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive).unwrap();
            (file, inode(&path))
        })
        .collect();
    if locked.iter().all(|(_, number)| *number != inode(&ours)) {
        // Kernels before 5.9 number the files of all of them together.
        let why = b"skipped: this kernel gives no two files in memory one number\n";
        std::io::Write::write_all(&mut std::io::stderr(), why).unwrap();
        return;
    }
    for verb in VERBS {
        assert_eq!(selected(&scene, verb), (vec![], vec!["a".into()]), "{verb}");
    }
    let open = std::fs::File::open(&ours).unwrap();
    rustix::fs::flock(&open, FlockOperation::NonBlockingLockExclusive).unwrap();
    assert_eq!(selected(&scene, "remove"), (vec![("locked".into(), 1)], vec![]));
}

#[test]
fn a_lock_on_the_root_itself_counts() {
    let scene = scene(&["a"]);
    let root = std::fs::File::open(&scene.path).unwrap();
    rustix::fs::flock(&root, FlockOperation::NonBlockingLockExclusive).unwrap();
    assert_eq!(selected(&scene, "remove"), (vec![("locked".into(), 1)], vec![]));
}

/// Anybody who can read a directory can lock it: that bars nothing. Who owns it can protect what is in it.
#[test]
fn a_lock_of_who_can_only_read_a_directory_does_not_count() {
    if !is_root() {
        return;
    }
    for (user, counts) in [(65_534, false), (12_345, true), (0, true)] {
        let scene = Scene::new();
        mode(&scene.path, 0o755);
        scene.file("build/a", 20_000, 100);
        let build = scene.path.join("build");
        std::os::unix::fs::chown(&build, Some(12_345), Some(12_345)).unwrap();
        let mut holder = Command::new("setpriv")
            .args([format!("--reuid={user}"), "--clear-groups".into()])
            .args(["flock", "--shared", "--no-fork"])
            .arg(&build)
            .args(["sh", "-c", "echo locked; exec sleep 60"])
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = [0; 7];
        std::io::Read::read_exact(holder.stdout.as_mut().unwrap(), &mut said).unwrap();
        let expected = if counts { (vec![("locked".into(), 1)], vec![]) } else { (vec![], vec!["build/a".into()]) };
        assert_eq!(selected(&scene, "remove"), expected, "user {user}");
        holder.kill().unwrap();
        holder.wait().unwrap();
    }
}

/// As a package that keeps state below a directory for temporary files says, and as an administrator takes back.
#[test]
fn what_tmpfiles_d_excludes_from_aging_is_left_alone() {
    for verb in VERBS {
        let scene = scene(&["runtime-1000/state/data", "keep/alone", "keep/below/x", "junk"]);
        let lines = |path: &str, text: &str| {
            let path = scene.path.parent().unwrap().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        lines("usr/lib/tmpfiles.d/runtime.conf", "x /data/runtime-* - - -\nX /data/keep/alone\nX /data/keep/below\n");
        let expected = vec!["junk".into(), "keep/below/x".into()];
        assert_eq!(selected(&scene, verb), (vec![("excluded".into(), 2)], expected), "{verb}");
        // Said after the preview.
        lines("etc/tmpfiles.d/late.conf", "x /data/junk\n");
        let step = scene.select(verb, scene.selection(&["keep/below/*"])).unwrap();
        lines("etc/tmpfiles.d/late.conf", "x /data/keep\n");
        assert_eq!(fates(&scene.begin(&step).unwrap()), [("keep/below/x", &Fate::Skipped("excluded".into()))]);
        lines("etc/tmpfiles.d/late.conf", "");
        lines("etc/tmpfiles.d/runtime.conf", "");
        assert_eq!(selected(&scene, verb).1.len(), 4, "an administrator replaces what a package says");
    }
}

/// A process in a mount namespace of its own.
struct Container(Child);

impl Container {
    /// Runs a script there. The process stays until this is dropped.
    fn new(script: &str, ready: &Path) -> Container {
        let script = format!("{script}; touch {}; exec sleep 600", ready.display());
        let arguments = ["--mount", "--propagation", "private", "sh", "-ec", &script];
        let child = Command::new("unshare").args(arguments).spawn().unwrap();
        while !ready.exists() {
            std::thread::yield_now();
        }
        Container(child)
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A container has a file as its configuration, has something over another one, and sees a directory, whose files are
/// as free as before.
#[test]
fn what_another_mount_namespace_has_mounted_is_in_use() {
    if !is_root() {
        return;
    }
    for verb in VERBS {
        let (scene, outside) = (Scene::new(), tempfile::tempdir().unwrap());
        for name in ["etc/app.yaml", "covered", "shared/free", "junk"] {
            scene.file(name, 20_000, 100);
        }
        let step = scene.select(verb, scene.selection(&["**"])).unwrap();
        assert_eq!(step.preview.items, 4);
        let (inside, root) = (outside.path().join("in"), scene.path.display());
        let script = format!(
            "mkdir -p {inside}/d; touch {inside}/app.yaml; mount --bind {root}/etc/app.yaml {inside}/app.yaml; \
             mount --bind {inside}/app.yaml {root}/covered; mount --bind {root}/shared {inside}/d",
            inside = inside.display()
        );
        let container = Container::new(&script, &outside.path().join("ready"));
        let expected = vec!["junk".to_owned(), "shared/free".into()];
        assert_eq!(selected(&scene, verb), (vec![("mounted".into(), 2)], expected), "{verb}");
        let applied = scene.begin(&step).unwrap();
        let skipped = applied.items.iter().filter(|item| item.fate == Fate::Skipped("mounted".into())).count();
        assert_eq!(skipped, 2, "{verb}: {applied:?}");
        assert!(scene.path.join("etc/app.yaml").exists() && scene.path.join("covered").exists());
        drop(container);
        assert_eq!(scene.select(verb, scene.selection(&["etc/*", "covered"])).unwrap().preview.items, 2);
    }
}

/// What a user can open in any number must not keep ansai from the files of others.
#[test]
fn thousands_of_descriptors_of_a_user_bar_nothing() {
    if !is_root() {
        return;
    }
    let mut scene = Scene::fixture();
    scene.file("a", 20_000, 100);
    let fds = scene.path.parent().unwrap().join("proc/700/fd");
    std::fs::create_dir_all(&fds).unwrap();
    std::fs::write(fds.parent().unwrap().join("maps"), "").unwrap();
    for number in 0..70_000 {
        std::os::unix::fs::symlink("/dev/null", fds.join(number.to_string())).unwrap();
    }
    std::os::unix::fs::chown(fds.parent().unwrap(), Some(12345), None).unwrap();
    let step = scene.select("remove", scene.selection(&["*"])).unwrap();
    assert_eq!(step.preview.items, 1, "the lease tells");
    assert_eq!(scene.begin(&step).unwrap().items[0].fate, Fate::Done);
    scene.step_id = "plan8-0".into();
    // They are not read: what the same user has open in another process is unknown without a lease, and in use with it.
    let _open = std::fs::File::open(scene.file("b", 20_000, 100)).unwrap();
    let applied = scene.begin(&scene.select("remove", scene.selection(&["b"])).unwrap()).unwrap();
    assert_eq!(applied.items[0].fate, Fate::Skipped("open".into()));
}
