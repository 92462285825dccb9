//! `checkpoint` and `vacuum`.

use std::time::Duration;

use ansai_core::{Outcome, Refusal, Touch};
use rusqlite::Connection;

use crate::other_process::OtherProcess;
use crate::scene::{Scene, insert, names, number};

#[test]
fn a_huge_wal_file_is_emptied() {
    let scene = Scene::new();
    let path = scene.make_rows("app.db", 1, "PRAGMA journal_mode=WAL");
    let _user = OtherProcess::new(&path, &format!("PRAGMA wal_autocheckpoint=0; {}", insert(20_000)));
    let wal = scene.path("app.db-wal");
    let before = wal.metadata().unwrap().len();
    assert!(before > 10 << 20, "{before}");
    let mut step = scene.step("checkpoint", &path);
    let preview = step.preview().unwrap();
    assert_eq!((preview.items, preview.frees_now_bytes), (1, before));
    let applied = step.begin().unwrap();
    assert_eq!((applied.outcome, applied.items[0].freed_bytes), (Outcome::Done, before), "{}", applied.detail);
    assert_eq!(wal.metadata().unwrap().len(), 0);
    assert_eq!(number(&path, "SELECT count(*) FROM t"), 20_001);
    assert!(matches!(step.preview(), Err(Refusal::Invalid(_))), "there is nothing left to do");
    assert_eq!(step.resolve().unwrap().outcome, Outcome::Done);
}

/// Would break: a checkpoint that reports success although a reader kept the file.
#[test]
fn a_reader_that_goes_on_keeps_the_wal_file_and_is_named() {
    let scene = Scene::new();
    let path = scene.make_rows("app.db", 1, "PRAGMA journal_mode=WAL");
    let _writer = OtherProcess::new(&path, &insert(500));
    let reader = OtherProcess::new(&path, "BEGIN; SELECT count(*) FROM t");
    let _more = OtherProcess::new(&path, &insert(500));
    let applied = scene.run("checkpoint", &path);
    assert_eq!(applied.outcome, Outcome::Failed);
    assert!(applied.detail.contains(&format!("pid {}, reading", reader.pid())), "{}", applied.detail);
    assert_eq!(number(&path, "SELECT count(*) FROM t"), 1001);
}

#[test]
fn free_pages_are_vacuumed_away() {
    for mode in ["DELETE", "WAL"] {
        let scene = Scene::new();
        let path = scene.make_rows("app.db", 4_000, &format!("PRAGMA journal_mode={mode}"));
        Connection::open(&path).unwrap().execute_batch("DELETE FROM t WHERE id % 4 > 0 OR id > 3000").unwrap();
        let before = scene.look(&path, "quick").unwrap();
        let (free, pages) = (before["free-pages"].as_u64().unwrap(), before["pages"].as_u64().unwrap());
        assert!(free * 5 > pages, "{before}");
        let mut step = scene.step("vacuum", &path);
        let preview = step.preview().unwrap();
        assert!(preview.frees_now_bytes >= free * 4096 && preview.needs_bytes >= pages * 4096 * 2);
        assert_eq!(step.resolve().unwrap().outcome, Outcome::Failed, "nothing has happened yet");
        let applied = step.begin().unwrap();
        assert_eq!(applied.outcome, Outcome::Done, "{}", applied.detail);
        assert!(applied.items[0].freed_bytes >= free * 4096, "{mode}: {}", applied.detail);
        let after = scene.look(&path, "full").unwrap();
        assert_eq!((&after["free-pages"], &after["problems"]), (&0.into(), &serde_json::json!([])));
        assert_eq!(number(&path, "SELECT count(*) FROM t"), 750);
        assert_eq!(step.resolve().unwrap().outcome, Outcome::Done);
    }
}

