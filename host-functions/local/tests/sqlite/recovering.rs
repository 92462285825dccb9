//! `recover-copy`.

use std::path::Path;

use ansai_core::{Outcome, Value};
use ansai_kit::action::Applied;
use rusqlite::Connection;

use crate::scene::{Scene, insert, number};

fn count(applied: &Applied, name: &str) -> u64 {
    let found = applied.measures.iter().find(|measure| measure.name == name).unwrap();
    let Value::Count(count) = found.value else { panic!("{found:?}") };
    count
}

/// Overwrites whole pages, numbered from 1.
fn damage(path: &Path, page_bytes: usize, pages: impl IntoIterator<Item = usize>, with: u8) -> Vec<u8> {
    let mut bytes = std::fs::read(path).unwrap();
    for page in pages {
        bytes[(page - 1) * page_bytes..page * page_bytes].fill(with);
    }
    std::fs::write(path, &bytes).unwrap();
    bytes
}

fn ids(path: &Path) -> Vec<i64> {
    let database = Connection::open(path).unwrap();
    let mut statement = database.prepare("SELECT id FROM t ORDER BY id").unwrap();
    statement.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
}

/// The pages of a table that hold its rows.
fn leaves(path: &Path, table: &str) -> Vec<usize> {
    let database = Connection::open(path).unwrap();
    let sql = "SELECT pageno FROM dbstat WHERE name = ?1 AND pagetype = 'leaf' ORDER BY pageno";
    let mut statement = database.prepare(sql).unwrap();
    let found = statement.query_map([table], |row| row.get::<_, i64>(0)).unwrap();
    found.map(|page| usize::try_from(page.unwrap()).unwrap()).collect()
}

/// Would break: one damaged page that costs the rest of the table, a change of the original, or losses that nobody counts.
#[test]
fn rows_around_damaged_pages_are_saved() {
    let scene = Scene::new();
    let sql = format!(
        "PRAGMA user_version=7; CREATE TABLE t(id INTEGER PRIMARY KEY, text TEXT); {}
         CREATE INDEX i ON t(text); CREATE VIEW v AS SELECT id FROM t;
         CREATE TRIGGER g AFTER INSERT ON t BEGIN DELETE FROM t; END;
         CREATE TABLE w(k TEXT PRIMARY KEY, n) WITHOUT ROWID; INSERT INTO w VALUES ('a', 1), ('b', 2.5), ('c', x'00ff');",
        insert(5_000)
    );
    let path = scene.make("app.db", &sql);
    let leaves = leaves(&path, "t");
    let (near, far) = (leaves.len() / 4, leaves.len() / 2);
    let bytes = damage(&path, 4096, [leaves[0], leaves[near], leaves[near + 1], leaves[far]], 0x5a);
    assert!(!scene.look(&path, "quick").unwrap()["problems"].as_array().unwrap().is_empty());
    let applied = scene.run("recover-copy", &path);
    assert_eq!(applied.outcome, Outcome::Done, "{}", applied.detail);
    assert!(std::fs::read(&path).unwrap() == bytes, "the original is as it was");
    let copy = scene.copy();
    let saved = ids(&copy);
    // 4 of about 720 pages, of about 7 rows each.
    assert!(saved.len() > 4_960 && saved.len() < 4_990, "{} rows: {}", saved.len(), applied.detail);
    assert!(*saved.first().unwrap() < 20 && *saved.last().unwrap() == 5_000);
    assert_eq!(count(&applied, "recovered-rows"), saved.len() as u64 + 3);
    assert_eq!((count(&applied, "gaps"), count(&applied, "unreadable-rows")), (3, 0), "two pages are neighbours");
    assert_eq!((count(&applied, "recovered-tables"), count(&applied, "missing-objects")), (2, 0));
    assert_eq!(scene.look(&copy, "full").unwrap()["problems"], serde_json::json!([]));
    assert_eq!(number(&copy, "PRAGMA user_version"), 7);
    assert_eq!(number(&copy, "SELECT count(*) FROM sqlite_schema WHERE name IN ('i', 'v', 'g')"), 3);
    assert_eq!(number(&copy, "SELECT count(*) FROM w WHERE n IN (1, 2.5, x'00ff')"), 3);
    assert_eq!(
        number(&copy, "SELECT count(*) FROM t WHERE text = printf('%08d', id) || hex(zeroblob(250))"),
        saved.len() as i64
    );
}

/// An overflow page is damaged: only its row is lost, and is counted as one.
#[test]
fn one_unreadable_row_costs_one_row() {
    let scene = Scene::new();
    let sql =
        "CREATE TABLE t(id INTEGER PRIMARY KEY, text); INSERT INTO t VALUES (1, 'a'), (2, zeroblob(40000)), (3, 'c');";
    let path = scene.make("app.db", sql);
    let database = Connection::open(&path).unwrap();
    let last: i64 =
        database.query_row("SELECT max(pageno) FROM dbstat WHERE pagetype = 'overflow'", [], |row| row.get(0)).unwrap();
    drop(database);
    // Its chain leads to a page that does not exist.
    damage(&path, 4096, [usize::try_from(last).unwrap() - 2], 0xff);
    let applied = scene.run("recover-copy", &path);
    assert_eq!(applied.outcome, Outcome::Done, "{}", applied.detail);
    assert_eq!((count(&applied, "unreadable-rows"), count(&applied, "gaps")), (1, 0), "{}", applied.detail);
    assert_eq!(ids(&scene.copy()), [1, 3]);
}

