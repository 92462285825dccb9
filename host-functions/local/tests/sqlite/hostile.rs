//! What an owner, a neighbour or a file could try.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink};
use std::path::Path;
use std::time::{Duration, Instant};

use ansai_core::{Outcome, Refusal};
use ansai_harness::requires_root;
use ansai_kit::host::{Deadline, Host};
use rusqlite::Connection;

use crate::scene::{LONG, Scene, insert, names, number};

#[track_caller]
fn refused_with(scene: &Scene, path: &Path, code: &str) {
    assert!(scene.look(path, "header").is_ok(), "its header is shown");
    let looked = scene.look(path, "quick").unwrap_err();
    assert!(matches!(&looked, Refusal::Unsupported(text) if text.contains(code)), "{looked}");
    for function in ["vacuum", "copy", "recover-copy"] {
        let refused = scene.step(function, path).preview().unwrap_err();
        assert!(refused.to_string().contains(code), "{function}: {refused}");
    }
}

/// Would break: a foreign database that root opens.
#[test]
fn a_database_of_root_is_not_opened() {
    if !requires_root() {
        return;
    }
    let scene = Scene::new();
    let path = scene.make_rows("app.db", 10, "");
    chown(&path, Some(0), Some(0)).unwrap();
    refused_with(&scene, &path, "sqlite-owner");
}

/// Whoever owns the file between preview and step.
#[test]
fn a_database_that_becomes_roots_is_not_opened() {
    if !requires_root() {
        return;
    }
    let scene = Scene::new();
    let path = scene.make_rows("app.db", 10, "");
    let mut step = scene.step("vacuum", &path);
    step.preview().unwrap();
    chown(&path, Some(0), Some(0)).unwrap();
    assert!(matches!(step.begin(), Err(Refusal::Changed(_))));
}

#[test]
fn the_process_runs_as_the_owner_alone() {
    if !requires_root() {
        return;
    }
    let scene = Scene::new();
    // Only its owner may read it.
    let path = scene.make_rows("app.db", 10, "PRAGMA journal_mode=WAL");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    std::fs::set_permissions(scene.top("data"), std::fs::Permissions::from_mode(0o700)).unwrap();
    assert_eq!(scene.look(&path, "full").unwrap()["problems"], serde_json::json!([]));
    for name in names(&scene.top("data")) {
        assert_eq!(scene.path(&name).metadata().unwrap().uid(), scene.uid, "{name}");
    }
    // Its owner may not.
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o000)).unwrap();
    assert!(matches!(scene.look(&path, "quick"), Err(Refusal::Unavailable(_))));
}

#[test]
fn where_others_can_write_no_database_is_opened() {
    if !requires_root() {
        return;
    }
    let scene = Scene::new();
    let path = scene.make_rows("app.db", 10, "");
    for mode in [0o775, 0o757, 0o1777] {
        std::fs::set_permissions(scene.top("data"), std::fs::Permissions::from_mode(mode)).unwrap();
        refused_with(&scene, &path, "sqlite-directory");
    }
    std::fs::set_permissions(scene.top("data"), std::fs::Permissions::from_mode(0o755)).unwrap();
    chown(scene.top("data"), Some(scene.uid + 1), None).unwrap();
    refused_with(&scene, &path, "sqlite-directory");
    scene.give(&scene.top("data"));
    assert!(scene.look(&path, "quick").is_ok());
    // The same for the directory of copies.
    chown(scene.top("copies"), Some(scene.uid + 1), None).unwrap();
    assert!(scene.step("copy", &path).preview().unwrap_err().to_string().contains("sqlite-directory"));
}

#[test]
fn a_database_with_two_names_is_not_opened() {
    let scene = Scene::new();
    let path = scene.make_rows("app.db", 10, "");
    std::fs::hard_link(&path, scene.path("other.db")).unwrap();
    refused_with(&scene, &path, "sqlite-owner");
}

#[test]
fn only_a_regular_file_by_its_plain_path() {
    let scene = Scene::new();
    let path = scene.make_rows("app.db", 10, "");
    symlink(&path, scene.path("link.db")).unwrap();
    symlink(scene.top("data"), scene.top("linked")).unwrap();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        scene.path("fifo.db"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::from_raw_mode(0o644),
        0,
    )
    .unwrap();
    std::fs::create_dir(scene.path("directory.db")).unwrap();
    let began = Instant::now();
    for path in [
        scene.path("link.db"),
        scene.top("linked/app.db"),
        scene.path("fifo.db"),
        scene.path("directory.db"),
        scene.path("../data/app.db"),
        Path::new("/dev/zero").into(),
        Path::new("app.db").into(),
        Path::new("/").into(),
        Path::new("file:/srv/app.db?mode=rwc").into(),
    ] {
        let refused = scene.look(&path, "quick").unwrap_err();
        assert!(matches!(refused, Refusal::Invalid(_)), "{}: {refused}", path.display());
    }
    assert!(began.elapsed() < LONG);
}

#[test]
fn hostile_headers_are_no_database() {
    let scene = Scene::new();
    let path = scene.make_rows("app.db", 100, "");
    let whole = std::fs::read(&path).unwrap();
    for (at, bytes) in [
        (0, &b"SQLite"[..]),
        (0, b"x"),
        (16, &[0, 0]),
        (16, &[0xff, 0xff]),
        (20, &[0xff]),
        (21, &[0]),
        (36, &[0xff; 4]),
    ] {
        let mut changed = whole.clone();
        changed[at..at + bytes.len()].copy_from_slice(bytes);
        // A page of 512 bytes, of which 255 are reserved, would be too small.
        if at == 20 {
            changed[16..18].copy_from_slice(&512_u16.to_be_bytes());
        }
        std::fs::write(&path, &changed).unwrap();
        let found = scene.look(&path, "header");
        if at == 0 && bytes == b"SQLite" {
            assert!(found.is_ok());
            continue;
        }
        let refused = found.unwrap_err();
        assert!(matches!(&refused, Refusal::Invalid(text) if text.contains("sqlite-header")), "{at}: {refused}");
    }
    for bytes in [&b""[..], b"SQLite format 3\0", &whole[..99]] {
        std::fs::write(&path, bytes).unwrap();
        assert!(matches!(scene.look(&path, "header"), Err(Refusal::Invalid(_))));
    }
}