#[test]
fn a_vacuum_waits_for_nobody() {
    let scene = Scene::new();
    let path = scene.make_rows("app.db", 100, "");
    let mut step = scene.step("vacuum", &path);
    step.preview().unwrap();
    let user = OtherProcess::new(&path, "BEGIN IMMEDIATE");
    for refused in [step.preview().map(drop).unwrap_err(), step.begin().map(drop).unwrap_err()] {
        assert!(matches!(&refused, Refusal::Busy(text) if text.contains(&user.pid().to_string())), "{refused}");
    }
}

/// Would break: a vacuum that loses the rows it cannot read.
#[test]
fn a_damaged_database_is_not_vacuumed() {
    let scene = Scene::new();
    let path = scene.make_rows("app.db", 2000, "PRAGMA page_size=4096");
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2 / 4096 * 4096;
    bytes[middle..middle + 4096].fill(0);
    std::fs::write(&path, &bytes).unwrap();
    let applied = scene.run("vacuum", &path);
    assert_eq!(applied.outcome, Outcome::Failed);
    assert!(applied.detail.contains("damaged"), "{}", applied.detail);
    assert!(std::fs::read(&path).unwrap() == bytes);
    assert_eq!(names(&scene.top("data")), ["app.db"]);
}

#[test]
fn budgets_and_times_hold() {
    let mut scene = Scene::new();
    let path = scene.make_rows("app.db", 100, "");
    let size = path.metadata().unwrap().len();
    scene.most_bytes = size - 1;
    assert!(matches!(scene.step("vacuum", &path).preview(), Err(Refusal::OverBudget(_))));
    scene.most_bytes = size;
    let mut step = scene.step("vacuum", &path);
    let previewed = step.previewed().unwrap();
    assert!(previewed.touches.iter().any(|touch| touch.subject.kind == "work"));
    assert!(previewed.touches.contains(&Touch::exclusive(previewed.preview.about.clone())));
    for within in [0, 7 * 3_600_000] {
        step.arguments = crate::scene::raw(serde_json::json!({"path": path, "within": within, "reason": ""}));
        assert!(matches!(step.preview(), Err(Refusal::Invalid(_))));
    }
    assert!(Duration::from_millis(1) < Duration::from_secs(1));
}

/// Would break: a database that grows after the preview beyond what the grant has left.
#[test]
fn a_database_that_grew_beyond_its_grant_is_left_alone() {
    let mut scene = Scene::new();
    let path = scene.make_rows("app.db", 100, "");
    scene.most_bytes = path.metadata().unwrap().len();
    let mut step = scene.step("vacuum", &path);
    step.preview().unwrap();
    Connection::open(&path).unwrap().execute_batch(&insert(100)).unwrap();
    let refused = step.begin().map(drop).unwrap_err();
    assert!(matches!(&refused, Refusal::OverBudget(_)), "{refused}");
}

/// Would break: a full-text index that finds other rows after a vacuum.
#[test]
fn rows_that_a_virtual_table_refers_to_keep_their_numbers() {
    let text = "CREATE TABLE docs(text); INSERT INTO docs(rowid, text) VALUES (7, 'seven'), (9, 'nine');
        CREATE VIRTUAL TABLE words USING fts5(text, content = 'docs');
        INSERT INTO words(words) VALUES ('rebuild');";
    let scene = Scene::new();
    let path = scene.make("app.db", text);
    let applied = scene.run("vacuum", &path);
    assert_eq!(applied.outcome, Outcome::Failed, "{}", applied.detail);
    assert!(applied.detail.contains("rowid"), "{}", applied.detail);
    assert_eq!(number(&path, "SELECT rowid FROM docs WHERE text = 'nine'"), 9);
    // With numbers of its own, a table keeps them.
    let path = scene.make("own.db", &text.replace("docs(text)", "docs(id INTEGER PRIMARY KEY, text)"));
    let applied = scene.run("vacuum", &path);
    assert_eq!(applied.outcome, Outcome::Done, "{}", applied.detail);
    assert_eq!(number(&path, "SELECT rowid FROM words WHERE words MATCH 'nine'"), 9);
}
