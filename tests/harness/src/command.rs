//! Starting `ansai`, or another program, in surroundings of its own and with a hard limit of time.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use crate::{Daemon, binary, faketime};

/// The binary under test; see [`Invocation`] for what can be said about a run of it.
pub struct Ansai;

impl Ansai {
    /// `ansai` without arguments, configuration, or anything of the user's.
    #[expect(clippy::new_ret_no_self, reason = "one builder serves every program")]
    pub fn new() -> Invocation {
        Invocation::of(binary::ansai())
    }
}

/// A program that is about to run. Its home is an empty directory that goes with it, and the XDG directories and
/// settings of whoever runs the tests are not seen.
pub struct Invocation {
    program: PathBuf,
    arguments: Vec<OsString>,
    environment: Vec<(OsString, OsString)>,
    directory: Option<PathBuf>,
    pub(crate) limit: Duration,
    home: TempDir,
}

impl Invocation {
    /// A run of any program; for `ansai` there is [`Ansai::new`].
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

    /// One argument more.
    #[must_use]
    pub fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.arguments.push(argument.as_ref().to_owned());
        self
    }

    /// Several arguments more.
    #[must_use]
    pub fn args<A: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        self.arguments.extend(arguments.into_iter().map(|argument| argument.as_ref().to_owned()));
        self
    }

    /// `--config FILE`, where the file holds `text` and goes with the run.
    #[must_use]
    pub fn config(self, text: &str) -> Self {
        let file = self.home.path().join("ansai.toml");
        std::fs::write(&file, text).expect("the configuration is written");
        self.arg("--config").arg(file)
    }

    /// `--state-dir DIRECTORY`, for state that outlives the run.
    #[must_use]
    pub fn state_dir(self, directory: impl AsRef<Path>) -> Self {
        self.arg("--state-dir").arg(directory.as_ref())
    }

    /// One variable of the environment.
    #[must_use]
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.environment.push((name.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }

    /// The working directory; otherwise that of the test.
    #[must_use]
    pub fn current_dir(mut self, directory: impl Into<PathBuf>) -> Self {
        self.directory = Some(directory.into());
        self
    }

    /// How long [`run`](Self::run) may take before the program is killed and the test fails; 60 s unless told.
    #[must_use]
    pub fn limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// The program sees the time of `hours` from now, while the file system goes on with the true one.
    ///
    /// # Panics
    /// When libfaketime is not installed.
    #[must_use]
    pub fn clock_offset_hours(mut self, hours: i64) -> Self {
        self.environment.extend(faketime::environment(hours));
        self
    }

    /// The same run under another program, which gets `options` and `last` before it.
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

    /// Runs the program to its end.
    ///
    /// # Panics
    /// When it cannot be started, and when it takes longer than the limit.
    #[track_caller]
    pub fn run(self) -> Ran {
        let (limit, shown) = (self.limit, format!("{self:?}"));
        let mut running = self.spawn();
        match running.finished(limit) {
            Some(ran) => ran,
            None => panic!("{shown} was still running after {limit:?}\n{}", running.transcript()),
        }
    }

    /// Starts the program and returns while it runs, for as long as the calling thread lives. One that is not there
    /// ends with 127.
    ///
    /// # Panics
    /// When it cannot be started.
    #[track_caller]
    pub fn spawn(self) -> Daemon {
        self.spawn_with(|_| {})
    }

    /// The same with a last word to the command.
    #[track_caller]
    pub(crate) fn spawn_with(self, prepare: impl FnOnce(&mut Command)) -> Daemon {
        // Whatever ends the test without a word to it, such as a time limit, ends this too.
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
        // Policies are built by cargo, which would look for its files in the new home.
        let home = PathBuf::from(std::env::var_os("HOME").unwrap_or_default());
        for (name, directory) in [("CARGO_HOME", ".cargo"), ("RUSTUP_HOME", ".rustup")] {
            command.env(name, std::env::var_os(name).unwrap_or_else(|| home.join(directory).into()));
        }
        command.env("HOME", self.home.path()).env("NO_COLOR", "1").env("LC_ALL", "C.UTF-8").env("TZ", "UTC");
        command.args(&self.arguments).envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // A group of its own, so that what it starts can be ended with it.
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

/// A program that has ended.
#[derive(Clone, Debug)]
pub struct Ran {
    /// The exit code; 128 + the signal when one ended it, as a shell has it.
    pub code: i32,
    /// The most that it had in memory, bytes, as seen every few milliseconds while it ran.
    pub peak_memory: u64,
    /// All of standard output, bytes that are no UTF-8 replaced.
    pub stdout: String,
    /// All of standard error, bytes that are no UTF-8 replaced.
    pub stderr: String,
}

impl Ran {
    /// Itself, when it ended with `code`.
    ///
    /// # Panics
    /// With all of its output, when it ended with another.
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

    /// Standard output, which is one JSON value.
    ///
    /// # Panics
    /// When it is not.
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
