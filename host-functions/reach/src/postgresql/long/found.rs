//! A table or an index in the catalogue, and whether a step may treat it.

use std::time::Duration;

use ansai_core::Refusal;

use super::Verb;
use crate::database::names::shown;
use crate::postgresql::client::{BadRow, Row, Server};
use crate::postgresql::relation::{self, Id};

/// One call of the executor.
pub(super) const LIMIT: Duration = Duration::from_secs(5);
/// A rebuild of an index waits for every transaction that began before it.
const LONG_TRANSACTION: &str = "1 minute";

/// A table or an index.
pub(in crate::postgresql) struct Found {
    pub(in crate::postgresql) database: String,
    pub(in crate::postgresql) schema: String,
    pub(in crate::postgresql) name: String,
    pub(in crate::postgresql) table: Option<[String; 2]>,
    pub(in crate::postgresql) bytes: u64,
    pub(super) dead: u64,
    pub(super) vacuums: u64,
    pub(super) invalid: Vec<u32>,
    pub(super) is_valid: bool,
    /// Its number.
    pub(super) oid: u32,
    kind: String,
    is_of_users: bool,
    is_owner: bool,
    is_database_owner: bool,
    is_maintainer: bool,
    is_exclusion: bool,
    is_leftover: bool,
    is_in_work: bool,
    is_replica: bool,
    has_long_transactions: bool,
}

fn statement(condition: &str, size: &str) -> String {
    let (user, leftover, building) = (relation::of_users(), relation::leftover(), relation::building());
    format!(
        "select c.oid, current_database() as database, n.nspname as schema, c.relname as name, c.relkind as kind,
           tn.nspname as table_schema, t.relname as table_name, {size} as bytes,
           coalesce(pg_stat_get_dead_tuples(c.oid), 0) as dead, coalesce(pg_stat_get_vacuum_count(c.oid), 0) as vacuums,
           (select string_agg(x.indexrelid::text, ' ') from pg_index x where x.indrelid = i.indrelid
             and not x.indisvalid) as invalid,
           coalesce(i.indisvalid, true) as valid, coalesce(i.indisexclusion, false) as exclusion, ({user}) as of_users,
           coalesce({leftover}, false) as leftover, pg_is_in_recovery() as replica,
           ({building} or exists (select from pg_stat_progress_vacuum p
             where p.relid = c.oid and p.datname = current_database())
             or exists (select from pg_stat_progress_create_index p
             where p.relid = i.indrelid and p.datname = current_database())) as in_work,
           pg_has_role(coalesce(t.relowner, c.relowner), 'USAGE') as owner, pg_has_role(d.datdba, 'USAGE') as database_owner,
           case when current_setting('server_version_num')::int >= 170000
             then has_table_privilege(coalesce(t.oid, c.oid), 'MAINTAIN') else false end as maintainer,
           exists (select from pg_stat_activity a where a.datname = current_database() and a.pid <> pg_backend_pid()
             and a.xact_start < clock_timestamp() - interval '{LONG_TRANSACTION}') as long_transactions
         from pg_class c join pg_namespace n on n.oid = c.relnamespace
           join pg_database d on d.datname = current_database()
           left join pg_index i on i.indexrelid = c.oid left join pg_class t on t.oid = i.indrelid
           left join pg_namespace tn on tn.oid = t.relnamespace
         where {condition}"
    )
}

impl Found {
    /// By its numbers, if a step may treat it.
    ///
    /// # Errors
    /// `not-found` if it is gone; `denied` for what no grant permits; `busy` if it is treated already.
    pub(super) fn of(server: &Server, limit: Duration, verb: Verb, id: Id) -> Result<Found, Refusal> {
        let Id { database, relation } = id;
        let found = Found::where_(server, limit, &format!("d.oid = {database} and c.oid = {relation}"))?;
        let found = found.ok_or_else(|| Refusal::NotFound(format!("{id} is not in this database")))?;
        found.may(verb).map(|()| found)
    }

    /// The only one that a condition on `c`, `n`, `t` and `d` holds for.
    pub(super) fn where_(server: &Server, limit: Duration, condition: &str) -> Result<Option<Found>, Refusal> {
        let exact = match server.rows(limit, &statement(condition, relation::EXACT_SIZE)) {
            // Somebody locks it. What became of a step must be known all the same.
            Err(Refusal::Busy(_)) => server.rows(limit, &statement(condition, relation::KNOWN_SIZE))?,
            answer => answer?,
        };
        let invalid = |BadRow| Refusal::Unavailable(format!("target `{}`: an invalid reply", server.name()));
        exact.first().map(Found::read).transpose().map_err(invalid)
    }

    fn read(row: &Row) -> Result<Found, BadRow> {
        let table = row.optional("table_name")?.map(str::to_owned);
        Ok(Found {
            database: row.text("database")?,
            schema: row.text("schema")?,
            name: row.text("name")?,
            table: table.map(|table| Ok([row.text("table_schema")?, table])).transpose()?,
            bytes: row.number("bytes")?,
            dead: row.number("dead")?,
            vacuums: row.number("vacuums")?,
            invalid: row.text("invalid")?.split_whitespace().flat_map(str::parse).collect(),
            is_valid: row.flag("valid")?,
            oid: row.number("oid")?,
            kind: row.text("kind")?,
            is_of_users: row.flag("of_users")?,
            is_owner: row.flag("owner")?,
            is_database_owner: row.flag("database_owner")?,
            is_maintainer: row.flag("maintainer")?,
            is_exclusion: row.flag("exclusion")?,
            is_leftover: row.flag("leftover")?,
            is_in_work: row.flag("in_work")?,
            is_replica: row.flag("replica")?,
            has_long_transactions: row.flag("long_transactions")?,
        })
    }

