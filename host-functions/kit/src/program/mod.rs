//! The only place that runs programs.
//!
//! - **Which program:** an absolute path that only root and the user who runs ansai can change. The program, each
//!   directory above it and each link on the way are checked by their handles.
//! - **What it gets:** `PATH` and `LANG` as its whole environment, `/` as its directory, a session of its own, umask 077,
//!   and no open descriptor besides its standard streams and the secrets that it is given. If wanted, another user.
//! - **What it may do:** write as much as it likes, of which the first and the last part are kept, without secrets
//!   unless the caller masks them; run until a time limit.
//! - **How it ends:** with all processes of its group. That also holds if ansai panics. If ansai is killed, the kernel
//!   kills the program.
//!
//! Secrets go into sealed memory files, and the program gets their path, `/proc/self/fd/N`. They are never arguments or
//! variables, because other users can read the arguments of every process.
//!
//! ```
//! use std::path::Path;
//! use ansai_kit::program::{Ended, Program};
//!
//! let ran = Program::new(Path::new("/bin/echo")).args(["hello"]).run(&|| false)?;
//! assert!(matches!(ran.ended, Ended::By(status) if status.success()));
//! assert_eq!(ran.stdout.to_string(), "hello\n");
//! # Ok::<(), ansai_kit::program::ProgramError>(())
//! ```

mod child;
mod error;
mod executable;
mod follow;
mod group;
mod output;
mod secret_file;
mod start;
mod streams;
mod user;

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

pub use child::prepare_detached;
pub use error::ProgramError;
pub use executable::executable;
pub use follow::Following;
pub use output::Output;
pub use user::UserError;

use crate::redact::Redactor;
use group::Group;
use streams::Streams;

/// The whole environment of a program.
pub const ENVIRONMENT: [(&str, &str); 2] = [("PATH", "/usr/sbin:/usr/bin:/sbin:/bin"), ("LANG", "C.UTF-8")];

/// Bytes of each stream that are kept, unless the program says otherwise.
const KEPT_BYTES: usize = 16 << 10;
const LIMIT: Duration = Duration::from_secs(30);
/// Time between SIGTERM and SIGKILL, unless the program says otherwise.
const PATIENCE: Duration = Duration::from_millis(200);
/// How often the time limit is checked.
const POLL: Duration = Duration::from_millis(20);

/// The path of the program that runs this code, in each of its processes. It also works for another user who may not reach
/// the file, and after the file was replaced.
pub const ITSELF: &str = "/proc/self/exe";

/// Another user for a program, by number: names can change their meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct User {
    /// The user.
    pub uid: u32,
    /// Its only group.
    pub gid: u32,
}

/// Why a program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// It exited, or a signal ended it.
    By(ExitStatus),
    /// It exceeded the time limit and was ended.
    TimeLimit,
    /// It was ended because ansai is stopping.
    Stopped,
}

/// The result of a program.
#[derive(Debug)]
pub struct Ran {
    /// Why it ended.
    pub ended: Ended,
    /// Its standard output.
    pub stdout: Output,
    /// Its standard error.
    pub stderr: Output,
}

/// A program to run, with its limits.
pub struct Program<'a> {
    path: &'a Path,
    arguments: Vec<Argument<'a>>,
    input: &'a [u8],
    user: Option<User>,
    redactor: Redactor,
    masks_stdout: bool,
    kept_bytes: usize,
    limit: Duration,
    patience: Duration,
}

enum Argument<'a> {
    Text(OsString),
    SecretFile { before: &'a str, content: &'a [u8] },
}

impl<'a> Program<'a> {
    /// A program by its absolute path, without arguments and with a time limit of 30 s.
    #[must_use]
    pub fn new(path: &'a Path) -> Program<'a> {
        Program {
            path,
            arguments: Vec::new(),
            input: &[],
            user: None,
            redactor: Redactor::new(),
            masks_stdout: true,
            kept_bytes: KEPT_BYTES,
            limit: LIMIT,
            patience: PATIENCE,
        }
    }

    /// Adds arguments. They are passed without a shell. Other users can read them: no secrets here.
    #[must_use]
    pub fn args<A: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        self.arguments.extend(arguments.into_iter().map(|text| Argument::Text(text.as_ref().to_owned())));
        self
    }

