//! A SQLite database with two kinds of changes: durable immediately, or with the next durable change.

use std::cell::Cell;
use std::path::Path;
use std::sync::{Mutex, OnceLock};

use ansai_audit::Ballast;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};

/// Why the state cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The error of SQLite.
    #[error("state: {0}")]
    Database(#[from] rusqlite::Error),
    /// A value is not in the format that ansai writes: written by another version, or changed from outside.
    #[error("state: {0}")]
    Form(#[from] serde_json::Error),
    /// Another thread panicked during an operation.
    #[error("state: a writer failed in the middle")]
    Broken,
    /// SQLite dropped the pending writes.
    #[error("state: the disk is full; what policies stored in the last second is lost")]
    Lost,
    /// SQLite cannot use write-ahead logging, because the file system does not support it.
    #[error("state: the database does not support write-ahead logging and stays in mode {0}")]
    Journal(String),
    /// A newer ansai wrote the database. This one does not know what it would break.
    #[error("state: a newer ansai wrote it, in format {found}; this one knows formats up to {known}")]
    Newer {
        /// Version of the tables.
        found: i64,
        /// Newest version that this ansai knows.
        known: i64,
    },
    /// An older ansai wrote the database, and it is only read.
    #[error("state: an older ansai wrote it, in format {found}; this one reads format {known}")]
    Older {
        /// Version of the tables.
        found: i64,
        /// Version that this ansai reads.
        known: i64,
    },
    /// The file system has no blocks, no inodes or no quota left for the database, even after the reserve was released.
    #[error("state: no room for the database, so nothing was done: {0}")]
    NoRoom(rusqlite::Error),
    /// An earlier write could not be made durable, so the content of the disk is unknown. Nothing is written, and so no
    /// action starts, until ansai restarts.
    #[error("state: read-only until ansai restarts: {0}")]
    Poisoned(String),
}

impl StateError {
    /// How to fix it, where that is known.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            StateError::Newer { .. } => {
                Some("install that ansai again, or pass --state-dir DIR with another directory")
            }
            StateError::Older { .. } => Some("start ansai once: `ansai run --once` brings it to the new format"),
            StateError::NoRoom(_) => {
                Some("free 2 MiB and some inodes on the file system of the state directory: see `df` and `df -i`")
            }
            _ => None,
        }
    }
}

/// More than all statements of this crate, so that none is compiled twice.
const STATEMENTS: usize = 128;

/// The tables of a database: statements that lead from each version to the next. A database without tables has version 0.
pub(crate) struct Schema(pub(crate) &'static [&'static str]);

impl Schema {
    /// The newest version.
    pub(crate) fn version(&self) -> i64 {
        i64::try_from(self.0.len()).unwrap_or(i64::MAX)
    }

    /// The statements that lead from a version to the newest one.
    pub(crate) fn upgrade(&self, found: i64) -> String {
        self.0.get(usize::try_from(found).unwrap_or(0)..).unwrap_or_default().concat()
    }
}

/// One connection for all threads.
pub(crate) struct Database {
    connection: Mutex<Connection>,
    ballast: Ballast,
    poisoned: OnceLock<String>,
}

impl Database {
    /// Opens or creates the database, with these tables. Refuses a database with newer ones, and leaves it as it is. If
    /// the disk is full, releases the ballast and retries: SQLite needs two more files for as long as it is open.
    pub(crate) fn open(file: &Path, schema: &Schema, ballast: Ballast) -> Result<Database, StateError> {
        let opened = match connect(file, schema) {
            Err(StateError::Database(error)) if may_lack_room(&error) => {
                release(&ballast);
                connect(file, schema).map_err(|again| match again {
                    StateError::Database(error) if may_lack_room(&error) => StateError::NoRoom(error),
                    again => again,
                })
            }
            opened => opened,
        };
        Ok(Database { connection: Mutex::new(opened?), ballast, poisoned: OnceLock::new() })
    }

    /// Opens a database with the newest tables, for reading only: also while another process writes it.
    pub(crate) fn open_to_read(file: &Path, schema: &Schema, ballast: Ballast) -> Result<Database, StateError> {
        let connection = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        let (found, known) = (connection.pragma_query_value(None, "user_version", |row| row.get(0))?, schema.version());
        match found {
            found if found > known => return Err(StateError::Newer { found, known }),
            found if found < known => return Err(StateError::Older { found, known }),
            _ => {}
        }
        Ok(Database { connection: Mutex::new(connection), ballast, poisoned: OnceLock::new() })
    }

    /// Space to release when the disk is full.
    pub(crate) fn ballast(&self) -> &Ballast {
        &self.ballast
    }

    pub(crate) fn read<T>(&self, body: impl FnOnce(&Connection) -> Result<T, StateError>) -> Result<T, StateError> {
        body(&*self.connection.lock().map_err(|_| StateError::Broken)?)
    }

