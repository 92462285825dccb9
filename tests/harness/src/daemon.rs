//! A running program. It is killed when the test ends, even if the test fails.

use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ExitStatus};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal};
use tempfile::TempDir;

use crate::command::Ran;
use crate::output::Output;
use crate::secret;

/// Exit code of a program that SIGKILL ended.
pub const KILLED: i32 = 128 + 9;

/// Interval at which a running program is polled.
const POLL: Duration = Duration::from_millis(5);
/// Longest time in which the kernel ends a program after SIGKILL, on a busy machine.
const KILL_LIMIT: Duration = Duration::from_secs(60);

/// Peak memory of a process so far, in bytes; 0 if it is unknown.
pub fn peak_memory(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok()).unwrap_or(0) << 10
}

/// A running program. Dropping this kills it and its child processes.
pub struct Daemon {
    /// Its process id, which is also its process group.
    pub pid: u32,
    child: Child,
    output: Output,
    status: Option<ExitStatus>,
    peak: u64,
    _home: TempDir,
}

impl Daemon {
    pub(crate) fn new(mut child: Child, home: TempDir) -> Self {
        let output = Output::collect(
            child.stdout.take().expect("stdout is a pipe"),
            child.stderr.take().expect("stderr is a pipe"),
        );
        Self { pid: child.id(), child, output, status: None, peak: 0, _home: home }
    }

    /// Waits for the first line of standard output or error that contains `pattern`.
    ///
    /// # Panics
    /// With the actual output, if there is no such line within `limit`, or the program ends without it.
    #[track_caller]
    pub fn wait_for_line(&self, pattern: &str, limit: Duration) -> String {
        self.wait_for_nth_line(1, pattern, limit)
    }

    /// Waits for the `nth` line, counted from 1, that contains `pattern`.
    ///
    /// # Panics
    /// As [`wait_for_line`](Self::wait_for_line).
    #[track_caller]
    pub fn wait_for_nth_line(&self, nth: usize, pattern: &str, limit: Duration) -> String {
        let found = self.output.wait(limit, |collected| {
            let line = collected.lines.iter().filter(|line| line.contains(pattern)).nth(nth - 1).cloned();
            if line.is_none() && collected.open_streams == 0 { Some(None) } else { line.map(Some) }
        });
        match found {
            Some(Some(line)) => line,
            Some(None) => panic!("the program ended without line {nth} with {pattern:?}\n{}", self.transcript()),
            None => panic!("no line {nth} with {pattern:?} after {limit:?}\n{}", self.transcript()),
        }
    }

    /// Sends a signal to the program, but not to its child processes.
    ///
    /// # Panics
    /// If the program has ended and was waited for, because its id may belong to another process by now.
    #[track_caller]
    pub fn signal(&self, signal: Signal) {
        assert!(self.status.is_none(), "the program has ended already\n{}", self.transcript());
        rustix::process::kill_process(self.process(), signal).expect("a process of ours takes a signal");
    }

    /// Kills the program with SIGKILL, and waits until it has ended.
    ///
    /// # Panics
    /// If it ended by itself before.
    #[track_caller]
    pub fn killed(mut self) {
        self.signal(Signal::KILL);
        self.wait(KILL_LIMIT).expect_code(KILLED);
    }

    /// Whether it has ended.
    ///
    /// # Panics
    /// If the system cannot answer.
    pub fn has_ended(&mut self) -> bool {
        self.ended().is_some()
    }

    /// Waits until the program ends.
    ///
    /// # Panics
    /// If it is still running after `limit`.
    #[track_caller]
    pub fn wait(&mut self, limit: Duration) -> Ran {
        match self.finished(limit) {
            Some(ran) => ran,
            None => panic!("still running after {limit:?}\n{}", self.transcript()),
        }
    }

    /// Its output so far, for messages.
    pub fn transcript(&self) -> String {
        let collected = self.output.lock();
        let (stdout, stderr) = (String::from_utf8_lossy(&collected.stdout), String::from_utf8_lossy(&collected.stderr));
        format!("--- stdout\n{stdout}\n--- stderr\n{stderr}")
    }

    /// Waits until the program ends; `None` if that takes longer than `limit`. Then it is killed.
    pub(crate) fn finished(&mut self, limit: Duration) -> Option<Ran> {
        let end = Instant::now() + limit;
        let status = loop {
            if let Some(status) = self.ended() {
                break status;
            }
            if Instant::now() >= end {
                self.kill();
                return None;
            }
            std::thread::sleep(POLL);
        };
        // A child process that is still running may hold the pipes open, so do not wait longer than the limit.
        let left = end.saturating_duration_since(Instant::now()).max(POLL);
        if self.output.wait(left, |collected| (collected.open_streams == 0).then_some(())).is_none() {
            self.kill_group();
            return None;
        }
        let collected = self.output.lock();
        for printed in [&collected.stdout, &collected.stderr] {
            secret::is_not_printed(printed);
        }
        Some(Ran {
            peak_memory: self.peak,
            code: status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or_default()),
            stdout: String::from_utf8_lossy(&collected.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&collected.stderr).into_owned(),
        })
    }

    fn ended(&mut self) -> Option<ExitStatus> {
        if self.status.is_none() {
            self.peak = self.peak.max(peak_memory(self.pid));
            self.status = self.child.try_wait().expect("a child of ours can be waited for");
        }
        self.status
    }

    pub(crate) fn child(&self) -> &Child {
        &self.child
    }

    fn process(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Safe: the group keeps its id while a member lives, and the id is not reused before. An empty group is not an
    /// error.
    fn kill_group(&self) {
        let _gone_already = rustix::process::kill_process_group(self.process(), Signal::KILL);
    }

    fn kill(&mut self) {
        self.kill_group();
        let _reaped_already = self.child.wait();
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.kill();
    }
}
