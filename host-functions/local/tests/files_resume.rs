//! Scans of several calls: where a cursor continues, and where a forged one cannot lead.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
#![allow(clippy::disallowed_methods, reason = "tests make files")]

mod files_scene;

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ansai_local::files::fields::UNDO_HOURS;
use files_scene::*;
use serde_json::{Value, json};

/// A call whose deadline is over before it begins still visits a few entries.
const NONE: Duration = Duration::ZERO;

/// Creates directories and files whose names are at the limits; returns the number of files.
fn odd_tree(scene: &Scene) -> usize {
    let long = |first: u8| [vec![first], vec![b'n'; 254]].concat();
    let directories = [b"plain".to_vec(), b"\xff\xfe".to_vec(), b"new\nline:1".to_vec(), long(b'd'), b"a\\b".to_vec()];
    let mut files = 0;
    for outer in &directories {
        for inner in &directories {
            let directory = scene.path.join(OsStr::from_bytes(outer)).join(OsStr::from_bytes(inner));
            std::fs::create_dir_all(&directory).unwrap();
            for number in 0..15_u8 {
                let odd = [vec![b'0' + number], b"\n\x1b\xc3".to_vec()].concat();
                let name = if number % 2 == 0 { long(b'0' + number) } else { odd };
                std::fs::write(directory.join(OsStr::from_bytes(&name)), "x").unwrap();
                files += 1;
            }
        }
        std::fs::write(scene.path.join(OsStr::from_bytes(outer)).join("between"), "x").unwrap();
        files += 1;
    }
    files
}

/// All pages of an answer, one call after the other.
fn parts(scene: &Scene, time: Duration, function: &str, mut arguments: Value) -> Vec<Value> {
    let mut parts = Vec::new();
    loop {
        let answer = scene.probe_within(time, function, arguments.clone()).unwrap();
        arguments["cursor"] = answer["cursor"].clone();
        assert_eq!(answer["complete"], json!(answer["cursor"].is_null()), "{answer}");
        parts.push(answer);
        if arguments["cursor"].is_null() {
            return parts;
        }
        assert!(parts.len() < 1000, "it does not end");
    }
}

fn everything(scene: &Scene) -> Value {
    scene.query(&["**"])
}

#[test]
fn parts_add_up_to_the_whole() {
    let scene = Scene::new();
    let files = odd_tree(&scene);
    let measured = parts(&scene, NONE, "measure-files", json!({ "what": everything(&scene) }));
    let counts: Vec<u64> = measured.iter().map(|part| part["entries"][0]["files"].as_u64().unwrap()).collect();
    assert!(counts.len() > 5 && counts.iter().all(|count| *count <= 64), "{counts:?}");
    assert_eq!(counts.iter().sum::<u64>(), files as u64);

    let ask = json!({ "root": scene.root, "depth": 1 });
    let mut sums = BTreeMap::<String, (u64, u64)>::new();
    for usage in parts(&scene, NONE, "largest-directories", ask.clone()).iter().flat_map(entries) {
        let (files, bytes) = sums.entry(usage["path"].as_str().unwrap().to_owned()).or_default();
        *files += usage["files"].as_u64().unwrap();
        *bytes += usage["bytes"].as_u64().unwrap();
    }
    let whole = scene.probe("largest-directories", ask).unwrap();
    let row = |usage: &Value| {
        (
            usage["path"].as_str().unwrap().to_owned(),
            (usage["files"].as_u64().unwrap(), usage["bytes"].as_u64().unwrap()),
        )
    };
    assert_eq!(sums, entries(&whole).iter().map(row).collect());
    assert_eq!(sums.len(), 5);
}

fn entries(answer: &Value) -> Vec<Value> {
    answer["entries"].as_array().unwrap().clone()
}

#[test]
fn every_file_is_listed_once() {
    let scene = Scene::new();
    let mut files = odd_tree(&scene);
    for number in 0..2000 {
        scene.file(format!("many/{number}"), 0, 1);
        files += 1;
    }
    let listed = parts(&scene, Duration::from_secs(600), "list-files", json!({ "what": everything(&scene) }));
    assert!(listed.len() > 4 && listed.iter().all(|page| entries(page).len() <= 500));
    let mut paths: Vec<PathBuf> = listed
        .iter()
        .flat_map(entries)
        .map(|file| ansai_core::text::path_bytes(file["path"].as_str().unwrap()).unwrap())
        .map(|bytes| PathBuf::from(OsStr::from_bytes(&bytes)))
        .collect();
    paths.sort();
    let expected: Vec<PathBuf> =
        scene.tree().into_iter().filter(|(path, _)| path.is_file()).map(|(path, _)| path).collect();
    assert_eq!((paths.len(), &paths), (files, &expected));
}

#[test]
fn more_directories_than_a_page_holds() {
    let scene = Scene::new();
    for number in 0..1203_u32 {
        scene.file(format!("{number}/f"), 1, 1);
    }
    let pages =
        parts(&scene, Duration::from_secs(600), "largest-directories", json!({ "root": scene.root, "depth": 1 }));
    let sizes: Vec<usize> = pages.iter().map(|page| entries(page).len()).collect();
    assert_eq!(sizes, [500, 500, 203]);
    assert!(pages.iter().flat_map(entries).all(|usage| usage["files"] == json!(1)), "a directory was cut");
}

