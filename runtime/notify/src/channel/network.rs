//! What leaves this host by a protocol of the network: one mail by SMTP, or the requests of a webhook.
//!
//! A message is composed here, where all secrets are. What sends it gets only what the server gets, and the password or the
//! token for it. It is a process without rights if there is a carrier: a mail server, or a bug in the client or in TLS, can
//! take over that process, and then it can only say something untrue about this message.

use std::path::PathBuf;
use std::sync::Arc;

use ansai_core::Refusal;
use ansai_core::text::prose;
use ansai_kit::authorities;
use ansai_kit::call::to_text;
use ansai_kit::carrier::{Carrier, Handler, Lost, Masks, Octets, ask_until_stopping};
use ansai_kit::dial::Endpoint;
use ansai_kit::host::Deadline as Limit;
use ansai_kit::passed;
use ansai_kit::redact::Redactor;
use ansai_kit::secret::Secret;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::mail::Mail;
use super::webhook::{self, MOST_WAIT, Post};
use super::{Deadline, Fault, Receipt};

/// The kind of the requests.
const KIND: &str = "notify";
/// The longest answer of the process, and of a server in it, in bytes: a mail can have 50 recipients, each refused in words.
const MOST_ANSWER: usize = 64 << 10;
/// The longest text that is kept, in characters.
const MOST_TOLD: usize = 4_096;
/// The largest file of certificates that is passed, in bytes.
const MOST_FILE: u64 = 4 << 20;

/// What is sent.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) enum Outgoing {
    Mail(Mail),
    Posts(Vec<Post>),
}

/// A message as it crosses to the process.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Request {
    outgoing: Outgoing,
    /// The file of the authorities to trust, and what is in it.
    trusts: Option<(PathBuf, Octets)>,
    /// The secrets that are somewhere in it, so that no answer has them.
    masked: Vec<Octets>,
}

/// The secrets of a message.
#[derive(Default)]
pub(super) struct Secrets {
    /// Those that are in what is sent.
    pub(super) sent: Vec<Secret>,
    /// Those that it was made with, and that are not in it, such as the key of a signature.
    pub(super) kept: Vec<Secret>,
}

impl Secrets {
    fn all(&self) -> impl Iterator<Item = &[u8]> {
        self.sent.iter().chain(&self.kept).map(Secret::expose)
    }
}

impl Outgoing {
    /// Sends it from this process.
    fn perform(&self, redactor: &Redactor, deadline: Deadline<'_>) -> Result<Receipt, Fault> {
        match self {
            Outgoing::Mail(mail) => mail.send(redactor, deadline),
            Outgoing::Posts(posts) => webhook::post_all(posts, redactor, deadline),
        }
    }

    /// The server that it is sent to. All requests of a message go to one.
    fn server(&self) -> Option<Endpoint> {
        match self {
            Outgoing::Mail(mail) => Some(Endpoint::named(&mail.server.host, mail.server.port)),
            Outgoing::Posts(posts) => ansai_delivery::endpoint(posts.first()?.url()),
        }
    }

    /// The operator's file of certificates, and whether any certificates are needed.
    fn trusts(&mut self) -> Option<&mut Option<PathBuf>> {
        match self {
            Outgoing::Mail(mail) => mail.server.is_encrypted().then_some(&mut mail.server.ca_file),
            // All requests of a message go to one server.
            Outgoing::Posts(posts) => posts.iter_mut().find(|post| post.is_encrypted()).map(|post| &mut post.ca_file),
        }
    }
}

/// Sends a message, by the carrier if there is one.
///
/// # Errors
/// It was not accepted, or that is unknown.
pub(super) fn send(
    outgoing: Outgoing,
    secrets: Secrets,
    carrier: Option<&Arc<dyn Carrier>>,
    deadline: Deadline<'_>,
) -> Result<Receipt, Fault> {
    let redactor = Redactor::with_secrets(secrets.all());
    let Some(carrier) = carrier else { return outgoing.perform(&redactor, deadline) };
    let request = Request::of(outgoing, &secrets)?;
    let all: Vec<Secret> = secrets.sent.into_iter().chain(secrets.kept).collect();
    // It has no other message, and must not send this one later.
    let limits = (deadline.within, deadline.is_stopping);
    let (server, masks) = (request.outgoing.server(), Masks::of(&all));
    let told = ask_until_stopping(carrier.as_ref(), (KIND, &request), server, &masks, limits, MOST_ANSWER);
    let bounded = |text: &str| prose(&redactor.redact(text).text, MOST_TOLD);
    match told {
        Ok(Ok(Receipt { answer })) => Ok(Receipt { answer: bounded(&answer) }),
        Ok(Err(Fault::Later { after, why })) => {
            Err(Fault::Later { after: after.map(|after| after.min(MOST_WAIT)), why: bounded(&why) })
        }
        Ok(Err(Fault::Never { why })) => Err(Fault::never(bounded(&why))),
        Ok(Err(Fault::Unknown { why })) => Err(Fault::unknown(bounded(&why))),
        Err(Lost::NotSent(refusal)) => Err(Fault::later(bounded(&refusal.to_string()))),
        // As after a connection that was closed before the answer.
        Err(Lost::Unanswered(refusal)) => Err(Fault::unknown(bounded(&refusal.to_string()))),
    }
}

impl Request {
    /// With the certificates, which only this process can read and check.
    fn of(mut outgoing: Outgoing, secrets: &Secrets) -> Result<Request, Fault> {
        let trusts = match outgoing.trusts() {
            None => None,
            Some(file) => {
                let path = ansai_delivery::roots_file(file.as_deref());
                let path = path.map_err(|error| Fault::later(error.to_string()))?;
                let content = authorities::read(&path, MOST_FILE)
                    .map_err(|error| Fault::later(format!("certificates: {}: {error}", path.display())))?;
                *file = Some(path.clone());
                Some((path, Octets::of(&content)))
            }
        };
        if let (Outgoing::Posts(posts), Some((path, _))) = (&mut outgoing, &trusts) {
            posts.iter_mut().filter(|post| post.is_encrypted()).for_each(|post| post.ca_file = Some(path.clone()));
        }
        let masked = secrets.sent.iter().map(|secret| Octets::of(secret.expose())).collect();
        Ok(Request { outgoing, trusts, masked })
    }
}

/// Sends messages in the process that was asked to.
#[derive(Debug)]
pub(super) struct Sends;

impl Handler for Sends {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn answer(&self, request: &str, deadline: &Limit) -> Result<Box<RawValue>, Refusal> {
        // The error could have a part of a secret.
        let request: Request = serde_json::from_str(request)
            .map_err(|error| Refusal::Invalid(format!("not a message of this version: {:?}", error.classify())))?;
        let _trusts = request.trusts.map(|(path, content)| passed::file(path, Secret::of(content.expose())));
        let redactor = Redactor::with_secrets(request.masked.iter().map(Octets::expose));
        let is_stopping = || deadline.is_cancelled();
        let limits = Deadline { within: deadline.remaining(), is_stopping: &is_stopping };
        // What cannot be written was sent all the same: the caller is told that it is lost.
        Ok(to_text(&request.outgoing.perform(&redactor, limits)).unwrap_or_default())
    }
}
