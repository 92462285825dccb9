//! One HTTP request, and what its answer means.

use std::io::Read;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use ansai_core::Timestamp;
use ansai_core::text::inert;
use ansai_kit::carrier::Octets;
use ansai_kit::redact::Redactor;
use serde::{Deserialize, Serialize};
use ureq::SendBody;

use crate::channel::answer::shown;
use crate::channel::{Deadline, Fault, Receipt};

/// How much of an answer is read.
const MOST_ANSWER: u64 = 2_048;
/// The longest wait that a server may ask for.
pub(in crate::channel) const MOST_WAIT: Duration = Duration::from_secs(24 * 3_600);
const MOST_URL: usize = 4_096;

/// One request.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(in crate::channel) struct Post {
    pub(super) url: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Octets,
    pub(in crate::channel) ca_file: Option<PathBuf>,
}

impl Post {
    /// Where it goes.
    pub(in crate::channel) fn url(&self) -> &str {
        &self.url
    }

    /// Whether it is encrypted.
    pub(in crate::channel) fn is_encrypted(&self) -> bool {
        self.url.starts_with("https://")
    }
}

/// Posts them one after the other, within one time limit. A request that is repeated changes nothing: it has the same key.
pub(in crate::channel) fn post_all(
    posts: &[Post],
    redactor: &Redactor,
    deadline: Deadline<'_>,
) -> Result<Receipt, Fault> {
    let began = Instant::now();
    let mut last = None;
    for one in posts {
        let within = deadline.within.saturating_sub(began.elapsed());
        if within.is_zero() || (deadline.is_stopping)() {
            return Err(Fault::later("the time limit is over"));
        }
        last = Some(post(one, within, redactor)?);
    }
    last.ok_or_else(|| Fault::never("the message has nothing that this receiver understands"))
}

/// The body, which notes whether it was taken: before that, the server cannot have the message.
struct Body<'a> {
    rest: &'a [u8],
    is_begun: &'a mut bool,
}

impl Read for Body<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        *self.is_begun = true;
        self.rest.read(buffer)
    }
}

/// Posts it. Redirects are not followed: another address is the operator's decision.
fn post(request: &Post, within: Duration, redactor: &Redactor) -> Result<Receipt, Fault> {
    let agent = ansai_delivery::agent(&request.url, request.ca_file.as_deref(), within)
        .map_err(|error| Fault::later(error.to_string()))?;
    let mut builder = agent.post(&request.url).header("content-type", "application/json");
    builder = builder.header("content-length", request.body.expose().len().to_string());
    for (name, value) in &request.headers {
        builder = builder.header(name, value);
    }
    let mut is_begun = false;
    let mut body = Body { rest: request.body.expose(), is_begun: &mut is_begun };
    let answer = builder.send(SendBody::from_reader(&mut body));
    match answer {
        Ok(mut answer) => {
            let status = answer.status().as_u16();
            let header = |name| answer.headers().get(name).and_then(|value| value.to_str().ok());
            let after = header("retry-after").and_then(|text| wait(text, now()));
            let mut bytes = Vec::new();
            // The status says what happened. What the server adds to it may be missing.
            let _ = answer.body_mut().as_reader().take(MOST_ANSWER).read_to_end(&mut bytes);
            let words = shown(&String::from_utf8_lossy(&bytes), redactor);
            let colon = if words.is_empty() { "" } else { ": " };
            judged(status, after, format!("the server answered {status}{colon}{words}"))
        }
        Err(error) => {
            let why = ansai_delivery::words(&error, within).to_string();
            Err(if is_begun { Fault::unknown(why) } else { Fault::later(why) })
        }
    }
}

/// What a status means. `why` is the answer in words.
fn judged(status: u16, after: Option<Duration>, why: String) -> Result<Receipt, Fault> {
    match status {
        200..=299 => Ok(Receipt { answer: why }),
        300..=399 => Err(Fault::never(format!("{why}: redirects are not followed"))),
        // About the time, the login or the server, and not about the message: it may be accepted later.
        401 | 403 | 407 | 408 | 421 | 423 | 425 | 429 | 500.. => Err(Fault::Later { after, why }),
        _ => Err(Fault::never(why)),
    }
}

