//! A database of SQLite whose changes are durable, or wait to become so.

use std::cell::Cell;
use std::path::Path;
use std::sync::{Mutex, OnceLock};

use ansai_audit::Ballast;
use rusqlite::{Connection, ErrorCode};

/// The state cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// SQLite says no.
    #[error("state: {0}")]
    Database(#[from] rusqlite::Error),
    /// A value in it is not what was written: another version, or somebody else's hand.
    #[error("state: {0}")]
    Form(#[from] serde_json::Error),
    /// Another thread failed in the middle.
    #[error("state: a writer failed in the middle")]
    Broken,
    /// The database gave up what waited to be written.
    #[error("state: on a full disk, what policies remembered in the last second was lost")]
    Lost,
    /// SQLite does not keep a log: a file system that cannot do it.
    #[error("state: the database cannot keep a log of its changes and stays in mode {0}")]
    Journal(String),
    /// An earlier write could not be made durable, and what the disk holds now is not known: nothing is written, and
    /// so nothing done, until ansai is started anew.
    #[error("state: takes no more changes until ansai is started anew: {0}")]
    Poisoned(String),
}

/// One connection for all threads.
pub(crate) struct Database {
    connection: Mutex<Connection>,
    ballast: Ballast,
    poisoned: OnceLock<String>,
}

impl Database {
    /// Opens or makes it, with these tables.
    pub(crate) fn open(file: &Path, schema: &str, ballast: Ballast) -> Result<Database, StateError> {
        let connection = Connection::open(file)?;
        keep_a_log(&connection)?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.execute_batch(schema)?;
        Ok(Database { connection: Mutex::new(connection), ballast, poisoned: OnceLock::new() })
    }

    /// What is given up when the disk is full.
    pub(crate) fn ballast(&self) -> &Ballast {
        &self.ballast
    }

    pub(crate) fn read<T>(&self, body: impl FnOnce(&Connection) -> Result<T, StateError>) -> Result<T, StateError> {
        body(&*self.connection.lock().map_err(|_| StateError::Broken)?)
    }

    /// Durable when this returns, with all that waited; once more without the ballast when the disk is full.
    pub(crate) fn write(&self, body: impl Fn(&Connection) -> Result<(), StateError>) -> Result<(), StateError> {
        self.with_ballast(|connection| {
            whole(connection, &body)?;
            commit(connection)
        })
    }

    /// Waits for the next durable write or [`Database::flush`]; whoever reads sees it at once.
    pub(crate) fn write_soon(&self, body: impl Fn(&Connection) -> Result<(), StateError>) -> Result<(), StateError> {
        self.with_ballast(|connection| whole(connection, &body))
    }

    /// Makes durable what waits. Nothing waits in a state that takes no more changes.
    pub(crate) fn flush(&self) -> Result<(), StateError> {
        if self.poisoned.get().is_some() {
            return Ok(());
        }
        let was_open = Cell::new(false);
        self.with_ballast(|connection| {
            if connection.is_autocommit() {
                return if was_open.get() { Err(StateError::Lost) } else { Ok(()) };
            }
            was_open.set(true);
            commit(connection)
        })
    }

    fn with_ballast(&self, attempt: impl Fn(&Connection) -> Result<(), StateError>) -> Result<(), StateError> {
        let connection = self.connection.lock().map_err(|_| StateError::Broken)?;
        if let Some(why) = self.poisoned.get() {
            return Err(StateError::Poisoned(why.clone()));
        }
        let result = match attempt(&connection) {
            Err(StateError::Database(error)) if error.sqlite_error_code() == Some(ErrorCode::DiskFull) => {
                tracing::warn!("the disk is full: giving up the ballast for the state");
                if let Err(error) = self.ballast.release() {
                    tracing::warn!("ballast: {error}");
                }
                attempt(&connection)
            }
            result => result,
        };
        // What could not be made durable must not become so later, when its writer was told that it is not.
        if result.is_err() && !connection.is_autocommit() {
            let _ = connection.execute_batch("ROLLBACK");
        }
        // After a failed sync the kernel may have dropped the data and report success the next time.
        if let Err(StateError::Database(error)) = &result
            && is_failed_sync(error)
        {
            tracing::error!("the state takes no more changes: {error}");
            return Err(StateError::Poisoned(self.poisoned.get_or_init(|| error.to_string()).clone()));
        }
        result
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Err(error) = self.flush() {
            tracing::error!("{error}");
        }
    }
}

/// Begins a transaction where none is open, and changes all of it or nothing.
fn whole(connection: &Connection, body: &impl Fn(&Connection) -> Result<(), StateError>) -> Result<(), StateError> {
    let run = |statement: &str| connection.prepare_cached(statement)?.execute([]);
    // A full disk may have ended the transaction that was open.
    if connection.is_autocommit() {
        run("BEGIN IMMEDIATE")?;
    }
    run("SAVEPOINT whole")?;
    match body(connection) {
        Ok(()) => {
            run("RELEASE whole")?;
            Ok(())
        }
        Err(error) => {
            if !connection.is_autocommit() {
                run("ROLLBACK TO whole")?;
                run("RELEASE whole")?;
            }
            Err(error)
        }
    }
}

fn commit(connection: &Connection) -> Result<(), StateError> {
    connection.prepare_cached("COMMIT")?.execute([])?;
    Ok(())
}

/// Has SQLite write ahead. It answers the mode before it commits the change: only the end of the statement tells.
fn keep_a_log(connection: &Connection) -> Result<(), StateError> {
    let mut statement = connection.prepare("PRAGMA journal_mode = WAL")?;
    let mut rows = statement.query([])?;
    let mut mode = String::new();
    while let Some(row) = rows.next()? {
        mode = row.get(0)?;
    }
    if mode == "wal" { Ok(()) } else { Err(StateError::Journal(mode)) }
}

fn is_failed_sync(error: &rusqlite::Error) -> bool {
    use rusqlite::ffi::{SQLITE_IOERR_DIR_FSYNC, SQLITE_IOERR_FSYNC};
    error.sqlite_error().is_some_and(|code| matches!(code.extended_code, SQLITE_IOERR_FSYNC | SQLITE_IOERR_DIR_FSYNC))
}
