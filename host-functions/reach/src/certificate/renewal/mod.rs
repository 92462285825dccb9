//! `ask`: ACME renewal information (RFC 9773). `fetch` makes one request, `read` reads what came, and `recent` has what was
//! answered within the last minute.

mod fetch;
mod read;
mod recent;

use std::net::SocketAddr;

use ansai_certificates::client::is_special;
use ansai_core::{Millis, Refusal, Timestamp};
use ansai_kit::host::ProbeContext;
use ansai_kit::remote::Server;
use serde::{Deserialize, Serialize};

use fetch::{Fetched, Origin, fetch};
use recent::Recent;

/// The limits of how soon to ask again: those that RFC 9773 names.
const SOONEST: Millis = Millis::new(60_000);
const LATEST: Millis = Millis::from_hours(24);
/// If the authority does not say when.
const USUAL: Millis = Millis::from_hours(6);
const AFTER_FAILURE: Millis = Millis::from_hours(1);

/// The directories of the last minute, each with what the authority said about the next time, and the answers.
static DIRECTORIES: Recent<(Result<String, Refusal>, Option<Millis>)> = Recent::new();
static ANSWERS: Recent<(Suggestion, Millis)> = Recent::new();

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Ask {
    inquiries: Vec<Inquiry>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Inquiry {
    address: String,
    directory: String,
    certificate_id: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Window {
    start: Timestamp,
    end: Timestamp,
    explanation_url: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Suggestion {
    Renew(Window),
    Nothing(Refusal),
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RenewalInformation {
    inquiry: Inquiry,
    suggestion: Suggestion,
    ask_again_after: Millis,
}

pub(super) fn parts(ask: Ask) -> Vec<Inquiry> {
    ask.inquiries
}

pub(super) fn server(inquiry: &Inquiry) -> Server {
    Server::Address(inquiry.address.clone())
}

/// One that failed.
pub(super) fn refused(inquiry: &Inquiry, refusal: Refusal) -> RenewalInformation {
    let ask_again_after = match refusal {
        Refusal::NotFound(_) | Refusal::Unsupported(_) => USUAL,
        _ => AFTER_FAILURE,
    };
    RenewalInformation { inquiry: inquiry.clone(), suggestion: Suggestion::Nothing(refusal), ask_again_after }
}

pub(super) fn ask(ask: &ProbeContext<'_>, inquiry: &Inquiry) -> Result<RenewalInformation, Refusal> {
    let Inquiry { address, directory, certificate_id } = inquiry;
    read::check(directory, certificate_id)?;
    let origin = Origin::read(address)?;
    // Before what is known already: whether this policy may reach these addresses is not for another one to say.
    let server = Reached { addresses: origin.addresses(ask, ask.deadline.remaining())?, origin };
    let key = format!("{} {directory} {certificate_id}", server.key());
    if let Some((suggestion, ask_again_after)) = ANSWERS.get(&key) {
        return Ok(RenewalInformation { inquiry: inquiry.clone(), suggestion, ask_again_after });
    }
    let mut wait = None;
    let found = suggestion(ask, &server, inquiry, &mut wait);
    let is_shared = is_shared(&found);
    let RenewalInformation { suggestion, ask_again_after, .. } = match found {
        Ok(window) => RenewalInformation {
            inquiry: inquiry.clone(),
            suggestion: Suggestion::Renew(window),
            ask_again_after: USUAL,
        },
        Err(refusal) => refused(inquiry, refusal),
    };
    let ask_again_after = wait.unwrap_or(ask_again_after).clamp(SOONEST, LATEST);
    if is_shared {
        ANSWERS.put(key, (suggestion.clone(), ask_again_after));
    }
    Ok(RenewalInformation { inquiry: inquiry.clone(), suggestion, ask_again_after })
}

/// The server of an authority, and its addresses that the policy may reach.
struct Reached {
    origin: Origin,
    addresses: Vec<SocketAddr>,
}

impl Reached {
    /// The server, with the special addresses that answer for it: who may not reach these gets no answer of theirs.
    fn key(&self) -> String {
        let mut special: Vec<String> =
            self.addresses.iter().filter(|address| is_special(address.ip())).map(SocketAddr::to_string).collect();
        special.sort();
        format!("{} {}", self.origin.name, special.join(","))
    }
}

/// Whether an answer is one for every policy. The others come from the grant, the time or the number of the requests of
/// this call.
fn is_shared<T>(answer: &Result<T, Refusal>) -> bool {
    !matches!(answer, Err(Refusal::Denied(_) | Refusal::TimedOut(_) | Refusal::Busy(_)))
}

/// What the authority suggests. `wait` is what it says about the next time, also if it answers nothing else.
fn suggestion(
    ask: &ProbeContext<'_>,
    server: &Reached,
    inquiry: &Inquiry,
    wait: &mut Option<Millis>,
) -> Result<Window, Refusal> {
    let key = format!("{} {}", server.key(), inquiry.directory);
    let (directory, after) = DIRECTORIES.get(&key).unwrap_or_else(|| {
        let found = directory(ask, server, &inquiry.directory);
        if is_shared(&found.0) {
            DIRECTORIES.put(key, found.clone());
        }
        found
    });
    *wait = after;
    let directory = directory?;
    let path = format!("{}/{}", directory.trim_end_matches('/'), inquiry.certificate_id);
    let Fetched { status, body, retry_after } = fetch(ask, &server.origin, &server.addresses, &path)?;
    *wait = retry_after;
    match status {
        200 => read::window(&body),
        // 400 if the key of its authority is not one of theirs.
        400 | 404 | 410 => Err(Refusal::NotFound("the authority does not know this certificate".into())),
        _ => Err(unexpected("its renewal information", status)),
    }
}

/// The path of the renewal information on the same server. If the directory is not available, also when to ask again.
fn directory(ask: &ProbeContext<'_>, server: &Reached, path: &str) -> (Result<String, Refusal>, Option<Millis>) {
    let Reached { origin, addresses } = server;
    match fetch(ask, origin, addresses, path) {
        Ok(Fetched { status: 200, body, .. }) => (read::directory(&body, &origin.host, origin.port), None),
        Ok(Fetched { status, retry_after, .. }) => (Err(unexpected("its directory", status)), retry_after),
        Err(refusal) => (Err(refusal), None),
    }
}

fn unexpected(what: &str, status: u16) -> Refusal {
    let why = match status {
        300..400 => "leads elsewhere, and no redirect is followed",
        _ => "is not available",
    };
    Refusal::Unavailable(format!("{what} {why} (status {status})"))
}
