//! Calls of a MySQL or MariaDB server: one connection a target, closed when it is idle.
//!
//! The protocol is small, so this is a client of our own: what a server sends is counted before it is kept, a login never shows
//! the password, and no file of this host is sent. The statements are ours; names from the catalogue are quoted by [`quote`].

mod connect;
mod error;
mod login;
mod packet;
pub(crate) mod quote;

use std::sync::Arc;
use std::time::Duration;

use ansai_core::Refusal;
use ansai_kit::target::{Reach, TargetAccess};

pub(crate) use self::connect::FORM;
use self::connect::Open;
use self::error::Failure;
use crate::kept::{Slot, Slots};
use crate::postgresql::client::Row;
use crate::postgresql::client::connect::within;

/// The kind of these targets.
pub(crate) const KIND: &str = "mysql";

/// A target, with the connection that its calls share.
pub(crate) struct Server {
    slot: Arc<Slot<Open>>,
}

static SLOTS: Slots<Open> = Slots::new();

/// What differs between the two engines, and of statements that depends on the connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Dialect {
    /// MariaDB, or else MySQL.
    pub(crate) is_mariadb: bool,
    /// The connection is to the server itself, so its ids are those of the server.
    pub(crate) is_direct: bool,
}

impl Server {
    /// A target of the instance.
    ///
    /// # Errors
    /// The instance may not use it, or it is something else than a MySQL server.
    pub(crate) fn of(reach: &Reach, name: &str) -> Result<Server, Refusal> {
        Ok(Server { slot: SLOTS.of(reach, name, KIND)? })
    }

    /// The name of the target.
    pub(crate) fn name(&self) -> &str {
        &self.slot.target.target.name
    }

    /// The target.
    pub(crate) fn target(&self) -> &TargetAccess {
        &self.slot.target
    }

    /// The rows of statements that read, one after another on the same connection.
    ///
    /// # Errors
    /// See [`Failure::refusal`]; `timed-out` if they take longer than the limit.
    pub(crate) fn rows<const N: usize>(
        &self,
        limit: Duration,
        statements: impl Fn(Dialect) -> [String; N],
    ) -> Result<[Vec<Row>; N], Refusal> {
        self.slot.block_on(limit, self.run(limit, &statements, true))?
    }

    /// The rows of statements that change something. The first one decides: if it has no rows, the others are not sent.
    ///
    /// # Errors
    /// As [`rows`](Self::rows). After `timed-out`, nobody knows whether it was done.
    pub(crate) fn change<const N: usize>(
        &self,
        limit: Duration,
        statements: impl Fn(Dialect) -> [String; N],
    ) -> Result<[Vec<Row>; N], Refusal> {
        self.slot.block_on(limit, self.run(limit, &statements, false))?
    }

    async fn run<const N: usize>(
        &self,
        limit: Duration,
        statements: &impl Fn(Dialect) -> [String; N],
        only_reads: bool,
    ) -> Result<[Vec<Row>; N], Refusal> {
        let mut turn = self.slot.turn().await;
        let kept = turn.take().map(|(open, _)| open);
        let was_kept = kept.is_some();
        let mut open = match kept {
            Some(open) => open,
            None => connect::open(&self.slot.target).await?,
        };
        let mut answer = ask(&mut open, limit, statements, only_reads).await;
        if was_kept && only_reads && answer.as_ref().is_err_and(Failure::is_closed) {
            // The server was restarted since the last call.
            open = connect::open(&self.slot.target).await?;
            answer = ask(&mut open, limit, statements, only_reads).await;
        }
        // After an error that the server reports, the connection is good. After any other one, it is closed.
        if !matches!(answer, Err(Failure::Connection(_))) {
            self.slot.keep(&mut turn, open);
        }
        answer.map_err(|failure| match (&failure, only_reads) {
            (Failure::Connection(_), false) => {
                Refusal::TimedOut(format!("target `{}`: the connection ended before the answer", self.name()))
            }
            _ => failure.refusal(self.name()),
        })
    }

    /// A connection of its own for a long statement.
    ///
    /// # Errors
    /// See [`Failure::refusal`].
    pub(crate) fn session(&self, limit: Duration) -> Result<Session, Refusal> {
        let open = self.slot.block_on(limit, connect::open(&self.slot.target))??;
        Ok(Session { open, name: self.name().to_owned() })
    }

    /// Runs a call on this thread.
    ///
    /// # Errors
    /// `timed-out` after the limit.
    pub(crate) fn block_on<T>(&self, limit: Duration, call: impl Future<Output = T>) -> Result<T, Refusal> {
        self.slot.block_on(limit, call)
    }
}

/// The server ends by itself what nobody waits for: MariaDB any statement, MySQL those that read.
fn limit_of(dialect: Dialect, limit: Duration) -> String {
    let millis = within(limit).as_millis().max(1);
    match dialect.is_mariadb {
        true => format!("set session max_statement_time = {}.{:03}", millis / 1_000, millis % 1_000),
        // Without it, MySQL shows the room in tables as it was up to a day ago.
        false => format!("set session max_execution_time = {millis}, session information_schema_stats_expiry = 0"),
    }
}

async fn ask<const N: usize>(
    open: &mut Open,
    limit: Duration,
    statements: &impl Fn(Dialect) -> [String; N],
    only_reads: bool,
) -> Result<[Vec<Row>; N], Failure> {
    let dialect = Dialect { is_mariadb: open.is_mariadb, is_direct: open.id.is_some() };
    open.query(&limit_of(dialect, limit)).await?;
    let mut all = [const { Vec::new() }; N];
    for (rows, statement) in all.iter_mut().zip(statements(dialect)) {
        *rows = open.query(&statement).await?;
        if !only_reads && rows.is_empty() {
            break;
        }
    }
    Ok(all)
}

/// A connection that is not shared.
pub(crate) struct Session {
    open: Open,
    name: String,
}

impl Session {
    /// Its id on the server.
    ///
    /// # Errors
    /// `unsupported` if it leads to something between ansai and the server.
    pub(crate) fn id(&self) -> Result<u64, Refusal> {
        let name = &self.name;
        let pooler =
            || Refusal::Unsupported(format!("target `{name}`: connect to the server itself, without a pooler"));
        self.open.id.ok_or_else(pooler)
    }

    pub(crate) fn is_mariadb(&self) -> bool {
        self.open.is_mariadb
    }

    /// The rows of a statement.
    ///
    /// # Errors
    /// See [`Failure::refusal`].
    pub(crate) async fn run(&mut self, statement: &str) -> Result<Vec<Row>, Refusal> {
        self.open.query(statement).await.map_err(|failure| failure.refusal(&self.name))
    }

    /// How a statement ended, with its rows; `None` if the connection was lost, because then the server may go on with it.
    pub(crate) async fn end_of(&mut self, statement: &str) -> Option<Result<Vec<Row>, Refusal>> {
        match self.open.query(statement).await {
            Ok(rows) => Some(Ok(rows)),
            Err(failure @ Failure::Server(_)) => Some(Err(failure.refusal(&self.name))),
            Err(Failure::Connection(_)) => None,
        }
    }
}
