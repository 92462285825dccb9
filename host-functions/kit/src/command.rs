//! The only place that runs commands: a fixed program with a fixed environment, limited output and a time limit.
//! Nothing that it started keeps running.
#![expect(clippy::disallowed_methods, reason = "the adapter to programs")]

use std::io::{self, Read, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

use crate::redact::Redactor;

/// Number of bytes kept from the end of each stream.
const MOST_OUTPUT: usize = 16 << 10;
const POLL: Duration = Duration::from_millis(20);

/// Why a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// It exited, or a signal ended it.
    By(ExitStatus),
    /// It exceeded the time limit and was killed.
    TimeLimit,
    /// It was killed because ansai is stopping.
    Stopped,
}

/// The result of a command.
#[derive(Debug)]
pub struct Ran {
    /// Why it ended.
    pub ended: Ended,
    /// The end of its standard error, at most 16 KiB, without secrets: it goes into messages and the audit log.
    pub errors: String,
}

/// A command to run, with its limits.
#[derive(Debug, Clone, Copy)]
pub struct Program<'a> {
    /// Absolute path of the program.
    pub path: &'a Path,
    /// Arguments, passed without a shell.
    pub arguments: &'a [&'a str],
    /// The whole environment.
    pub environment: &'a [(&'a str, &'a str)],
    /// Standard input.
    pub input: &'a [u8],
    /// Time limit.
    pub limit: Duration,
    /// Time between SIGTERM and SIGKILL.
    pub patience: Duration,
}

/// Runs a program and waits for it.
///
/// # Errors
/// If it cannot be started or waited for.
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
        // On a separate thread, because the program may not read its input.
        std::thread::spawn(move || stream.write_all(&input));
    }
    let errors = child.stderr.take().map(drain);
    let ended = wait(&mut child, program, is_stopping)?;
    // A process that left the group may keep the pipe open, so the wait is limited.
    let errors = errors.and_then(|tail| tail.recv_timeout(Duration::from_secs(1)).ok()).unwrap_or_default();
    let errors = String::from_utf8_lossy(&errors);
    Ok(Ran { ended, errors: Redactor::new().redact(&errors).text.into_owned() })
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

/// Sends SIGTERM to the whole group, and SIGKILL after `patience`.
fn end(child: &mut Child, patience: Duration) -> io::Result<()> {
    let group = Pid::from_child(child);
    // Fails if it has just ended.
    let _ = kill_process_group(group, Signal::TERM);
    let asked = Instant::now();
    while asked.elapsed() < patience {
        if has_ended(child)? {
            break;
        }
        std::thread::sleep(POLL);
    }
    // Safe: as long as the child is not waited for, its id and its group's id are not reused.
    let _ = kill_process_group(group, Signal::KILL);
    child.wait()?;
    Ok(())
}

/// Whether it has ended, without waiting for it.
fn has_ended(child: &Child) -> io::Result<bool> {
    use rustix::process::{WaitId, WaitIdOptions, waitid};
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    Ok(waitid(WaitId::Pid(Pid::from_child(child)), options)?.is_some())
}

/// Reads everything on a separate thread, so that the program never blocks on its output; keeps the last part.
fn drain(mut stream: impl Read + Send + 'static) -> mpsc::Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let mut tail: Vec<u8> = Vec::new();
        let mut is_cut = false;
        let mut buffer = [0; 4096];
        while let Ok(count @ 1..) = stream.read(&mut buffer) {
            tail.extend(buffer.iter().take(count));
            let surplus = tail.len().saturating_sub(MOST_OUTPUT);
            tail.drain(..surplus);
            is_cut |= surplus > 0;
        }
        // The rest of a cut line may be the rest of a secret that nothing introduces any more.
        let first_line = tail.iter().position(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        if is_cut && first_line < tail.len() {
            tail.drain(..first_line);
        }
        // Fails if nobody is waiting any more.
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
    fn secrets_in_the_output_are_masked() {
        let ran = shell("echo 'login failed: password=hunter22' >&2", LONG, &|| false);
        assert_eq!(ran.errors, "login failed: password=***\n");
        // The name of the secret is cut off, and so is its value.
        let script = "printf 'password=' >&2; head -c 20000 /dev/zero | tr '\\0' x >&2; printf '\\nend\\n' >&2";
        assert_eq!(shell(script, LONG, &|| false).errors, "end\n");
    }

    #[test]
    fn a_stop_ends_the_whole_group() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("pid");
        let script = format!("sleep 1000 & echo $! > {0}.new; mv {0}.new {0}; wait", file.display());
        let ran = shell(&script, LONG, &|| file.exists());
        assert_eq!(ran.ended, Ended::Stopped);
        let grandchild: u32 = std::fs::read_to_string(&file).unwrap().trim().parse().unwrap();
        // The signal has been sent, but its effect may take a while.
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

    /// Whether the process is gone, or is a zombie that its new parent has not waited for yet.
    fn is_over(pid: u32) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"));
        stat.map_or(true, |stat| stat.rsplit(") ").next().is_some_and(|rest| rest.starts_with(['Z', 'X'])))
    }
}
