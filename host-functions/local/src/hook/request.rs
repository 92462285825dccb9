//! Sends the request of a hook. Follows no redirects, uses no proxy, and reads a bounded part of the answer.

mod carried;

use std::io::Read as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use ansai_core::hook::Method;
use ansai_core::text::inert;
use ansai_core::{Millis, Refusal, Subject};
use ansai_http_client::{Failure, is_time_limit, trusted_file};
use ansai_kit::carrier::Carrier;
use ansai_kit::redact::Redactor;
use ansai_kit::secret::Secret;
use ureq::Body;
use ureq::config::Config;
use ureq::http::Response;

pub(crate) use self::carried::Exchanges;
use super::answer::{Answer, Said};
use super::call::Failed;

const MOST_BODY: usize = 64 << 10;
const MOST_WHY: usize = 500;
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

/// Sends it, by the carrier if there is one, and waits for the answer until its limit, or until `is_over`. A request that
/// nobody waits for any more ends at its limit.
pub(super) fn send(
    about: Subject,
    request: Request,
    (limit, is_over): (Duration, &dyn Fn() -> bool),
    carrier: Option<Arc<dyn Carrier>>,
) -> Result<Answer, Failed> {
    let redactor = Redactor::with_secrets(request.secret.iter().map(|(_, secret)| secret.expose()));
    let began = Instant::now();
    let took = || Millis::new(u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX));
    let (done, answers) = sync_channel(1);
    let exchange = std::thread::Builder::new().name("hook".to_owned()).spawn(move || {
        // Nobody may wait any more.
        let _ = done.send(match carrier {
            Some(carrier) => carried::exchange(&request, limit, carrier.as_ref()),
            None => exchange(&request, limit),
        });
    });
    exchange.map_err(|error| Failed::NotBegun(Refusal::Unavailable(format!("no thread for a request: {error}"))))?;
    let nothing = |about| Said::default().answer(about, None, took());
    let (status, body) = loop {
        match answers.recv_timeout(POLL) {
            Ok(Ok(found)) => break found,
            Ok(Err(Failure::TimeLimit)) => return Err(Failed::TimeLimit(nothing(about))),
            Ok(Err(Failure::NotSent(why))) => {
                return Err(Failed::NotBegun(Refusal::Unavailable(shown(&why, &redactor))));
            }
            Ok(Err(Failure::NoAnswer(why))) => return Err(Failed::NoAnswer(shown(&why, &redactor))),
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

/// Why there is no answer: another process may say it.
fn shown(why: &str, redactor: &Redactor) -> String {
    inert(&redactor.redact(why).text, MOST_WHY)
}

fn exchange(request: &Request, limit: Duration) -> Result<(u16, Vec<u8>), Failure> {
    let agent = ansai_http_client::agent(configuration(&request.url, limit)?);
    let answer = match (request.method, &request.body) {
        (Method::Get, _) => with_secret(agent.get(&request.url), request)?.call(),
        (Method::Post, body) => {
            let post = agent.post(&request.url).header("content-type", "application/json");
            with_secret(post, request)?.send(body.as_deref().unwrap_or_default().as_bytes())
        }
    };
    let answer: Response<Body> = answer.map_err(|error| Failure::from(&error))?;
    let status = answer.status().as_u16();
    let mut body = Vec::new();
    let read = answer.into_body().into_reader().take(MOST_BODY as u64 + 1).read_to_end(&mut body);
    match read {
        Ok(_) => Ok((status, body)),
        Err(error) if is_time_limit(&error) => Err(Failure::TimeLimit),
        Err(error) => Err(Failure::NoAnswer(format!("the answer is cut: {}", error.kind()))),
    }
}

fn with_secret<B>(builder: ureq::RequestBuilder<B>, request: &Request) -> Result<ureq::RequestBuilder<B>, Failure> {
    let Some((header, secret)) = &request.secret else { return Ok(builder) };
    let text = std::str::from_utf8(secret.expose()).ok().map(str::trim);
    let Some(text) = text.filter(|text| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())) else {
        return Err(Failure::NotSent("the secret of a URL must be one word of ASCII".to_owned()));
    };
    Ok(match header {
        Some(header) => builder.header(header, text),
        None => builder.header("authorization", format!("Bearer {text}")),
    })
}

fn configuration(url: &str, limit: Duration) -> Result<Config, Failure> {
    let trust = || trusted_file(PathBuf::from).and_then(|file| ansai_http_client::trust(&file));
    let tls = url.starts_with("https://").then(trust).transpose();
    Ok(ansai_http_client::config(limit, tls.map_err(|error| Failure::NotSent(error.to_string()))?, None))
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
