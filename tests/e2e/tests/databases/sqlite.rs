//! SQLite files of another user, by the program as it is: it starts itself as that user.

use std::os::unix::fs::{MetadataExt as _, chown};
use std::path::Path;
use std::time::Duration;

use ansai_harness::{Ansai, binary, requires_root, scene};
use rusqlite::Connection;

use crate::certificates::{done, finding, steps};

const LIMIT: Duration = Duration::from_secs(120);
/// No user of this machine.
const OTHER: u32 = 12_345;

fn make(path: &Path, sql: &str) {
    Connection::open(path).unwrap().execute_batch(sql).unwrap();
    chown(path, Some(OTHER), Some(OTHER)).unwrap();
}

/// Would break: a program that cannot start itself as the owner; a vacuum of the wrong file; a damaged file or one of root's
/// that is changed.
#[test]
fn sqlite_files_of_another_user_are_checked_and_vacuumed() {
    if !requires_root() {
        return;
    }
    let place = tempfile::tempdir().unwrap();
    scene::permit(place.path(), 0o755);
    let data = place.path().join("data");
    std::fs::create_dir(&data).unwrap();
    chown(&data, Some(OTHER), Some(OTHER)).unwrap();
    let (large, damaged, of_root) = (data.join("large.db"), data.join("damaged.db"), data.join("root.db"));
    let rows =
        "CREATE TABLE t(id INTEGER PRIMARY KEY, b); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n
        WHERE i < 4000) INSERT INTO t(b) SELECT zeroblob(8000) FROM n;";
    make(&large, &format!("{rows} DELETE FROM t WHERE id > 1000"));
    make(&damaged, &rows.replace("8000", "100"));
    make(&of_root, "CREATE TABLE t(a)");
    chown(&of_root, Some(0), Some(0)).unwrap();
    let mut bytes = std::fs::read(&damaged).unwrap();
    let middle = bytes.len() / 2 / 4096 * 4096;
    bytes[middle..middle + 4096].fill(0x5a);
    std::fs::write(&damaged, &bytes).unwrap();
    let before = large.metadata().unwrap().len();

    let config = place.path().join("ansai.toml");
    let policy = binary::policy("database-health");
    let text = format!(
        r#"[daemon]
state_dir = {state:?}
mode = "enforce"
[policy.database-health]
source = {source:?}
[policy.database-health.settings]
files = [{large:?}, {damaged:?}, {of_root:?}]
copies = {copies:?}
[policy.database-health.grant]
"ansai:sqlite/sqlite-probe" = {{ roots = [{data:?}] }}
"ansai:sqlite/sqlite-actions" = {{ roots = [{data:?}] }}
"#,
        state = place.path().join("state"),
        // Not granted: the damaged file is left to a person.
        copies = place.path().join("copies"),
        source = policy.parent().unwrap(),
    );
    std::fs::write(&config, text).unwrap();
    scene::permit(&config, 0o600);
    let run = || Ansai::new().args(["run", "--once", "--format", "json", "--config"]).arg(&config).limit(LIMIT).run();
    let ran = run();
    let key = |kind: &str, path: &Path| format!("{kind}:{}", path.display());
    assert_eq!(steps(&finding(&ran, &key("free-pages", &large))), done(&["vacuum"]), "{ran:?}");
    assert!(large.metadata().unwrap().len() < before / 2);
    assert_eq!(large.metadata().unwrap().uid(), OTHER);
    let count = Connection::open(&large).unwrap().query_row("SELECT count(*) FROM t", [], |row| row.get::<_, i64>(0));
    assert_eq!(count, Ok(1000));
    let found = finding(&ran, &key("damage", &damaged));
    assert_eq!(found["status"]["unhealthy"], "critical", "{found:#}");
    assert_eq!(steps(&found), []);
    assert_eq!(std::fs::read(&damaged).unwrap(), bytes);

    // Two files are checked at a time.
    let ran = run();
    let found = finding(&ran, &key("damage", &of_root));
    assert!(found["status"]["unknown"].as_str().unwrap().contains("sqlite-owner"), "{found:#}");
}
