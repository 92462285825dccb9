//! How a step ended, as the catalogue shows it.

use ansai_core::{Outcome, Refusal};
use ansai_kit::action::{Applied, StepContext};

use super::found::LIMIT;
use super::{Found, Target, Verb};
use crate::database::names::shown;
use crate::postgresql::client::{APPLICATION, Server, quote};
use crate::postgresql::relation::MARK;

impl Target {
    /// What became of a step whose handle was lost.
    ///
    /// # Errors
    /// The server does not answer.
    pub(in crate::postgresql) fn resolve(&self, doing: &StepContext<'_>) -> Result<Applied, Refusal> {
        let server = Server::of(doing.reach, &self.target)?;
        let running = server.rows(
            LIMIT,
            &format!(
                "select a.pid from pg_stat_activity a where a.application_name = '{APPLICATION}' and a.pid in (
                   select pid from pg_stat_progress_vacuum where relid = {relation} and datname = current_database()
                   union all select pid from pg_stat_progress_create_index where datname = current_database())",
                relation = self.id.relation
            ),
        )?;
        match running.is_empty() {
            true => Ok(conclude(&server, self, None)),
            false => Ok(Applied::unknown(format!("the server still works on {}", self.shown()))),
        }
    }

    /// The condition that finds the result of a step.
    fn result(&self) -> String {
        let database = self.id.database;
        let name = [&self.schema, &self.name].map(|name| quote::text(name));
        let [schema, name] = name;
        match self.verb {
            // A rebuilt index has the old name, and another number.
            Verb::Reindex => format!("d.oid = {database} and n.nspname = {schema} and c.relname = {name}"),
            Verb::Vacuum | Verb::DropLeftover => format!("d.oid = {database} and c.oid = {}", self.id.relation),
        }
    }
}

/// The outcome, as the catalogue shows it. `ended` is how the statement ended, if that is known.
pub(super) fn conclude(server: &Server, target: &Target, ended: Option<Result<(), Refusal>>) -> Applied {
    let (name, done) = (target.shown(), target.verb.done());
    let now = match Found::where_(server, LIMIT, &target.result()) {
        Ok(now) => now,
        Err(why) => return Applied::unknown(format!("nobody knows whether {name} was {done}: {why}")),
    };
    let is_done = match (target.verb, &now) {
        // The server may count it later, or not at all.
        (Verb::Vacuum, Some(now)) => matches!(ended, Some(Ok(()))) || now.vacuums > target.vacuums,
        (Verb::Reindex, Some(now)) => now.is_valid && now.oid != target.id.relation,
        (Verb::DropLeftover, None) => true,
        _ => false,
    };
    let error = ended.and_then(Result::err);
    if is_done && error.is_none() {
        return target.applied(Outcome::Done, format!("{name} was {done}"), now.as_ref());
    }
    let reason = error.unwrap_or_else(|| Refusal::Other(format!("{name} was not {done}")));
    let mut detail = format!("{name} was not {done}: {reason}");
    if target.verb == Verb::Reindex {
        detail.push_str(&mark_leftovers(server, target));
    }
    Applied { reason: Some(reason), ..target.applied(Outcome::Failed, detail, now.as_ref()) }
}

/// Marks what a failed rebuild left behind, so that it may be dropped. Only invalid indexes of the same table that were not
/// there before, with the names that PostgreSQL gives them.
fn mark_leftovers(server: &Server, target: &Target) -> String {
    let Some([schema, table]) = &target.table else { return String::new() };
    let before: Vec<String> = target.invalid.iter().map(u32::to_string).chain(["0".to_owned()]).collect();
    let found = server.rows(
        LIMIT,
        &format!(
            "select n.nspname as schema, c.relname as name from pg_index i join pg_class c on c.oid = i.indexrelid
               join pg_namespace n on n.oid = c.relnamespace join pg_class t on t.oid = i.indrelid
               join pg_namespace tn on tn.oid = t.relnamespace
             where not i.indisvalid and c.relname ~ '_cc(new|old)[0-9]*$' and c.oid not in ({})
               and tn.nspname = {} and t.relname = {}",
            before.join(", "),
            quote::text(schema),
            quote::text(table)
        ),
    );
    let mut marked = Vec::new();
    for row in found.unwrap_or_default() {
        let (Ok(schema), Ok(name)) = (row.text("schema"), row.text("name")) else { continue };
        let Ok(quoted) = quote::qualified(&schema, &name) else { continue };
        if server.change(LIMIT, &format!("comment on index {quoted} is '{MARK}'")).is_ok() {
            marked.push(shown(&name));
        }
    }
    if marked.is_empty() { String::new() } else { format!("; it left {} behind", marked.join(", ")) }
}
