//! The probes and actions of all servers and of PostgreSQL, with their names in grants and attempts. Those of another engine
//! are in its module.

use ansai_sdk::pages::{self, Listed, Page, Part};
use ansai_sdk::{Host, Preview, Refusal};

use crate::imports::ansai::database::database_probe::{self, Index, Replica, Server, Session, SessionPage};
use crate::imports::ansai::database::database_session_actions;
use crate::imports::ansai::database::database_text_probe::{self, SessionText, Statements};
use crate::imports::ansai::disk::disk_probe::{self, Filesystems};
use crate::imports::ansai::postgresql::postgresql_actions;
use crate::imports::ansai::postgresql::postgresql_probe::{self, Table};

pub(crate) const SESSION_ACTIONS: &str = "ansai:database/database-session-actions";
pub(crate) const CANCEL: &str = "ansai:database/database-session-actions.cancel";
pub(crate) const TERMINATE: &str = "ansai:database/database-session-actions.terminate";

pub(crate) const TEXTS: &str = "ansai:database/database-text-probe";
pub(crate) const TABLES: &str = "ansai:postgresql/postgresql-probe";
pub(crate) const POSTGRESQL_ACTIONS: &str = "ansai:postgresql/postgresql-actions";
pub(crate) const VACUUM: &str = "ansai:postgresql/postgresql-actions.vacuum";
pub(crate) const REINDEX: &str = "ansai:postgresql/postgresql-actions.reindex";
pub(crate) const DROP_LEFTOVER: &str = "ansai:postgresql/postgresql-actions.drop-leftover";

pub(crate) const DISKS: &str = "ansai:disk/disk-probe";

/// Maximum number of pages of sessions that are read: 256 each. More would need more than the fuel of an evaluation.
const MOST_PAGES: usize = 16;
/// Pairs of a session and one that it waits for, after which no more sessions are read.
const MOST_PAIRS: usize = 12_000;

ansai_sdk::host_calls! {
    "ansai:database/database-probe.look" => fn look(target: &str) -> Server = database_probe::look;
    "ansai:database/database-probe.list-sessions" =>
        fn session_page(target: &str, cursor: Option<&str>) -> SessionPage = database_probe::list_sessions;
    "ansai:database/database-text-probe.list-statements" =>
        fn statements(target: &str) -> Statements = database_text_probe::list_statements;
    "ansai:database/database-text-probe.look-at-session" =>
        fn look_at_session(target: &str, session: &str) -> SessionText = database_text_probe::look_at_session;
    "ansai:disk/disk-probe.list-filesystems" => fn filesystems() -> Filesystems = disk_probe::list_filesystems;
    CANCEL => fn cancel(target: &str, session: &str, reason: &str) -> Preview = database_session_actions::cancel;
    TERMINATE =>
        fn terminate(target: &str, session: &str, reason: &str) -> Preview = database_session_actions::terminate;
    VACUUM => fn vacuum(target: &str, table: &str, analyse: bool, within: u64, reason: &str) -> Preview =
        postgresql_actions::vacuum;
    REINDEX =>
        fn reindex(target: &str, index: &str, within: u64, reason: &str) -> Preview = postgresql_actions::reindex;
    DROP_LEFTOVER =>
        fn drop_leftover(target: &str, index: &str, reason: &str) -> Preview = postgresql_actions::drop_leftover;
}

ansai_sdk::lists! { 16 pages;
    /// What follows a server.
    "ansai:database/database-probe.list-replicas" => fn replicas(target: &str) -> Replica = database_probe::list_replicas;
}

ansai_sdk::lists! { 16 pages, by parts;
    /// The indexes of the database of a target.
    "ansai:database/database-probe.list-indexes" =>
        fn indexes(target: &str) -> Index = database_probe::list_indexes as "index";
    /// The tables of the database of a target.
    "ansai:postgresql/postgresql-probe.list-tables" =>
        fn tables(target: &str) -> Table = postgresql_probe::list_tables as "table";
}

/// A part of the sessions of a server; all of them if it has at most 4,096. In a queue for a lock each waits for all before it:
/// then no more pages are read than the fuel of an evaluation is enough for, and the list is incomplete.
///
/// # Errors
/// The refusal of the first page.
pub(crate) fn sessions(host: &Host, target: &str, part: Part) -> Result<Listed<Session>, Refusal> {
    let mut pairs: usize = 0;
    pages::read_part(host, &format!("session:{target}"), part, MOST_PAGES, |cursor| {
        let SessionPage { entries, skipped, complete, cursor } = session_page(host, target, cursor)?;
        pairs = entries.iter().fold(pairs, |pairs, one| pairs.saturating_add(one.blocked_by.len()));
        let is_enough = pairs > MOST_PAIRS;
        Ok(Page { entries, skipped, complete: complete && cursor.is_none(), cursor: cursor.filter(|_| !is_enough) })
    })
}
