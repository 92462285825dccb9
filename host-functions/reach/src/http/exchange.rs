//! One request and its answer.

use std::io::{self, Read as _};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use ansai_core::text::inert;
use ansai_core::{Millis, Refusal, Timestamp};
use ansai_http_client::MOST_HEADERS;
use ansai_kit::host::Host;
use ansai_kit::secret::Secret;
use ansai_kit::target::{Reach, TargetAccess};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ureq::http::{HeaderValue, Uri};
use ureq::{Agent, Body, http};

use super::origin::{self, Origin};
use super::search::Search;
use super::wire::{Answer, Cause, Method, NoAnswer, Outcome, Request};
use super::{headers, path, trust};
use crate::addresses::{self, NoAddress, Pinned};

/// The most bytes of a body that are read.
const MOST_BODY: usize = 64 << 10;

/// What every request needs.
pub(super) struct Exchange<'a> {
    pub(super) host: &'a Host,
    pub(super) reach: &'a Reach,
    pub(super) now: Timestamp,
    /// How long it may take, with the lookup of the name.
    pub(super) limit: Duration,
}

/// Sends a request. A server that does not answer is an answer, too. No text has the address of the target, because a policy
/// does not see it.
///
/// # Errors
/// The server is not called: see `outcome.refused` of the WIT.
pub(super) fn ask(exchange: &Exchange<'_>, request: &Request) -> Result<Answer, Refusal> {
    let began = Instant::now();
    path::check(request)?;
    let (target, origin) = origin::of(exchange.reach, &request.target)?;
    let secret = target.secret.as_ref().map(|source| source.read()).transpose()?;
    let search = request.contains.as_deref().map(|text| Search::new(text, secret.as_ref())).transpose()?;
    let tls = if origin.is_tls { Some(trust::config(exchange.host)?) } else { None };
    let none = |no: NoAnswer| Answer::of(Outcome::NoAnswer(no), since(began));
    let addresses = match addresses::of(&origin.host, origin.port, exchange.limit) {
        Ok(addresses) => addresses,
        Err(NoAddress::NotResolved(why)) => {
            let detail = format!("its name cannot be resolved: {}", inert(&why, 200));
            return Ok(none(NoAnswer::new(Cause::NameNotResolved, detail)));
        }
        Err(NoAddress::TimedOut) => {
            return Ok(none(NoAnswer::new(Cause::NameNotResolved, "no name server answered in time")));
        }
        Err(NoAddress::AllHang) => return Err(Refusal::Busy("earlier lookups of names still hang".into())),
        Err(NoAddress::Forbidden(_)) => {
            let name = inert(&request.target, 80);
            return Err(Refusal::Denied(format!("target `{name}` leads to an address that no policy may reach")));
        }
    };
    let authorization = secret.map(|secret| authorization(target, &origin, &secret, &addresses)).transpose()?;
    let left = exchange.limit.saturating_sub(began.elapsed());
    if left.is_zero() {
        return Ok(none(NoAnswer::new(Cause::TimedOut, "the time was over before the server was called")));
    }
    let agent = Agent::with_parts(
        ansai_http_client::config(left, tls, Some("*/*")),
        ansai_http_client::connector(),
        Pinned(addresses),
    );
    let uri = uri(&origin, &request.path)?;
    let builder = match request.method {
        Method::Get => agent.get(uri),
        Method::Head => agent.head(uri),
    };
    let builder = authorization.into_iter().fold(builder, |builder, value| builder.header("authorization", value));
    // A cache in between must not answer for a server that does not.
    let sent = builder.header("cache-control", "no-cache").call();
    let mut response = match sent {
        Ok(response) => response,
        Err(error) => return Ok(none(no_answer(&error))),
    };
    let first_byte = Some(since(began));
    let status = response.status().as_u16();
    let retry_after = headers::retry_after(response.headers(), exchange.now);
    let (quota_left, quota) = headers::quota(response.headers());
    let answer = |outcome| Answer { first_byte, retry_after, quota_left, quota, ..Answer::of(outcome, since(began)) };
    let mut body = Vec::new();
    let complete = match read_body(&mut response, &mut body) {
        Ok(complete) => complete,
        Err(error) => {
            let NoAnswer { why, detail } = no_answer(&ureq::Error::from(error));
            let detail = format!("status {status}, then {} bytes of the body: {detail}", body.len());
            let outcome = Outcome::NoAnswer(NoAnswer { why, detail });
            return Ok(Answer { bytes: size(&body), ..answer(outcome) });
        }
    };
    let contained = search.is_none_or(|search| search.finds_in(&body, complete));
    Ok(Answer { bytes: size(&body), complete, contained, ..answer(Outcome::Status(status)) })
}

fn since(began: Instant) -> Millis {
    Millis::from(began.elapsed())
}

fn size(body: &[u8]) -> u64 {
    u64::try_from(body.len()).unwrap_or(u64::MAX)
}

