//! What a process writes to standard error: lines for the log of this program, of which there may be too many.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use ansai_core::text::inert;
use ansai_kit::redact::Redactor;
use rustix::io::Errno;

/// Bytes of a line; a longer one is cut into several.
const MOST_LINE_BYTES: usize = 1 << 10;
/// Bytes that are read at once, so that one process cannot hold up the others.
const MOST_BYTES: usize = 8 << 10;
/// What a pipe holds.
const PIPE_BYTES: usize = 64 << 10;
/// Lines that are kept in each period; more are counted.
const MOST_LINES: u32 = 100;
/// Bytes that are read in each period. Then the process has to wait when it writes more: what it writes costs this program
/// time.
const MOST_BYTES_READ: usize = 1 << 20;
const PERIOD: Duration = Duration::from_secs(60);

pub(super) struct StandardError {
    pipe: Option<OwnedFd>,
    line: Vec<u8>,
    redactor: Redactor,
    began: Instant,
    lines: u32,
    bytes: usize,
    omitted: u64,
}

impl StandardError {
    pub(super) fn new(pipe: OwnedFd) -> Self {
        StandardError {
            pipe: Some(pipe),
            line: Vec::new(),
            redactor: Redactor::new(),
            began: Instant::now(),
            lines: 0,
            bytes: 0,
            omitted: 0,
        }
    }

    /// What to wait for; `None` if there is nothing to read now.
    pub(super) fn pipe(&self) -> Option<BorrowedFd<'_>> {
        self.pipe.as_ref().filter(|_| self.pause().is_none()).map(AsFd::as_fd)
    }

    /// How long nothing is read, because there was too much.
    pub(super) fn pause(&self) -> Option<Duration> {
        let rest = PERIOD.saturating_sub(self.began.elapsed());
        (self.pipe.is_some() && self.bytes >= MOST_BYTES_READ && !rest.is_zero()).then_some(rest)
    }

    /// Reads what is there, and hands each line on.
    pub(super) fn read(&mut self, take: &mut dyn FnMut(String)) {
        if self.began.elapsed() >= PERIOD {
            self.count(take);
            (self.began, self.lines, self.bytes) = (Instant::now(), 0, 0);
        }
        let Some(pipe) = &self.pipe else { return };
        let mut buffer = vec![0; MOST_BYTES];
        match rustix::io::read(pipe, &mut buffer[..]) {
            Ok(0) => self.end(take),
            Ok(count) => {
                self.bytes = self.bytes.saturating_add(count);
                for byte in buffer.into_iter().take(count) {
                    if byte != b'\n' {
                        self.line.push(byte);
                    }
                    if byte == b'\n' || self.line.len() >= MOST_LINE_BYTES {
                        self.hand_on(take);
                    }
                }
            }
            Err(Errno::AGAIN | Errno::INTR) => {}
            Err(_) => self.end(take),
        }
    }

    /// Reads the last that is there; a process that the child started may keep the pipe open.
    pub(super) fn finish(&mut self, take: &mut dyn FnMut(String)) {
        // A pipe has no more than this. A process that the child started could go on writing.
        for _ in 0..PIPE_BYTES / MOST_BYTES {
            self.read(take);
        }
        if self.pipe.is_some() {
            self.end(take);
        }
    }

    fn end(&mut self, take: &mut dyn FnMut(String)) {
        self.pipe = None;
        if !self.line.is_empty() {
            self.hand_on(take);
        }
        self.count(take);
    }

    fn hand_on(&mut self, take: &mut dyn FnMut(String)) {
        let line = std::mem::take(&mut self.line);
        if self.lines >= MOST_LINES {
            self.omitted = self.omitted.saturating_add(1);
            return;
        }
        self.lines = self.lines.saturating_add(1);
        let text = String::from_utf8_lossy(&line);
        take(inert(&self.redactor.redact(&text).text, MOST_LINE_BYTES));
    }

    fn count(&mut self, take: &mut dyn FnMut(String)) {
        match std::mem::take(&mut self.omitted) {
            0 => {}
            1 => take("1 more line was left out".to_owned()),
            count => take(format!("{count} more lines were left out")),
        }
    }
}
