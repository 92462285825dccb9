//! Starts `ansai`, or another program, in a clean environment and with a time limit.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use crate::{Daemon, binary, faketime};

/// The binary under test; [`Invocation`] has the options of a run.
pub struct Ansai;

impl Ansai {
    /// `ansai` without arguments or configuration, and without the user's files.
    #[expect(clippy::new_ret_no_self, reason = "one builder serves every program")]
    pub fn new() -> Invocation {
        Invocation::of(binary::ansai())
    }
}

/// A program that is about to run. Its home is an empty directory that is removed afterwards, and it does not see the
/// XDG directories and settings of the user who runs the tests.
pub struct Invocation {
    program: PathBuf,
    arguments: Vec<OsString>,
    environment: Vec<(OsString, OsString)>,
    directory: Option<PathBuf>,
    pub(crate) limit: Duration,
    home: TempDir,
}

impl Invocation {
    /// A run of any program; for `ansai`, use [`Ansai::new`].
    pub fn of(program: impl Into<PathBuf>) -> Self {
        Self {
            program: program.into(),
            arguments: Vec::new(),
            environment: Vec::new(),
            directory: None,
            limit: Duration::from_secs(60),
            home: tempfile::tempdir().expect("a directory for the home"),
        }
    }

    /// Adds one argument.
    #[must_use]
    pub fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.arguments.push(argument.as_ref().to_owned());
        self
    }

    /// Adds several arguments.
    #[must_use]
    pub fn args<A: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        self.arguments.extend(arguments.into_iter().map(|argument| argument.as_ref().to_owned()));
        self
    }

    /// Adds `--config FILE`, with a file that holds `text` and is removed after the run.
    #[must_use]
    pub fn config(self, text: &str) -> Self {
        let file = self.home.path().join("ansai.toml");
        std::fs::write(&file, text).expect("the configuration is written");
        self.arg("--config").arg(file)
    }

    /// Adds `--state-dir DIRECTORY`, for state that survives the run.
    #[must_use]
    pub fn state_dir(self, directory: impl AsRef<Path>) -> Self {
        self.arg("--state-dir").arg(directory.as_ref())
    }

    /// Sets an environment variable.
    #[must_use]
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.environment.push((name.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }

    /// Sets the working directory; the default is the test's.
    #[must_use]
    pub fn current_dir(mut self, directory: impl Into<PathBuf>) -> Self {
        self.directory = Some(directory.into());
        self
    }

    /// Sets the time limit of [`run`](Self::run), after which the program is killed and the test fails. Default: 60 s.
    #[must_use]
    pub fn limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Shifts the program's clock by `hours`. The file system keeps the real time.
    ///
    /// # Panics
    /// If libfaketime is not installed.
    #[must_use]
    pub fn clock_offset_hours(mut self, hours: i64) -> Self {
        self.environment.extend(faketime::environment(hours));
        self
    }

    /// Runs it under another program, which gets `options` and `last` first.
    pub(crate) fn under<'a>(
        mut self,
        program: &str,
        options: impl IntoIterator<Item = &'a str>,
        last: impl Into<OsString>,
    ) -> Self {
        let own = std::mem::replace(&mut self.program, program.into()).into_os_string();
        let options = options.into_iter().map(OsString::from).chain([last.into(), own]);
        self.arguments = options.chain(self.arguments).collect();
        self
    }

    pub(crate) fn working_directory(&self) -> PathBuf {
        self.directory.clone().unwrap_or_else(|| std::env::current_dir().expect("a working directory"))
    }

    /// Runs the program until it exits.
    ///
    /// # Panics
    /// If it cannot be started, or exceeds the time limit.
    #[track_caller]
    pub fn run(self) -> Ran {
        let (limit, shown) = (self.limit, format!("{self:?}"));
        let mut running = self.spawn();
        match running.finished(limit) {
            Some(ran) => ran,
            None => panic!("{shown} was still running after {limit:?}\n{}", running.transcript()),
        }
    }

    /// Starts the program and returns while it runs. It is killed if the calling thread ends. A program that does not
    /// exist ends with 127.
    ///
    /// # Panics
    /// If it cannot be started.
    #[track_caller]
    pub fn spawn(self) -> Daemon {
        self.spawn_with(|_| {})
    }

    /// The same, with a last change to the command.
    #[track_caller]
    pub(crate) fn spawn_with(self, prepare: impl FnOnce(&mut Command)) -> Daemon {
        // If a time limit kills the test without running its destructors, the program is killed too.
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL"]).arg(&self.program);
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy();
            if text.starts_with("XDG_")
                || text.starts_with("ANSAI_")
                || text.starts_with("CLICOLOR")
                || text == "RUST_LOG"
            {
                command.env_remove(&name);
            }
        }
        // cargo, which builds policies, would otherwise search for its files in the new home.
        let home = PathBuf::from(std::env::var_os("HOME").unwrap_or_default());
        for (name, directory) in [("CARGO_HOME", ".cargo"), ("RUSTUP_HOME", ".rustup")] {
            command.env(name, std::env::var_os(name).unwrap_or_else(|| home.join(directory).into()));
        }
        command.env("HOME", self.home.path()).env("NO_COLOR", "1").env("LC_ALL", "C.UTF-8").env("TZ", "UTC");
        command.args(&self.arguments).envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // A separate process group, so that its child processes can be killed with it.
        command.process_group(0);
        if let Some(directory) = &self.directory {
            command.current_dir(directory);
        }
        prepare(&mut command);
        let child = command.spawn().unwrap_or_else(|error| panic!("{self:?} did not start: {error}"));
        Daemon::new(child, self.home)
    }
}

