//! `ansai:database/database-text-probe`: texts of statements, without the values in them.

use ansai_core::{Interface, InterfaceKind, InterfaceName, Millis, Refusal, Sensitivity, Subject};
use ansai_kit::authorize::Check;
use ansai_kit::host::ProbeContext;
use ansai_kit::registry::{Body, Function, InterfaceDef};
use ansai_kit::remote::{Remote, Server};
use serde::{Deserialize, Serialize};

use super::One;
use super::engine::of;
use super::fields::{self, TARGETS};
use super::masked::{Quotes, masked};
use super::names::shown;
use super::page::Page;
use crate::postgresql::client::{BadRow, Row};

const TARGET: &[Check] = &[Check::of("/target", &TARGETS)];

/// The interface `ansai:database/database-text-probe`.
pub static DATABASE_TEXT_PROBE: InterfaceDef = InterfaceDef {
    interface: Interface {
        name: InterfaceName::from_static("ansai:database/database-text-probe"),
        version: "0.2.0",
        kind: InterfaceKind::Probe,
        sensitivity: Sensitivity::Outgoing,
        ability: "see the statements that databases run, without their values",
        fields: fields::PROBE,
    },
    doctor: &[],
    functions: &[
        Function {
            name: "list-statements",
            checks: TARGET,
            body: Body::Remote(&Remote {
                server: |one: &One| Server::Target(one.target.clone()),
                call: list_statements,
            }),
        },
        Function {
            name: "look-at-session",
            checks: TARGET,
            body: Body::Remote(&Remote {
                server: |one: &OneSession| Server::Target(one.target.clone()),
                call: look_at_session,
            }),
        },
    ],
};

fn list_statements(ask: &ProbeContext<'_>, one: One) -> Result<Statements, Refusal> {
    of(ask.reach, &one.target)?.list_statements(ask, one)
}

fn look_at_session(ask: &ProbeContext<'_>, one: OneSession) -> Result<SessionText, Refusal> {
    let engine = of(ask.reach, &one.target)?;
    engine.look_at_session(ask, &one.target, engine.identity(&one.session)?)
}

/// Arguments of a function about one session.
#[derive(Serialize, Deserialize)]
pub(crate) struct OneSession {
    pub(crate) target: String,
    pub(crate) session: String,
}

/// A kind of statement.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Statement {
    about: Subject,
    id: String,
    text: String,
    database: String,
    calls: u64,
    rows: u64,
    total: Millis,
    longest: Option<Millis>,
}

/// The kinds of statements that took the most time.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Statements {
    entries: Vec<Statement>,
    skipped: u32,
    complete: bool,
}

/// What a session runs.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SessionText {
    about: Subject,
    text: String,
}

impl Statements {
    /// Of rows with the columns of [`Statement`], the times in milliseconds.
    pub(crate) fn of(target: &str, rows: &[Row], quotes: Quotes) -> Statements {
        let page = Page::of(rows, "id", |row| Statement::read(target, row, quotes).map(Some));
        Statements { entries: page.entries, skipped: page.skipped, complete: page.complete }
    }
}

impl Statement {
    fn read(target: &str, row: &Row, quotes: Quotes) -> Result<Statement, BadRow> {
        let id = shown(&row.text("id")?);
        Ok(Statement {
            about: Subject::new("database-statement", format!("{target}/{id}")),
            id,
            text: masked(&row.text("text")?, quotes),
            database: shown(&row.text("db")?),
            calls: row.number("calls")?,
            rows: row.number("rows_of")?,
            total: row.duration("total")?.ok_or(BadRow)?,
            longest: row.duration("longest")?,
        })
    }
}

impl SessionText {
    pub(crate) fn of(about: Subject, text: &str, quotes: Quotes) -> SessionText {
        SessionText { about, text: masked(text, quotes) }
    }
}

/// The server does not count statements.
pub(crate) fn not_counted(target: &str, how: &str) -> Refusal {
    Refusal::Unsupported(format!("target `{target}` does not count statements: {how}"))
}
