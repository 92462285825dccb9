//! `copy`: page by page, with what is in the `-wal` file.

use std::time::{Duration, Instant};

use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};

use super::open::{Access, open, open_file};
use super::{Failure, limit};
use crate::sqlite::job::{Job, Kind, NewFile, Reply};

/// Pages between two looks at the clock.
const PAGES: i32 = 1_000;
/// How long writers get between two parts.
const PAUSE: Duration = Duration::from_millis(2);
/// How long a lock is waited for.
const BUSY: Duration = Duration::from_millis(100);

pub(super) fn copy(job: &Job, to: &NewFile) -> Result<Reply, Failure> {
    let began = Instant::now();
    let source = open(job, Access::Read)?;
    let mut target = open_new(to)?;
    // Readers and writers do not wait for each other in WAL mode: with one read transaction, the copy does not begin again
    // when somebody writes. Elsewhere, it would keep all writers waiting.
    let is_wal = source.pragma_query_value(None, "journal_mode", |row| row.get::<_, String>(0))? == "wal";
    if is_wal {
        source.execute_batch("BEGIN")?;
        source.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(())).or_else(unless_damaged)?;
    }
    let backup = Backup::new(&source, &mut target)?;
    loop {
        let pause = match backup.step(PAGES)? {
            StepResult::Done => break,
            StepResult::More => PAUSE,
            _ => BUSY,
        };
        if began.elapsed() > limit(job) {
            return Err(Failure::new(Kind::TimedOut, "somebody writes all the time, or it takes too long"));
        }
        std::thread::sleep(pause);
    }
    Ok(Reply::Copied)
}

/// Damaged pages are copied as they are.
fn unless_damaged(error: rusqlite::Error) -> Result<(), Failure> {
    match Failure::from(error) {
        Failure { kind: Kind::Damaged, .. } => Ok(()),
        failure => Err(failure),
    }
}

/// Opens the file that ansai has created. It needs no journal file: it is removed unless it is complete.
pub(super) fn open_new(to: &NewFile) -> Result<Connection, Failure> {
    let target = open_file(&to.path, to.inode, Access::Write)?;
    target.pragma_update(None, "synchronous", "OFF")?;
    target.query_row("PRAGMA journal_mode=MEMORY", [], |_| Ok(()))?;
    Ok(target)
}
