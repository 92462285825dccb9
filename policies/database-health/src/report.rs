//! The report of one evaluation.

pub(crate) use ansai_sdk::report::{Report, scope};

/// Things of one kind of a server that are findings at a time.
pub(crate) const MOST: usize = 10;
/// Calls that are not answered in time before no other server is asked: each takes seconds of an evaluation, which has a
/// minute.
const MOST_TIMEOUTS: u32 = 4;

/// Entries of lists after which tables and indexes of further servers wait for the next evaluation.
const MOST_ENTRIES: usize = 4_000;

/// Whether so much was read that what can wait has to.
pub(crate) fn is_full(report: &Report<'_>) -> bool {
    report.entries() >= MOST_ENTRIES
}

/// Whether so many servers hang that the time is needed for the answer.
pub(crate) fn is_late(report: &Report<'_>) -> bool {
    report.timeouts() >= MOST_TIMEOUTS
}
