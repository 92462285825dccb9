//! `look`.

use std::path::Path;
use std::time::Duration;

use ansai_core::Refusal;
use ansai_harness::until;
use ansai_kit::host::Deadline;
use serde_json::json;

use crate::other_process::OtherProcess;
use crate::scene::{Scene, insert, names};

/// Would break: numbers of another field of the header, or a check that changes something.
#[test]
fn a_healthy_database_is_described_and_stays_as_it_is() {
    let scene = Scene::new();
    let path = scene.make_rows("app.db", 400, "PRAGMA page_size=1024");
    let before = std::fs::read(&path).unwrap();
    for depth in ["header", "quick", "full"] {
        let found = scene.look(&path, depth).unwrap();
        assert_eq!(found["about"], json!({"kind": "file", "name": path}));
        assert_eq!((&found["journal"], &found["page-bytes"]), (&json!("rollback"), &json!(1024)));
        assert_eq!(found["pages"].as_u64().unwrap() * 1024, before.len() as u64);
        assert_eq!((&found["free-pages"], &found["wal-bytes"]), (&json!(0), &json!(0)));
        assert_eq!((&found["problems"], &found["checked"]), (&json!([]), &json!(depth)));
        assert_eq!((&found["holders"], &found["hot-journal"]), (&json!([]), &json!(false)));
    }
    assert!(std::fs::read(&path).unwrap() == before);
    assert_eq!(names(&scene.top("data")), ["app.db"]);
}

/// Would break: a check in WAL mode that moves the `-wal` file into the database, or leaves files of root's.
#[test]
fn a_check_leaves_a_wal_file_alone() {
    let scene = Scene::new();
    let path = scene.make_rows("app.db", 10, "PRAGMA journal_mode=WAL");
    let user = OtherProcess::new(&path, &insert(100));
    let wal = std::fs::read(scene.path("app.db-wal")).unwrap();
    let before = std::fs::read(&path).unwrap();
    let found = scene.look(&path, "quick").unwrap();
    assert_eq!((&found["journal"], &found["problems"]), (&json!("wal"), &json!([])));
    assert_eq!(found["wal-bytes"].as_u64().unwrap(), wal.len() as u64);
    assert!(found["wal-modified"].as_u64().unwrap() > 1_700_000_000_000);
    assert_eq!(found["holders"][0]["pid"], user.pid());
    assert_eq!(found["holders"][0]["holds"], "open");
    drop(user);
    // Nobody has it open now, as after a crash.
    assert_eq!(scene.look(&path, "full").unwrap()["problems"], json!([]));
    assert!(std::fs::read(scene.path("app.db-wal")).unwrap() == wal);
    assert!(std::fs::read(&path).unwrap() == before);
    for name in names(&scene.top("data")) {
        use std::os::unix::fs::MetadataExt as _;
        assert_eq!(scene.path(&name).metadata().unwrap().uid(), scene.uid, "{name}");
    }
}

/// Who has the file open without a lock may be seen a few seconds later.
fn is_seen(scene: &Scene, path: &Path, user: &OtherProcess) {
    let holder = until("the process is seen", Duration::from_secs(30), || {
        let holder = scene.look(path, "header").unwrap()["holders"][0].clone();
        (holder["pid"] == user.pid()).then_some(holder)
    });
    assert_eq!(holder["holds"], "open", "{holder}");
}

#[test]
fn who_holds_a_lock_is_told() {
    let scene = Scene::new();
    let path = scene.make_rows("app.db", 10, "");
    for (sql, holds) in
        [("BEGIN EXCLUSIVE", "exclusive"), ("BEGIN IMMEDIATE", "writing"), ("BEGIN; SELECT count(*) FROM t", "reading")]
    {
        let user = OtherProcess::new(&path, sql);
        let found = scene.look(&path, "header").unwrap();
        let holder = &found["holders"][0];
        assert_eq!((&holder["holds"], &holder["pid"]), (&json!(holds), &json!(user.pid())), "{sql}: {found}");
        assert!(holder["identity"].as_str().unwrap().len() > 3 && found["more-holders"] == 0);
    }
    is_seen(&scene, &path, &OtherProcess::new(&path, "SELECT count(*) FROM t"));
    let wal = scene.make_rows("wal.db", 10, "PRAGMA journal_mode=WAL");
    for (sql, holds) in
        [("BEGIN; SELECT count(*) FROM t", "reading"), ("BEGIN IMMEDIATE; UPDATE t SET text = ''", "writing")]
    {
        let _user = OtherProcess::new(&wal, sql);
        assert_eq!(scene.look(&wal, "header").unwrap()["holders"][0]["holds"], holds, "{sql}");
    }
    is_seen(&scene, &wal, &OtherProcess::new(&wal, "SELECT count(*) FROM t"));
}

