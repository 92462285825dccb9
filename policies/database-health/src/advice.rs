//! What only a person can do about a finding: no step is proposed, because none is safe or because none helps.

use ansai_sdk::Decision;

use crate::plan::Situation;

/// The advice about a finding: an imperative, and its reasons.
pub(crate) fn plan(situation: &Situation<'_>) -> Decision {
    let (what, why) = match situation.kind {
        "connections" => (
            "find out who holds the connections before none is left",
            "ansai ends no session because it is one of many; `select usename, application_name, state, count(*) from \
             pg_stat_activity group by 1, 2, 3` (PostgreSQL) or `show processlist` (MySQL) counts them; a pooler shares \
             connections, and more of them need more memory",
        ),
        "leak" => (
            "find where this application opens connections and does not close them",
            "a restart of the application frees them for a time; ansai ends none of them, because an idle session may be the \
             next one that is used; a limit in its pool, or `alter role … connection limit`, protects the others",
        ),
        "blocked" => (
            "find out who holds the locks",
            "`select pid, pg_blocking_pids(pid) from pg_stat_activity where wait_event_type = 'Lock'` (PostgreSQL) or \
             `sys.innodb_lock_waits` (MySQL) shows it; ansai reads the sessions of this server in parts, and ends only a session \
             that it sees together with those that wait for it",
        ),
        "prepared" => (
            "commit or roll back the prepared transaction",
            "`select gid, prepared, owner from pg_prepared_xacts` shows it; only its transaction manager knows which of both is \
             right, so ansai does neither",
        ),
        "statement" | "slow" => (
            "compare its plan with what changed",
            "`explain (analyze, buffers)` of this statement shows it; usual causes are an index that is missing or invalid, \
             statistics that are old, a table that grew, and locks; a server on which all statements got slow lacks processors, \
             memory or disk, or runs a backup",
        ),
        "slower" => (
            "find out what grows with it",
            "each week takes longer than the one before; usual causes are a table that grows and is read without an index, \
             a cache that has become too small, and old rows that nobody deletes; `explain (analyze, buffers)` shows what it reads",
        ),
        "bloat" => (
            "rewrite this table in a maintenance window, if the room is needed",
            "new rows use this room first, so a table that will grow again needs nothing; `pg_repack` rewrites it while it is in \
             use, `VACUUM FULL` locks it for as long as that takes; both need room for a second copy, so ansai does neither",
        ),
        "cache" => (
            "give its cache more memory, or find what reads so much",
            "a quarter of the memory is usual for `shared_buffers`; a query without an index reads whole tables; a report that \
             reads everything once is no reason for either",
        ),
        "held" => (
            "find out why this process keeps its lock, and restart it",
            "no other process can write meanwhile; ansai ends no process for this, because what it has not committed would be lost",
        ),
        "running" => (
            "find out what so many sessions work on at the same time",
            "usual causes are statements that wait for each other, a cache of the application that expired, and statements \
             that became slow; `show full processlist` shows them; ansai ends no session because it is one of many",
        ),
        "slow-queries" => (
            "find out which statements are slow",
            "the slow query log has them, if `slow_query_log` is on; with a grant for \
             ansai:database/database-text-probe, ansai names those that got slow",
        ),
        _ => return Decision::Wait(format!("{} is no longer watched", situation.finding.key)),
    };
    situation.next.advise(what, why)
}
