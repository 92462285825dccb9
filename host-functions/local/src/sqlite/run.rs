//! Starts the process that opens a database, and reads what it says.

use std::ffi::OsString;
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

use ansai_core::Refusal;
use ansai_core::text::inert;
use ansai_kit::host::Host;
use ansai_kit::program::{Ended, ITSELF, Program, ProgramError, Ran, User};

use super::error::SqliteError;
use super::holders::Holders;
use super::job::{ANSWER, Job, Kind, MOST_TEXT, Reply, Task};
use super::place::Place;

/// The argument with which ansai starts itself to open a database.
pub const CHILD: &str = "open-database";

/// The longest answer in bytes is half of it.
const KEPT_BYTES: usize = 128 << 10;
/// How much longer than the job the process may take.
const SPARE: Duration = Duration::from_secs(2);
/// Time between SIGTERM and SIGKILL.
const PATIENCE: Duration = Duration::from_secs(1);

/// What to start instead of this program with [`CHILD`].
static INSTEAD: OnceLock<(PathBuf, Vec<OsString>)> = OnceLock::new();

/// Has another program do it that calls [`child::run`](super::child::run): for tests, whose program is not ansai. Only the
/// first call counts.
pub fn run_child_as(program: PathBuf, arguments: Vec<OsString>) {
    let _ = INSTEAD.set((program, arguments));
}

/// A job, and as whom it is done.
pub(super) struct Work<'a> {
    pub(super) host: &'a Host,
    pub(super) place: &'a Place,
    pub(super) owner: User,
    pub(super) task: Task,
    pub(super) limit: Duration,
    /// The largest file that it may write, in bytes.
    pub(super) most_bytes: u64,
}

impl Work<'_> {
    /// Does it, and waits for it.
    ///
    /// # Errors
    /// `busy` with who has it locked, `timed-out`, `changed` if the path leads elsewhere; `unavailable` for what the process
    /// cannot do, or if it does not answer.
    pub(super) fn run(self, is_over: &dyn Fn() -> bool) -> Result<Reply, Refusal> {
        let Work { host, place, owner, task, limit, most_bytes } = self;
        let job = Job {
            path: place.real_path(host),
            inode: place.inode(),
            uid: owner.uid,
            task,
            limit_ms: u64::try_from(limit.as_millis()).unwrap_or(u64::MAX),
            most_bytes,
        };
        let input = serde_json::to_vec(&job).map_err(|error| Refusal::Other(error.to_string()))?;
        let path = &inert(&place.text, MOST_TEXT);
        let ran = start(&input, owner, limit, is_over).map_err(SqliteError::Program)?;
        let reply = match ran.ended {
            Ended::TimeLimit => return Err(Refusal::TimedOut(format!("{path} was not done within {limit:?}"))),
            Ended::Stopped => return Err(Refusal::TimedOut(format!("{path} was ended before it was done"))),
            Ended::By(_) => answer(&ran),
        };
        let reply = reply.ok_or_else(|| SqliteError::Child { path: path.clone(), why: ending(&ran) })?;
        let Reply::Failed { kind, text } = reply else { return Ok(reply) };
        let text = format!("{path}: {}", inert(&text, MOST_TEXT));
        Err(match kind {
            Kind::Busy => Refusal::Busy(format!("{path} is locked by {}", Holders::of(host, place, is_over).shown())),
            Kind::TimedOut => Refusal::TimedOut(text),
            Kind::Changed => Refusal::Changed(text),
            Kind::Damaged | Kind::Other => Refusal::Unavailable(text),
        })
    }
}

fn itself() -> (PathBuf, Vec<OsString>) {
    (ITSELF.into(), vec![CHILD.into()])
}

fn start(input: &[u8], owner: User, limit: Duration, is_over: &dyn Fn() -> bool) -> Result<Ran, ProgramError> {
    let (program, arguments) = INSTEAD.get().cloned().unwrap_or_else(itself);
    Program::new(&program)
        .args(arguments)
        .input(input)
        .user(owner)
        // Masks would break the JSON; texts are made inert and are SQLite's own.
        .unmasked_stdout()
        .kept_bytes(KEPT_BYTES)
        .limit(limit.saturating_add(SPARE))
        .patience(PATIENCE)
        .run(is_over)
}

/// The last answer in the output.
fn answer(ran: &Ran) -> Option<Reply> {
    let lines = ran.stdout.first.lines().chain(ran.stdout.last.lines());
    let text = lines.filter_map(|line| line.strip_prefix(ANSWER)).next_back()?;
    serde_json::from_str(text).ok()
}

fn ending(ran: &Ran) -> String {
    let Ended::By(status) = ran.ended else { return "was ended".to_owned() };
    let said = ran.stderr.last_line().map(|line| format!(": {}", inert(line, MOST_TEXT))).unwrap_or_default();
    match (status.signal(), status.code()) {
        (Some(signal), _) => format!("was ended by signal {signal}: it exceeded a limit or crashed"),
        (None, Some(code)) => format!("exited with {code} without an answer{said}"),
        (None, None) => "gave no answer".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ansai_kit::program::Output;

    fn ran(stdout: &str) -> Ran {
        let stdout = Output { first: stdout.to_owned(), ..Output::default() };
        Ran { ended: Ended::By(std::process::ExitStatus::from_raw(0)), stdout, stderr: Output::default() }
    }

    #[test]
    fn only_a_whole_answer_counts() {
        assert_eq!(answer(&ran("noise\nansai-sqlite \"vacuumed\"\nmore\n")), Some(Reply::Vacuumed));
        for text in [
            "",
            "ansai-sqlite",
            "ansai-sqlite {",
            "\"vacuumed\"",
            "ansai-sqlite \"dropped\"",
            " ansai-sqlite \"copied\"",
        ] {
            assert_eq!(answer(&ran(text)), None, "{text}");
        }
        assert!(ending(&ran("")).contains("exited with 0"));
    }
}
