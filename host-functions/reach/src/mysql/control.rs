//! How a session of MySQL or MariaDB is examined and ended.

use std::cell::Cell;
use std::time::Duration;

use ansai_core::{Refusal, Timestamp};
use ansai_kit::target::TargetAccess;

use super::client::{Dialect, Server, quote};
use super::session::{Identity, RUNNING, SESSIONS, application, began_of, is_dump, own, state, work};
use crate::database::engine::Control;
use crate::database::seen::Seen;
use crate::database::signal::{Signal, Targeted};
use crate::postgresql::client::BadRow;

/// Whether an account may do what others may not, or cannot be examined: `known` rows of it, `powers` among them. Roles count.
fn accounts(dialect: Dialect, id: u64) -> String {
    let (roles, of) = match dialect.is_mariadb {
        true => ("select m.Role as name, m.User as of_whom from mysql.roles_mapping m", ""),
        false => (
            "select e.FROM_USER as name, e.TO_USER as of_whom from mysql.role_edges e",
            " or exists (select 1 from mysql.global_grants g where g.USER = u.User
                 and g.PRIV in ('SYSTEM_USER', 'CONNECTION_ADMIN', 'REPLICATION_SLAVE_ADMIN', 'GROUP_REPLICATION_ADMIN'))",
        ),
    };
    format!(
        "with recursive r(name) as (
           select cast(user as char(128)) from information_schema.processlist where id = {id}
           union select cast(m.name as char(128)) from ({roles}) m join r on m.of_whom = r.name)
         select (select count(*) from mysql.user u join information_schema.processlist p on p.user = u.User
             where p.id = {id}) as known,
           coalesce(sum(u.Super_priv = 'Y' or u.Repl_slave_priv = 'Y'{of}), 0) as powers
         from r left join mysql.user u on u.User = r.name"
    )
}

/// A session of a step.
pub(super) struct Session {
    pub(super) server: Server,
    pub(super) identity: Identity,
}

impl Session {
    fn work(&self) -> String {
        work(own(&self.server))
    }
}

impl Control for Session {
    fn target(&self) -> &TargetAccess {
        self.server.target()
    }

    fn seen(&self, limit: Duration) -> Result<Seen, Refusal> {
        let (id, work) = (self.identity.id, self.work());
        let is_direct = Cell::new(true);
        let [sessions, accounts] = self.server.rows(limit, |dialect| {
            is_direct.set(dialect.is_direct);
            let condition = self.identity.condition(dialect);
            let select = format!(
                "select p.user, coalesce(p.db, '') as db, p.command, {work} as work,
                   coalesce({}, unix_timestamp() - greatest(p.time, 0)) * 1000 as since, unix_timestamp() * 1000 as now
                 from {SESSIONS} where {condition}",
                began_of("t")
            );
            [select, accounts(dialect, id)]
        })?;
        if !is_direct.get() {
            let name = self.server.name();
            return Err(Refusal::Unsupported(format!(
                "target `{name}`: connect to the server itself, without a pooler"
            )));
        }
        let row =
            sessions.first().ok_or_else(|| Refusal::Changed(format!("session {id} ended, or its transaction did")))?;
        let accounts = accounts.first().ok_or(BadRow);
        let read = || {
            let (accounts, command) = (accounts?, row.text("command")?);
            let is_known = accounts.number::<u64>("known")? > 0;
            Ok(Seen {
                user: row.text("user")?,
                application: String::new(),
                database: row.text("db")?,
                state: state(&command, self.identity.transaction.is_some()),
                work: if is_known { row.text("work")? } else { "other".into() },
                is_privileged: accounts.text("powers")? != "0",
                since: Timestamp::from_millis(row.number("since")?),
                now: Timestamp::from_millis(row.number("now")?),
            })
        };
        let mut seen = read().map_err(|BadRow| Refusal::Unavailable(format!("session {id} cannot be examined")))?;
        seen.application = application(&self.server, limit, id);
        if seen.work == "client" && is_dump(&seen.application) {
            seen.work = "dump".into();
        }
        Ok(seen)
    }

    /// MariaDB examines the session and ends it in one statement. MySQL needs two; on one connection they find one session
    /// under the id, because ids are used again only after a restart, which ends the connection.
    fn send(&self, limit: Duration, signal: Signal, what: &Targeted, min_minutes: u64) -> Result<bool, Refusal> {
        let (work, user, id) = (self.work(), quote::text(&what.user), self.identity.id);
        let verb = match signal {
            Signal::Cancel => "query",
            Signal::Terminate => "connection",
        };
        let running = if signal == Signal::Cancel { RUNNING } else { "true" };
        let sent = self.server.change(limit, |dialect| {
            let condition = self.identity.condition(dialect);
            let rows = format!(
                "from {SESSIONS} where {condition} and {running} and {work} = 'client' and p.user = {user}
                   and coalesce({}, unix_timestamp() - greatest(p.time, 0)) <= unix_timestamp() - {min_minutes} * 60",
                began_of("t")
            );
            match dialect.is_mariadb {
                true => [
                    format!(
                        "begin not atomic declare found bigint unsigned; select p.id into found {rows};
                           if found is not null then kill {verb} found; select 1 as sent; end if; end"
                    ),
                    "do 0".into(),
                ],
                false => [format!("select p.id as sent {rows}"), format!("kill {verb} {id}")],
            }
        });
        match sent {
            Ok([found, _]) => Ok(!found.is_empty()),
            // It ended just before.
            Err(Refusal::Changed(_)) => Ok(false),
            Err(why) => Err(why),
        }
    }

    fn is_over(&self, limit: Duration, signal: Signal) -> Result<bool, Refusal> {
        let [rows] = self.server.rows(limit, |dialect| {
            let same = match signal {
                Signal::Cancel => format!("{} and {RUNNING}", self.identity.condition(dialect)),
                Signal::Terminate => self.identity.same_session(dialect),
            };
            [format!("select p.id from {SESSIONS} where {same}")]
        })?;
        Ok(rows.is_empty())
    }
}
