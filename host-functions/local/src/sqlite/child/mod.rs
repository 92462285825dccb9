//! The process that opens a database: the only place where SQLite reads what others wrote.
//!
//! It runs as the owner of the file and refuses to be root. It limits itself before it reads the first byte, gets its
//! `Job` on standard input, writes one `Reply`, and ends.

mod check;
mod confine;
mod copy;
mod open;
mod recover;
mod schema;
mod walk;
mod work;

use std::io::{Read as _, Write as _};
use std::time::Duration;

use ansai_core::text::inert;
use rusqlite::{Error, ErrorCode};

use super::job::{ANSWER, Job, Kind, MOST_TEXT, Reply, Task};

/// The longest job in bytes.
const MOST_JOB: u64 = 64 << 10;

/// Why there is no result.
#[derive(Debug)]
struct Failure {
    kind: Kind,
    text: String,
}

impl Failure {
    fn new(kind: Kind, text: impl Into<String>) -> Failure {
        Failure { kind, text: text.into() }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        let kind = match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Kind::Busy,
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Kind::Damaged,
            Some(ErrorCode::OperationInterrupted) => Kind::TimedOut,
            _ => Kind::Other,
        };
        let text = match &error {
            // The text of a whole statement would follow.
            Error::SqlInputError { msg, .. } => msg.clone(),
            error => error.to_string(),
        };
        Failure { kind, text }
    }
}

/// Does the job on standard input, and writes the reply to standard output. Returns the exit code.
pub fn run() -> u8 {
    // It is started by a path that ends in another word. If the name cannot be set, the process works all the same.
    let _ = rustix::thread::set_name(c"ansai");
    let reply = job()
        .and_then(|job| work(&job))
        .unwrap_or_else(|Failure { kind, text }| Reply::Failed { kind, text: inert(&text, MOST_TEXT) });
    let written = serde_json::to_string(&reply)
        .map_err(std::io::Error::from)
        .and_then(|text| writeln!(std::io::stdout(), "\n{ANSWER}{text}"));
    u8::from(written.is_err())
}

fn job() -> Result<Job, Failure> {
    let mut text = String::new();
    let failed = |error: String| Failure::new(Kind::Other, format!("not started by ansai: {error}"));
    std::io::stdin().take(MOST_JOB).read_to_string(&mut text).map_err(|error| failed(error.to_string()))?;
    serde_json::from_str(&text).map_err(|error| failed(error.to_string()))
}

fn work(job: &Job) -> Result<Reply, Failure> {
    confine::confine(job)?;
    match &job.task {
        Task::Quick | Task::Full => check::check(job),
        Task::Checkpoint => work::checkpoint(job),
        Task::Vacuum { directory } => work::vacuum(job, directory),
        Task::Copy(to) => copy::copy(job, to),
        Task::Recover(to) => recover::recover(job, to),
    }
}

/// How long it may take.
fn limit(job: &Job) -> Duration {
    Duration::from_millis(job.limit_ms)
}
