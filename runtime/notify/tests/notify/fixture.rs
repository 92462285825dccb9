//! Messages, and servers that do what a test says.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ansai_core::{Measure, Millis, Severity, Subject, Timestamp, Unit};
use ansai_notify::channel::{Channel, ChannelSettings, Deadline, Fault, Receipt, Surroundings, open};
use ansai_notify::message::{Asked, Command, IncidentRef, Kind, Message, Moment, Notice, Step, StepState, Undo};
use tempfile::TempDir;

pub(crate) const NOW: Timestamp = Timestamp::from_millis(1_795_230_163_000);
pub(crate) const PASSWORD: &str = "correct-horse-battery";

pub(crate) fn notice(kind: Kind) -> Notice {
    let is_done = kind.is_resolving();
    Notice {
        incident: Some(IncidentRef { id: "disk-space//var/1795230122000".to_owned(), key: "/var".to_owned() }),
        instance: Some("disk-space".to_owned()),
        subject: Some(Subject::new("filesystem", "/var")),
        since: NOW - Millis::new(41_000),
        evidence: vec![Measure::count("available-bytes", 1_288_490_188, Unit::Bytes)],
        steps: vec![Step {
            state: if is_done { StepState::Done } else { StepState::Proposed },
            what: "remove 16 files below /var/cache/app".to_owned(),
            names: vec!["/var/cache/app/größer.tmp".to_owned()],
            more_names: 15,
            frees_bytes: Some(7_004_160),
            interrupts: None,
            can_undo: true,
            why: None,
        }],
        undo: is_done
            .then(|| Undo { command: "ansai undo 3f2a91".to_owned(), until: Some(NOW + Millis::from_hours(168)) }),
        timeline: vec![Moment { at: NOW - Millis::new(41_000), what: "found: /var is 93.7 % full".to_owned() }],
        asked: (kind == Kind::Held).then(|| Asked {
            who: None,
            what: "Approve the plan, or reject it.".to_owned(),
            commands: vec![Command { line: "ansai approve 3f2a91".to_owned(), does: "apply the plan".to_owned() }],
            until: Some(NOW + Millis::from_hours(24)),
        }),
        ..Notice::new("n-1", kind, Severity::Critical, "web1", NOW, "/var is 93.7 % full: 1.20 GiB available.")
    }
}

pub(crate) fn message(kind: Kind) -> Message {
    Message::new("m-1", "ops", "disk-space//var/1795230122000", "web1", NOW, vec![notice(kind)])
}

/// Characters that a header, HTML, a terminal or a chat could act on.
pub(crate) fn hostile() -> Message {
    let name = "\u{1b}[31m\u{202e}<script>alert(1)</script>\r\nBcc: all@example.org\r\n.\r\n@everyone <!channel> \u{0}";
    let mut one = notice(Kind::Held);
    one.summary = name.repeat(20);
    one.subject = Some(Subject::new(name, name.repeat(20)));
    one.steps[0].names = vec![name.repeat(20); 10];
    let mut message = Message::new("m-2", "ops", name, name, NOW, vec![one]);
    message.notices[0].host = name.to_owned();
    message.bounded()
}

pub(crate) fn channel(settings: serde_json::Value) -> Box<dyn Channel> {
    let settings: ChannelSettings = serde_json::from_value(settings).unwrap();
    open(&settings, &Surroundings::default()).unwrap()
}

pub(crate) fn send(channel: &dyn Channel, message: &Message, within: Duration) -> Result<Receipt, Fault> {
    channel.send(message, Deadline { within, is_stopping: &|| false })
}

/// A directory for secrets, with its real path.
pub(crate) struct Place(TempDir);

impl Place {
    pub(crate) fn new() -> Place {
        Place(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self) -> PathBuf {
        std::fs::canonicalize(self.0.path()).unwrap()
    }

    /// A file with this content, for its owner only.
    pub(crate) fn write(&self, name: &str, content: &str) -> PathBuf {
        let path = self.path().join(name);
        std::fs::write(&path, content).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        path
    }
}

/// A server for one connection after the other. What it was sent is kept.
pub(crate) struct Scripted {
    pub(crate) port: u16,
    pub(crate) received: Arc<Mutex<Vec<String>>>,
}

impl Scripted {
    /// Each connection is given to the script, which answers and returns what it received. The thread ends with the test
    /// process.
    pub(crate) fn start(script: impl Fn(usize, TcpStream) -> String + Send + 'static) -> Scripted {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let received = Arc::new(Mutex::new(Vec::new()));
        let kept = received.clone();
        std::thread::spawn(move || {
            for (number, stream) in listener.incoming().enumerate() {
                let Ok(stream) = stream else { continue };
                let _ = stream.set_read_timeout(Some(Duration::from_secs(10)));
                let text = script(number, stream);
                kept.lock().unwrap().push(text);
            }
        });
        Scripted { port, received }
    }

    /// An HTTP server with these answers, one for each request; the last one is repeated.
    pub(crate) fn http(answers: &[&str]) -> Scripted {
        let answers: Vec<String> = answers.iter().map(|answer| (*answer).to_owned()).collect();
        Scripted::start(move |number, mut stream| {
            let request = read_request(&stream);
            let answer = answers.get(number).or(answers.last()).cloned().unwrap_or_default();
            let _ = stream.write_all(answer.as_bytes());
            request
        })
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// Head and body of each request so far. Waits until there are so many.
    pub(crate) fn requests(&self, number: usize) -> Vec<(String, serde_json::Value)> {
        for _ in 0..500 {
            if self.received.lock().unwrap().len() >= number {
                break;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        let all = self.received.lock().unwrap();
        assert_eq!(all.len(), number);
        let split = |text: &String| {
            let (head, body) = text.split_once("\r\n\r\n").unwrap();
            (head.to_ascii_lowercase(), serde_json::from_str(body).unwrap())
        };
        all.iter().map(split).collect()
    }
}

pub(crate) fn read_request(stream: &TcpStream) -> String {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 {
            return head;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        head += &line;
        if line == "\r\n" {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    head + &String::from_utf8(body).unwrap()
}

/// Reads a line of a client.
pub(crate) fn line(reader: &mut impl std::io::BufRead) -> String {
    let mut line = String::new();
    let _ = reader.read_line(&mut line);
    line.trim_end().to_owned()
}

/// `path` as a setting.
pub(crate) fn file(path: &Path) -> serde_json::Value {
    serde_json::json!({ "file": path })
}
