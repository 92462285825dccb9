//! The Docker API over the socket of an engine; Podman answers it, too. Every answer is bounded in size and time.

mod entries;
mod reply;
mod socket;

use std::io::Read as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use ansai_core::Refusal;
use ansai_core::text::inert;
use ansai_kit::host::Host;
use ansai_kit::redact::Redactor;
use ansai_kit::target::Reach;
use serde::de::DeserializeOwned;
use ureq::http::Response;
use ureq::unversioned::resolver::DefaultResolver;
use ureq::{Agent, Body};

pub(super) use self::entries::Entries;
pub(super) use self::reply::{ContainerLine, ImageDetail, ImageLine, Info, Inspected, VolumeLine, Volumes, instant};
use self::socket::Socket;
use super::KIND;

/// The newest version of the API that is used here, and the oldest.
const NEWEST: Version = Version(1, 44);
const OLDEST: Version = Version(1, 24);
/// One of many things is asked about for so long, so that one that hangs hides no other.
const FOR_ONE: Duration = Duration::from_secs(1);
/// The most bytes of an answer: some thousand containers with their labels.
const MOST_BODY: u64 = 8 << 20;

/// A version of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Version(u16, u16);

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.0, self.1)
    }
}

impl Version {
    fn parse(text: &str) -> Option<Version> {
        let number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit()).then(|| part.parse().ok()).flatten();
        let (major, minor) = text.split_once('.')?;
        Some(Version(number(major)?, number(minor)?))
    }
}

/// An engine, with the version of its API that both sides know.
#[derive(Debug, Clone)]
pub(super) struct Engine {
    /// The name of its target.
    pub(super) target: String,
    pub(super) is_podman: bool,
    /// Its own version, as a person reads it.
    pub(super) version: String,
    socket: PathBuf,
    api: Version,
    until: Instant,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Method {
    Get,
    Post,
    Delete,
}

/// Why a call has no good answer.
#[derive(Debug)]
pub(super) enum Failed {
    /// It did not reach the engine, so nothing was done.
    NotSent(Refusal),
    /// It may have reached it.
    NoAnswer(Refusal),
    /// The engine said no: the status, and its words.
    Status(u16, String),
}

impl Failed {
    /// As a refusal of a probe, of something with this name.
    pub(super) fn refusal(self, what: &str) -> Refusal {
        match self {
            Failed::NotSent(refusal) | Failed::NoAnswer(refusal) => refusal,
            Failed::Status(404, _) => Refusal::NotFound(format!("{what}: the engine does not have it")),
            Failed::Status(409, words) => Refusal::Busy(format!("{what}: {words}")),
            Failed::Status(status, words) => Refusal::Unavailable(format!("{what}: status {status}: {words}")),
        }
    }

    /// Whether the engine may be at it.
    pub(super) fn may_be_done(&self) -> bool {
        matches!(self, Failed::NoAnswer(_))
    }
}

impl Engine {
    /// The engine of a target, which is asked for its version. All calls together take at most this long.
    ///
    /// # Errors
    /// The instance may not use the target, it is none of this kind, or its engine does not answer.
    pub(super) fn of(host: &Host, reach: &Reach, target: &str, limit: Duration) -> Result<Engine, Refusal> {
        let access = reach.target(target)?;
        if access.target.kind != KIND {
            return Err(Refusal::Unsupported(format!("target `{target}` is not of the kind `{KIND}`")));
        }
        let path = access.address.as_deref().and_then(|address| address.strip_prefix("unix:"));
        // As in DOCKER_HOST, `unix:///PATH`.
        let path = path.map(|path| path.strip_prefix("//").filter(|rest| rest.starts_with('/')).unwrap_or(path));
        let path = path.ok_or_else(|| {
            let why = format!("target `{target}` needs the address of a socket, such as `unix:/run/docker.sock`");
            Refusal::Unsupported(why)
        })?;
        let until = Instant::now() + limit;
        let (socket, target) = (host.path(path), target.to_owned());
        let unknown = Engine { target, is_podman: false, version: String::new(), socket, api: OLDEST, until };
        unknown.negotiated()
    }

    fn negotiated(self) -> Result<Engine, Refusal> {
        let what = format!("target `{}`", self.target);
        let answer = self.body(Method::Get, "/version").map_err(|failed| failed.refusal(&what))?;
        let reply: reply::Versions = self.read(&answer)?;
        let invalid = || Refusal::Unsupported(format!("{what} does not say which version of the Docker API it speaks"));
        let newest = Version::parse(&reply.api_version).ok_or_else(invalid)?;
        let oldest = Version::parse(&reply.min_api_version).unwrap_or(OLDEST);
        let api = newest.min(NEWEST);
        if api < oldest.max(OLDEST) {
            let why = format!("{what} speaks versions {oldest} to {newest} of the Docker API");
            return Err(Refusal::Unsupported(format!("{why}, ansai {OLDEST} to {NEWEST}")));
        }
        let is_podman = reply.components.iter().any(|one| one.name.starts_with("Podman"));
        Ok(Engine { api, is_podman, version: inert(&reply.version, 80), ..self })
    }

    /// The same with other time.
    pub(super) fn within(&self, limit: Duration) -> Engine {
        Engine { until: Instant::now() + limit, ..self.clone() }
    }

    /// The same for one of many things: at most 1 s of the time that is left.
    pub(super) fn for_one(&self) -> Engine {
        Engine { until: self.until.min(Instant::now() + FOR_ONE), ..self.clone() }
    }

    pub(super) fn is_late(&self) -> bool {
        Instant::now() >= self.until
    }