    /// Whether the server lets the role of ansai do it. For a vacuum that it does not, it only warns.
    fn is_allowed(&self, verb: Verb) -> bool {
        match verb {
            Verb::Vacuum => self.is_owner || self.is_database_owner || self.is_maintainer,
            Verb::Reindex => self.is_owner || self.is_maintainer,
            Verb::DropLeftover => self.is_owner,
        }
    }

    fn may(&self, verb: Verb) -> Result<(), Refusal> {
        let name = format!("{}.{}", shown(&self.schema), shown(&self.name));
        let is_kind = match verb {
            Verb::Vacuum => matches!(self.kind.as_str(), "r" | "m"),
            Verb::Reindex | Verb::DropLeftover => self.kind == "i",
        };
        if !is_kind {
            let what = if verb == Verb::Vacuum { "a table" } else { "an index" };
            return Err(Refusal::Invalid(format!("{name} is not {what} that can be {}", verb.done())));
        }
        if !self.is_of_users {
            return Err(Refusal::Denied(format!("{name} belongs to the server, or is temporary")));
        }
        if self.is_replica {
            return Err(Refusal::Unsupported(format!(
                "the server is a replica: {name} can only be treated on its primary"
            )));
        }
        if verb == Verb::DropLeftover && !self.is_leftover {
            return Err(Refusal::Denied(format!("{name} was not left behind by ansai")));
        }
        if verb == Verb::Reindex && self.is_exclusion {
            return Err(Refusal::Unsupported(format!(
                "{name} is of an exclusion constraint, and cannot be built beside"
            )));
        }
        if !self.is_allowed(verb) {
            let hint = "the role of ansai needs the role that owns it";
            return Err(Refusal::Unavailable(format!("{name} cannot be {}: {hint}", verb.done())));
        }
        if self.is_in_work {
            return Err(Refusal::Busy(format!("{name} is being built or vacuumed")));
        }
        if verb != Verb::Vacuum && self.has_long_transactions {
            let why = format!("it would wait for a transaction that is older than {LONG_TRANSACTION}");
            return Err(Refusal::Busy(format!("{name} is not {}: {why}", verb.done())));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An index that may be built again.
    fn found(change: impl FnOnce(&mut Found)) -> Found {
        let mut found = Found {
            database: "app".into(),
            schema: "public".into(),
            name: "t_n".into(),
            table: Some(["public".into(), "t".into()]),
            bytes: 8_192,
            dead: 0,
            vacuums: 0,
            invalid: Vec::new(),
            is_valid: true,
            oid: 16_384,
            kind: "i".into(),
            is_of_users: true,
            is_owner: true,
            is_database_owner: false,
            is_maintainer: false,
            is_exclusion: false,
            is_leftover: false,
            is_in_work: false,
            is_replica: false,
            has_long_transactions: false,
        };
        change(&mut found);
        found
    }

    fn kind(refused: Result<(), Refusal>) -> &'static str {
        match refused {
            Ok(()) => "no",
            Err(Refusal::Denied(_)) => "denied",
            Err(Refusal::Busy(_)) => "busy",
            Err(Refusal::Invalid(_)) => "invalid",
            Err(Refusal::Unsupported(_)) => "unsupported",
            Err(Refusal::Unavailable(_)) => "unavailable",
            Err(_) => "other",
        }
    }

    #[test]
    fn what_may_be_treated() {
        let table = |change: fn(&mut Found)| {
            found(|found| {
                found.kind = "r".into();
                change(found);
            })
        };
        for (what, found, verb, expected) in [
            ("an index", found(|_| {}), Verb::Reindex, "no"),
            ("a table", table(|_| {}), Verb::Vacuum, "no"),
            ("an index", found(|_| {}), Verb::Vacuum, "invalid"),
            ("a table", table(|_| {}), Verb::Reindex, "invalid"),
            ("of the server", table(|it| it.is_of_users = false), Verb::Vacuum, "denied"),
            ("not ours", found(|_| {}), Verb::DropLeftover, "denied"),
            ("left behind", found(|it| it.is_leftover = true), Verb::DropLeftover, "no"),
            ("of an exclusion", found(|it| it.is_exclusion = true), Verb::Reindex, "unsupported"),
            ("on a replica", table(|it| it.is_replica = true), Verb::Vacuum, "unsupported"),
            ("in work", table(|it| it.is_in_work = true), Verb::Vacuum, "busy"),
            ("an old transaction", found(|it| it.has_long_transactions = true), Verb::Reindex, "busy"),
            ("an old transaction", table(|it| it.has_long_transactions = true), Verb::Vacuum, "no"),
        ] {
            assert_eq!(kind(found.may(verb)), expected, "{what}, {verb:?}");
        }
    }

    #[test]
    fn who_owns_a_database_may_vacuum_and_not_rebuild() {
        let by = |database, maintain| {
            found(|it| (it.is_owner, it.is_database_owner, it.is_maintainer) = (false, database, maintain))
        };
        let allowed =
            |found: Found| [Verb::Vacuum, Verb::Reindex, Verb::DropLeftover].map(|verb| found.is_allowed(verb));
        assert_eq!(allowed(found(|_| {})), [true, true, true]);
        assert_eq!(allowed(by(true, false)), [true, false, false]);
        assert_eq!(allowed(by(false, true)), [true, true, false]);
        assert_eq!(allowed(by(false, false)), [false, false, false]);
    }
}