/// The path of a policy on the origin. It is read as the client reads it, and must lead to the origin.
fn uri(origin: &Origin, path: &str) -> Result<Uri, Refusal> {
    let text = format!("{}{path}", origin.text);
    let invalid = || Refusal::Invalid("`path` is not a path on the origin of the target".into());
    let uri: Uri = text.parse().map_err(|_| invalid())?;
    let is_same = uri.path_and_query().is_some_and(|found| found.as_str() == path) && uri.to_string() == text;
    is_same.then_some(uri).ok_or_else(invalid)
}

/// User and password (RFC 7617), or a token if the target has no user (RFC 6750).
fn authorization(
    target: &TargetAccess,
    origin: &Origin,
    secret: &Secret,
    addresses: &[SocketAddr],
) -> Result<HeaderValue, Refusal> {
    let name = inert(&target.target.name, 80);
    if !origin.is_tls && !addresses.iter().all(|address| address.ip().is_loopback()) {
        let why = format!("the secret of target `{name}` would cross the network readable: use https");
        return Err(Refusal::Denied(why));
    }
    let invalid = || Refusal::Invalid(format!("the secret of target `{name}` must be one line of visible ASCII"));
    let text = secret.expose_text().ok_or_else(invalid)?;
    let value = match &target.user {
        Some(user) => format!("Basic {}", STANDARD.encode(format!("{user}:{text}"))),
        None => format!("Bearer {text}"),
    };
    let mut value = HeaderValue::from_str(&value).map_err(|_| invalid())?;
    value.set_sensitive(true);
    Ok(value)
}

/// Whether that was all of it.
fn read_body(response: &mut http::Response<Body>, body: &mut Vec<u8>) -> io::Result<bool> {
    let most = size_limit() + 1;
    response.body_mut().as_reader().take(most).read_to_end(body)?;
    let is_all = body.len() <= MOST_BODY;
    body.truncate(MOST_BODY);
    Ok(is_all)
}

fn size_limit() -> u64 {
    u64::try_from(MOST_BODY).unwrap_or(u64::MAX)
}

/// Why there is no answer. The texts of the client are not used where they could repeat what the server sent.
fn no_answer(error: &ureq::Error) -> NoAnswer {
    match error {
        ureq::Error::Timeout(_) => NoAnswer::new(Cause::TimedOut, "it did not answer in time"),
        ureq::Error::Io(error) => io_failure(error),
        ureq::Error::Rustls(error) => tls_failure(error),
        ureq::Error::Tls(_) => NoAnswer::new(Cause::Tls, "TLS is not possible with this server"),
        ureq::Error::HostNotFound => NoAnswer::new(Cause::NameNotResolved, "it has no address"),
        ureq::Error::ConnectionFailed => NoAnswer::new(Cause::Unreachable, "it cannot be reached"),
        ureq::Error::LargeResponseHeader(..) => {
            NoAnswer::new(Cause::InvalidAnswer, format!("its headers are larger than {} KiB", MOST_HEADERS >> 10))
        }
        ureq::Error::Protocol(_) | ureq::Error::Http(_) => {
            NoAnswer::new(Cause::InvalidAnswer, "what it sent is not HTTP")
        }
        _ => NoAnswer::new(Cause::Other, "the request failed"),
    }
}

fn io_failure(error: &io::Error) -> NoAnswer {
    let inner = error.get_ref();
    if let Some(inner) = inner.and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        return tls_failure(inner);
    }
    if let Some(inner) = inner.and_then(|inner| inner.downcast_ref::<ureq::Error>()) {
        return no_answer(inner);
    }
    let (why, detail) = match error.kind() {
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => (Cause::TimedOut, "it did not answer in time"),
        io::ErrorKind::ConnectionRefused => (Cause::ConnectionRefused, "nothing listens on its port"),
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable | io::ErrorKind::AddrNotAvailable => {
            (Cause::Unreachable, "there is no route to it")
        }
        io::ErrorKind::UnexpectedEof
        | io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe => (Cause::Closed, "it closed the connection"),
        _ => return NoAnswer::new(Cause::Other, format!("the request failed: {}", inert(&error.to_string(), 200))),
    };
    NoAnswer::new(why, detail)
}

fn tls_failure(error: &rustls::Error) -> NoAnswer {
    use rustls::CertificateError as Bad;
    let detail = match error {
        rustls::Error::InvalidCertificate(bad) => match bad {
            Bad::Expired | Bad::ExpiredContext { .. } => "its certificate has expired",
            Bad::NotValidYet | Bad::NotValidYetContext { .. } => "its certificate is not valid yet",
            Bad::NotValidForName | Bad::NotValidForNameContext { .. } => "its certificate is for another name",
            Bad::UnknownIssuer => "its certificate is of an authority that this host does not trust",
            Bad::Revoked => "its certificate was revoked",
            _ => "its certificate is invalid",
        },
        rustls::Error::InvalidMessage(_) | rustls::Error::InappropriateMessage { .. } => "it does not speak TLS",
        _ => "TLS failed",
    };
    NoAnswer::new(Cause::Tls, detail)
}
