//! What differs between `copy` and `recover-copy`.

use ansai_core::{Measure, Unit};

use super::copy::{Copy, RecoverCopy};
use crate::sqlite::job::{NewFile, Recovered, Reply, Task};

/// What differs between the two actions.
pub(super) trait Way: Sync + Send {
    /// Part of the name of the new file.
    const WORD: &'static str;
    fn task(file: NewFile) -> Task;
    /// The outcome, if the reply is about this task.
    fn told(reply: Reply) -> Option<(String, Vec<Measure>)>;
    /// How large the new file may become, in bytes.
    fn most_bytes(database: u64) -> u64;
}

impl Way for Copy {
    const WORD: &'static str = "copy";

    fn task(file: NewFile) -> Task {
        Task::Copy(file)
    }

    fn told(reply: Reply) -> Option<(String, Vec<Measure>)> {
        (reply == Reply::Copied).then(|| ("copied the database".to_owned(), Vec::new()))
    }

    fn most_bytes(database: u64) -> u64 {
        database.saturating_add(1 << 20)
    }
}

impl Way for RecoverCopy {
    const WORD: &'static str = "recovered";

    fn task(file: NewFile) -> Task {
        Task::Recover(file)
    }

    fn told(reply: Reply) -> Option<(String, Vec<Measure>)> {
        let Reply::Recovered(saved) = reply else { return None };
        let Recovered { tables, rows, unreadable_rows, gaps, rejected_rows, missing_objects } = saved;
        let lost = [
            (unreadable_rows, "unreadable rows"),
            (gaps, "places where rows are lost"),
            (rejected_rows, "rows against a rule of their table"),
            (missing_objects, "tables, indexes, views or triggers that could not be made"),
        ];
        let lost: Vec<String> =
            lost.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect();
        let lost =
            if lost.is_empty() { "nothing is missing".to_owned() } else { format!("missing: {}", lost.join(", ")) };
        let count = |name: &str, number| Measure::count(name, number, Unit::None);
        let measures = vec![
            count("recovered-tables", tables),
            count("recovered-rows", rows),
            count("unreadable-rows", unreadable_rows),
            count("gaps", gaps),
            count("rejected-rows", rejected_rows),
            count("missing-objects", missing_objects),
        ];
        Some((format!("recovered {rows} rows of {tables} tables; {lost}"), measures))
    }

    // The same rows take more room if their pages are less full.
    fn most_bytes(database: u64) -> u64 {
        database.saturating_add(database / 4).saturating_add(16 << 20)
    }
}
