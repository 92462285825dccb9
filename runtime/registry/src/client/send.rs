//! One request with its redirects and its login.

use std::time::{Duration, Instant};

use ansai_http_client::Failure;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ureq::Agent;
use ureq::http::{self, HeaderValue, Method, Uri};
use ureq::unversioned::transport::DefaultConnector;
use zeroize::Zeroizing;

use super::challenge::{Challenge, token_url};
use super::kept::Kept;
use super::place::Forbidden;
use super::{Body, Client};
use crate::{RegistryError, Result};

/// Registries lead to the storage of a cloud, and that to a nearer one.
const MOST_REDIRECTS: usize = 3;
const MOST_TOKEN_BYTES: u64 = 64 << 10;

/// A request to a registry.
pub(crate) struct Request<'a> {
    method: Method,
    url: String,
    /// What a token must permit: `repository:acme/web:pull`. Empty for nothing.
    scope: &'a str,
    accept: &'a str,
    /// With its media type.
    body: Option<(&'a [u8], &'a str)>,
    limit: Duration,
}

impl<'a> Request<'a> {
    pub(crate) fn get(url: &str, scope: &'a str, limit: Duration) -> Request<'a> {
        Request { method: Method::GET, url: url.to_owned(), scope, accept: "*/*", body: None, limit }
    }

    pub(crate) fn method(self, method: Method) -> Request<'a> {
        Request { method, ..self }
    }

    pub(crate) fn accept(self, accept: &'a str) -> Request<'a> {
        Request { accept, ..self }
    }

    pub(crate) fn body(self, bytes: &'a [u8], media_type: &'a str) -> Request<'a> {
        Request { body: Some((bytes, media_type)), ..self }
    }

    /// What is safe to do again elsewhere.
    fn only_reads(&self) -> bool {
        self.method == Method::GET || self.method == Method::HEAD
    }
}

/// The head of an answer, with its body not read yet.
pub(crate) struct Answer<'a> {
    registry: &'a str,
    /// Whether the registry itself sent it, and not a server that it leads to.
    is_own: bool,
    pub(super) response: http::Response<ureq::Body>,
}

impl Answer<'_> {
    pub(crate) fn status(&self) -> u16 {
        self.response.status().as_u16()
    }

    /// A header, if it is visible ASCII.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.response.headers().get(name)?.to_str().ok()
    }

    pub(crate) fn body(&mut self) -> Result<Body<'_>> {
        let registry = self.registry;
        Body::of(registry, self)
    }

    /// The error of a status that was not expected.
    pub(crate) fn unexpected(&self) -> RegistryError {
        match self.status() {
            401 | 403 => RegistryError::Login(self.registry.to_owned()),
            status => RegistryError::answer(self.registry, format!("status {status}")),
        }
    }
}

