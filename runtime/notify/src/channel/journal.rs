//! `kind = "journal"`: one entry with fields, in the native protocol of journald.

use std::path::PathBuf;

use super::{Channel, Deadline, Fault, JournalSettings, Receipt, socket, syslog};
use crate::message::Message;
use crate::render::{document, text};

pub(super) struct JournalChannel {
    socket: PathBuf,
}

impl JournalChannel {
    pub(super) fn new(settings: &JournalSettings) -> JournalChannel {
        JournalChannel { socket: settings.socket.clone() }
    }
}

impl Channel for JournalChannel {
    fn send(&self, message: &Message, deadline: Deadline<'_>) -> Result<Receipt, Fault> {
        socket::send(&self.socket, &entry(message), deadline.within)
    }

    fn kind(&self) -> &'static str {
        "journal"
    }

    fn destination(&self) -> String {
        self.socket.display().to_string()
    }
}

/// The fields of an entry. Each value has its length in front, so that none can begin another field.
pub(super) fn entry(message: &Message) -> Vec<u8> {
    let document = document(message);
    let priority = syslog::priority(message, document.tone).to_string();
    let body = format!("{}\n\n{}", document.subject, text(&document));
    let mut fields = vec![
        ("MESSAGE", body.trim_end().to_owned()),
        ("PRIORITY", priority),
        ("SYSLOG_IDENTIFIER", "ansai".to_owned()),
        ("ANSAI_MESSAGE", message.id.clone()),
    ];
    if let [one] = message.notices.as_slice() {
        fields.push(("ANSAI_KIND", one.kind.name().to_owned()));
        fields.extend(one.instance.clone().map(|instance| ("ANSAI_INSTANCE", instance)));
        fields.extend(one.incident.clone().map(|incident| ("ANSAI_INCIDENT", incident.id)));
    }
    let mut out = Vec::new();
    for (name, value) in fields {
        out.extend_from_slice(name.as_bytes());
        out.push(b'\n');
        out.extend_from_slice(&(value.len() as u64).to_le_bytes());
        out.extend_from_slice(value.as_bytes());
        out.push(b'\n');
    }
    out
}
