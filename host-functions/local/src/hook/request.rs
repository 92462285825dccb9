//! Sends the request of a hook. Follows no redirects, uses no proxy, and reads a bounded part of the answer.
#![expect(clippy::disallowed_methods, reason = "the adapter to certificates")]

use std::io::Read as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use ansai_core::hook::Method;
use ansai_core::{Millis, Refusal, Subject};
use ansai_kit::authorities;
use ansai_kit::redact::Redactor;
use ansai_kit::secret::Secret;
use ureq::config::Config;
use ureq::http::Response;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::{Agent, Body};

use super::answer::{Answer, Said};
use super::call::Failed;
use crate::http;

const MOST_BODY: usize = 64 << 10;
const MOST_HEADER: usize = 16 << 10;
const MOST_CERTIFICATES: u64 = 4 << 20;
/// How often it is looked whether nobody waits any more.
const POLL: Duration = Duration::from_millis(20);

/// What is sent.
pub(super) struct Request {
    pub(super) method: Method,
    pub(super) url: String,
    pub(super) body: Option<String>,
    /// The name of a header, and the secret in it.
    pub(super) secret: Option<(Option<String>, Secret)>,
}

/// Sends it and waits for the answer until its limit, or until `is_over`. A request that nobody waits for any more ends at
/// its limit.
pub(super) fn send(
    about: Subject,
    request: Request,
    limit: Duration,
    is_over: &dyn Fn() -> bool,
) -> Result<Answer, Failed> {
    let redactor = Redactor::with_secrets(request.secret.iter().map(|(_, secret)| secret.expose()));
    let began = Instant::now();
    let took = || Millis::new(u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX));
    let (done, answers) = sync_channel(1);
    let exchange = std::thread::Builder::new().name("hook".to_owned()).spawn(move || {
        // Nobody may wait any more.
        let _ = done.send(exchange(&request, limit));
    });
    exchange.map_err(|error| Failed::NotBegun(Refusal::Unavailable(format!("no thread for a request: {error}"))))?;
    let nothing = |about| Said::default().answer(about, None, took());
    let (status, body) = loop {
        match answers.recv_timeout(POLL) {
            Ok(Ok(found)) => break found,
            Ok(Err(Problem::TimeLimit)) => return Err(Failed::TimeLimit(nothing(about))),
            Ok(Err(Problem::NotSent(why))) => return Err(Failed::NotBegun(Refusal::Unavailable(why))),
            Ok(Err(Problem::NoAnswer(why))) => return Err(Failed::NoAnswer(why)),
            Err(RecvTimeoutError::Disconnected) => {
                return Err(Failed::Unknown("the request failed inside ansai".into()));
            }
            Err(RecvTimeoutError::Timeout) if is_over() => return Err(Failed::Stopped(nothing(about))),
            Err(RecvTimeoutError::Timeout) => {}
        }
    };
    let is_whole = body.len() <= MOST_BODY;
    let text = String::from_utf8_lossy(body.get(..MOST_BODY).unwrap_or(&body)).into_owned();
    // A secret at the cut would be half a secret.
    let text = if is_whole { text.as_str() } else { redactor.beginning(&text, MOST_BODY / 2) };
    let mut answer = Said::read(text, is_whole, None, &redactor).answer(about, meaning(status), took());
    answer.http_status = Some(status.into());
    Ok(answer)
}

enum Problem {
    /// It did not leave this machine.
    NotSent(String),
    /// It may have arrived.
    NoAnswer(String),
    TimeLimit,
}