/// The time of day of this host: servers may name an instant to wait for.
fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

/// The wait that a server asks for, within what a channel rests at most.
fn wait(text: &str, now: Timestamp) -> Option<Duration> {
    ansai_delivery::retry_after(text, now).map(|wait| Duration::from(wait).min(MOST_WAIT))
}

/// A token or an id that is safe in a header.
pub(super) fn word(text: &str) -> Result<&str, Fault> {
    let text = text.trim();
    match !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic()) {
        true => Ok(text),
        false => Err(Fault::later("a token must be one word of ASCII")),
    }
}

/// Why a URL is refused; `None` if it is valid. Plain HTTP is for this host only.
pub(in crate::channel) fn wrong_url(url: &str) -> Option<&'static str> {
    if url.len() > MOST_URL || !url.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Some("is too long, or has a space or a character that is not ASCII");
    }
    let Some((scheme, rest)) = url.split_once("://") else { return Some("does not begin with https://") };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.contains('@') {
        return Some("has a user or a password in it");
    }
    if url.contains('#') {
        return Some("has a fragment, which is never sent");
    }
    let host = match authority.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => authority.rsplit_once(':').map_or(authority, |(host, _)| host),
    };
    if host.is_empty() || url.parse::<ureq::http::Uri>().is_err() {
        return Some("has no host");
    }
    match scheme {
        "https" => None,
        "http" if is_local(host) => None,
        "http" => Some("sends in the clear: http is for this host only"),
        _ => Some("does not begin with https://"),
    }
}

/// Whether a host is this one, by its name or address.
pub(in crate::channel) fn is_local(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Scheme and host of a URL. The path of a webhook is often a secret.
pub(in crate::channel) fn shown_url(url: &str) -> String {
    let end = url.find("://").and_then(|start| {
        let rest = start + 3;
        url.get(rest..)?.find(['/', '?', '#']).map(|end| rest + end)
    });
    inert(end.and_then(|end| url.get(..end)).unwrap_or(url), 200)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn what_a_status_means() {
        let kind = |status| match judged(status, None, String::new()) {
            Ok(_) => "accepted",
            Err(Fault::Later { .. }) => "later",
            Err(Fault::Never { .. }) => "never",
            Err(Fault::Unknown { .. }) => "unknown",
        };
        for (status, expected) in [
            (200, "accepted"),
            (204, "accepted"),
            (302, "never"),
            (400, "never"),
            (401, "later"),
            (404, "never"),
            (410, "never"),
            (413, "never"),
            (429, "later"),
            (500, "later"),
            (503, "later"),
        ] {
            assert_eq!(kind(status), expected, "{status}");
        }
    }

    #[test]
    fn waits_are_bounded() {
        let now = Timestamp::from_millis(784_111_777_000);
        assert_eq!(wait("0.5", now), Some(Duration::from_millis(500)));
        assert_eq!(wait("Sun, 06 Nov 1994 08:50:37 GMT", now), Some(Duration::from_secs(60)));
        assert_eq!(wait("99999999999", now), Some(MOST_WAIT));
        assert_eq!(wait("soon", now), None);
    }

    #[test]
    fn urls() {
        for fine in ["https://hooks.example.org/T0/B0", "http://127.0.0.1:8080/x", "http://[::1]/", "http://localhost/"]
        {
            assert_eq!(wrong_url(fine), None, "{fine}");
        }
        for wrong in [
            "",
            "hooks.example.org",
            "ftp://a/",
            "https://",
            "https:///x",
            "http://example.org/",
            "http://127.0.0.1.example.org/",
            "https://user:hunter2@example.org/",
            "https://example.org/#x",
            "https://example.org/a b",
            "https://example.org/\r\nx: y",
        ] {
            assert!(wrong_url(wrong).is_some(), "{wrong}");
        }
        assert_eq!(shown_url("https://hooks.slack.com/services/T0/B0/hunter2"), "https://hooks.slack.com");
        assert_eq!(shown_url("https://hooks.slack.com?hunter2"), "https://hooks.slack.com");
    }
}