    /// Adds an argument that ends with the path of a file with this content: `--defaults-extra-file=/proc/self/fd/7`.
    /// Only the program can read the file, and nobody can change it. Its content is masked in the output.
    #[must_use]
    pub fn secret_file(mut self, before: &'a str, content: &'a [u8]) -> Self {
        self.arguments.push(Argument::SecretFile { before, content });
        self
    }

    /// Standard input; nothing by default. The program need not read it.
    #[must_use]
    pub fn input(mut self, input: &'a [u8]) -> Self {
        self.input = input;
        self
    }

    /// Runs it as another user, who has no other group than the given one.
    #[must_use]
    pub fn user(mut self, user: User) -> Self {
        self.user = Some(user);
        self
    }

    /// What masks its output; by default a redactor that knows the rules only.
    #[must_use]
    pub fn redactor(mut self, redactor: Redactor) -> Self {
        self.redactor = redactor;
        self
    }

    /// Keeps standard output as it was written. The caller must mask every text of it that leaves the host: this is for a
    /// format such as JSON, which would be broken by masks.
    #[must_use]
    pub fn unmasked_stdout(mut self) -> Self {
        self.masks_stdout = false;
        self
    }

    /// How many bytes of each stream are kept: half from its start, half from its end. 16 KiB by default.
    #[must_use]
    pub fn kept_bytes(mut self, bytes: usize) -> Self {
        self.kept_bytes = bytes;
        self
    }

    /// Time limit; 30 s by default.
    #[must_use]
    pub fn limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Time between SIGTERM and SIGKILL; 200 ms by default.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Runs it and waits until it and all processes of its group have ended.
    ///
    /// # Errors
    /// The program cannot be trusted or started, or it does not end although it was killed.
    pub fn run(&self, is_stopping: &dyn Fn() -> bool) -> Result<Ran, ProgramError> {
        let (mut group, mut streams) = start::start(self)?;
        let failed = |error| ProgramError::Wait { path: self.path.to_owned(), error };
        let cut = self.watch(&group, &mut streams, is_stopping).map_err(failed)?;
        let status = group.end(self.patience, &mut |pause| streams.transfer(pause)).map_err(failed)?;
        let status = status.ok_or_else(|| ProgramError::Stuck { path: self.path.to_owned() })?;
        let secrets = self.arguments.iter().filter_map(|argument| match argument {
            Argument::SecretFile { content, .. } => Some(*content),
            Argument::Text(_) => None,
        });
        let secrets = Redactor::with_secrets(secrets);
        let redactors = [&self.redactor, &secrets];
        let of_stdout: &[&Redactor] = if self.masks_stdout { &redactors } else { &[] };
        let (stdout, stderr) = streams.finish(of_stdout, &redactors);
        Ok(Ran { ended: cut.unwrap_or(Ended::By(status)), stdout, stderr })
    }

    /// Transfers input and output until the program ends by itself, or has to be ended for the returned reason.
    fn watch(
        &self,
        group: &Group,
        streams: &mut Streams<'_>,
        is_stopping: &dyn Fn() -> bool,
    ) -> std::io::Result<Option<Ended>> {
        let began = Instant::now();
        // Short at first, because most programs have ended when they close their streams.
        let mut pause = Duration::from_millis(1);
        while !group.leader_has_ended()? {
            if is_stopping() {
                return Ok(Some(Ended::Stopped));
            }
            if began.elapsed() >= self.limit {
                return Ok(Some(Ended::TimeLimit));
            }
            streams.transfer(pause);
            pause = (pause * 2).min(POLL);
        }
        Ok(None)
    }
}
