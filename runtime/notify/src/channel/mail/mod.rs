//! `kind = "mail"`: SMTP, or the local sendmail.

mod compose;
mod reply;
mod sendmail;
mod smtp;
mod stream;

use std::path::PathBuf;

use ansai_kit::secret::SecretSource;

pub(super) use compose::mailbox;
use lettre::message::Mailbox;
pub(super) use smtp::Server;

use super::{Channel, Deadline, Fault, Receipt};
use crate::message::Message;
use crate::template::Template;

pub(super) struct MailChannel {
    pub(super) from: Mailbox,
    pub(super) to: Vec<Mailbox>,
    pub(super) way: Way,
    pub(super) template: Option<Template>,
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
                smtp::send(server, login.as_ref(), mail.envelope(), &mail.formatted(), deadline)
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
