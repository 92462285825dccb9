//! Very many files and very deep trees: every file is visited, with limited memory and few handles.
//!
//! `ANSAI_SOAK_FILES` is the number of files; the soak test uses ten million.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
#![allow(clippy::disallowed_methods, clippy::print_stdout, reason = "tests make files and start themselves")]

mod files_scene;

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use ansai_local::files::fields::MAX_FILES;
use files_scene::*;
use rustix::fd::OwnedFd;
use rustix::fs::{CWD, FileType, Mode, OFlags};
use serde_json::{Value, json};

const DEPTH: usize = 10_000;
/// The most additional peak memory of a scan of ten times as many files.
const SLACK_KIB: u64 = 1024;

/// The number of files.
fn very_many() -> usize {
    std::env::var("ANSAI_SOAK_FILES").map_or(1_000_000, |number| number.parse().unwrap())
}

/// A tmpfs of the test with space for any number of files; `None` if it cannot be mounted.
fn roomy() -> Option<(tempfile::TempDir, Mounted)> {
    if !is_root() {
        return None;
    }
    let dir = tempfile::tempdir().unwrap();
    let point = dir.path().canonicalize().unwrap().join("disk");
    let mounted = Mounted::new(&["-t", "tmpfs", "-o", "nr_inodes=0,size=1g", "none"], &point);
    Some((dir, mounted))
}

fn directory(at: &OwnedFd, name: &str) -> OwnedFd {
    rustix::fs::mkdirat(at, name, Mode::RWXU).unwrap();
    rustix::fs::openat(at, name, OFlags::DIRECTORY | OFlags::PATH, Mode::empty()).unwrap()
}

fn file(at: &OwnedFd, name: String) {
    rustix::fs::mknodat(at, name, FileType::RegularFile, Mode::RUSR, 0).unwrap();
}

fn opened(path: &Path) -> OwnedFd {
    rustix::fs::openat(CWD, path, OFlags::DIRECTORY | OFlags::PATH, Mode::empty()).unwrap()
}

fn fill(path: &Path, directories: usize, files: usize) {
    std::fs::create_dir_all(path).unwrap();
    let top = opened(path);
    for directory in 0..directories {
        let at = self::directory(&top, &format!("{directory}"));
        (0..files / directories).for_each(|number| file(&at, format!("file-{number:08}")));
    }
}

/// Runs a scan in a child process; returns the answer and its peak memory in KiB.
fn in_a_child(root: &Path, how: &str) -> (Value, u64) {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "what_a_child_does", "--nocapture", "--test-threads=1"])
        .env("ANSAI_TEST_SCAN", how)
        .env("ANSAI_TEST_ROOT", root)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().find_map(|line| line.split_once("told: ")).unwrap_or_else(|| panic!("{output:?}"));
    let told: Value = serde_json::from_str(line.1).unwrap();
    (told["answer"].clone(), told["peak"].as_u64().unwrap())
}

/// Does nothing unless this process is such a child.
#[test]
fn what_a_child_does() {
    let (Ok(how), Ok(root)) = (std::env::var("ANSAI_TEST_SCAN"), std::env::var("ANSAI_TEST_ROOT")) else { return };
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let maximum = getrlimit(Resource::Nofile).maximum;
    setrlimit(Resource::Nofile, Rlimit { current: Some(64), maximum }).unwrap();
    let scene = Scene::at(Path::new(&root));
    let what = scene.query(&[]);
    let answer = match how.as_str() {
        "preview" => {
            let step = scene.select("remove", scene.selection(&["**"])).unwrap();
            json!({ "items": step.preview.items, "complete": step.preview.complete })
        }
        "list-files" => {
            let answer = scene.probe("list-files", json!({ "what": what })).unwrap();
            json!({ "items": answer["entries"].as_array().unwrap().len() })
        }
        function => scene.probe(function, json!({ "what": what })).unwrap(),
    };
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let peak: u64 = peak.trim().split(' ').next().unwrap().parse().unwrap();
    println!("told: {}", json!({ "answer": answer, "peak": peak }));
}

