//! The journal of systemd, by its native protocol: a message with fields that people can search.

use std::io::ErrorKind;
use std::os::unix::net::UnixDatagram;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use ansai_core::Code;
use ansai_core::text::inert;
use rustix::fd::AsFd;

use crate::environment;

const SOCKET: &str = "/run/systemd/journal/socket";
/// How long an entry may wait for a journal that does not read.
const LIMIT: Duration = Duration::from_secs(1);
/// After that, nothing is sent for so long: a journal that hangs must not slow ansai down.
const REST: Duration = Duration::from_secs(10);
/// Longer messages are cut. The kernel takes datagrams up to about 200 KiB.
const MOST_MESSAGE_BYTES: usize = 64 << 10;
/// Longer values of fields are cut, in characters.
const MOST_FIELD: usize = 1_000;

/// How urgent an entry is, as syslog numbers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Priority {
    /// An incident that is an emergency. The two levels above are for the system: `emerg` interrupts all terminals.
    Critical = 2,
    Error = 3,
    Warning = 4,
    /// Normal, and worth a look: what changes the host.
    Notice = 5,
    Info = 6,
    Debug = 7,
}

/// One entry.
pub(crate) struct Entry(Vec<u8>);

impl Entry {
    pub(crate) fn new(priority: Priority, message: &str) -> Entry {
        let mut message = message;
        if let Some((at, _)) = message.char_indices().find(|(at, c)| at + c.len_utf8() > MOST_MESSAGE_BYTES) {
            message = message.get(..at).unwrap_or_default();
        }
        let mut entry = Entry(Vec::with_capacity(message.len() + 200));
        entry.add("MESSAGE", message.as_bytes());
        entry.add("PRIORITY", (priority as u8).to_string().as_bytes());
        entry.add("SYSLOG_IDENTIFIER", b"ansai");
        entry
    }

    /// Adds a field. Names of policies and of the host are shown as everywhere else: in one line.
    pub(crate) fn field(mut self, name: &'static str, value: Option<&str>) -> Entry {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            self.add(name, inert(value, MOST_FIELD).as_bytes());
        }
        self
    }

    /// The name, the length of the value, the value. With its length before it, no value can end early: a line break in
    /// it begins no other field.
    fn add(&mut self, name: &str, value: &[u8]) {
        self.0.extend_from_slice(name.as_bytes());
        self.0.push(b'\n');
        self.0.extend_from_slice(&(value.len() as u64).to_le_bytes());
        self.0.extend_from_slice(value);
        self.0.push(b'\n');
    }
}

/// A connection to the journal.
pub(crate) struct Journal {
    socket: UnixDatagram,
    path: &'static str,
    lost: Mutex<Lost>,
}

/// Entries that the journal did not take.
#[derive(Default)]
struct Lost {
    count: u64,
    rests_until: Option<Instant>,
}

/// The journal, if standard error is connected to it.
pub(crate) fn of_stderr() -> Option<&'static Journal> {
    is_connected(&std::io::stderr()).then(journal).flatten()
}

/// The journal, if standard output is connected to it.
pub(crate) fn of_stdout() -> Option<&'static Journal> {
    is_connected(&std::io::stdout()).then(journal).flatten()
}

/// Writes a fault or a warning with its code, in place of standard error; `false` if that is not connected to the journal.
pub(crate) fn tell(priority: Priority, code: Code, message: &str) -> bool {
    of_stderr()
        .is_some_and(|journal| journal.send(&Entry::new(priority, message).field("ANSAI_CODE", Some(code.word()))))
}

/// systemd names the device and the inode of what it connected. A program that was given other streams has the variable
/// too, and they differ.
fn is_connected(stream: &impl AsFd) -> bool {
    let Some(named) = environment::journal_stream() else { return false };
    rustix::fs::fstat(stream).is_ok_and(|found| (found.st_dev, found.st_ino) == named)
}

fn journal() -> Option<&'static Journal> {
    static JOURNAL: OnceLock<Option<Journal>> = OnceLock::new();
    JOURNAL.get_or_init(|| Journal::at(SOCKET).ok()).as_ref()
}

impl Journal {
    fn at(path: &'static str) -> std::io::Result<Journal> {
        let socket = UnixDatagram::unbound()?;
        socket.set_write_timeout(Some(LIMIT))?;
        Ok(Journal { socket, path, lost: Mutex::default() })
    }

