//! A disposable host whose process 1 is a real systemd, with journald and D-Bus, so units really crash and restart. It
//! boots in about a second; see `bin/systemd-host`. Needs root.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::process::Signal;
use tempfile::TempDir;

use crate::command::{Invocation, Ran};
use crate::daemon::Daemon;

/// The first start on a machine creates the base tree from Debian packages.
const BOOT_LIMIT: Duration = Duration::from_secs(240);
const END_LIMIT: Duration = Duration::from_secs(20);

/// A running host. Dropping this stops it with everything in it.
pub struct SystemdHost {
    script: Daemon,
    process: u32,
    directory: TempDir,
}

impl SystemdHost {
    /// Boots a host. Each path of this machine, a file or a directory, appears writable at the given path of the host.
    ///
    /// # Panics
    /// With the output, if it does not boot.
    #[track_caller]
    pub fn start(binds: &[(&Path, &str)]) -> Self {
        let directory = tempfile::Builder::new().prefix("ansai-systemd-").tempdir().expect("a directory for the host");
        let script = Invocation::of(script())
            .env("XDG_CACHE_HOME", cache())
            .arg("run")
            .arg(directory.path())
            .args(binds.iter().map(|(from, to)| format!("{}:{to}", from.display())))
            .spawn();
        let ready = script.wait_for_line("ready ", BOOT_LIMIT);
        let process = ready.trim_start_matches("ready ").parse().expect("a process id");
        Self { script, process, directory }
    }

    /// Runs a command inside as root, with a time limit of 60 s.
    ///
    /// # Panics
    /// If it exceeds the limit.
    #[track_caller]
    pub fn exec<A: AsRef<OsStr>>(&self, command: &[A]) -> Ran {
        self.invocation().args(command).run()
    }

    /// A command to run inside, for adding arguments or a time limit, or for starting it in the background. It has a
    /// separate environment.
    pub fn invocation(&self) -> Invocation {
        Invocation::of(script()).arg("exec").arg(self.directory.path())
    }

    /// The id of its process 1 on this machine.
    pub fn process(&self) -> u32 {
        self.process
    }

    /// The path of the host's files on this machine.
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

/// The user's cache, where base trees are kept.
pub(crate) fn cache() -> PathBuf {
    std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).unwrap_or_else(|| {
        PathBuf::from(std::env::var_os("HOME").expect("base trees are kept in the user's cache")).join(".cache")
    })
}

fn script() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("bin/systemd-host")
}
