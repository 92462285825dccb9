//! Calls of a PostgreSQL server: one connection a target, closed when it is idle.
//!
//! Every statement is in the simple protocol, so that it also works through a pooler such as pgbouncer, which gives each
//! transaction another connection. For the same reason, limits are set within the transaction. The statements are ours; names
//! from the catalogue are quoted by [`quote`].

pub(crate) mod address;
pub(crate) mod connect;
mod error;
mod guarded;
pub(crate) mod quote;
mod row;
pub(crate) mod tls;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use ansai_core::Refusal;
use ansai_kit::target::{Reach, TargetAccess};
use tokio_postgres::SimpleQueryMessage;

pub(crate) use self::connect::APPLICATION;
use self::connect::{MOST_BYTES, Open, within};
use self::error::refusal;
pub(crate) use self::row::{BadRow, Row};
use crate::kept::{Slot, Slots};

/// The kind of these targets.
pub(crate) const KIND: &str = "postgresql";
/// How long a statement waits for a lock.
const LOCK: Duration = Duration::from_millis(500);

/// A target, with the connection that its calls share.
pub(crate) struct Server {
    slot: Arc<Slot<Open>>,
}

static SLOTS: Slots<Open> = Slots::new();

impl Server {
    /// A target of the instance.
    ///
    /// # Errors
    /// The instance may not use it, or it is something else than a PostgreSQL server.
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

    /// The rows of one statement that reads.
    ///
    /// # Errors
    /// See [`refusal`]; `timed-out` if it takes longer than the limit.
    pub(crate) fn rows(&self, limit: Duration, select: &str) -> Result<Vec<Row>, Refusal> {
        self.transaction(limit, LOCK, "begin transaction read only", select)
    }

    /// The same if it waits for locks no longer than this.
    pub(crate) fn rows_with_locks(&self, limit: Duration, lock: Duration, select: &str) -> Result<Vec<Row>, Refusal> {
        self.transaction(limit, lock, "begin transaction read only", select)
    }

    /// The rows of one statement that changes something.
    ///
    /// # Errors
    /// As [`rows`](Self::rows). After `timed-out`, nobody knows whether it was done.
    pub(crate) fn change(&self, limit: Duration, statement: &str) -> Result<Vec<Row>, Refusal> {
        self.transaction(limit, Duration::from_secs(5), "begin", statement)
    }

    fn transaction(&self, limit: Duration, lock: Duration, begin: &str, statement: &str) -> Result<Vec<Row>, Refusal> {
        let (time, lock) = (within(limit).as_millis().max(1), lock.as_millis());
        // `pg_catalog` first, so that no function or operator of a user takes the place of the server's own.
        let whole = format!(
            "{begin}; set local statement_timeout = {time}; set local lock_timeout = {lock}; \
             set local search_path = pg_catalog, pg_temp; {statement}; commit"
        );
        let messages = self.block_on(limit, self.query(&whole, begin.ends_with("read only")))??;
        Ok(messages.into_iter().filter_map(only_row).collect())
    }

    async fn query(&self, statements: &str, may_repeat: bool) -> Result<Vec<SimpleQueryMessage>, Refusal> {
        let mut turn = self.slot.turn().await;
        let kept = turn.take().filter(|(open, _)| !open.client.is_closed()).map(|(open, _)| open);
        let was_kept = kept.is_some();
        let mut open = match kept {
            Some(open) => open,
            None => connect::open(&self.slot.target, None).await?,
        };
        let mut answer = ask(&open, statements).await;
        if was_kept && may_repeat && answer.as_ref().is_err_and(tokio_postgres::Error::is_closed) {
            // The server was restarted since the last call.
            open = connect::open(&self.slot.target, None).await?;
            answer = ask(&open, statements).await;
        }
        // After an error, the connection is closed instead of being examined.
        let messages = answer.map_err(|error| match may_repeat || error.code().is_some() {
            true => refusal(self.name(), &error),
            false => Refusal::TimedOut(format!("target `{}`: the connection ended before the answer", self.name())),
        })?;
        self.slot.keep(&mut turn, open);
        Ok(messages)
    }

    /// Runs a call on this thread.
    pub(crate) fn block_on<T>(&self, limit: Duration, call: impl Future<Output = T>) -> Result<T, Refusal> {
        self.slot.block_on(limit, call)
    }

    /// A connection of its own for a long statement, with settings of the server such as `-c statement_timeout=60000`. They are
    /// a part of the login, so a pooler that could mix up connections refuses it.
    ///
    /// # Errors
    /// See [`refusal`].
    pub(crate) fn session(&self, limit: Duration, settings: &str) -> Result<Session, Refusal> {
        let open = self.block_on(limit, connect::open(&self.slot.target, Some(settings)))??;
        Ok(Session { open, name: self.name().to_owned() })
    }
}

/// A connection that is not shared.
pub(crate) struct Session {
    open: Open,
    name: String,
}

impl Session {
    /// The rows of statements, without a transaction around them.
    ///
    /// # Errors
    /// See [`refusal`].
    pub(crate) async fn run(&self, statements: &str) -> Result<Vec<Row>, Refusal> {
        let answer = ask(&self.open, statements).await;
        Ok(answer.map_err(|error| refusal(&self.name, &error))?.into_iter().filter_map(only_row).collect())
    }

    /// How statements ended; `None` if the connection was lost, because then the server may go on with them.
    pub(crate) async fn end_of(&self, statements: &str) -> Option<Result<(), Refusal>> {
        match ask(&self.open, statements).await {
            Ok(_) => Some(Ok(())),
            Err(error) => error.code().is_some().then(|| Err(refusal(&self.name, &error))),
        }
    }
}

async fn ask(open: &Open, statements: &str) -> Result<Vec<SimpleQueryMessage>, tokio_postgres::Error> {
    open.allowance.store(MOST_BYTES, Ordering::Relaxed);
    open.client.simple_query(statements).await
}

fn only_row(message: SimpleQueryMessage) -> Option<Row> {
    match message {
        SimpleQueryMessage::Row(row) => Some(Row::new(row)),
        _ => None,
    }
}
