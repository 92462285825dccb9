//! One request to an authority.

use std::io::Read as _;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use ansai_certificates::client::{self, Opening, host_of, is_special};
use ansai_core::scope::canonical_endpoint;
use ansai_core::text::inert;
use ansai_core::{Millis, Refusal};
use ansai_http_client::{Failure, MOST_HEADERS, is_time_limit};
use ansai_kit::host::ProbeContext;
use ureq::Agent;
use ureq::http::Uri;

use super::recent::Requests;
use crate::addresses::Pinned;
use crate::certificate::ENDPOINTS;
use crate::http::trust;

/// The most bytes of a body. A directory has about 1,000.
const MOST_BODY: u64 = 64 << 10;

/// The requests of the last minute.
static REQUESTS: Requests = Requests::new();

/// The server of an authority.
pub(super) struct Origin {
    endpoint: client::Endpoint,
    /// The one spelling of `HOST:PORT`, by which its requests are counted.
    pub(super) name: String,
    /// Without brackets.
    pub(super) host: String,
    pub(super) port: u16,
}

impl Origin {
    /// Reads `HOST:PORT`.
    pub(super) fn read(address: &str) -> Result<Origin, Refusal> {
        let invalid = || Refusal::Invalid(format!("`{}` is not HOST:PORT", inert(address, 100)));
        let host = host_of(address)?;
        let port = address.rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok()).filter(|port| *port > 0);
        let is_host = host.parse::<IpAddr>().is_ok()
            || host.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'.' || c == b'-' || c == b'_');
        let port = port.filter(|_| is_host).ok_or_else(invalid)?;
        let name = canonical_endpoint(address).map_err(|_| invalid())?;
        let endpoint = client::Endpoint { address: address.into(), server_name: String::new(), opening: Opening::Tls };
        Ok(Origin { host: host.to_owned(), port, endpoint, name })
    }

    /// Where its name leads now. The request goes to these addresses only. A special one needs a grant that names it.
    pub(super) fn addresses(&self, ask: &ProbeContext<'_>, limit: Duration) -> Result<Vec<SocketAddr>, Refusal> {
        let mut denied = Refusal::Unavailable("its name has no address".into());
        let mut permitted = Vec::new();
        for address in client::addresses(&self.endpoint.address, limit)? {
            match is_special(address.ip()).then(|| client::permit(ask.scope, &ENDPOINTS, &self.endpoint, address)) {
                Some(Err(refusal)) => denied = refusal,
                _ => permitted.push(address),
            }
        }
        if permitted.is_empty() { Err(denied) } else { Ok(permitted) }
    }
}

/// An answer.
pub(super) struct Fetched {
    pub(super) status: u16,
    pub(super) body: Vec<u8>,
    pub(super) retry_after: Option<Millis>,
}

/// Sends GET to one of these addresses within the time of the call, with the authorities that this host trusts.
pub(super) fn fetch(
    ask: &ProbeContext<'_>,
    origin: &Origin,
    addresses: &[SocketAddr],
    path: &str,
) -> Result<Fetched, Refusal> {
    let over = || Refusal::TimedOut("it did not answer in time".into());
    let tls = trust::config(ask.host)?;
    let left = ask.deadline.remaining();
    if left.is_zero() {
        return Err(over());
    }
    let shown = if origin.host.contains(':') { format!("[{}]", origin.host) } else { origin.host.clone() };
    let uri: Uri = format!("https://{shown}:{}{path}", origin.port)
        .parse()
        .map_err(|_| Refusal::Invalid("this is not a path of a server".into()))?;
    REQUESTS.count(&origin.name, Instant::now())?;
    let agent = Agent::with_parts(
        ansai_http_client::config(left, Some(tls), Some("application/json")),
        ansai_http_client::connector(),
        Pinned(addresses.to_vec()),
    );
    let mut response = agent.get(uri).call().map_err(|error| match Failure::from(&error) {
        Failure::TimeLimit => over(),
        Failure::NotSent(why) | Failure::NoAnswer(why) => match error {
            ureq::Error::LargeResponseHeader(..) => {
                Refusal::Invalid(format!("its headers are larger than {} KiB", MOST_HEADERS >> 10))
            }
            ureq::Error::Protocol(_) | ureq::Error::Http(_) => Refusal::Invalid("what it sent is not HTTP".into()),
            _ => Refusal::Unavailable(why),
        },
    })?;
    let status = response.status().as_u16();
    let header = response.headers().get("retry-after").and_then(|value| value.to_str().ok());
    let retry_after = header.and_then(|text| ansai_http_client::retry_after(text, ask.now));
    let mut body = Vec::new();
    response.body_mut().as_reader().take(MOST_BODY + 1).read_to_end(&mut body).map_err(|error| match is_time_limit(
        &error,
    ) {
        true => over(),
        false => Refusal::Unavailable("its answer ended too early".into()),
    })?;
    match body.len() as u64 > MOST_BODY {
        true => Err(Refusal::Invalid(format!("its answer has more than {} KiB", MOST_BODY >> 10))),
        false => Ok(Fetched { status, body, retry_after }),
    }
}