/// A page that other pages lead through.
#[test]
fn a_damaged_inner_page_costs_its_branch() {
    let scene = Scene::new();
    let path = scene.make_rows("app.db", 20_000, "PRAGMA page_size=512");
    let database = Connection::open(&path).unwrap();
    let sql = "SELECT pageno FROM dbstat WHERE name = 't' AND pagetype = 'internal' AND length(path) > 1 ORDER BY path";
    let mut statement = database.prepare(sql).unwrap();
    let inner: Vec<i64> = statement.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap();
    drop(statement);
    drop(database);
    let inner = usize::try_from(inner[inner.len() / 2]).unwrap();
    damage(&path, 512, [inner], 0);
    let applied = scene.run("recover-copy", &path);
    assert_eq!(applied.outcome, Outcome::Done, "{}", applied.detail);
    let saved = ids(&scene.copy());
    assert!(saved.len() > 10_000 && saved.len() < 20_000, "{}", saved.len());
    assert_eq!((saved[0], *saved.last().unwrap(), count(&applied, "gaps")), (1, 20_000, 1));
}

/// Behind the last page there is nothing to search for.
#[test]
fn a_damaged_last_page_costs_its_rows() {
    let scene = Scene::new();
    let path = scene.make_rows("app.db", 500, "");
    let last = *leaves(&path, "t").last().unwrap();
    damage(&path, 4096, [last], 0x5a);
    let applied = scene.run("recover-copy", &path);
    assert_eq!((applied.outcome, count(&applied, "gaps")), (Outcome::Done, 1), "{}", applied.detail);
    let saved = ids(&scene.copy());
    assert!(saved.len() > 485 && saved.len() < 500, "{}", saved.len());
}

#[test]
fn what_has_no_damage_loses_nothing() {
    let scene = Scene::new();
    let sql = "PRAGMA encoding='UTF-16le'; PRAGMA foreign_keys=OFF; PRAGMA application_id=99;
        CREATE TABLE a(id INTEGER PRIMARY KEY AUTOINCREMENT, \"odd \"\"name\" TEXT NOT NULL, g AS (id * 2) STORED);
        INSERT INTO a VALUES (-5, 'x'), (9223372036854775807, 'ü🦀'); DELETE FROM a WHERE id > 0; INSERT INTO a VALUES (3, 'z');
        CREATE TABLE b(rowid, _rowid_, oid, REFERENCES_a INTEGER REFERENCES a(id)); INSERT INTO b VALUES (1, 2, 3, 777);
        CREATE VIRTUAL TABLE f USING fts5(text); INSERT INTO f VALUES ('hello world');
        CREATE TABLE c(t TEXT); INSERT INTO c VALUES (CAST(x'ff61' AS TEXT)); ANALYZE;";
    let path = scene.make("app.db", sql);
    let applied = scene.run("recover-copy", &path);
    assert_eq!(applied.outcome, Outcome::Done, "{}", applied.detail);
    assert!(applied.detail.contains("nothing is missing"), "{}", applied.detail);
    let copy = scene.copy();
    assert_eq!(number(&copy, "SELECT sum(id) FROM a WHERE g = id * 2"), -2);
    assert_eq!(number(&copy, "SELECT seq FROM sqlite_sequence WHERE name = 'a'"), i64::MAX);
    assert_eq!(number(&copy, "SELECT _rowid_ + oid FROM b WHERE REFERENCES_a = 777"), 5);
    assert_eq!(number(&copy, "SELECT count(*) FROM f WHERE f MATCH 'hello'"), 1);
    assert_eq!(number(&copy, "PRAGMA application_id"), 99);
    assert_eq!(scene.look(&copy, "full").unwrap()["problems"], serde_json::json!([]));
}

#[test]
fn a_lost_list_of_tables_is_said_and_leaves_no_file() {
    let scene = Scene::new();
    let path = scene.make_rows("app.db", 10, "");
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[100..4096].fill(0xee);
    std::fs::write(&path, &bytes).unwrap();
    let applied = scene.run("recover-copy", &path);
    assert_eq!(applied.outcome, Outcome::Failed);
    assert!(applied.detail.contains("list of tables"), "{}", applied.detail);
    assert_eq!(crate::scene::names(&scene.top("copies")), Vec::<String>::new());
}

/// A thousand random changes of bytes: whatever the file is then, there is an answer, and the original stays.
#[test]
fn random_damage_gives_an_answer() {
    let scene = Scene::new();
    let path = scene.make_rows("app.db", 300, "CREATE TABLE o(a UNIQUE, b)");
    let whole = std::fs::read(&path).unwrap();
    let mut seed = 0x9e37_79b9_u64;
    let mut random = |below: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        usize::try_from(seed % below as u64).unwrap()
    };
    let mut done = 0;
    for round in 0..12 {
        let mut bytes = whole.clone();
        for _ in 0..80 {
            // Not the part that says that it is a database.
            let at = 100 + random(bytes.len() - 100);
            bytes[at] = u8::try_from(random(256)).unwrap();
        }
        std::fs::write(&path, &bytes).unwrap();
        let _ = scene.look(&path, "quick");
        let mut step = scene.step("recover-copy", &path);
        step.preview().unwrap();
        let applied = step.begin().unwrap();
        assert!(!applied.detail.contains("without an answer"), "{round}: {}", applied.detail);
        assert!(std::fs::read(&path).unwrap() == bytes, "{round}");
        if applied.outcome == Outcome::Done {
            done += 1;
            step.undo(&applied.items).unwrap();
        }
    }
    assert!(done > 3, "{done}: that proves nothing");
}
