//! `copy`.

use std::os::unix::fs::MetadataExt as _;

use ansai_core::{Outcome, Refusal, Touch};
use rusqlite::Connection;

use crate::other_process::OtherProcess;
use crate::scene::{Scene, insert, names, number};

/// Would break: a copy without what is in the `-wal` file, or that others can read.
#[test]
fn a_copy_has_all_and_belongs_to_the_same_owner() {
    for mode in ["DELETE", "WAL"] {
        let scene = Scene::new();
        let path = scene.make_rows("app.db", 100, &format!("PRAGMA journal_mode={mode}"));
        let _user = OtherProcess::new(&path, &insert(100));
        let mut step = scene.step("copy", &path);
        let previewed = step.previewed().unwrap();
        let copy = scene.top("copies/app.db.copy-1790000000");
        assert_eq!(previewed.preview.sample, [format!("{} to {}", path.display(), copy.display())]);
        assert!(previewed.touches.contains(&Touch::shared(previewed.preview.about.clone())));
        assert_eq!(names(&scene.top("copies")), Vec::<String>::new());
        let applied = step.begin().unwrap();
        assert_eq!(applied.outcome, Outcome::Done, "{}", applied.detail);
        assert_eq!(scene.copy(), copy);
        let found = copy.metadata().unwrap();
        assert_eq!((found.uid(), found.mode() & 0o777), (scene.uid, 0o600));
        assert_eq!(scene.look(&copy, "full").unwrap()["problems"], serde_json::json!([]), "{mode}");
        assert_eq!(number(&copy, "SELECT count(*) FROM t"), 200);
    }
}

#[test]
fn undo_removes_a_copy_that_nobody_has_changed() {
    let scene = Scene::new();
    let path = scene.make_rows("app.db", 100, "");
    let mut step = scene.step("copy", &path);
    step.preview().unwrap();
    let applied = step.begin().unwrap();
    let copy = scene.copy();
    let user = OtherProcess::new(&copy, "SELECT count(*) FROM t");
    assert!(matches!(step.undo(&applied.items), Err(Refusal::Busy(_))), "somebody has it open");
    drop(user);
    assert_eq!(step.undo(&applied.items).unwrap().outcome, Outcome::Done);
    assert_eq!(names(&scene.top("copies")), Vec::<String>::new());
    assert_eq!(step.undo(&applied.items).unwrap().outcome, Outcome::Done, "it may be repeated");

    let applied = step.begin().unwrap();
    Connection::open(&copy).unwrap().execute_batch("INSERT INTO t(text) VALUES ('x')").unwrap();
    let undone = step.undo(&applied.items).unwrap();
    assert_eq!(undone.outcome, Outcome::Failed, "{}", undone.detail);
    assert_eq!(number(&copy, "SELECT count(*) FROM t"), 101);
}

#[test]
fn a_copy_replaces_nothing() {
    let scene = Scene::new();
    let path = scene.make_rows("app.db", 100, "");
    let copy = scene.top("copies/app.db.copy-1790000000");
    let mut step = scene.step("copy", &path);
    step.preview().unwrap();
    std::fs::write(&copy, "mine").unwrap();
    assert!(matches!(step.begin(), Err(Refusal::Changed(_))));
    assert!(matches!(step.preview(), Err(Refusal::Busy(_))));
    std::fs::remove_file(&copy).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", &copy).unwrap();
    assert!(matches!(step.begin(), Err(Refusal::Changed(_))));
    assert_eq!(names(&scene.top("copies")), ["app.db.copy-1790000000"]);
}

/// Somebody writes all the time, in both modes: the copy is whole.
#[test]
fn a_copy_of_a_database_that_is_being_written_is_whole() {
    for mode in ["DELETE", "WAL"] {
        let scene = Scene::new();
        let path = scene.make_rows("app.db", 4_000, &format!("PRAGMA journal_mode={mode}"));
        let _user = OtherProcess::new(&path, "LOOP UPDATE t SET text = 'x' || text WHERE id % 7 = abs(random()) % 7");
        let applied = scene.run("copy", &path);
        assert_eq!(applied.outcome, Outcome::Done, "{mode}: {}", applied.detail);
        assert_eq!(scene.look(&scene.copy(), "full").unwrap()["problems"], serde_json::json!([]));
    }
}

#[test]
fn a_damaged_database_is_copied_as_it_is() {
    let scene = Scene::new();
    let path = scene.make_rows("app.db", 2000, "PRAGMA page_size=4096");
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[40_960..45_056].fill(0x5a);
    std::fs::write(&path, &bytes).unwrap();
    let applied = scene.run("copy", &path);
    assert_eq!(applied.outcome, Outcome::Done, "{}", applied.detail);
    // The copy counts its changes itself.
    let copied = std::fs::read(scene.copy()).unwrap();
    assert!(copied.len() == bytes.len() && copied[100..] == bytes[100..]);
}
