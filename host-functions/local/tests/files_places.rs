//! One name for each file system, by whatever path a directory is reached: on disks that are mounted at several places,
//! below overlays, and behind links.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
#![allow(clippy::disallowed_methods, reason = "tests make files")]

mod files_scene;

use std::path::Path;

use ansai_harness::{Ext4, Tmpfs};
use ansai_kit::host::Host;
use ansai_local::disk::filesystems::Filesystems;
use files_scene::*;
use serde_json::{Value, json};

/// The names of the file systems of a directory and of the mount points below it.
fn located(root: &Path) -> Vec<(String, String)> {
    let answer = Scene::at(root).probe("locate", json!({ "root": root })).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let entries = answer["entries"].as_array().unwrap();
    entries.iter().map(|entry| (text(&entry["path"]), text(&entry["about"]["name"]))).collect()
}

fn text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

fn bind(from: &Path, to: &Path) -> Mounted {
    Mounted::new(&["--bind", text(from).as_str()], to)
}

fn listed() -> Vec<String> {
    Filesystems::read(&Host::at("/")).unwrap().listed().iter().map(|mount| mount.shown()).collect()
}

/// By its path, a directory of the disk would be on the file system that it is mounted in.
#[test]
fn a_disk_at_two_places_has_one_name() {
    if !is_root() {
        return;
    }
    let (disk, other) = (Ext4::new(16), Tmpfs::new(16));
    let log = disk.path().join("log");
    std::fs::create_dir(&log).unwrap();
    let point = other.path().join("a/rather/long/path/to/another/place/of/the/disk/var/log");
    let _mounted = bind(&log, &point);
    let name = text(disk.path());
    assert_eq!(located(&log), [(text(&log), name.clone())]);
    assert_eq!(located(&point), [(text(&point), name.clone())]);
    assert_eq!(located(other.path()), [(text(other.path()), text(other.path())), (text(&point), name.clone())]);
    let scene = Scene::at(&point);
    scene.file("app.log.1", 9000, 48);
    for verb in ["remove", "compress"] {
        let preview = scene.select(verb, scene.selection(&["*"])).unwrap().preview;
        assert_eq!((preview.items, preview.mount.as_deref()), (1, Some(&*name)), "{verb}");
        assert_eq!(preview.about.name, name);
    }
}

/// A file system in memory has no device of its own, and a directory can be mounted over itself.
#[test]
fn a_part_of_a_file_system_in_memory_has_the_name_of_the_whole() {
    if !is_root() {
        return;
    }
    let memory = Tmpfs::new(16);
    let (cache, itself) = (memory.path().join("cache"), memory.path().join("itself"));
    std::fs::create_dir_all(cache.join("deep")).unwrap();
    std::fs::create_dir(&itself).unwrap();
    let _below = bind(&cache, &memory.path().join("seen/from/elsewhere"));
    let _over = bind(&itself, &itself);
    let name = text(memory.path());
    for path in [cache.join("deep"), memory.path().join("seen/from/elsewhere/deep"), itself] {
        assert_eq!(located(&path), [(text(&path), name.clone())]);
    }
    assert_eq!(listed().iter().filter(|listed| listed.starts_with(&name)).count(), 1);
}

#[test]
fn what_is_mounted_over_a_directory_above_hides_a_place() {
    if !is_root() {
        return;
    }
    let disk = Ext4::new(16);
    let outer = Tmpfs::new(16);
    std::fs::create_dir(disk.path().join("d")).unwrap();
    let (hidden, seen) = (outer.path().join("m/x"), outer.path().join("s"));
    let _hidden = bind(&disk.path().join("d"), &hidden);
    let _seen = bind(&disk.path().join("d"), &seen);
    let _over = Mounted::new(&["-t", "tmpfs", "over"], &outer.path().join("m"));
    let paths: Vec<String> = located(outer.path()).into_iter().map(|(path, _)| path).collect();
    assert_eq!(paths, [text(outer.path()), text(&outer.path().join("m")), text(&seen)]);
}

/// What an overlay says of room is that of the disk with its upper directory.
#[test]
fn overlays_are_no_file_systems_beside_the_disk_below() {
    if !is_root() {
        return;
    }
    let disk = Ext4::new(32);
    let overlays: Vec<Mounted> = (1..=3)
        .map(|number| {
            let of = |name: &str| disk.path().join(format!("containers/{number}/{name}"));
            ["lower/var/log", "upper", "work"].iter().for_each(|name| std::fs::create_dir_all(of(name)).unwrap());
            let options = format!(
                "lowerdir={},upperdir={},workdir={}",
                of("lower").display(),
                of("upper").display(),
                of("work").display()
            );
            Mounted::new(&["-t", "overlay", "overlay", "-o", &options], &of("merged"))
        })
        .collect();
    let name = text(disk.path());
    let of_disk: Vec<String> = listed().into_iter().filter(|listed| listed.starts_with(&name)).collect();
    assert_eq!(of_disk, [name.as_str()]);
    for overlay in &overlays {
        assert_eq!(located(&overlay.0.join("var/log"))[0].1, name);
    }
}