fn exchange(request: &Request, limit: Duration) -> Result<(u16, Vec<u8>), Problem> {
    let agent = Agent::new_with_config(configuration(&request.url, limit)?);
    let answer = match (request.method, &request.body) {
        (Method::Get, _) => with_secret(agent.get(&request.url), request)?.call(),
        (Method::Post, body) => {
            let post = agent.post(&request.url).header("content-type", "application/json");
            with_secret(post, request)?.send(body.as_deref().unwrap_or_default().as_bytes())
        }
    };
    let answer: Response<Body> = answer.map_err(|error| words(&error))?;
    let status = answer.status().as_u16();
    let mut body = Vec::new();
    let read = answer.into_body().into_reader().take(MOST_BODY as u64 + 1).read_to_end(&mut body);
    match read {
        Ok(_) => Ok((status, body)),
        Err(error) if is_time_limit(&error) => Err(Problem::TimeLimit),
        Err(error) => Err(Problem::NoAnswer(format!("the answer is cut: {}", error.kind()))),
    }
}

fn with_secret<B>(builder: ureq::RequestBuilder<B>, request: &Request) -> Result<ureq::RequestBuilder<B>, Problem> {
    let Some((header, secret)) = &request.secret else { return Ok(builder) };
    let text = std::str::from_utf8(secret.expose()).ok().map(str::trim);
    let Some(text) = text.filter(|text| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())) else {
        return Err(Problem::NotSent("the secret of a URL must be one word of ASCII".to_owned()));
    };
    Ok(match header {
        Some(header) => builder.header(header, text),
        None => builder.header("authorization", format!("Bearer {text}")),
    })
}

fn configuration(url: &str, limit: Duration) -> Result<Config, Problem> {
    let builder = http::settings(limit, MOST_HEADER);
    if !url.starts_with("https://") {
        return Ok(builder.build());
    }
    let tls = TlsConfig::builder()
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .root_certs(roots()?)
        .build();
    Ok(builder.https_only(true).tls_config(tls).build())
}

/// The certificates that the system trusts.
fn roots() -> Result<RootCerts, Problem> {
    let none = || Problem::NotSent("no trusted certificates found on this host: install ca-certificates".to_owned());
    let path = authorities::file(PathBuf::from).ok_or_else(none)?;
    let mut text = Vec::new();
    let opened = std::fs::File::open(&path).and_then(|file| file.take(MOST_CERTIFICATES).read_to_end(&mut text));
    opened.map_err(|error| Problem::NotSent(format!("{}: {error}", path.display())))?;
    let found: Vec<Certificate<'static>> = parse_pem(&text)
        .filter_map(|item| match item {
            Ok(PemItem::Certificate(certificate)) => Some(certificate),
            _ => None,
        })
        .collect();
    if found.is_empty() { Err(none()) } else { Ok(RootCerts::new_with_certs(&found)) }
}

/// What a status means: the server is healthy, it says that it is not, or it says nothing about that (a redirect, a wrong
/// path, a missing login).
fn meaning(status: u16) -> Option<bool> {
    match status {
        200..=299 => Some(true),
        500..=599 => Some(false),
        _ => None,
    }
}

fn is_time_limit(error: &std::io::Error) -> bool {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<ureq::Error>());
    error.kind() == std::io::ErrorKind::TimedOut || matches!(inner, Some(ureq::Error::Timeout(_)))
}

/// The library's error messages may contain the URL, and with it a secret.
fn words(error: &ureq::Error) -> Problem {
    match error {
        ureq::Error::Timeout(_) => Problem::TimeLimit,
        ureq::Error::Io(error) if is_time_limit(error) => Problem::TimeLimit,
        ureq::Error::Io(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => {
            Problem::NotSent("the server cannot be reached: connection refused".to_owned())
        }
        ureq::Error::Io(error) => Problem::NoAnswer(format!("no answer: {}", error.kind())),
        ureq::Error::HostNotFound => Problem::NotSent("the host has no address".to_owned()),
        ureq::Error::ConnectionFailed => Problem::NotSent("the server cannot be reached".to_owned()),
        ureq::Error::Rustls(error) => Problem::NotSent(format!("TLS: {error}")),
        ureq::Error::LargeResponseHeader(..) => Problem::NoAnswer("the answer is too large".to_owned()),
        ureq::Error::Protocol(_) | ureq::Error::Http(_) => Problem::NoAnswer("the answer is not HTTP".to_owned()),
        _ => Problem::NoAnswer("the request failed".to_owned()),
    }
}
