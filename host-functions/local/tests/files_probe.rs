//! The probe: sums, lists, pages, and removed files that are still open.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
#![allow(clippy::disallowed_methods, reason = "tests make files")]

mod files_scene;

use std::os::unix::fs::symlink;

use ansai_core::Refusal;
use files_scene::*;
use serde_json::{Value, json};

#[test]
fn sums_count_an_inode_once_and_follow_nothing() {
    let scene = Scene::new();
    let outside = tempfile::tempdir().unwrap();
    std::fs::write(outside.path().join("big"), vec![0; 1 << 20]).unwrap();
    let first = scene.file("a/x", 5000, 100);
    std::fs::hard_link(&first, scene.path.join("a/y")).unwrap();
    scene.file("b/deep/er/z", 9000, 300);
    scene.file("b/w", 1, 50);
    scene.file("top", 1, 10);
    std::fs::create_dir(scene.path.join("empty")).unwrap();
    symlink(outside.path(), scene.path.join("a/link")).unwrap();
    let ask = |depth: u32| json!({ "root": scene.root, "depth": depth, "cursor": null });
    let answer = scene.probe("largest-directories", ask(1)).unwrap();
    let rows = |answer: &Value| -> Vec<(String, u64, u64)> {
        let row = |entry: &Value| {
            assert_eq!(entry["about"], json!({ "kind": "directory", "name": entry["path"] }));
            let path = entry["path"].as_str().unwrap().strip_prefix(&scene.root).unwrap().to_owned();
            (path, entry["files"].as_u64().unwrap(), entry["bytes"].as_u64().unwrap())
        };
        answer["entries"].as_array().unwrap().iter().map(row).collect()
    };
    let expected = [("/b", 2, 12288 + 4096), ("/a", 2, 8192), ("/empty", 0, 0)];
    assert_eq!(rows(&answer), expected.map(|(path, files, bytes)| (path.to_owned(), files, bytes)));
    assert_eq!((&answer["complete"], &answer["skipped"], &answer["cursor"]), (&json!(true), &json!(0), &Value::Null));
    let ends = |entry: usize| (answer["entries"][entry]["oldest"].clone(), answer["entries"][entry]["newest"].clone());
    // The fixture sets whole seconds.
    let at = |hours: u64| json!((scene.now - hours * HOUR) / 1000 * 1000);
    assert_eq!(ends(0), (at(300), at(50)));
    assert_eq!(ends(2), (Value::Null, Value::Null), "there is no file");
    let answer = scene.probe("largest-directories", ask(0)).unwrap();
    assert_eq!(rows(&answer), [(String::new(), 5, 12288 + 8192 + 4096 + 4096)]);
    assert_eq!(rows(&scene.probe("largest-directories", ask(3)).unwrap()), [("/b/deep/er".to_owned(), 1, 12288)]);
    assert!(rows(&scene.probe("largest-directories", ask(9)).unwrap()).is_empty());

    let measure = |what: Value| rows(&scene.probe("measure-files", json!({ "what": what })).unwrap());
    let mut old = scene.query(&["**/[xyz]"]);
    old["min-age-hours"] = json!(200);
    assert_eq!(measure(old), [(String::new(), 1, 12288)]);
    assert_eq!(measure(scene.query(&[]))[0].1, 4);
}

#[test]
fn a_query_leaves_out_what_is_excluded_or_too_small() {
    let scene = Scene::new();
    for (name, bytes) in [("a.log", 1), ("d/b.log", 9000), ("d/c.gz", 9000), ("keep/d.log", 90_000)] {
        scene.file(name, bytes, 100);
    }
    let found = |globs: &[&str], exclude: &[&str], min_bytes: u64| {
        let mut what = scene.query(globs);
        what["exclude"] = json!(exclude);
        what["min-bytes"] = json!(min_bytes);
        let listed = scene.probe("list-files", json!({ "what": what })).unwrap();
        let measured = scene.probe("measure-files", json!({ "what": what })).unwrap()["entries"][0].clone();
        let files = listed["entries"].as_array().unwrap();
        assert_eq!(measured["files"], json!(files.len()), "both leave out the same");
        assert_eq!(measured["bytes"].as_u64(), Some(files.iter().map(|file| file["bytes"].as_u64().unwrap()).sum()));
        assert_eq!((&listed["complete"], &measured["oldest"].is_null()), (&json!(true), &files.is_empty()));
        let name = |file: &Value| file["path"].as_str().unwrap().strip_prefix(&scene.root).unwrap()[1..].to_owned();
        let mut names: Vec<String> = files.iter().map(name).collect();
        names.sort();
        names
    };
    assert_eq!(found(&[], &["**/*.gz", "keep/**"], 0), ["a.log", "d/b.log"]);
    assert_eq!(found(&["**/*.log"], &["**/b.*"], 0), ["a.log", "keep/d.log"]);
    assert!(found(&["**/*.log"], &["**/*.log"], 0).is_empty(), "`exclude` takes precedence");
    assert_eq!(found(&["**/*.log"], &[], 12_288), ["d/b.log", "keep/d.log"]);
    assert!(found(&["**/*.log"], &["keep/**"], 12_289).is_empty());
    let mut what = scene.query(&[]);
    what["exclude"] = json!(["/etc/*"]);
    assert!(matches!(scene.probe("measure-files", json!({ "what": what })), Err(Refusal::Invalid(_))));
}

