//! A bus for tests that answers as it is told: wrongly, late or never.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, clippy::indexing_slicing, reason = "tests")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::num::NonZeroU32;
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ansai_kit::host::Host;
use tempfile::TempDir;
use zbus::Message;
use zbus::message::Header;

/// What the bus does with a call.
pub(crate) enum Answer {
    /// Answers with the message that this makes for the call.
    Reply(Box<dyn Fn(&Header<'_>) -> Message>),
    /// Writes these bytes, and answers.
    After(Vec<u8>, Box<dyn Fn(&Header<'_>) -> Message>),
    /// Writes these bytes.
    Raw(Vec<u8>),
    /// Never answers.
    Hang,
    /// Ends the connection.
    Close,
}

/// Answers a call by its method.
type Answers = dyn Fn(&str) -> Answer + Send + Sync;

/// A bus below a temporary root.
pub(crate) struct FakeBus {
    root: TempDir,
    ends: Arc<AtomicBool>,
}

/// An answer with this body.
pub(crate) fn reply<B>(body: B) -> Answer
where
    B: serde::Serialize + zbus::DynamicType + 'static,
{
    Answer::Reply(Box::new(move |call| Message::method_return(call).build(&body).unwrap()))
}

/// An error of this name.
pub(crate) fn error(name: &'static str) -> Answer {
    Answer::Reply(Box::new(move |call| Message::error(call, name).build(&("no",)).unwrap()))
}

impl FakeBus {
    /// A bus on which systemd seems to run. What connecting needs is answered by itself.
    pub(crate) fn start(answers: impl Fn(&str) -> Answer + Send + Sync + 'static) -> FakeBus {
        FakeBus::start_with_systemd(move |member| if member == "Subscribe" { reply(()) } else { answers(member) })
    }

    /// The same, and `answers` is also asked what systemd answers to `Subscribe`.
    pub(crate) fn start_with_systemd(answers: impl Fn(&str) -> Answer + Send + Sync + 'static) -> FakeBus {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(root.path().join("run/dbus")).unwrap();
        std::fs::create_dir_all(root.path().join("run/systemd/system")).unwrap();
        let listener = UnixListener::bind(root.path().join("run/dbus/system_bus_socket")).unwrap();
        let ends = Arc::new(AtomicBool::new(false));
        let (has_ended, answers): (_, Arc<Answers>) = (ends.clone(), Arc::new(answers));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if has_ended.load(Ordering::SeqCst) {
                    return;
                }
                let answers = answers.clone();
                std::thread::spawn(move || serve(stream.unwrap(), answers.as_ref()));
            }
        });
        FakeBus { root, ends }
    }

    pub(crate) fn host(&self) -> Host {
        Host::at(self.root.path())
    }
}

impl Drop for FakeBus {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::SeqCst);
        let _ = UnixStream::connect(self.root.path().join("run/dbus/system_bus_socket"));
    }
}

/// Until the peer or an answer ends the connection.
fn serve(stream: UnixStream, answers: &Answers) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut writer = stream;
    let mut line = String::new();
    while !line.ends_with("BEGIN\r\n") {
        line.clear();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if line.contains("AUTH") {
            writer.write_all(b"OK 0123456789abcdef0123456789abcdef\r\n").ok()?;
        } else if line.contains("NEGOTIATE_UNIX_FD") {
            writer.write_all(b"AGREE_UNIX_FD\r\n").ok()?;
        }
    }
    loop {
        let (serial, member) = call(&mut reader)?;
        let of = Message::method_call("/", "Call").serial(serial).build(&()).unwrap();
        let answer = match member.as_str() {
            "Hello" => reply((":1.7",)),
            "AddMatch" | "RemoveMatch" => reply(()),
            member => answers(member),
        };
        match answer {
            Answer::Reply(make) => writer.write_all(make(&of.header()).data()).ok()?,
            Answer::After(bytes, make) => {
                writer.write_all(&bytes).ok()?;
                writer.write_all(make(&of.header()).data()).ok()?;
            }
            Answer::Raw(bytes) => writer.write_all(&bytes).ok()?,
            Answer::Hang => {}
            Answer::Close => {
                writer.shutdown(std::net::Shutdown::Both).ok()?;
                return None;
            }
        }
    }
}

/// Serial and method of the next call.
fn call(reader: &mut BufReader<UnixStream>) -> Option<(NonZeroU32, String)> {
    let mut head = [0; 16];
    reader.read_exact(&mut head).ok()?;
    let number = |at: usize| u32::from_le_bytes(head[at..at + 4].try_into().unwrap());
    let (body, serial, fields) = (number(4) as usize, number(8), number(12) as usize);
    let mut rest = vec![0; fields.next_multiple_of(8) + body];
    reader.read_exact(&mut rest).ok()?;
    // The field with the method: its code, the signature `s`, and a length of four bytes.
    let at = rest.windows(4).position(|bytes| bytes == [3, 1, b's', 0])?;
    let length = u32::from_le_bytes(rest[at + 4..at + 8].try_into().unwrap()) as usize;
    let member = String::from_utf8(rest[at + 8..at + 8 + length].to_vec()).ok()?;
    Some((NonZeroU32::new(serial)?, member))
}
