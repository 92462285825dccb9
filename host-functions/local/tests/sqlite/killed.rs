//! A vacuum or a copy is killed in the middle, and a database that a crash has left.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ansai_core::{Outcome, Refusal};
use ansai_kit::action::Applied;
use rusqlite::Connection;

use crate::other_process::OtherProcess;
use crate::scene::{Scene, Step, names, number};

/// The process that this one has started to open a database.
fn child() -> Option<rustix::process::Pid> {
    let own = std::process::id().to_string();
    let all = std::fs::read_dir("/proc").unwrap().flatten();
    all.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok()).find_map(|pid| {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        let is_child = status.lines().any(|line| line.strip_prefix("PPid:").map(str::trim) == Some(own.as_str()));
        let command = std::fs::read(format!("/proc/{pid}/cmdline")).ok()?;
        let opens = String::from_utf8_lossy(&command).contains("scene::the_child");
        (is_child && opens).then(|| rustix::process::Pid::from_raw(pid)).flatten()
    })
}

/// Kills it as soon as there is a file of this name with content, unless the step is over.
fn kill_when(path: &Path, is_over: &AtomicBool) {
    while !is_over.load(Ordering::SeqCst) {
        if path.metadata().is_ok_and(|found| found.len() > 100_000)
            && let Some(child) = child()
        {
            let _ = rustix::process::kill_process(child, rustix::process::Signal::KILL);
            return;
        }
        std::thread::sleep(Duration::from_micros(200));
    }
}

/// Does a step, and kills its process as soon as this file has content.
fn killed(step: &Step<'_>, file: &Path) -> Applied {
    let is_over = AtomicBool::new(false);
    std::thread::scope(|threads| {
        threads.spawn(|| kill_when(file, &is_over));
        let applied = step.begin();
        is_over.store(true, Ordering::SeqCst);
        applied.unwrap()
    })
}

/// Tries it with more and more rows: a fast machine is done before its process can be killed.
fn with_enough_rows(rows: u32, is_killed: impl Fn(u32) -> bool) {
    let tried: Vec<u32> = (0..4).map(|times| rows << times).collect();
    assert!(tried.iter().any(|rows| is_killed(*rows)), "each was done before it was killed: {tried:?} rows");
}

/// Would break: a journal that somebody removes, so that half a vacuum stays.
#[test]
fn a_killed_vacuum_loses_nothing() {
    with_enough_rows(30_000, kill_a_vacuum);
}

/// `false` if the vacuum was done before.
fn kill_a_vacuum(rows: u32) -> bool {
    let scene = Scene::new();
    let path = scene.make_rows("app.db", rows, "");
    Connection::open(&path).unwrap().execute_batch("DELETE FROM t WHERE id % 2 = 0").unwrap();
    let mut step = scene.step("vacuum", &path);
    step.preview().unwrap();
    let journal = scene.path("app.db-journal");
    let applied = killed(&step, &journal);
    if applied.outcome == Outcome::Done {
        return false;
    }
    assert_eq!(applied.outcome, Outcome::Failed, "{}", applied.detail);
    assert!(applied.detail.contains("signal 9") && applied.detail.contains("sqlite-child"), "{}", applied.detail);
    assert!(journal.exists(), "it is SQLite's");
    let resolved = step.resolve().unwrap();
    assert_eq!(resolved.outcome, Outcome::Failed);
    let found = scene.look(&path, "header").unwrap();
    if found["hot-journal"] == true {
        assert!(resolved.detail.contains("rolls"), "{}", resolved.detail);
        let refused = scene.look(&path, "quick").unwrap_err();
        assert!(matches!(refused, Refusal::Unavailable(_)), "{refused}");
    }
    assert!(journal.exists());
    // The program opens its database.
    assert_eq!(number(&path, "SELECT count(*) FROM t"), i64::from(rows / 2));
    assert_eq!(scene.look(&path, "full").unwrap()["problems"], serde_json::json!([]));
    true
}

#[test]
fn a_stop_ends_a_vacuum_and_leaves_the_database_as_it_was() {
    let scene = Scene::new();
    let path = scene.make_rows("app.db", 100, "");
    let mut step = scene.step("vacuum", &path);
    step.preview().unwrap();
    scene.stop.store(true, Ordering::SeqCst);
    let applied = step.begin().unwrap();
    assert_eq!(applied.outcome, Outcome::Failed);
    assert!(matches!(applied.reason, Some(Refusal::TimedOut(_))), "{}", applied.detail);
    assert_eq!(number(&path, "SELECT count(*) FROM t"), 100);
}

/// What is not complete never has the name of a copy.
#[test]
fn a_killed_copy_leaves_no_half_file() {
    with_enough_rows(60_000, kill_a_copy);
}

/// `false` if the copy was done before.
fn kill_a_copy(rows: u32) -> bool {
    let scene = Scene::new();
    let path = scene.make_rows("app.db", rows, "PRAGMA journal_mode=WAL");
    let mut step = scene.step("copy", &path);
    step.preview().unwrap();
    let draft = scene.top("copies/.ansai-20261129t120000-1-0001-0-copy");
    let applied = killed(&step, &draft);
    if applied.outcome == Outcome::Done {
        return false;
    }
    assert_eq!(applied.outcome, Outcome::Failed, "{}", applied.detail);
    assert_eq!(names(&scene.top("copies")), Vec::<String>::new());

    // ansai itself is killed: the draft is there at the next start.
    std::fs::write(&draft, "half").unwrap();
    scene.give(&draft);
    let resolved = step.resolve().unwrap();
    assert_eq!(resolved.outcome, Outcome::Failed);
    assert_eq!(names(&scene.top("copies")), Vec::<String>::new());

    let done = step.begin().unwrap();
    assert_eq!(done.outcome, Outcome::Done);
    let resolved = step.resolve().unwrap();
    assert_eq!(resolved.outcome, Outcome::Done);
    assert_eq!(step.undo(&resolved.items).unwrap().outcome, Outcome::Done);
    assert_eq!(names(&scene.top("copies")), Vec::<String>::new());
    true
}

/// A program was killed in the middle of a transaction: nobody but a writer may roll it back.
#[test]
fn a_hot_journal_is_told_and_left_alone() {
    let scene = Scene::new();
    let path = scene.make_rows("app.db", 2_000, "");
    let user = OtherProcess::new(&path, "PRAGMA cache_size=1; BEGIN IMMEDIATE; UPDATE t SET text = 'x'");
    let journal = scene.path("app.db-journal");
    drop(user);
    scene.give(&journal);
    let before = std::fs::read(&journal).unwrap();
    assert!(before.len() > 512);
    assert_eq!(scene.look(&path, "header").unwrap()["hot-journal"], true);
    assert!(matches!(scene.look(&path, "quick"), Err(Refusal::Unavailable(_))));
    assert!(std::fs::read(&journal).unwrap() == before);
    assert_eq!(number(&path, "SELECT count(*) FROM t WHERE text = 'x'"), 0);
}
