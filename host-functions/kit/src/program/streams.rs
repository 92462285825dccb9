//! The standard streams of a program, as pipes that are never waited for without a limit: a process that left the group
//! may keep them open.

use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::io::Errno;

use super::Output;
use super::output::Kept;
use crate::redact::Redactor;

/// How long the rest of the output is read after the program has ended. Usually it is there at once.
const REST: Duration = Duration::from_millis(200);
const BUFFER_BYTES: usize = 64 << 10;

pub(super) struct Streams<'a> {
    stdin: Option<(OwnedFd, &'a [u8])>,
    stdout: Stream,
    stderr: Stream,
    buffer: Vec<u8>,
}

/// A pipe that is read until its other end is closed.
struct Stream {
    pipe: Option<OwnedFd>,
    kept: Kept,
}

impl<'a> Streams<'a> {
    pub(super) fn new(
        (stdin, input): (Option<OwnedFd>, &'a [u8]),
        stdout: Option<OwnedFd>,
        stderr: Option<OwnedFd>,
        kept_bytes: usize,
    ) -> io::Result<Self> {
        for pipe in [&stdin, &stdout, &stderr].into_iter().flatten() {
            // The flag is that of our end: the program's end of a pipe has its own.
            fcntl_setfl(pipe, fcntl_getfl(pipe)? | OFlags::NONBLOCK)?;
        }
        let stream = |pipe| Stream { pipe, kept: Kept::new(kept_bytes) };
        Ok(Streams {
            stdin: stdin.map(|pipe| (pipe, input)),
            stdout: stream(stdout),
            stderr: stream(stderr),
            buffer: vec![0; BUFFER_BYTES],
        })
    }

    /// Only standard output, for somebody else to read.
    pub(super) fn into_stdout(self) -> Option<OwnedFd> {
        self.stdout.pipe
    }

    /// Waits until something can be transferred, but not longer than `limit`, and transfers it.
    pub(super) fn transfer(&mut self, limit: Duration) {
        let began = Instant::now();
        if !self.wait(limit) {
            // Without a pipe, or after an interruption, the caller would otherwise not pause at all.
            std::thread::sleep(limit.saturating_sub(began.elapsed()));
        }
        self.write();
        self.stdout.read(&mut self.buffer);
        self.stderr.read(&mut self.buffer);
    }

    /// Reads the rest of the output and removes secrets from each stream.
    pub(super) fn finish(mut self, of_stdout: &[&Redactor], of_stderr: &[&Redactor]) -> (Output, Output) {
        let began = Instant::now();
        for stream in [&mut self.stdout, &mut self.stderr] {
            while stream.read(&mut self.buffer) && began.elapsed() < REST {}
        }
        (self.stdout.kept.into_output(of_stdout), self.stderr.kept.into_output(of_stderr))
    }

    /// Whether a pipe is ready.
    fn wait(&self, limit: Duration) -> bool {
        let readers = [&self.stdout, &self.stderr].into_iter().filter_map(|stream| stream.pipe.as_ref());
        let mut pipes: Vec<PollFd<'_>> = readers.map(|pipe| PollFd::new(pipe, PollFlags::IN)).collect();
        pipes.extend(self.stdin.as_ref().map(|(pipe, _)| PollFd::new(pipe, PollFlags::OUT)));
        let limit = Timespec {
            tv_sec: i64::try_from(limit.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: limit.subsec_nanos().into(),
        };
        !pipes.is_empty() && poll(&mut pipes, Some(&limit)).is_ok()
    }

    fn write(&mut self) {
        let Some((pipe, rest)) = &mut self.stdin else { return };
        match rustix::io::write(pipe, rest) {
            Ok(count) => *rest = rest.get(count..).unwrap_or_default(),
            Err(Errno::AGAIN | Errno::INTR) => return,
            // The program does not read any more.
            Err(_) => *rest = &[],
        }
        if rest.is_empty() {
            self.stdin = None;
        }
    }
}

impl Stream {
    /// Reads once. Whether there was something.
    fn read(&mut self, buffer: &mut [u8]) -> bool {
        let Some(pipe) = self.pipe.as_ref().map(|pipe| pipe.as_fd()) else { return false };
        match read(pipe, buffer) {
            Ok([]) => {
                self.pipe = None;
                false
            }
            Ok(bytes) => {
                self.kept.add(bytes);
                true
            }
            Err(Errno::INTR) => true,
            Err(_) => false,
        }
    }
}

fn read<'b>(pipe: BorrowedFd<'_>, buffer: &'b mut [u8]) -> rustix::io::Result<&'b [u8]> {
    let count = rustix::io::read(pipe, &mut *buffer)?;
    Ok(buffer.get(..count).unwrap_or_default())
}
