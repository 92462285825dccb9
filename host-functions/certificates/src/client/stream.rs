//! A connection with a deadline for everything together: a server that sends one byte a second does not get more time.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use ansai_core::Refusal;
use ansai_core::text::inert;
use ansai_kit::redact::Redactor;

/// The longest line before TLS, and the most lines of one answer.
const LONGEST_LINE: usize = 2_000;
const MOST_LINES: usize = 100;
/// Characters of an answer that a message repeats.
const SHOWN: usize = 80;

pub(super) struct Stream {
    socket: TcpStream,
    until: Instant,
}

impl Stream {
    pub(super) fn new(socket: TcpStream, until: Instant) -> Stream {
        // What is sent is small, and each part is waited for.
        let _ = socket.set_nodelay(true);
        Stream { socket, until }
    }

    fn left(&self) -> io::Result<Option<Duration>> {
        match self.until.saturating_duration_since(Instant::now()) {
            Duration::ZERO => Err(io::ErrorKind::TimedOut.into()),
            left => Ok(Some(left)),
        }
    }

    pub(super) fn send(&mut self, bytes: &[u8]) -> Result<(), Refusal> {
        self.write_all(bytes).map_err(|error| refusal(&error))
    }

    /// Exactly so many bytes.
    pub(super) fn receive<const N: usize>(&mut self) -> Result<[u8; N], Refusal> {
        let mut bytes = [0; N];
        self.read_exact(&mut bytes).map_err(|error| refusal(&error))?;
        Ok(bytes)
    }

    /// A number of bytes that the server chose.
    pub(super) fn receive_some(&mut self, length: usize, most: usize) -> Result<Vec<u8>, Refusal> {
        if length > most {
            return Err(Refusal::Invalid(format!("its answer has {length} bytes, more than {most}")));
        }
        let mut bytes = vec![0; length];
        self.read_exact(&mut bytes).map_err(|error| refusal(&error))?;
        Ok(bytes)
    }

    /// A line without its end. Byte by byte: nothing after it may be read, because TLS follows.
    pub(super) fn line(&mut self) -> Result<String, Refusal> {
        let mut line = Vec::new();
        loop {
            let [byte] = self.receive()?;
            match byte {
                b'\n' => break,
                _ if line.len() >= LONGEST_LINE => {
                    return Err(Refusal::Invalid(format!("it sent a line of more than {LONGEST_LINE} bytes")));
                }
                byte => line.push(byte),
            }
        }
        Ok(String::from_utf8_lossy(&line).trim_end_matches('\r').to_owned())
    }

    /// Lines until `is_last` says so.
    pub(super) fn lines(&mut self, is_last: impl Fn(&str) -> bool) -> Result<Vec<String>, Refusal> {
        let mut lines = Vec::new();
        while lines.len() < MOST_LINES {
            lines.push(self.line()?);
            if lines.last().is_some_and(|line| is_last(line)) {
                return Ok(lines);
            }
        }
        Err(Refusal::Invalid(format!("its answer has more than {MOST_LINES} lines")))
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.socket.set_read_timeout(self.left()?)?;
        self.socket.read(buffer)
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.socket.set_write_timeout(self.left()?)?;
        self.socket.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Why the network failed, in plain words.
pub(super) fn refusal(error: &io::Error) -> Refusal {
    use io::ErrorKind::{ConnectionRefused, ConnectionReset, TimedOut, UnexpectedEof, WouldBlock};
    match error.kind() {
        TimedOut | WouldBlock => Refusal::TimedOut("it did not answer in time".into()),
        ConnectionRefused => Refusal::Unavailable("nothing listens there (connection refused)".into()),
        ConnectionReset | UnexpectedEof => Refusal::Unavailable("it closed the connection".into()),
        _ => Refusal::Unavailable(inert(&error.to_string(), 200)),
    }
}

/// An answer as a part of a message: masked, short, and safe for a terminal.
pub(super) fn shown(answer: &str) -> String {
    inert(&Redactor::new().redact(answer).text, SHOWN)
}
