//! `quick_check` and `integrity_check`.

use ansai_core::text::inert;
use rusqlite::Connection;

use super::Failure;
use super::open::{Access, open};
use crate::sqlite::job::{Job, Kind, MOST_PROBLEMS, MOST_TEXT, Reply, Task};

pub(super) fn check(job: &Job) -> Result<Reply, Failure> {
    let pragma = if matches!(job.task, Task::Full) { "integrity_check" } else { "quick_check" };
    // What the program asks for stays in memory: a check needs little.
    let found = open(job, Access::Read).and_then(|database| {
        database.pragma_update(None, "temp_store", "MEMORY")?;
        problems(&database, pragma, MOST_PROBLEMS + 1)
    });
    match found {
        Ok(mut problems) => {
            let more = problems.len() > MOST_PROBLEMS;
            problems.truncate(MOST_PROBLEMS);
            Ok(Reply::Checked { problems, more })
        }
        Err(Failure { kind: Kind::Damaged, text }) => {
            Ok(Reply::Checked { problems: vec![inert(&text, MOST_TEXT)], more: true })
        }
        Err(failure) => Err(failure),
    }
}

/// At most so many problems; none if the answer is `ok`.
pub(super) fn problems(database: &Connection, pragma: &str, most: usize) -> Result<Vec<String>, Failure> {
    let mut found = Vec::new();
    let mut statement = database.prepare(&format!("PRAGMA {pragma}({most})"))?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let text = row.get_ref(0)?.as_bytes().map(|text| String::from_utf8_lossy(text).into_owned());
        // One row can have several lines.
        let text = text.unwrap_or_default();
        found.extend(text.lines().filter(|line| *line != "ok").map(|line| inert(line, MOST_TEXT)).take(most));
    }
    found.truncate(most);
    Ok(found)
}
