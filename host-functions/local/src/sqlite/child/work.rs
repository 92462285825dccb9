//! `checkpoint` and `vacuum`.

use super::Failure;
use super::check::problems;
use super::open::{Access, open};
use crate::sqlite::job::{Job, Kind, Reply};

pub(super) fn checkpoint(job: &Job) -> Result<Reply, Failure> {
    let database = open(job, Access::Write)?;
    let kept = database.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>(0))?;
    Ok(Reply::Checkpointed { kept: kept != 0 })
}

/// In place, in one transaction of SQLite: a crash leaves a journal that SQLite rolls back.
pub(super) fn vacuum(job: &Job, directory: &str) -> Result<Reply, Failure> {
    let database = open(job, Access::Write)?;
    // Its copy is as large as the database, so it belongs where there is room for it. The variable for this cannot be set
    // safely by a process with threads.
    database.pragma_update(None, "temp_store_directory", directory)?;
    database.pragma_update(None, "temp_store", "FILE")?;
    // A vacuum of a damaged database would leave out what cannot be read.
    if let Some(problem) = problems(&database, "quick_check", 1)?.into_iter().next() {
        return Err(Failure::new(Kind::Damaged, format!("it is damaged, so nothing was changed: {problem}")));
    }
    database.execute_batch("VACUUM")?;
    // A reader may keep the file from being emptied; the next checkpoint does it.
    let _ = database.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>(0));
    Ok(Reply::Vacuumed)
}
