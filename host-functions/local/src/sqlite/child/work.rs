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

/// Whether there is a virtual table beside a table whose rows get other numbers (`rowid`) by a vacuum: one without `INTEGER
/// PRIMARY KEY`. A full-text index may know rows by these numbers.
const RENUMBERS: &str = "SELECT EXISTS (SELECT 1 FROM pragma_table_list WHERE schema = 'main' AND type = 'virtual')
    AND EXISTS (SELECT 1 FROM pragma_table_list AS t
      WHERE t.schema = 'main' AND t.type = 'table' AND t.wr = 0 AND substr(t.name, 1, 7) <> 'sqlite_'
        AND NOT (SELECT count(*) = 1 AND max(upper(type)) = 'INTEGER' FROM pragma_table_info(t.name, 'main') WHERE pk > 0))";

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
    if database.query_row(RENUMBERS, [], |row| row.get::<_, bool>(0))? {
        let why =
            "a vacuum may change the numbers (rowid) of rows that its virtual tables refer to, so nothing was changed";
        return Err(Failure::new(Kind::Other, why));
    }
    database.execute_batch("VACUUM")?;
    // A reader may keep the file from being emptied; the next checkpoint does it.
    let _ = database.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>(0));
    Ok(Reply::Vacuumed)
}
