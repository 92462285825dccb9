//! One mail by SMTP (RFC 5321).
//!
//! The client is our own because a time limit for the whole conversation and bounds for what the server says matter more
//! here than speed. Mails are composed by `lettre`, which also encodes the login.

use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use ansai_kit::redact::Redactor;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::{ClientConfig, RootCertStore};
use serde::{Deserialize, Serialize};

use super::Mail;
use super::reply::{Buffer, Reply};
use super::stream::{Limited, Stream};
use crate::channel::answer::shown;
use crate::channel::{Deadline, Fault, Receipt, Tls};

/// A mail server.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(in crate::channel) struct Server {
    pub(in crate::channel) host: String,
    pub(in crate::channel) port: u16,
    pub(in crate::channel) tls: Tls,
    pub(in crate::channel) ca_file: Option<PathBuf>,
}

impl Server {
    /// Whether mails to it are encrypted.
    pub(in crate::channel) fn is_encrypted(&self) -> bool {
        self.tls != Tls::None
    }
}

impl Mail {
    /// Sends it to all recipients that the server accepts.
    pub(in crate::channel) fn send(&self, redactor: &Redactor, deadline: Deadline<'_>) -> Result<Receipt, Fault> {
        let mut talk = Conversation::open(&self.server, redactor, deadline)?;
        if let Some((user, password)) = &self.login {
            let password = std::str::from_utf8(password.expose());
            talk.authenticate(user, password.map_err(|_| Fault::later("the password is not UTF-8"))?)?;
        }
        let answer = talk.deliver(self)?;
        talk.quit();
        Ok(Receipt { answer })
    }
}

struct Conversation<'a> {
    stream: Stream<'a>,
    buffer: Buffer,
    redactor: &'a Redactor,
    /// The answer to EHLO.
    extensions: Reply,
}

