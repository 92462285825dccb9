//! Programs, as real processes: which are run, what they get, what is kept of their output, and how they end.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "tests"
)]

mod ending;
mod output;
mod secrets;
mod surroundings;
mod trust;

use std::path::{Path, PathBuf};
use std::time::Duration;

use ansai_kit::program::{Ended, Program, Ran};

/// Longer than anything here takes.
const LONG: Duration = Duration::from_secs(60);

/// A shell that runs a script. `$1` and the following are the arguments that are added.
fn shell(script: &str) -> Program<'static> {
    Program::new(Path::new("/bin/sh")).args(["-c", script, "sh"]).limit(LONG)
}

fn run(program: &Program<'_>) -> Ran {
    program.run(&|| false).unwrap()
}

#[track_caller]
fn expect_code(ran: &Ran, code: i32) {
    assert!(matches!(ran.ended, Ended::By(status) if status.code() == Some(code)), "{ran:?}");
}

/// What it writes to standard output.
#[track_caller]
fn said(program: &Program<'_>) -> String {
    let ran = run(program);
    expect_code(&ran, 0);
    ran.stdout.to_string()
}

/// Where scripts of a test write process ids.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Place {
        Place(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// The text of a file, once it is complete: it ends with a newline.
    fn text(&self, name: &str) -> Option<String> {
        std::fs::read_to_string(self.path(name)).ok().filter(|text| text.ends_with('\n'))
    }

    /// The process ids in a file.
    fn pids(&self, name: &str) -> Vec<u32> {
        self.text(name).unwrap_or_default().lines().map(|pid| pid.parse().unwrap()).collect()
    }
}

/// Whether a process is gone, or is a zombie that its new parent has not waited for yet.
fn is_over(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"));
    stat.map_or(true, |stat| stat.rsplit(") ").next().is_some_and(|rest| rest.starts_with(['Z', 'X'])))
}
