//! `kind = "mail"`: SMTP, or the local sendmail.

mod compose;
mod reply;
mod sendmail;
mod smtp;
mod stream;

use std::path::PathBuf;
use std::sync::Arc;

use ansai_kit::carrier::{Carrier, Octets};
use ansai_kit::secret::SecretSource;

pub(super) use compose::mailbox;
use lettre::message::Mailbox;
use serde::{Deserialize, Serialize};
pub(super) use smtp::Server;

use super::network::{self, Outgoing, Secrets};
use super::{Channel, Deadline, Fault, Receipt, answer};
use crate::message::Message;
use crate::template::Template;

pub(super) struct MailChannel {
    pub(super) from: Mailbox,
    pub(super) to: Vec<Mailbox>,
    pub(super) way: Way,
    pub(super) template: Option<Template>,
    pub(super) carrier: Option<Arc<dyn Carrier>>,
}

/// A mail for one server. `from` is empty for a mail without a sender.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Mail {
    pub(super) server: Server,
    /// User and password.
    login: Option<(String, Octets)>,
    from: String,
    to: Vec<String>,
    content: Octets,
}

/// How mails leave this host.
pub(super) enum Way {
    /// By SMTP; user and password, if the server asks for them.
    Smtp { server: Server, login: Option<(String, SecretSource)> },
    /// By this program.
    Sendmail(PathBuf),
}

impl Channel for MailChannel {
    fn send(&self, message: &Message, deadline: Deadline<'_>) -> Result<Receipt, Fault> {
        let mail = compose::compose(self, message)?;
        match &self.way {
            Way::Smtp { server, login } => {
                let mut secrets = Secrets::default();
                let login = match login {
                    Some((user, source)) => {
                        let secret = answer::secret(source)?;
                        let octets = Octets::of(answer::text(&secret)?.as_bytes());
                        secrets.sent.push(secret);
                        Some((user.clone(), octets))
                    }
                    None => None,
                };
                let envelope = mail.envelope();
                let outgoing = Outgoing::Mail(Mail {
                    server: server.clone(),
                    login,
                    from: envelope.from().map(ToString::to_string).unwrap_or_default(),
                    to: envelope.to().iter().map(ToString::to_string).collect(),
                    content: Octets::of(&mail.formatted()),
                });
                network::send(outgoing, secrets, self.carrier.as_ref(), deadline)
            }
            Way::Sendmail(program) => sendmail::send(program, mail.envelope(), &mail.formatted(), deadline),
        }
    }

    fn kind(&self) -> &'static str {
        "mail"
    }

    fn destination(&self) -> String {
        let to: Vec<String> = self.to.iter().map(|one| one.email.to_string()).collect();
        let way = match &self.way {
            Way::Smtp { server, .. } => format!("{}:{}", server.host, server.port),
            Way::Sendmail(program) => program.display().to_string(),
        };
        ansai_core::text::inert(&format!("{} through {way}", to.join(", ")), 300)
    }
}
