//! The connection to the registry itself, which is kept between requests: a policy with three signatures needs ten of them.
//! Connections to where it leads are not kept, because what is permitted there depends on what is known of the registry by then.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use ureq::tls::TlsConfig;
use ureq::unversioned::transport::DefaultConnector;
use ureq::{Agent, Error, http};

use super::place::Places;

/// The kept connection.
#[derive(Debug)]
pub(super) struct Kept {
    agent: Agent,
    /// Whether a request was answered: then the next one may find a connection that the registry has closed meanwhile.
    is_used: AtomicBool,
}

impl Kept {
    pub(super) fn new(places: &Places, tls: Option<&TlsConfig>) -> Kept {
        let (config, connector) = (ansai_http_client::keeping(tls.cloned()), DefaultConnector::default());
        let agent = Agent::with_parts(config, connector, places.resolver(true));
        Kept { agent, is_used: AtomicBool::new(false) }
    }

    /// Sends a request, with a body if there is one. It is sent once more if the connection was closed, so one that writes needs
    /// a connection that was not used before.
    pub(super) fn run(
        &self,
        request: &http::Request<()>,
        body: Option<&[u8]>,
        limit: Duration,
    ) -> Result<http::Response<ureq::Body>, Error> {
        let (was_used, began) = (self.is_used.load(Ordering::Relaxed), Instant::now());
        let sent = match self.once(request.clone(), body, limit) {
            Err(Error::Io(_)) if was_used => self.once(request.clone(), body, limit.saturating_sub(began.elapsed())),
            sent => sent,
        };
        if sent.is_ok() {
            self.is_used.store(true, Ordering::Relaxed);
        }
        sent
    }

    fn once(
        &self,
        request: http::Request<()>,
        body: Option<&[u8]>,
        limit: Duration,
    ) -> Result<http::Response<ureq::Body>, Error> {
        let limit = Some(limit);
        match body {
            Some(bytes) => {
                let request = request.map(|()| bytes);
                self.agent.run(self.agent.configure_request(request).timeout_global(limit).build())
            }
            None => self.agent.run(self.agent.configure_request(request).timeout_global(limit).build()),
        }
    }
}