#[test]
fn lists_come_in_pages_each_oldest_first() {
    let scene = Scene::new();
    for n in 0..1100_u64 {
        scene.file(format!("{}/f{n}", n % 3), 1, 2000 - n / 4);
    }
    let _open = std::fs::File::open(scene.file("0/f0", 1, 5000)).unwrap();
    let (mut cursor, mut sizes, mut seen) = (Value::Null, Vec::new(), Vec::new());
    loop {
        let what = scene.query(&["**"]);
        let answer = scene.probe("list-files", json!({ "what": what, "cursor": cursor })).unwrap();
        let entries = answer["entries"].as_array().unwrap().clone();
        sizes.push(entries.len());
        assert!(entries.is_sorted_by_key(|file| file["modified"].as_u64().unwrap()));
        assert_eq!(answer["complete"], json!(answer["cursor"].is_null()));
        seen.extend(entries);
        cursor = answer["cursor"].clone();
        if cursor.is_null() {
            break;
        }
    }
    assert_eq!(sizes, [500, 500, 100]);
    let paths: std::collections::HashSet<_> = seen.iter().map(|file| file["path"].as_str().unwrap()).collect();
    assert_eq!(paths.len(), 1100);
    let open: Vec<&Value> = seen.iter().filter(|file| file["open"] == json!(true)).collect();
    assert_eq!((open.len(), &open[0]["path"]), (1, &json!(format!("{}/0/f0", scene.root))));
    assert_eq!(open[0]["links"], json!(1));
    let what = scene.query(&["**"]);
    let forged = scene.probe("list-files", json!({ "what": what, "cursor": "x" }));
    assert!(matches!(forged, Err(Refusal::Invalid(_))));
}

#[test]
fn removed_files_that_are_held_open_are_found() {
    let scene = Scene::new();
    let gone = scene.file("gone \u{1b}[31m", 8192, 1);
    let _open = std::fs::File::open(&gone).unwrap();
    let _again = std::fs::File::open(&gone).unwrap();
    let _kept = std::fs::File::open(scene.file("kept (deleted)", 1, 1)).unwrap();
    let outside = tempfile::NamedTempFile::new().unwrap();
    let _outside = std::fs::File::open(outside.path()).unwrap();
    std::fs::remove_file(&gone).unwrap();
    outside.close().unwrap();
    let answer = scene.probe("list-deleted-open", json!({})).unwrap();
    let entries = answer["entries"].as_array().unwrap();
    assert_eq!(entries.len(), 1, "{answer}");
    assert_eq!(entries[0]["path"], json!(gone.to_str().unwrap()));
    assert_eq!((&entries[0]["bytes"], &entries[0]["more-holders"]), (&json!(8192), &json!(0)));
    let holders = entries[0]["holders"].as_array().unwrap();
    assert_eq!((holders.len(), &holders[0]["pid"]), (1, &json!(std::process::id())), "two handles of one process");
    assert!(holders[0]["identity"].as_str().is_some_and(|identity| !identity.is_empty()), "{answer}");
}

#[test]
fn directories_that_cannot_be_read_are_counted() {
    let scene = Scene::new();
    scene.file("closed/x", 1, 100);
    scene.file("y", 1, 100);
    mode(&scene.path.join("closed"), 0o000);
    let what = json!({ "what": scene.query(&[]) });
    let answer = scene.probe("measure-files", what).unwrap();
    mode(&scene.path.join("closed"), 0o700);
    let privileged = rustix::process::geteuid().is_root();
    let expected = if privileged { (json!(true), json!(0)) } else { (json!(false), json!(1)) };
    assert_eq!((answer["complete"].clone(), answer["skipped"].clone()), expected);
}