    /// Whether the API has what this version of it brought.
    pub(super) fn has(&self, major: u16, minor: u16) -> bool {
        self.api >= Version(major, minor)
    }

    /// Reads something: `get("/info")`.
    pub(super) fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Failed> {
        let answer = self.body(Method::Get, &self.versioned(path))?;
        self.read(&answer).map_err(Failed::NoAnswer)
    }

    /// Tells the engine to do something, and reads no more of its answer than that it is done.
    pub(super) fn tell(&self, method: Method, path: &str) -> Result<(), Failed> {
        self.body(method, &self.versioned(path)).map(drop)
    }

    /// The first bytes of an answer that is no JSON.
    pub(super) fn beginning(&self, path: &str, most: u64) -> Result<Vec<u8>, Failed> {
        let mut body = Vec::new();
        let answer = self.send(Method::Get, &self.versioned(path))?;
        let read = answer.into_body().into_reader().take(most).read_to_end(&mut body);
        // What was cut is still of use.
        read.map(|_| ()).or_else(|error| if body.is_empty() { Err(self.cut(&error)) } else { Ok(()) })?;
        Ok(body)
    }

    fn versioned(&self, path: &str) -> String {
        format!("/v{}{path}", self.api)
    }

    fn body(&self, method: Method, path: &str) -> Result<Vec<u8>, Failed> {
        let answer = self.send(method, path)?;
        let mut body = Vec::new();
        answer
            .into_body()
            .into_reader()
            .take(MOST_BODY + 1)
            .read_to_end(&mut body)
            .map_err(|error| self.cut(&error))?;
        match u64::try_from(body.len()) {
            Ok(..=MOST_BODY) => Ok(body),
            _ => Err(Failed::NoAnswer(Refusal::Unavailable(format!(
                "the answer of target `{}` is larger than {} MiB",
                self.target,
                MOST_BODY >> 20
            )))),
        }
    }

    fn send(&self, method: Method, path: &str) -> Result<Response<Body>, Failed> {
        let left = self.until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(Failed::NotSent(Refusal::TimedOut(format!("no time is left for target `{}`", self.target))));
        }
        let stream = socket::connect(&self.socket).map_err(|error| Failed::NotSent(self.unreachable(&error)))?;
        let settings = ansai_http_client::config(left, None, None);
        let agent = Agent::with_parts(settings, Socket::new(stream), DefaultResolver::default());
        // The address is that of loopback, so that nothing is resolved; the connection is there already.
        let url = format!("http://127.0.0.1{path}");
        let answer = match method {
            Method::Get => agent.get(&url).call(),
            Method::Post => agent.post(&url).send_empty(),
            Method::Delete => agent.delete(&url).call(),
        };
        let answer = answer.map_err(|error| Failed::NoAnswer(self.words(&error)))?;
        match answer.status().as_u16() {
            200..=299 | 304 => Ok(answer),
            status => {
                let mut body = Vec::new();
                // Without words, the status still tells.
                let _ = answer.into_body().into_reader().take(16 << 10).read_to_end(&mut body);
                let words = serde_json::from_slice::<reply::Message>(&body).map(|one| one.message).unwrap_or_default();
                Err(Failed::Status(status, inert(&Redactor::new().redact(&words).text, 300)))
            }
        }
    }

    fn read<T: DeserializeOwned>(&self, body: &[u8]) -> Result<T, Refusal> {
        serde_json::from_slice(body).map_err(|_| {
            Refusal::Unavailable(format!("the answer of target `{}` is not as the Docker API has it", self.target))
        })
    }

    fn unreachable(&self, error: &std::io::Error) -> Refusal {
        let why = match error.kind() {
            std::io::ErrorKind::NotFound => "its socket does not exist".to_owned(),
            std::io::ErrorKind::ConnectionRefused => "nothing listens on its socket".to_owned(),
            std::io::ErrorKind::WouldBlock => "it accepts no connections".to_owned(),
            _ => error.to_string(),
        };
        Refusal::Unavailable(format!("target `{}`: {why}", self.target))
    }

    fn cut(&self, error: &std::io::Error) -> Failed {
        Failed::NoAnswer(match error.get_ref().and_then(|inner| inner.downcast_ref::<ureq::Error>()) {
            Some(inner) => self.words(inner),
            None if matches!(error.kind(), std::io::ErrorKind::TimedOut | std::io::ErrorKind::WouldBlock) => {
                self.late()
            }
            None => Refusal::Unavailable(format!("the answer of target `{}` is cut", self.target)),
        })
    }

    fn words(&self, error: &ureq::Error) -> Refusal {
        let why = match error {
            ureq::Error::Timeout(_) => return self.late(),
            ureq::Error::Io(error) if error.kind() == std::io::ErrorKind::TimedOut => return self.late(),
            ureq::Error::LargeResponseHeader(..) => "its headers are too large",
            ureq::Error::Protocol(_) | ureq::Error::Http(_) => "what it sent is not HTTP",
            ureq::Error::Io(_) => "it closed the connection",
            _ => "the request failed",
        };
        Refusal::Unavailable(format!("target `{}`: {why}", self.target))
    }

    fn late(&self) -> Refusal {
        Refusal::TimedOut(format!("target `{}` did not answer in time", self.target))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_numbers() {
        assert_eq!(Version::parse("1.41"), Some(Version(1, 41)));
        assert!(Version(1, 9) < Version(1, 24));
        for bad in ["", "1", "1.", ".1", "1.41/../x", "1.4 1", "1.99999999", "-1.2", "+1.2", "1.41.2"] {
            assert_eq!(Version::parse(bad), None, "{bad}");
        }
    }
}