#[test]
fn a_directory_behind_a_link_is_refused_with_where_it_leads() {
    let scene = Scene::new();
    std::fs::create_dir_all(scene.path.join("data/log")).unwrap();
    std::os::unix::fs::symlink("data/log", scene.path.join("log")).unwrap();
    std::os::unix::fs::symlink("/elsewhere", scene.path.join("var")).unwrap();
    for (path, link, target) in [("log", "log", "data/log"), ("var/log", "var", "/elsewhere")] {
        let refusal = scene.probe("locate", json!({ "root": scene.path.join(path) })).unwrap_err().to_string();
        let link = text(&scene.path.join(link));
        assert!(refusal.contains("symbolic link") && refusal.contains(&link) && refusal.contains(target), "{refusal}");
    }
}

/// A program that the test ends.
struct Running(std::process::Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Deleted files: path, allocated bytes and file system.
fn deleted(scene: &Scene) -> Vec<(String, u64, String)> {
    let answer = scene.probe("list-deleted-open", json!({})).unwrap();
    let one = |file: &Value| {
        let text = |name: &str| file[name].as_str().unwrap().to_owned();
        (text("path"), file["bytes"].as_u64().unwrap(), text("mount"))
    };
    answer["entries"].as_array().unwrap().iter().map(one).collect()
}

/// Nobody has it open: the program itself is the file.
#[test]
fn a_deleted_file_that_is_only_mapped_is_found() {
    if !is_root() {
        return;
    }
    let disk = Ext4::new(16);
    let program = disk.path().join("program");
    std::fs::copy("/bin/sleep", &program).unwrap();
    let bytes = std::os::unix::fs::MetadataExt::blocks(&program.metadata().unwrap()) * 512;
    let running = Running(std::process::Command::new(&program).arg("600").spawn().unwrap());
    // The kernel lets the parent of a process go on before it maps the new program.
    let maps = format!("/proc/{}/maps", running.0.id());
    while !std::fs::read_to_string(&maps).unwrap().contains(&text(&program)) {
        std::thread::yield_now();
    }
    std::fs::remove_file(&program).unwrap();
    assert_eq!(deleted(&Scene::at(disk.path())), [(text(&program), bytes, text(disk.path()))]);
}

/// Runs a shell script in a mount namespace of its own, until it has created the file `ready`.
fn in_a_namespace(script: &str, ready: &Path) -> Running {
    let script = format!("{script}; touch {}; exec sleep 600 <&9", ready.display());
    let arguments = ["--mount", "--propagation", "private", "sh", "-ec", &script];
    let running = Running(std::process::Command::new("unshare").args(arguments).spawn().unwrap());
    while !ready.exists() {
        std::thread::yield_now();
    }
    running
}

/// The path that the kernel shows is that of the process: at this path, the host has another file system.
#[test]
fn a_process_with_mounts_of_its_own_holds_the_files_of_their_disks() {
    if !is_root() {
        return;
    }
    let (disk, outside) = (Ext4::new(16), tempfile::tempdir().unwrap());
    let (log, far, ready) = (disk.path().join("log"), disk.path().join("far"), outside.path().join("ready"));
    std::fs::create_dir(&log).unwrap();
    std::fs::create_dir(&far).unwrap();
    let scene = Scene::at(&log);
    // Of memory that only the process has mounted there.
    let script = format!(
        "mount -t tmpfs t {log}; head -c 40000 /dev/zero >{log}/elsewhere; exec 9<{log}/elsewhere; rm {log}/elsewhere",
        log = log.display()
    );
    let other = in_a_namespace(&script, &ready);
    assert_eq!(deleted(&scene), []);
    drop(other);
    std::fs::remove_file(&ready).unwrap();
    // Of this disk, by a path that only the process has.
    scene.file("app.log", 8192, 1);
    let script = format!(
        "mount --bind {log} {far}; exec 9<{far}/app.log; rm {far}/app.log",
        log = log.display(),
        far = far.display()
    );
    let _other = in_a_namespace(&script, &ready);
    assert_eq!(deleted(&scene), [(text(&log.join("app.log")), 8192, text(disk.path()))]);
}