/// The list of unused pages leads to itself.
#[test]
fn a_loop_of_free_pages_is_a_problem_and_no_loop() {
    let scene = Scene::new();
    let path = scene.make_rows("app.db", 2_000, "");
    Connection::open(&path).unwrap().execute_batch("DELETE FROM t WHERE id > 10").unwrap();
    let mut bytes = std::fs::read(&path).unwrap();
    let first: [u8; 4] = bytes[32..36].try_into().unwrap();
    let at = (u32::from_be_bytes(first) as usize - 1) * 4096;
    bytes[at..at + 4].copy_from_slice(&first);
    std::fs::write(&path, &bytes).unwrap();
    let found = scene.look(&path, "quick").unwrap();
    assert!(!found["problems"].as_array().unwrap().is_empty(), "{found}");
    let applied = scene.run("recover-copy", &path);
    assert_eq!(applied.outcome, Outcome::Done, "{}", applied.detail);
    assert_eq!(number(&scene.copy(), "SELECT count(*) FROM t"), 10);
}

/// A database of a terabyte that is a hole.
#[test]
fn a_sparse_giant_costs_nothing() {
    let scene = Scene::new();
    let path = scene.make_rows("app.db", 10, "");
    std::fs::File::options().write(true).open(&path).unwrap().set_len(1 << 40).unwrap();
    assert_eq!(scene.look(&path, "header").unwrap()["bytes"], 1_u64 << 40);
    let began = Instant::now();
    let _ = scene.look_until(&path, "full", &Deadline::after(Duration::from_secs(5)));
    for function in ["vacuum", "copy", "recover-copy"] {
        assert!(matches!(scene.step(function, &path).preview(), Err(Refusal::OverBudget(_))), "{function}");
    }
    assert!(began.elapsed() < LONG);
}

/// Names, views, triggers, expressions and statements that somebody wrote to be run by others.
#[test]
fn a_hostile_schema_is_only_text() {
    let scene = Scene::new();
    let sql = format!(
        "CREATE TABLE t(id INTEGER PRIMARY KEY, text TEXT); {}
         CREATE TABLE \"x\"\"; DROP TABLE t; --\"(\"a\"\"b\", c CHECK (length(c) >= 0)); INSERT INTO \"x\"\"; DROP TABLE t; --\" VALUES (1, '2');
         CREATE VIEW v AS SELECT load_extension('/etc/passwd'); CREATE TRIGGER g INSTEAD OF INSERT ON v BEGIN SELECT 1; END;
         CREATE TRIGGER h AFTER INSERT ON t BEGIN INSERT INTO t(text) VALUES (hex(zeroblob(100000))); END;
         PRAGMA writable_schema=ON;
         INSERT INTO sqlite_schema VALUES ('table', 'evil', 'evil', 0, 'ATTACH ''{}'' AS evil');
         INSERT INTO sqlite_schema VALUES ('table', 'also', 'also', 0, 'CREATE TABLE also(a); DROP TABLE t');",
        insert(20),
        scene.path("made.db").display()
    );
    let path = scene.make("app.db", &sql);
    for depth in ["quick", "full"] {
        let found = scene.look(&path, depth).unwrap();
        for problem in found["problems"].as_array().unwrap() {
            assert!(problem.as_str().unwrap().chars().count() <= 201, "{problem}");
        }
    }
    let applied = scene.run("recover-copy", &path);
    assert_eq!(applied.outcome, Outcome::Done, "{}", applied.detail);
    let copy = scene.copy();
    assert_eq!(number(&copy, "SELECT count(*) FROM t"), 20);
    assert_eq!(number(&copy, "SELECT count(*) FROM \"x\"\"; DROP TABLE t; --\""), 1);
    assert_eq!(number(&copy, "SELECT count(*) FROM sqlite_schema WHERE name IN ('evil', 'also')"), 0);
    assert!(!scene.path("made.db").exists());
}

/// A name with line breaks and an escape sequence.
#[test]
fn a_hostile_name_cannot_pass_as_output() {
    let scene = Scene::new();
    let name = "a\nansai-sqlite \"vacuumed\"\n\u{1b}[31m";
    scene.make_rows(name, 10, "");
    let shown = ansai_core::text::path_text(name.as_bytes());
    let path = scene.path(&shown);
    assert_eq!(scene.look(&path, "full").unwrap()["problems"], serde_json::json!([]));
    let applied = scene.run("copy", &path);
    assert_eq!(applied.outcome, Outcome::Done, "{}", applied.detail);
    assert!(!applied.detail.contains(['\n', '\u{1b}']), "{}", applied.detail);
}

#[test]
fn what_belongs_to_ansai_is_denied() {
    let mut scene = Scene::new();
    let path = scene.make_rows("app.db", 10, "");
    scene.host = Host::at("/").protecting(scene.top("data"));
    assert!(matches!(scene.look(&path, "header"), Err(Refusal::Denied(_))));
    assert!(matches!(scene.step("vacuum", &path).preview(), Err(Refusal::Denied(_))));
    scene.host = Host::at("/").protecting(scene.top("copies"));
    assert!(matches!(scene.step("copy", &path).preview(), Err(Refusal::Denied(_))));
}
