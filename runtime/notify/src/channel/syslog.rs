//! `kind = "syslog"`: one line in the form of RFC 5424 to the local daemon.

use std::path::PathBuf;

use ansai_core::Severity;
use ansai_core::text::{inert, prose};

use super::{Channel, Deadline, Fault, Receipt, SyslogSettings, socket};
use crate::message::Message;
use crate::render::words::time;
use crate::render::{Tone, document};

/// Facility `daemon`.
const DAEMON: u8 = 3;
/// Daemons accept 2 KiB at least (RFC 5424, section 6.1).
const MOST_BYTES: usize = 2_000;
const MOST_NAME: usize = 48;

pub(super) struct SyslogChannel {
    socket: PathBuf,
}

impl SyslogChannel {
    pub(super) fn new(settings: &SyslogSettings) -> SyslogChannel {
        SyslogChannel { socket: settings.socket.clone() }
    }
}

impl Channel for SyslogChannel {
    fn send(&self, message: &Message, deadline: Deadline<'_>) -> Result<Receipt, Fault> {
        socket::send(&self.socket, line(message).as_bytes(), deadline.within)
    }

    fn kind(&self) -> &'static str {
        "syslog"
    }

    fn destination(&self) -> String {
        self.socket.display().to_string()
    }
}

/// The severity of syslog, from 0 (emergency) to 7 (debug).
pub(super) fn priority(message: &Message, tone: Tone) -> u8 {
    match (tone, message.severity()) {
        (Tone::Good, _) => 5,
        (Tone::Neutral, _) => 6,
        (_, Severity::Emergency) => 1,
        (_, Severity::Critical) => 2,
        (_, Severity::Warning) => 4,
        (_, Severity::Notice) => 5,
    }
}

/// `<28>1 2026-11-21T03:02:43Z web1 ansai - healed - [ansai] web1: RESOLVED disk /var …`.
pub(super) fn line(message: &Message) -> String {
    let document = document(message);
    let code = DAEMON * 8 + priority(message, document.tone);
    let (kind, details) = match message.notices.as_slice() {
        [one] => {
            let incident = one.incident.as_ref().map(|incident| format!(" (incident {})", inert(&incident.id, 200)));
            (one.kind.name(), format!(": {}{}", prose(&one.summary, 400), incident.unwrap_or_default()))
        }
        _ => ("several", String::new()),
    };
    let (time, host) = (time::rfc3339(message.at), name(&message.host));
    let mut line = format!("<{code}>1 {time} {host} ansai - {kind} - {}{details}", document.subject);
    if line.len() > MOST_BYTES {
        line.truncate(line.floor_char_boundary(MOST_BYTES));
    }
    line
}

/// A host name of printable ASCII without spaces.
fn name(text: &str) -> String {
    let name: String = text.chars().filter(char::is_ascii_graphic).take(MOST_NAME).collect();
    if name.is_empty() { "-".to_owned() } else { name }
}
