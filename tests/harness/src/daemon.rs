//! A program that is running. It ends with the test, whatever happens to the test.

use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ExitStatus};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal};
use tempfile::TempDir;

use crate::command::Ran;
use crate::output::Output;

/// How often a running program is asked whether it has ended.
const POLL: Duration = Duration::from_millis(5);

/// The most that a process had in memory up to now, bytes; 0 where that cannot be told.
fn peak_memory(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok()).unwrap_or(0) << 10
}

/// A running program, killed together with what it started when this is dropped.
pub struct Daemon {
    /// Its process id, which is its process group too.
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

    /// The first line, of standard output or error, that contains `pattern`.
    ///
    /// # Panics
    /// With what was written instead, when there is none within `limit` or the program ended without it.
    #[track_caller]
    pub fn wait_for_line(&self, pattern: &str, limit: Duration) -> String {
        self.wait_for_nth_line(1, pattern, limit)
    }

    /// The `nth` line, counted from 1, that contains `pattern`.
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

    /// Sends a signal to the program, and to nothing that it started.
    ///
    /// # Panics
    /// When the program has ended and was waited for: its id may be another's by now.
    #[track_caller]
    pub fn signal(&self, signal: Signal) {
        assert!(self.status.is_none(), "the program has ended already\n{}", self.transcript());
        rustix::process::kill_process(self.process(), signal).expect("a process of ours takes a signal");
    }

    /// Whether it has ended by now.
    ///
    /// # Panics
    /// When the system cannot tell.
    pub fn has_ended(&mut self) -> bool {
        self.ended().is_some()
    }

    /// Waits for the program to end by itself.
    ///
    /// # Panics
    /// When it is still running after `limit`.
    #[track_caller]
    pub fn wait(&mut self, limit: Duration) -> Ran {
        match self.finished(limit) {
            Some(ran) => ran,
            None => panic!("still running after {limit:?}\n{}", self.transcript()),
        }
    }

    /// What it wrote up to now, for messages.
    pub fn transcript(&self) -> String {
        let collected = self.output.lock();
        let (stdout, stderr) = (String::from_utf8_lossy(&collected.stdout), String::from_utf8_lossy(&collected.stderr));
        format!("--- stdout\n{stdout}\n--- stderr\n{stderr}")
    }

    /// `None` when it did not end within `limit`; it is killed then.
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
        // Something that it left running may still hold the pipes: nothing more is waited for than the limit.
        let left = end.saturating_duration_since(Instant::now()).max(POLL);
        if self.output.wait(left, |collected| (collected.open_streams == 0).then_some(())).is_none() {
            self.kill_group();
            return None;
        }
        let collected = self.output.lock();
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

    /// The group keeps its id while any member lives, and has none of anybody else's: when it is empty, nothing happens.
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
