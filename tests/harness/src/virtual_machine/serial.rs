//! A machine that is on, and its second serial line: commands go in, and what they did comes out.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::command::Ran;
use crate::daemon::Daemon;

/// How long qemu may take until it listens.
const START_LIMIT: Duration = Duration::from_secs(60);
/// How long an answer may take until it is asked for again.
const AGAIN: Duration = Duration::from_secs(20);

pub(super) struct Running {
    pub(super) qemu: Daemon,
    serial: BufReader<UnixStream>,
    /// Of the last command.
    number: u32,
}

impl Running {
    #[track_caller]
    pub(super) fn new(qemu: Daemon, socket: &Path) -> Running {
        let serial = connected(socket, &qemu);
        Running { qemu, serial: BufReader::new(serial), number: 0 }
    }

    /// Runs a line for bash inside.
    #[track_caller]
    pub(super) fn exec(&mut self, command: &str, limit: Duration) -> Ran {
        assert!(!command.contains('\n'), "one line: {command}");
        self.number += 1;
        let number = self.number;
        self.send(&format!("{number} {command}\n"));
        let answer = self.line(&format!("ended {number} "), limit);
        Running::ran(command, &answer)
    }

    /// Waits until it answers again. The line loses what is written to it while the machine wakes up.
    #[track_caller]
    pub(super) fn answers_again(&mut self, limit: Duration) {
        let end = Instant::now() + limit;
        loop {
            self.number += 1;
            let number = self.number;
            // The first newline ends what is left of an earlier try.
            self.send(&format!("\n{number} true\n"));
            match self.heard(&format!("ended {number} "), AGAIN) {
                Ok(_) => return,
                Err(error) => assert!(Instant::now() < end, "{error}"),
            }
        }
    }

    #[track_caller]
    fn ran(command: &str, answer: &str) -> Ran {
        let mut words = answer.split(' ').skip(2);
        let code = words.next().and_then(|code| code.parse().ok());
        let mut output = || {
            let bytes = words.next().and_then(|word| hex::decode(word.strip_suffix('.')?).ok());
            bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        };
        match (code, output(), output()) {
            (Some(code), Some(stdout), Some(stderr)) => Ran { code, peak_memory: 0, stdout, stderr },
            _ => panic!("{command}: {answer:?} is no answer"),
        }
    }

    #[track_caller]
    pub(super) fn send(&mut self, line: &str) {
        if let Err(error) = self.serial.get_mut().write_all(line.as_bytes()) {
            panic!("the machine does not listen: {error}\n{}", self.qemu.transcript());
        }
    }

    /// The next line with this beginning.
    #[track_caller]
    pub(super) fn line(&mut self, beginning: &str, limit: Duration) -> String {
        self.heard(beginning, limit).unwrap_or_else(|error| panic!("{error}"))
    }

    /// The same; `Err` tells that it did not come.
    fn heard(&mut self, beginning: &str, limit: Duration) -> Result<String, String> {
        let end = Instant::now() + limit;
        let mut line = Vec::new();
        loop {
            // Zero would be no limit.
            let left = end.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
            self.serial.get_ref().set_read_timeout(Some(left)).expect("a socket has a time limit");
            match self.serial.read_until(b'\n', &mut line) {
                Ok(length) if length > 0 && line.ends_with(b"\n") => {}
                ended => {
                    return Err(format!("no {beginning:?} after {limit:?}: {ended:?}\n{}", self.qemu.transcript()));
                }
            }
            let text = String::from_utf8_lossy(&line).trim_end().to_owned();
            if text.starts_with(beginning) {
                return Ok(text);
            }
            line.clear();
        }
    }
}

/// The second serial line. qemu begins to boot when somebody listens to it.
#[track_caller]
fn connected(socket: &Path, qemu: &Daemon) -> UnixStream {
    let began = Instant::now();
    loop {
        match UnixStream::connect(socket) {
            Ok(serial) => return serial,
            Err(error) if began.elapsed() > START_LIMIT => {
                panic!("qemu did not start: {error}\n{}", qemu.transcript())
            }
            Err(_) => std::thread::sleep(Duration::from_millis(20)),
        }
    }
}
