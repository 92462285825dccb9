//! The local sendmail, or a program with its interface.

use std::path::Path;

use lettre::address::Envelope;

use crate::channel::{Deadline, Fault, Receipt, command};

/// Passes the mail to the program: `-i` keeps a line with a single dot from ending it.
pub(super) fn send(program: &Path, envelope: &Envelope, mail: &[u8], deadline: Deadline<'_>) -> Result<Receipt, Fault> {
    let mut arguments = vec!["-i".to_owned()];
    if let Some(from) = envelope.from() {
        arguments.extend(["-f".to_owned(), from.to_string()]);
    }
    arguments.push("--".to_owned());
    arguments.extend(envelope.to().iter().map(ToString::to_string));
    // Programs expect the line ends of this system.
    let mut lines = Vec::with_capacity(mail.len());
    for line in mail.split_inclusive(|byte| *byte == b'\n') {
        match line.strip_suffix(b"\r\n") {
            Some(text) => {
                lines.extend_from_slice(text);
                lines.push(b'\n');
            }
            None => lines.extend_from_slice(line),
        }
    }
    command::run(program, &arguments, &lines, deadline)
}
