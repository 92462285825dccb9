//! Posts a message to a web server. Sends nothing else, reads only the status of the answer, and follows no redirects.
#![expect(clippy::disallowed_methods, reason = "the adapter to token and certificates")]

use std::io::Read as _;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ansai_kit::authorities;
use ansai_storage::{TrustError, Trusted};
use rustix::fs::OFlags;
use ureq::config::{AutoHeaderValue, IpFamily};
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};

use super::SendError;
use crate::message::Message;
use crate::target::UrlTarget;

const MOST_TOKEN: u64 = 4096;
const MOST_CERTIFICATES: u64 = 4 << 20;
const MOST_HEADER: usize = 16 << 10;

/// Posts the message. A status from 200 to 299 is success; the body of the answer is not read.
pub(super) fn post(target: &UrlTarget, message: &Message, limit: Duration) -> Result<(), SendError> {
    let agent = agent(&target.url, target.ca_file.as_deref(), limit)?;
    let mut request = agent.post(&target.url).header("content-type", &message.content_type);
    if let Some(path) = &target.token_file {
        request = request.header("authorization", format!("Bearer {}", token(path)?));
    }
    // The library's error messages may contain the URL, and with it a secret.
    let answer = request.send(message.body.as_slice()).map_err(|error| words(&error, limit))?;
    match answer.status().as_u16() {
        200..=299 => Ok(()),
        redirect @ 300..=399 => Err(SendError::Redirect(redirect)),
        status => Err(SendError::Status(status)),
    }
}

/// A client for one request to a URL: no redirects, no proxy, no reused connections, and `limit` for all of it. An error
/// status is an answer like any other.
///
/// # Errors
/// The certificates cannot be read.
pub fn agent(url: &str, ca_file: Option<&Path>, limit: Duration) -> Result<ureq::Agent, SendError> {
    let builder = ureq::Agent::config_builder()
        .timeout_global(Some(limit))
        .max_redirects(0)
        .max_redirects_will_error(false)
        .http_status_as_error(false)
        .max_response_header_size(MOST_HEADER)
        .max_idle_connections(0)
        // Ignore the proxy from the environment: messages go only where the configuration says.
        .proxy(None)
        .ip_family(IpFamily::Any)
        .user_agent(AutoHeaderValue::Provided(Arc::new(concat!("ansai/", env!("CARGO_PKG_VERSION")).to_owned())))
        .accept(AutoHeaderValue::None);
    if !url.starts_with("https://") {
        return Ok(ureq::Agent::new_with_config(builder.build()));
    }
    let tls = TlsConfig::builder()
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .root_certs(RootCerts::new_with_certs(&roots(ca_file)?))
        .build();
    Ok(ureq::Agent::new_with_config(builder.https_only(true).tls_config(tls).build()))
}

/// The certificates of the operator's file, or else of the system.
///
/// # Errors
/// There are none, another user can change the file, or the system refuses.
pub fn roots(own: Option<&Path>) -> Result<Vec<Certificate<'static>>, SendError> {
    let none = || SendError::Certificates("none found on this host: name a file as `ca_file`".to_owned());
    let path = match own {
        Some(path) => path.to_owned(),
        None => authorities::file(PathBuf::from).ok_or_else(none)?,
    };
    let wrong = |why: String| SendError::Certificates(format!("{}: {why}", path.display()));
    nobody_else_changes(&path).map_err(wrong)?;
    let mut text = Vec::new();
    let opened = std::fs::File::open(&path).and_then(|file| file.take(MOST_CERTIFICATES).read_to_end(&mut text));
    opened.map_err(|error| wrong(error.to_string()))?;
    let found: Vec<Certificate<'static>> = parse_pem(&text)
        .filter_map(|item| match item {
            Ok(PemItem::Certificate(certificate)) => Some(certificate),
            _ => None,
        })
        .collect();
    if found.is_empty() {
        return Err(wrong("no certificate in it".to_owned()));
    }
    Ok(found)
}

/// Reads the token from a file that only its owner can access.
fn token(path: &Path) -> Result<String, SendError> {
    let wrong = |why: String| SendError::Token { path: path.to_owned(), why };
    let flags = OFlags::NONBLOCK.bits().cast_signed();
    let file = std::fs::OpenOptions::new().read(true).custom_flags(flags).open(path);
    let file = file.map_err(|error| wrong(error.to_string()))?;
    let metadata = file.metadata().map_err(|error| wrong(error.to_string()))?;
    if !metadata.is_file() {
        return Err(wrong("not a regular file".to_owned()));
    }
    if metadata.uid() != 0 && metadata.uid() != rustix::process::geteuid().as_raw() {
        return Err(wrong(format!("owned by user {}", metadata.uid())));
    }
    if metadata.mode() & 0o077 != 0 {
        let mode = metadata.mode() & 0o7777;
        return Err(wrong(format!("others can read or write it (mode {mode:04o}): run chmod 600")));
    }
    nobody_else_changes(path).map_err(wrong)?;
    let mut text = String::new();
    file.take(MOST_TOKEN).read_to_string(&mut text).map_err(|error| wrong(error.to_string()))?;
    let text = text.trim();
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(wrong("must be one word of ASCII".to_owned()));
    }
    Ok(text.to_owned())
}

/// Refuses a file that another user can change, or a directory above it.
fn nobody_else_changes(path: &Path) -> Result<(), String> {
    match Trusted::open(path) {
        Ok(_) => Ok(()),
        Err(TrustError::Untrusted((problem, _))) => Err(problem),
        Err(TrustError::Access(error)) => Err(error.to_string()),
    }
}

/// The error of a request in words without the URL, which may be a secret.
pub fn words(error: &ureq::Error, limit: Duration) -> SendError {
    match error {
        ureq::Error::Timeout(_) => SendError::TimeLimit(limit),
        ureq::Error::Io(error) if error.kind() == std::io::ErrorKind::TimedOut => SendError::TimeLimit(limit),
        ureq::Error::Io(error) => SendError::Http(format!("no answer: {error}")),
        ureq::Error::HostNotFound => SendError::Http("the host has no address".to_owned()),
        ureq::Error::ConnectionFailed => SendError::Http("the server cannot be reached".to_owned()),
        ureq::Error::Rustls(error) => SendError::Http(format!("TLS: {error}")),
        ureq::Error::LargeResponseHeader(..) => SendError::Http("the answer is too large".to_owned()),
        ureq::Error::Protocol(_) | ureq::Error::Http(_) => SendError::Http("the answer is not HTTP".to_owned()),
        _ => SendError::Http("the request failed".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    /// Would break: a check of the file alone. Who can write a directory above can put another token there.
    #[test]
    fn a_token_below_a_directory_that_others_can_write_is_refused() {
        let place = tempfile::tempdir().unwrap();
        let (above, file) = (place.path().join("above"), place.path().join("above/token"));
        std::fs::create_dir(&above).unwrap();
        std::fs::write(&file, "word\n").unwrap();
        let permit = |path, mode| std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
        permit(&file, 0o600);
        permit(&above, 0o757);
        let refused = token(&file).unwrap_err().to_string();
        assert!(refused.contains("above is writable by other users"), "{refused}");
        permit(&above, 0o755);
        assert_eq!(token(&file).unwrap(), "word");
    }
}
