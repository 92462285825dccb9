//! What qemu is asked and told about its machine, by its protocol QMP: JSON in lines.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// How long an answer may take, and a machine to fall asleep.
const LIMIT: Duration = Duration::from_secs(300);
const POLL: Duration = Duration::from_millis(100);

pub(super) struct Monitor(BufReader<UnixStream>);

impl Monitor {
    #[track_caller]
    pub(super) fn connect(socket: &Path) -> Monitor {
        let stream = UnixStream::connect(socket).unwrap_or_else(|error| panic!("{}: {error}", socket.display()));
        stream.set_read_timeout(Some(LIMIT)).expect("a socket has a time limit");
        let mut monitor = Monitor(BufReader::new(stream));
        monitor.execute("qmp_capabilities");
        monitor
    }

    /// The answer to a command. The greeting and events are no answers.
    #[track_caller]
    fn execute(&mut self, command: &str) -> Value {
        let line = format!("{}\n", json!({ "execute": command }));
        self.0.get_mut().write_all(line.as_bytes()).expect("qemu listens");
        loop {
            let mut line = String::new();
            let length = self.0.read_line(&mut line).expect("qemu answers");
            assert!(length > 0, "qemu ended before it answered {command}");
            let answer: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{line:?}: {error}"));
            assert!(answer.get("error").is_none(), "{command}: {answer}");
            if let Some(answer) = answer.get("return") {
                return answer.clone();
            }
        }
    }

    /// Waits until the machine sleeps.
    #[track_caller]
    pub(super) fn wait_for_sleep(&mut self) {
        let began = Instant::now();
        while self.execute("query-status")["status"] != "suspended" {
            assert!(began.elapsed() < LIMIT, "the machine did not fall asleep");
            std::thread::sleep(POLL);
        }
    }

    #[track_caller]
    pub(super) fn wake_up(&mut self) {
        self.execute("system_wakeup");
    }
}