#[test]
fn what_is_behind_a_cursor_is_not_looked_at_again() {
    let scene = Scene::new();
    for number in 0..300 {
        scene.file(format!("{number}"), 1, 100);
    }
    let ask = |cursor: &Value| json!({ "what": everything(&scene), "cursor": cursor });
    let first = scene.probe_within(NONE, "measure-files", ask(&Value::Null)).unwrap();
    let rest = scene.probe("measure-files", ask(&first["cursor"])).unwrap();
    let files = |answer: &Value| answer["entries"][0]["files"].as_u64().unwrap();
    assert!((1..=64).contains(&files(&first)));
    assert_eq!(files(&first) + files(&rest), 300);
    // An action continues there too.
    let mut what = scene.selection(&["**"]);
    what["cursor"] = first["cursor"].clone();
    let step = scene.select("remove", what).unwrap();
    assert_eq!((step.preview.items, step.preview.complete), (files(&rest), true));
}

#[test]
fn a_directory_that_is_gone_does_not_end_a_scan() {
    let scene = Scene::new();
    for directory in 0..40 {
        for file in 0..10 {
            scene.file(format!("{directory}/{file}"), 1, 1);
        }
    }
    let ask = |cursor: &Value| json!({ "what": everything(&scene), "cursor": cursor });
    let first = scene.probe_within(NONE, "measure-files", ask(&Value::Null)).unwrap();
    let cursor = first["cursor"].as_str().unwrap();
    let (_, inside) = cursor.split_once('/').unwrap();
    let (name, _) = inside.rsplit_once(':').unwrap();
    let removed = std::fs::read_dir(scene.path.join(name)).unwrap().count() as u64;
    std::fs::remove_dir_all(scene.path.join(name)).unwrap();
    let rest = scene.probe("measure-files", ask(&first["cursor"])).unwrap();
    let files = |answer: &Value| answer["entries"][0]["files"].as_u64().unwrap();
    assert_eq!((&rest["complete"], &rest["skipped"]), (&json!(true), &json!(0)));
    assert!((400 - removed..=400).contains(&(files(&first) + files(&rest))), "{first} {rest}");
}

fn removable(scene: &Scene, cursor: &str) -> Vec<String> {
    let mut what = scene.selection(&["**"]);
    what["cursor"] = json!(cursor);
    names(&scene.select("remove", what).unwrap())
}

#[test]
fn a_forged_cursor_leads_nowhere_new() {
    let mut scene = Scene::new();
    let outside = tempfile::tempdir().unwrap();
    std::fs::write(outside.path().join("outside"), "x").unwrap();
    scene.file("mine/f", 1, 100);
    scene.file(".ansai-quarantine/held/f", 1, 100);
    scene.file("state/own", 1, 100);
    symlink(outside.path(), scene.path.join("link")).unwrap();
    // A quarantine that another user created must not be used.
    scene = scene.with(&UNDO_HOURS, 0);
    scene.host = scene.host.clone().protecting(scene.path.join("state"));
    let cursors = [
        "0",
        "0/.ansai-quarantine:0",
        "0/.ansai-quarantine:0/held:0",
        "0/state:0",
        "0/link:0",
        "0/link:0/outside:0",
        "0/mine:0/f:0",
        "0/none:0/such:0",
    ];
    for cursor in cursors {
        let found = removable(&scene, cursor);
        assert!(found.iter().all(|name| name == "mine/f"), "{cursor}: {found:?}");
    }
    assert_eq!(removable(&scene, "0/mine:0").first().map(String::as_str), Some("mine/f"));
    for cursor in ["0/..:0", "0/../..:0", "0//etc:0", "etc", "0/a:b"] {
        let refused = scene.probe("measure-files", json!({ "what": everything(&scene), "cursor": cursor }));
        assert!(matches!(refused, Err(ansai_core::Refusal::Invalid(_))), "{cursor}: {refused:?}");
    }
    // Positions that no file system returned: at worst a file is listed twice, never one that does not exist.
    for cursor in ["18446744073709551615", "9223372036854775807", "7/mine:12345678901"] {
        let answer = scene.probe("measure-files", json!({ "what": everything(&scene), "cursor": cursor })).unwrap();
        assert!(answer["entries"][0]["files"].as_u64().unwrap() <= 4, "{cursor}: {answer}");
    }
}

#[test]
fn a_forged_cursor_does_not_cross_a_mount() {
    if !is_root() {
        return;
    }
    let scene = Scene::new();
    scene.file("f", 1, 100);
    let mounted = Mounted::new(&["-t", "tmpfs", "none"], &scene.path.join("mounted"));
    std::fs::create_dir(mounted.0.join("d")).unwrap();
    std::fs::write(mounted.0.join("d/other"), "x").unwrap();
    for cursor in ["0/mounted:0", "0/mounted:0/d:0"] {
        assert!(removable(&scene, cursor).iter().all(|name| name == "f"), "{cursor}");
        let answer = scene.probe("measure-files", json!({ "what": everything(&scene), "cursor": cursor })).unwrap();
        assert!(answer["entries"][0]["files"].as_u64().unwrap() <= 1, "{answer}");
    }
}

#[test]
fn a_preview_over_a_whole_tree_keeps_the_oldest() {
    let scene = Scene::new();
    for number in 0..1000_u64 {
        scene.file(format!("{}/{number}", number % 7), 1, 100 + (number * 379) % 1000);
    }
    let mut what = scene.selection(&["**"]);
    what["max-files"] = json!(10);
    let step = scene.select("remove", what).unwrap();
    let age = |name: &String| {
        let number: u64 = Path::new(name).file_name().unwrap().to_str().unwrap().parse().unwrap();
        100 + (number * 379) % 1000
    };
    let expected: Vec<u64> = (1090..1100).rev().collect();
    assert_eq!(names(&step).iter().map(age).collect::<Vec<_>>(), expected);
    assert_eq!(left(&step.preview)["beyond-limit"], 990);
}
