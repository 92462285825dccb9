//! The certificates that the host trusts.

use ansai_core::Refusal;
use ansai_http_client::{NoTrust, trust, trusted_file};
use ansai_kit::host::Host;
use ureq::tls::TlsConfig;

/// TLS with the certificates of the host, as they are now.
///
/// # Errors
/// The host has none, or they cannot be read.
pub(crate) fn config(host: &Host) -> Result<TlsConfig, Refusal> {
    trusted_file(|path| host.path(path)).and_then(|file| trust(&file)).map_err(|error| match error {
        NoTrust::NoFile => Refusal::Unsupported(error.to_string()),
        NoTrust::Unreadable(file, error) => Refusal::io(file.display(), &error),
        NoTrust::Empty(_) => Refusal::Unavailable(error.to_string()),
    })
}