#[test]
fn a_locked_database_is_busy_and_its_holder_has_a_name() {
    let scene = Scene::new();
    let path = scene.make_rows("app.db", 10, "");
    let user = OtherProcess::new(&path, "BEGIN EXCLUSIVE");
    let refused = scene.look(&path, "quick").unwrap_err();
    let Refusal::Busy(text) = &refused else { panic!("{refused}") };
    assert!(text.contains(&format!("pid {}, exclusive", user.pid())), "{text}");
}

#[test]
fn damage_is_found_and_told() {
    let scene = Scene::new();
    let path = scene.make_rows("app.db", 2000, "PRAGMA page_size=4096");
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2 / 4096 * 4096;
    bytes[middle..middle + 4096].fill(0xa5);
    std::fs::write(&path, &bytes).unwrap();
    assert_eq!(scene.look(&path, "header").unwrap()["problems"], json!([]));
    for depth in ["quick", "full"] {
        let found = scene.look(&path, depth).unwrap();
        assert!(!found["problems"].as_array().unwrap().is_empty(), "{found}");
        assert!(found["problems"].as_array().unwrap().len() <= 32);
    }
    assert!(std::fs::read(&path).unwrap() == bytes);
}

/// An index with an old value of a row: only `full` finds it.
#[test]
fn full_finds_more_than_quick() {
    let scene = Scene::new();
    let sql = "CREATE TABLE t(a); CREATE INDEX i ON t(a); INSERT INTO t VALUES (1), (2);
               PRAGMA writable_schema=ON; DELETE FROM sqlite_schema WHERE name = 'i'; PRAGMA writable_schema=OFF;";
    let path = scene.make("app.db", sql);
    let database = rusqlite::Connection::open(&path).unwrap();
    let root = "UPDATE t SET a = 9 WHERE a = 1; PRAGMA writable_schema=ON;
                INSERT INTO sqlite_schema VALUES ('index', 'i', 't', 3, 'CREATE INDEX i ON t(a)');";
    database.execute_batch(root).unwrap();
    drop(database);
    assert_eq!(scene.look(&path, "quick").unwrap()["problems"], json!([]));
    let found = scene.look(&path, "full").unwrap();
    assert!(found["problems"].to_string().contains("index i"), "{found}");
}

#[test]
fn a_check_without_time_is_timed_out() {
    let scene = Scene::new();
    let path = scene.make_rows("app.db", 10, "");
    let refused = scene.look_until(&path, "quick", &Deadline::after(Duration::from_millis(1))).unwrap_err();
    assert!(matches!(refused, Refusal::TimedOut(_)), "{refused}");
    assert!(matches!(scene.look(Path::new("/none/app.db"), "header"), Err(Refusal::NotFound(_))));
}

/// What the process with few descriptors does.
const FEW: &str = "ANSAI_TEST_FEW_DESCRIPTORS";

/// Would break: open files of other processes that are kept as descriptors, or a descriptor for each database.
#[test]
fn many_databases_and_open_files_need_few_descriptors() {
    let file = tempfile::tempfile().unwrap();
    let _open: Vec<std::fs::File> = (0..800).map(|_| file.try_clone().unwrap()).collect();
    let own = std::env::current_exe().unwrap();
    let test = ["--exact", "looking::what_a_process_with_few_descriptors_does", "--nocapture", "--test-threads=1"];
    let ran = std::process::Command::new(own).args(test).env(FEW, "1").output().unwrap();
    assert!(ran.status.success() && String::from_utf8_lossy(&ran.stdout).contains("looked at 100"), "{ran:?}");
}

/// Does nothing unless this process is that one.
#[test]
fn what_a_process_with_few_descriptors_does() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    if std::env::var(FEW).is_err() {
        return;
    }
    let scene = Scene::new();
    let all: Vec<_> = (0..100).map(|number| scene.make_rows(&format!("{number}.db"), 1, "")).collect();
    let maximum = getrlimit(Resource::Nofile).maximum;
    setrlimit(Resource::Nofile, Rlimit { current: Some(32), maximum }).unwrap();
    for path in &all {
        assert_eq!(scene.look(path, "header").unwrap()["holders"], json!([]), "{}", path.display());
    }
    println!("looked at {}", all.len());
}
