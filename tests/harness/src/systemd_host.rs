//! A disposable host whose process 1 is a real systemd, with journald and D-Bus: units really crash and restart there.
//! It boots in about a second; `bin/systemd-host` says how. It needs root.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::process::Signal;
use tempfile::TempDir;

use crate::command::{Invocation, Ran};
use crate::daemon::Daemon;

/// The first start on a machine makes the base tree out of Debian packages.
const BOOT_LIMIT: Duration = Duration::from_secs(240);
const END_LIMIT: Duration = Duration::from_secs(20);

/// A running host; it ends, with everything in it, when this is dropped.
pub struct SystemdHost {
    script: Daemon,
    process: u32,
    directory: TempDir,
}

impl SystemdHost {
    /// Boots a host in which each path of this machine, a file or a directory, is seen at the path of the host beside
    /// it, writable.
    ///
    /// # Panics
    /// When it does not boot, with what it said.
    #[track_caller]
    pub fn start(binds: &[(&Path, &str)]) -> Self {
        let directory = tempfile::Builder::new().prefix("ansai-systemd-").tempdir().expect("a directory for the host");
        let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).unwrap_or_else(|| {
            PathBuf::from(std::env::var_os("HOME").expect("the base tree is kept in the user's cache")).join(".cache")
        });
        let script = Invocation::of(script())
            .env("XDG_CACHE_HOME", cache)
            .arg("run")
            .arg(directory.path())
            .args(binds.iter().map(|(from, to)| format!("{}:{to}", from.display())))
            .spawn();
        let ready = script.wait_for_line("ready ", BOOT_LIMIT);
        let process = ready.trim_start_matches("ready ").parse().expect("a process id");
        Self { script, process, directory }
    }

    /// Runs a command inside as root, for at most 60 s.
    ///
    /// # Panics
    /// When it takes longer.
    #[track_caller]
    pub fn exec<A: AsRef<OsStr>>(&self, command: &[A]) -> Ran {
        self.invocation().args(command).run()
    }

    /// A command that will run inside, to be given its arguments, a limit of time, or to be left running; it sees no
    /// environment but its own.
    pub fn invocation(&self) -> Invocation {
        Invocation::of(script()).arg("exec").arg(self.directory.path())
    }

    /// Its process 1, as this machine numbers it.
    pub fn process(&self) -> u32 {
        self.process
    }

    /// Where this machine sees the files of the host.
    pub fn root(&self) -> PathBuf {
        PathBuf::from(format!("/proc/{}/root", self.process))
    }
}

impl Drop for SystemdHost {
    fn drop(&mut self) {
        if !self.script.has_ended() {
            self.script.signal(Signal::TERM);
        }
        if self.script.finished(END_LIMIT).is_none() {
            eprintln!("the systemd host {} was killed\n{}", self.process, self.script.transcript());
        }
    }
}

fn script() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("bin/systemd-host")
}
