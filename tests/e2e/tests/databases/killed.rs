//! ansai is killed with SIGKILL in the middle of a vacuum. The next run tells what became of it, and does nothing twice.

use std::os::unix::fs::{MetadataExt as _, chown};
use std::path::Path;
use std::time::Duration;

use ansai_harness::{Ansai, binary, requires_root, scene, until};
use rusqlite::Connection;

use super::site::Site;
use crate::scene::records;

const LIMIT: Duration = Duration::from_secs(60);
/// No user of this machine.
const OTHER: u32 = 12_345;

/// The records of the audit log about steps: the event, and the outcome with its words.
fn told(state: &Path) -> Vec<(String, String)> {
    let verified = Ansai::new().args(["audit", "verify"]).state_dir(state).run();
    verified.expect_code(0);
    let records = records(state).into_iter();
    let of_steps = records.filter(|record| record["event"] == "intent" || record["event"] == "outcome");
    of_steps.map(|record| (record["event"].as_str().unwrap().to_owned(), record.to_string())).collect()
}

fn events(told: &[(String, String)]) -> Vec<&str> {
    told.iter().map(|(event, _)| event.as_str()).collect()
}

/// PostgreSQL goes on without its client. Would break: a vacuum that is begun again beside the first one, or called failed
/// although it was done.
#[test]
fn a_vacuum_of_postgresql_is_found_again() {
    let slow = ["vacuum_cost_delay=100ms", "vacuum_cost_limit=5"];
    let Some(site) = Site::start(&slow) else { return };
    site.app(
        "create table orders (id int, note text); insert into orders select n, repeat('x', 100) from \
         generate_series(1, 20000) n; delete from orders where id % 10 <> 0",
    );
    let count = |what: &str| site.server.sql("app", what);
    site.server.wait_for("app", "select n_dead_tup >= 18000 from pg_stat_user_tables where relname = 'orders'", "t");
    let targets = [("main-db", "ansai", site.server.port())];
    let running = site.invocation(&targets).spawn();
    site.server.wait_for("app", "select count(*) from pg_stat_progress_vacuum", "1");
    running.killed();
    // First: it may be done soon.
    assert_eq!(count("select count(*) from pg_stat_progress_vacuum"), "1", "the server goes on");
    let state = site.place().join("state");
    assert_eq!(events(&told(&state)), ["intent"], "killed in the middle");
    let ran = site.once(&targets);
    let told = told(&state);
    assert_eq!(events(&told), ["intent", "outcome"], "{ran:?} {told:#?}");
    assert!(told[1].1.contains("\"done\""), "{told:#?}");
    assert_eq!(count("select vacuum_count from pg_stat_user_tables where relname = 'orders'"), "1");
}

/// The process that opens the database ends with ansai. Would break: a database that is damaged, or a vacuum that is called done.
#[test]
fn a_vacuum_of_sqlite_leaves_the_database_as_it_was() {
    if !requires_root() {
        return;
    }
    let place = tempfile::tempdir().unwrap();
    scene::permit(place.path(), 0o755);
    let (data, state) = (place.path().join("data"), place.path().join("state"));
    std::fs::create_dir(&data).unwrap();
    let large = data.join("large.db");
    let rows =
        "CREATE TABLE t(id INTEGER PRIMARY KEY, b); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n
        WHERE i < 16000) INSERT INTO t(b) SELECT randomblob(8000) FROM n; DELETE FROM t WHERE id % 2;";
    Connection::open(&large).unwrap().execute_batch(rows).unwrap();
    for path in [&data, &large] {
        chown(path, Some(OTHER), Some(OTHER)).unwrap();
    }
    let config = place.path().join("ansai.toml");
    let text = format!(
        "[daemon]\nstate_dir = {state:?}\nmode = \"enforce\"\n[policy.database-health]\nsource = {source:?}\n\
         [policy.database-health.attempts]\ncooldown = \"0s\"\n[policy.database-health.settings]\nfiles = [{large:?}]\n\
         [policy.database-health.grant]\n\"ansai:sqlite/sqlite-probe\" = {{ roots = [{data:?}] }}\n\
         \"ansai:sqlite/sqlite-actions\" = {{ roots = [{data:?}] }}\n",
        source = binary::policy("database-health").parent().unwrap(),
    );
    std::fs::write(&config, text).unwrap();
    scene::permit(&config, 0o600);
    let run = || Ansai::new().args(["run", "--once", "--format", "json", "--config"]).arg(&config).limit(LIMIT);
    let before = large.metadata().unwrap();
    let running = run().spawn();
    // The journal exists only while the vacuum writes.
    let journal = data.join("large.db-journal");
    let writes = || journal.metadata().is_ok_and(|journal| journal.len() > 0);
    until("the vacuum writes", LIMIT, || writes().then_some(()));
    running.killed();
    assert_eq!(events(&told(&state)), ["intent"], "killed in the middle");
    until("the process of the vacuum ends", LIMIT, || (!is_open(&large)).then_some(()));
    assert_eq!(count(&large), (8_000, "ok".to_owned()), "SQLite rolls it back");
    chown(&large, Some(OTHER), Some(OTHER)).unwrap();
    let ran = run().run();
    let told = told(&state);
    assert_eq!(told[0].0, "intent");
    assert_eq!(told[1].0, "outcome", "{told:#?}");
    assert!(!told[1].1.contains("\"done\""), "{told:#?}");
    // The second attempt does it.
    assert!(large.metadata().unwrap().len() < before.len() * 2 / 3, "{ran:?} {told:#?}");
    assert_eq!((count(&large), large.metadata().unwrap().uid()), ((8_000, "ok".to_owned()), OTHER));
}

fn count(path: &Path) -> (i64, String) {
    let database = Connection::open(path).unwrap();
    let rows = database.query_row("SELECT count(*) FROM t", [], |row| row.get(0)).unwrap();
    (rows, database.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap())
}

/// Whether a process has it open.
fn is_open(path: &Path) -> bool {
    let processes =
        Path::new("/proc").read_dir().unwrap().flatten().filter_map(|entry| entry.path().join("fd").read_dir().ok());
    processes.flatten().flatten().any(|link| std::fs::read_link(link.path()).is_ok_and(|target| target == path))
}
