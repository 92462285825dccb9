//! What a request to a web server needs: a client, the certificates to trust, and a token.
#![expect(clippy::disallowed_methods, reason = "the adapter to the token")]

use std::io::Read as _;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use ansai_http_client::Failure;
use ansai_kit::{authorities, passed};
use ansai_storage::{TrustError, Trusted};
use rustix::fs::OFlags;
use ureq::tls::Certificate;

use super::SendError;

const MOST_TOKEN: u64 = 4096;

/// A client for one request to a URL: no redirects, no proxy, no reused connections, and `limit` for all of it. An error
/// status is an answer like any other.
///
/// # Errors
/// The certificates cannot be read.
pub fn agent(url: &str, ca_file: Option<&Path>, limit: Duration) -> Result<ureq::Agent, SendError> {
    let tls = url.starts_with("https://").then(|| roots(ca_file).map(|roots| ansai_http_client::tls(&roots)));
    Ok(ansai_http_client::agent(ansai_http_client::config(limit, tls.transpose()?, None)))
}

/// The certificates of the operator's file, or else of the system.
///
/// # Errors
/// There are none, another user can change the file, or the system refuses.
pub fn roots(own: Option<&Path>) -> Result<Vec<Certificate<'static>>, SendError> {
    let path = match own {
        // Who passed the content has checked the file.
        Some(path) if passed::content_of(path).is_some() => path.to_owned(),
        own => roots_file(own)?,
    };
    ansai_http_client::certificates(&path).map_err(|error| SendError::Certificates(error.to_string()))
}

/// The operator's file of certificates, or else that of the system, if no other user can change it.
///
/// # Errors
/// There is none, or another user can change it.
pub fn roots_file(own: Option<&Path>) -> Result<PathBuf, SendError> {
    let none = || SendError::Certificates("none found on this host: name a file as `ca_file`".to_owned());
    let path = match own {
        Some(path) => path.to_owned(),
        None => authorities::file(PathBuf::from).ok_or_else(none)?,
    };
    nobody_else_changes(&path).map_err(|why| SendError::Certificates(format!("{}: {why}", path.display())))?;
    Ok(path)
}

/// Reads the token from a file that only its owner can access.
pub(super) fn token(path: &Path) -> Result<String, SendError> {
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
    match Failure::from(error) {
        Failure::TimeLimit => SendError::TimeLimit(limit),
        Failure::NotSent(why) | Failure::NoAnswer(why) => SendError::Http(why),
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
