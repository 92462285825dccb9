//! Another process that uses a database. It has to be another one: whoever closes a file loses its own locks on it.

use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rusqlite::Connection;

const PATH: &str = "ANSAI_TEST_DATABASE";
const SQL: &str = "ANSAI_TEST_SQL";

/// Uses a database by these statements, until it is dropped.
pub(crate) struct OtherProcess(Child);

impl OtherProcess {
    pub(crate) fn new(path: &Path, sql: &str) -> OtherProcess {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "other_process::the_process", "--ignored", "--nocapture", "--test-threads=1"])
            .env(PATH, path)
            .env(SQL, sql)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (mut text, mut buffer) = (String::new(), [0; 256]);
        while !text.contains("it is ready") {
            let count = child.stdout.as_mut().unwrap().read(&mut buffer).unwrap();
            assert!(count > 0, "it ended: {text}");
            text.push_str(&String::from_utf8_lossy(&buffer[..count]));
        }
        OtherProcess(child)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for OtherProcess {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
#[ignore = "run by the other tests"]
fn the_process() {
    let Some(path) = std::env::var_os(PATH) else { return };
    let database = Connection::open(path).unwrap();
    database.busy_timeout(std::time::Duration::from_secs(20)).unwrap();
    let sql = std::env::var(SQL).unwrap();
    // With `LOOP`, it writes all the time.
    let (once, again) = sql.split_once("LOOP").unwrap_or((&sql, ""));
    database.execute_batch(once).unwrap();
    std::io::stdout().write_all(b"\nit is ready\n").unwrap();
    std::io::stdout().flush().unwrap();
    if again.is_empty() {
        let _ = std::io::stdin().read(&mut [0]);
    }
    loop {
        let _ = database.execute_batch(again);
        if again.is_empty() {
            return;
        }
    }
}