    /// Sends an entry; `false` if there is no journal, so that the caller writes to its stream. One that does not read
    /// loses entries, and an entry that follows says how many: the audit log has all events.
    pub(crate) fn send(&self, entry: &Entry) -> bool {
        let mut lost = self.lost.lock().unwrap_or_else(PoisonError::into_inner);
        if lost.rests_until.is_some_and(|until| Instant::now() < until) {
            lost.count += 1;
            return true;
        }
        let sent = self.socket.send_to(&entry.0, self.path);
        match sent {
            Ok(_) => {
                lost.rests_until = None;
                let count = std::mem::take(&mut lost.count);
                if count > 0 {
                    let message = format!("the journal did not answer: {count} earlier messages are lost");
                    let _ = self.socket.send_to(&Entry::new(Priority::Warning, &message).0, self.path);
                }
                true
            }
            Err(error) if [ErrorKind::WouldBlock, ErrorKind::TimedOut].contains(&error.kind()) => {
                lost.count += 1;
                lost.rests_until = Instant::now().checked_add(REST);
                true
            }
            Err(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use super::*;

    /// The fields of an entry, as the journal reads them.
    fn read(entry: &[u8]) -> Vec<(String, String)> {
        let (mut fields, mut rest) = (Vec::new(), entry);
        while !rest.is_empty() {
            let end = rest.iter().position(|byte| *byte == b'\n').unwrap();
            let name = String::from_utf8(rest[..end].to_vec()).unwrap();
            let length = u64::from_le_bytes(rest[end + 1..end + 9].try_into().unwrap());
            let value = &rest[end + 9..][..usize::try_from(length).unwrap()];
            assert_eq!(rest[end + 9 + value.len()], b'\n');
            fields.push((name, String::from_utf8(value.to_vec()).unwrap()));
            rest = &rest[end + 10 + value.len()..];
        }
        fields
    }

    fn pair(name: &str, value: &str) -> (String, String) {
        (name.to_owned(), value.to_owned())
    }

    #[test]
    fn no_value_forges_a_field() {
        let hostile = "x\nPRIORITY=0\nANSAI_INSTANCE=forged\n";
        let entry =
            Entry::new(Priority::Warning, hostile).field("ANSAI_INCIDENT", Some(hostile)).field("ANSAI_PLAN", None);
        let expected = [
            pair("MESSAGE", hostile),
            pair("PRIORITY", "4"),
            pair("SYSLOG_IDENTIFIER", "ansai"),
            pair("ANSAI_INCIDENT", "x\\nPRIORITY=0\\nANSAI_INSTANCE=forged\\n"),
        ];
        assert_eq!(read(&entry.0), expected);
    }

    #[test]
    fn a_message_is_cut_between_two_characters() {
        let long = "é".repeat(MOST_MESSAGE_BYTES);
        let fields = read(&Entry::new(Priority::Info, &long).0);
        assert_eq!(fields[0].1.len(), MOST_MESSAGE_BYTES);
        let longer = format!("x{long}");
        assert_eq!(read(&Entry::new(Priority::Info, &longer).0)[0].1.len(), MOST_MESSAGE_BYTES - 1);
    }

    #[test]
    fn a_journal_that_does_not_read_costs_one_wait_and_its_losses_are_told() {
        let place = tempfile::tempdir().unwrap();
        let path: &'static str = place.path().join("socket").to_str().unwrap().to_owned().leak();
        let journal = Journal::at(path).unwrap();
        let entry = || Entry::new(Priority::Info, &"x".repeat(10_000));
        assert!(!journal.send(&entry()), "there is no journal");
        let socket = UnixDatagram::bind(path).unwrap();
        // Until its queue is full; then everything is lost at once.
        let began = Instant::now();
        let mut sent = 0;
        while journal.lost.lock().unwrap().count == 0 && sent < 100_000 {
            assert!(journal.send(&entry()));
            sent += 1;
        }
        assert!(began.elapsed() >= LIMIT, "{sent}");
        for _ in 0..1_000 {
            assert!(journal.send(&entry()));
        }
        assert_eq!(journal.lost.lock().unwrap().count, 1_001);
        // It reads again, and the rest is over.
        socket.set_nonblocking(true).unwrap();
        let mut buffer = vec![0; 20_000];
        while socket.recv(&mut buffer).is_ok() {}
        journal.lost.lock().unwrap().rests_until = None;
        assert!(journal.send(&entry()));
        socket.recv(&mut buffer).unwrap();
        let length = socket.recv(&mut buffer).unwrap();
        assert!(read(&buffer[..length])[0].1.contains("1001 earlier messages are lost"));
    }
}