impl fmt::Debug for Invocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}", self.program.display())?;
        self.arguments.iter().try_for_each(|argument| write!(f, " {}", argument.display()))?;
        f.write_str("`")
    }
}

/// The result of a program that has ended.
#[derive(Clone, Debug)]
pub struct Ran {
    /// The exit code; 128 plus the signal number if a signal ended it, as in a shell.
    pub code: i32,
    /// Peak memory in bytes, sampled every few milliseconds.
    pub peak_memory: u64,
    /// Standard output; bytes that are not UTF-8 are replaced.
    pub stdout: String,
    /// Standard error; bytes that are not UTF-8 are replaced.
    pub stderr: String,
}

impl Ran {
    /// Checks the exit code, and returns itself.
    ///
    /// # Panics
    /// With the whole output, if the exit code differs.
    #[track_caller]
    pub fn expect_code(&self, code: i32) -> &Self {
        assert!(self.code == code, "ended with {} where {code} was expected\n{self}", self.code);
        self
    }

    /// [`Ran::expect_code`] in a chain.
    ///
    /// # Panics
    /// As there.
    #[track_caller]
    pub fn code(self, code: i32) -> Self {
        self.expect_code(code);
        self
    }

    /// Itself, when standard output has these words.
    ///
    /// # Panics
    /// With all of its output, when it has not.
    #[track_caller]
    pub fn says(self, words: &str) -> Self {
        assert!(self.stdout.contains(words), "stdout lacks {words:?}\n{self}");
        self
    }

    /// Itself, when standard error has these words.
    ///
    /// # Panics
    /// With all of its output, when it has not.
    #[track_caller]
    pub fn complains(self, words: &str) -> Self {
        assert!(self.stderr.contains(words), "stderr lacks {words:?}\n{self}");
        self
    }

    /// Parses standard output as one JSON value.
    ///
    /// # Panics
    /// If it is not valid JSON.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("stdout is not JSON: {error}\n{self}"))
    }
}

/// All of its output.
impl fmt::Display for Ran {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "--- stdout\n{}\n--- stderr\n{}", self.stdout, self.stderr)
    }
}