impl<'a> Conversation<'a> {
    /// Connects, encrypts and greets. A refusal here is about the server or this host, not about the mail, so a later
    /// attempt may succeed.
    fn open(server: &Server, redactor: &'a Redactor, deadline: Deadline<'a>) -> Result<Conversation<'a>, Fault> {
        let limited = Limited::connect(&server.host, server.port, server.tls == Tls::None, deadline)?;
        let config = match server.tls {
            Tls::None => None,
            Tls::Starttls | Tls::Tls => Some(configuration(server)?),
        };
        let stream = match (&config, server.tls) {
            (Some(config), Tls::Tls) => Stream::encrypt(limited, &server.host, config.clone())?,
            _ => Stream::Plain(limited),
        };
        let extensions = Reply { code: 0, lines: Vec::new() };
        let mut talk = Conversation { stream, buffer: Buffer::default(), redactor, extensions };
        let greeting = talk.read("the greeting")?;
        talk.expect(greeting, "the greeting").map_err(temporary)?;
        talk.greet()?;
        match (config, server.tls) {
            (Some(config), Tls::Starttls) => talk.starttls(server, config),
            _ => Ok(talk),
        }
    }

    fn greet(&mut self) -> Result<(), Fault> {
        // Not the name of this host: servers check it, and here it proves nothing.
        self.extensions = self.ask("EHLO [127.0.0.1]", "EHLO").map_err(temporary)?;
        Ok(())
    }

    fn starttls(mut self, server: &Server, config: Arc<ClientConfig>) -> Result<Conversation<'a>, Fault> {
        if self.extensions.extension("STARTTLS").is_none() {
            return Err(Fault::later(format!("{} does not offer STARTTLS", server.host)));
        }
        self.ask("STARTTLS", "STARTTLS").map_err(temporary)?;
        // What came in the clear would be read as if it were encrypted.
        let Stream::Plain(limited) = self.stream else { return Err(Fault::later("STARTTLS within TLS")) };
        if !self.buffer.is_empty() {
            return Err(Fault::later(format!("{} sends commands in the clear after STARTTLS", server.host)));
        }
        self.stream = Stream::encrypt(limited, &server.host, config)?;
        self.greet()?;
        Ok(self)
    }

    fn authenticate(&mut self, user: &str, password: &str) -> Result<(), Fault> {
        let offered: Vec<String> = self
            .extensions
            .extension("AUTH")
            .unwrap_or_default()
            .split_whitespace()
            .map(str::to_ascii_uppercase)
            .collect();
        let offers = |name: &str| offered.iter().any(|one| one == name);
        let encoded = |text: &str| STANDARD.encode(text);
        // LOGIN asks for the user, then for the password.
        let lines = match (offers("PLAIN"), offers("LOGIN")) {
            (true, _) => vec![format!("AUTH PLAIN {}", encoded(&format!("\0{user}\0{password}")))],
            (false, true) => vec!["AUTH LOGIN".to_owned(), encoded(user), encoded(password)],
            (false, false) => return Err(Fault::later("the server offers neither AUTH PLAIN nor AUTH LOGIN")),
        };
        for line in lines {
            let reply = self.ask(&line, "AUTH").map_err(temporary)?;
            if reply.code != 334 {
                return Ok(());
            }
        }
        Err(Fault::later("the server does not end the login"))
    }

    /// Sends the mail. If the server refuses some recipients for good, the others get it, and the answer names the
    /// refused ones. If it refuses one for now, nobody gets it yet, because a second attempt would send it twice to
    /// others.
    fn deliver(&mut self, mail: &Mail) -> Result<String, Fault> {
        self.ask(&format!("MAIL FROM:<{}>", mail.from), "MAIL")?;
        let mut refused = Vec::new();
        for to in &mail.to {
            if let Some(why) = self.recipient(to)? {
                refused.push(why);
            }
        }
        if refused.len() == mail.to.len() {
            return Err(Fault::never(refused.join("; ")));
        }
        let reply = self.ask("DATA", "DATA")?;
        if reply.code != 354 {
            return Err(Fault::later(format!(
                "the server answered DATA with {}",
                shown(&reply.to_string(), self.redactor)
            )));
        }
        let failed = |error: std::io::Error| Fault::later(format!("the connection ended within the mail: {error}"));
        self.stream.write_all(&stuffed(mail.content.expose())).and_then(|()| self.stream.flush()).map_err(failed)?;
        // From here on the server may have it.
        let in_doubt = |why: String| Fault::unknown(format!("the connection ended before the answer: {why}"));
        let ended = self.stream.write_all(b".\r\n").and_then(|()| self.stream.flush());
        ended.map_err(|error| in_doubt(error.to_string()))?;
        let reply = self.buffer.reply(&mut self.stream).map_err(|error| in_doubt(error.to_string()))?;
        let reply = self.expect(reply, "the mail")?;
        let refused = if refused.is_empty() { String::new() } else { format!("; refused: {}", refused.join("; ")) };
        Ok(format!("{}{refused}", shown(&reply.to_string(), self.redactor)))
    }

    /// Why the server refuses a recipient for good.
    fn recipient(&mut self, to: &str) -> Result<Option<String>, Fault> {
        match self.ask(&format!("RCPT TO:<{to}>"), "RCPT") {
            Ok(_) => Ok(None),
            Err(Fault::Never { why }) => Ok(Some(format!("{to}: {why}"))),
            Err(fault) => Err(fault),
        }
    }

    /// The mail is accepted already, so an error here means nothing.
    fn quit(&mut self) {
        let _ = self.stream.write_all(b"QUIT\r\n").and_then(|()| self.stream.flush());
    }

    fn ask(&mut self, line: &str, what: &str) -> Result<Reply, Fault> {
        let sent = self.stream.write_all(format!("{line}\r\n").as_bytes()).and_then(|()| self.stream.flush());
        sent.map_err(|error| Fault::later(format!("the connection ended at {what}: {error}")))?;
        let reply = self.read(what)?;
        self.expect(reply, what)
    }

    fn read(&mut self, what: &str) -> Result<Reply, Fault> {
        let reply = self.buffer.reply(&mut self.stream);
        reply.map_err(|error| Fault::later(format!("no answer to {what}: {error}")))
    }

    fn expect(&self, reply: Reply, what: &str) -> Result<Reply, Fault> {
        if reply.is_positive() {
            return Ok(reply);
        }
        let why = format!("the server answered {what} with {}", shown(&reply.to_string(), self.redactor));
        Err(if reply.is_permanent() { Fault::never(why) } else { Fault::later(why) })
    }
}

/// A refusal that is not about the mail.
fn temporary(fault: Fault) -> Fault {
    match fault {
        Fault::Never { why } => Fault::later(why),
        fault => fault,
    }
}

/// The mail with line ends and leading dots as SMTP has them (RFC 5321, section 4.5.2), ending with a line end.
fn stuffed(mail: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(mail.len() + 64);
    for line in mail.split_inclusive(|byte| *byte == b'\n') {
        let text = line.strip_suffix(b"\n").unwrap_or(line);
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        if text.first() == Some(&b'.') {
            out.push(b'.');
        }
        // A carriage return within a line is a line end for some servers: a way to smuggle a second mail.
        out.extend(text.iter().copied().filter(|byte| *byte != b'\r'));
        out.extend_from_slice(b"\r\n");
    }
    out
}

fn configuration(server: &Server) -> Result<Arc<ClientConfig>, Fault> {
    let failed = |why: String| Fault::later(format!("TLS with {}: {why}", server.host));
    let certificates = ansai_delivery::roots(server.ca_file.as_deref()).map_err(|error| failed(error.to_string()))?;
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(certificates.iter().map(|one| one.der().to_vec().into()));
    if roots.is_empty() {
        return Err(failed("no certificate can be used".to_owned()));
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let versions = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = versions.map_err(|error| failed(error.to_string()))?;
    Ok(Arc::new(builder.with_root_certificates(roots).with_no_client_auth()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_and_line_ends_cannot_end_the_mail() {
        assert_eq!(stuffed(b"a\r\n.\r\nb\n..c\r\nd\r.\r\ne"), b"a\r\n..\r\nb\r\n...c\r\nd.\r\ne\r\n");
        assert_eq!(stuffed(b""), b"");
    }
}
