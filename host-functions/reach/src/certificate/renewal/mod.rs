//! `ask`: ACME renewal information (RFC 9773). `fetch` makes one request, `read` reads what came, and `recent` has what was
//! answered within the last minute.

mod fetch;
mod read;
mod recent;

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

/// The directories and the answers of the last minute.
static DIRECTORIES: Recent<Result<String, Refusal>> = Recent::new();
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
    let key = format!("{address} {directory} {certificate_id}");
    if let Some((suggestion, ask_again_after)) = ANSWERS.get(&key) {
        return Ok(RenewalInformation { inquiry: inquiry.clone(), suggestion, ask_again_after });
    }
    let mut wait = None;
    let found = suggestion(ask, &origin, inquiry, &mut wait);
    let RenewalInformation { suggestion, ask_again_after, .. } = match found {
        Ok(window) => RenewalInformation {
            inquiry: inquiry.clone(),
            suggestion: Suggestion::Renew(window),
            ask_again_after: USUAL,
        },
        Err(refusal) => refused(inquiry, refusal),
    };
    let ask_again_after = wait.unwrap_or(ask_again_after).clamp(SOONEST, LATEST);
    ANSWERS.put(key, (suggestion.clone(), ask_again_after));
    Ok(RenewalInformation { inquiry: inquiry.clone(), suggestion, ask_again_after })
}

/// What the authority suggests. `wait` is what it says about the next time, also if it answers nothing else.
fn suggestion(
    ask: &ProbeContext<'_>,
    origin: &Origin,
    inquiry: &Inquiry,
    wait: &mut Option<Millis>,
) -> Result<Window, Refusal> {
    let key = format!("{} {}", inquiry.address, inquiry.directory);
    let directory = DIRECTORIES.get(&key).unwrap_or_else(|| {
        let found = directory(ask, origin, &inquiry.directory, wait);
        DIRECTORIES.put(key, found.clone());
        found
    })?;
    let path = format!("{}/{}", directory.trim_end_matches('/'), inquiry.certificate_id);
    let Fetched { status, body, retry_after } = fetch(ask, origin, &path)?;
    *wait = retry_after;
    match status {
        200 => read::window(&body),
        // 400 if the key of its authority is not one of theirs.
        400 | 404 | 410 => Err(Refusal::NotFound("the authority does not know this certificate".into())),
        _ => Err(unexpected("its renewal information", status)),
    }
}

/// The path of the renewal information on the same server.
fn directory(
    ask: &ProbeContext<'_>,
    origin: &Origin,
    path: &str,
    wait: &mut Option<Millis>,
) -> Result<String, Refusal> {
    let Fetched { status, body, retry_after } = fetch(ask, origin, path)?;
    match status {
        200 => read::directory(&body, &origin.host, origin.port),
        _ => {
            *wait = retry_after;
            Err(unexpected("its directory", status))
        }
    }
}

fn unexpected(what: &str, status: u16) -> Refusal {
    let why = match status {
        300..400 => "leads elsewhere, and no redirect is followed",
        _ => "is not available",
    };
    Refusal::Unavailable(format!("{what} {why} (status {status})"))
}
