//! A file is replaced whole or not at all.
#![allow(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods, missing_docs, reason = "tests")]

use std::fs::{self, Permissions as Mode};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::Path;

use ansai_harness::{Tmpfs, requires_root};
use ansai_storage::{Access, Directory, Durability, Existing, Location, Permissions, WriteOptions, is_temporary};

const ATOMIC: WriteOptions =
    WriteOptions { permissions: Permissions::PRIVATE, durability: Durability::Atomic, existing: Existing::Replaced };

fn names(path: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(path).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn fresh() -> (tempfile::TempDir, Directory) {
    let place = tempfile::tempdir().unwrap();
    let directory = Directory::open(place.path()).unwrap();
    (place, directory)
}

#[test]
fn the_old_content_is_there_until_the_new_is() {
    let (place, directory) = fresh();
    let file = place.path().join("a");
    directory.replace("a", b"old", WriteOptions::default()).unwrap();
    let look = |written: &mut fs::File| {
        written.write_all(b"ne")?;
        assert_eq!(fs::read(&file)?, b"old", "not yet");
        assert!(names(place.path()).iter().any(|name| is_temporary(name)));
        written.write_all(b"w")
    };
    directory.replace_with("a", ATOMIC, look).unwrap();
    assert_eq!(fs::read(&file).unwrap(), b"new");
    assert_eq!(names(place.path()), ["a"]);
}

#[test]
fn a_write_that_fails_leaves_the_old_content_and_nothing_else() {
    let (place, directory) = fresh();
    directory.replace("a", b"old", WriteOptions::default()).unwrap();
    let fails = |file: &mut fs::File| {
        file.write_all(b"half")?;
        Err(io::Error::other("injected"))
    };
    let error = directory.replace_with("a", WriteOptions::default(), fails).unwrap_err();
    assert_eq!(error.to_string(), format!("cannot write {}: injected", place.path().join("a").display()));
    assert_eq!(fs::read(place.path().join("a")).unwrap(), b"old");
    assert_eq!(names(place.path()), ["a"]);
}

#[test]
fn a_rename_that_fails_leaves_what_was_there_and_nothing_else() {
    let (place, directory) = fresh();
    fs::create_dir(place.path().join("a")).unwrap();
    let error = directory.replace("a", b"new", WriteOptions::default()).unwrap_err();
    assert_eq!(error.action, "rename");
    assert_eq!(error.path, place.path().join("a"));
    assert!(place.path().join("a").is_dir());
    assert_eq!(names(place.path()), ["a"]);
}

#[test]
fn on_a_full_disk_the_old_content_stays() {
    if !requires_root() {
        return;
    }
    let disk = Tmpfs::new(1);
    let directory = Directory::open(disk.path()).unwrap();
    directory.replace("a", b"old", WriteOptions::default()).unwrap();
    let error = directory.replace("a", &vec![b'x'; 2 << 20], WriteOptions::default()).unwrap_err();
    assert!(error.is_out_of_space(), "{error}");
    assert_eq!(fs::read(disk.path().join("a")).unwrap(), b"old");
    assert_eq!(names(disk.path()), ["a"], "what was written in part gives its room back");
    directory.replace("a", &vec![b'y'; 700 << 10], WriteOptions::default()).unwrap();
}

#[test]
fn a_file_that_must_not_exist_is_not_replaced() {
    let (place, directory) = fresh();
    let options = WriteOptions { existing: Existing::Refused, ..WriteOptions::default() };
    directory.replace("a", b"first", options).unwrap();
    let error = directory.replace("a", b"second", options).unwrap_err();
    assert!(error.is_already_there(), "{error}");
    symlink("nowhere", place.path().join("link")).unwrap();
    assert!(directory.replace("link", b"", options).unwrap_err().is_already_there());
    assert_eq!(fs::read(place.path().join("a")).unwrap(), b"first");
    assert_eq!(names(place.path()), ["a", "link"]);
}

#[test]
fn modes_are_as_asked() {
    let (place, directory) = fresh();
    let mode = |name: &str| fs::metadata(place.path().join(name)).unwrap().mode() & 0o7777;
    directory.replace("private", b"", WriteOptions::default()).unwrap();
    assert_eq!(mode("private"), 0o600);
    let shared = WriteOptions { permissions: Permissions::Mode(0o644), ..WriteOptions::default() };
    directory.replace("shared", b"", shared).unwrap();
    // A new file of the standard library has the bits that the umask leaves too.
    fs::write(place.path().join("other"), "").unwrap();
    assert_eq!(mode("shared"), mode("other") & 0o644);
    let kept = WriteOptions { permissions: Permissions::Kept, ..WriteOptions::default() };
    directory.replace("new", b"", kept).unwrap();
    assert_eq!(mode("new"), 0o600);
    fs::set_permissions(place.path().join("new"), Mode::from_mode(0o4751)).unwrap();
    directory.replace("new", b"", kept).unwrap();
    assert_eq!(mode("new"), 0o4751);
    directory.replace("new", b"", WriteOptions::default()).unwrap();
    assert_eq!(mode("new"), 0o600);
}

#[test]
fn a_link_is_replaced_and_not_followed_unless_asked() {
    let (place, directory) = fresh();
    let path = |name: &str| place.path().join(name);
    fs::write(path("target"), "target").unwrap();
    symlink("target", path("link")).unwrap();
    Location::followed(path("link")).replace(b"followed", WriteOptions::default()).unwrap();
    assert!(fs::symlink_metadata(path("link")).unwrap().is_symlink());
    assert_eq!(fs::read(path("target")).unwrap(), b"followed");
    directory.replace("link", b"new", WriteOptions::default()).unwrap();
    assert!(fs::symlink_metadata(path("link")).unwrap().is_file());
    assert_eq!(fs::read(path("target")).unwrap(), b"followed");
    Location::followed(path("missing")).replace(b"made", WriteOptions::default()).unwrap();
    assert_eq!(fs::read(path("missing")).unwrap(), b"made");
}

#[test]
fn a_link_of_another_user_is_replaced_even_if_asked_to_follow() {
    if !ansai_harness::requires_root() {
        return;
    }
    let (place, _) = fresh();
    let path = |name: &str| place.path().join(name);
    fs::write(path("target"), "target").unwrap();
    symlink("target", path("link")).unwrap();
    std::os::unix::fs::lchown(path("link"), Some(12_345), None).unwrap();
    Location::followed(path("link")).replace(b"new", WriteOptions::default()).unwrap();
    assert_eq!(fs::read(path("target")).unwrap(), b"target");
    assert!(fs::symlink_metadata(path("link")).unwrap().is_file());
}

#[test]
fn of_several_writers_at_once_each_writes_all() {
    let (place, directory) = fresh();
    let contents: Vec<Vec<u8>> = (b'a'..=b'h').map(|letter| vec![letter; 40_000]).collect();
    std::thread::scope(|scope| {
        for content in &contents {
            let directory = directory.clone();
            scope.spawn(move || {
                for _ in 0..20 {
                    directory.replace("a", content, ATOMIC).unwrap();
                    directory.remove_left_over().unwrap();
                }
            });
        }
        let directory = directory.clone();
        let contents = &contents;
        scope.spawn(move || {
            for _ in 0..200 {
                let found = directory.read("a", 100_000).unwrap().map(|found| found.bytes);
                assert!(found.is_none_or(|found| contents.contains(&found)), "whole");
            }
        });
    });
    assert_eq!(names(place.path()), ["a"]);
}

#[test]
fn what_a_crash_left_is_removed_and_what_is_being_written_is_not() {
    let (place, directory) = fresh();
    for name in [".ansai-1-1.tmp", ".ansai-1-2.tmp", ".ansai-mine.tmp", "a.tmp", "a"] {
        fs::write(place.path().join(name), "left").unwrap();
    }
    symlink("a", place.path().join(".ansai-1-3.tmp")).unwrap();
    let sweep = |file: &mut fs::File| {
        assert_eq!(directory.remove_left_over().unwrap(), 2);
        assert_eq!(names(place.path()).iter().filter(|name| is_temporary(name)).count(), 2, "the link and this one");
        file.write_all(b"new")
    };
    directory.replace_with("b", WriteOptions::default(), sweep).unwrap();
    assert_eq!(fs::read(place.path().join("b")).unwrap(), b"new");
    assert_eq!(names(place.path()), [".ansai-1-3.tmp", ".ansai-mine.tmp", "a", "a.tmp", "b"]);
}

#[test]
fn where_another_user_can_write_nothing_is_removed() {
    let (place, directory) = fresh();
    fs::write(place.path().join(".ansai-1-1.tmp"), "").unwrap();
    fs::set_permissions(place.path(), Mode::from_mode(0o1777)).unwrap();
    assert_eq!(directory.remove_left_over().unwrap(), 0);
    assert_eq!(names(place.path()), [".ansai-1-1.tmp"]);
}

/// The test binary kills itself in the middle of a write.
#[test]
fn a_killed_writer_leaves_the_old_content() {
    const PLACE: &str = "ANSAI_TEST_KILLED_WRITER";
    if let Some(place) = std::env::var_os(PLACE) {
        let directory = Directory::open(place).unwrap();
        let dies = |file: &mut fs::File| {
            file.write_all(b"half")?;
            let own = rustix::process::getpid();
            rustix::process::kill_process(own, rustix::process::Signal::KILL)?;
            Ok(())
        };
        directory.replace_with("a", WriteOptions::default(), dies).unwrap();
        panic!("it is dead");
    }
    let (place, directory) = fresh();
    directory.replace("a", b"old", WriteOptions::default()).unwrap();
    let killed = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "a_killed_writer_leaves_the_old_content"])
        .env(PLACE, place.path())
        .output()
        .unwrap();
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&killed.status), Some(9), "{killed:?}");
    assert_eq!(directory.read("a", 10).unwrap().unwrap().bytes, b"old");
    assert_eq!(names(place.path()).len(), 2, "and a temporary file");
    assert_eq!(directory.remove_left_over().unwrap(), 1);
    assert_eq!(names(place.path()), ["a"]);
    assert!(directory.file("a", Access::Read).is_ok());
}