/// One test, because creating the files takes longer than scanning them.
#[test]
fn very_many_files_in_bounded_memory_and_limited_time() {
    let Some((_dir, disk)) = roomy() else { return };
    let (all, some) = (very_many(), very_many() / 10);
    let (root, few) = (disk.0.join("all"), disk.0.join("all/few"));
    fill(&few, some / 1000, some);
    fill(&root.join("flat"), 1, all - some);
    let count = |answer: &Value| (answer["entries"][0]["files"].clone(), answer["complete"].clone());
    for how in ["measure-files", "list-files", "preview"] {
        let ((before, least), (after, most)) = (in_a_child(&few, how), in_a_child(&root, how));
        if how == "measure-files" {
            assert_eq!(count(&before), (json!(some), json!(true)));
            assert_eq!(count(&after), (json!(all), json!(true)));
        } else {
            // Pages end early, and previews keep a limited number.
            assert_eq!(before, after);
        }
        assert!(most <= least + SLACK_KIB, "{how}: {least} KiB for {some} files, {most} KiB for {all}");
    }
    in_parts(&root, all);
}

fn in_parts(root: &Path, all: usize) {
    let scene = Scene::at(root);
    let what = scene.query(&[]);
    let (mut cursor, mut files, mut calls, mut time) = (Value::Null, 0, 0, Duration::from_millis(50));
    loop {
        let answer = scene.probe_within(time, "measure-files", json!({ "what": what, "cursor": cursor })).unwrap();
        files += answer["entries"][0]["files"].as_u64().unwrap();
        calls += 1;
        cursor = answer["cursor"].clone();
        if cursor.is_null() {
            break;
        }
        // On every machine it is interrupted a few times.
        time = if calls < 4 { Duration::ZERO } else { Duration::from_secs(20) };
    }
    assert_eq!(files, all as u64);
    assert!(calls > 4, "{calls} calls");
}

/// Creates a chain of directories, at some levels with files before and after the next one; returns the number of
/// files.
fn chain(path: &Path, depth: usize) -> u64 {
    std::fs::create_dir_all(path).unwrap();
    let mut at = opened(path);
    let mut files = 0;
    for level in 0..depth {
        let between = level % 8 == 0;
        (0..usize::from(between)).for_each(|_| file(&at, "a".into()));
        let next = directory(&at, "d");
        (0..usize::from(between)).for_each(|_| file(&at, "z".into()));
        files += 2 * u64::from(between);
        if level % 1000 == 999 {
            (0..200).for_each(|number| file(&at, format!("n{number}")));
            files += 200;
        }
        at = next;
    }
    files
}

/// Removes the chain. The standard library would need a handle for each level.
struct Removed<'a>(&'a Path);

impl Drop for Removed<'_> {
    fn drop(&mut self) {
        run("rm", &["-rf", self.0.to_str().unwrap()]);
    }
}

#[test]
fn ten_thousand_levels_with_few_handles() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().canonicalize().unwrap().join("deep");
    let _removed = Removed(&root);
    let files = chain(&root, DEPTH);
    // The child may have 64 handles; the innermost paths are five times as long as the kernel accepts.
    let (answer, _) = in_a_child(&root, "measure-files");
    assert_eq!((&answer["entries"][0]["files"], &answer["skipped"]), (&json!(files), &json!(0)));
    assert_eq!(answer["complete"], json!(true));
    // A file that no system call can name is not proposed, and counted as left out.
    let step = Scene::at(&root).with(&MAX_FILES, 20_000).select("remove", Scene::at(&root).selection(&["**"])).unwrap();
    assert!(left(&step.preview)["path-too-long"] > 500, "{:?}", step.preview.left_out);
    let listed = Scene::at(&root).probe("list-files", json!({ "what": Scene::at(&root).query(&[]) }));
    assert!(listed.unwrap()["entries"].as_array().unwrap().len() <= 500);
}

#[test]
fn interrupted_in_the_depth_a_scan_ends_all_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().canonicalize().unwrap().join("deep");
    let _removed = Removed(&root);
    let files = chain(&root, DEPTH);
    let scene = Scene::at(&root);
    let what = scene.query(&[]);
    let (mut cursor, mut seen, mut skipped, mut calls) = (Value::Null, 0, 0, 0_u64);
    loop {
        let ask = json!({ "what": what, "cursor": cursor });
        let answer = scene.probe_within(Duration::ZERO, "measure-files", ask).unwrap();
        seen += answer["entries"][0]["files"].as_u64().unwrap();
        skipped += answer["skipped"].as_u64().unwrap();
        cursor = answer["cursor"].clone();
        calls += 1;
        if cursor.is_null() {
            break;
        }
        assert!(cursor.as_str().unwrap().len() <= 32 << 10, "a long cursor");
        assert!(calls <= DEPTH as u64, "it does not end");
    }
    // What is deeper than a cursor can express is skipped and counted, never listed twice.
    assert!(seen <= files && (seen == files) == (skipped == 0), "{seen} of {files}, {skipped} skipped");
}
