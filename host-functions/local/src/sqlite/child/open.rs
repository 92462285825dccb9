//! Opens a database with everything switched off that its content could use.
#![expect(clippy::disallowed_methods, reason = "an adapter to /proc/self")]

use std::os::unix::ffi::OsStringExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::time::Duration;

use ansai_core::text::path_bytes;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::{Failure, limit};
use crate::safety::identity::Inode;
use crate::sqlite::job::{Job, Kind};

/// How long a lock is waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// How a database is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    Read,
    Write,
}

/// Opens the database of the job, which is interrupted when its time is over.
pub(super) fn open(job: &Job, access: Access) -> Result<Connection, Failure> {
    let connection = open_file(&job.path, job.inode, access)?;
    let (interrupt, limit) = (connection.get_interrupt_handle(), limit(job));
    // The process ends before its threads do, so nobody waits for this one.
    let watchdog = std::thread::Builder::new().stack_size(64 << 10).spawn(move || {
        std::thread::sleep(limit);
        // Again and again: it only ends what runs at this moment.
        loop {
            interrupt.interrupt();
            std::thread::sleep(Duration::from_millis(10));
        }
    });
    watchdog.map_err(|error| Failure::new(Kind::Other, format!("a thread: {error}")))?;
    Ok(connection)
}

/// Opens a file, and only the file with this inode.
pub(super) fn open_file(path: &str, inode: Inode, access: Access) -> Result<Connection, Failure> {
    let bytes = path_bytes(path).ok_or_else(|| Failure::new(Kind::Other, "the job has no path"))?;
    let path = PathBuf::from(std::ffi::OsString::from_vec(bytes));
    let flags = match access {
        Access::Read => OpenFlags::SQLITE_OPEN_READ_ONLY,
        Access::Write => OpenFlags::SQLITE_OPEN_READ_WRITE,
    };
    let flags = flags | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    let connection = Connection::open_with_flags(path, flags)?;
    // SQLite opens the file here and reads it later.
    if !has_open(inode) {
        return Err(Failure::new(Kind::Changed, "the path leads to another file"));
    }
    connection.busy_timeout(PATIENCE)?;
    for (switch, is_on) in [
        (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true),
        (DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false),
        (DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, access == Access::Read),
    ] {
        connection.set_db_config(switch, is_on)?;
    }
    connection.pragma_update(None, "cell_size_check", true)?;
    // A file that gets shorter would end the process.
    connection.pragma_update(None, "mmap_size", 0)?;
    Ok(connection)
}

/// Whether this process has this file open.
fn has_open(inode: Inode) -> bool {
    let Ok(entries) = std::fs::read_dir("/proc/self/fd") else { return false };
    entries
        .flatten()
        .any(|entry| std::fs::metadata(entry.path()).is_ok_and(|found| (found.dev(), found.ino()) == inode))
}
