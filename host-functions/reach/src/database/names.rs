//! Names and subjects of things in databases.

use std::str::FromStr;
use std::time::Duration;

use ansai_core::text::inert;
use ansai_core::{Refusal, Subject, Timestamp, Touch};
use ansai_kit::evaluation_state::Label;
use ansai_kit::host::ProbeContext;

/// Labels of a target that say where its server runs on this host: leases and the never-touch list rely on them.
pub(crate) const UNIT: &str = "unit";
pub(crate) const MOUNT: &str = "mount";
/// A preview runs on a thread that local probes need.
const PREVIEW: Duration = Duration::from_secs(2);
/// PostgreSQL cuts names after 63 bytes; escapes are longer.
const MOST: usize = 256;

/// A name of a server as policies and people see it: one line, without characters that hide others.
pub(crate) fn shown(name: &str) -> String {
    inert(name, MOST)
}

/// A server.
pub(crate) fn target(name: &str) -> Subject {
    Subject::new("target", name)
}

/// A session.
pub(crate) fn session(target: &str, pid: impl std::fmt::Display) -> Subject {
    Subject::new("database-session", format!("{target}/{pid}"))
}

/// A table or an index: the kind is `database-table` or `database-index`.
pub(crate) fn relation(kind: &str, target: &str, [database, schema, name]: [&str; 3]) -> Subject {
    Subject::new(kind, format!("{target}/{}/{}/{}", part(database), part(schema), part(name)))
}

/// A slash in a name is escaped, so that two relations never have one subject.
fn part(name: &str) -> String {
    shown(name).replace('/', "\\/")
}

/// The time that a call of a server has.
///
/// # Errors
/// `timed-out` if there is none.
pub(crate) fn limit(ask: &ProbeContext<'_>) -> Result<Duration, Refusal> {
    match ask.deadline.remaining() {
        left if left.is_zero() => Err(Refusal::TimedOut("no time is left for a call of the server".into())),
        left => Ok(left),
    }
}

/// The time that a call of a server has in a preview.
///
/// # Errors
/// As [`limit`].
pub(crate) fn limit_of_preview(ask: &ProbeContext<'_>) -> Result<Duration, Refusal> {
    Ok(limit(ask)?.min(PREVIEW))
}

/// The value of a label.
pub(crate) fn label(labels: &[Label], name: &str) -> Option<String> {
    labels.iter().find(|label| label.name == name).map(|label| label.value.clone())
}

/// What a step touches besides, by the labels of its target.
pub(crate) fn where_it_runs(unit: Option<&str>, mount: Option<&str>) -> impl Iterator<Item = Touch> {
    let unit = unit.map(|unit| Touch::shared(Subject::new("unit", unit)));
    unit.into_iter().chain(mount.map(|mount| Touch::shared(Subject::new("filesystem", mount))))
}

/// Milliseconds since 1970 of an expression.
pub(crate) fn millis(expression: &str) -> String {
    format!("floor(extract(epoch from {expression}) * 1000)::bigint")
}

/// A cursor that is a number, or 0 for the first page.
///
/// # Errors
/// `invalid` if it is not one.
pub(crate) fn after<T: FromStr + Default>(cursor: Option<&str>) -> Result<T, Refusal> {
    let invalid = |_| Refusal::Invalid("`cursor` is not one of this list".into());
    cursor.map_or_else(|| Ok(T::default()), |cursor| cursor.parse().map_err(invalid))
}

/// Whole minutes since an instant, 0 if it is in the future.
pub(crate) fn minutes_since(since: Timestamp, now: Timestamp) -> u64 {
    now.checked_since(since).map_or(0, |age| age.get() / 60_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_relations_have_two_subjects() {
        let name = |parts| relation("database-table", "db", parts).name;
        assert_eq!(name(["app", "public", "orders"]), "db/app/public/orders");
        assert_ne!(name(["app", "a/b", "c"]), name(["app", "a", "b/c"]));
        let hostile = name(["app", "public", "a\n\u{202e}$(reboot)\u{1b}[2J"]);
        assert!(!hostile.contains(['\n', '\u{202e}', '\u{1b}']), "{hostile}");
    }
}
