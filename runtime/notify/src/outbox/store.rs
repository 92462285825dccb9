//! The database of the outbox.

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ansai_core::Timestamp;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension as _};

use super::{Capacity, OutboxError, number, unsigned};

/// Statements that lead from each version of the tables to the next.
const SCHEMA: &[&str] = &["
    CREATE TABLE place (one INTEGER PRIMARY KEY CHECK (one = 1), sequence INTEGER NOT NULL);
    CREATE TABLE setting (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE incident (id TEXT PRIMARY KEY, plan TEXT, unknown_at INTEGER, value TEXT NOT NULL) WITHOUT ROWID;
    CREATE INDEX incident_plan ON incident (plan) WHERE plan IS NOT NULL;
    CREATE INDEX incident_unknown ON incident (unknown_at) WHERE unknown_at IS NOT NULL;
    CREATE TABLE told (id TEXT PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID;
    CREATE INDEX told_at ON told (at);
    CREATE TABLE notice (number INTEGER PRIMARY KEY AUTOINCREMENT, channel TEXT NOT NULL, grouped TEXT NOT NULL,
        at INTEGER NOT NULL, ready INTEGER NOT NULL, value TEXT NOT NULL);
    CREATE INDEX notice_group ON notice (channel, grouped, number);
    CREATE INDEX notice_ready ON notice (ready);
    CREATE TABLE grouping (channel TEXT NOT NULL, grouped TEXT NOT NULL, sent INTEGER NOT NULL,
        PRIMARY KEY (channel, grouped)) WITHOUT ROWID;
    CREATE TABLE unresolved (channel TEXT NOT NULL, incident TEXT NOT NULL, grouped TEXT NOT NULL, repeat INTEGER,
        repeat_at INTEGER, value TEXT NOT NULL, PRIMARY KEY (channel, incident)) WITHOUT ROWID;
    CREATE INDEX unresolved_incident ON unresolved (incident);
    CREATE INDEX unresolved_repeat ON unresolved (repeat_at) WHERE repeat_at IS NOT NULL;
    CREATE TABLE silent (number INTEGER PRIMARY KEY, value TEXT NOT NULL);
    CREATE TABLE message (seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, channel TEXT NOT NULL,
        state INTEGER NOT NULL, digest INTEGER NOT NULL, made INTEGER NOT NULL, not_before INTEGER NOT NULL,
        attempts INTEGER NOT NULL, may_repeat INTEGER NOT NULL, error TEXT, value TEXT NOT NULL);
    CREATE INDEX message_next ON message (channel, state, attempts, seq, not_before);
    CREATE INDEX message_oldest ON message (channel, state, digest DESC, seq);
    CREATE TABLE about (channel TEXT NOT NULL, incident TEXT NOT NULL, seq INTEGER NOT NULL,
        PRIMARY KEY (channel, incident, seq)) WITHOUT ROWID;
    CREATE INDEX about_seq ON about (seq);
    CREATE TABLE channel (name TEXT PRIMARY KEY, failures INTEGER NOT NULL DEFAULT 0, error TEXT,
        next_at INTEGER NOT NULL DEFAULT 0, sent INTEGER NOT NULL DEFAULT 0, sent_at INTEGER,
        sending_since INTEGER, dropped INTEGER NOT NULL DEFAULT 0, bytes INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
"];

/// Indexes that came later. They change no table, so an earlier ansai can go on with the database, and keeps them.
const INDEXES: &str = "
    CREATE INDEX IF NOT EXISTS grouping_sent ON grouping (sent);
    CREATE INDEX IF NOT EXISTS unresolved_group ON unresolved (channel, grouped, repeat_at, repeat);
";

/// How long another process may have the database.
const BUSY: Duration = Duration::from_secs(5);

/// The outbox of a state directory. Every change is durable when its function returns.
pub struct Outbox {
    connection: Mutex<Connection>,
    pub(crate) capacity: Capacity,
    make_room: Box<dyn Fn() -> bool + Send + Sync>,
}

/// An open transaction.
pub(crate) type Transaction<'a> = rusqlite::Transaction<'a>;

impl Outbox {
    /// Opens or creates the outbox. `make_room` is called when the disk is full, and says whether there may be room now.
    ///
    /// # Errors
    /// The database cannot be opened, is damaged, or a newer ansai wrote it.
    pub fn open(
        file: &Path,
        capacity: Capacity,
        make_room: impl Fn() -> bool + Send + Sync + 'static,
    ) -> Result<Outbox, OutboxError> {
        let connection = match connect(file) {
            Err(OutboxError::Database(error)) if may_lack_room(&error) && make_room() => connect(file)?,
            connection => connection?,
        };
        let outbox = Outbox { connection: Mutex::new(connection), capacity, make_room: Box::new(make_room) };
        Ok(outbox)
    }

    /// Opens what another run left, and never changes it; `None` if nothing was stored yet.
    ///
    /// # Errors
    /// The database cannot be opened, is damaged, or a newer ansai wrote it.
    pub fn open_to_read(file: &Path) -> Result<Option<Outbox>, OutboxError> {
        let connection = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        connection.busy_timeout(BUSY)?;
        let found = version(&connection, file)?;
        let outbox =
            Outbox { connection: Mutex::new(connection), capacity: Capacity::default(), make_room: Box::new(|| false) };
        Ok((found > 0).then_some(outbox))
    }

    /// Does all of `body` in one durable transaction, or nothing of it. If the disk is full, makes room and tries again.
    pub(crate) fn write<T>(&self, body: impl Fn(&Transaction<'_>) -> Result<T, OutboxError>) -> Result<T, OutboxError> {
        let mut connection = self.lock();
        let mut attempt = || {
            let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
            let done = body(&transaction)?;
            transaction.commit()?;
            Ok(done)
        };
        match attempt() {
            Err(OutboxError::Database(error)) if may_lack_room(&error) && (self.make_room)() => attempt(),
            done => done,
        }
    }

    /// Reads in one transaction.
    pub(crate) fn read<T>(
        &self,
        body: impl FnOnce(&Transaction<'_>) -> Result<T, OutboxError>,
    ) -> Result<T, OutboxError> {
        body(&self.lock().transaction()?)
    }

    /// The last record of the audit log whose event became notices; `None` before the first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn place(&self) -> Result<Option<u64>, OutboxError> {
        self.read(place)
    }

    /// Sets the place without telling anything: of a log that began before notifications did.
    ///
    /// # Errors
    /// The database cannot be written.
    pub fn set_place(&self, sequence: u64) -> Result<(), OutboxError> {
        self.write(|transaction| set_place(transaction, sequence))
    }

    /// The time up to which reports of this schedule were told; `None` before the first look at it.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn report_seen(&self, schedule: &str) -> Result<Option<Timestamp>, OutboxError> {
        let seen = self.read(|transaction| setting(transaction, &report_name(schedule)))?;
        Ok(seen.map(Timestamp::from_millis))
    }

    /// No report is told by schedule: one that is configured later has missed nothing.
    ///
    /// # Errors
    /// The database cannot be written.
    pub fn forget_reports(&self) -> Result<(), OutboxError> {
        self.write(forget_reports)
    }

    fn lock(&self) -> MutexGuard<'_, Connection> {
        // A transaction that panicked was rolled back.
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(crate) fn place(transaction: &Transaction<'_>) -> Result<Option<u64>, OutboxError> {
    let found = transaction.query_row("SELECT sequence FROM place", [], |row| row.get(0)).optional()?;
    Ok(found.map(unsigned))
}

pub(crate) fn set_place(transaction: &Transaction<'_>, sequence: u64) -> Result<(), OutboxError> {
    transaction.execute("INSERT OR REPLACE INTO place VALUES (1, ?1)", [number(sequence)])?;
    Ok(())
}

/// A number by its name, such as the time of the last digest.
pub(crate) fn setting(transaction: &Transaction<'_>, name: &str) -> Result<Option<u64>, OutboxError> {
    let found = transaction.query_row("SELECT value FROM setting WHERE name = ?1", [name], |row| row.get(0));
    Ok(found.optional()?.map(unsigned))
}

pub(crate) fn set(transaction: &Transaction<'_>, name: &str, value: u64) -> Result<(), OutboxError> {
    transaction.execute("INSERT OR REPLACE INTO setting VALUES (?1, ?2)", (name, number(value)))?;
    Ok(())
}

fn report_name(schedule: &str) -> String {
    format!("report {schedule}")
}

/// The time up to which reports of this schedule were told. Those of other schedules are forgotten.
pub(crate) fn set_report_seen(
    transaction: &Transaction<'_>,
    schedule: &str,
    seen: Timestamp,
) -> Result<(), OutboxError> {
    forget_reports(transaction)?;
    set(transaction, &report_name(schedule), seen.as_millis())
}

fn forget_reports(transaction: &Transaction<'_>) -> Result<(), OutboxError> {
    transaction.execute("DELETE FROM setting WHERE name LIKE 'report %'", [])?;
    Ok(())
}

/// The version of the tables; 0 before there are any.
fn version(connection: &Connection, file: &Path) -> Result<i64, OutboxError> {
    let found: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let known = i64::try_from(SCHEMA.len()).unwrap_or(i64::MAX);
    if found > known {
        return Err(OutboxError::Newer { path: file.to_owned(), found, known });
    }
    Ok(found)
}

fn connect(file: &Path) -> Result<Connection, OutboxError> {
    let connection = Connection::open(file)?;
    connection.busy_timeout(BUSY)?;
    let found = version(&connection, file)?;
    connection.set_prepared_statement_cache_capacity(64);
    // Otherwise SQLite compiles a statement again each time it gets other values.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    // The log stays smaller than what is reserved for a full disk: 256 KiB.
    connection.pragma_update(None, "wal_autocheckpoint", 64)?;
    // 100,000 messages may wait: what is cached is 1 MiB.
    connection.pragma_update(None, "cache_size", -1_024)?;
    let missing = SCHEMA.get(usize::try_from(found).unwrap_or(0)..).unwrap_or_default();
    if !missing.is_empty() {
        let (tables, known) = (missing.concat(), SCHEMA.len());
        connection.execute_batch(&format!("BEGIN IMMEDIATE; {tables} PRAGMA user_version = {known}; COMMIT;"))?;
    }
    connection.execute_batch(INDEXES)?;
    Ok(connection)
}

/// Whether blocks, inodes or a quota may be used up. Of a file that cannot be created or grow, SQLite says that input and
/// output failed.
fn may_lack_room(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DiskFull | ErrorCode::CannotOpen | ErrorCode::SystemIoFailure))
}
