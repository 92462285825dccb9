//! What a step says that it freed, and how old files are: as the file system has it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
#![allow(clippy::disallowed_methods, reason = "tests make files")]

mod files_scene;

use ansai_core::Value;
use ansai_harness::Ext4;
use ansai_kit::action::{Applied, Fate};
use files_scene::*;

/// A file system whose files can share their extents.
struct Xfs {
    _dir: tempfile::TempDir,
    mounted: Mounted,
}

impl Xfs {
    fn new() -> Xfs {
        let dir = tempfile::tempdir().unwrap();
        let image = dir.path().join("image");
        std::fs::File::create(&image).unwrap().set_len(400 << 20).unwrap();
        run("mkfs.xfs", &["-q", "-m", "reflink=1", image.to_str().unwrap()]);
        let mounted = Mounted::new(&["-o", "loop", image.to_str().unwrap()], &dir.path().join("disk"));
        Xfs { mounted, _dir: dir }
    }

    fn copy(&self, from: &str, to: &str) {
        let path = |name: &str| self.mounted.0.join(name).to_str().unwrap().to_owned();
        run("cp", &["-a", "--reflink=always", &path(from), &path(to)]);
    }
}

fn measure(applied: &Applied, name: &str) -> u64 {
    match applied.measures.iter().find(|measure| measure.name == name).unwrap().value {
        Value::Count(count) => count,
        ref other => panic!("{other:?}"),
    }
}

#[test]
fn what_shares_its_extents_is_skipped_and_what_is_freed_is_measured() {
    if !is_root() {
        return;
    }
    let disk = Xfs::new();
    let scene = Scene::at(&disk.mounted.0).with(&ansai_local::files::fields::UNDO_HOURS, 0);
    for name in ["log/own.log.1", "log/copied.log.1", "log/late.log.1"] {
        scene.file(name, 8 << 20, 100);
    }
    disk.copy("log/copied.log.1", "backup");
    run("sync", &["-f", scene.root.as_str()]);
    for verb in ["remove", "compress"] {
        let step = scene.select(verb, scene.selection(&["log/*"])).unwrap();
        assert_eq!(left(&step.preview), [("shared-extents".to_owned(), 1)].into(), "{verb}");
        assert_eq!(names(&step), ["log/late.log.1", "log/own.log.1"]);
    }
    // Copied after the preview.
    let step = scene.select("remove", scene.selection(&["log/*"])).unwrap();
    disk.copy("log/late.log.1", "snapshot");
    let applied = scene.begin(&step).unwrap();
    let fates = fates(&applied);
    assert_eq!(fates[0], ("log/late.log.1", &Fate::Skipped("shared-extents".into())));
    assert_eq!(fates[1], ("log/own.log.1", &Fate::Done));
    let (freed, own) = (measure(&applied, "freed-bytes"), 8 << 20);
    let came_back = measure(&applied, "available-after") - measure(&applied, "available-before");
    assert!(freed <= own && freed == own.min(came_back) && freed > own / 2, "{applied:?}");
}

/// A part of a file can be shared: what the file system got is less than the size of what was removed.
#[test]
fn the_file_system_tells_what_a_partly_shared_file_freed() {
    if !is_root() {
        return;
    }
    let disk = Xfs::new();
    let scene = Scene::at(&disk.mounted.0).with(&ansai_local::files::fields::UNDO_HOURS, 0);
    scene.file("head", 4 << 20, 100);
    disk.copy("head", "log");
    let log = std::fs::File::options().append(true).open(scene.path.join("log")).unwrap();
    std::io::Write::write_all(&mut &log, &vec![7; 8 << 20]).unwrap();
    log.sync_all().unwrap();
    drop(log);
    let step = scene.select("remove", scene.selection(&["log"])).unwrap();
    assert_eq!(step.preview.items, 1);
    let applied = scene.begin(&step).unwrap();
    let freed = measure(&applied, "freed-bytes");
    assert!(freed < 9 << 20 && freed > 6 << 20, "{applied:?}");
    assert!(applied.items[0].freed_bytes >= 12 << 20 && applied.detail.contains(" of up to "), "{applied:?}");
}

/// Its ctime is hours after the epoch, as of a board whose clock nobody had set yet.
#[test]
fn times_from_before_a_clock_was_set_are_unknown() {
    if !is_root() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let (image, point) = (dir.path().join("image"), dir.path().join("disk"));
    std::fs::File::create(&image).unwrap().set_len(16 << 20).unwrap();
    let image = image.to_str().unwrap();
    run("mkfs.ext4", &["-q", "-F", image]);
    let mounted = Mounted::new(&["-o", "loop", image], &point);
    let scene = Scene::at(&point);
    for name in ["early", "copied"] {
        scene.file(name, 20_000, 100);
        age(&scene.path.join(name), 11_000_000);
    }
    let inode = std::os::unix::fs::MetadataExt::ino(&scene.path.join("early").metadata().unwrap());
    drop(mounted);
    for field in ["ctime", "crtime"] {
        run("debugfs", &["-w", "-R", &format!("set_inode_field <{inode}> {field} 19700101000312"), image]);
        run("debugfs", &["-w", "-R", &format!("set_inode_field <{inode}> {field}_extra 0"), image]);
    }
    let _mounted = Mounted::new(&["-o", "loop", image], &point);
    for verb in ["remove", "compress"] {
        let step = scene.select(verb, scene.selection(&["*"])).unwrap();
        assert_eq!(left(&step.preview).get("unknown-age"), Some(&1), "{verb}");
        assert_eq!(names(&step), ["copied"], "a copy keeps the times that it was given");
    }
}

/// Where extents cannot be shared, the sum of the files is what comes back, whatever else happens on the disk.
#[test]
fn a_busy_disk_does_not_hide_what_was_freed() {
    if !is_root() {
        return;
    }
    let disk = Ext4::new(16);
    let scene = Scene::at(disk.path()).with(&ansai_local::files::fields::UNDO_HOURS, 0);
    scene.file("a", 40_960, 100);
    let step = scene.select("remove", scene.selection(&["a"])).unwrap();
    assert_eq!(measure(&scene.begin(&step).unwrap(), "freed-bytes"), 40_960);
}