impl Client {
    /// Sends a request, as whom the registry wants, and follows where it leads.
    pub(crate) fn send(&self, request: &Request<'_>) -> Result<Answer<'_>> {
        let began = Instant::now();
        let answer = self.follow(request, self.known_authorization(request.scope), began)?;
        // Only the registry itself may name the server that gets the login.
        if answer.status() != 401 || !answer.is_own {
            return Ok(answer);
        }
        let headers = answer.response.headers().get_all("www-authenticate").iter();
        let Some(challenge) = Challenge::of(headers.filter_map(|value| value.to_str().ok())) else { return Ok(answer) };
        let Some(authorization) = self.authorization(&challenge, request.scope, began, request.limit)? else {
            return Ok(answer);
        };
        let answer = self.follow(request, Some(authorization.clone()), began)?;
        if answer.status() != 401 {
            self.remember_authorization(request.scope, &authorization);
        }
        Ok(answer)
    }

    fn follow(&self, request: &Request<'_>, authorization: Option<HeaderValue>, began: Instant) -> Result<Answer<'_>> {
        let mut uri = self.uri(&request.url)?;
        for _ in 0..=MOST_REDIRECTS {
            let left = request.limit.saturating_sub(began.elapsed());
            // Nobody else gets to know who asks.
            let is_own = self.is_registry(&uri);
            let authorization = authorization.clone().filter(|_| is_own);
            let response = self.once(request, &uri, authorization, left)?;
            let answer = Answer { registry: self.registry(), is_own, response };
            let leads = matches!(answer.status(), 301 | 302 | 303 | 307 | 308) && request.only_reads();
            match answer.header("location").filter(|_| leads) {
                Some(location) => uri = self.resolve(&uri, location)?,
                None if leads => return Err(RegistryError::answer(self.registry(), "a redirect to nowhere")),
                None => return Ok(answer),
            }
        }
        Err(RegistryError::redirect(self.registry(), &uri.to_string(), "too many redirects"))
    }

    fn once(
        &self,
        request: &Request<'_>,
        uri: &Uri,
        authorization: Option<HeaderValue>,
        left: Duration,
    ) -> Result<http::Response<ureq::Body>> {
        if left.is_zero() {
            return Err(RegistryError::TimeLimit(self.registry().to_owned()));
        }
        let builder = http::Request::builder().method(request.method.clone()).uri(uri.clone());
        let builder = builder.header("accept-encoding", "identity").header("accept", request.accept);
        let builder = authorization.into_iter().fold(builder, |builder, value| builder.header("authorization", value));
        let invalid = |_| RegistryError::answer(self.registry(), "an address that cannot be used");
        let (body, builder) = match request.body {
            Some((bytes, media_type)) => (Some(bytes), builder.header("content-type", media_type)),
            None => (None, builder),
        };
        let sent = match (self.is_registry(uri), body) {
            (true, body) => {
                let fresh = (!request.only_reads()).then(|| Kept::new(&self.places, self.tls.as_ref()));
                fresh.as_ref().unwrap_or(&self.kept).run(&builder.body(()).map_err(invalid)?, body, left)
            }
            (false, Some(bytes)) => self.elsewhere(left).run(builder.body(bytes).map_err(invalid)?),
            (false, None) => self.elsewhere(left).run(builder.body(()).map_err(invalid)?),
        };
        sent.map_err(|error| self.failed(&error, uri))
    }

    /// For one request to where the registry leads.
    fn elsewhere(&self, limit: Duration) -> Agent {
        let config = ansai_http_client::config(limit, self.tls.clone(), None);
        Agent::with_parts(config, DefaultConnector::default(), self.places.resolver(false))
    }

    fn failed(&self, error: &ureq::Error, uri: &Uri) -> RegistryError {
        let registry = self.registry().to_owned();
        if let ureq::Error::Other(inner) = error
            && let Some(forbidden) = inner.downcast_ref::<Forbidden>()
        {
            return match forbidden {
                Forbidden::Plain => RegistryError::Plain(registry),
                Forbidden::Closer => RegistryError::redirect(
                    &registry,
                    uri.host().unwrap_or_default(),
                    "address is private, local or reserved, and the registry's is not",
                ),
            };
        }
        match Failure::from(error) {
            Failure::TimeLimit => RegistryError::TimeLimit(registry),
            Failure::NotSent(why) => RegistryError::Unreachable { registry, why },
            Failure::NoAnswer(why) if matches!(error, ureq::Error::Io(_)) => {
                RegistryError::Unreachable { registry, why }
            }
            Failure::NoAnswer(why) => RegistryError::answer(&registry, why),
        }
    }

    /// The value of `Authorization` that the registry wants; `None` if that needs a login, and there is none.
    fn authorization(
        &self,
        challenge: &Challenge,
        scope: &str,
        began: Instant,
        limit: Duration,
    ) -> Result<Option<HeaderValue>> {
        let basic = self.basic()?;
        let Challenge::Bearer { realm, service } = challenge else { return Ok(basic) };
        // The scope is ours: a registry could ask for a token that may do more.
        let uri = self.uri(&token_url(realm, service.as_deref(), scope))?;
        let left = limit.saturating_sub(began.elapsed());
        let response = self.once(&Request::get("", "", left), &uri, basic, left)?;
        let mut answer = Answer { registry: self.registry(), is_own: self.is_registry(&uri), response };
        if answer.status() != 200 {
            return Err(answer.unexpected());
        }
        let bytes = Zeroizing::new(answer.body()?.read("a token", MOST_TOKEN_BYTES)?);
        let no_token = || RegistryError::answer(self.registry(), "no token where one was promised");
        let json: serde_json::Value = serde_json::from_slice(&bytes).map_err(|_| no_token())?;
        let token = json.get("token").or_else(|| json.get("access_token")).and_then(serde_json::Value::as_str);
        sensitive(&format!("Bearer {}", token.ok_or_else(no_token)?)).ok_or_else(no_token).map(Some)
    }

    fn basic(&self) -> Result<Option<HeaderValue>> {
        let Some(login) = &self.login else { return Ok(None) };
        let plain = Zeroizing::new(format!("{}:{}", login.user, login.secret.as_str()));
        let text = Zeroizing::new(format!("Basic {}", STANDARD.encode(plain.as_bytes())));
        Ok(sensitive(&text))
    }

    /// An address of the registry, or one that it gave. It has the scheme of the registry, and no user.
    fn uri(&self, text: &str) -> Result<Uri> {
        let wrong = |why| RegistryError::redirect(self.registry(), text, why);
        let uri: Uri = text.parse().map_err(|_| wrong("that is not an address"))?;
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        if uri.scheme_str() != Some(scheme) {
            return Err(wrong("its scheme is not that of the registry"));
        }
        match uri.authority() {
            Some(authority) if !authority.as_str().contains('@') => Ok(uri),
            _ => Err(wrong("it names a user or no host")),
        }
    }

    /// A location that an answer from `base` names.
    pub(crate) fn resolve(&self, base: &Uri, location: &str) -> Result<Uri> {
        if location.starts_with('/') && !location.starts_with("//") {
            let authority = base.authority().map(http::uri::Authority::as_str).unwrap_or_default();
            let scheme = base.scheme_str().unwrap_or_default();
            return self.uri(&format!("{scheme}://{authority}{location}"));
        }
        self.uri(location)
    }

    /// The address of an upload that the registry names.
    pub(crate) fn resolve_own(&self, location: &str) -> Result<String> {
        let base = self.uri(&self.url(""))?;
        self.resolve(&base, location).map(|uri| uri.to_string())
    }

    /// Whether this address is of the registry, with its port or the default one.
    fn is_registry(&self, uri: &Uri) -> bool {
        let default = if self.tls.is_some() { 443 } else { 80 };
        let (host, port) = match self.registry().split_once(':') {
            Some((host, port)) => (host, port.parse().unwrap_or(default)),
            None => (self.registry(), default),
        };
        uri.host().is_some_and(|found| found.eq_ignore_ascii_case(host)) && uri.port_u16().unwrap_or(default) == port
    }
}

fn sensitive(text: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}
