//! The one place where a command is run: a fixed program, nothing of our environment, bounded output, a limit of time,
//! and an end for all that it started.
#![expect(clippy::disallowed_methods, reason = "the adapter to programs")]

use std::io::{self, Read, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

/// Of each stream, the last so many bytes are kept.
const MOST_OUTPUT: usize = 16 << 10;
const POLL: Duration = Duration::from_millis(20);

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// By itself.
    By(ExitStatus),
    /// Ended because it took too long.
    TimeLimit,
    /// Ended because ansai was asked to stop.
    Stopped,
}

/// A command that is over.
#[derive(Debug)]
pub struct Ran {
    /// How.
    pub ended: Ended,
    /// The end of what it wrote to its standard error: at most 16 KiB.
    pub errors: String,
}

/// What is run, and how long.
#[derive(Debug, Clone, Copy)]
pub struct Program<'a> {
    /// Absolute.
    pub path: &'a Path,
    /// As they are: no shell sees them.
    pub arguments: &'a [&'a str],
    /// All of it.
    pub environment: &'a [(&'a str, &'a str)],
    /// What it can read.
    pub input: &'a [u8],
    /// How long it may take.
    pub limit: Duration,
    /// How long it may take to end once it was asked to.
    pub patience: Duration,
}

/// Runs a program and waits for it.
///
/// # Errors
/// When it cannot be started or waited for.
pub fn run(program: &Program<'_>, is_stopping: &dyn Fn() -> bool) -> io::Result<Ran> {
    let mut child = Command::new(program.path)
        .args(program.arguments)
        .env_clear()
        .envs(program.environment.iter().copied())
        .current_dir("/")
        .stdin(if program.input.is_empty() { Stdio::null() } else { Stdio::piped() })
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()?;
    if let Some(mut stream) = child.stdin.take() {
        let input = program.input.to_owned();
        // A program that does not read it must not hold us up.
        std::thread::spawn(move || stream.write_all(&input));
    }
    let errors = child.stderr.take().map(drain);
    let ended = wait(&mut child, program, is_stopping)?;
    // A process that left the group may keep the pipe open: it is not waited for.
    let errors = errors.and_then(|tail| tail.recv_timeout(Duration::from_secs(1)).ok()).unwrap_or_default();
    Ok(Ran { ended, errors: String::from_utf8_lossy(&errors).into_owned() })
}

fn wait(child: &mut Child, program: &Program<'_>, is_stopping: &dyn Fn() -> bool) -> io::Result<Ended> {
    let began = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Ended::By(status));
        }
        let cut = if is_stopping() {
            Ended::Stopped
        } else if began.elapsed() >= program.limit {
            Ended::TimeLimit
        } else {
            std::thread::sleep(POLL);
            continue;
        };
        end(child, program.patience)?;
        return Ok(cut);
    }
}

/// Asks the whole group to end, then makes it.
fn end(child: &mut Child, patience: Duration) -> io::Result<()> {
    let group = Pid::from_child(child);
    // It may have ended just now.
    let _ = kill_process_group(group, Signal::TERM);
    let asked = Instant::now();
    while asked.elapsed() < patience {
        if has_ended(child)? {
            break;
        }
        std::thread::sleep(POLL);
    }
    // While the child is not waited for, its number and its group's are nobody else's.
    let _ = kill_process_group(group, Signal::KILL);
    child.wait()?;
    Ok(())
}

/// Whether it has ended, without reaping it.
fn has_ended(child: &Child) -> io::Result<bool> {
    use rustix::process::{WaitId, WaitIdOptions, waitid};
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    Ok(waitid(WaitId::Pid(Pid::from_child(child)), options)?.is_some())
}

/// Reads to the end on a thread of its own, so that the program never waits for us, and keeps the last part.
fn drain(mut stream: impl Read + Send + 'static) -> mpsc::Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let mut tail: Vec<u8> = Vec::new();
        let mut buffer = [0; 4096];
        while let Ok(count @ 1..) = stream.read(&mut buffer) {
            tail.extend(buffer.iter().take(count));
            let surplus = tail.len().saturating_sub(MOST_OUTPUT);
            tail.drain(..surplus);
        }
        // Nobody may be waiting any more.
        let _ = sender.send(tail);
    });
    receiver
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    fn shell_program() -> Program<'static> {
        Program {
            path: Path::new("/bin/sh"),
            arguments: &[],
            environment: &[("PATH", "/usr/bin:/bin"), ("LANG", "C")],
            input: &[],
            limit: LONG,
            patience: LONG,
        }
    }

    fn shell(script: &str, limit: Duration, is_stopping: &dyn Fn() -> bool) -> Ran {
        run(&Program { arguments: &["-c", script], limit, ..shell_program() }, is_stopping).unwrap()
    }

    #[test]
    fn the_environment_is_fixed_and_input_is_empty() {
        let ran = shell("cat; env | sort >&2; exit 3", LONG, &|| false);
        assert!(matches!(ran.ended, Ended::By(status) if status.code() == Some(3)));
        let names: Vec<&str> = ran.errors.lines().filter_map(|line| line.split('=').next()).collect();
        assert_eq!(names, ["LANG", "PATH", "PWD"]);
    }

    #[test]
    fn input_is_handed_over_and_need_not_be_read() {
        let much = vec![b'x'; 1 << 20];
        let with = |script: &'static str| {
            run(&Program { arguments: &["-c", script], input: &much, ..shell_program() }, &|| false)
        };
        assert_eq!(with("wc -c >&2").unwrap().errors.trim(), "1048576");
        assert!(matches!(with("exit 0").unwrap().ended, Ended::By(status) if status.success()));
    }

    #[test]
    fn only_the_end_of_much_output_is_kept() {
        let ran = shell("head -c 300000 /dev/zero | tr '\\0' x >&2; echo end >&2", LONG, &|| false);
        assert_eq!(ran.errors.len(), MOST_OUTPUT);
        assert!(ran.errors.ends_with("xend\n"));
    }

    #[test]
    fn a_stop_ends_the_whole_group() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("pid");
        let script = format!("sleep 1000 & echo $! > {0}.new; mv {0}.new {0}; wait", file.display());
        let ran = shell(&script, LONG, &|| file.exists());
        assert_eq!(ran.ended, Ended::Stopped);
        let grandchild: u32 = std::fs::read_to_string(&file).unwrap().trim().parse().unwrap();
        // A signal was sent: it takes the time that it takes.
        while !is_over(grandchild) {
            std::thread::sleep(POLL);
        }
    }

    #[test]
    fn the_limit_ends_it_too() {
        let ran = shell("sleep 1000 & wait", Duration::from_millis(300), &|| false);
        assert_eq!(ran.ended, Ended::TimeLimit);
    }

    #[test]
    fn what_is_not_there_does_not_start() {
        assert!(run(&Program { path: Path::new("/nonexistent/program"), ..shell_program() }, &|| false).is_err());
    }

    /// Gone, or only waiting for its new parent to notice.
    fn is_over(pid: u32) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"));
        stat.map_or(true, |stat| stat.rsplit(") ").next().is_some_and(|rest| rest.starts_with(['Z', 'X'])))
    }
}
