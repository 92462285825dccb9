//! Requests to one registry: where they may go, as whom, and how much comes back.

mod body;
mod challenge;
mod document;
mod kept;
mod place;
mod send;

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use ureq::http::HeaderValue;
use ureq::tls::{Certificate, TlsConfig};
use zeroize::Zeroizing;

use crate::{RegistryError, Result};

pub(crate) use body::Body;
use kept::Kept;
use place::Places;
pub(crate) use send::{Answer, Request};

/// How long requests may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// A question with a small answer, with its redirects.
    pub answer: Duration,
    /// The transfer of a component, from the first byte to the last one.
    pub content: Duration,
}

/// The most time for answers that belong together, such as the pages of a list, in limits of one answer.
const TOGETHER: u32 = 4;

impl Limits {
    /// The limit of the next one of several answers that belong together, since the first one was asked for.
    pub(crate) fn together(&self, began: Instant) -> Duration {
        self.answer.saturating_mul(TOGETHER).saturating_sub(began.elapsed()).min(self.answer)
    }
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { answer: Duration::from_secs(30), content: Duration::from_secs(600) }
    }
}

/// How a registry is reached.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Connection {
    /// A file with the certificates of its authorities, in PEM; `None` for those that this host trusts.
    pub authorities: Option<PathBuf>,
    /// Without TLS. Only a registry on this machine is used so.
    pub plain: bool,
    /// How long requests may take.
    pub limits: Limits,
}

/// Who asks.
#[derive(Clone)]
pub struct Login {
    /// The user.
    pub user: String,
    /// The password or token.
    pub secret: Zeroizing<String>,
}

/// The secret is not shown.
impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Login").field("user", &self.user).finish_non_exhaustive()
    }
}

/// A client of one registry. It keeps one connection to it.
pub struct Client {
    registry: String,
    tls: Option<TlsConfig>,
    limits: Limits,
    login: Option<Login>,
    places: Places,
    kept: Kept,
    /// What the registry accepted last, with the scope that it was asked for.
    authorization: Mutex<Option<(String, HeaderValue)>>,
}

impl Client {
    /// A client of the registry with this host.
    ///
    /// # Errors
    /// The certificates of its authorities cannot be read.
    pub fn new(registry: &str, connection: &Connection, login: Option<Login>) -> Result<Client> {
        let tls = match connection.plain {
            true => None,
            false => Some(ansai_http_client::tls(&authorities(connection)?)),
        };
        let places = Places::new(connection.plain);
        Ok(Client {
            registry: registry.to_owned(),
            kept: Kept::new(&places, tls.as_ref()),
            places,
            tls,
            limits: connection.limits,
            login,
            authorization: Mutex::new(None),
        })
    }

    /// `registry.example:5000`.
    pub fn registry(&self) -> &str {
        &self.registry
    }

    /// Whether the registry accepts the login, or needs none.
    ///
    /// # Errors
    /// It does not, or does not answer.
    pub fn check_login(&self) -> Result<()> {
        let answer = self.send(&Request::get(&self.url(""), "", self.limits.answer))?;
        match answer.status() {
            200 => Ok(()),
            _ => Err(answer.unexpected()),
        }
    }

    pub(crate) fn has_tls(&self) -> bool {
        self.tls.is_some()
    }

    /// The same client for a registry that another server named: it must not be closer to this machine than that server.
    #[must_use]
    pub fn led_by(self, server: &Client) -> Client {
        let places = self.places.led_by(&server.places);
        // What was connected before was not held to that.
        Client { kept: Kept::new(&places, self.tls.as_ref()), places, ..self }
    }

    pub(crate) fn limits(&self) -> Limits {
        self.limits
    }

    /// The address of something of the registry, below `/v2/`.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}/v2/{path}", self.origin())
    }

    fn origin(&self) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.registry)
    }

    fn known_authorization(&self, scope: &str) -> Option<HeaderValue> {
        let known = self.authorization.lock().unwrap_or_else(PoisonError::into_inner);
        known.as_ref().filter(|(known, _)| known == scope).map(|(_, value)| value.clone())
    }

    fn remember_authorization(&self, scope: &str, value: &HeaderValue) {
        let mut known = self.authorization.lock().unwrap_or_else(PoisonError::into_inner);
        *known = Some((scope.to_owned(), value.clone()));
    }
}

fn authorities(connection: &Connection) -> Result<Vec<Certificate<'static>>> {
    let file = match &connection.authorities {
        Some(file) => file.clone(),
        None => ansai_http_client::trusted_file(PathBuf::from).map_err(RegistryError::Trust)?,
    };
    ansai_http_client::certificates(&file).map_err(RegistryError::Trust)
}
