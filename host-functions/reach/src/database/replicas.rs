//! `list-replicas`.

use ansai_core::{Millis, Refusal, Subject};
use ansai_kit::host::ProbeContext;
use serde::{Deserialize, Serialize};

use super::List;
use super::names::{limit, shown};
use super::page::{FETCHED, Page};
use crate::postgresql::client::{BadRow, Row, Server, quote};

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Replica {
    pub(crate) about: Subject,
    pub(crate) name: String,
    pub(crate) state: String,
    pub(crate) broken: bool,
    pub(crate) lag: Option<Millis>,
    pub(crate) window: Option<Millis>,
    pub(crate) behind_bytes: Option<u64>,
    pub(crate) retained_bytes: Option<u64>,
}

/// A replica that has applied all is not behind, however long ago the last change was.
fn statement(after: &str) -> String {
    let after = quote::text(after);
    format!(
        "select * from (
           with here as (select case when pg_is_in_recovery() then pg_last_wal_receive_lsn()
                                     else pg_current_wal_lsn() end as lsn)
           select 'connection/' || application_name || '/' || pid as name, coalesce(state, '') as state, false as broken,
             case when replay_lsn = lsn then 0 else floor(extract(epoch from replay_lag) * 1000)::bigint end as lag,
             greatest(pg_wal_lsn_diff(lsn, replay_lsn), 0)::bigint as behind, null::bigint as retained
           from pg_stat_replication, here
           union all
           select 'slot/' || slot_name, case when active then 'active' else 'inactive' end
               || coalesce(', ' || nullif(wal_status, 'reserved'), ''),
             coalesce(wal_status = 'lost', false), null, null, greatest(pg_wal_lsn_diff(lsn, restart_lsn), 0)::bigint
           from pg_replication_slots, here
           union all
           select 'self', coalesce(status, 'disconnected'), status is null,
             case when pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() then 0
               else floor(extract(epoch from clock_timestamp() - pg_last_xact_replay_timestamp()) * 1000)::bigint end,
             greatest(pg_wal_lsn_diff(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()), 0)::bigint, null
           from (select 1) one left join pg_stat_wal_receiver on true where pg_is_in_recovery()
         ) all_of_them
         where name collate \"C\" > {after} collate \"C\" order by name collate \"C\" limit {FETCHED}"
    )
}

pub(super) fn list_replicas(ask: &ProbeContext<'_>, List { target, cursor }: List) -> Result<Page<Replica>, Refusal> {
    let server = Server::of(ask.reach, &target)?;
    let after = cursor.unwrap_or_default();
    if after.contains('\0') || after.len() > 1_024 {
        return Err(Refusal::Invalid("`cursor` is not one of this list".into()));
    }
    let rows = server.rows(limit(ask)?, &statement(&after))?;
    Ok(Page::of(&rows, "name", |row| read(&target, row).map(Some)))
}

fn read(target: &str, row: &Row) -> Result<Replica, BadRow> {
    let name = shown(&row.text("name")?);
    Ok(Replica {
        about: Subject::new("replica", format!("{target}/{name}")),
        name,
        state: shown(&row.text("state")?),
        broken: row.flag("broken")?,
        lag: row.duration("lag")?,
        window: None,
        behind_bytes: row.maybe("behind")?,
        retained_bytes: row.maybe("retained")?,
    })
}