    /// Writes durably, together with all pending writes. If the disk is full, releases the ballast and retries.
    pub(crate) fn write(&self, body: impl Fn(&Connection) -> Result<(), StateError>) -> Result<(), StateError> {
        self.with_ballast(|connection| {
            whole(connection, &body)?;
            commit(connection)
        })
    }

    /// Writes with the next durable write or [`Database::flush`]. Readers see it immediately.
    pub(crate) fn write_soon(&self, body: impl Fn(&Connection) -> Result<(), StateError>) -> Result<(), StateError> {
        self.with_ballast(|connection| whole(connection, &body))
    }

    /// Whether it refuses writes since a sync failed.
    pub(crate) fn is_poisoned(&self) -> bool {
        self.poisoned.get().is_some()
    }

    /// Makes pending writes durable. A database that refuses writes has none.
    pub(crate) fn flush(&self) -> Result<(), StateError> {
        if self.is_poisoned() {
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
            Err(StateError::Database(error)) if may_lack_room(&error) => {
                release(&self.ballast);
                attempt(&connection)
            }
            result => result,
        };
        // Roll back: a write that was reported as failed must not become durable later.
        if result.is_err() && !connection.is_autocommit() {
            let _ = connection.execute_batch("ROLLBACK");
        }
        // After a failed sync, the kernel may have dropped the data, and still report success the next time.
        if let Err(StateError::Database(error)) = &result
            && is_failed_sync(error)
        {
            tracing::error!("state: a sync failed, no more steps are applied until ansai restarts: {error}");
            return Err(StateError::Poisoned(self.poisoned.get_or_init(|| error.to_string()).clone()));
        }
        result
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Err(error) = self.flush() {
            tracing::error!("what policies stored in the last second is lost: {error}");
        }
    }
}

fn connect(file: &Path, schema: &Schema) -> Result<Connection, StateError> {
    let connection = Connection::open(file)?;
    let found = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let version = schema.version();
    if found > version {
        return Err(StateError::Newer { found, known: version });
    }
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    keep_a_log(&connection)?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    // What a savepoint keeps for a rollback is half of what would be written, and of no use after a crash.
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    // Else each new value of a parameter prepares some statements again, because of the indices on parts of JSON.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    if found < version {
        let tables = schema.upgrade(found);
        let whole = format!("BEGIN IMMEDIATE; {tables} PRAGMA user_version = {version}; COMMIT;");
        connection.execute_batch(&whole)?;
        // Else the new tables take their room twice, in the log too, and a nearly full disk has none left for the reserve.
        // That it cannot be done now is no error.
        let _ = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
    }
    Ok(connection)
}

fn release(ballast: &Ballast) {
    tracing::warn!("the disk is full: releasing the reserved space and writing the state again");
    if let Err(error) = ballast.release() {
        tracing::warn!("the reserved space cannot be released: {error}");
    }
}

/// Runs `body` completely or not at all; starts a transaction if none is open.
fn whole(connection: &Connection, body: &impl Fn(&Connection) -> Result<(), StateError>) -> Result<(), StateError> {
    let run = |statement: &str| connection.prepare_cached(statement)?.execute([]);
    // A full disk may have ended the open transaction.
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

/// Switches to write-ahead logging. SQLite returns the mode before it commits the change, so the statement must run to
/// its end to show an error.
fn keep_a_log(connection: &Connection) -> Result<(), StateError> {
    let mut statement = connection.prepare("PRAGMA journal_mode = WAL")?;
    let mut rows = statement.query([])?;
    let mut mode = String::new();
    while let Some(row) = rows.next()? {
        mode = row.get(0)?;
    }
    if mode == "wal" { Ok(()) } else { Err(StateError::Journal(mode)) }
}

/// Whether blocks, inodes or a quota may be used up. SQLite says "full" only if its database or log cannot grow. Of its
/// file in shared memory, of a file that cannot be created and of a quota it says that input and output failed.
fn may_lack_room(error: &rusqlite::Error) -> bool {
    use rusqlite::ffi::{SQLITE_IOERR_SHMMAP, SQLITE_IOERR_SHMOPEN, SQLITE_IOERR_SHMSIZE, SQLITE_IOERR_WRITE};
    const GROWING: [i32; 4] = [SQLITE_IOERR_SHMMAP, SQLITE_IOERR_SHMOPEN, SQLITE_IOERR_SHMSIZE, SQLITE_IOERR_WRITE];
    matches!(error.sqlite_error_code(), Some(ErrorCode::DiskFull | ErrorCode::CannotOpen))
        || error.sqlite_error().is_some_and(|code| GROWING.contains(&code.extended_code))
}

fn is_failed_sync(error: &rusqlite::Error) -> bool {
    use rusqlite::ffi::{SQLITE_IOERR_DIR_FSYNC, SQLITE_IOERR_FSYNC};
    error.sqlite_error().is_some_and(|code| matches!(code.extended_code, SQLITE_IOERR_FSYNC | SQLITE_IOERR_DIR_FSYNC))
}
